// A step for people: in the model's words, and as what it changed.

package check

import "slices"

// inWords is the step in the model's words, else the name of its action.
func inWords[S any](model Model[S], actions []Action, from S, step Step[S]) string {
	if teller, ok := model.(Teller[S]); ok {
		return teller.Tell(from, step.Action, step.State)
	}
	return actions[step.Action].Name
}

// difference compares two states field by field; from nil means that there was none.
func difference[S any](model Model[S], from *S, to S) []Change {
	describer, ok := model.(Describer[S])
	if !ok {
		return nil
	}
	var before []Field
	if from != nil {
		before = describer.Describe(*from)
	}
	after := describer.Describe(to)
	var changes []Change
	for _, f := range after {
		old := valueOf(before, f.Name)
		if from == nil || old != f.Value {
			changes = append(changes, Change{Name: f.Name, Before: old, After: f.Value})
		}
	}
	for _, f := range before {
		if !slices.ContainsFunc(after, func(a Field) bool { return a.Name == f.Name }) {
			changes = append(changes, Change{Name: f.Name, Before: f.Value})
		}
	}
	return changes
}

func valueOf(fields []Field, name string) string {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
