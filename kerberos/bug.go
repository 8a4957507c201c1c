// Bugs: panics on what a KDC sent, or of the application's functions, are recovered, counted
// and told as what they are.

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
