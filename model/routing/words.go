// Steps in words, and a state field by field, for traces that a person reads.

package routing

import (
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Tell says in one sentence what the step from one state to another was.
func (m *Model) Tell(from State, action int, to State) string {
	what := m.meaning[action]
	switch what.rule {
	case submit, route, write, nodeDown, serve, take, lose, requestTimeoutEarly:
		return m.tellRequest(&from, &to, what)
	case ask, nextRound, takeAnswer, queryFails, queryTimeoutEarly, answer, answerOddly:
		return m.tellQuery(&from, &to, what)
	}
	return m.tellServers(&from, &to, what)
}

func (m *Model) tellRequest(from, to *State, what meaning) string {
	r, node := what.of, from.request(what.of).Node
	switch what.rule {
	case submit:
		return fmt.Sprintf("the user submits request %d", r)
	case route:
		node = to.request(r).Node
		if p := m.partition(r); node != to.primary(p) {
			return fmt.Sprintf("the client gives request %d to node %d, where it went before, although its table says node %d", r, node, to.primary(p))
		}
		return fmt.Sprintf("the client gives request %d to the session of node %d, the primary with ballot %d", r, node, to.Ballots[m.partition(r)])
	case write:
		return fmt.Sprintf("the client writes request %d to node %d", r, node)
	case nodeDown:
		return fmt.Sprintf("node %d cannot be reached, request %d waits: the table is to be looked up again", node, r)
	case serve:
		if to.request(r).Step == Served {
			return fmt.Sprintf("node %d executes request %d and answers", node, r)
		}
		return fmt.Sprintf("node %d is not the primary and refuses request %d", node, r)
	case take:
		if to.request(r).Step == Done {
			return fmt.Sprintf("the client reads the answer to request %d", r)
		}
		return fmt.Sprintf("the client reads that request %d was refused: the table is to be looked up again", r)
	case lose:
		return fmt.Sprintf("the client sees that node %d is gone: request %d completes as unknown, the table is to be looked up again", node, r)
	}
	if to.request(r).Step == Expired {
		return fmt.Sprintf("the timer of request %d fires: it completes as failed, it was never written", r)
	}
	return fmt.Sprintf("the timer of request %d fires although an answer was on its way: it completes as unknown", r)
}

func (m *Model) tellQuery(from, to *State, what meaning) string {
	n := from.Query.Meta
	switch what.rule {
	case ask:
		if in(from.Tried, what.of) {
			return fmt.Sprintf("the client asks meta %d for the table again, on a connection that is new", what.of)
		}
		return fmt.Sprintf("the client asks meta %d for the table", what.of)
	case nextRound:
		return "every meta has been asked in vain: the client pauses and begins a new round"
	case answer, answerOddly:
		return m.tellAnswer(to)
	case queryFails:
		return fmt.Sprintf("meta %d does not answer: it is down, or was", n)
	case queryTimeoutEarly:
		return fmt.Sprintf("the query's timer fires although meta %d was about to answer", n)
	}
	switch from.Query.Answer {
	case Table:
		return "the client reads the table: " + m.tellLearned(from, to)
	case Redirect:
		if to.Query.Stage == NoQuery {
			return fmt.Sprintf("the client reads the redirect to meta %d, which it has asked in this round", from.Query.To)
		}
		if in(from.Tried, from.Query.To) {
			return fmt.Sprintf("the client follows the redirect to meta %d, which it has asked in this round already", from.Query.To)
		}
		return fmt.Sprintf("the client follows the redirect to meta %d", from.Query.To)
	case OddAnswer:
		if to.Query.Stage == Open {
			return "the client throws an answer away whose error it does not know, and the query stays open for ever"
		}
		return "the client reads an error that it does not know"
	}
	return fmt.Sprintf("the client reads that meta %d knows no leader", n)
}

func (m *Model) tellAnswer(to *State) string {
	n := to.Query.Meta
	switch to.Query.Answer {
	case Table:
		if n != to.Leader {
			return fmt.Sprintf("meta %d, which leads no longer and does not know it, answers with an old table: %s", n, m.describeBallots(to.Query.Ballots))
		}
		return fmt.Sprintf("meta %d leads and answers with the table: %s", n, m.describeBallots(to.Query.Ballots))
	case Redirect:
		return fmt.Sprintf("meta %d answers that meta %d leads", n, to.Query.To)
	case OddAnswer:
		return fmt.Sprintf("meta %d answers with an error that the client does not know", n)
	}
	return fmt.Sprintf("meta %d answers that it does not lead and knows no leader", n)
}

func (m *Model) tellLearned(from, to *State) string {
	list := make([]string, 0, m.Parts)
	for p := range m.Parts {
		switch said := from.Query.Ballots[p]; {
		case said < from.Ballots[p] && to.Ballots[p] == said:
			list = append(list, fmt.Sprintf("partition %d goes back from ballot %d to ballot %d, node %d", p+1, from.Ballots[p], said, to.primary(p)))
		case said < from.Ballots[p]:
			list = append(list, fmt.Sprintf("partition %d stays at ballot %d, what the answer says is older", p+1, to.Ballots[p]))
		default:
			list = append(list, fmt.Sprintf("partition %d has ballot %d and primary node %d", p+1, said, to.primary(p)))
		}
	}
	return strings.Join(list, "; ")
}

func (m *Model) tellServers(from, to *State, what meaning) string {
	n := what.of
	switch what.rule {
	case move:
		p := int(n) - 1
		return fmt.Sprintf("the primary of partition %d moves from node %d to node %d, ballot %d", n, from.truePrimary(p), to.truePrimary(p), len(to.History[p]))
	case elect:
		return fmt.Sprintf("meta %d becomes the leader", n)
	case stepDown:
		return fmt.Sprintf("meta %d hears that it leads no longer: meta %d does", n, to.Hint[n-1])
	case learn:
		return fmt.Sprintf("meta %d hears that meta %d leads", n, to.Hint[n-1])
	case rumour:
		return fmt.Sprintf("meta %d comes to believe that meta %d leads, which does not", n, to.Hint[n-1])
	case crashMeta:
		return fmt.Sprintf("meta %d crashes", n)
	case startMeta:
		return fmt.Sprintf("meta %d starts", n)
	case crashNode:
		return fmt.Sprintf("node %d crashes", n)
	}
	return fmt.Sprintf("node %d starts", n)
}

var (
	stageWords = [...]string{NoQuery: "none", Asked: "asked", Answered: "answered", Cut: "meta down", Open: "open for ever"}
	stepWords  = [...]string{
		Idle: "not submitted", Unrouted: "to be routed", Waiting: "waits for node", Written: "written to node", Served: "executed by node",
		Refused: "refused by node", Lost: "lost with node", Done: "answered", Unknown: "unknown", Expired: "failed, deadline passed",
	}
)

// Describe shows a state to people.
func (m *Model) Describe(s State) []check.Field {
	fields := []check.Field{
		{Name: "faults left", Value: fmt.Sprintf("%d moves, %d elections, %d splits, %d crashes, %d early timers", s.Moves, s.Elections, s.Splits, s.Crashes, s.Earlies)},
		{Name: "leader", Value: fmt.Sprintf("meta %d", s.Leader)},
		{Name: "client's table", Value: m.describeBallots(s.Ballots)},
		{Name: "table is stale", Value: fmt.Sprint(s.Stale)},
		{Name: "metas known", Value: describeSet(s.Known)},
		{Name: "asked in this round", Value: describeSet(s.Tried)},
		{Name: "of those, on a new connection since", Value: describeSet(s.Again)},
		{Name: "redirects followed", Value: fmt.Sprint(s.Hops)},
		{Name: "query", Value: m.describeQuery(&s)},
	}
	for p := range m.Parts {
		list := make([]string, 0, len(s.History[p]))
		for _, n := range []byte(s.History[p]) {
			list = append(list, fmt.Sprintf("node %d", n))
		}
		fields = append(fields, check.Field{Name: fmt.Sprintf("primaries of partition %d", p+1), Value: strings.Join(list, ", ")})
	}
	for n := uint8(1); n <= uint8(m.Metas); n++ {
		fields = append(fields, check.Field{Name: fmt.Sprintf("meta %d", n), Value: m.describeMeta(&s, n)})
	}
	for n := uint8(1); n <= uint8(m.Nodes); n++ {
		fields = append(fields, check.Field{Name: fmt.Sprintf("node %d", n), Value: upOrDown(in(s.NodeUp, n))})
	}
	for r := range m.NReq {
		text := stepWords[s.Requests[r].Step]
		if s.Requests[r].Node != 0 {
			text += fmt.Sprintf(" %d", s.Requests[r].Node)
		}
		fields = append(fields, check.Field{Name: fmt.Sprintf("request %d", r+1), Value: text})
	}
	return fields
}

func (m *Model) describeBallots(ballots [MaxParts]uint8) string {
	list := make([]string, 0, m.Parts)
	for p := range m.Parts {
		if ballots[p] == 0 {
			list = append(list, "not known")
		} else {
			list = append(list, fmt.Sprintf("ballot %d", ballots[p]))
		}
	}
	return strings.Join(list, ", ")
}

func (m *Model) describeQuery(s *State) string {
	q := &s.Query
	text := stageWords[q.Stage]
	if q.Stage != NoQuery {
		text = fmt.Sprintf("meta %d: %s", q.Meta, text)
	}
	switch q.Answer {
	case Table:
		text += ", " + m.describeBallots(q.Ballots)
	case Redirect:
		text += fmt.Sprintf(", redirect to meta %d", q.To)
	case NoLeader:
		text += ", knows no leader"
	case OddAnswer:
		text += ", an error that the client does not know"
	}
	return text
}

func (m *Model) describeMeta(s *State, n uint8) string {
	text := upOrDown(in(s.MetaUp, n))
	switch {
	case n == s.Leader:
		return text + ", leads"
	case s.leads(n):
		return text + ", believes that it leads, with " + m.describeBallots(s.Frozen[n-1])
	case s.Hint[n-1] == 0:
		return text + ", knows no leader"
	}
	return text + fmt.Sprintf(", follows meta %d", s.Hint[n-1])
}

func upOrDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func describeSet(set uint8) string {
	var list []string
	for n := uint8(1); n <= MaxMetas; n++ {
		if in(set, n) {
			list = append(list, fmt.Sprint(n))
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
