// The scenario full-restart: every node of a cluster restarted within a window, once or
// several times, under callers that never stop. Everything is drawn from the seed, so a
// seed is a configuration of its own: some have busy callers, some one that asks every
// 20 seconds, some lose power instead of processes.

package sim

import (
	"math/rand/v2"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// ScenarioFullRestart is the name of the scenario.
const ScenarioFullRestart = "full-restart"

const (
	warmUp       = 2 * time.Second       // callers run this long before the first fault
	inFlightLead = 50 * time.Microsecond // less than any latency: the request cannot be answered before the fault
)

// pace is how often a caller asks and how long it waits.
type pace struct{ everyMin, everyMax, timeout time.Duration }

var paces = []pace{
	{20 * time.Millisecond, 100 * time.Millisecond, time.Second},
	{300 * time.Millisecond, 700 * time.Millisecond, time.Second},
	{900 * time.Millisecond, 1100 * time.Millisecond, 5 * time.Second},
	{20 * time.Second, 20 * time.Second, time.Second},
}

func fullRestart(seed uint64) Scenario {
	s := Default()
	s.Name, s.Seed = ScenarioFullRestart, seed
	random := world.Stream(seed, "scenario/full-restart")

	s.SplitReads = random.IntN(4) > 0
	s.Pairs = 4 + random.IntN(2)
	p := paces[random.IntN(len(paces))]
	for client := range s.Clients {
		s.Workloads = append(s.Workloads, Workload{
			Client: client + 1, Start: between(random, 0, p.everyMin),
			EveryMin: p.everyMin, EveryMax: p.everyMax, Timeout: p.timeout, Keys: 4 + random.IntN(29),
		})
	}

	kind := FaultRestart
	if random.IntN(8) == 0 {
		kind = FaultPowerLoss
	}
	at := warmUp + between(random, 0, time.Second)
	for range 1 + random.IntN(3) {
		s.restartAll(random, at, kind)
		at = s.LastFault() + between(random, 500*time.Millisecond, 5*time.Second)
	}
	s.keepInFlight()
	return s
}

// restartAll takes every node down within a window, each for a while of its own.
func (s *Scenario) restartAll(random *rand.Rand, at time.Duration, kind FaultKind) {
	window := between(random, time.Millisecond, 500*time.Millisecond)
	longest := between(random, 20*time.Millisecond, 3*time.Second)
	for i := range s.Metas + s.Replicas {
		node := metaName(i)
		if i >= s.Metas {
			node = replicaName(i - s.Metas)
		}
		s.Faults = append(s.Faults, Fault{
			At: at + between(random, 0, window), Kind: kind, Node: node,
			Down: between(random, 10*time.Millisecond, longest),
		})
	}
}

// keepInFlight adds a request to each replica just before its first restart, so that a
// run always has one that is written and not answered when its server goes.
func (s *Scenario) keepInFlight() {
	first := make(map[string]bool)
	for _, f := range s.Faults {
		for replica := range min(s.Replicas, s.Partitions) {
			if f.Kind.takesDown() && f.Node == replicaName(replica) && !first[f.Node] {
				first[f.Node] = true
				s.Ops = append(s.Ops, Op{
					At: f.At - inFlightLead, Client: 1 + replica%s.Clients, RPC: protocol.RPCPut,
					Partition: replica, Timeout: s.Workloads[0].Timeout,
				})
			}
		}
	}
}

// between draws from [lo, hi].
func between(random *rand.Rand, lo, hi time.Duration) time.Duration {
	return lo + time.Duration(random.Int64N(int64(hi-lo)+1))
}
