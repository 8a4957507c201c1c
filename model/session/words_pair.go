// Two sessions for people: states, steps in words, and arrows of a sequence diagram.

package session

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Describe shows a state to people.
func (p *Pair) Describe(s PairState) []check.Field {
	var fields []check.Field
	for meta := range metas {
		for _, f := range p.session.Describe(s.Metas[meta]) {
			fields = append(fields, check.Field{Name: fmt.Sprintf("meta %d: %s", meta+1, f.Name), Value: f.Value})
		}
	}
	return fields
}

// Tell says in one sentence what the step from one state to another was.
func (p *Pair) Tell(from PairState, action int, to PairState) string {
	what := p.meaning[action]
	if what.moved == 0 {
		return fmt.Sprintf("meta %d: %s", what.meta+1, p.session.Tell(from.Metas[what.meta], what.action, to.Metas[what.meta]))
	}
	meta := to.askedNow(what.moved)
	return fmt.Sprintf("the client asks meta %d instead, with request %d: %s", meta+1, what.moved,
		p.session.tellAttempt(&from.Metas[meta], &to.Metas[meta], what.moved))
}

// askedNow returns the meta at which a query is.
func (s *PairState) askedNow(r byte) int {
	if *s.Metas[0].request(r) != Idle {
		return 0
	}
	return 1
}

func lanePair(meta int) string { return fmt.Sprintf("meta %d", meta+1) }

// Lanes returns who takes part.
func (p *Pair) Lanes() []string {
	return []string{laneClient, laneNetwork, lanePair(0), lanePair(1)}
}

// Signals returns those of the session that takes the step. Slots are counted at each meta,
// so that a text begins with the number of its meta.
func (p *Pair) Signals(from PairState, action int, to PairState) []check.Signal {
	what := p.meaning[action]
	if what.moved == 0 {
		return pairSignals(what.meta, p.session.Signals(from.Metas[what.meta], what.action, to.Metas[what.meta]))
	}
	meta := to.askedNow(what.moved)
	list := []check.Signal{{From: laneClient, To: laneClient, Text: p.actions[action].Name}}
	for c := uint8(1); c <= uint8(p.session.K); c++ {
		sent := connectionSignals(c, from.Metas[meta].connection(c), to.Metas[meta].connection(c), meaning{})
		list = append(list, pairSignals(meta, sent)...)
	}
	return list
}

func pairSignals(meta int, list []check.Signal) []check.Signal {
	lane := func(name string) string {
		if name == laneServer {
			return lanePair(meta)
		}
		return name
	}
	for i, s := range list {
		list[i] = check.Signal{From: lane(s.From), To: lane(s.To), Text: fmt.Sprintf("m%d %s", meta+1, s.Text), Lost: s.Lost}
	}
	return list
}
