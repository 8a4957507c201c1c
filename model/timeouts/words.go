// States and steps in words, for traces that a person reads.

package timeouts

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Describe shows a state to people.
func (m *Model) Describe(s State) []check.Field {
	fields := []check.Field{
		{Name: "session", Value: describeLink(&s)},
		{Name: "flag", Value: fmt.Sprint(s.Flag)},
		{Name: "query", Value: describeQuery(&s)},
		{Name: "negotiation", Value: m.describeNegotiation(&s)},
		{Name: "server end", Value: m.describeServer(&s)},
		{Name: "reset window", Value: describeWindow(s.Window, m.Win)},
		{Name: "latest failure", Value: describeFailure(&s)},
	}
	if m.Cap > 0 {
		fields = append(fields, check.Field{Name: "time", Value: fmt.Sprintf("%d s", s.Now)})
	}
	return fields
}

func describeLink(s *State) string {
	switch s.Link {
	case Connecting:
		return fmt.Sprintf("connecting, up in %d s", s.ConnectIn)
	case Connected:
		return fmt.Sprintf("connected for %d s", s.Age)
	}
	return "none"
}

func describeQuery(s *State) string {
	if s.Query == Failed {
		return fmt.Sprintf("failed, tried again in %d s", s.QueryIn)
	}
	if s.Query == Done {
		return "answered"
	}
	return fmt.Sprintf("%s, its timer fires in %d s", waiting(s.Query), s.QueryIn)
}

func waiting(q Query) string {
	switch q {
	case Queued:
		return "queued"
	case Parked:
		return "parked"
	}
	return "written"
}

func (m *Model) describeNegotiation(s *State) string {
	switch s.Negotiation {
	case 0:
		return "none"
	case m.authenticated():
		return "succeeded"
	}
	return fmt.Sprintf("waits for answer %d of %d, its timer fires in %d s", s.Negotiation, m.R, s.NegotiationIn)
}

func (m *Model) describeServer(s *State) string {
	switch s.Server {
	case 0:
		return "none"
	case m.authenticated():
		return "authenticated"
	case m.dead():
		return "never answers again"
	}
	text := fmt.Sprintf("answers negotiation message %d in %d s", s.Server, s.AnswerIn)
	if s.GiveUpIn != Off {
		text += fmt.Sprintf(", gives up in %d s", s.GiveUpIn)
	}
	return text
}

func describeWindow(window int32, full int) string {
	switch {
	case window == Off:
		return "not begun"
	case int(window) == full:
		return fmt.Sprintf("%d s or more since the first unanswered timeout", full)
	}
	return fmt.Sprintf("%d s since the first unanswered timeout", window)
}

func describeFailure(s *State) string {
	if s.Last == NoFailure {
		return "none"
	}
	return fmt.Sprintf("%s at %d s", errorName(s.Last), s.LastAge)
}

func errorName(f Failure) string {
	if f == Timeout {
		return "ERR_TIMEOUT"
	}
	return "ERR_SESSION_RESET"
}

// Tell says in one sentence what the step from one state to another was.
func (m *Model) Tell(from State, action int, to State) string {
	switch m.meaning[action] {
	case send:
		return "the client tries the query: " + m.tellSend(&from, &to)
	case establish:
		return m.tellEstablish(&from, &to)
	case answer:
		if to.Negotiation == m.authenticated() {
			return fmt.Sprintf("the server answers negotiation message %d: authenticated%s", from.Negotiation, tellParked(&from))
		}
		return fmt.Sprintf("the server answers negotiation message %d, the client writes message %d", from.Negotiation, to.Negotiation)
	case queryTimeout:
		return "the query's timer fires" + m.tellQueryTimeout(&from, &to)
	case negotiationTimeout:
		return "the negotiation's timer fires: the client closes the connection, negotiation failed: " + describeFailure(&to)
	case giveUp:
		if to.Server == m.dead() {
			return "the server gives up the negotiation and leaves the connection open"
		}
		return "the server gives up the negotiation and closes the connection, negotiation failed: " + describeFailure(&to)
	}
	return tellTick(&to)
}

func tellTick(to *State) string {
	if to.Link == Connected {
		return fmt.Sprintf("a second passes: the connection is %d s old", to.Age)
	}
	return "a second passes"
}

func tellParked(from *State) string {
	if from.Query == Parked {
		return ", the query is written and answered"
	}
	return ""
}

func (m *Model) tellSend(from, to *State) string {
	switch to.Query {
	case Queued:
		if from.Link == Connecting {
			return "it waits for the connection"
		}
		return "it waits for a connection, the session connects"
	case Parked:
		return "it waits for the negotiation"
	case Done:
		return "it is written and answered"
	case Written:
		if from.Server == to.Server {
			return "it is written, and the server never answers on this connection again"
		}
		return "it is written before the negotiation has succeeded (the flag is stale): the server will never answer on this connection again"
	}
	if from.Link != to.Link {
		return "it is written before the negotiation has succeeded (the flag is stale): the server closes the connection, negotiation failed: " + describeFailure(to)
	}
	return "it is written before the negotiation has succeeded (the flag is stale): the server refuses it"
}

func (m *Model) tellEstablish(from, to *State) string {
	const up, early = "the connection is up: ", "the client writes the query before negotiation on it (the flag is stale), then negotiation message 1"
	switch {
	case from.Query != Queued || to.Query == Parked:
		return up + "the client writes negotiation message 1"
	case to.Query == Done:
		return up + early + "; the server answers the query"
	case to.Query == Written:
		return up + early + "; the server will never answer on it again, and leaves it open"
	case to.Link == Disconnected:
		return up + early + "; the server closes it, negotiation failed: " + describeFailure(to)
	}
	return up + early + "; the server refuses the query"
}

func (m *Model) tellQueryTimeout(from, to *State) string {
	full := from.Window == int32(m.Win)
	switch {
	case full && from.Link == Connected && m.negotiating(from):
		return fmt.Sprintf(", %d s or more after the first unanswered one: the client closes the connection, negotiation failed: %s", m.Win, describeFailure(to))
	case full && from.Link == Connected:
		return fmt.Sprintf(", %d s or more after the first unanswered one: the client closes the connection", m.Win)
	case full:
		return fmt.Sprintf(", %d s or more after the first unanswered one, but there is no connection to close", m.Win)
	case m.Away > 0:
		return fmt.Sprintf(": the client asks another meta, which takes %d s", m.Away)
	}
	return ": the try fails"
}
