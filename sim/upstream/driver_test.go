// A small deterministic driver for the tests: one client, a cluster of server models, a
// network of ordered connections with drawn latency, one restart. It writes what happens
// as a recording.

package upstream_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/upstream/recording"
)

// epoch is when the restart begins.
var epoch = time.Unix(1_700_000_000, 0)

const (
	mechanism = "TEST"
	tableName = "temp"
	appID     = 2
)

type action struct {
	at  time.Duration
	seq int
	do  func()
}

type agenda []action

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(action)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// setup is what a run is made of.
type setup struct {
	inputs  recording.Inputs
	release upstream.Release
	mode    upstream.ServerMode
	auth    upstream.Auth
	refuse  bool // answer early requests with ERR_SESSION_RESET and negotiate on
	hp      bool
	delays  upstream.Delays
	golang  bool // the Go client; release and delays do not count
}

type driver struct {
	t       testing.TB
	s       setup
	rng     *rand.Rand
	now     time.Duration // since epoch
	agenda  agenda
	seq     int
	client  core
	servers map[netip.AddrPort]*host
	hosts   []*host
	conns   map[protocol.ConnID]*link
	stopped map[protocol.TimerID]bool
	nextOp  int
	started time.Duration
	log     []recording.Event
	rounds  int // tokens made
}

type host struct {
	name    string
	addr    netip.AddrPort
	storage *upstream.Memory
	server  *upstream.Server // nil: down
}

type link struct {
	id       protocol.ConnID
	n        int // in the log
	host     *host
	up       bool
	toServer time.Duration // when the last delivery arrives
	toClient time.Duration
	in       *protocol.RequestDecoder
	out      *protocol.ResponseDecoder
	frames   int
	authed   bool
	accepted int // tokens
}

func newDriver(t testing.TB, seed uint64, s setup) *driver {
	d := &driver{
		t: t, s: s, rng: rand.New(rand.NewPCG(seed, 0)), now: s.inputs.OpenTable,
		servers: make(map[netip.AddrPort]*host), conns: make(map[protocol.ConnID]*link), stopped: make(map[protocol.TimerID]bool),
	}
	addrs := make(map[string]netip.AddrPort)
	var metas []netip.AddrPort
	for i, n := range s.inputs.Metas {
		addrs[n] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(34601+i))
		metas = append(metas, addrs[n])
	}
	for i, n := range s.inputs.Replicas {
		addrs[n] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(34801+i))
	}
	for _, name := range append(append([]string(nil), s.inputs.Metas...), s.inputs.Replicas...) {
		h := &host{name: name, addr: addrs[name], storage: upstream.NewMemory()}
		d.servers[h.addr] = h
		d.hosts = append(d.hosts, h)
		d.boot(h, addrs)
	}
	d.client = s.newClient(t, metas)
	d.at(s.inputs.OpenTable, func() {
		d.step(upstream.ClientEvent{Kind: upstream.ClientOpenTable, Table: tableName})
	})
	d.at(0, func() { d.restart(addrs) })
	return d
}

func (s *setup) newClient(t testing.TB, metas []netip.AddrPort) core {
	if s.golang {
		c, err := upstream.NewGoClient(upstream.GoConfig{Metas: metas, OperationTimeout: s.inputs.OperationTimeout})
		require.NoError(t, err)
		return c
	}
	c, err := upstream.NewClient(upstream.ClientConfig{
		Release: s.release, Metas: metas, Mechanism: mechanism, OperationTimeout: s.inputs.OperationTimeout, Delays: s.delays,
	})
	require.NoError(t, err)
	return c
}

func (d *driver) boot(h *host, addrs map[string]netip.AddrPort) {
	table := upstream.Table{Name: tableName, AppID: appID}
	for i := range 8 {
		node, ok := d.s.inputs.Primaries[i]
		if !ok {
			node = d.s.inputs.Replicas[i%len(d.s.inputs.Replicas)]
		}
		table.Partitions = append(table.Partitions, upstream.Partition{Ballot: 3, Primary: addrs[node]})
	}
	leader := addrs[d.s.inputs.Leader]
	s, err := upstream.NewServer(upstream.ServerConfig{
		Mode: d.s.mode, Auth: d.s.auth, Mechanism: mechanism, HPFields: d.s.hp, Self: h.addr, Meta: h.name[0] == 'm',
		Leader: leader, Tables: []upstream.Table{table},
	}, h.storage)
	require.NoError(d.t, err)
	h.server = s
}

func (d *driver) restart(addrs map[string]netip.AddrPort) {
	for id := protocol.ConnID(1); id <= protocol.ConnID(len(d.conns)); id++ {
		if l := d.conns[id]; l.up {
			l.up = false
			d.deliver(&l.toClient, func() { d.step(upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: l.id}) })
		}
	}
	for _, h := range d.hosts {
		h.server = nil
	}
	d.at(d.now+d.s.inputs.Down, func() {
		for _, h := range d.hosts {
			d.boot(h, addrs)
		}
	})
}

