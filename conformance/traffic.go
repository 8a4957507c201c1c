// The events that routing is held to, found in a trace: connections and what waits on them,
// who leads, and which client's use of which table each frame belongs to.

package conformance

import (
	"net/netip"

	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// link is a connection at its client.
type link struct {
	client, peer string
	waiting      map[int32]sent // by sequence number
	wrote        bool           // a request
	triedNS      int64          // when a connection to that server was dialed first since the last that was used
}

// sent is a frame that waits for its answer.
type sent struct {
	use       *use // of a query
	app       int32
	partition int32
	known     int // of a request: how many primaries of its partition were known when it was written
	atNS      int64
	withinNS  int64 // 0: the trace does not say
}

// isLate says whether the client may have given it up.
func (w *sent) isLate(nowNS int64) bool { return isLate(nowNS-w.atNS, w.withinNS) }

// endpoint is a server as a client sees it.
type endpoint struct{ client, addr string }

// readiness is a connection on which requests may be written, and since when.
type readiness struct {
	conn   uint64
	fromNS int64
}

// belief is that meta n takes another for the leader.
type belief struct{ n, leader uint8 }

type partitionID struct{ app, partition int32 }

type useKey struct{ client, table string }

type appKey struct {
	client string
	app    int32
}

// traffic holds a trace's queries and where its requests go against model/routing.
type traffic struct {
	x       *router
	links   map[uint64]*link
	ready   map[endpoint]readiness
	tried   map[endpoint]int64
	listens map[string]string // address by node
	metas   map[string]uint8  // name in the specification by address
	told    [namedMetas + 1]bool
	beliefs []belief
	ballots map[partitionID]*ballots
	uses    map[useKey]*use
	byApp   map[appKey]*use
	readers map[string]bool // clients that have read a table
	lookers map[string]*looker
	calm    calm
	serves  [routing.MaxNodes + 1]uint8
	most    int  // states possible at once
	limit   int  // of them
	full    bool // there were more
}

func newTraffic(limit int) (*traffic, error) {
	x, err := newRouter()
	if err != nil {
		return nil, err
	}
	return &traffic{
		x: x, limit: limit, links: make(map[uint64]*link), ready: make(map[endpoint]readiness), tried: make(map[endpoint]int64), listens: make(map[string]string),
		metas: make(map[string]uint8), ballots: make(map[partitionID]*ballots), uses: make(map[useKey]*use),
		byApp: make(map[appKey]*use), readers: make(map[string]bool), lookers: make(map[string]*looker), calm: newCalm(),
	}, nil
}

// take holds one event against the specification; judged is false where it decides nothing.
func (t *traffic) take(ev *trace.Event) (judged bool, refused *Refusal) {
	if refused := t.before(ev); refused != nil {
		return true, refused
	}
	switch ev.Kind {
	case trace.KindQuery:
		refused = t.looks(ev)
		t.calm.feel(ev, false)
		return true, refused
	case trace.KindInvoke, trace.KindReturn:
		return t.called(ev)
	case trace.KindListen:
		t.listens[ev.Node] = ev.Addr
	case trace.KindLeader:
		if t.listens[ev.Node] == "" {
			return true, t.refuse(ev, nil, rowLeads, object("R24", "%s, which does not listen, is no meta", ev.Node), nil)
		}
		return t.leads(ev), nil
	case trace.KindFault:
		if ev.Note == lateEvents && ev.State == "begins" {
			t.looker(ev.Node).late = true
		}
	case trace.KindDial:
		at := endpoint{ev.Node, ev.Peer}
		if _, tried := t.tried[at]; !tried {
			t.tried[at] = ev.AtNS
		}
		t.links[ev.Conn] = &link{client: ev.Node, peer: ev.Peer, waiting: make(map[int32]sent), triedNS: t.tried[at]}
	case trace.KindTable:
		if t.listens[ev.Node] != "" {
			return t.decides(ev)
		}
		return t.knows(ev)
	case trace.KindSession:
		t.tells(ev)
	case trace.KindNodeDown:
		t.forget(ev.Node)
	}
	l := t.links[ev.Conn]
	if l == nil || l.client != ev.Node {
		return false, nil
	}
	switch ev.Kind {
	case trace.KindSession:
		if ev.State == stateReady {
			t.isReady(ev, l)
		}
	case trace.KindFrameOut:
		return t.writes(ev, l)
	case trace.KindFrameIn:
		return t.reads(ev, l)
	case trace.KindClose, trace.KindClosed, trace.KindDialFailed:
		t.over(ev, l)
	}
	return false, nil
}

// before sees to what is due before an event: by time, and since its client's last step.
func (t *traffic) before(ev *trace.Event) *Refusal {
	if ev.Kind != trace.KindQuery {
		t.calm.feel(ev, t.listens[ev.Node] != "")
	}
	if ev.AtNS > t.calm.dueNS {
		if refused := t.overdueAt(ev); refused != nil {
			return refused
		}
	}
	if isStep(ev.Kind) {
		if k := t.lookers[ev.Node]; k != nil {
			return t.steps(ev, k)
		}
	}
	return nil
}

const stateReady = "ready"

// decides takes where a meta that leads has moved partitions: nobody may have asked yet.
func (t *traffic) decides(ev *trace.Event) (bool, *Refusal) {
	a, err := trace.ParseAnswer(ev.Answer)
	if err != nil {
		return true, t.refuse(ev, nil, rowDecides, object("R20", "%v", err), nil)
	}
	for _, c := range a.Configs {
		if !t.ballotsOf(partitionID{a.App, c.Partition}).sees(c) {
			return true, t.refuse(ev, nil, rowDecides, object("R23", "partition %d has another primary with ballot %d", c.Partition, c.Ballot), nil)
		}
	}
	return true, nil
}

func (t *traffic) ballotsOf(id partitionID) *ballots {
	b := t.ballots[id]
	if b == nil {
		b = &ballots{}
		t.ballots[id] = b
	}
	return b
}

// leads takes whom a meta takes for the leader.
func (t *traffic) leads(ev *trace.Event) bool {
	n, named := t.meta(t.listens[ev.Node])
	if !named {
		return false
	}
	var leader uint8
	if ev.Peer != "" {
		var known bool
		if leader, known = t.meta(ev.Peer); !known {
			leader = unseenMeta
		}
	}
	t.told[n] = true
	t.beliefs = append(t.beliefs, belief{n, leader})
	return true
}

// meta is the specification's name of a meta; false where it has none.
func (t *traffic) meta(addr string) (uint8, bool) {
	if n := t.metas[addr]; n != 0 {
		return n, true
	}
	if addr == "" || len(t.metas) == namedMetas {
		return 0, false
	}
	t.metas[addr] = uint8(len(t.metas) + 1)
	return t.metas[addr], true
}

func (t *traffic) writes(ev *trace.Event, l *link) (bool, *Refusal) {
	if ev.Neg != "" || ev.RPC == protocol.RPCNegotiation.String() {
		return false, nil
	}
	t.isReady(ev, l)
	since := ev.AtNS
	if !l.wrote { // it may have waited for the connection
		since, l.wrote = l.triedNS, true
		delete(t.tried, endpoint{l.client, l.peer})
	}
	switch {
	case ev.RPC == protocol.RPCQueryConfig.String():
		key := useKey{ev.Node, ev.Table}
		u := t.uses[key]
		if u == nil {
			u = t.newUse(key)
			t.uses[key] = u
		}
		l.waiting[ev.Seq] = sent{use: u}
		if u.tells && !u.lost {
			return true, t.writesAsked(ev, u, l.peer)
		}
		return true, t.asks(ev, u, l.peer, since)
	case ev.App != 0:
		p := partitionID{ev.App, ev.Partition}
		w := sent{app: ev.App, partition: ev.Partition, atNS: ev.AtNS, withinNS: ev.WithinNS}
		if b := t.ballots[p]; b != nil {
			w.known = len(b.list)
		}
		l.waiting[ev.Seq] = w
		t.looker(ev.Node).writes = true
		if o := t.timely(ev); o != nil {
			return true, t.refuse(ev, nil, rowRoutes, o, nil)
		}
		return t.routes(ev, p, l.peer)
	}
	return false, nil
}

func (t *traffic) reads(ev *trace.Event, l *link) (bool, *Refusal) {
	if ev.Neg == successStatus {
		t.isReady(ev, l)
	}
	w, waits := l.waiting[ev.Seq]
	if !waits {
		return false, nil
	}
	delete(l.waiting, ev.Seq)
	t.hears(ev)
	switch {
	case w.use != nil:
		return t.answered(ev, w.use, l.peer)
	case ev.Code == codeOK:
		return t.served(ev, w, l.peer)
	}
	t.refusedAt(ev, &w, l.peer)
	return false, nil
}

var successStatus = protocol.SASLSucc.String()

// over takes the end of a connection: what waited on it is not waited for any more.
func (t *traffic) over(ev *trace.Event, l *link) {
	for _, w := range l.waiting {
		switch {
		case w.use == nil || w.use.query.conn != ev.Conn:
		case !w.use.tells:
			t.gaveUp(w.use)
		case ev.Kind == trace.KindClosed:
			t.looker(ev.Node).owe(w.use, rowInVain, "R15", "the connection on which %s was asked is over, and the query is not", l.peer)
		}
	}
	if at := (endpoint{l.client, l.peer}); t.ready[at].conn == ev.Conn {
		delete(t.ready, at)
	}
	delete(t.links, ev.Conn)
}

func (t *traffic) isReady(ev *trace.Event, l *link) {
	if at := (endpoint{l.client, l.peer}); t.ready[at].conn != ev.Conn {
		t.ready[at] = readiness{ev.Conn, ev.AtNS}
		t.looker(l.client).readyNS = ev.AtNS
		if n := t.metas[l.peer]; n != 0 {
			t.reconnected(l.client, n)
		}
	}
}

// canAsk says whether a client has had a connection to a meta ever since its table was
// last looked up. One that it had to connect to meanwhile it may have asked in vain, or
// waited for, which no trace shows.
func (t *traffic) canAsk(u *use, n uint8) bool {
	for addr, number := range t.metas {
		if number == n {
			r := t.ready[endpoint{u.client, addr}]
			return r.conn != 0 && r.fromNS < u.learnedNS
		}
	}
	return false
}

// forget drops what belongs to a client that is gone.
func (t *traffic) forget(client string) {
	for key := range t.uses {
		if key.client == client {
			delete(t.uses, key)
		}
	}
	for key := range t.byApp {
		if key.client == client {
			delete(t.byApp, key)
		}
	}
	for conn, l := range t.links {
		if l.client == client {
			delete(t.links, conn)
			delete(t.ready, endpoint{client, l.peer})
		}
	}
	delete(t.readers, client)
	delete(t.lookers, client)
	for key := range t.calm.calls {
		if key.client == client {
			delete(t.calm.calls, key)
		}
	}
}

func addrOf(text string) netip.AddrPort {
	a, _ := netip.ParseAddrPort(text) // not valid: no server's
	return a
}
