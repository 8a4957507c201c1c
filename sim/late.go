// Late events: what a driver with threads can tell a core after its time. A read was done
// when the write beside it failed; two threads each find that a connection is over; a timer
// fired while it was being stopped; a token is ready, or has failed, when its connection is
// gone. The contract of the cores is that such an event changes nothing, so one that makes
// the client do something violates fresh-session.

package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/sim/world"
)

// Of so many events one is late. An end or a stopped timer is told of once more as often.
const (
	lateReads  = 8
	lateTokens = 4
	lateAgain  = 2
)

// lateEvents is what the driver of one reference client is late with. Draws are from a
// stream of their own.
type lateEvents struct {
	client *referenceClient
	most   time.Duration
	random *rand.Rand
	read   map[protocol.ConnID][]byte // and not told yet
	gone   map[protocol.ConnID]bool   // the client knows that it is over, or has closed it
}

// What is posted: bytes that were read, an event of something that is over, a token.
type (
	lateRead  struct{ conn protocol.ConnID }
	lateEvent struct{ event routing.Event }
	lateToken struct{ madeToken }
)

// newLateEvents returns nil where the scenario has none.
func newLateEvents(c *referenceClient) *lateEvents {
	s := c.process.run.scenario
	if s.LateEvents == 0 {
		return nil
	}
	return &lateEvents{
		client: c, most: s.LateEvents, random: c.process.run.world.Stream(streamName("late", c.process.index)),
		read: make(map[protocol.ConnID][]byte), gone: make(map[protocol.ConnID]bool),
	}
}

// takes says that the core is not told of an event now: it will be later, or was, as of
// something late.
func (l *lateEvents) takes(now time.Time, ev *world.Event, io *world.IO) bool {
	switch ev.Kind {
	case world.EventReceived:
		held := l.read[ev.Conn]
		if held == nil && l.random.IntN(lateReads) > 0 {
			return false
		}
		if held == nil {
			l.post(io, lateRead{ev.Conn})
		}
		l.read[ev.Conn] = append(held, ev.Data...)
		return true
	case world.EventClosed, world.EventDialFailed:
		l.over(io, ev.Conn)
	case world.EventPost:
		return l.posted(now, ev.Value, io)
	}
	return false
}

func (l *lateEvents) posted(now time.Time, value any, io *world.IO) bool {
	switch value := value.(type) {
	case madeToken:
		if l.random.IntN(lateTokens) > 0 && !l.gone[value.conn] {
			return false
		}
		l.post(io, lateToken{value})
	case lateToken:
		gone := l.gone[value.conn]
		l.tell(now, io, gone, routing.Event{
			Kind: routing.EventToken, Conn: value.conn, Data: value.data, Done: value.done, Failed: value.failed || gone,
		})
	case lateRead:
		data := l.read[value.conn]
		delete(l.read, value.conn)
		l.tell(now, io, l.gone[value.conn], routing.Event{Kind: routing.EventReceived, Conn: value.conn, Data: data})
	case lateEvent:
		l.tell(now, io, true, value.event)
	}
	return true
}

func (l *lateEvents) post(io *world.IO, value any) {
	io.Post(between(l.random, 0, l.most), value)
}

// over: the client knows that a connection is over. Another thread finds it out as well.
func (l *lateEvents) over(io *world.IO, conn protocol.ConnID) {
	l.gone[conn] = true
	if l.random.IntN(lateAgain) == 0 {
		l.post(io, lateEvent{routing.Event{Kind: routing.EventClosed, Conn: conn, Reason: session.ReasonReset}})
	}
}

// stopped: the client has stopped a timer, which fires all the same.
func (l *lateEvents) stopped(io *world.IO, timer protocol.TimerID) {
	if l.random.IntN(lateAgain) == 0 {
		l.post(io, lateEvent{routing.Event{Kind: routing.EventTimer, Timer: timer}})
	}
}

// tell gives the core its event. One of something that is over must not make it act; what
// its time has come for, it may do at any event.
func (l *lateEvents) tell(now time.Time, io *world.IO, over bool, ev routing.Event) {
	c := l.client
	c.effects = c.core.Step(now, ev, c.effects[:0])
	if over && !slices.ContainsFunc(c.effects, isDue) {
		if i := slices.IndexFunc(c.effects, acts); i >= 0 {
			run := c.process.run
			run.judge.violate(run.world.Now(), PropertyFreshSession, fmt.Sprintf("a late event (%s) made %s %s",
				l.words(io, &ev), clientName(c.process.index), actWords[c.effects[i].Kind]))
		}
	}
	for i := range c.effects {
		c.apply(io, &c.effects[i])
	}
}

func (l *lateEvents) words(io *world.IO, ev *routing.Event) string {
	switch ev.Kind {
	case routing.EventTimer:
		return "a timer that was stopped"
	case routing.EventReceived:
		return fmt.Sprintf("bytes of c%d, which is over", io.Global(ev.Conn))
	case routing.EventToken:
		return fmt.Sprintf("a token for c%d, which is over", io.Global(ev.Conn))
	}
	return fmt.Sprintf("the end of c%d, once more", io.Global(ev.Conn))
}

// actWords are the effects that are acts, in words.
var actWords = map[routing.EffectKind]string{
	routing.EffectDial: "dial", routing.EffectWrite: "write", routing.EffectClose: "close a connection",
	routing.EffectMakeToken: "go on with a negotiation", routing.EffectSession: "change the state of a session",
	routing.EffectComplete: "complete a request",
}

func acts(e routing.Effect) bool { return actWords[e.Kind] != "" }

// isDue is whether an effect is of something whose time has come.
func isDue(e routing.Effect) bool {
	return e.Kind == routing.EffectComplete && e.Completion.Reason == session.ReasonDeadline ||
		e.Kind == routing.EffectClose && e.Reason == session.ReasonSilence
}