func (d *driver) at(at time.Duration, do func()) {
	d.seq++
	heap.Push(&d.agenda, action{max(at, d.now), d.seq, do})
}

// deliver keeps one direction of one connection in order.
func (d *driver) deliver(last *time.Duration, do func()) {
	*last = max(*last, d.now+d.draw(40*time.Microsecond, 400*time.Microsecond))
	d.at(*last, do)
}

func (d *driver) draw(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(d.rng.Int64N(int64(hi-lo)+1))
}

func (d *driver) run(end time.Duration) []recording.Event {
	for len(d.agenda) > 0 && d.agenda[0].at <= end {
		a := heap.Pop(&d.agenda).(action)
		d.now = a.at
		a.do()
	}
	return d.log
}

func (d *driver) note(e recording.Event) {
	e.Millis = float64(d.now) / float64(time.Millisecond)
	d.log = append(d.log, e)
}

// step gives the client an event and does what it asks for.
func (d *driver) step(ev upstream.ClientEvent) {
	for _, e := range d.client.Step(epoch.Add(d.now), ev, nil) {
		switch e.Kind {
		case upstream.ClientDial:
			d.dial(e.Conn, e.Addr)
		case upstream.ClientWrite:
			d.toServer(d.conns[e.Conn], e.Data)
		case upstream.ClientClose:
			d.clientCloses(e.Conn)
		case upstream.ClientArmTimer:
			id := e.Timer
			d.at(d.now+d.draw(e.After, e.After+e.Spread), func() {
				if !d.stopped[id] {
					d.step(upstream.ClientEvent{Kind: upstream.ClientTimer, Timer: id})
				}
			})
		case upstream.ClientStopTimer:
			d.stopped[e.Timer] = true
		case upstream.ClientMakeToken:
			d.rounds++
			token := fmt.Appendf(nil, "token %d", d.rounds)
			d.at(d.now, func() {
				d.step(upstream.ClientEvent{Kind: upstream.ClientToken, Conn: e.Conn, Data: token})
			})
		case upstream.ClientComplete:
			d.completed(&e)
		case upstream.ClientNegotiationFailed:
			l := d.conns[e.Conn]
			d.note(recording.Event{Side: recording.SideClient, Ev: recording.EvNegotiationFailed, Node: l.host.name, Conn: l.n, Err: e.Code.String()})
		case upstream.ClientUnresponsive:
			d.note(recording.Event{Side: recording.SideClient, Ev: recording.EvUnresponsive, Node: d.servers[e.Addr].name})
		}
	}
}

func (d *driver) dial(id protocol.ConnID, addr netip.AddrPort) {
	l := &link{id: id, n: len(d.conns) + 1, host: d.servers[addr], toServer: d.now, toClient: d.now}
	d.conns[id] = l
	d.deliver(&l.toServer, func() {
		if l.host.server == nil {
			d.deliver(&l.toClient, func() { d.step(upstream.ClientEvent{Kind: upstream.ClientDialFailed, Conn: id}) })
			return
		}
		l.up, l.in, l.out = true, protocol.NewRequestDecoder(protocol.Limits{}), protocol.NewResponseDecoder(protocol.Limits{})
		d.note(recording.Event{Side: recording.SideServer, Ev: recording.EvAccept, Node: l.host.name, Conn: l.n})
		d.serve(l, upstream.ServerEvent{Kind: upstream.ServerAccepted, Conn: id})
		d.deliver(&l.toClient, func() { d.step(upstream.ClientEvent{Kind: upstream.ClientDialed, Conn: id}) })
	})
}

func (d *driver) clientCloses(id protocol.ConnID) {
	l := d.conns[id]
	d.deliver(&l.toServer, func() {
		if l.up {
			d.note(recording.Event{Side: recording.SideServer, Ev: recording.EvClose, Node: l.host.name, Conn: l.n, By: recording.ByPeer})
			d.serve(l, upstream.ServerEvent{Kind: upstream.ServerClosed, Conn: id})
		}
		l.up = false
	})
}

func (d *driver) toServer(l *link, data []byte) {
	data = append([]byte(nil), data...)
	d.deliver(&l.toServer, func() {
		if !l.up {
			return
		}
		var r protocol.Request
		require.NoError(d.t, l.in.Write(data))
		for {
			ok, err := l.in.Next(&r)
			require.NoError(d.t, err)
			if !ok {
				break
			}
			d.frameIn(l, &r)
			if d.s.refuse && !l.authed && r.RPC != protocol.RPCNegotiation {
				d.refused(l, &r)
				return
			}
		}
		d.serve(l, upstream.ServerEvent{Kind: upstream.ServerReceived, Conn: l.id, Data: data})
	})
}

// refused stands for a server that does not punish an early request.
func (d *driver) refused(l *link, r *protocol.Request) {
	d.toClient(l, protocol.AppendResponse(nil, &protocol.Response{Code: protocol.CodeSessionReset, RPC: r.RPC, Seq: r.Seq}))
}

