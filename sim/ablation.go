// The incident's claimed causes and remedies as settings of a run: what an ablation takes
// away from upstream-snapshot's rules, and adds to them.

package sim

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim/upstream"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// Values of Scenario.Causes and Scenario.Remedies beside names joined by "+".
const (
	CausesAsReleased = "as-released" // nothing is ablated
	NoneOfThem       = "none"
)

// What the causes and remedies are in a run.
const (
	earlyDeadline = 5 * time.Second  // C3: of the server, against the client's 10 s for each message
	laterDeadline = 15 * time.Second // r3
)

// watcherDelay is how long the watcher of r1 takes to act on what it has noticed.
var watcherDelay = upstream.Interval{Min: time.Millisecond, Max: 100 * time.Millisecond}

// Joined is a set of causes or remedies as a scenario has it.
func Joined(names []string) string {
	if len(names) == 0 {
		return NoneOfThem
	}
	return strings.Join(names, "+")
}

func (s *Scenario) ablated() bool { return s.Causes != CausesAsReleased }

func (s *Scenario) hasCause(name string) bool {
	return slices.Contains(strings.Split(s.Causes, "+"), name)
}

func (s *Scenario) hasRemedy(name string) bool {
	return slices.Contains(strings.Split(s.Remedies, "+"), name)
}

func (s *Scenario) validateAblation() error {
	var causes, remedies []string
	for _, c := range model.Causes() {
		causes = append(causes, c.Name)
	}
	for _, r := range model.Remedies() {
		remedies = append(remedies, r.Name)
	}
	if !s.ablated() && s.Remedies == NoneOfThem {
		return nil
	}
	if s.Client != ClientUpstreamSnapshot {
		return usagef("causes and remedies are those of client %s: with %s, leave causes %s and remedies %s", ClientUpstreamSnapshot, s.Client, CausesAsReleased, NoneOfThem)
	}
	if !s.ablated() {
		return usagef("remedies are %s and causes are %s: name the causes that they are to remedy", s.Remedies, s.Causes)
	}
	if err := joinedOf("cause", s.Causes, causes); err != nil {
		return err
	}
	return joinedOf("remedy", s.Remedies, remedies)
}

// joinedOf refuses a name that is not among the valid ones, and one that comes twice.
func joinedOf(what, joined string, valid []string) error {
	if joined == NoneOfThem {
		return nil
	}
	names := strings.Split(joined, "+")
	for i, name := range names {
		if err := oneOf(what, name, valid); err != nil {
			return err
		}
		if slices.Contains(names[:i], name) {
			return usagef("%s %s is named twice in %q", what, name, joined)
		}
	}
	return nil
}

// AblationSettings is what causes and remedies come to in a run. Combinations with equal
// settings are equal runs.
type AblationSettings struct {
	AuthPerConnection bool          // C1 taken away: the mark of authentication ends with its connection
	Watcher           bool          // r1
	PortReuse         bool          // C2, without r2: see process_upstream_client.go
	ServerDeadline    time.Duration // C3 or r3; zero: what the server has without being told, none of upstream's and 15 s of the reference
}

// AblationSettings of a scenario. With r2 the client's kernel chooses ports, which takes its
// range in turn: none comes again before all others were used.
func (s *Scenario) AblationSettings() AblationSettings {
	settings := AblationSettings{
		AuthPerConnection: s.ablated() && !s.hasCause("C1"),
		Watcher:           s.hasRemedy("r1"),
		PortReuse:         s.hasCause("C2") && !s.hasRemedy("r2"),
	}
	switch {
	case s.hasRemedy("r3"):
		settings.ServerDeadline = laterDeadline
	case s.hasCause("C3"):
		settings.ServerDeadline = earlyDeadline
	}
	return settings
}

func (s *Scenario) ablateClient(cfg *upstream.ClientConfig) {
	settings := s.AblationSettings()
	cfg.AuthPerConnection = settings.AuthPerConnection
	if settings.Watcher {
		cfg.Rebuild = watcherDelay
	}
}

// Scenarios of an ablation: a full restart under one client; and the same with a network
// that loses the end of a connection, or makes a negotiation last.
const (
	ScenarioAblationRestarts = "ablation-restarts"
	ScenarioAblationNetwork  = "ablation-network"
)

// AblationScenarios in the order in which tables have them.
var AblationScenarios = []string{ScenarioAblationRestarts, ScenarioAblationNetwork}

// ablationWatch is how long after the last fault "never" is in an ablation: beyond the time
// that a judge waits for callers of the slowest pace.
const ablationWatch = 75 * time.Second

func ablationRestarts(seed uint64) Scenario {
	s := fullRestart(seed)
	s.Name, s.Watch = ScenarioAblationRestarts, ablationWatch
	s.Clients, s.Workloads = 1, s.Workloads[:1]
	for i := range s.Ops {
		s.Ops[i].Client = 1
	}
	return s
}

func ablationNetwork(seed uint64) Scenario {
	s := ablationRestarts(seed)
	s.Name = ScenarioAblationNetwork
	s.disturbAblation()
	return s
}

// Ablate makes a scenario one of upstream-snapshot with those causes and remedies only. A
// seed is the same in every cell of an ablation but for what the cell is about.
func (s *Scenario) Ablate(causes, remedies []string) {
	s.Client, s.Causes, s.Remedies = ClientUpstreamSnapshot, Joined(causes), Joined(remedies)
}

// disturbAblation adds what a network does beside the restarts: for seeds that are even,
// packets are lost for longer than the reset window, so that the client closes by itself
// and hears no server's end; for the others they travel slowly and are held for a while,
// so that a negotiation takes longer than a server with C3 gives it and less than the
// client does.
func (s *Scenario) disturbAblation() {
	random := world.Stream(s.Seed, "scenario/ablation")
	at := slices.MinFunc(s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) }).At
	if s.Seed%2 == 0 {
		busy := &s.Workloads[0] // a caller that asks rarely leaves the connection to TCP's retransmissions, which back off for minutes
		busy.EveryMin, busy.EveryMax, busy.Timeout = paces[1].everyMin, paces[1].everyMax, paces[1].timeout
		s.Faults = append(s.Faults, Fault{At: at - time.Millisecond, Kind: FaultPartition, Node: clientName(0), Down: between(random, 60*time.Second, 80*time.Second)})
		return
	}
	slow := Fault{At: at, Kind: FaultDelay, Node: clientName(0), By: between(random, 200*time.Millisecond, 400*time.Millisecond)}
	at = s.LastFault()
	for range 5 {
		at += between(random, 500*time.Millisecond, 2500*time.Millisecond)
		held := Fault{At: at, Kind: FaultClog, Node: clientName(0), Down: between(random, 5500*time.Millisecond, 8500*time.Millisecond)}
		s.Faults = append(s.Faults, held)
		at = held.until()
	}
	slow.Down = at - slow.At + time.Second
	s.Faults = append(s.Faults, slow)
}
