// Progress where no terminal is: a line now and then, and none for short work.

package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
)

func TestProgressWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	cmd := &cobra.Command{Use: "check SPEC"}
	cmd.SetErr(&out)
	p := newProgress(cmd)
	now := p.started
	p.now = func() time.Time { return now }
	for second := range 95 {
		now = p.started.Add(time.Duration(second) * time.Second)
		for range 4 {
			p.show(int64(1000*second), -1, "states: depth 7")
		}
	}
	p.done()
	assert.Equal(t, "check: 30000 so far, states: depth 7\ncheck: 60000 so far, states: depth 7\ncheck: 90000 so far, states: depth 7\n", out.String())

	out.Reset()
	now = now.Add(time.Minute)
	p.show(3, 4, "row 4 of 4")
	assert.Equal(t, "check: 75 %, row 4 of 4\n", out.String())
}
