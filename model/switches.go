// Switching defects on: what each switch sets, and what a request may not contradict.

package model

import (
	"fmt"
	"slices"
	"strings"
)

// DefectsConstant is the name of the constant that holds a set: several switches may add to it.
const DefectsConstant = "Defects"

// origin is a setting that part of a request asks for, and which part that is.
type origin struct {
	Setting
	by string
}

// switched returns what the switches of a request set. Two that want different values of
// a constant cannot be on together.
func switched(with []string, spec Spec) ([]origin, error) {
	var all []origin
	for _, name := range with {
		at := slices.IndexFunc(spec.Switches, func(s Switch) bool { return s.Name == name })
		for _, set := range spec.Switches[at].Set {
			known := slices.IndexFunc(all, func(o origin) bool { return o.Name == set.Name })
			switch {
			case known < 0:
				all = append(all, origin{set, "switch " + name})
			case set.Name == DefectsConstant:
				all[known].Value = union(all[known].Value, set.Value)
				all[known].by += " with switch " + name
			case all[known].Value != set.Value:
				return nil, &UsageError{
					What: "switch", Word: name,
					Want: fmt.Sprintf("left out: it sets %s=%s, and %s sets %s", set.Name, set.Value, all[known].by, all[known].Value),
				}
			}
		}
	}
	return all, nil
}

// show puts the configuration and the server that show the switches of a request where it
// leaves them out.
func show(request *Request, spec Spec) {
	if request.Config == "" {
		request.Config = agreed(request.With, spec, func(s Switch) string { return s.Config })
	}
	if request.Server == "" && !slices.ContainsFunc(request.Set, func(s Setting) bool { return s.Name == "ServerMode" }) {
		request.Server = agreed(request.With, spec, func(s Switch) string { return s.Server })
	}
}

// agreed is what all of the switches have there, "" for the default where they differ.
func agreed(with []string, spec Spec, there func(Switch) string) string {
	word := ""
	for i, name := range with {
		at := slices.IndexFunc(spec.Switches, func(s Switch) bool { return s.Name == name })
		if i > 0 && there(spec.Switches[at]) != word {
			return ""
		}
		word = there(spec.Switches[at])
	}
	return word
}

// union joins two sets of defects, written as words with + between them.
func union(a, b string) string {
	words := append(strings.Split(a, "+"), strings.Split(b, "+")...)
	slices.Sort(words)
	return strings.Join(slices.Compact(words), "+")
}

// settable are the constants of a specification.
type settable interface {
	Set(name, value string) error
	Values() map[string]any
}

// assign applies what a request asks for to its configuration's constants: switches,
// server and authentication first, then the single constants. None may contradict one
// before it.
func assign(constants settable, request Request, spec Spec) error {
	asked, err := switched(request.With, spec)
	if err != nil {
		return err
	}
	server, err := choose("server", request.Server, spec.Servers)
	if err != nil {
		return err
	}
	auth, err := choose("auth", request.Auth, spec.Auths)
	if err != nil {
		return err
	}
	if request.Server != "" {
		asked = append(asked, origin{Setting{"ServerMode", server}, "server " + server})
	}
	if request.Auth != "" {
		asked = append(asked, origin{Setting{"Mandatory", fmt.Sprint(auth == authMandatory)}, "auth " + auth})
	}
	wanted := make([]any, 0, len(asked))
	for _, o := range asked {
		if err := constants.Set(o.Name, o.Value); err != nil {
			return fmt.Errorf("%s: %w", o.by, constantUsage(err))
		}
		wanted = append(wanted, constants.Values()[o.Name])
	}
	for _, s := range request.Set {
		if err := constants.Set(s.Name, s.Value); err != nil {
			return constantUsage(err)
		}
	}
	for i, o := range asked {
		if got := constants.Values()[o.Name]; got != wanted[i] {
			return contradiction(o.Name, got, wanted[i], o.by)
		}
	}
	return nil
}
