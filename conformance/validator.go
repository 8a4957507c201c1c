// The validator: takes events one by one, finds whom each concerns, and keeps the states
// that are possible in each session.

package conformance

import (
	"fmt"
	"net/netip"

	"github.com/a8011091/pegasus-reference/trace"
)

// Validator is a trace.Sink that holds what it is given against the specification. Memory
// grows with the connections that are open, not with the trace.
type Validator struct {
	opts    Options
	specs   []*specification // by rounds, from 1
	x       explorer
	nodes   map[string]*node
	servers map[string]string // node by address
	wires   map[uint64]*wire
	strays  map[uint64]*stray // accepted connections that no client of the trace is known to have dialed
	byKey   map[sessionKey]*tracked
	byAddr  map[string][]*tracked
	others  map[uint64]struct{}     // connections of another protocol
	known   map[sessionKey]struct{} // every session that there was
	calls   map[callKey]string      // rpc of those that have not returned

	lives   *lives   // against model/routing, instead of all the above
	traffic *traffic // the same: where queries and requests go
	crashes *crashes // the same: what a crash takes along
	leaders electorate
	nowNS   int64 // when the last event was
	judged  bool  // the event at hand is held against the specification
	line    int   // of the text that the event at hand is from; 0: none
	result  Result
	full    bool // a session had more states than allowed
	came    bool // a connection came up
}

// node is a process of the trace.
type node struct {
	up, started, refused bool
	listens              string
	shows                fields // of its frames
	firsts, unsaid       bool   // it has said of a direction's first frame that it is; it has not
	principal            string // of a client: as which it is authenticated
}

type callKey struct {
	client string
	op     uint64
}

// New makes a validator. The error is one of the options'.
func New(opts Options) (*Validator, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	v := &Validator{
		opts: opts, nodes: make(map[string]*node), servers: make(map[string]string),
		wires: make(map[uint64]*wire), strays: make(map[uint64]*stray),
		byKey: make(map[sessionKey]*tracked), byAddr: make(map[string][]*tracked), calls: make(map[callKey]string),
		known: make(map[sessionKey]struct{}), others: make(map[uint64]struct{}),
	}
	v.result.Spec = opts.Spec
	if opts.Spec == SpecRouting {
		var err error
		if v.lives, err = newLives(); err == nil {
			v.traffic, err = newTraffic(opts.MaxStates)
		}
		v.crashes, v.leaders = newCrashes(), newElectorate()
		return v, err
	}
	for r := 1; r <= maxRounds; r++ {
		s, err := newSpecification(constants(opts.Server, r))
		if err != nil {
			return nil, fmt.Errorf("validate: %w", err)
		}
		v.specs = append(v.specs, s)
	}
	return v, nil
}

// Emit implements trace.Sink: it takes the next event.
func (v *Validator) Emit(ev *trace.Event) {
	v.judged = false
	v.result.Events++
	ev = withinReach(ev)
	v.pass(ev)
	if v.lives != nil {
		v.live(ev)
	} else {
		v.take(ev)
	}
	if v.judged {
		v.result.Steps++
	} else {
		v.result.Stuttering++
	}
}

// What instants and times are taken for where they are longer, years from now: so that sums
// of them, and tenfold times, are still numbers. A call without a deadline may say the most
// that there is.
const (
	lastInstantNS = 1 << 59
	longestTimeNS = 1 << 58
)

// withinReach is the event with such times.
func withinReach(ev *trace.Event) *trace.Event {
	if ev.AtNS <= lastInstantNS && ev.WithinNS <= longestTimeNS {
		return ev
	}
	bounded := *ev
	bounded.AtNS, bounded.WithinNS = min(ev.AtNS, lastInstantNS), min(ev.WithinNS, longestTimeNS)
	return &bounded
}

// pass has time go by until an event: it never goes back, whoever tells.
func (v *Validator) pass(ev *trace.Event) {
	if ev.AtNS < v.nowNS {
		v.judged = true
		v.record(v.ofTrace(ev, object("T21", "time goes back: the event before this one was at %d ns, this one is at %d ns", v.nowNS, ev.AtNS)))
	}
	v.nowNS = ev.AtNS
}

// live holds an event against model/routing.
func (v *Validator) live(ev *trace.Event) {
	v.leaders.take(v, ev)
	judged, refused := v.lives.take(ev)
	routed, misrouted := v.traffic.take(ev)
	gone, undone := v.crashes.take(ev)
	for _, e := range gone {
		v.lives.crash(e)
	}
	var crashed *Refusal
	if undone != nil {
		crashed = v.traffic.refuse(ev, nil, rowCrashes, undone, nil)
	}
	v.judged = v.judged || judged || routed || undone != nil
	v.result.MostStates = max(v.result.MostStates, v.traffic.most)
	v.came = v.came || judged && ev.Kind == trace.KindFrameOut
	if ev.Kind == trace.KindDial {
		v.result.Connections++
	}
	for _, f := range []*Refusal{crashed, refused, misrouted} {
		if f != nil {
			f.Event, f.Line = v.result.Events, v.line
			v.record(f)
		}
	}
}

