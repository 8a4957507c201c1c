// Everything that can happen in a state, one step each.

package exhaustive

import (
	"slices"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
)

// take appends the step that do makes of a copy of s.
func (m *Model) take(s *State, action int, steps []step, do func(w *world)) []step {
	w := &world{m: m, s: s.clone()}
	do(w)
	return append(steps, step{Action: action, State: w.s})
}

func (m *Model) next(s *State, steps []step) []step {
	steps = m.user(s, steps)
	for i := range s.conns {
		steps = m.ofConnection(s, i, steps)
	}
	quiet := s.quiet()
	steps = m.firings(s, false, quiet, steps)
	steps = m.firings(s, true, quiet, steps)
	switch {
	case s.power != up:
		steps = m.take(s, actStart, steps, (*world).start)
	default:
		steps = m.faults(s, steps)
	}
	return m.stale(s, steps)
}

// user appends what the user can do. A session that is closed is left alone: it would
// refuse, and all that could still be told from that is how often.
func (m *Model) user(s *State, steps []step) []step {
	if s.client.State() == session.StateClosed {
		return steps
	}
	if s.left.submits > 0 {
		steps = m.take(s, actSubmit, steps, (*world).submit)
	}
	if s.left.cancels > 0 {
		for slot := range s.requests {
			if s.requests[slot].outstanding() {
				steps = m.take(s, actCancel, steps, func(w *world) { w.cancel(slot) })
			}
		}
		steps = m.take(s, actClose, steps, (*world).close)
	}
	if s.left.drains > 0 {
		steps = m.take(s, actDrain, steps, (*world).drain)
	}
	return steps
}

// faults appends the ends that a run of the node can come to. What it wrote last may
// have got to the network, or not: a process can end between the two. (That only the
// first half got there is the same as that the client read that half before.)
func (m *Model) faults(s *State, steps []step) []step {
	afloat := slices.ContainsFunc(s.conns, func(c conn) bool { return len(c.toClient) > 0 })
	for _, drown := range [...]bool{false, true} {
		if drown && !afloat {
			break
		}
		if s.left.crashes > 0 {
			steps = m.take(s, actCrash, steps, func(w *world) { w.s.left.crashes--; w.stop(crashed, drown) })
		}
		if s.left.losses > 0 {
			steps = m.take(s, actLoss, steps, func(w *world) { w.s.left.losses--; w.stop(dark, drown) })
		}
	}
	return steps
}

// ofConnection appends what the i-th connection makes possible.
func (m *Model) ofConnection(s *State, i int, steps []step) []step {
	c := &s.conns[i]
	id := c.id
	switch {
	case c.clientEnd == dialing && s.power == up && s.connected() < m.cfg.Connections:
		steps = m.take(s, actDialed, steps, func(w *world) { w.dialed(i) })
	case c.clientEnd == dialing && s.power == crashed:
		steps = m.take(s, actRefused, steps, func(w *world) { w.refused(i) })
	}
	if len(c.toClient) > 0 {
		steps = m.take(s, actClientReads, steps, func(w *world) { w.clientReads(i) })
	}
	if c.clientToken.wanted {
		steps = m.take(s, actClientToken, steps, func(w *world) { w.makeClientToken(id) })
	}
	if len(c.toNode) > 0 && i < m.cfg.Connections {
		steps = m.take(s, actNodeReads+2*i, steps, func(w *world) { w.nodeReads(i) })
	}
	if c.nodeToken.wanted && i < m.cfg.Connections {
		steps = m.take(s, actNodeReads+2*i+1, steps, func(w *world) { w.makeNodeToken(id) })
	}
	return steps
}

// submit gives the session the user's next request.
func (w *world) submit() {
	slot := w.m.cfg.Requests - int(w.s.left.submits)
	w.s.left.submits--
	ask := w.m.asks[slot]
	ask.Deadline = w.m.deadline(w.s.now)
	w.s.requests[slot] = request{progress: waiting, deadline: ask.Deadline}
	w.tell("the user submits %s", asked(slot))
	w.stepClient(session.Event{Kind: session.EventSubmit, Request: ask})
}

