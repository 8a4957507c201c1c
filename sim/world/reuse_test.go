// What it costs to use a local port again towards a server that still knows the connection
// before: cause C2 of docs/incident.md. docs/ports.md is written from this.

package world

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the generated part of docs/ports.md")

// reuse is one state in which the server's kernel can be when the port comes again.
type reuse struct {
	holds   string // what the server's kernel knows of the connection before
	because string
	prepare func(s *simulated)
}

var reuses = []reuse{
	{"nothing", "the client closed first, or the server's host was restarted", func(s *simulated) {
		fromPort(s)
		s.close(theClient, 1)
		s.wait(time.Second)
	}},
	{"TIME-WAIT", "the server closed first", func(s *simulated) {
		fromPort(s)
		s.close(theServer, 1)
		s.wait(time.Second)
	}},
	{"ESTABLISHED", "the client's host lost its power, or a middlebox in between forgot the flow", func(s *simulated) {
		fromPort(s)
		s.vanish(1)
	}},
	{"CLOSE-WAIT", "the client closed, and the server's process never does (upstream since #2111)", func(s *simulated) {
		fromPort(s)
		s.stayOpen(theServer, 1)
		s.closeWrite(theClient, 1)
		s.wait(time.Second)
		s.vanish(1)
	}},
	{"FIN-WAIT-1", "the server closed while the client's host had no power", func(s *simulated) {
		fromPort(s)
		s.vanish(1)
		s.lose(theServer, true)
		s.close(theServer, 1)
		s.wait(time.Second)
		s.lose(theServer, false)
	}},
	{"FIN-WAIT-2", "the server closed, and the client's host lost its power before it did", func(s *simulated) {
		fromPort(s)
		s.stayOpen(theClient, 1)
		s.close(theServer, 1)
		s.wait(time.Second)
		s.vanish(1)
	}},
	{"LAST-ACK", "both closed, and the last acknowledgement got lost with the client's host", func(s *simulated) {
		fromPort(s)
		s.closeWrite(theClient, 1)
		s.lose(theServer, true)
		s.wait(time.Second)
		s.vanish(1)
		s.lose(theServer, false)
	}},
	{"SYN-RECEIVED", "the client's host lost its power during the handshake", func(s *simulated) {
		s.lose(theServer, true)
		s.dial(1, 41000)
		s.wait(50 * time.Millisecond)
		s.vanish(1)
		s.lose(theServer, false)
	}},
	{"ESTABLISHED, and the challenge gets lost", "the network loses packets besides", func(s *simulated) {
		fromPort(s)
		s.vanish(1)
		s.lose(theServer, true)
		s.At(s.Elapsed()+500*ms, func() { s.lose(theServer, false) })
	}},
}

// dialAgain dials connection 2 and returns how long that took, and what became of the first
// one on the server's side.
func (r *reuse) dialAgain(t *testing.T, port uint16) (after time.Duration, before string) {
	s := newSimulated(t, settings{})
	r.prepare(s)
	dialed := s.Elapsed()
	s.dial(2, port)
	s.wait(10 * time.Second)
	after, before = -1, "stays until somebody finds out"
	if knows(s.server) == 1 {
		before = "gone"
	}
	for _, e := range s.result().told {
		switch {
		case e.what == "client 2 dialed":
			after = e.at - dialed
		case e.what == "server 1 closed: reset" && e.at > dialed:
			before = "reset"
		}
	}
	require.GreaterOrEqual(t, after, time.Duration(0), "%s: it connects in the end", r.holds)
	return after, before
}

func reuseTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("\n| the server's kernel holds | because | the same port connects after | the connection before is | another port connects after | the connection before |\n|---|---|---|---|---|---|\n")
	for _, r := range reuses {
		same, before := r.dialAgain(t, 41000)
		other, left := r.dialAgain(t, 41001)
		fmt.Fprintf(&b, "| %s | %s | %v | %s | %v | %s |\n", r.holds, r.because, same, before, other, left)
	}
	return b.String() + "\n"
}

func TestPortsPage(t *testing.T) {
	const file = "../../docs/ports.md"
	const begin, end = "<!-- generated: go test ./sim/world -run PortsPage -update -->\n", "<!-- end of the generated part -->"
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(page), begin)
	require.True(t, ok)
	shown, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	table := reuseTable(t)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+table+end+after), 0o600))
		return
	}
	assert.Equal(t, table, shown, "go test ./sim/world -run PortsPage -update writes it")
}

// What docs/ports.md concludes: a port that comes again costs milliseconds on a network that
// loses nothing, and no more than the SYN's second and third departure on one that does.
func TestReusedPortConnectsSoon(t *testing.T) {
	for _, r := range reuses {
		after, before := r.dialAgain(t, 41000)
		assert.LessOrEqual(t, after, 3*time.Second+ms, r.holds)
		if !strings.Contains(r.holds, "lost") {
			assert.LessOrEqual(t, after, 20*ms, r.holds)
		}
		assert.NotEqual(t, "stays until somebody finds out", before, "%s: reuse is how a server finds out", r.holds)
	}
}

// RFC 9293 section 3.10.7.4: a challenge that answers the SYN of a dial that was given up, and
// that comes to a host on which the port has another connection by now, is an acknowledgement
// like any other there. It speaks of that very connection, which lives on.
func TestChallengeOfADialThatWasGivenUp(t *testing.T) {
	challenged := 0
	for seed := range uint64(40) {
		f := newFixture(t, Config{Seed: seed + 1, LatencyMin: ms, LatencyMax: 2 * ms, PortMin: 41000, PortMax: 41000})
		f.Clog(f.client, f.server, 500*ms)
		f.c.io.Dial(1, serverPort)
		f.runFor(100 * ms)
		f.c.io.Close(1)
		f.c.io.Dial(2, serverPort)
		f.runFor(20 * time.Second)
		require.Equal(t, []string{"dialed 2"}, f.c.lines(), "seed %d", seed+1)
		challenged += f.Happened().Challenges
	}
	require.Positive(t, challenged)
}
