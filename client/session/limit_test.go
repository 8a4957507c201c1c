package session

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a limit refuses says which one it was: one passes, another never does.
func TestRefusalsNameTheirLimit(t *testing.T) {
	cfg := testConfig()
	cfg.MaxWaiting, cfg.MaxRequestBytes = 1, 8
	h := newHarness(t, cfg)
	submit := func(id RequestID, body int) {
		h.step(Event{Kind: EventSubmit, Request: Request{ID: id, Body: make([]byte, body), Deadline: h.now.Add(time.Second)}})
	}
	submit(1, 8)
	submit(2, 9)
	submit(3, 8)
	require.Equal(t, []Completion{
		{ID: 2, Outcome: OutcomeFailed, Reason: ReasonQueueFull, Limit: LimitRequestBytes},
		{ID: 3, Outcome: OutcomeFailed, Reason: ReasonQueueFull, Limit: LimitWaiting},
	}, h.done)
}

// What is left of a deadline travels in 32 bits: rounded up, and as the most that these hold
// where it is more, however far off the deadline is.
func TestTimeLeftFits(t *testing.T) {
	for left, want := range map[time.Duration]int32{
		1:                                      1,
		time.Millisecond:                       1,
		time.Millisecond + 1:                   2,
		math.MaxInt32 * time.Millisecond:       math.MaxInt32,
		math.MaxInt32*time.Millisecond + 1:     math.MaxInt32,
		(math.MaxInt32 + 1) * time.Millisecond: math.MaxInt32,
		math.MaxInt64 - 1:                      math.MaxInt32,
		math.MaxInt64:                          math.MaxInt32,
	} {
		require.Equal(t, want, millis(left), "%v", left)
	}
}

// Who has not shown yet who it is cannot make the client hold an answer as large as those that
// it asks servers for.
func TestLittleIsHeldBeforeTheNegotiationIsOver(t *testing.T) {
	for auth, most := range map[Auth]int{AuthRequired: maxNegotiationBytes, AuthOff: 8 << 20} {
		cfg := testConfig()
		cfg.Auth = auth
		h := newHarness(t, cfg)
		h.step(Event{Kind: EventKeepReady, Keep: true})
		conn := h.core.Conn()
		h.step(Event{Kind: EventDialed, Conn: conn})
		frame := append([]byte{0x01, 0, 0, 0}, make([]byte, 8<<20-4)...) // the beginning of 16 MiB
		taken := 0
		for piece := range slices.Chunk(frame, 32<<10) {
			h.step(Event{Kind: EventReceived, Conn: conn, Data: piece})
			if h.core.Conn() != conn {
				require.Contains(t, h.log.String(), "close c1 protocol")
				break
			}
			taken += len(piece)
		}
		require.Equal(t, most, taken, "%v", auth)
	}
}
