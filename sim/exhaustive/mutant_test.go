// Clients that are wrong on purpose: what each of them breaks has to be found.

package exhaustive

import (
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// mutant is the reference's session with its events and effects altered on the way.
type mutant struct {
	client
	event  func(own protocol.ConnID, ev session.Event) session.Event
	effect func(e session.Effect) (session.Effect, bool)
}

func (m mutant) Step(now time.Time, ev session.Event, out []session.Effect) []session.Effect {
	if m.event != nil {
		ev = m.event(m.Conn(), ev)
	}
	out = m.client.Step(now, ev, out)
	if m.effect == nil {
		return out
	}
	kept := out[:0]
	for _, e := range out {
		if e, keep := m.effect(e); keep {
			kept = append(kept, e)
		}
	}
	return kept
}

func (m mutant) Clone() client {
	m.client = m.client.Clone()
	return m
}

// altersEvents makes clients that see events otherwise.
func altersEvents(alter func(own protocol.ConnID, ev session.Event) session.Event) func(session.Config) client {
	return func(cfg session.Config) client { return mutant{client: newReference(cfg), event: alter} }
}

// altersEffects makes clients that do something else than they should.
func altersEffects(alter func(e session.Effect) (session.Effect, bool)) func(session.Config) client {
	return func(cfg session.Config) client { return mutant{client: newReference(cfg), effect: alter} }
}
