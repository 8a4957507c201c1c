// Bugs: panics on what a KDC sent, of the application's functions, or of the core of the
// credentials itself are recovered, counted and told as what they are.

package kerberos

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// bug is what was recovered while a ticket was fetched.
func bug(thrown any) error {
	return &gssapi.InternalError{Doing: "fetching a ticket", Value: thrown, Stack: debug.Stack()}
}

// tell calls a function of the application's. Of what it throws, only the runtime's own
// errors are logged: others could hold secrets.
func (l *loop) tell(f func(ticket.Change), change ticket.Change) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		l.panics++
		text := fmt.Sprintf("%T", p)
		if err, runtimeError := p.(runtime.Error); runtimeError {
			text = err.Error()
		}
		l.c.cfg.Logger.Error("bug: recovered from a panic of a function that is told of tickets; it is the application's",
			slog.String("panic", text), slog.String("stack", string(debug.Stack())))
	}()
	f(change)
}

// do takes an item. A panic of the core, or between it and here, costs the credentials and not
// the application.
func (l *loop) do(it item) {
	defer func() {
		if p := recover(); p != nil {
			l.fail(p)
		}
	}()
	l.handleItem(it)
}

// fail ends the loop without its core. Tickets that are there can be used until they run out;
// nobody fetches others.
func (l *loop) fail(thrown any) {
	l.panics++
	broken := &gssapi.InternalError{Doing: "looking after tickets", Value: thrown, Stack: debug.Stack()}
	l.over = broken
	l.c.cfg.Logger.Error("kerberos credentials closed: their core failed and nothing can be trusted to go on with; open others",
		slog.String("client", l.c.client.String()), slog.Any("error", broken), slog.String("stack", string(broken.Stack)))
	l.core = ticket.New(l.c.cfg.Tickets)
	l.core.Step(l.c.cfg.Now(), ticket.Event{Kind: ticket.EventClose}, nil)
	l.c.cancel()
	for _, t := range l.timers {
		t.Stop()
	}
	for _, answer := range l.waits {
		answer <- broken
	}
	clear(l.timers)
	clear(l.waits)
}
