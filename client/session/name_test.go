package session

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each constant has a name of its own, and what is none has the same word in all of them.
func TestNames(t *testing.T) {
	for what, test := range map[string]struct {
		last int
		name func(i int) fmt.Stringer
	}{
		"state":   {int(StateClosed), func(i int) fmt.Stringer { return State(i) }},
		"step":    {int(StepChallenge), func(i int) fmt.Stringer { return Step(i) }},
		"reason":  {int(ReasonInternal), func(i int) fmt.Stringer { return Reason(i) }},
		"outcome": {int(OutcomeUnknown), func(i int) fmt.Stringer { return Outcome(i) }},
		"auth":    {int(AuthOff), func(i int) fmt.Stringer { return Auth(i) }},
	} {
		names := map[string]bool{"": true, "undefined": true}
		for i := range test.last + 1 {
			name := test.name(i).String()
			require.False(t, names[name], "%s %d is %q", what, i, name)
			names[name] = true
		}
		require.Equal(t, "undefined", test.name(test.last+1).String(), what)
	}
	require.Equal(t, "required", AuthRequired.String())
}
