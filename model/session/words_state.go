// A state field by field, so that traces can show what a step changed.

package session

import (
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
)

var (
	linkWords    = [...]string{Disconnected: "none", Connecting: "connecting", Connected: "connected"}
	requestWords = [...]string{
		Idle: "not submitted", Queued: "queued", Parked: "parked", Written: "written",
		Failed: "failed, to be tried again", Done: "answered", Unknown: "unknown", Expired: "failed, deadline passed", Forgotten: "forgotten",
	}
	closingWords = [...]string{NotClosing: "no", Shut: "channel dead", Notified: "requests told"}
	errandWords  = [...]string{NothingToDo: "nothing", ResetFlag: "reset the flag", RebuildSession: "rebuild the session", CloseCurrent: "close the connection"}
	endWords     = [...]string{NoEnd: "none", Dialing: "dialing", Open: "open", Late: "given up, not cancelled", Orphan: "open, nobody's", Closed: "closed, not yet told"}
)

// Describe shows a state to people.
func (m *Model) Describe(s State) []check.Field {
	server := "down"
	if s.Up {
		server = "up"
	}
	fields := []check.Field{
		{Name: "server", Value: server},
		{Name: "faults left", Value: fmt.Sprintf("%d crashes, %d lost FINs, %d early timers", s.Crashes, s.Losses, s.Earlies)},
		{Name: "session", Value: linkWords[s.Link]},
		{Name: "connection", Value: orNone(int(s.Current))},
		{Name: "flag", Value: fmt.Sprint(s.Flag)},
		{Name: "negotiation", Value: m.describeNegotiation(&s)},
		{Name: "queue", Value: describeMessages(s.Queue)},
		{Name: "unanswered timeouts", Value: fmt.Sprint(s.Window)},
	}
	if m.Client != ClientConn {
		fields = append(fields,
			check.Field{Name: "close handler", Value: closingWords[s.Closing]},
			check.Field{Name: "still to do", Value: errandWords[s.Errand]})
	}
	if m.Defects != 0 {
		fields = append(fields,
			check.Field{Name: "changed by another connection", Value: fmt.Sprint(s.Foreign)},
			check.Field{Name: "entries kept of requests no longer parked", Value: fmt.Sprint(s.Kept)},
			check.Field{Name: "reads nothing any more", Value: fmt.Sprint(s.Zombie)},
			check.Field{Name: "close handler", Value: closingWords[s.Closing]},
			check.Field{Name: "still to do", Value: errandWords[s.Errand]})
	}
	for r := range m.NReq {
		fields = append(fields, check.Field{Name: fmt.Sprintf("request %d", r+1), Value: requestWords[s.Requests[r]]})
	}
	for c := range m.K {
		fields = append(fields, m.describeConnection(c+1, &s.Connections[c])...)
	}
	return fields
}

func (m *Model) describeNegotiation(s *State) string {
	switch {
	case s.Negotiation == 0:
		return "none"
	case s.Negotiation == m.authenticated():
		return "succeeded"
	}
	return fmt.Sprintf("waits for answer %d of %d", s.Negotiation, m.R)
}

func (m *Model) describeConnection(c int, end *Connection) []check.Field {
	server := fmt.Sprintf("waits for negotiation message %d", end.Server)
	switch end.Server {
	case 0:
		server = "none"
	case m.authenticated():
		server = "authenticated"
	case m.dead():
		server = "never answers again"
	}
	name := fmt.Sprintf("connection %d ", c)
	return []check.Field{
		{Name: name + "port", Value: orNone(int(end.Port))},
		{Name: name + "client end", Value: endWords[end.Client]},
		{Name: name + "server end", Value: server},
		{Name: name + "to server", Value: describeMessages(end.ToServer)},
		{Name: name + "to client", Value: describeMessages(end.ToClient)},
	}
}

func describeMessages(messages string) string {
	if messages == "" {
		return "empty"
	}
	list := make([]string, 0, len(messages))
	for _, m := range []byte(messages) {
		switch {
		case m == msgFIN:
			list = append(list, "FIN")
		case isRequest(m):
			list = append(list, fmt.Sprintf("request %d", m))
		case m == msgDisabled:
			list = append(list, "no authentication here")
		case isOdd(m):
			list = append(list, fmt.Sprintf("odd answer %d", m-msgOdd))
		case isRefusal(m):
			list = append(list, fmt.Sprintf("refusal %d", m-msgRefusal))
		default:
			list = append(list, fmt.Sprintf("negotiation %d", m-msgNeg))
		}
	}
	return strings.Join(list, ", ")
}

func orNone(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprint(n)
}
