// What the exploration must have come across: without it the properties would hold
// because nothing ever happens.

package exhaustive

import (
	"slices"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/model/check"
)

// Reached begins the names of the properties that say so.
const Reached = "reached: "

// reached returns what the bounds let happen.
func (m *Model) reached() []check.Property[*State] {
	var list []check.Property[*State]
	sometimes := func(possible bool, name string, wanted func(*State) bool) {
		if possible {
			list = append(list, check.Sometimes(Reached+name, wanted))
		}
	}
	c := &m.cfg
	crashes, asks := c.Crashes > 0, c.Requests > 0
	sometimes(c.KeepReady || asks, "ready", ready)
	sometimes(asks, "every request answered", allAnswered)
	for _, at := range [...]session.Step{session.StepList, session.StepSelect, session.StepToken, session.StepInitiate, session.StepChallenge} {
		sometimes(crashes && (c.KeepReady || asks), "crash while the client negotiates: "+at.String(), func(s *State) bool {
			return s.power == crashed && s.client.NegotiationStep() == at
		})
	}
	sometimes(crashes && asks, "backoff", func(s *State) bool { return s.client.State() == session.StateBackoff })
	sometimes(crashes && asks, "dialing a crashed node", func(s *State) bool { return s.power == crashed && s.client.State() == session.StateDialing })
	sometimes(crashes && asks, "unknown, though executed", func(s *State) bool { return s.has(unknown, true) })
	sometimes(crashes && asks, "unknown, and not executed", func(s *State) bool { return s.has(unknown, false) })
	sometimes(crashes && asks && c.Deadline == 0, "ready after a crash, everything answered", func(s *State) bool {
		return int(s.left.crashes) < c.Crashes && ready(s) && allAnswered(s)
	})
	sometimes(c.Losses > 0 && c.KeepReady, "ready on a connection that is lost", func(s *State) bool { return ready(s) && s.conn(s.client.Conn()).lost })
	sometimes(c.Losses > 0 && c.KeepReady, "dialing a node without power", func(s *State) bool { return s.power == dark && s.client.State() == session.StateDialing })
	sometimes(c.Earlies > 0 && c.Connections > 1 && c.KeepReady, "two connections at once", func(s *State) bool { return s.connected() > 1 })
	sometimes(c.Deadline > 0 && asks && c.Crashes+c.Losses > 0, "failed without having been written", func(s *State) bool { return s.has(failed, false) })
	sometimes(c.Deadline > 0 && asks && c.Earlies > 0, "an answer that comes too late", tooLate)
	sometimes(c.Cancels > 0, "closed", func(s *State) bool { return s.client.State() == session.StateClosed })
	sometimes(c.Drain && asks, "drained, everything answered", func(s *State) bool { return s.client.State() == session.StateClosed && allAnswered(s) })
	return list
}

func ready(s *State) bool { return s.client.State() == session.StateReady }

func allAnswered(s *State) bool {
	return !slices.ContainsFunc(s.requests, func(r request) bool { return r.progress != okay })
}

// has says whether some request got there.
func (s *State) has(p progress, executed bool) bool {
	return slices.ContainsFunc(s.requests, func(r request) bool { return r.progress == p && r.executed == executed })
}

// tooLate: an answer is about to be read that the session no longer waits for.
func tooLate(s *State) bool {
	c := s.conn(s.client.Conn())
	if c == nil || len(c.toClient) == 0 {
		return false
	}
	return slices.ContainsFunc(c.toClient[0].frames, func(f frame) bool {
		_, awaited := s.client.Awaits(f.seq)
		return f.slot >= 0 && !awaited
	})
}
