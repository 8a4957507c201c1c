// Steps as arrows of a sequence diagram: the client, each meta, each node. An arrow stands
// where a message is sent; that it is read is told at who reads it.

package routing

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

const laneClient = "client"

func laneMeta(n uint8) string { return fmt.Sprintf("meta %d", n) }
func laneNode(n uint8) string { return fmt.Sprintf("node %d", n) }

// Lanes returns who takes part.
func (m *Model) Lanes() []string {
	lanes := []string{laneClient}
	for n := range m.Metas {
		lanes = append(lanes, laneMeta(uint8(n+1)))
	}
	for n := range m.Nodes {
		lanes = append(lanes, laneNode(uint8(n+1)))
	}
	return lanes
}

// Signals returns what a step sends, or where it happens.
func (m *Model) Signals(from State, action int, to State) []check.Signal {
	what := m.meaning[action]
	one := func(source, target, text string) []check.Signal {
		return []check.Signal{{From: source, To: target, Text: text}}
	}
	switch what.rule {
	case write:
		return one(laneClient, laneNode(from.request(what.of).Node), fmt.Sprintf("request %d", what.of))
	case serve:
		return one(laneNode(from.request(what.of).Node), laneClient, m.served(&to, what.of))
	case ask:
		return one(laneClient, laneMeta(what.of), "query")
	case answer, answerOddly:
		return one(laneMeta(to.Query.Meta), laneClient, answered(&to.Query))
	case takeAnswer:
		if to.Query.Stage == Asked {
			return one(laneClient, laneMeta(to.Query.Meta), "query, redirected")
		}
	case move:
		p := int(what.of) - 1
		return one(laneNode(from.truePrimary(p)), laneNode(to.truePrimary(p)), fmt.Sprintf("partition %d", what.of))
	case stepDown, learn:
		if leader := to.Hint[what.of-1]; leader != 0 && leader != what.of {
			return one(laneMeta(leader), laneMeta(what.of), "leads")
		}
	}
	at := place(what)
	return one(at, at, m.actions[action].Name)
}

func (m *Model) served(to *State, r uint8) string {
	if to.request(r).Step == Served {
		return fmt.Sprintf("answer %d", r)
	}
	return fmt.Sprintf("refusal %d", r)
}

func answered(q *Query) string {
	switch q.Answer {
	case Table:
		return "table"
	case Redirect:
		return fmt.Sprintf("meta %d leads", q.To)
	case OddAnswer:
		return "an unknown error"
	}
	return "no leader"
}

// place is where a step happens that sends nothing.
func place(what meaning) string {
	switch what.rule {
	case elect, stepDown, learn, rumour, crashMeta, startMeta:
		return laneMeta(what.of)
	case crashNode, startNode:
		return laneNode(what.of)
	}
	return laneClient
}
