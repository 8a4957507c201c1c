package session

import (
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
