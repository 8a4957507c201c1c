// Package sim is the simulator: it runs clients and servers, the reference's or models
// of upstream's, in a simulated world (sim/world) under a scenario of faults and
// operations, judges what they did by the properties of the specification, and says
// how to see it again. One seed, one trace hash.
//
// The parts: a Scenario (this file; its text form in scenario_text.go; its generators,
// generate.go and those that it lists; the kinds of faults in fault.go and fault_*.go),
// adapters that make a Process of each core (process_*.go), the wire observer (observer*.go),
// the judge (judge*.go) and Run (run.go).
package sim

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/upstream"
)

// Clients and servers that a scenario can name.
const (
	ClientReference        = "reference"
	ClientUpstream250      = "upstream-2.5.0"
	ClientUpstreamSnapshot = "upstream-snapshot"
	ClientUpstreamMaster   = "upstream-master"
	ClientUpstreamGo       = upstream.GoName

	ServerReference = "reference"
	ServerFIN       = "fin"
	ServerHang      = "hang"
)

// Authentication of the servers that a scenario can name. Kerberos is mandatory too, with
// real tokens (sasl/gssapi) in place of the simulation's cheap ones.
const (
	AuthMandatory = "mandatory"
	AuthOptional  = "optional"
	AuthKerberos  = "kerberos"
)

// Policies of the reference server for a request that comes before its negotiation.
const (
	EarlyRefuse = "refuse"
	EarlyHold   = "hold"
	EarlyDrop   = "drop"
	EarlyClose  = "close"
	EarlyHang   = "hang"
)

// Words that a scenario accepts, in the order in which help texts list them.
var (
	ClientNames = []string{ClientReference, ClientUpstream250, ClientUpstreamSnapshot, ClientUpstreamMaster, ClientUpstreamGo}
	ServerNames = []string{ServerReference, ServerFIN, ServerHang}
	AuthNames   = []string{AuthMandatory, AuthOptional}
	// RunAuthNames has in addition what only a run, and no specification, can be told.
	RunAuthNames = append(slices.Clone(AuthNames), AuthKerberos)
	EarlyNames   = []string{EarlyRefuse, EarlyHold, EarlyDrop, EarlyClose, EarlyHang}
)

// Limits of a scenario: what one simulation thread and a reader can still cope with.
const (
	maxMetas      = 8
	maxReplicas   = 32
	maxPartitions = 256
	maxClients    = 64
	maxEntries    = 100_000
	maxOperations = 5_000_000 // of all workloads, at the pace that they are given
	maxBuffer     = 64 << 20
	maxDuration   = 24 * time.Hour
	maxName       = 64 // characters
)

// Scenario is everything that decides a run: two runs of equal scenarios have equal
// trace hashes. What the scenario leaves open is drawn from Seed.
type Scenario struct {
	Name         string // letters, digits and -_. ; report directories are called by it
	Seed         uint64
	Client       string // of ClientNames
	Server       string // of ServerNames
	Auth         string // of RunAuthNames
	EarlyRequest string // of EarlyNames; counts for the reference server
	EarlyCode    string // the error that EarlyRefuse answers with, by its name on the wire
	HPFields     bool   // servers write the hp_ fields, as real ones do since March 2024; upstream-2.5.0 cannot read them

	Causes   string // of the incident that a run of upstream-snapshot has: CausesAsReleased, NoneOfThem, or such as C1+C3
	Remedies string // that it has: NoneOfThem, or such as r1+r2

	Metas, Replicas, Partitions, Clients int
	Leader                               int // number of the meta that leads, from 1

	LatencyMin, LatencyMax time.Duration // of a segment, one way
	SplitReads             bool          // deliver segments in pieces and together
	Pairs                  int           // request/response pairs of a negotiation: 4 or 5
	BackoffCap             time.Duration // of the reference client's sessions
	Watch                  time.Duration // how long after the last fault "never" is

	TicketLife       time.Duration // of Kerberos tickets
	PortMin, PortMax int           // ephemeral ports of each host
	QueueLimit       int           // of the reference client's sessions: requests that wait, and that are not answered

	// Bytes of each connection and direction: not acknowledged, not read, and waiting in a
	// driver of ours until there is room for them, beyond which it gives the connection up.
	SendBuffer, ReceiveBuffer, WriteQueue int

	Odd        Odd           // what servers do for a while in place of what they should
	Sticky     bool          // kernels go on with connections as the cause C2 claims, see sim/world/sticky.go; no TCP does
	LateEvents time.Duration // the longest that the reference client's driver is late with what it tells of connections and timers, see late.go
	CloseAt    time.Duration // when the reference client is closed; zero: never

	Drawn []Drawn // for readers: how strong a seed made the faults that are listed in Faults

	// Time-outs that upstream's Java client is configured with; zero: those it has without being told.
	QueryTimeout   time.Duration // of each try of a meta query
	ResetWindow    time.Duration // without an answer, after which it closes a session
	ConnectTimeout time.Duration

	// Standstill is the longest that the thread of an upstream-master client stands still
	// between "disconnected" and "not authenticated": what decides its race J3. Zero: as
	// long as on a machine with nothing else to do.
	Standstill time.Duration

	Workloads []Workload
	Ops       []Op
	Clocks    []Clock // of nodes whose clock is off
	Faults    []Fault
}

