// How a call fails: what was being done, whether it may have had an effect, and why.

package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// What went wrong, for errors.Is. Several may hold of one error: a put whose deadline
// passed without an answer is ErrDeadline and ErrUnknownOutcome.
var (
	// ErrUnknownOutcome: the request was sent and not answered. It may have been executed,
	// or may still be. Read before writing again, unless writing twice does no harm.
	ErrUnknownOutcome = errors.New("the outcome is unknown: it may have been executed, or may still be")
	// ErrNotFound: no such record.
	ErrNotFound = errors.New("not found")
	// ErrDeadline: the call's deadline passed. Where it was the context's, the error is
	// context.DeadlineExceeded too.
	ErrDeadline = errors.New("the deadline passed")
	// ErrClosed: the client is closed, or is being drained.
	ErrClosed = errors.New("the client is closed")
	// ErrOverloaded: a limit of the client was reached; nothing was sent. errors.As finds the
	// *LimitError that names it.
	ErrOverloaded = errors.New("a limit of the client was reached; nothing was sent")
	// ErrBusy: the storage refused for now, without effect: it is busy, shuts down, or says to
	// try again. That is the caller's to do; refusals of servers (ERR_BUSY and others) are
	// tried again by the client until the deadline, and are no ErrBusy.
	ErrBusy = errors.New("the storage is busy; nothing was changed, try again later")
	// ErrTableNotFound: the meta servers know no such table.
	ErrTableNotFound = errors.New("no such table")
	// ErrDenied: the principal may not do this.
	ErrDenied = errors.New("access denied")
	// ErrBadAnswer: a server's answer cannot be read.
	ErrBadAnswer = errors.New("the server's answer cannot be read")
	// ErrInternal: a bug of the client, recovered, counted in Health and logged with its
	// stack. It says nothing of the server or of anybody's credentials.
	ErrInternal = errors.New("a bug of the client was recovered: please report it, with the stack in the log")
	// ErrBadArgument: the call can never succeed as it is; nothing was sent.
	ErrBadArgument = errors.New("bad argument")
)

// Error is what every call returns that does not succeed.
type Error struct {
	Op      string                 // get, put, ...
	Table   string                 //
	Outcome session.Outcome        // OutcomeUnknown: it may have had an effect; else it had none
	Reason  Reason                 // last obstacle on this side
	Code    protocol.ErrorCode     // last refusal of a server; CodeOK if there was none
	Status  protocol.StorageStatus // of the storage, where a server executed the request
	Err     error                  // the context's error with its cause, a *LimitError, or what is wrong with argument or answer
}

// LimitError says which limit of the client was reached.
type LimitError struct {
	Limit string // what is limited
	Field string // of Config, where it can be changed; empty: it cannot
	Max   int
}

// Error implements error.
func (e *LimitError) Error() string {
	text := fmt.Sprintf("%v: at most %d %s", ErrOverloaded, e.Max, e.Limit)
	if e.Field != "" {
		text += " (Config." + e.Field + ")"
	}
	return text
}

// Unwrap returns ErrOverloaded.
func (e *LimitError) Unwrap() error { return ErrOverloaded }

// limitError is nil where the core names no limit.
func (c *Config) limitError(of session.Limit) error {
	switch of {
	case session.LimitOperations:
		return &LimitError{Limit: "calls may be outstanding", Field: "MaxOperations", Max: c.MaxOperations}
	case session.LimitTables:
		return &LimitError{Limit: "tables may be in use, and one that was found is until the client is closed", Field: "MaxTables", Max: c.MaxTables}
	case session.LimitSessions:
		return &LimitError{Limit: "servers may be in use", Field: "MaxSessions", Max: c.MaxSessions}
	case session.LimitWaiting:
		return &LimitError{Limit: "requests may wait for one server", Max: session.DefaultConfig().MaxWaiting}
	}
	return nil
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pegasus %s, table %q: ", e.Op, e.Table)
	switch {
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	case e.Status != protocol.StatusOK:
		b.WriteString(e.Status.String())
	case e.Reason != session.ReasonNone:
		b.WriteString(reasonText(e.Reason))
	default:
		b.WriteString("refused")
	}
	if e.Code != protocol.CodeOK {
		fmt.Fprintf(&b, "; a server said %v", e.Code)
	}
	if e.Outcome == session.OutcomeUnknown {
		b.WriteString("; " + ErrUnknownOutcome.Error())
	}
	return b.String()
}

func reasonText(r Reason) string {
	switch r {
	case session.ReasonDeadline:
		return ErrDeadline.Error()
	case session.ReasonCanceled:
		return "canceled"
	case session.ReasonQueueFull:
		return ErrOverloaded.Error()
	case session.ReasonClosed:
		return ErrClosed.Error()
	case session.ReasonInternal:
		return ErrInternal.Error()
	}
	return "the connection was lost (" + r.String() + ")"
}

// Is says which of the package's errors this one is.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnknownOutcome:
		return e.Outcome == session.OutcomeUnknown
	case ErrNotFound:
		return e.Status == protocol.StatusNotFound
	case ErrDeadline:
		return e.Reason == session.ReasonDeadline || errors.Is(e.Err, context.DeadlineExceeded)
	case ErrClosed:
		return e.Reason == session.ReasonClosed
	case ErrInternal:
		return e.Reason == session.ReasonInternal
	case ErrOverloaded:
		return e.Reason == session.ReasonQueueFull
	case ErrBusy:
		return passing(e.Status)
	case ErrTableNotFound:
		return e.Reason == session.ReasonNone &&
			(e.Code == protocol.CodeObjectNotFound || e.Code == protocol.CodeAppNotExist || e.Code == protocol.CodeAppDropped)
	case ErrDenied:
		return e.Code == protocol.CodeACLDeny
	}
	return false
}

// passing: the storage refused with this status for now, without effect.
func passing(s protocol.StorageStatus) bool {
	return s == protocol.StatusBusy || s == protocol.StatusTryAgain || s == protocol.StatusShutdownInProgress
}

// Unwrap returns the context's error, a *LimitError, or what is wrong with argument or answer.
func (e *Error) Unwrap() error { return e.Err }
