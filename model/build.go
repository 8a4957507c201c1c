// From a request to a model: a specification with its constants given, whatever the type
// of its states.

package model

import (
	"context"

	"github.com/a8011091/pegasus-reference/model/check"
)

// instance is a specification with its constants given.
type instance struct {
	constants map[string]any
	server    string // "" where there is none
	auth      string // "" where there is none

	run      func(context.Context, Request) (Report, error) // fills what the search knows
	explorer func() (check.Explorer, error)
}

// builder builds one specification. It must not change its request.
type builder func(Request, Spec) (instance, error)

// instanceOf returns m as an instance, whose constants, server and auth are to be filled in.
func instanceOf[S any](m check.Model[S]) instance {
	return instance{
		run:      func(ctx context.Context, request Request) (Report, error) { return explore(ctx, m, request) },
		explorer: func() (check.Explorer, error) { return check.NewExplorer(m) },
	}
}

// build finds the specification that request asks for, puts its default where request
// leaves the configuration out, and builds it.
func build(request *Request) (instance, Spec, error) {
	s, err := find(request.Spec)
	if err != nil {
		return instance{}, Spec{}, err
	}
	spec := s.describe()
	for _, w := range request.With {
		if _, err := choose("switch", w, switchNames(spec)); err != nil {
			return instance{}, spec, err
		}
	}
	show(request, spec)
	if request.Config, err = choose("configuration", request.Config, configNames(spec)); err != nil {
		return instance{}, spec, err
	}
	if request.Property != "" {
		if _, err := choose("property", request.Property, propertyNames(spec)); err != nil {
			return instance{}, spec, err
		}
	}
	if err := acceptLimits(request); err != nil {
		return instance{}, spec, err
	}
	if request.RMs != 0 && spec.Name != twoPhaseCommit {
		return instance{}, spec, &UsageError{What: "number of resource managers", Word: itoa(request.RMs), Want: "left out: " + spec.Name + " has none, " + twoPhaseCommit + " has"}
	}
	if request.Search, err = choose("search", request.Search, check.Searches); err != nil {
		return instance{}, spec, err
	}
	built, err := s.build(*request, spec)
	return built, spec, err
}

// acceptLimits refuses numbers that a search would not heed; package check refuses those that
// do not go with its order.
func acceptLimits(request *Request) error {
	for _, n := range []struct {
		what   string
		number int
	}{{"number of workers", request.Workers}, {"number of walks", request.Walks}, {"length of walks", request.Length}} {
		if n.number < 0 {
			return &UsageError{What: n.what, Word: itoa(n.number), Want: "0 or more"}
		}
	}
	if request.Timeout < 0 {
		return &UsageError{What: "timeout", Word: request.Timeout.String(), Want: "0 or more"}
	}
	return nil
}

// Exploration is a specification to look around in, and what it was built from.
type Exploration struct {
	check.Explorer
	Spec      Spec
	Config    string
	Constants map[string]any
	Switches  []string
	Server    string // "" where there is none
	Auth      string // "" where there is none
}

// Explore builds what request asks for without searching it. A *UsageError says what is
// wrong with request; what only a search needs is not looked at.
func Explore(request Request) (*Exploration, error) {
	built, spec, err := build(&request)
	if err != nil {
		return nil, err
	}
	explorer, err := built.explorer()
	if err != nil {
		return nil, err
	}
	return &Exploration{
		Explorer: explorer, Spec: spec, Config: request.Config, Constants: built.constants,
		Switches: append([]string{}, request.With...), Server: built.server, Auth: built.auth,
	}, nil
}
