// The scenario swarm: every seed draws which faults exist at all and how strong each is, and
// then lets them befall a cluster of drawn shape at random. A seed that has everything finds
// less than many seeds that each have something else (Groce et al., Swarm Testing, 2012).
//
// Every kind of fault draws from streams of its own, so that a new kind, or one that draws
// more, leaves what the others do as it was.

package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/sim/world"
)

// ScenarioSwarm is the name of the scenario.
const ScenarioSwarm = "swarm"

// Drawn is how strong a seed has made one kind of fault: in each second of the faults' phase
// it befalls each node that it can with this probability, for a duration drawn evenly.
type Drawn struct {
	Kind     FaultKind
	PerMille int
	Min, Max time.Duration
	Shape    string // of restarts, see swarmShapes
}

// swarmShapes are the shapes that restarts have beside those of single nodes: all one after
// another, or all at once.
var swarmShapes = []string{shapeOne, shapeRolling, shapeAll}

const (
	shapeOne     = "one"
	shapeRolling = "rolling"
	shapeAll     = "all"
)

// swarmRule is what a swarm can make of a kind.
type swarmRule struct {
	exists        int // per mille of the seeds that have it
	most          int // largest probability, per mille for each node and second
	least, longer time.Duration
	by            func(*rand.Rand) time.Duration
	rate          func(*rand.Rand) int64
}

var swarmRules = [faultKinds]swarmRule{
	FaultRestart:       {exists: 1000, most: 200, least: 5 * time.Millisecond, longer: 3 * time.Second},
	FaultPowerLoss:     {exists: 250, most: 120, least: 50 * time.Millisecond, longer: 4 * time.Second},
	FaultDiskLoss:      {exists: 150, most: 80, least: 50 * time.Millisecond, longer: 2 * time.Second, by: within(time.Millisecond, time.Second)},
	FaultPause:         {exists: 300, most: 150, least: time.Millisecond, longer: 12 * time.Second},
	FaultPartition:     {exists: 300, most: 120, least: 10 * time.Millisecond, longer: 8 * time.Second},
	FaultOneWay:        {exists: 250, most: 120, least: 10 * time.Millisecond, longer: 8 * time.Second},
	FaultDelay:         {exists: 300, most: 150, least: 50 * time.Millisecond, longer: 5 * time.Second, by: within(time.Millisecond, 1500*time.Millisecond)},
	FaultClog:          {exists: 250, most: 120, least: 10 * time.Millisecond, longer: 6 * time.Second},
	FaultSlowHandshake: {exists: 250, most: 150, least: 100 * time.Millisecond, longer: 5 * time.Second, by: within(10*time.Millisecond, 2*time.Second)},
	FaultLeaderChange:  {exists: 400, most: 200, least: time.Millisecond, longer: 3 * time.Second},
	FaultClockStep: {exists: 300, most: 80, least: 100 * time.Millisecond, longer: 8 * time.Second, by: func(r *rand.Rand) time.Duration {
		by := between(r, time.Second, time.Hour)
		if r.IntN(2) == 0 {
			return -by
		}
		return by
	}},
	FaultClockDrift: {exists: 300, most: 100, least: time.Second, longer: 10 * time.Second, rate: func(r *rand.Rand) int64 {
		if rate := r.Int64N(2_000_001) - 1_000_000; rate != 0 {
			return rate
		}
		return 1
	}},
	FaultKeyRotation:  {exists: 500, most: 150, least: time.Millisecond, longer: 3 * time.Second},
	FaultKDCOutage:    {exists: 500, most: 300, least: 100 * time.Millisecond, longer: 15 * time.Second},
	FaultTicketExpiry: {exists: 300, most: 200, least: time.Second, longer: 10 * time.Second, by: within(2*time.Second, 20*time.Second)},

	FaultForgetFlows:     {exists: 250, most: 100, least: 100 * time.Millisecond, longer: 10 * time.Second, by: within(time.Second, 30*time.Second)},
	FaultResetFlows:      {exists: 150, most: 100, least: 100 * time.Millisecond, longer: 10 * time.Second, by: within(time.Second, 30*time.Second)},
	FaultClientRestart:   {exists: 300, most: 80, least: 5 * time.Millisecond, longer: 3 * time.Second},
	FaultMovePrimary:     {exists: 400, most: 300, least: time.Millisecond, longer: 3 * time.Second},
	FaultStaleLeader:     {exists: 400, most: 400, least: 10 * time.Millisecond, longer: 15 * time.Second},
	FaultClientPowerLoss: {exists: 250, most: 80, least: 50 * time.Millisecond, longer: 4 * time.Second},
}

