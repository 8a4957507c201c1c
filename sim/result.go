// The result of a run: the verdict, what led to it, and its one JSON object.

package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/trace"
)

// Verdict of a run, a check or a campaign.
type Verdict string

// Verdicts. Inconclusive is never counted as a pass.
const (
	VerdictHeld         Verdict = "held"
	VerdictViolation    Verdict = "violation"
	VerdictInconclusive Verdict = "inconclusive"
)

// Signature is one way in which negotiations failed after a restart.
type Signature struct {
	Error   string `json:"error"`
	AfterNS int64  `json:"after_ns"` // since its connection came up
	Node    string `json:"node"`
	Count   int    `json:"count"`
}

// IdleFault is a fault of the scenario that came to nothing, since the cluster was as it was.
type IdleFault struct {
	Fault string `json:"fault"` // its kind
	Node  string `json:"node"`
	AtNS  int64  `json:"at_ns"` // since the run began
	Why   string `json:"why"`
}

// String is the fault, and why, in words.
func (f IdleFault) String() string {
	return fmt.Sprintf("%s of %s at %v: %s", f.Fault, f.Node, time.Duration(f.AtNS), f.Why)
}

// Result is what a run came to. Its JSON form is stable: fields are added, never changed.
type Result struct {
	Kind         string  `json:"kind"` // "run"
	Version      string  `json:"version"`
	TraceFormat  int     `json:"trace_format"`
	Scenario     string  `json:"scenario"`
	Seed         string  `json:"seed"`
	Client       string  `json:"client"`
	Server       string  `json:"server"`
	Auth         string  `json:"auth"`
	EarlyRequest string  `json:"early_request"`
	EarlyCode    string  `json:"early_code"`
	HPFields     bool    `json:"hp_fields"`
	Verdict      Verdict `json:"verdict"`
	Property     *string `json:"property"`

	AlsoViolated     []string    `json:"also_violated"`
	Signature        *string     `json:"signature"`
	SignatureAfterNS *int64      `json:"signature_after_ns"`
	Signatures       []Signature `json:"signatures"`
	AtNS             *int64      `json:"at_ns"`              // of the first violation
	ConvergedAfterNS *int64      `json:"converged_after_ns"` // see ConvergedSays
	WaitedNS         *int64      `json:"waited_ns"`          // see WaitedSays
	AnsweredNS       *int64      `json:"answered_ns"`        // see AnsweredSays
	Restarts         int         `json:"restarts"`
	Reconnects       int         `json:"reconnects"`
	InFlight         int         `json:"in_flight_at_restart"`
	ServerGaveUp     int         `json:"server_gave_up"` // negotiations, for a deadline of the server
	Events           uint64      `json:"events"`
	TraceHash        string      `json:"trace_hash"`
	Report           *string     `json:"report"`
	Drawn            []string    `json:"drawn"`              // how strong the seed made each kind of fault, of a swarm
	Faults           []Count     `json:"faults"`             // that befell, by kind
	IdleFaults       []IdleFault `json:"idle_faults"`        // of the scenario, that did not befall
	Met              []Count     `json:"met"`                // situations of Situations
	Pending          []Pending   `json:"pending"`            // missing when progress was due
	Refusals         []Refusal   `json:"refusals,omitempty"` // with Kerberos: why negotiations failed

	Operations  int         `json:"operations"`
	SimulatedNS int64       `json:"simulated_ns"`
	Reason      string      `json:"reason"` // of the verdict, in words
	Violations  []Violation `json:"-"`      // judged ones first
	Judged      []string    `json:"-"`      // the violated properties that decide the verdict
	Advice      string      `json:"-"`      // what makes a run that proves nothing prove something
	Effective   Scenario    `json:"-"`
}

func (r *run) result(opts Options, hash *trace.Hasher, whole bool, history historyCheck) Result {
	s, j := r.scenario, r.judge
	out := Result{
		Kind: "run", Version: Version(), TraceFormat: trace.FormatVersion,
		Scenario: s.Name, Seed: fmt.Sprintf("%#x", s.Seed), Client: s.Client, Server: s.Server, Auth: s.Auth,
		EarlyRequest: s.EarlyRequest, EarlyCode: s.EarlyCode, HPFields: s.HPFields,
		Drawn:        s.drawnWords(),
		Faults:       j.countFaults(),
		IdleFaults:   append([]IdleFault{}, j.idles...),
		Met:          j.countMet(),
		Pending:      append([]Pending{}, j.pending...),
		Refusals:     j.refusals,
		AlsoViolated: []string{}, Signatures: []Signature{},
		Restarts: j.restarts, Reconnects: j.reconnects, InFlight: j.inFlight, ServerGaveUp: j.serverGaveUp,
		Events: hash.Events(), TraceHash: hash.String(),
		Operations: len(r.ops.all), SimulatedNS: int64(r.world.Now().Sub(j.epoch)), Effective: *s,
	}
	if after, ok := j.convergedAfter(); ok && whole {
		waited, answered := j.waited(r.world.Now())
		out.ConvergedAfterNS, out.WaitedNS, out.AnsweredNS = ref(int64(after)), ref(int64(waited)), ref(int64(answered))
	}
	out.judgeBy(j, whole, history)
	out.tellSignatures(j.signatures, opts.Expect)
	return out
}

