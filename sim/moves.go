// The scenario moves: partitions that go from one replica to the next, under metas of which
// one may not know that another leads, and clients that cannot always reach the one that
// does. What a client knows of a table is stale most of the time. One of the clients asks
// seldom, and finds out long after.

package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// ScenarioMoves is the name of the scenario.
const ScenarioMoves = "moves"

// What comes when. Upstream's Go client dials an address once a minute at most: a restart
// after more than that is one that every client comes back from at once, and does not hide
// what the moves do.
const (
	movesRestart = 62 * time.Second
	movesBegin   = movesRestart + 2*time.Second
	movesEnd     = movesBegin + 12*time.Second
)

func moves(seed uint64) Scenario {
	s := Default()
	s.Name, s.Seed = ScenarioMoves, seed
	random := world.Stream(seed, "scenario/moves")
	s.SplitReads = random.IntN(4) > 0
	s.Metas, s.Replicas, s.Partitions, s.Clients = 2+random.IntN(2), 2+random.IntN(3), 2<<random.IntN(3), 3
	s.Leader = 1 + random.IntN(s.Metas)
	for client, p := range []pace{paces[0], paces[1], paces[3]} {
		s.Workloads = append(s.Workloads, Workload{
			Client: client + 1, Start: movesRestart - between(random, 0, time.Second),
			EveryMin: p.everyMin, EveryMax: p.everyMax, Timeout: p.timeout, Keys: 4 + random.IntN(13),
		})
	}
	s.Faults = append(s.Faults, Fault{
		At: movesRestart + between(random, 0, time.Second), Kind: FaultRestart, Node: replicaName(0), Down: between(random, 5*time.Millisecond, 200*time.Millisecond),
	})
	s.askEverywhere()
	s.drawSuccessions(random)
	s.drawMoves(random)
	s.drawCuts(random)
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return int(a.At - b.At) })
	s.keepInFlight()
	return s
}

// askEverywhere connects every client with every primary, long before anything happens.
func (s *Scenario) askEverywhere() {
	for client := range s.Clients {
		for partition := range s.Partitions {
			s.Ops = append(s.Ops, Op{
				At: time.Second, Client: 1 + client, RPC: protocol.RPCGet, Partition: partition, Timeout: time.Second,
			})
		}
	}
}

// drawSuccessions has each leader succeeded by the next meta, and not know for a while.
func (s *Scenario) drawSuccessions(random *rand.Rand) {
	leader := s.Leader - 1
	for at := movesBegin + between(random, 0, time.Second); at < movesEnd; at += between(random, 3*time.Second, 6*time.Second) {
		s.Faults = append(s.Faults, Fault{At: at, Kind: FaultStaleLeader, Node: metaName(leader), Down: between(random, time.Second, 8*time.Second)})
		leader = (leader + 1) % s.Metas
	}
}

// drawMoves moves partitions; the last ones come when the network has been whole for a while.
func (s *Scenario) drawMoves(random *rand.Rand) {
	move := func(at time.Duration) {
		s.Faults = append(s.Faults, Fault{
			At: at, Kind: FaultMovePrimary, Node: replicaName(random.IntN(s.Replicas)), Partition: random.IntN(s.Partitions),
			Down: between(random, time.Millisecond, 2*time.Second),
		})
	}
	at := movesBegin
	for at < movesEnd {
		at += between(random, 50*time.Millisecond, time.Second)
		move(at)
	}
	for range 1 + random.IntN(s.Partitions) {
		move(at + between(random, 2*time.Second, 4*time.Second))
	}
}

// drawCuts keeps clients from metas, now from one and then from another.
func (s *Scenario) drawCuts(random *rand.Rand) {
	for at := movesBegin; at < movesEnd; at += between(random, 100*time.Millisecond, time.Second) {
		s.Faults = append(s.Faults, Fault{
			At: at, Kind: FaultPartition, Node: clientName(random.IntN(s.Clients)), Peer: metaName(random.IntN(s.Metas)),
			Down: between(random, 100*time.Millisecond, 3*time.Second),
		})
	}
}
