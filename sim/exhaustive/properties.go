// What must be true. The names are those of the specification.

package exhaustive

import (
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/model/check"
)

// defect is a safety property that was seen broken. It stays seen.
type defect uint8

const (
	authBeforeRequest defect = iota
	freshSession
	singleConnection
	completeOnce
	honestOutcome
	authenticatedExecution
	noDowngrade
	bounded
	malformed
	numDefects
)

// defectNames are the properties' names; nothing writes them.
var defectNames = [numDefects]string{
	authBeforeRequest:      "auth-before-request",
	freshSession:           "fresh-session",
	singleConnection:       "single-connection",
	completeOnce:           "complete-once",
	honestOutcome:          "honest-outcome",
	authenticatedExecution: "authenticated-execution",
	noDowngrade:            "no-downgrade",
	bounded:                "bounded",
	malformed:              "well-formed",
}

// defects is a set.
type defects uint16

func (d defects) has(one defect) bool { return d&(1<<one) != 0 }

func (d defects) String() string {
	var names []string
	for one := range numDefects {
		if d.has(one) {
			names = append(names, defectNames[one])
		}
	}
	return strings.Join(names, ", ")
}

// breaks notes that a property is broken, and why.
func (w *world) breaks(one defect, why string, args ...any) {
	w.s.broken |= 1 << one
	w.tell("*** "+defectNames[one]+": "+why, args...)
}

// Properties returns what must be true of the world.
func (m *Model) Properties() []check.Property[*State] {
	list := m.safety()
	if m.cfg.NoAuth { // nobody gets in, so nothing can be demanded but that
		return list
	}
	list = append(list, check.EventuallyAlways("reconnect-converges", m.converged))
	if m.cfg.Requests > 0 {
		list = append(list, m.ends())
	}
	if m.cfg.Requests > 0 && m.cfg.Deadline == 0 { // a deadline may come before any node does
		list = append(list, m.drain())
	}
	return append(list, m.reached()...)
}

// safety: what a step broke, and what a state shows by itself.
func (m *Model) safety() []check.Property[*State] {
	shown := map[defect]func(*State) bool{
		singleConnection: oneConnection,
		bounded:          m.withinBounds,
		completeOnce:     accounted,
	}
	var list []check.Property[*State]
	for one := range numDefects {
		holds := shown[one]
		list = append(list, check.Always(defectNames[one], func(s *State) bool {
			return !s.broken.has(one) && (holds == nil || holds(s))
		}))
	}
	return list
}

// oneConnection: the driver has open, or is opening, what the session calls its own, and
// nothing else.
func oneConnection(s *State) bool {
	own := s.client.Conn()
	found := false
	for i := range s.conns {
		switch c := &s.conns[i]; {
		case c.clientEnd == gone:
		case c.id != own:
			return false
		default:
			found = true
		}
	}
	return found == (own != 0)
}

// accounted: the session holds exactly the requests that are not completed.
func accounted(s *State) bool {
	holds, writes := s.client.Outstanding()
	return holds+writes == s.outstanding()
}

// withinBounds: no more timers, packets and bytes than the protocol has use for.
func (m *Model) withinBounds(s *State) bool {
	if len(s.clientTimers) > 2 || len(s.nodeTimers) > m.cfg.Connections || s.connected() > m.cfg.Connections {
		return false
	}
	// To the node: handshake, one negotiation message, every request, FIN. Back: one
	// negotiation message, every answer, FIN, RST.
	most := 3 + m.cfg.Requests
	if slices.ContainsFunc(s.conns, func(c conn) bool { return len(c.toNode) > most || len(c.toClient) > most }) {
		return false
	}
	if s.node == nil {
		return true
	}
	n := s.node.Stats()
	return n.Conns <= m.cfg.Connections && n.HalfOpen <= n.Conns && n.BufferedBytes <= maxNodeBytes
}

// maxNodeBytes that one client can make a node keep in this world: a few small requests.
const maxNodeBytes = 4096

// converged: a session that needs a connection has one that both sides know, and one that
// was drained has none. It cannot know that a connection is lost before it writes on it.
func (m *Model) converged(s *State) bool {
	if !m.cfg.KeepReady && s.outstanding() == 0 && s.client.State() != session.StateDraining {
		return true
	}
	switch s.client.State() {
	case session.StateReady:
	case session.StateClosed:
		return !slices.ContainsFunc(s.conns, func(c conn) bool { return c.clientEnd != gone })
	default:
		return false
	}
	c := s.conn(s.client.Conn())
	switch {
	case c == nil:
		return false
	case c.lost:
		return s.outstanding() == 0
	}
	return c.nodeEnd == open && c.admitted
}

// drain: a request that is not lost with its connection succeeds, unless another fault
// comes first: unless fewer faults are left. So the formula is stated for each number.
func (m *Model) drain() check.Property[*State] {
	var parts []check.Property[*State]
	for slot := range m.cfg.Requests {
		for faults := range m.cfg.faults() + 1 {
			parts = append(parts, check.LeadsTo("",
				func(s *State) bool { return s.left.faults() == faults && s.hopeful(slot) },
				func(s *State) bool { return s.requests[slot].progress == okay || s.left.faults() < faults }))
		}
	}
	return check.All("requests-drain", parts...)
}

// hopeful: the request is outstanding, and neither written nor about to be written on a
// connection whose other end is gone already. No client can know better: where success
// is still on its way when the node ends, what waits is written to nobody, and is unknown.
func (s *State) hopeful(slot int) bool {
	r := &s.requests[slot]
	if !r.outstanding() {
		return false
	}
	id := s.client.Conn()
	if r.progress == written {
		id = r.conn
	}
	if c := s.conn(id); c != nil {
		return c.nodeEnd != gone
	}
	return r.progress == waiting
}

// ends: whatever happens, every request is completed.
func (m *Model) ends() check.Property[*State] {
	var parts []check.Property[*State]
	for slot := range m.cfg.Requests {
		parts = append(parts, check.LeadsTo("",
			func(s *State) bool { return s.requests[slot].outstanding() },
			func(s *State) bool { return !s.requests[slot].outstanding() }))
	}
	return check.All("requests-end", parts...)
}
