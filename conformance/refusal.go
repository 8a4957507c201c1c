// A refusal: the first event of a session that nothing explains, with what was possible
// before it.

package conformance

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/model/session"
	"github.com/a8011091/pegasus-reference/trace"
)

// Refusal is an event that no enabled action explains.
type Refusal struct {
	Event    uint64          `json:"event"` // of the trace, from 1
	Line     int             `json:"line"`  // of the text, 0 where there is none
	AtNS     int64           `json:"at_ns"`
	Node     string          `json:"node"`
	Kind     string          `json:"event_kind"`
	What     string          `json:"what"` // the row of the refinement map
	Conn     uint64          `json:"conn"`
	Frame    string          `json:"frame,omitempty"`
	Client   string          `json:"client,omitempty"` // of the session
	Server   string          `json:"server,omitempty"`
	Clause   string          `json:"clause"` // of docs/spec.md
	Property string          `json:"property,omitempty"`
	Why      string          `json:"why"`
	Switch   string          `json:"switch,omitempty"` // defect of the specification that explains the event
	Because  string          `json:"because,omitempty"`
	States   []PossibleState `json:"states"` // possible before it
	More     int             `json:"more_states"`
}

// PossibleState is a state in words.
type PossibleState struct {
	Fields  []string `json:"fields"`  // name: value, without those that are empty
	Enabled []string `json:"enabled"` // what could have happened
}

// maxShown is how many possible states a refusal shows.
const maxShown = 4

// properties are the names behind the clauses of P.
var properties = map[string]string{
	"P1": session.AuthBeforeRequest, "P2": session.FreshSession, "P3": session.SingleConnection, "P4": session.CompleteOnce,
}

// refusal describes why m's event is refused; o is nil where no state explains it.
func (v *Validator) refusal(m *moment, r *row, o *objection) *Refusal {
	f := &Refusal{
		Event: v.result.Events, Line: v.line, AtNS: m.ev.AtNS, Node: m.ev.Node, Kind: m.ev.Kind.String(), What: r.name, Conn: m.ev.Conn,
		Client: m.t.client, Server: m.t.server,
	}
	if v.result.First != nil {
		return f // counted, not shown
	}
	if m.ev.RPC != "" {
		f.Frame = m.frame.String()
	}
	if o == nil {
		for i := range m.t.set {
			if o = r.why(m, &m.t.set[i]); o != nil {
				break
			}
		}
	}
	if o == nil {
		o = &objection{r.clauses[0], "not so: " + r.demand}
	}
	f.Clause, f.Why, f.Property = o.clause, o.text, properties[o.clause]
	if f.Clause == "P1" {
		m.blame(f)
	}
	f.show(m.t.set)
	return f
}

// blame asks the specification of the older client, whose flag no loss of a connection
// resets, whether it would write the request.
func (m *moment) blame(f *Refusal) {
	if m.t.ready == 0 {
		f.Because = "no earlier connection of this session was authenticated, so a stale flag does not explain it"
		return
	}
	for i := range m.t.set {
		p := m.t.set[i]
		c := p.spec.model.Constants
		c.Client = session.ClientSession
		older, err := newSpecification(c)
		if err != nil {
			return
		}
		p.spec, p.state.Flag = older, true
		if len(submitted(m, &p)) > 0 {
			f.Switch = "stale-auth-flag"
			f.Because = fmt.Sprintf("the older client (S8, C1) does this: its flag is still set from conn %d, which was authenticated", m.t.ready)
			return
		}
	}
}

// show puts states into words, those that differ in nothing shown once.
func (f *Refusal) show(set []possible) {
	var seen []string
	for i := range set {
		s := describe(&set[i])
		key := strings.Join(s.Fields, "\n")
		switch {
		case slices.Contains(seen, key):
		case len(f.States) == maxShown:
			f.More++
		default:
			f.States = append(f.States, s)
		}
		seen = append(seen, key)
	}
}

func describe(p *possible) PossibleState {
	var s PossibleState
	for _, field := range p.spec.model.Describe(p.state) {
		switch field.Value {
		case "none", "empty", "not submitted", "answered", "failed, deadline passed", "0", "":
			continue
		}
		switch field.Name {
		case "faults left":
			continue
		case fmt.Sprintf("request %d", wish):
			field.Name += " (stands for what wants the connection)"
		}
		if p.spec.rounds() == maxRounds {
			field.Value = strings.TrimSuffix(field.Value, fmt.Sprintf(" of %d", maxRounds)) // how many is not known yet
		}
		s.Fields = append(s.Fields, fmt.Sprintf("%s: %s", field.Name, field.Value))
	}
	for _, step := range p.spec.model.Next(p.state, nil) {
		if words := p.spec.model.Tell(p.state, step.Action, step.State); !slices.Contains(s.Enabled, words) {
			s.Enabled = append(s.Enabled, words)
		}
	}
	return s
}

// refuse records a refusal and ends the session.
func (v *Validator) refuse(t *tracked, f *Refusal) {
	v.end(t)
	v.record(f)
}

// refuseNode refuses an event that concerns a node rather than one of its sessions.
func (v *Validator) refuseNode(n *node, ev *trace.Event, o *objection) {
	if n.refused {
		return
	}
	n.refused, v.judged = true, true
	v.record(v.ofTrace(ev, o))
}

// ofTrace describes why an event is refused whatever the states of its session.
func (v *Validator) ofTrace(ev *trace.Event, o *objection) *Refusal {
	f := &Refusal{
		Event: v.result.Events, Line: v.line, AtNS: ev.AtNS, Node: ev.Node, Kind: ev.Kind.String(), What: "the trace itself", Conn: ev.Conn,
		Clause: o.clause, Property: properties[o.clause], Why: o.text,
	}
	if ev.RPC != "" {
		f.Frame = frameOf(ev).String()
	}
	return f
}

func (v *Validator) record(f *Refusal) {
	v.result.Refused++
	if v.result.First == nil || f.Event < v.result.First.Event {
		v.result.First = f
	}
}

// Tell writes the refusal for people.
func (f *Refusal) Tell(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "event %d", f.Event)
	if f.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", f.Line)
	}
	fmt.Fprintf(&b, " at %.6fs, %s: %s", float64(f.AtNS)/1e9, f.Node, f.Kind)
	if f.Conn != 0 {
		fmt.Fprintf(&b, ", conn %d", f.Conn)
	}
	if f.Frame != "" {
		fmt.Fprintf(&b, ", %s", f.Frame)
	}
	fmt.Fprintf(&b, "\n  %s: no step of the specification is this.\n", f.What)
	fmt.Fprintf(&b, "  clause %s: %s\n", f.Clause, f.Why)
	if f.Because != "" {
		fmt.Fprintf(&b, "  %s\n", f.Because)
	}
	for i, s := range f.States {
		fmt.Fprintf(&b, "  possible before it, state %d of %d:\n", i+1, len(f.States)+f.More)
		for _, field := range s.Fields {
			fmt.Fprintf(&b, "    %s\n", field)
		}
		fmt.Fprintln(&b, "    could have happened:")
		for _, e := range s.Enabled {
			fmt.Fprintf(&b, "      %s\n", e)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
