// Steps as arrows of a sequence diagram. Messages take no time here, so an arrow goes from
// one end to the other.

package timeouts

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Lanes of the sequence diagram.
const (
	laneClient = "client"
	laneServer = "server"
)

// Lanes returns who takes part.
func (m *Model) Lanes() []string { return []string{laneClient, laneServer} }

// Signals returns what a step sends. A tick sends nothing.
func (m *Model) Signals(from State, action int, to State) []check.Signal {
	switch what := m.meaning[action]; what {
	case send:
		return m.querySignals(&from, &to)
	case establish:
		return m.establishSignals(&from, &to)
	case answer:
		return m.answerSignals(&from)
	case queryTimeout:
		list := []check.Signal{at(laneClient, "query times out")}
		if from.Link == Connected && to.Link != Connected {
			list = append(list, toServer("close"))
		}
		return list
	case negotiationTimeout:
		return []check.Signal{at(laneClient, "negotiation times out"), toServer("close")}
	case giveUp:
		if to.Server == m.dead() {
			return []check.Signal{at(laneServer, "gives up, says nothing")}
		}
		return []check.Signal{at(laneServer, "gives up"), toClient("close")}
	}
	return nil
}

// querySignals are those of a try, by what became of it.
func (m *Model) querySignals(from, to *State) []check.Signal {
	switch {
	case to.Query == Queued:
		return []check.Signal{at(laneClient, "query queued")}
	case to.Query == Parked:
		return []check.Signal{at(laneClient, "query parked")}
	case to.Query == Done:
		return []check.Signal{toServer("query"), toClient("answer")}
	case to.Query == Failed && to.Link == Connected:
		return []check.Signal{toServer("query"), toClient("refused")}
	case to.Query == Failed:
		return []check.Signal{toServer("query"), toClient("close")}
	case from.Server != m.dead():
		return []check.Signal{toServer("query"), at(laneServer, "never answers again")}
	}
	return []check.Signal{toServer("query")}
}

// establishSignals: what was queued goes first where the flag lets it pass.
func (m *Model) establishSignals(from, to *State) []check.Signal {
	var list []check.Signal
	if from.Query == Queued && to.Query != Parked {
		list = m.querySignals(from, to)
	}
	if to.Link == Connected {
		list = append(list, toServer("negotiation 1"))
	}
	return list
}

// answerSignals: the answer, and what the client writes next.
func (m *Model) answerSignals(from *State) []check.Signal {
	list := []check.Signal{toClient(fmt.Sprintf("answer %d", from.Negotiation))}
	switch {
	case int(from.Negotiation) < m.R:
		list = append(list, toServer(fmt.Sprintf("negotiation %d", from.Negotiation+1)))
	case from.Query == Parked:
		list = append(list, toServer("query"), toClient("answer"))
	}
	return list
}

func toServer(text string) check.Signal {
	return check.Signal{From: laneClient, To: laneServer, Text: text}
}
func toClient(text string) check.Signal {
	return check.Signal{From: laneServer, To: laneClient, Text: text}
}
func at(lane, text string) check.Signal { return check.Signal{From: lane, To: lane, Text: text} }
