//go:build tlc

// simulate check --tlc with TLC itself, on an assignment of each specification's constants.

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCheckAgreesWithTLC(t *testing.T) {
	cases := []struct {
		args []string
		code int
	}{
		{[]string{"session", "--config", "plain", "--set", "R=1,Crashes=1"}, exitHeld},
		{[]string{"session", "--config", "plain", "--set", "R=1", "--with", "mute-server"}, exitSafety},
		{[]string{"session", "--config", "two-metas", "--set", "R=1,Earlies=0"}, exitHeld},
		{[]string{"timeouts"}, exitHeld},
		{[]string{"routing", "--config", "small", "--set", "Earlies=0,Odd=false,Known=1,Metas=2"}, exitHeld},
	}
	if testing.Short() {
		cases = cases[:1]
	}
	for _, c := range cases {
		code, out, stderr := simulate(t, append(append([]string{"check"}, c.args...), "--tlc")...)
		assert.Equal(t, c.code, code, "%v: %s", c.args, stderr)
		assert.Contains(t, out, "TLC agrees: ", "%v", c.args)
	}
}
