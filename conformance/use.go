// A client's use of one table, as model/routing has it: the states that are possible of
// each partition, and the query that is under way.

package conformance

import (
	"fmt"
	"iter"
	"slices"

	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/trace"
)

// line is one partition as one client sees it. Its states differ in nothing but what the
// trace leaves open.
type line struct {
	set     []routing.State
	routed  []uint8  // of each state: the node that a request goes to, once it is asked for
	believe int      // how many of the trace's beliefs the states have
	ballots *ballots // nil: of the table as a whole, of which no partition is known
}

// query is the one that a client has for a table.
type query struct {
	conn     uint64 // it was written on; 0: to be written
	seq      int32
	atNS     int64 // from when on
	withinNS int64 // the meta has to answer; 0: the trace does not say
}

// isLate says whether the client may have given the query up.
func (q *query) isLate(nowNS int64) bool { return isLate(nowNS-q.atNS, q.withinNS) }

// isLate says whether a timer may have fired by the client's clock, which gains a tenth at
// most, and is told in milliseconds, rounded up. Where its time is not known it may.
func isLate(tookNS, withinNS int64) bool {
	return tookNS*10 >= (withinNS-1_000_000)*9
}

// use is a client's use of one table.
type use struct {
	client, table string
	whole         line
	lines         map[int32]*line
	query         query
	app           int32
	learnedNS     int64 // when the client last read a table
	lost          bool  // refused: not judged before the next table is read
	many          bool  // more metas than have names, or states than are allowed: not judged

	hops   int   // redirects followed one upon the other
	lastTo uint8 // whom the last answer, at lastNS, redirected to; 0: it did not
	lastNS int64

	// Of a client that tells how it looks tables up.
	tells        bool
	asked        uint8 // meta that it has asked; 0: none
	askedAt      string
	read         uint8 // meta whose answer it has just read
	heardOf      uint8 // set of metas that it has asked, or was redirected to
	wanted       bool  // the table is to be looked up
	paused       bool  // after a round in vain
	pausedNS     int64 // since when
	pauseNS      int64 // for how long at most; 0: nothing has been asked since
	known        bool
	holes        bool // the table leaves a partition without a primary
	wishes       bool // as wanted, for Q4: since wishNS, for at most wishWithinNS in calm
	wishNS       int64
	wishWithinNS int64
	lapsesNS     int64 // after a round in vain: when the wish has been given up unless it is told again
}

func (t *traffic) newUse(key useKey) *use {
	return &use{client: key.client, table: key.table, whole: line{set: t.x.model.Initial()}, lines: make(map[int32]*line)}
}

// each goes through the states of every line: f returns what becomes of one. It returns
// why, where nothing becomes of any state of a line, with the states before. Where there are
// more states than allowed the use is not judged any further.
func (t *traffic) each(u *use, f func(l *line, s routing.State) ([]routing.State, *objection)) (*objection, []routing.State) {
	indices := make([]int32, 0, len(u.lines))
	for i := range u.lines {
		indices = append(indices, i)
	}
	slices.Sort(indices)
	lines := []*line{&u.whole}
	for _, i := range indices {
		lines = append(lines, u.lines[i])
	}
	for _, l := range lines {
		var set []routing.State
		var why *objection
		for _, s := range l.set {
			next, o := f(l, s)
			if why == nil {
				why = o
			}
			for _, to := range next {
				set = addState(set, to)
			}
		}
		if len(set) == 0 {
			return why, l.set
		}
		if len(set) > t.limit {
			t.full, u.many = true, true
			return nil, nil
		}
		l.set, l.routed = set, nil
		t.most = max(t.most, len(set))
	}
	return nil, nil
}

