// Partitions that move, and metas that do not learn who leads.
//
// A move is upstream's failover and balancing in one: a configuration with the next ballot
// names another primary. Before it is in force the primary before it has stopped (it was told
// to step down, or its lease ran out while nobody could tell it), and never acknowledges
// anything again under the older ballot; after it is in force the new primary still has to
// commit what was prepared, and refuses, until the move is over. Clients whose tables are
// stale are refused by the one, those that have looked it up by the other. What was
// acknowledged is on the new primary's disk from the beginning of the move on, as every
// secondary prepares a write before it is acknowledged: replication itself is not simulated,
// and whatever becomes of the hosts, a history is judged by what clients were told.

package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/replica"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

// firstBallot is every partition's when a run begins.
const firstBallot = 1

// placement is where a partition is.
type placement struct {
	ballot      int64 // of the configuration
	primary     netip.AddrPort
	secondaries []netip.AddrPort // at most one: the primary before

	rows   netip.AddrPort // whose disk has them
	moving *Fault         // the latest move, until it is over; nil: the primary serves
}

// knownPrimary is what a reference client's table says of a partition; ballot 0: nothing.
type knownPrimary struct {
	ballot int64
	node   string
}

func (r *run) placePartitions() {
	for i := range r.scenario.Partitions {
		primary := address(2, i%r.scenario.Replicas, replicaPort)
		r.placements = append(r.placements, placement{ballot: firstBallot, primary: primary, rows: primary})
	}
	for range r.scenario.Clients {
		r.known = append(r.known, make([]knownPrimary, r.scenario.Partitions))
	}
}

// heldBy is what a replica has of a partition; no role: nothing.
func (p *placement) heldBy(addr netip.AddrPort) replica.Partition {
	switch {
	case addr == p.primary && p.moving == nil:
		return replica.Partition{Role: replica.RolePrimary, Ballot: p.ballot}
	case addr == p.primary || slices.Contains(p.secondaries, addr):
		return replica.Partition{Role: replica.RoleSecondary, Ballot: p.ballot}
	}
	return replica.Partition{}
}

// cannotMove: no meta leads that can decide.
func (r *run) cannotMove(*Fault) string {
	if !r.leader.IsValid() {
		return "no meta leads"
	}
	if name := r.nodeName(r.leader); r.servers[name] == nil || !r.hosts[name].Up() || r.hosts[name].Paused() {
		return "the meta that leads, " + name + ", does not run"
	}
	return ""
}

// move gives a partition to a node, which does not serve it yet.
func (r *run) move(f *Fault, host *world.Host) {
	p := &r.placements[f.Partition]
	before := p.primary
	p.ballot++
	p.primary, p.secondaries, p.moving = r.addrOf(f.Node), nil, f
	if before != p.primary {
		p.secondaries = []netip.AddrPort{before}
	}
	if p.rows != p.primary {
		r.place(r.nodeName(p.rows)).disk.give(gpid(f.Partition), r.place(f.Node).disk)
		p.rows = p.primary
	}
	host.Trace(trace.Event{Kind: trace.KindFault, Note: fmt.Sprintf("partition %d moves here from %s, with ballot %d", f.Partition, r.nodeName(before), p.ballot)})
	r.tellReplicas()
	r.decide(f.Partition)
}

// decide has the leading meta put a move in force, and tells the trace.
func (r *run) decide(partition int) {
	leader := r.nodeName(r.leader)
	r.servers[leader].decide(partition)
	p := &r.placements[partition]
	answer := trace.Answer{
		Err: protocol.CodeOK.String(), App: appID, Count: int32(r.scenario.Partitions),
		Configs: []trace.Config{{Partition: int32(partition), Ballot: p.ballot, Primary: p.primary}},
	}
	r.hosts[leader].Trace(trace.Event{Kind: trace.KindTable, Table: tableName, Answer: answer.String()})
}

// serve ends a move, unless another has taken its place.
func (r *run) serve(f *Fault, host *world.Host) {
	p := &r.placements[f.Partition]
	if p.moving != f {
		return
	}
	p.moving = nil
	host.Trace(trace.Event{Kind: trace.KindFault, Note: fmt.Sprintf("partition %d is served here", f.Partition)})
	r.tellReplicas()
}

// tellReplicas tells those that run what they have. One that stands still knows before it
// goes on: by its own clock its lease is over. One that is down learns it as it starts.
func (r *run) tellReplicas() {
	for _, place := range r.places {
		if server := r.servers[place.name]; !place.meta && server != nil && r.hosts[place.name].Up() {
			server.learn()
		}
	}
}

// cannotDepose: the node does not lead, or no other meta can instead.
func (r *run) cannotDepose(f *Fault) string {
	switch {
	case r.leader != r.addrOf(f.Node):
		return "it does not lead"
	case !r.successor(f.Node).IsValid():
		return "no other meta runs that could lead"
	}
	return ""
}

// successor is the next meta in order that runs and hears of elections; zero: there is none.
func (r *run) successor(node string) netip.AddrPort {
	metas := r.scenario.nodesOf(roleMeta)
	for i := range metas {
		name := metas[(slices.Index(metas, node)+1+i)%len(metas)]
		if host := r.hosts[name]; name != node && r.deaf[name] == 0 && host.Up() && !host.Paused() {
			return r.addrOf(name)
		}
	}
	return netip.AddrPort{}
}

// depose lets another meta lead, and the node not know.
func (r *run) depose(f *Fault, host *world.Host) {
	r.deaf[f.Node]++
	host.Trace(trace.Event{Kind: trace.KindFault, Note: "another meta leads, and this one does not know"})
	r.setLeader(r.successor(f.Node))
}

// enlighten tells the node what it missed.
func (r *run) enlighten(f *Fault, host *world.Host) {
	if r.deaf[f.Node]--; r.deaf[f.Node] == 0 && host.Up() && !host.Paused() {
		r.tellLeader(f.Node)
	}
}

// lookUpBound is how long after the last fault a client may still be refused where a partition
// that moved was, or pause before it tries again where it is: tables are looked up no sooner
// than so long after the last time, which may have been right before the move.
func (s *Scenario) lookUpBound(partition int) time.Duration {
	if !slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == FaultMovePrimary && f.Partition == partition }) {
		return 0
	}
	cfg := routing.DefaultConfig()
	return cfg.RefreshInterval + cfg.RetryCap
}

// outdated: what the operation's client knew of the partition when it began is older than what
// it has learned by now.
func (j *judge) outdated(op *operation) bool {
	to, _ := j.route(op.client, op.partition)
	return op.ballot < to.ballot
}

// learned takes what a reference client's table says of a partition.
func (r *run) learned(client, partition int, ballot int64, primary netip.AddrPort) {
	r.known[client][partition] = knownPrimary{ballot, r.nodeName(primary)}
}

// route says which node a client would send an operation on a partition to, under which
// ballot, and whether that node serves it and nothing is about to change.
func (r *run) route(client, partition int) (to knownPrimary, settled bool) {
	p := &r.placements[partition]
	to = r.known[client][partition]
	if to.ballot == 0 {
		to = knownPrimary{p.ballot, r.nodeName(p.primary)}
	}
	return to, to.ballot == p.ballot && p.moving == nil
}
