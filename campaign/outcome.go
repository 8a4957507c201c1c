// What one seed came to, as a line of the ledger.

package campaign

import (
	"errors"
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/conformance"
	"github.com/a8011091/pegasus-reference/sim"
)

// Outcome is one run. Of a run that held only the first fields are written.
type Outcome struct {
	Seed     Seed        `json:"seed"`
	Canary   bool        `json:"canary,omitempty"`
	Verdict  sim.Verdict `json:"verdict"`
	Hash     string      `json:"trace_hash,omitempty"` // empty where the run did not end
	Events   uint64      `json:"events,omitempty"`
	Restarts int         `json:"restarts,omitempty"`
	// ConvergedNS is how long coming back took (sim.ConvergedSays); nil: for ever.
	ConvergedNS *int64 `json:"converged_after_ns,omitempty"`
	// WaitedNS and AnsweredNS are what callers saw of that (sim.WaitedSays, sim.AnsweredSays), and
	// PowerLosses how often a server's host lost power. Older ledgers have none of them.
	WaitedNS    *int64 `json:"waited_ns,omitempty"`
	AnsweredNS  *int64 `json:"answered_ns,omitempty"`
	PowerLosses int    `json:"power_losses,omitempty"`

	Met []string `json:"met,omitempty"` // situations, see sim.Situations

	// Validated is how many events were held against the specifications, 0 where the seed
	// was not to be; Refused names the specification and the clause that the first refused
	// event breaks.
	Validated uint64 `json:"validated_events,omitempty"`
	Refused   string `json:"refused,omitempty"`

	Property  string   `json:"property,omitempty"`
	Judged    []string `json:"judged,omitempty"` // violated properties that decide the verdict
	Signature string   `json:"signature,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	Bug       string   `json:"bug,omitempty"` // of the simulator: a panic, an error, the end of a worker's process
}

// validate refuses what no run comes to, so that a line that somebody has damaged is not
// counted for one.
func (o *Outcome) validate() error {
	switch o.Verdict {
	case sim.VerdictHeld, sim.VerdictViolation, sim.VerdictInconclusive:
	default:
		return fmt.Errorf("%w: its verdict is %q", errNoRun, o.Verdict)
	}
	if o.Restarts < 0 || o.PowerLosses < 0 {
		return fmt.Errorf("%w: restarts are %d and losses of power %d", errNoRun, o.Restarts, o.PowerLosses)
	}
	return nil
}

var errNoRun = errors.New("this is no run of a campaign")

// workerEnded begins the Bug of a run that took its worker's process along. Ledgers have it.
const workerEnded = "worker ended: "

// Seed is written as people type it.
type Seed uint64

// String is the seed in hexadecimal.
func (s Seed) String() string { return fmt.Sprintf("%#x", uint64(s)) }

// MarshalText implements encoding.TextMarshaler.
func (s Seed) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Seed) UnmarshalText(text []byte) error {
	n, err := sim.ParseSeed(string(text))
	*s = Seed(n)
	return err
}

// outcomeOf says what a result comes to.
func outcomeOf(t task, r *sim.Result) Outcome {
	o := Outcome{
		Seed: Seed(t.Seed), Canary: t.Canary, Verdict: r.Verdict, Hash: r.TraceHash,
		Events: r.Events, Restarts: r.Restarts, ConvergedNS: r.ConvergedAfterNS,
		WaitedNS: r.WaitedNS, AnsweredNS: r.AnsweredNS, PowerLosses: r.PowerLosses(),
	}
	for _, n := range r.Met {
		o.Met = append(o.Met, n.Name)
	}
	if r.Verdict == sim.VerdictHeld {
		return o
	}
	o.Reason, o.Judged = r.Reason, r.Judged
	if r.Property != nil {
		o.Property = *r.Property
	}
	if r.Signature != nil {
		o.Signature = *r.Signature
	}
	return o
}

// validated adds what the specifications say of the trace. A trace that they cannot judge
// leaves a run that held inconclusive.
func (o *Outcome) validated(results []conformance.Result) {
	for i := range results {
		r := &results[i]
		o.Validated = max(o.Validated, r.Events)
		switch {
		case r.Verdict == conformance.NotConforming && o.Refused == "":
			o.Refused = r.Spec + ": " + r.First.Clause
			o.explain(r.First.Why)
		case r.Verdict == conformance.Inconclusive && o.Verdict == sim.VerdictHeld:
			o.Verdict = sim.VerdictInconclusive
			o.explain(r.Reason)
		}
	}
}

// explain keeps the first reason.
func (o *Outcome) explain(reason string) {
	if o.Reason == "" {
		o.Reason = reason
	}
}

// died is whether the run did not end by itself: its worker's process did, or was ended
// because it took too long. The seed may not be to blame, so it is worth another trial.
func (o *Outcome) died() bool { return strings.HasPrefix(o.Bug, workerEnded) }

// failed is whether a run of the campaign's own did not hold; of a canary, whether it did.
func (o *Outcome) failed() bool {
	if o.Canary {
		return o.Verdict != sim.VerdictViolation
	}
	return o.Verdict != sim.VerdictHeld || o.Refused != ""
}

// kind is what failures are told apart by: the property, the signature of failed
// negotiations, and the words of the reason without its numbers and names.
func (o *Outcome) kind() string {
	parts := []string{string(o.Verdict)}
	switch {
	case o.Canary:
		parts = []string{"canary not found"}
	case o.Bug != "":
		parts = []string{"bug", firstLine(o.Bug)}
	case o.Refused != "" && o.Property == "":
		parts = []string{string(conformance.NotConforming), o.Refused}
	case o.Property != "":
		parts = append(parts, o.Property)
	default:
		parts = append(parts, withoutNumbers(o.Reason))
	}
	if o.Signature != "" {
		parts = append(parts, o.Signature)
	}
	return strings.Join(parts, ": ")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// withoutNumbers makes texts alike that say the same of other instants and connections.
func withoutNumbers(text string) string {
	var b strings.Builder
	number := false
	for _, r := range text {
		digit := r >= '0' && r <= '9' || number && (r == '.' || r == 'm' || r == 's' || r == 'µ' || r == 'n' || r == 'h')
		if digit && !number {
			b.WriteByte('#')
		}
		if number = digit; !digit {
			b.WriteRune(r)
		}
	}
	return b.String()
}
