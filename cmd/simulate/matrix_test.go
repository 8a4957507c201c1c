// Command lines of check --matrix and of ablation. What they run is tested in defect and
// in ablation.

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMatrixAndAblationUsage(t *testing.T) {
	for args, says := range map[string]string{
		"check --matrix session":             "takes no specification",
		"check session --engine cores":       "go with --matrix",
		"check --matrix --with downgrad":     `did you mean "downgrade"?`,
		"check --matrix --engine simulatorr": `did you mean "simulator"?`,
		"ablation --engine oracle":           `unknown engine "oracle"; there are: check`,
		"ablation --requests 0":              "choose 1 to",
		"ablation surplus":                   "takes no argument",
	} {
		code, out, err := simulate(t, strings.Fields(args)...)
		require.Equal(t, exitUsage, code, args)
		assert.Empty(t, out, args)
		assert.Contains(t, err, says)
	}
}

func TestMatrixJSON(t *testing.T) {
	code, out, err := simulate(t, "check", "--matrix", "--with", "timeout-mismatch,mute-server", "--engine", "specification", "--json")
	require.Equal(t, exitHeld, code, err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	var cell struct {
		Kind, Defect, Engine, Property, Unit, Command, Control string
		Found                                                  bool
		Count                                                  int
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &cell))
	assert.Equal(t, "defect", cell.Kind)
	assert.Equal(t, "timeout-mismatch", cell.Defect)
	assert.True(t, cell.Found)
	assert.Equal(t, "held", cell.Control)
	assert.Equal(t, "simulate check timeouts --config default --with timeout-mismatch", cell.Command)
	assert.Contains(t, err, "2 found the defect, as expected")
}