// Workload is a caller that does one operation after another on random keys.
type Workload struct {
	Client   int // 1..Clients
	Start    time.Duration
	EveryMin time.Duration // pause before each operation
	EveryMax time.Duration
	Timeout  time.Duration // of an operation
	Keys     int           // number of hash keys
}

// Op is one scripted operation.
type Op struct {
	At        time.Duration
	Client    int
	RPC       protocol.RPC
	Partition int // the hash key is the first one of the key space that falls there
	Timeout   time.Duration
	Serial    bool // begin when the client's scripted operation before it has ended, if that is later
}

// Default is a scenario without faults and operations: the settings that generators
// start from and that a scenario file may leave out.
func Default() Scenario {
	return Scenario{
		Name: "custom", Seed: 1,
		Client: ClientReference, Server: ServerReference, Auth: AuthMandatory, EarlyRequest: EarlyRefuse, EarlyCode: protocol.CodeSessionReset.String(),
		Causes: CausesAsReleased, Remedies: NoneOfThem,
		Metas: 2, Replicas: 3, Partitions: 8, Clients: 3, Leader: 1,
		LatencyMin: 100 * time.Microsecond, LatencyMax: 500 * time.Microsecond,
		SplitReads: true, Pairs: 4, BackoffCap: time.Second, Watch: 120 * time.Second,
		TicketLife: 10 * time.Hour, PortMin: 32768, PortMax: 60999, QueueLimit: 4096, Odd: Odd{Kind: OddNone},
		SendBuffer: 4 << 20, ReceiveBuffer: 6 << 20, WriteQueue: 32 << 20,
	}
}

// LastFault is the instant at which the last fault is over, zero without faults.
func (s *Scenario) LastFault() time.Duration {
	var last time.Duration
	for _, f := range s.Faults {
		last = max(last, f.until())
	}
	if s.Odd.set() {
		last = max(last, s.Odd.Until)
	}
	return last
}

// End is the instant at which a run that does not converge is given up.
func (s *Scenario) End() time.Duration { return s.LastFault() + s.Watch }

