// Package defect is the catalogue of mistakes made on purpose, and the matrix of what
// finds them: a checker that has never found a bug proves nothing.
//
// A defect is data (catalogue.go): where it comes from, the properties that must catch it,
// and a trial for each engine that can look for it. An engine (engine.go) is a kind of
// trial: a switch of a specification, the real cores under the checker, seeds of the
// simulator, random cases of a property, histories judged for linearizability, traces held
// against the specification. Defects in code of ours are patches (patches/*.patch) that the go command lays over the source at
// build time, so that the code which runs everywhere else carries no switch.
//
// Every trial has a control: the same without the defect, which must find nothing.
package defect

import (
	"fmt"
	"slices"
	"strings"
)

// Defect is one mistake made on purpose.
type Defect struct {
	ID         string
	Source     string   // upstream's issue, a section of the protocol notes, or our own rule that it breaks
	Properties []string // any of these must catch it
	About      string   // one paragraph
	Trials     []Trial  // at most one for each engine
	Alone      string   // why fewer than two engines find it; empty where two do
}

// Catalogue returns every defect, in the order of the track record.
func Catalogue() []Defect { return slices.Clone(catalogue) }

// IDs returns the catalogue's ids.
func IDs() []string {
	ids := make([]string, 0, len(catalogue))
	for i := range catalogue {
		ids = append(ids, catalogue[i].ID)
	}
	return ids
}

// trial returns the defect's trial by an engine, nil if there is none.
func (d *Defect) trial(engine string) Trial {
	for _, t := range d.Trials {
		if t.Engine() == engine {
			return t
		}
	}
	return nil
}

// catches says whether a violated property is one that must catch the defect.
func (d *Defect) catches(property string) bool { return slices.Contains(d.Properties, property) }

// UsageError says which word of a Request is wrong, and what could stand there.
type UsageError struct {
	What  string // "defect" or "engine"
	Word  string
	Valid []string
}

// Error says it in one sentence.
func (e *UsageError) Error() string {
	return fmt.Sprintf("unknown %s %q; there are: %s", e.What, e.Word, strings.Join(e.Valid, ", "))
}