// refuse ends the use, until the client reads a table anew.
func (t *traffic) refuse(ev *trace.Event, u *use, number int, o *objection, states []routing.State) *Refusal {
	row := &routeRows[number]
	if o == nil {
		o = &objection{row.clauses[0], "not so: " + row.demand}
	}
	f := &Refusal{
		AtNS: ev.AtNS, Node: ev.Node, Kind: ev.Kind.String(), What: row.name, Conn: ev.Conn, Client: ev.Node, Clause: o.clause, Why: o.text,
	}
	if ev.RPC != "" {
		f.Frame = frameOf(ev).String()
	}
	for i := range states {
		if i == maxShown {
			f.More = len(states) - maxShown
			break
		}
		f.States = append(f.States, t.describe(&states[i]))
	}
	if u != nil {
		fresh := t.newUse(useKey{u.client, u.table})
		fresh.lost, fresh.tells, fresh.asked, fresh.query, fresh.heardOf = true, u.tells, u.asked, u.query, u.heardOf
		fresh.askedAt = u.askedAt
		*u = *fresh
	}
	return f
}

func (t *traffic) describe(s *routing.State) PossibleState {
	var p PossibleState
	for addr, n := range t.metas {
		p.Fields = append(p.Fields, fmt.Sprintf("meta %d: %s", n, addr))
	}
	slices.Sort(p.Fields)
	for _, field := range t.x.model.Describe(*s) {
		if field.Value != "none" && field.Name != "faults left" && field.Name != "request 1" {
			p.Fields = append(p.Fields, field.Name+": "+field.Value)
		}
	}
	for _, step := range t.x.model.Next(*s, nil) {
		if words := t.x.model.Tell(*s, step.Action, step.State); !slices.Contains(p.Enabled, words) {
			p.Enabled = append(p.Enabled, words)
		}
	}
	return p
}

// hear has a state's metas believe what the trace told of them, from one count to another.
func (t *traffic) hear(s routing.State, from, until int) routing.State {
	for _, b := range t.beliefs[from:until] {
		s, _ = t.x.believe(s, b.n, b.leader)
	}
	return s
}

// catchUp brings a line to what has been told of leaders and, by moves, of primaries.
func (t *traffic) catchUp(l *line, s routing.State) routing.State {
	s = t.hear(s, l.believe, len(t.beliefs))
	return t.move(l, s)
}

func (t *traffic) move(l *line, s routing.State) routing.State {
	for moved := range t.moves(l, s) {
		s = moved
	}
	return s
}

// moves is a state and, one after another, what the moves that it does not know make of it.
func (t *traffic) moves(l *line, s routing.State) iter.Seq[routing.State] {
	return func(yield func(routing.State) bool) {
		for yield(s) && l.ballots != nil && len(s.History[0]) < len(l.ballots.list) {
			at := len(s.History[0])
			moved := slices.DeleteFunc(t.x.walk(s, to{"move", 1}), func(m routing.State) bool {
				return m.History[0][at] != l.ballots.list[at].node
			})
			if len(moved) == 0 {
				return
			}
			s = moved[0]
		}
	}
}

func (t *traffic) heard(u *use) {
	u.whole.believe = len(t.beliefs)
	for _, l := range u.lines {
		l.believe = len(t.beliefs)
	}
}

// reconnected: a client has a new connection to meta n.
func (t *traffic) reconnected(client string, n uint8) {
	for key, u := range t.uses {
		if key.client == client && !u.many {
			t.each(u, func(_ *line, s routing.State) ([]routing.State, *objection) {
				return []routing.State{t.x.reconnect(s, n)}, nil
			})
		}
	}
}

// gaveUp: a query that was under way is over without an answer that counts.
func (t *traffic) gaveUp(u *use) {
	u.query = query{}
	t.each(u, func(_ *line, s routing.State) ([]routing.State, *objection) { return []routing.State{t.giveUp(s)}, nil })
}

func (t *traffic) giveUp(s routing.State) routing.State {
	if s.Query.Stage != routing.NoQuery {
		s, _ = t.x.one(s, to{"query-timeout-early", 0})
	}
	return s
}
