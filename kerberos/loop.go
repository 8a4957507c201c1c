// The goroutine that owns the core of the credentials: gives it events, carries out its
// effects. It decides nothing.

package kerberos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// warmLimit is how long Ready and Await wait where their context has no deadline, and how
// long the first ticket is asked for on nobody's behalf.
const warmLimit = 30 * time.Second

// item is one thing for the loop to do.
type item struct {
	event      ticket.Event
	credential *gssapi.Credential // of EventFetched
	err        error              // of EventFailed
	want       *want
	forget     chan error  // of a want that is no longer waited for
	of         ticket.Name // of EventSuspect and EventTrust
	observe    *func(ticket.Change)
	unobserve  *func(ticket.Change)
	done       chan struct{} // of unobserve: to be closed
	health     chan ticket.Health
}

// want is one wait.
type want struct {
	name   ticket.Name
	limit  time.Duration
	answer chan error // takes one
}

// loop owns a core. Its fields are used by its one goroutine only, and after that has ended.
type loop struct {
	c         *Credentials
	core      *ticket.Core
	jitter    *rand.Rand
	effects   []ticket.Effect
	timers    map[ticket.TimerID]*time.Timer
	fetches   map[ticket.FetchID]context.CancelFunc
	held      map[ticket.Handle]*gssapi.Credential
	waits     map[ticket.WaiterID]chan error
	failed    map[ticket.Name]error
	observers []*func(ticket.Change)
	handle    ticket.Handle
	waiter    ticket.WaiterID
	warm      ticket.WaiterID // on nobody's behalf
	panics    uint64          // of functions that are told of changes, and of the core
	over      error           // what whoever comes too late is told
}

func newLoop(c *Credentials) loop {
	return loop{
		c: c, core: ticket.New(c.cfg.Tickets), jitter: rand.New(c.cfg.Jitter),
		timers: make(map[ticket.TimerID]*time.Timer), fetches: make(map[ticket.FetchID]context.CancelFunc),
		held: make(map[ticket.Handle]*gssapi.Credential), waits: make(map[ticket.WaiterID]chan error),
		failed: make(map[ticket.Name]error), waiter: 1, warm: 1, over: ErrClosed,
	}
}

// run drives the core until it has closed.
func (l *loop) run() {
	for !l.core.Closed() {
		l.do(<-l.c.inbox)
	}
	close(l.c.ended)
	for {
		select {
		case it := <-l.c.inbox: // it was put before the end and would wait for ever
			if it.want != nil {
				it.want.answer <- l.over
			}
		default:
			return
		}
	}
}

func (l *loop) handleItem(it item) {
	switch {
	case it.want != nil:
		l.waiter++
		l.waits[l.waiter] = it.want.answer
		it.event = ticket.Event{Kind: ticket.EventWant, Waiter: l.waiter, Name: it.want.name, Deadline: l.c.cfg.Now().Add(it.want.limit)}
	case it.forget != nil:
		for id, answer := range l.waits {
			if answer == it.forget {
				delete(l.waits, id)
				it.event = ticket.Event{Kind: ticket.EventCancel, Waiter: id}
			}
		}
	case it.of != ticket.Name{}:
		for v := range l.core.Tickets() {
			if v.Name == it.of {
				it.event.Handle = v.Handle
			}
		}
	case it.observe != nil:
		l.observers = append(l.observers, it.observe)
	case it.unobserve != nil:
		l.observers = slices.DeleteFunc(l.observers, func(o *func(ticket.Change)) bool { return o == it.unobserve })
		close(it.done)
	case it.health != nil:
		it.health <- l.health()
	}
	switch it.event.Kind {
	case 0:
		return
	case ticket.EventFetched:
		l.handle++
		l.held[l.handle] = it.credential
		it.event.Ticket = ticket.Ticket{Handle: l.handle, Start: it.credential.Start, End: it.credential.End, RenewTill: it.credential.RenewTill}
		l.finish(it.event.Fetch)
	case ticket.EventFailed:
		l.failed[it.event.Name] = it.err
		l.finish(it.event.Fetch)
	case ticket.EventTimer:
		delete(l.timers, it.event.Timer)
	}
	l.effects = l.core.Step(l.c.cfg.Now(), it.event, l.effects[:0])
	for i := range l.effects {
		l.apply(&l.effects[i])
	}
}

// finish forgets an exchange that has ended.
func (l *loop) finish(id ticket.FetchID) {
	if cancel := l.fetches[id]; cancel != nil {
		cancel()
		delete(l.fetches, id)
	}
}

