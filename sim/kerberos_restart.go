// The scenario kerberos-restart: full-restart with real tokens, and trouble with whatever
// Kerberos needs around it: a KDC that is down, clocks that are off and that are set wrong,
// services that get new keys, tickets that soon expire.

package sim

import (
	"math/rand/v2"
	"time"

	"github.com/a8011091/pegasus-reference/sim/world"
)

// ScenarioKerberosRestart is the name of the scenario.
const ScenarioKerberosRestart = "kerberos-restart"

func kerberosRestart(seed uint64) Scenario {
	s := fullRestart(seed)
	s.Name, s.Auth = ScenarioKerberosRestart, AuthKerberos
	random := world.Stream(seed, "scenario/kerberos-restart")
	lives := []time.Duration{20 * time.Second, 5 * time.Minute, 10 * time.Hour}
	s.TicketLife = lives[random.IntN(len(lives))]
	s.drawClocks(random)
	from, until := s.Faults[0].At, s.LastFault()
	for _, f := range s.Faults {
		from = min(from, f.At)
	}
	s.drawKeyRotations(random, from, until)
	add := func(kind FaultKind, node string, by, shortest, longest time.Duration) {
		s.Faults = append(s.Faults, Fault{
			At: between(random, from-time.Second, until), Kind: kind, Node: node, By: by, Down: between(random, shortest, longest),
		})
	}
	if random.IntN(2) == 0 {
		add(FaultKDCOutage, kdcName, 0, 500*time.Millisecond, 20*time.Second)
	}
	if random.IntN(3) == 0 {
		add(FaultTicketExpiry, kdcName, between(random, 2*time.Second, 10*time.Second), time.Second, 20*time.Second)
	}
	nodes := s.nodesOf(roleAny)
	for range random.IntN(3) {
		by := between(random, 6*time.Minute, time.Hour)
		if random.IntN(2) == 0 {
			by = -by
		}
		add(FaultClockStep, nodes[random.IntN(len(nodes))], by, 100*time.Millisecond, 10*time.Second)
	}
	return s
}

// drawClocks has half of the nodes' clocks off, any two by less than Kerberos allows, and by
// less than a ticket holds: who is further ahead of the KDC has expired tickets only.
func (s *Scenario) drawClocks(random *rand.Rand) {
	most := min(2*time.Minute, s.TicketLife/4)
	for _, node := range s.nodesOf(roleAny) {
		offset, drift := between(random, -most, most), random.Int64N(100_001)-50_000
		if random.IntN(2) == 0 {
			s.Clocks = append(s.Clocks, Clock{Node: node, Offset: offset, Drift: drift})
		}
	}
}

// drawKeyRotations gives some of the servers a new key while everything restarts.
func (s *Scenario) drawKeyRotations(random *rand.Rand, from, until time.Duration) {
	for _, node := range s.nodesOf(roleServer) {
		at, down := between(random, from, until), between(random, time.Millisecond, 3*time.Second)
		if random.IntN(3) == 0 {
			s.Faults = append(s.Faults, Fault{At: at, Kind: FaultKeyRotation, Node: node, Down: down})
		}
	}
}
