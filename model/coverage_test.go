// Every action of every specification is taken in some configuration.

package model_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/a8011091/pegasus-reference/model"
)

// covering are, by specification, requests that take every action between them.
var covering = map[string][]model.Request{
	"session": {
		{Server: "hang", With: []string{"stale-auth-flag"}},
		{Server: "hang", With: []string{"port-reuse"}}, // a dial that meets its own old connection
	},
	"routing":          {{Config: "small"}},
	"timeouts":         {{Server: "hang", With: []string{"timeout-mismatch"}}},
	"two-phase-commit": {{RMs: 3}},
}

// An action that is never taken is a rule that nobody has tried: a mistake in the
// specification, or a bound that is too tight.
func TestEveryActionIsTakenSomewhere(t *testing.T) {
	for _, spec := range model.Specs() {
		taken := map[string]bool{}
		for _, request := range covering[spec.Name] {
			request.Spec = spec.Name
			for _, a := range run(t, request).Actions {
				taken[a.Name] = taken[a.Name] || a.Steps > 0
			}
		}
		assert.NotEmpty(t, taken, "%s: no request covers it", spec.Name)
		for name, fired := range taken {
			assert.True(t, fired, "%s: %s is never taken", spec.Name, name)
		}
	}
}