// Validate says what is wrong with the scenario in one sentence, or nil.
func (s *Scenario) Validate() error {
	for _, check := range []func() error{
		s.validateWords, s.validateAblation, s.validateCounts, s.validateTimes, s.Odd.validate, s.validateOwn, s.validateEntries,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// namePattern has no path in it, and nothing that a shell or a page would take for its own.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

func (s *Scenario) validateWords() error {
	if len(s.Name) > maxName || !namePattern.MatchString(s.Name) {
		return usagef("name is %.80q: it must be 1 to %d letters, digits and characters of -_. and begin with a letter, a digit or _", s.Name, maxName)
	}
	for _, w := range []struct {
		what, word string
		valid      []string
	}{
		{"client", s.Client, ClientNames},
		{"server", s.Server, ServerNames},
		{"auth", s.Auth, RunAuthNames},
		{"early-request", s.EarlyRequest, EarlyNames},
	} {
		if err := oneOf(w.what, w.word, w.valid); err != nil {
			return err
		}
	}
	if !protocol.ErrorCodeByName(s.EarlyCode).IsError() {
		return usagef("early-code is %q: it must be the name of an error, such as %v", s.EarlyCode, protocol.CodeSessionReset)
	}
	return nil
}

func (s *Scenario) validateCounts() error {
	for _, n := range []struct {
		what            string
		value, min, max int
	}{
		{"metas", s.Metas, 1, maxMetas},
		{"replicas", s.Replicas, 1, maxReplicas},
		{"partitions", s.Partitions, 1, maxPartitions},
		{"clients", s.Clients, 1, maxClients},
		{"leader", s.Leader, 1, s.Metas},
		{"pairs", s.Pairs, 4, 5},
		{"first port", s.PortMin, 1, 65535},
		{"last port", s.PortMax, s.PortMin, 65535},
		{"queue-limit", s.QueueLimit, 1, 1 << 20},
		{"send-buffer", s.SendBuffer, 1, maxBuffer},
		{"receive-buffer", s.ReceiveBuffer, 1, maxBuffer},
		{"write-queue", s.WriteQueue, 1, maxBuffer},
		{"number of drawn lines", len(s.Drawn), 0, maxEntries},
		{"number of workloads", len(s.Workloads), 0, maxEntries},
		{"number of operations", len(s.Ops), 0, maxEntries},
		{"number of clocks", len(s.Clocks), 0, maxEntries},
		{"number of faults", len(s.Faults), 0, maxEntries},
	} {
		if n.value < n.min || n.value > n.max {
			return usagef("%s is %d: it must be %d to %d", n.what, n.value, n.min, n.max)
		}
	}
	if s.Partitions&(s.Partitions-1) != 0 {
		return usagef("partitions is %d: it must be a power of two", s.Partitions)
	}
	return nil
}

func (s *Scenario) validateTimes() error {
	if s.LatencyMin <= 0 || s.LatencyMax < s.LatencyMin || s.LatencyMax > time.Minute {
		return usagef("latency is %v..%v: it must be positive, in order and at most 1m", s.LatencyMin, s.LatencyMax)
	}
	if s.BackoffCap <= 0 || s.BackoffCap > time.Hour || s.Watch <= 0 || s.Watch > maxDuration {
		return usagef("backoff-cap is %v and watch is %v: both must be positive, at most 1h and %v", s.BackoffCap, s.Watch, maxDuration)
	}
	for _, d := range []time.Duration{s.QueryTimeout, s.ResetWindow, s.ConnectTimeout} {
		if d < 0 || d > time.Hour {
			return usagef("query-timeout is %v, reset-window %v and connect-timeout %v: they must be 0 to 1h", s.QueryTimeout, s.ResetWindow, s.ConnectTimeout)
		}
	}
	if s.Standstill < 0 || s.Standstill > time.Minute {
		return usagef("standstill is %v: it must be 0 to 1m", s.Standstill)
	}
	if s.TicketLife < time.Second || s.TicketLife > maxDuration {
		return usagef("ticket-life is %v: it must be 1s to %v", s.TicketLife, maxDuration)
	}
	return nil
}

// validateOwn is about what the reference client alone can be told.
func (s *Scenario) validateOwn() error {
	if s.LateEvents < 0 || s.LateEvents > time.Minute || s.CloseAt < 0 || s.CloseAt > maxDuration {
		return usagef("late-events is %v and close-at is %v: they must be 0 to 1m, and 0 to %v", s.LateEvents, s.CloseAt, maxDuration)
	}
	if s.Client != ClientReference && (s.LateEvents > 0 || s.CloseAt > 0) {
		return usagef("late-events is %v and close-at is %v: both are of client %s, and the client is %s", s.LateEvents, s.CloseAt, ClientReference, s.Client)
	}
	return nil
}

func (s *Scenario) validateEntries() error {
	for i := range s.Drawn {
		if err := s.validateDrawn(&s.Drawn[i]); err != nil {
			return err
		}
	}
	for i := range s.Clocks {
		if err := s.validateClock(i); err != nil {
			return err
		}
	}
	for i := range s.Faults {
		if err := s.validateFault(&s.Faults[i]); err != nil {
			return err
		}
	}
	return s.validateCallers()
}

// validateCallers looks at workloads and operations. It comes after faults, which decide how
// long a run is.
func (s *Scenario) validateCallers() error {
	var operations int64
	end := s.End()
	for _, w := range s.Workloads {
		if w.Client < 1 || w.Client > s.Clients {
			return usagef("a workload names client %d: there are clients 1 to %d", w.Client, s.Clients)
		}
		if w.Start < 0 || w.Start > maxDuration || w.EveryMin <= 0 || w.EveryMax < w.EveryMin || w.EveryMax > maxDuration || w.Timeout <= 0 || w.Timeout > time.Hour {
			return usagef("the workload of client %d has start %v, every %v..%v, timeout %v: times must be positive, in order and at most %v, the timeout 1h", w.Client, w.Start, w.EveryMin, w.EveryMax, w.Timeout, maxDuration)
		}
		if w.Keys < 1 || w.Keys > 4096 {
			return usagef("the workload of client %d has %d keys: it must be 1 to 4096", w.Client, w.Keys)
		}
		if operations += max(0, int64((end-w.Start)/w.EveryMin)); operations > maxOperations {
			return usagef("the workload of client %d has every %v..%v in a run of %v: with those before it these are up to %d operations, and %d is the limit",
				w.Client, w.EveryMin, w.EveryMax, end, operations, maxOperations)
		}
	}
	for _, o := range s.Ops {
		if o.Client < 1 || o.Client > s.Clients || o.Partition < 0 || o.Partition >= s.Partitions {
			return usagef("the operation at %v names client %d and partition %d: there are clients 1 to %d and partitions 0 to %d", o.At, o.Client, o.Partition, s.Clients, s.Partitions-1)
		}
		if o.At < 0 || o.At > maxDuration || o.Timeout <= 0 || o.Timeout > time.Hour {
			return usagef("the operation at %v has timeout %v: times must be positive, and at most %v and 1h", o.At, o.Timeout, maxDuration)
		}
	}
	return nil
}

// negotiates: the client has SASL at all.
func (s *Scenario) negotiates() bool { return s.Client != ClientUpstreamGo }

// mandatory: servers serve nobody who has not authenticated.
func (s *Scenario) mandatory() bool { return s.Auth != AuthOptional }

func metaName(i int) string    { return fmt.Sprintf("meta-%d", i+1) }
func replicaName(i int) string { return fmt.Sprintf("replica-%d", i+1) }
func clientName(i int) string  { return fmt.Sprintf("client-%d", i+1) }

// kdcName is the host of the KDC of a scenario with Kerberos.
const kdcName = "kdc"
