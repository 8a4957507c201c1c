// Bugs: panics where the client meets servers' bytes, a mechanism or the application's
// functions are recovered, counted and told as what they are.

package client

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// bugs counts and logs them, for any goroutine.
type bugs struct {
	count atomic.Uint64
	log   *slog.Logger
}

// tell logs a bug with its stack. Of what was thrown, only the runtime's own errors are
// shown: others could hold keys or values.
func (b *bugs) tell(where string, thrown any, stack []byte, about ...any) {
	b.count.Add(1)
	text := fmt.Sprintf("%T", thrown)
	if err, runtimeError := thrown.(runtime.Error); runtimeError {
		text = err.Error()
	}
	b.log.With(about...).Error("bug: recovered from a panic; please report it", slog.String("in", where), slog.String("panic", text), slog.String("stack", string(stack)))
}

// recovered ends a panic, where there is one. It is to be deferred.
func (d *driver) recovered(where string, about ...any) {
	if r := recover(); r != nil {
		d.bugs.tell(where, r, debug.Stack(), about...)
	}
}

// guarded runs f; false where it panicked.
func (d *driver) guarded(where string, f func(), about ...any) (ok bool) {
	defer d.recovered(where, about...)
	f()
	return true
}

// abandon goes on after a step that panicked: it costs whoever the event was of. Where
// nobody can be blamed, or that panics too, it costs the client.
func (d *driver) abandon(ev *routing.Event) {
	blamed := ev.Conn != 0 || uint64(ev.Timer)>>protocol.OwnerShift != 0 ||
		ev.Kind == routing.EventSubmit || ev.Kind == routing.EventOpenTable || ev.Kind == routing.EventCancel
	if d.core.Closed() || !blamed || !d.guarded("core, after a panic", func() { d.resume(ev) }) {
		d.fail()
	}
}

// resume has the core drop what had part in the step, and ends what it has no longer.
func (d *driver) resume(ev *routing.Event) {
	d.effects = d.core.Abandon(time.Now(), ev, d.effects[:0])
	for i := range d.effects {
		d.apply(&d.effects[i])
	}
	named := make(map[protocol.ConnID]bool)
	for s := range d.core.Sessions() {
		named[s.Conn] = true
	}
	d.hangUp(func(id protocol.ConnID) bool { return !named[id] })
	held := make(map[routing.OpID]bool)
	for id := range d.core.Outstanding() {
		held[id] = true
	}
	d.giveUp(func(id routing.OpID) bool { return !held[id] })
}

// fail closes the client without its core.
func (d *driver) fail() {
	d.cfg.Logger.Error("pegasus client closed: its core failed and nothing can be trusted to go on with; this is a bug, open another client")
	d.core = routing.New(d.cfg.routing(d.metas))
	d.advance = d.core.Step
	if d.tracer != nil {
		d.tracer.core = d.core
	}
	d.step(routing.Event{Kind: routing.EventClose})
	d.hangUp(func(protocol.ConnID) bool { return true })
	for id, t := range d.timers {
		t.Stop()
		delete(d.timers, id)
	}
	d.giveUp(func(routing.OpID) bool { return true })
}

// hangUp closes connections that the core knows nothing of.
func (d *driver) hangUp(which func(protocol.ConnID) bool) {
	for id := range d.conns {
		if which(id) {
			d.apply(&routing.Effect{Kind: routing.EffectClose, Conn: id, Reason: session.ReasonInternal})
		}
	}
}

// giveUp completes calls that the core knows nothing of: a write may have had an effect.
func (d *driver) giveUp(which func(routing.OpID) bool) {
	for i, c := range d.calls {
		id := routing.OpID(i)
		if c == nil || !which(id) {
			continue
		}
		done := routing.Completion{ID: id, Outcome: session.OutcomeFailed, Reason: session.ReasonInternal, Code: protocol.CodeOK}
		if c.op.RPC.IsWrite() {
			done.Outcome = session.OutcomeUnknown
		}
		d.apply(&routing.Effect{Kind: routing.EffectComplete, Completion: done})
	}
}

// parsed reads a server's answer for a caller.
func parsed[T any](d *driver, parse func([]byte) (T, error), answer []byte) (result T, err error) {
	if !d.guarded("answer", func() { result, err = parse(answer) }) {
		err = ErrInternal
	}
	return result, err
}