func (d *driver) frameIn(l *link, r *protocol.Request) {
	e := recording.Event{
		Side: recording.SideServer, Ev: recording.EvFrameIn, Node: l.host.name, Conn: l.n, RPC: r.RPC.String(),
		Partition: int(r.Header.Partition), Timeout: int(r.Header.TimeoutMillis), First: l.frames == 0, Authed: l.authed,
	}
	if r.RPC == protocol.RPCNegotiation {
		status, _, err := protocol.ParseNegotiationArgs(r.Body)
		require.NoError(d.t, err)
		e.Neg = status.String()
	}
	l.frames++
	d.note(e)
}

// serve gives a server an event and does what it asks for.
func (d *driver) serve(l *link, ev upstream.ServerEvent) {
	if l.host.server == nil {
		return
	}
	for _, e := range l.host.server.Step(epoch.Add(d.now), ev, nil) {
		switch e.Kind {
		case upstream.ServerWrite:
			d.toClient(l, e.Data)
		case upstream.ServerClose:
			d.note(recording.Event{Side: recording.SideServer, Ev: recording.EvClose, Node: l.host.name, Conn: l.n, By: recording.ByServer, Why: why(e.Cause)})
			l.up = false
			d.deliver(&l.toClient, func() { d.step(upstream.ClientEvent{Kind: upstream.ClientClosed, Conn: l.id}) })
		case upstream.ServerAcceptToken:
			l.accepted++
			answer := upstream.ServerEvent{Kind: upstream.ServerToken, Conn: l.id, Data: []byte("challenge")}
			if !e.Begin {
				answer = upstream.ServerEvent{Kind: upstream.ServerToken, Conn: l.id, Done: true, Principal: "user"}
			}
			d.at(d.now, func() { d.serve(l, answer) })
		case upstream.ServerConn:
			l.authed = l.authed || e.State == upstream.ServerConnAuthenticated
			if e.State == upstream.ServerConnDead {
				d.note(recording.Event{Side: recording.SideServer, Ev: recording.EvDead, Node: l.host.name, Conn: l.n, Why: why(e.Cause)})
			}
		}
	}
}

func why(c upstream.Cause) string {
	if c == upstream.CauseEarlyRequest {
		return "request before negotiation"
	}
	return c.String()
}

func (d *driver) toClient(l *link, data []byte) {
	data = append([]byte(nil), data...)
	var r protocol.Response
	require.NoError(d.t, l.out.Write(data))
	ok, err := l.out.Next(&r)
	require.NoError(d.t, err)
	require.True(d.t, ok, "a write of a server is one frame")
	e := recording.Event{
		Side: recording.SideServer, Ev: recording.EvFrameOut, Node: l.host.name, Conn: l.n, RPC: r.RPC.AckName(), Err: r.Code.String(),
	}
	if r.RPC == protocol.RPCNegotiation {
		status, _, err := protocol.ParseNegotiationResult(r.Body)
		require.NoError(d.t, err)
		e.Neg = status.String()
	}
	d.note(e)
	d.deliver(&l.toClient, func() {
		d.step(upstream.ClientEvent{Kind: upstream.ClientReceived, Conn: l.id, Data: data})
	})
}

// completed notes the end of an operation, and begins the next: the application has one
// thread.
func (d *driver) completed(e *upstream.ClientEffect) {
	note := recording.Event{
		Side: recording.SideApplication, Ev: recording.EvOpenTable, Result: "ok",
		Took: float64(d.now-d.started) / float64(time.Millisecond),
	}
	if e.Code != protocol.CodeOK {
		note.Result = e.Code.String()
	}
	if e.ID > 0 {
		note.Ev = recording.EvGet
		if d.s.inputs.Operations[e.ID-1].Write {
			note.Ev = recording.EvSet
		}
	}
	d.note(note)
	if d.nextOp == len(d.s.inputs.Operations) || e.ID == 0 && e.Code != protocol.CodeOK {
		return
	}
	op := d.s.inputs.Operations[d.nextOp]
	d.nextOp++
	id := upstream.OpID(d.nextOp)
	d.at(op.At, func() { d.submit(id, op) })
}

func (d *driver) submit(id upstream.OpID, op recording.Operation) {
	d.started = d.now
	key, err := protocol.AppendKey(nil, fmt.Appendf(nil, "key %d", op.Partition), nil)
	require.NoError(d.t, err)
	ev := upstream.ClientEvent{
		Kind: upstream.ClientSubmit, ID: id, Table: tableName, RPC: protocol.RPCGet, Hash: uint64(op.Partition),
		Body: protocol.AppendKeyArgs(nil, key),
	}
	if op.Write {
		ev.RPC = protocol.RPCPut
		ev.Body = protocol.AppendPutArgs(nil, &protocol.PutArgs{Key: key, Value: []byte("value")})
	}
	d.step(ev)
}