// PowerLosses is how often a server's host lost power: what was in flight to it then waits for
// TCP's timers, where a process that is killed has its host say so.
func (out *Result) PowerLosses() int {
	losses := 0
	for _, f := range out.Faults {
		if f.Name == FaultPowerLoss.String() || f.Name == FaultDiskLoss.String() {
			losses += f.Count
		}
	}
	return losses
}

func (j *judge) countFaults() []Count {
	counts := []Count{}
	for _, k := range FaultKinds() {
		if n := j.faults[k]; n > 0 {
			counts = append(counts, Count{k.String(), n})
		}
	}
	return counts
}

func (j *judge) countMet() []Count {
	counts := []Count{}
	for _, m := range Situations() {
		if n := j.met[m]; n > 0 {
			counts = append(counts, Count{m.String(), n})
		}
	}
	return counts
}

// judgeBy sets the verdict: a violation of a judged property, before anything that is
// inconclusive, before held.
func (out *Result) judgeBy(j *judge, whole bool, history historyCheck) {
	judged := judgedProperties(j.scenario.Client)
	slices.SortStableFunc(j.violations, func(a, b Violation) int {
		return rank(judged, a.Property) - rank(judged, b.Property)
	})
	out.Violations = j.violations
	out.Verdict, out.Reason = VerdictHeld, "every property held"
	if !j.reference {
		out.Reason = strings.Join(judged, ", ") + " held: a client of upstream's is judged on these"
	}
	hollow, unwatched := j.hollow(), j.scenario.unwatched()
	switch {
	case !whole:
		out.Verdict, out.Reason = VerdictInconclusive, "interrupted before the end"
	case hollow != "":
		out.Verdict, out.Reason, out.Advice = VerdictInconclusive, hollow, j.advice()
	case unwatched != "":
		out.Verdict, out.Reason = VerdictInconclusive, unwatched
	case history.timedOut && j.reference:
		out.Verdict, out.Reason = VerdictInconclusive, "linearizability was not decided in time"
	}
	for _, v := range j.violations {
		if slices.Contains(judged, v.Property) {
			out.Judged = append(out.Judged, v.Property)
		}
		if len(out.Judged) == 1 && out.Property == nil {
			out.Verdict, out.Property, out.AtNS, out.Reason, out.Advice = VerdictViolation, ref(v.Property), ref(int64(v.At)), j.scenario.hopeless()+v.What, ""
		} else {
			out.AlsoViolated = append(out.AlsoViolated, v.Property)
		}
	}
}

// hopeless says that a client never had a chance, restart or not; "" where it had one.
func (s *Scenario) hopeless() string {
	if s.negotiates() || !s.mandatory() {
		return ""
	}
	return s.Client + " has no SASL: where authentication is mandatory each of its calls waits for its deadline, restart or not (try --auth optional); "
}

// tellSignatures lists every signature, most frequent first, and names one: the
// expected one if it was seen, else the first.
func (out *Result) tellSignatures(seen []signature, expect string) {
	slices.SortStableFunc(seen, func(a, b signature) int { return b.count - a.count })
	for _, s := range seen {
		out.Signatures = append(out.Signatures, Signature{Error: s.err, AfterNS: int64(s.age), Node: s.node, Count: s.count})
	}
	if out.Verdict != VerdictViolation {
		return
	}
	for i, s := range out.Signatures {
		if expect == "" || Matches(s.Error, time.Duration(s.AfterNS), expect) {
			out.Signature, out.SignatureAfterNS = &out.Signatures[i].Error, &out.Signatures[i].AfterNS
			return
		}
	}
}

// Matches is whether a negotiation that failed with err on a connection of this age is what
// Options.Expect asks for: `ERROR` or `ERROR@10s`, the age to 100 ms.
func Matches(err string, age time.Duration, expect string) bool {
	name, at, aged := strings.Cut(expect, "@")
	wanted, wrong := time.ParseDuration(at)
	return err == name && (!aged || wrong == nil && (age-wanted).Abs() < signatureTolerance)
}

func ref[T any](v T) *T { return &v }