func within(lo, hi time.Duration) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration { return between(r, lo, hi) }
}

func swarm(seed uint64) Scenario {
	s := Default()
	s.Name, s.Seed = ScenarioSwarm, seed
	s.drawCluster(world.Stream(seed, "swarm/cluster"))
	s.drawCallers(world.Stream(seed, "swarm/callers"))
	s.drawPorts(world.Stream(seed, "swarm/ports"))
	s.drawBuffers(world.Stream(seed, "swarm/buffers"))
	phase := between(world.Stream(seed, "swarm/phase"), 4*time.Second, 20*time.Second)
	if random := world.Stream(seed, "swarm/clocks"); random.IntN(3) == 0 {
		s.drawClocks(random)
	}
	for _, kind := range FaultKinds() {
		if d, exists := s.drawStrength(kind); exists {
			s.Drawn = append(s.Drawn, d)
			s.drawFaults(&d, phase)
		}
	}
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return int(a.At - b.At) })
	s.keepInFlight()
	return s
}

// drawCluster draws the shape of the cluster and its network.
func (s *Scenario) drawCluster(random *rand.Rand) {
	s.Metas, s.Replicas = 1+random.IntN(3), 1+random.IntN(4)
	s.Partitions, s.Clients = 1<<random.IntN(4), 1+random.IntN(4)
	s.Leader = 1 + random.IntN(s.Metas)
	s.SplitReads, s.Pairs = random.IntN(4) > 0, 4+random.IntN(2)
	s.LatencyMin = between(random, 20*time.Microsecond, 2*time.Millisecond)
	s.LatencyMax = s.LatencyMin + between(random, 0, 3*time.Millisecond)
	s.BackoffCap = []time.Duration{100 * time.Millisecond, time.Second}[random.IntN(2)]
	if ports := 20 + random.IntN(80); s.BackoffCap == time.Second && random.IntN(2) == 0 {
		s.PortMin, s.PortMax = 40000, 40000+ports // few enough to come round, enough for a minute of TIME-WAIT
	}
	if random.IntN(3) == 0 {
		s.QueueLimit = 1 + random.IntN(2)
	}
	if random.IntN(3) == 0 {
		s.Auth = AuthKerberos
		s.TicketLife = []time.Duration{20 * time.Second, 5 * time.Minute, 10 * time.Hour}[random.IntN(3)]
	}
}

// drawPorts draws for some seeds so few ephemeral ports, though enough for a minute of
// TIME-WAIT, that a client's host soon comes back to those on which servers hold its earlier
// connections for open.
func (s *Scenario) drawPorts(random *rand.Rand) {
	if ports := 20 + random.IntN(8); random.IntN(3) == 0 && s.BackoffCap == time.Second {
		s.PortMin, s.PortMax = 40000, 40000+ports
	}
}

// drawBuffers draws for some seeds kernels that take and keep a few frames, and drivers that
// queue little more, so that whoever writes to a peer that stands still soon waits.
func (s *Scenario) drawBuffers(random *rand.Rand) {
	if random.IntN(5) > 0 {
		return
	}
	s.SendBuffer, s.ReceiveBuffer = 300+random.IntN(2700), 300+random.IntN(2700)
	s.WriteQueue = 8<<10 + random.IntN(56<<10)
}

// drawCallers gives each client one to three callers of a pace.
func (s *Scenario) drawCallers(random *rand.Rand) {
	for client := range s.Clients {
		p := paces[random.IntN(len(paces)-1)] // not the slowest: it meets little
		for range 1 + random.IntN(3) {
			s.Workloads = append(s.Workloads, Workload{
				Client: client + 1, Start: between(random, 0, p.everyMin),
				EveryMin: p.everyMin, EveryMax: p.everyMax, Timeout: p.timeout, Keys: 2 + random.IntN(15),
			})
		}
	}
}

// drawStrength draws whether a kind exists for the seed, and how strong it is.
func (s *Scenario) drawStrength(kind FaultKind) (Drawn, bool) {
	rule := swarmRules[kind]
	random := world.Stream(s.Seed, "swarm/strength/"+kind.String())
	exists := random.IntN(1000) < rule.exists
	d := Drawn{Kind: kind, PerMille: 1 + random.IntN(rule.most)}
	d.Min = between(random, rule.least, rule.longer)
	d.Max = between(random, d.Min, rule.longer)
	if kind == FaultRestart {
		d.Shape = swarmShapes[random.IntN(len(swarmShapes))]
	}
	return d, exists && (!kind.Info().Kerberos || s.Auth == AuthKerberos)
}

