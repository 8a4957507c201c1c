// How many writes of each client are at each step of their lives, along a trace.

package conformance

import (
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// lifeKey is whose requests are counted together.
type lifeKey struct{ client, rpc string }

// census is how many requests of one kind are at each step.
type census struct {
	at     [routing.Expired + 1]int
	doubts int // calls that returned before their answers: which frames were theirs is not known
}

// writing is a connection at its client, with the writes on it that wait for an answer.
type writing struct {
	client  string
	waiting map[int32]written // by sequence number
}

// written is a write that waits for its answer.
type written struct {
	rpc            string
	atNS, withinNS int64 // when, and for how long; 0: the trace does not say
}

// lives holds a trace's writes against model/routing.
type lives struct {
	life   life
	counts map[lifeKey]*census
	calls  map[callKey]string
	wires  map[uint64]*writing
}

func newLives() (*lives, error) {
	l, err := newLife()
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	return &lives{life: l, counts: make(map[lifeKey]*census), calls: make(map[callKey]string), wires: make(map[uint64]*writing)}, nil
}

// isWrite says whether model/routing covers a request: reads may be sent again.
func isWrite(rpc string) bool {
	found := protocol.LookupRPC([]byte(rpc))
	return found.IsWrite() && !found.IsOneWay()
}

// take holds one event against the specification; judged is false where it is of no write.
func (l *lives) take(ev *trace.Event) (judged bool, refused *Refusal) {
	w := l.wires[ev.Conn]
	switch ev.Kind {
	case trace.KindDial:
		l.wires[ev.Conn] = &writing{client: ev.Node, waiting: make(map[int32]written)}
	case trace.KindInvoke, trace.KindReturn:
		return l.call(ev)
	case trace.KindFrameOut:
		if w != nil && w.client == ev.Node && isWrite(ev.RPC) {
			w.waiting[ev.Seq] = written{ev.RPC, ev.AtNS, ev.WithinNS}
			return true, l.move(ev, ev.RPC)
		}
	case trace.KindFrameIn:
		if w == nil || w.client != ev.Node || w.waiting[ev.Seq].rpc == "" {
			return false, nil
		}
		rpc := w.waiting[ev.Seq].rpc
		delete(w.waiting, ev.Seq)
		return true, l.move(ev, rpc)
	case trace.KindClose, trace.KindClosed, trace.KindDialFailed:
		if w != nil && w.client == ev.Node {
			delete(l.wires, ev.Conn)
			for _, sent := range w.waiting {
				l.lost(lifeKey{ev.Node, sent.rpc})
			}
			return len(w.waiting) > 0, nil
		}
	case trace.KindNodeDown:
		l.forget(ev.Node)
	}
	return false, nil
}

// crash: a server went down. What it had not answered is lost (R29).
func (l *lives) crash(e *ended) {
	w := l.wires[e.number]
	if w == nil || w.client != e.client {
		return
	}
	for seq, sent := range w.waiting {
		if !e.answered[seq] {
			delete(w.waiting, seq)
			l.lost(lifeKey{w.client, sent.rpc})
		}
	}
}

// forget drops what belongs to a client that is gone.
func (l *lives) forget(client string) {
	for key := range l.counts {
		if key.client == client {
			delete(l.counts, key)
		}
	}
	for key := range l.calls {
		if key.client == client {
			delete(l.calls, key)
		}
	}
	for conn, w := range l.wires {
		if w.client == client {
			delete(l.wires, conn)
		}
	}
}

// call takes what an application asked for, or was told.
func (l *lives) call(ev *trace.Event) (bool, *Refusal) {
	key := callKey{ev.Node, ev.Op}
	rpc, waits := l.calls[key]
	if ev.Kind == trace.KindInvoke {
		if !isWrite(ev.RPC) {
			return false, nil
		}
		if waits {
			return true, l.refuse(ev, ev.RPC, "R1", fmt.Sprintf("call %d has not returned yet", ev.Op))
		}
		l.calls[key] = ev.RPC
		return true, l.move(ev, ev.RPC)
	}
	if !waits {
		if isWrite(ev.RPC) {
			return true, l.refuse(ev, ev.RPC, "Q3", fmt.Sprintf("complete-once: call %d was not made, or has returned", ev.Op))
		}
		return false, nil
	}
	delete(l.calls, key)
	return true, l.move(ev, rpc)
}

// of returns the census of a client's requests of one name.
func (l *lives) of(key lifeKey) *census {
	c := l.counts[key]
	if c == nil {
		c = &census{}
		l.counts[key] = c
	}
	return c
}

// move takes one request along the row's actions. Of several that can go, the one with the
// fewest other ways goes: lost before answered before written.
func (l *lives) move(ev *trace.Event, rpc string) *Refusal {
	r, c := lifeRowOf(ev), l.of(lifeKey{ev.Node, rpc})
	if r == nil {
		return l.refuse(ev, rpc, "R7", fmt.Sprintf("a call does not return %q", ev.State))
	}
	if r.kind == trace.KindInvoke {
		c.at[r.to]++ // one of any number that are not submitted
		return nil
	}
	to := r.to
	for _, actions := range r.actions {
		for _, from := range []routing.Step{routing.Lost, routing.Unrouted, routing.Written, routing.Served, routing.Refused} {
			if c.at[from] > 0 && l.life.walk(from, actions, to) {
				c.at[from]--
				c.at[to]++
				if from == routing.Written && to >= routing.Done && !l.abandons(ev, rpc) {
					c.doubts++
				}
				return nil
			}
		}
	}
	if c.doubts > 0 && (to == routing.Served || to == routing.Refused) {
		return l.swap(c, to)
	}
	return l.refuse(ev, rpc, r.clause, "not so: "+r.demand)
}

// abandons finds the frame of a call that has returned without an answer: the one whose
// time is over just then. Its answer is nobody's, should it come. False where no frame says
// so, or two say so alike.
func (l *lives) abandons(ev *trace.Event, rpc string) bool {
	var of *writing
	var seq int32
	closest, alike := int64(never), false
	for _, w := range l.wires {
		if w.client != ev.Node {
			continue
		}
		for n, sent := range w.waiting {
			if sent.rpc != rpc || sent.withinNS == 0 || !isLate(ev.AtNS-sent.atNS, sent.withinNS) {
				continue
			}
			off := sent.atNS + sent.withinNS - ev.AtNS
			switch off = max(off, -off); {
			case off < closest:
				of, seq, closest, alike = w, n, off, false
			case off == closest:
				alike = true
			}
		}
	}
	if of == nil || alike {
		return false
	}
	delete(of.waiting, seq)
	return true
}

// swap takes an answer that may be one to a call that returned before it: it is thrown
// away, or belongs to a request whose fate was taken for that call's.
func (l *lives) swap(c *census, to routing.Step) *Refusal {
	for _, from := range []routing.Step{routing.Lost, routing.Served, routing.Refused} {
		if from != to && c.at[from] > 0 {
			c.at[from]--
			c.at[to]++
			return nil
		}
	}
	return nil
}

// lost: of what is written, one that waited on a connection that is over.
func (l *lives) lost(key lifeKey) {
	if c := l.of(key); c.at[routing.Written] > 0 && l.life.walk(routing.Written, []action{"crash-node"}, routing.Lost) {
		c.at[routing.Written]--
		c.at[routing.Lost]++
	}
}

// stepWords are the steps in words, for refusals.
var stepWords = [...]string{
	routing.Unrouted: "not written", routing.Written: "written and not answered", routing.Served: "answered and not returned",
	routing.Refused: "refused", routing.Lost: "written, and lost with their connection",
}

func (l *lives) refuse(ev *trace.Event, rpc, clause, why string) *Refusal {
	f := &Refusal{
		AtNS: ev.AtNS, Node: ev.Node, Kind: ev.Kind.String(), Conn: ev.Conn, Client: ev.Node, Clause: clause, Why: why,
		What: strings.TrimSuffix(rpc, ackSuffix),
	}
	if r := lifeRowOf(ev); r != nil {
		f.What = r.name
	}
	if ev.Kind == trace.KindFrameOut || ev.Kind == trace.KindFrameIn {
		f.Frame = frameOf(ev).String()
	}
	s := PossibleState{}
	c := l.of(lifeKey{ev.Node, rpc})
	for step, words := range stepWords {
		if words == "" {
			continue
		}
		s.Fields = append(s.Fields, fmt.Sprintf("%s that are %s: %d", rpc, words, c.at[step]))
		if c.at[step] == 0 {
			continue
		}
		for i := range lifeRows {
			if l.life.goes(routing.Step(step), &lifeRows[i]) {
				s.Enabled = append(s.Enabled, fmt.Sprintf("%s (of one that is %s)", lifeRows[i].name, words))
			}
		}
	}
	f.States = []PossibleState{s}
	return f
}
