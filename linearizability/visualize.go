// A history as a page that a browser shows.

package linearizability

import (
	"fmt"
	"io"
	"time"

	"github.com/anishathalye/porcupine"
)

// visualizeTimeout bounds the search for the partial linearizations that a page shows.
const visualizeTimeout = 5 * time.Second

// Visualization can draw the records that a result is about.
type Visualization struct {
	model   porcupine.Model
	records []record
}

// Annotation is something that happened beside the operations: a fault, a restart.
type Annotation struct {
	Who         string // a row of its own: a node, the network
	FromNS      int64
	ToNS        int64 // FromNS or before: an instant
	Description string
}

// visualization takes the records of the result's key; where it has none, all.
func visualization(model porcupine.Model, all []record, result Result) Visualization {
	v := Visualization{model: model, records: all}
	if result.Verdict == Held {
		return v
	}
	v.records = nil
	for _, r := range all {
		if r.hashKey == result.Key {
			v.records = append(v.records, r)
		}
	}
	return v
}

// WriteHTML writes a page, complete in itself, with the operations of each record, the
// longest linearizations that were found, and annotations. An operation that is open for
// ever ends at the right edge.
func (v Visualization) WriteHTML(w io.Writer, annotations ...Annotation) error {
	var operations []porcupine.Operation
	parts := make([][]porcupine.Operation, 0, len(v.records))
	for _, r := range v.records {
		history, _ := r.searchable(true)
		parts = append(parts, history)
		operations = append(operations, history...)
	}
	model := v.model
	if model.Init == nil {
		model = specification(AnyClock) // of a result without records: an empty page
	}
	model.Partition = func([]porcupine.Operation) [][]porcupine.Operation { return parts }
	_, info := porcupine.CheckOperationsVerbose(model, operations, visualizeTimeout)
	notes := make([]porcupine.Annotation, 0, len(annotations))
	for _, a := range annotations {
		notes = append(notes, porcupine.Annotation{Tag: a.Who, Start: a.FromNS, End: a.ToNS, Description: a.Description})
	}
	info.AddAnnotations(notes)
	if err := porcupine.Visualize(model, info, w); err != nil {
		return fmt.Errorf("write page of %d operations: %w", len(operations), err)
	}
	return nil
}