func (l *loop) apply(e *ticket.Effect) {
	switch e.Kind {
	case ticket.EffectFetch:
		ctx, cancel := context.WithTimeout(l.c.ctx, e.Limit)
		l.fetches[e.Fetch] = cancel
		fetch, with := *e, l.held[e.Handle]
		l.c.tasks.Go(func() { l.c.fetch(ctx, fetch, with) })
	case ticket.EffectAbandon:
		l.failed[e.Name] = fmt.Errorf("%w in time", ErrUnreachable)
		l.finish(e.Fetch)
	case ticket.EffectArm:
		after, id := e.After, e.Timer
		if e.Spread > 0 {
			after += time.Duration(l.jitter.Int64N(int64(e.Spread) + 1))
		}
		l.timers[id] = time.AfterFunc(after, func() { l.c.put(item{event: ticket.Event{Kind: ticket.EventTimer, Timer: id}}) })
	case ticket.EffectStop:
		if t := l.timers[e.Timer]; t != nil {
			t.Stop()
			delete(l.timers, e.Timer)
		}
	case ticket.EffectAnswer:
		if answer := l.waits[e.Waiter]; answer != nil {
			delete(l.waits, e.Waiter)
			answer <- l.answer(e)
		}
	case ticket.EffectState:
		l.changed(e)
	case ticket.EffectDrop:
		delete(l.held, e.Handle) // not wiped: a negotiation may still use it
	}
}

// answer is how a wait ends, in words.
func (l *loop) answer(e *ticket.Effect) error {
	switch f := e.Failure; {
	case e.Handle != 0:
		return nil
	case f.Kind == ticket.FailureClosed:
		return ErrClosed
	case f.Kind == ticket.FailureFull:
		return fmt.Errorf("ticket of %v: %w", f.Of, ErrLimit)
	case f.Kind == ticket.FailureDeadline:
		return fmt.Errorf("ticket of %v: %w before the deadline", f.Of, ErrUnreachable)
	default:
		return l.reason(f)
	}
}

// reason is the failure as an error, with what the exchange said.
func (l *loop) reason(f ticket.Failure) error {
	if f.Kind == ticket.FailureNone {
		return nil
	}
	if err := l.failed[f.Of]; err != nil && f.Cause != ticket.CauseLife {
		return err
	}
	return fmt.Errorf("%w: %v", gssapi.ErrNoCredential, f)
}

func (l *loop) changed(e *ticket.Effect) {
	if e.State == ticket.StateNone {
		delete(l.failed, e.Name)
	}
	l.c.mu.Lock()
	if have := l.held[e.Handle]; have != nil {
		l.c.current[e.Name] = have
	} else {
		delete(l.c.current, e.Name)
	}
	l.c.mu.Unlock()
	change := ticket.Change{Name: e.Name, State: e.State, Until: e.Until, Failure: e.Failure, Err: l.reason(e.Failure)}
	l.log(&change)
	if l.c.cfg.OnTicket != nil {
		l.tell(l.c.cfg.OnTicket, change)
	}
	for _, o := range l.observers {
		l.tell(*o, change)
	}
}

func (l *loop) log(change *ticket.Change) {
	level := slog.LevelDebug
	switch change.State {
	case ticket.StateValid, ticket.StateClosed:
		level = slog.LevelInfo
	case ticket.StateExpired, ticket.StateUnreachable, ticket.StateRefused:
		level = slog.LevelWarn
	case ticket.StateExpiring:
		if change.Err != nil {
			level = slog.LevelWarn
		}
	}
	if change.Failure.Cause == ticket.CauseInternal {
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("client", l.c.client.String()), slog.String("ticket", change.Name.String()), slog.String("state", change.State.String())}
	if !change.Until.IsZero() {
		attrs = append(attrs, slog.Time("until", change.Until))
	}
	if change.Err != nil {
		attrs = append(attrs, slog.String("cause", change.Failure.Cause.String()), slog.Any("error", change.Err))
	}
	if recovered := (*gssapi.InternalError)(nil); errors.As(change.Err, &recovered) {
		attrs = append(attrs, slog.String("stack", string(recovered.Stack)))
	}
	l.c.cfg.Logger.LogAttrs(context.Background(), level, "kerberos ticket", attrs...)
}

func (l *loop) health() ticket.Health {
	h := ticket.Health{Principal: l.c.client.String(), Stats: l.core.Stats(), Waiting: l.core.Waiting(), Closed: l.core.Closed(), Panics: l.panics}
	for v := range l.core.Tickets() {
		h.Tickets = append(h.Tickets, ticket.Status{View: v, Err: l.reason(v.Failure)})
	}
	return h
}
