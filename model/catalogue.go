// Which specifications there are and what can be asked of each.

package model

import "slices"

// Spec describes one specification.
type Spec struct {
	Name       string
	About      string // one sentence
	Configs    []Config
	Constants  []Constant
	Switches   []Switch
	Servers    []string // values of Request.Server; empty where there is no server to choose
	Auths      []string // values of Request.Auth; the same
	Properties []Property
}

// Config is a named assignment of the constants. The first one is the default.
type Config struct {
	Name  string
	About string
}

// Constant is one constant that Request.Set can change.
type Constant struct {
	Name    string
	Want    string // what its values are
	Default string // in the default configuration
}

// Switch is a defect that can be switched on.
type Switch struct {
	Name       string
	About      string
	Properties []string  // those that fail with it in Config, against at least one server
	Config     string    // the configuration that shows it, "" for the default one
	Server     string    // the server that shows it, "" where the configuration's does
	Set        []Setting // constants that it sets; none where it depends on the others' values
}

// Property is what a specification is checked for.
type Property struct {
	Name string
	Kind string // "safety", "deadlock", "liveness" or "reachability"
}

// specification is a Spec that can be built.
type specification struct {
	describe func() Spec
	build    builder
}

var specifications = []specification{
	{describe: describeSession, build: buildSession},
	{describe: describeRouting, build: buildRouting},
	{describe: describeTimeouts, build: buildTimeouts},
	{describe: describeTwoPhase, build: buildTwoPhase},
}

// Specs returns every specification.
func Specs() []Spec {
	specs := make([]Spec, 0, len(specifications))
	for _, s := range specifications {
		specs = append(specs, s.describe())
	}
	return specs
}

// find returns the specification with that name; the error is a *UsageError.
func find(name string) (specification, error) {
	var names []string
	for _, s := range specifications {
		if s.describe().Name == name {
			return s, nil
		}
		names = append(names, s.describe().Name)
	}
	return specification{}, &UsageError{What: "specification", Word: name, Valid: names}
}

// SpecsWith returns the names of the specifications that have all of switches. The error is
// a *UsageError: no specification has a switch of that name.
func SpecsWith(switches []string) ([]string, error) {
	var all, found []string
	for _, s := range Specs() {
		names := switchNames(s)
		all = append(all, names...)
		if !slices.ContainsFunc(switches, func(w string) bool { return !slices.Contains(names, w) }) {
			found = append(found, s.Name)
		}
	}
	slices.Sort(all)
	for _, w := range switches {
		if !slices.Contains(all, w) {
			return nil, &UsageError{What: "switch", Word: w, Valid: slices.Compact(all)}
		}
	}
	return found, nil
}

// choose returns word if it is among valid, the first of these if word is empty; the
// error is a *UsageError.
func choose(what, word string, valid []string) (string, error) {
	switch {
	case len(valid) == 0 && word != "":
		return "", &UsageError{What: what, Word: word, Want: "left out: this specification has none to choose"}
	case len(valid) == 0:
		return "", nil
	case word == "":
		return valid[0], nil
	case slices.Contains(valid, word):
		return word, nil
	}
	return "", &UsageError{What: what, Word: word, Valid: valid}
}
