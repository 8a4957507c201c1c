// A trace held against every specification at once.

package conformance

import "github.com/a8011091/pegasus-reference/trace"

// All holds a trace against every specification. It is a trace.Sink.
type All []*Validator

// NewAll makes a validator for each of Specs; opts.Spec is not heeded.
func NewAll(opts Options) (All, error) {
	var all All
	for _, spec := range Specs() {
		opts.Spec = spec
		v, err := New(opts)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Emit implements trace.Sink.
func (a All) Emit(ev *trace.Event) {
	for _, v := range a {
		v.Emit(ev)
	}
}

// Results are in the order of Specs.
func (a All) Results() []Result {
	list := make([]Result, 0, len(a))
	for _, v := range a {
		list = append(list, v.Result())
	}
	return list
}
