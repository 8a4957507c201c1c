// Two-phase commit in the catalogue: the checker's calibration.

package model

import (
	"strconv"

	"github.com/a8011091/pegasus-reference/model/check/twophase"
)

const (
	twoPhaseCommit  = "two-phase-commit"
	defaultManagers = 7
)

func describeTwoPhase() Spec {
	m, err := twophase.New(defaultManagers)
	if err != nil {
		panic(err)
	}
	return Spec{
		Name:       twoPhaseCommit,
		About:      "two-phase commit with any number of resource managers, of which the numbers of states are well known",
		Configs:    []Config{{Name: "default", About: "seven resource managers"}},
		Constants:  []Constant{{Name: "RM", Want: managersWant(), Default: itoa(defaultManagers)}},
		Properties: describeProperties(m.Properties()),
	}
}

func managersWant() string { return "a number from 1 to " + itoa(twophase.MaxManagers) }

func buildTwoPhase(request Request, spec Spec) (instance, error) {
	if _, err := choose("server", request.Server, spec.Servers); err != nil {
		return instance{}, err
	}
	if _, err := choose("auth", request.Auth, spec.Auths); err != nil {
		return instance{}, err
	}
	managers := defaultManagers
	if request.RMs != 0 {
		managers = request.RMs
	}
	word := itoa(managers)
	for _, s := range request.Set {
		if s.Name != "RM" {
			return instance{}, &UsageError{What: "constant", Word: s.Name, Valid: []string{"RM"}}
		}
		n, err := strconv.Atoi(s.Value)
		if err != nil {
			n = 0
		}
		if request.RMs != 0 && n != request.RMs {
			return instance{}, contradiction("RM", s.Value, request.RMs, "the number of resource managers")
		}
		managers, word = n, s.Value
	}
	m, err := twophase.New(managers)
	if err != nil {
		return instance{}, &UsageError{What: "number of resource managers", Word: word, Want: managersWant()}
	}
	built := instanceOf(m)
	built.constants = map[string]any{"RM": managers}
	return built, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