// drawFaults lets a kind befall nodes. Restarts come at least once each, so that a seed says
// something about reconnection.
func (s *Scenario) drawFaults(d *Drawn, phase time.Duration) {
	random := world.Stream(s.Seed, "swarm/faults/"+d.Kind.String())
	nodes := s.nodesOf(d.Kind.Info().roles)
	if d.Kind == FaultRestart {
		s.drawCalmRestart()
		s.drawShape(random, d, nodes, phase)
	}
	for at := warmUp; at < warmUp+phase; at += time.Second {
		for _, node := range nodes {
			within := between(random, 0, time.Second-1)
			if random.IntN(1000) < d.PerMille {
				s.Faults = append(s.Faults, s.drawFault(random, d, at+within, node))
			}
		}
	}
}

func (s *Scenario) drawFault(random *rand.Rand, d *Drawn, at time.Duration, node string) Fault {
	rule, info := swarmRules[d.Kind], d.Kind.Info()
	f := Fault{At: at, Kind: d.Kind, Node: node, Down: between(random, d.Min, d.Max)}
	if rule.by != nil {
		f.By = rule.by(random)
	}
	if rule.rate != nil {
		f.Rate = rule.rate(random)
	}
	if info.Partition {
		f.Partition = random.IntN(s.Partitions)
	}
	if peers := s.peersOf(node); info.Peer && random.IntN(2) == 0 {
		f.Peer = peers[random.IntN(len(peers))]
	}
	return f
}

// drawCalmRestart restarts a replica while nothing else is in trouble: whatever faults there
// are later, the seed has a restart with a request in flight that somebody comes back from.
func (s *Scenario) drawCalmRestart() {
	random := world.Stream(s.Seed, "swarm/calm")
	s.Faults = append(s.Faults, Fault{
		At: warmUp/2 + between(random, 0, warmUp/4), Kind: FaultRestart, Node: replicaName(0),
		Down: between(random, 5*time.Millisecond, warmUp/10),
	})
}

// drawShape restarts each node once, in the shape that was drawn; one by one, every replica and
// at most one meta.
func (s *Scenario) drawShape(random *rand.Rand, d *Drawn, nodes []string, phase time.Duration) {
	order := random.Perm(len(nodes))
	at := warmUp + between(random, 0, phase/2)
	for i, n := range order {
		if d.Shape == shapeOne && i > 0 && !strings.HasPrefix(nodes[n], "replica-") {
			continue
		}
		down := between(random, d.Min, d.Max)
		s.Faults = append(s.Faults, Fault{At: at, Kind: d.Kind, Node: nodes[n], Down: down})
		switch d.Shape {
		case shapeRolling:
			at += down + between(random, 0, 500*time.Millisecond)
		case shapeOne:
			at += between(random, 0, phase)
		default:
			at += between(random, 0, 20*time.Millisecond)
		}
	}
}

// String tells the strength as a scenario file has it.
func (d Drawn) String() string {
	text := fmt.Sprintf("%v per-mille=%d for=%s", d.Kind, d.PerMille, span(d.Min, d.Max))
	if d.Shape != "" {
		text += " shape=" + d.Shape
	}
	return text
}

func (s *Scenario) drawnWords() []string {
	words := []string{}
	for _, d := range s.Drawn {
		words = append(words, d.String())
	}
	return words
}

func (s *Scenario) validateDrawn(d *Drawn) error {
	switch {
	case d.Kind == 0 || d.Kind >= faultKinds:
		return usagef("a drawn line says which fault: %s", strings.Join(faultWords(), ", "))
	case d.PerMille < 0 || d.PerMille > 1000 || d.Min < 0 || d.Max < d.Min || d.Max > maxDuration:
		return usagef("drawn %v: per-mille is 0 to 1000, and durations are in order", *d)
	case d.Shape != "":
		return oneOf("shape", d.Shape, swarmShapes)
	}
	return nil
}

func (s *Scenario) readDrawn(words []string) error {
	var d Drawn
	err := readFields(words, fields{
		"per-mille": intField(&d.PerMille),
		"for":       func(v string) (err error) { d.Min, d.Max, err = parseSpan(v); return err },
		"shape":     func(v string) error { d.Shape = v; return nil },
	}, func(word string) (err error) { d.Kind, err = parseFaultKind(word); return err })
	s.Drawn = append(s.Drawn, d)
	return err
}