func (v *Validator) take(ev *trace.Event) {
	n := v.nodes[ev.Node]
	if n == nil {
		n = &node{}
		v.nodes[ev.Node] = n
	}
	if v.otherProtocol(ev) {
		return
	}
	if n.started && !n.up && ev.Kind != trace.KindNodeUp && !ofKernel(ev.Kind) {
		v.refuseNode(n, ev, object("S37", "%s is down", ev.Node))
		return
	}
	switch ev.Kind {
	case trace.KindNodeUp:
		v.nodeUp(n, ev)
	case trace.KindNodeDown:
		v.nodeDown(n, ev)
	case trace.KindListen:
		v.listen(n, ev)
	case trace.KindDial:
		v.dial(ev)
	case trace.KindAccept:
		v.accept(n, ev)
	case trace.KindBytes:
		v.bytes(ev)
	case trace.KindSession:
		v.told(ev)
	case trace.KindInvoke, trace.KindReturn:
		v.call(n, ev)
	case trace.KindFault:
		if w := v.wires[ev.Conn]; w != nil {
			w.torn = true
		}
	default:
		v.onWire(ev)
	}
}

// ofKernel: what happens to a node also while its process is down.
func ofKernel(k trace.Kind) bool {
	return k == trace.KindNodeUp || k == trace.KindClose || k == trace.KindChallenge || k == trace.KindFault
}

// kerberosPort is where a KDC listens (RFC 4120 section 7.2.3). A client's conversation with
// one is in the trace of a simulated run, and is no session.
const kerberosPort = 88

// otherProtocol says whether an event is of a connection to a KDC.
func (v *Validator) otherProtocol(ev *trace.Event) bool {
	if ev.Kind == trace.KindDial {
		if to, err := netip.ParseAddrPort(ev.Peer); err == nil && to.Port() == kerberosPort {
			v.others[ev.Conn] = struct{}{}
		}
	}
	_, other := v.others[ev.Conn]
	return other && ev.Conn != 0
}

func (v *Validator) nodeUp(n *node, ev *trace.Event) {
	if n.up {
		v.refuseNode(n, ev, object("S39", "%s is up", ev.Node))
	}
	n.up, n.started = true, true
}

func (v *Validator) listen(n *node, ev *trace.Event) {
	switch {
	case !n.up:
		v.refuseNode(n, ev, object("S39", "%s has not started", ev.Node))
	case n.listens != "":
		v.refuseNode(n, ev, object("S39", "%s listens already", ev.Node))
	}
	n.listens = ev.Addr
	v.servers[ev.Addr] = ev.Node
	v.judged = true
	for _, t := range v.byAddr[ev.Addr] {
		v.explain(t, nil, ev, atServer)
	}
}

func (v *Validator) nodeDown(n *node, ev *trace.Event) {
	if !n.up {
		v.refuseNode(n, ev, object("S37", "%s was never started", ev.Node))
	}
	n.up, n.started, n.principal = false, true, ""
	v.judged = true
	if n.listens != "" {
		for _, t := range v.byAddr[n.listens] {
			v.explain(t, nil, ev, atServer)
			t.listening = false
		}
		n.listens = ""
		return
	}
	for key, t := range v.byKey { // a client: its sessions end with it
		if key.client == ev.Node {
			v.end(t)
		}
	}
	for _, w := range v.wires {
		if w.session.client == ev.Node {
			w.clientOver = true
			if w.isOver() {
				v.forget(w)
			}
		}
	}
	for key := range v.calls {
		if key.client == ev.Node {
			delete(v.calls, key)
		}
	}
}

func (v *Validator) bytes(ev *trace.Event) {
	w := v.wires[ev.Conn]
	if w == nil {
		return
	}
	if w.session.client == ev.Node {
		w.atClient.deliver(ev.Size)
	} else {
		w.atServer.deliver(ev.Size)
	}
}

// told takes a state that a client or server tells of.
func (v *Validator) told(ev *trace.Event) {
	if ev.Conn != 0 {
		v.onWire(ev)
		return
	}
	key := sessionKey{ev.Node, v.addressOf(ev.Peer)}
	t := v.byKey[key]
	if t == nil {
		if _, known := v.known[key]; !known && ev.State != closedByUser {
			v.refuseNode(v.nodes[ev.Node], ev, object("S7", "%s has no session with %s", ev.Node, ev.Peer))
		}
		return
	}
	v.explain(t, nil, ev, atClient)
}

// addressOf is the address of a server that a trace names by its node or by its address.
func (v *Validator) addressOf(peer string) string {
	if _, err := netip.ParseAddrPort(peer); err == nil {
		return peer
	}
	for addr, name := range v.servers {
		if name == peer {
			return addr
		}
	}
	return peer
}

