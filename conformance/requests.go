// Where requests go, and who executes them: R2, R3 and R22.

package conformance

import (
	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/trace"
)

// routes: the client writes a request of a partition to a server.
func (t *traffic) routes(ev *trace.Event, id partitionID, peer string) (bool, *Refusal) {
	if !t.readers[ev.Node] {
		return false, nil // the trace does not show answers
	}
	u := t.byApp[appKey{ev.Node, id.app}]
	if u == nil {
		return true, t.refuse(ev, nil, rowRoutes, object("R2", "no answer that the client read names table %d", id.app), nil)
	}
	if u.lost || u.many {
		return false, nil
	}
	l := u.lines[id.partition]
	if l == nil {
		return true, t.refuse(ev, u, rowRoutes, object("R2", "no answer that the client read names partition %d of table %d", id.partition, id.app), u.whole.set)
	}
	if l.ballots.full {
		return false, nil
	}
	if l.routed == nil {
		for _, s := range l.set {
			l.routed = append(l.routed, t.target(s))
		}
	}
	var set []routing.State
	for i, s := range l.set {
		if l.ballots.primaryOf(s, l.routed[i]) == addrOf(peer) {
			set = append(set, s)
		}
	}
	if len(set) == 0 {
		return true, t.refuse(ev, u, rowRoutes, object("R2", "%s is not the primary of partition %d in the table that the client knows", peer, id.partition), l.set)
	}
	if len(set) < len(l.set) {
		l.set, l.routed = set, nil
	}
	return true, nil
}

// target is the node that the specification writes a request to; 0: to none.
func (t *traffic) target(s routing.State) uint8 {
	s, ok := t.x.one(s, to{"submit", theRequest}, to{"route", theRequest}, to{"write", theRequest})
	if !ok {
		return 0
	}
	return s.Requests[0].Node
}

// served: the client reads that a server executed a request. The server was the primary at
// some point since it was written. Where no server is in the trace, it may have become it
// and nobody has told.
func (t *traffic) served(ev *trace.Event, w sent, peer string) (bool, *Refusal) {
	b := t.ballots[partitionID{w.app, w.partition}]
	if b == nil || b.full || w.known == 0 || !t.readers[ev.Node] || len(t.listens) == 0 {
		return false, nil
	}
	for _, p := range b.list[w.known-1:] {
		if p.addr == addrOf(peer) && t.executes(p.node) {
			return true, nil
		}
	}
	return true, t.refuse(ev, nil, rowServed, object("R22", "%s has not been the primary of partition %d since the request was written", peer, w.partition), nil)
}

// executes says whether the specification's primary executes a request that is written to it.
func (t *traffic) executes(node uint8) bool {
	if node == 0 {
		return false
	}
	if t.serves[node] == 0 {
		s := t.x.model.Initial()[0]
		s.History[0] = string([]byte{node})
		s.Requests[0] = routing.Request{Step: routing.Written, Node: node}
		t.serves[node] = 1
		if s, ok := t.x.one(s, to{"serve", theRequest}); ok && s.Requests[0].Step == routing.Served {
			t.serves[node] = 2
		}
	}
	return t.serves[node] == 2
}
