// How loud the log tells of a session's changes.

package client

import (
	"log/slog"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
)

// sessionTold is what the log has last told of a session.
type sessionTold struct {
	state  State
	failed Reason // of the last negotiation, where it failed
}

// sessionLevel is how loud a session's change is. A warning is what somebody has to look at: a
// ready connection that is lost, a negotiation that fails otherwise than the one before, a bug.
// A server that is not there is told with each attempt, but is none.
func (d *driver) sessionLevel(e *routing.Effect) slog.Level {
	before := d.told[e.Addr]
	now := sessionTold{state: e.State, failed: before.failed}
	level := slog.LevelDebug
	switch e.State {
	case session.StateReady:
		level, now.failed = slog.LevelInfo, session.ReasonNone
	case session.StateBackoff, session.StateClosed:
		level = slog.LevelInfo
	}
	ended := e.Reason != session.ReasonNone && e.Reason != session.ReasonClosed
	if ended { // by an attempt that failed so slowly that the next begins at once, where it is no backoff
		level = slog.LevelInfo
	}
	switch {
	case ended && before.state == session.StateReady, e.Reason == session.ReasonInternal:
		level = slog.LevelWarn
	case ended && before.state == session.StateNegotiating && before.failed != e.Reason:
		level, now.failed = slog.LevelWarn, e.Reason
	}
	if e.State == session.StateClosed {
		delete(d.told, e.Addr)
	} else {
		d.told[e.Addr] = now
	}
	return level
}