// onWire takes an event of a connection.
func (v *Validator) onWire(ev *trace.Event) {
	if ev.Conn == 0 {
		return
	}
	w := v.wires[ev.Conn]
	if w == nil {
		v.onNoWire(ev)
		return
	}
	at := atServer
	if w.session.client == ev.Node {
		at = atClient
	}
	if o := v.misplaced(w, ev, at); o != nil {
		v.refuseNode(v.nodes[ev.Node], ev, o)
		return
	}
	v.explain(w.session, w, ev, at)
	if ev.Kind == trace.KindConnected && at == atClient {
		v.came = true
		v.adopt(w)
	}
	if w.session.over { // nobody has looked at the event
		w.endOf(at, ev.Kind)
	}
	if w.isOver() || w.clientOver && !w.accepted && ev.Kind == trace.KindDialFailed {
		v.forget(w)
	}
}

// forget drops a connection, by the numbers of both of its ends.
func (v *Validator) forget(w *wire) {
	delete(v.wires, w.number)
	if w.accepted {
		delete(v.wires, w.serverNumber)
	}
}

// endOf takes the end of a connection at one side, where the event is that.
func (w *wire) endOf(at side, kind trace.Kind) {
	if kind != trace.KindClose && kind != trace.KindClosed && kind != trace.KindDialFailed {
		return
	}
	if at == atClient {
		w.clientOver = true
	} else {
		w.serverOver = true
	}
}

// isOver says whether nothing can come of the connection any more: a server that is not in
// the trace tells nothing of its end.
func (w *wire) isOver() bool {
	return w.clientOver && (w.serverOver || !w.accepted && !w.session.observed)
}

// misplaced objects to an event whose node, number or address is not the connection's.
func (v *Validator) misplaced(w *wire, ev *trace.Event, at side) *objection {
	switch {
	case at == atServer && w.accepted && (ev.Node != w.server || ev.Conn != w.serverNumber):
		return object("S24", "%s has this connection, as conn %d", w.server, w.serverNumber)
	case at == atClient && ev.Conn != w.number:
		return object("S24", "%s has this connection as conn %d", ev.Node, w.number)
	case at == atClient && ev.Peer != "" && v.addressOf(ev.Peer) != w.session.server:
		return object("S7", "this connection is to %s", w.session.server)
	}
	return nil
}

// onNoWire takes an event of a connection that no client of the trace has dialed.
func (v *Validator) onNoWire(ev *trace.Event) {
	if s := v.strays[ev.Conn]; s != nil {
		if len(s.events) < maxStrayEvents {
			s.events = append(s.events, *ev)
		}
		return
	}
	n := v.nodes[ev.Node]
	if n.listens != "" {
		v.refuseNode(n, ev, object("S21", "%s has not accepted this connection, or has closed it", ev.Node))
		return
	}
	if !n.up && ev.Kind == trace.KindClose {
		return
	}
	v.refuseNode(n, ev, object("S7", "%s has not dialed this connection, or has closed it", ev.Node))
}

// call holds what an application is told against S1 and P4.
func (v *Validator) call(n *node, ev *trace.Event) {
	v.judged = true
	key := callKey{ev.Node, ev.Op}
	rpc, waits := v.calls[key]
	switch {
	case ev.Kind == trace.KindInvoke && waits:
		v.refuseNode(n, ev, object("S1", "call %d has not returned yet", ev.Op))
	case ev.Kind == trace.KindInvoke:
		v.calls[key] = ev.RPC
	case waits && rpc != ev.RPC:
		v.refuseNode(n, ev, object("P4", "call %d is a %s", ev.Op, rpc))
	case !waits:
		v.refuseNode(n, ev, object("P4", "complete-once: call %d was not made, or has returned", ev.Op))
	default:
		delete(v.calls, key)
	}
}

// Result is what has been found so far. A session's close that the trace does not explain
// before it ends counts as refused, and so does a leader that is no server; neither where the
// trace goes on unread.
func (v *Validator) Result() Result {
	if v.result.Stopped == "" {
		v.unexplained()
	}
	r := v.result
	switch {
	case r.First != nil:
		r.Verdict, r.Reason = NotConforming, fmt.Sprintf("event %d: %s: %s", r.First.Event, r.First.Clause, r.First.Why)
	case r.Stopped != "":
		r.Verdict, r.Reason = Inconclusive, r.Stopped
	case v.full:
		r.Verdict, r.Reason = Inconclusive, fmt.Sprintf("more than %d states were possible at once in a session, which was not judged further", v.opts.MaxStates)
	case v.traffic != nil && v.traffic.full:
		r.Verdict, r.Reason = Inconclusive, fmt.Sprintf("more than %d states were possible at once in a client's use of a table, which was not judged further", v.opts.MaxStates)
	case !v.came:
		r.Verdict, r.Reason = Inconclusive, "no client of the trace was ever connected: there is nothing to judge"
		if v.lives != nil {
			r.Reason = "no client of the trace wrote a request that changes anything: there is nothing to judge"
		}
	default:
		r.Verdict, r.Reason = Conforming, "every event is a step of the specification"
	}
	return r
}

// unexplained refuses what waited for the rest of the trace to explain it.
func (v *Validator) unexplained() {
	for _, f := range v.leaders.strangers() {
		v.record(f)
	}
	for _, t := range v.byKey {
		if t.held != nil {
			v.refuse(t, t.held)
		}
	}
}

var _ trace.Sink = (*Validator)(nil)
