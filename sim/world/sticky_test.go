// A kernel that goes on with the connection that it has is off unless somebody wants it, and
// then does what cause C2 claims.

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dialAgain has a client lose its connection without a word, and dial from the same port.
func dialAgain(t *testing.T, sticky bool) *fixture {
	t.Helper()
	config := oneMillisecond()
	config.Sticky = sticky
	f := newFixture(t, config)
	f.c.io.DialFrom(1, 41000, serverPort)
	f.runFor(10 * time.Millisecond)
	f.vanish(f.c.io.proc.ends[1])
	f.c.io.DialFrom(2, 41000, serverPort)
	f.runFor(50 * time.Millisecond)
	require.GreaterOrEqual(t, f.c.when("dialed 2"), time.Duration(0))
	f.c.io.Write(2, []byte("hello"))
	f.runFor(10 * time.Millisecond)
	return f
}

func TestStickyServerGoesOnWithItsConnection(t *testing.T) {
	f := dialAgain(t, true)
	assert.Equal(t, []string{"accepted 1", "received 1 hello"}, f.s.lines(), "no end, and no second accept")
	f.s.io.Write(f.accepted(), []byte("you again"))
	f.runFor(10 * time.Millisecond)
	assert.Equal(t, "you again", string(f.c.got[2]))
	f.c.io.Close(2)
	f.runFor(10 * time.Millisecond)
	assert.Equal(t, []string{"accepted 1", "received 1 hello"}, f.s.lines(), "told of no end")
	assert.Equal(t, 1, knows(f.server))
}

func TestTCPDoesNot(t *testing.T) {
	f := dialAgain(t, false)
	assert.Equal(t, []string{"accepted 1", "closed 1 reset", "accepted 2", "received 2 hello"}, f.s.lines())
}

// Its SYN-ACK is sent again where it got lost.
func TestStickyHandshakeSurvivesLoss(t *testing.T) {
	config := oneMillisecond()
	config.Sticky = true
	f := newFixture(t, config)
	f.c.io.DialFrom(1, 41000, serverPort)
	f.runFor(10 * time.Millisecond)
	f.vanish(f.c.io.proc.ends[1])
	f.Cut(f.server, f.client)
	f.c.io.DialFrom(2, 41000, serverPort)
	f.runFor(500 * time.Millisecond)
	f.Heal(f.server, f.client)
	f.runFor(2 * time.Second)
	assert.Positive(t, f.c.when("dialed 2"))
	assert.Equal(t, []string{"accepted 1"}, f.s.lines())
}
