// What a client's step owes: where a server cannot be reached or refuses, where a meta has
// answered or a connection is over, the client has to tell of what it makes of that before
// its next step begins (R4, R5, R13 to R15).

package conformance

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// looker is a client that may tell of its looking tables up.
type looker struct {
	tells       bool              // it has
	late        bool              // what its core is told it is told later than the trace says
	boundNS     int64             // how long it needs to find a table once nothing goes wrong
	patienceNS  int64             // how long it gives a meta to answer
	timed       bool              // of a call of its the trace says how long it may take
	untimed     bool              // of another it does not
	readyNS     int64             // when a connection was ready last
	writes      bool              // of a request the trace says which partition it is for
	answers     map[string]int    // that it has read and no call has returned, by the request's name
	codes       map[string]bool   // that it has read
	owes        []debt            // what the step at hand must lead to
	sessions    map[string]string // the state of each, by address of the server
	unreachable []string          // servers whose sessions it told in this step not to come up, or no longer to be
	refused     []string          // servers that refused a request in this step
}

// debt is something that the client's step has to tell of before its next.
type debt struct {
	u            *use
	row          int
	clause, text string
}

func (t *traffic) looker(client string) *looker {
	k := t.lookers[client]
	if k == nil {
		k = &looker{sessions: make(map[string]string), answers: make(map[string]int), codes: make(map[string]bool)}
		t.lookers[client] = k
	}
	return k
}

// isStep says whether an event begins another step of its client: frames are read before
// the step that makes something of them.
func isStep(kind trace.Kind) bool {
	switch kind {
	case trace.KindBytes, trace.KindTimer, trace.KindPost, trace.KindInvoke, trace.KindConnected, trace.KindDialFailed, trace.KindClosed:
		return true
	}
	return false
}

// steps ends the step before an event: what it owed is due.
func (t *traffic) steps(ev *trace.Event, k *looker) *Refusal {
	k.unreachable, k.refused = k.unreachable[:0], k.refused[:0]
	if len(k.owes) == 0 {
		return nil
	}
	d := k.owes[0]
	k.owes = k.owes[:0]
	if d.u.lost || d.u.many {
		return nil
	}
	return t.refuse(ev, d.u, d.row, object(d.clause, "%s", d.text), d.u.whole.set)
}

func (k *looker) owe(u *use, row int, clause, format string, args ...any) {
	if k.tells && !k.late {
		k.owes = append(k.owes, debt{u, row, clause, fmt.Sprintf(format, args...)})
	}
}

// pays takes back what was owed for a table.
func (k *looker) pays(u *use) {
	k.owes = slices.DeleteFunc(k.owes, func(d debt) bool { return d.u == u })
}

// tells: the client tells a session's state. Where the server of a table cannot be reached,
// or no longer, the table has to be looked up (R4).
func (t *traffic) tells(ev *trace.Event) {
	addr := ev.Peer
	if a := t.listens[addr]; a != "" {
		addr = a
	}
	k := t.looker(ev.Node)
	was := k.sessions[addr]
	k.sessions[addr] = ev.State
	if ev.Note == reasonInternal {
		t.recovers(ev.Node, k)
		return
	}
	if ev.State == stateReady || ev.State == closedByUser || was != stateReady && !hasFailed(ev) {
		return
	}
	k.unreachable = append(k.unreachable, addr)
	if !k.tells {
		return
	}
	for _, u := range t.usesOf(ev.Node) {
		if u.known && !u.wanted && !u.lost && !u.many && u.serves(addr) {
			k.owe(u, rowWants, "R4", "the client's session with %s, which serves partitions of %s, has failed, and the table is not looked up again", addr, u.table)
		}
	}
}

// hasFailed says whether a session is told to wait after an attempt in vain, or to be without a
// connection, or at the next attempt, for a reason.
func hasFailed(ev *trace.Event) bool {
	switch ev.State {
	case stateBackoff:
		return true
	case stateIdle, stateDialing:
		return ev.Note != "" && ev.Note != reasonNone
	}
	return false
}

const (
	stateIdle      = "idle"
	stateDialing   = "dialing"
	stateBackoff   = "backoff"
	reasonInternal = "internal-error"
	lateEvents     = "late-events" // a simulated driver that tells its core of frames after the trace
)

// recovers: the client has recovered from a bug of its own, and of the step in which that
// was it tells nothing. Its tables are judged anew from when it learns them next.
func (t *traffic) recovers(client string, k *looker) {
	k.owes = k.owes[:0]
	for _, u := range t.usesOf(client) {
		asked, query := u.asked, u.query
		*u = *t.newUse(useKey{client, u.table})
		u.lost, u.tells, u.asked, u.query = true, true, asked, query
	}
}

// usesOf are a client's uses, by name of the table.
func (t *traffic) usesOf(client string) []*use {
	var list []*use
	for key, u := range t.uses {
		if key.client == client {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(a, b *use) int { return cmp.Compare(a.table, b.table) })
	return list
}

// refusedAt: the client reads that a server does not serve what it was asked: the table has
// to be looked up again (R5), unless nobody waits for that answer any more.
func (t *traffic) refusedAt(ev *trace.Event, w *sent, addr string) {
	k := t.looker(ev.Node)
	k.refused = append(k.refused, addr)
	u := t.byApp[appKey{ev.Node, w.app}]
	if u == nil || !u.known || u.wanted || u.lost || u.many || !isElsewhere(ev.Code) || w.isLate(ev.AtNS) || t.calm.failedNS[ev.Node] >= w.atNS {
		return
	}
	k.owe(u, rowWants, "R5", "%s has refused a request, and the table is not looked up again", addr)
}

// isElsewhere says whether a refusal means that the partition is served by another.
func isElsewhere(code string) bool {
	switch code {
	case protocol.CodeInvalidState.String(), protocol.CodeInactiveState.String(), protocol.CodeObjectNotFound.String(),
		protocol.CodeParentPartitionMisused.String(), protocol.CodeChildNotReady.String():
		return true
	}
	return false
}