// cancel gives a request up.
func (w *world) cancel(slot int) {
	w.s.left.cancels--
	w.tell("the user gives %s up", asked(slot))
	w.stepClient(session.Event{Kind: session.EventCancel, ID: session.RequestID(slot + 1)})
}

// close ends the session at once.
func (w *world) close() {
	w.s.left.cancels--
	w.tell("the user closes the session")
	w.stepClient(session.Event{Kind: session.EventClose})
}

// drain ends the session once everything is answered.
func (w *world) drain() {
	w.s.left.drains--
	w.tell("the user drains the session")
	w.stepClient(session.Event{Kind: session.EventDrain})
}

// dialed completes the handshake. The node's end begins with its accept.
func (w *world) dialed(i int) {
	c := &w.s.conns[i]
	c.clientEnd = open
	c.toNode = push(c.toNode, packet{kind: accept})
	w.tell("connection %d comes up", number(c.id))
	w.stepClient(session.Event{Kind: session.EventDialed, Conn: c.id})
}

func (w *world) refused(i int) {
	c := &w.s.conns[i]
	id := c.id
	w.tell("connection %d is refused", number(id))
	w.clientEnds(c)
	w.stepClient(session.Event{Kind: session.EventDialFailed, Conn: id, Reason: session.ReasonRefused})
}

// clientReads gives the session the next packet on its way to it.
func (w *world) clientReads(i int) {
	c := &w.s.conns[i]
	id, p := c.id, c.toClient[0]
	c.toClient = c.toClient[1:]
	w.tell("the client reads %s on connection %d", p.text(), number(id))
	if p.kind == data {
		c.granted = c.granted || p.success()
		w.stepClient(session.Event{Kind: session.EventReceived, Conn: id, Data: p.data})
		return
	}
	why := session.ReasonFIN
	if p.kind == rst {
		why = session.ReasonReset
	}
	w.clientEnds(c)
	w.stepClient(session.Event{Kind: session.EventClosed, Conn: id, Reason: why})
}

// nodeReads gives the node the next packet on its way to it.
func (w *world) nodeReads(i int) {
	c := &w.s.conns[i]
	id, p := c.id, c.toNode[0]
	c.toNode = c.toNode[1:]
	switch p.kind {
	case accept:
		c.nodeEnd = open
		w.tell("the node accepts connection %d", number(id))
		w.stepNode(node.Event{Kind: node.EventAccepted, Conn: id})
	case data:
		w.tell("the node reads %s on connection %d", p.text(), number(id))
		w.stepNode(node.Event{Kind: node.EventReceived, Conn: id, Data: p.data})
	default:
		w.tell("the node reads %s on connection %d", p.text(), number(id))
		c.nodeEnd = gone
		c.endNode()
		w.sweep()
		w.stepNode(node.Event{Kind: node.EventClosed, Conn: id})
	}
}

// stop ends a run of the node: nothing is left of it but its storage.
func (w *world) stop(p power, drown bool) {
	what := "the node crashes"
	if p == dark {
		what = "the node loses power"
	}
	if drown {
		what += " before the network has what it wrote last"
	}
	w.tell("%s", what)
	for i := range w.s.conns {
		c := &w.s.conns[i]
		if c.clientEnd == dialing || c.nodeEnd == gone {
			continue
		}
		if drown {
			c.toClient = nil
		}
		w.nodeEnds(c, p == crashed)
	}
	w.sweep()
	w.s.storage = w.s.node.Replica().Storage()
	w.s.node, w.s.nodeTimers, w.s.nodePast, w.s.power = nil, nil, 0, p
}

// start begins a run of the node, on what the last one stored.
func (w *world) start() {
	w.tell("the node starts")
	w.s.node = node.New(w.m.nodeConfig(w.s.storage.Clone()))
	w.s.storage, w.s.power = nil, up
	w.powerIsBack()
}

// success says whether the packet has a negotiation's success in it.
func (p *packet) success() bool {
	for i := range p.frames {
		if p.frames[i].status == protocol.SASLSucc {
			return true
		}
	}
	return false
}
