// One step being taken: an event given to a core, its effects carried out.

package exhaustive

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// world is a state while a step is taken. Nobody else has the state yet.
type world struct {
	m *Model
	s *State
}

// tell adds to the story of the step, if anybody listens.
func (w *world) tell(format string, args ...any) {
	if w.m.listens {
		w.s.story = append(w.s.story, fmt.Sprintf(format, args...))
	}
}

// stepClient gives the session an event. The session of the state before is not touched.
func (w *world) stepClient(ev session.Event) {
	before := w.s.client.State()
	w.s.client = w.s.client.Clone()
	for _, e := range w.s.client.Step(w.s.now, ev, nil) {
		w.clientEffect(&e)
	}
	if after := w.s.client.State(); after != before {
		w.tell("the session is %v", after)
	}
}

func (w *world) clientEffect(e *session.Effect) {
	switch e.Kind {
	case session.EffectDial:
		w.dial(e.Conn)
	case session.EffectWrite:
		w.clientWrites(e.Conn, e.Data)
	case session.EffectClose:
		w.clientCloses(e.Conn)
	case session.EffectArmTimer:
		w.arm(&w.s.clientTimers, e.Timer, e.After, e.Spread)
	case session.EffectStopTimer:
		w.disarmClient(e.Timer)
	case session.EffectMakeToken:
		w.clientWantsToken(e.Conn, e.Data)
	case session.EffectComplete:
		w.completed(&e.Completion)
	case session.EffectState:
		w.believed(e)
	}
}

// completed holds a completion against what is known of the request.
func (w *world) completed(done *session.Completion) {
	slot := int(done.ID) - 1
	if slot < 0 || slot >= len(w.s.requests) || !w.s.requests[slot].outstanding() {
		w.breaks(completeOnce, "%s is completed, and was not outstanding", asked(slot))
		return
	}
	r := &w.s.requests[slot]
	w.tell("%s completes: %v", asked(slot), words(done))
	was := r.progress
	switch done.Outcome {
	case session.OutcomeOK:
		r.progress = okay
		if done.Code != protocol.CodeOK {
			r.progress = refused
		} else if !r.executed {
			w.breaks(honestOutcome, "the node has not executed it")
		}
		if !w.s.now.Before(r.deadline) {
			w.breaks(completeOnce, "its deadline has passed")
		}
	case session.OutcomeFailed:
		r.progress = failed
		if was == written || r.executed {
			w.breaks(honestOutcome, "it was written, so it may run")
		}
	default:
		r.progress = unknown
		if was == waiting {
			w.breaks(honestOutcome, "it was not written, so it cannot run")
		}
	}
}

// words of a completion.
func words(done *session.Completion) string {
	if done.Outcome == session.OutcomeOK {
		return done.Code.String()
	}
	return fmt.Sprintf("%v (%v)", done.Outcome, done.Reason)
}

// believed holds what the session says of itself against what was seen on the wire.
func (w *world) believed(e *session.Effect) {
	if e.State != session.StateReady {
		return
	}
	if w.m.cfg.NoAuth {
		w.breaks(noDowngrade, "the session requires authentication, calls itself ready, and the node has none")
		return
	}
	if c := w.s.conn(e.Conn); c == nil || !c.granted {
		w.breaks(authBeforeRequest, "the session calls itself ready, and has not heard on connection %d that its negotiation succeeded", number(e.Conn))
	}
}

// stepNode gives the node an event. The node of the state before is not touched.
func (w *world) stepNode(ev node.Event) {
	w.s.node = w.s.node.Clone()
	for _, e := range w.s.node.Step(w.s.now, ev, nil) {
		w.nodeEffect(&e)
	}
}

func (w *world) nodeEffect(e *node.Effect) {
	switch e.Kind {
	case node.EffectWrite:
		w.nodeWrites(e.Conn, e.Data)
	case node.EffectClose:
		w.nodeCloses(e)
	case node.EffectArmTimer:
		w.arm(&w.s.nodeTimers, e.Timer, e.After, 0)
	case node.EffectStopTimer:
		w.disarmNode(e.Timer)
	case node.EffectToken:
		w.nodeWantsToken(e.Conn, e.Data, e.Begin)
	case node.EffectExecuted:
		w.executed(e)
	case node.EffectConn:
		w.nodeSays(e)
	}
}

func (w *world) nodeCloses(e *node.Effect) {
	c := w.s.conn(e.Conn)
	if c == nil || c.nodeEnd != open {
		w.breaks(singleConnection, "the node closes connection %d, which it does not have open", number(e.Conn))
		return
	}
	w.tell("the node closes connection %d: %v", number(e.Conn), e.Cause)
	w.nodeEnds(c, true)
	w.sweep()
}

// executed holds an execution against what was seen of the negotiation.
func (w *world) executed(e *node.Effect) {
	w.tell("the node executes a %v on connection %d", e.RPC, number(e.Conn))
	if !w.m.cfg.Mandatory {
		return
	}
	c := w.s.conn(e.Conn)
	switch {
	case c == nil || c.server == nil || c.server.Principal() != principal:
		w.breaks(authenticatedExecution, "the mechanism has not authenticated anybody on that connection")
	case !e.Authenticated || e.Principal != principal:
		w.breaks(authenticatedExecution, "the node knows no principal for it")
	}
}

// nodeSays notes what the node says of a connection.
func (w *world) nodeSays(e *node.Effect) {
	if e.ConnState == node.ConnMute {
		w.tell("the node falls silent on connection %d: %v", number(e.Conn), e.Cause)
		if c := w.s.conn(e.Conn); c != nil {
			c.silent = true
		}
	}
}
