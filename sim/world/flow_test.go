// Middleboxes that forget flows: RFC 2979 section 3, RFC 5382 section 5 (REQ-5).

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// RFC 2979 section 3: a flow that is dropped looks to both ends like a partition that only new connections cross.
func TestForgottenFlowIsSilent(t *testing.T) {
	config := oneMillisecond()
	config.UserTimeout = 5 * time.Second
	f := connected(t, config)
	f.ForgetFlows(f.client, f.server, ForgottenDropped)
	f.c.io.Write(1, []byte("x"))
	f.c.io.Dial(2, serverPort)
	f.runFor(time.Hour)
	assert.Equal(t, []string{"dialed 1", "dialed 2", "closed 1 timeout"}, f.c.lines())
	assert.Equal(t, []string{"accepted 1", "accepted 2"}, f.s.lines(), "the server's end is left half-open")
	assert.Equal(t, 2, knows(f.server))
}

// RFC 2979 section 3: a box that refuses resets whoever sends; the other end is not told.
func TestForgottenFlowIsRefused(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.ForgetFlows(f.server, f.client, ForgottenRefused)
	f.runFor(time.Hour)
	f.s.io.Write(f.accepted(), []byte("x"))
	f.runFor(time.Minute)
	assert.Equal(t, []string{"accepted 1", "closed 1 reset"}, f.s.lines())
	assert.Equal(t, []string{"dialed 1"}, f.c.lines())
}

// RFC 5382, REQ-5: an idle flow is forgotten after a while; one that is kept alive is not.
func TestIdleFlowIsForgotten(t *testing.T) {
	for _, keepAlive := range []bool{false, true} {
		f := newFixture(t, oneMillisecond())
		f.RememberFlows(f.client, f.server, time.Minute, ForgottenRefused)
		f.c.io.Dial(1, serverPort)
		f.runFor(time.Second)
		if keepAlive {
			f.c.io.KeepAlive(1, 30*time.Second, 5*time.Second, 3)
		}
		f.runFor(time.Hour)
		f.c.io.Write(1, []byte("x"))
		f.runFor(time.Minute)
		if keepAlive {
			assert.Equal(t, []string{"accepted 1", "received 1 x"}, f.s.lines())
			continue
		}
		assert.Equal(t, []string{"dialed 1", "closed 1 reset"}, f.c.lines())
		assert.Equal(t, []string{"accepted 1"}, f.s.lines())
	}
}
