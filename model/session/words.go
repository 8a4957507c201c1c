// Steps in words, for traces that a person reads.

package session

import (
	"fmt"
	"strings"
)

// Tell says in one sentence what the step from one state to another was. Connections
// are named by their slots, which are used again.
func (m *Model) Tell(from State, action int, to State) string {
	what := m.meaning[action]
	switch what.rule {
	case submit:
		return fmt.Sprintf("the user submits request %d: %s", what.of, m.tellAttempt(&from, &to, what.of))
	case retry:
		return fmt.Sprintf("the client tries request %d again: %s", what.of, m.tellAttempt(&from, &to, what.of))
	case requestTimeout, requestTimeoutEarly:
		return m.tellRequestTimeout(&from, &to, what)
	case negotiationTimeout, negotiationTimeoutEarly:
		if to.Current == from.Current {
			return fmt.Sprintf("the negotiation timer fires%s: the connection is to be closed", early(what.rule))
		}
		return fmt.Sprintf("the negotiation timer fires%s: %s", early(what.rule), tellClose(&from, &to))
	case receive:
		return m.tellReceive(&from, &to, what.of)
	case serve:
		return m.tellServe(&from, &to, what.of)
	case dial, accept, glue, challenge, refused:
		return m.tellConnecting(&from, &to, what)
	case answerOddly, answerDisabled, closeEvent, orphan, late, giveUpDial, closeCurrent:
		return m.tellDefect(&from, &to, what)
	case notify, drop, resetFlag, rebuildNow:
		return tellAftermath(what.rule, &from, &to)
	}
	return m.tellServerItself(&to, what)
}

func (m *Model) tellAttempt(from, to *State, r byte) string {
	switch *to.request(r) {
	case Queued:
		if from.Link == Connecting {
			return "it waits for the connection"
		}
		return "it waits for a connection, the session connects"
	case Parked:
		return "it waits for the negotiation"
	case Written:
		return fmt.Sprintf("the client writes it on connection %d%s", from.Current, m.ahead(from))
	}
	return "the connection is dead, the attempt fails"
}

// ahead remarks that a request is written before the negotiation has succeeded.
func (m *Model) ahead(s *State) string {
	if s.Negotiation == m.authenticated() {
		return ""
	}
	return " before its negotiation (the flag is stale)"
}

func (m *Model) tellConnecting(from, to *State, what meaning) string {
	switch what.rule {
	case dial:
		return fmt.Sprintf("the client dials a new connection %d, from port %d", to.Current, to.connection(to.Current).Port)
	case refused:
		if m.Client == ClientConn {
			return fmt.Sprintf("connection %d is refused, requests go on waiting", what.of)
		}
		return fmt.Sprintf("connection %d is refused, every attempt fails", what.of)
	case challenge:
		return fmt.Sprintf("the server still held a connection on that port: challenge ACK, RST, it is gone; connection %d tries again", what.of)
	}
	text := fmt.Sprintf("connection %d is up", what.of)
	if what.rule == glue {
		text = fmt.Sprintf("connection %d is up, and the server takes it for an earlier one on the same port", what.of)
	}
	if from.Queue != "" && from.Flag {
		return fmt.Sprintf("%s: the client writes %s before negotiation on it (the flag is stale), then negotiation message 1", text, requestList(from.Queue))
	}
	return text + ": the client writes negotiation message 1"
}

func requestList(queue string) string {
	list := make([]string, 0, len(queue))
	for _, r := range []byte(queue) {
		list = append(list, fmt.Sprint(r))
	}
	if len(list) == 1 {
		return "request " + list[0]
	}
	return "requests " + strings.Join(list, ", ")
}

func (m *Model) tellRequestTimeout(from, to *State, what meaning) string {
	text := fmt.Sprintf("the timer of request %d fires%s: ", what.of, early(what.rule))
	switch *to.request(what.of) {
	case Unknown:
		text += "it completes as unknown"
	case Expired:
		text += "it completes as failed, it was never written"
	default:
		text += "the attempt fails"
	}
	if from.Current != 0 && to.Current == 0 {
		text += fmt.Sprintf("; so many without an answer that %s", tellClose(from, to))
	}
	return text
}

func early(by rule) string {
	if by == requestTimeoutEarly || by == negotiationTimeoutEarly {
		return " although an answer was on its way"
	}
	return ""
}

func tellClose(from, to *State) string {
	text := fmt.Sprintf("the client closes connection %d", from.Current)
	if to.Losses < from.Losses {
		text += ", its FIN is lost"
	}
	return text
}

func tellAftermath(by rule, from, to *State) string {
	switch by {
	case notify:
		return "the client's close handler fails every attempt and the negotiation"
	case drop:
		if to.Flag {
			return "the session knows that it has no connection; its flag stays set"
		}
		return "the session knows that it has no connection"
	case resetFlag:
		return "the client resets the flag, late"
	}
	if from.Current != 0 {
		return "the client drops its session and starts a new one: " + tellClose(from, to)
	}
	return "the client drops its session and starts a new one"
}

func (m *Model) tellReceive(from, to *State, c byte) string {
	message := from.connection(c).ToClient[0]
	switch {
	case from.Zombie:
		return fmt.Sprintf("what came on connection %d is thrown away, nobody reads it", c)
	case isOdd(message):
		return m.tellOdd(from, to, message-msgOdd)
	case message == msgDisabled:
		return m.tellDisabled(from, to, c)
	case message == msgFIN && m.Client == ClientConn:
		return fmt.Sprintf("the client sees that connection %d was closed%s", c, tellUnknown(from, to))
	case message == msgFIN:
		return fmt.Sprintf("the client sees that connection %d was closed, nothing else knows it yet", c)
	case isRequest(message) && *from.request(message) == Written:
		return fmt.Sprintf("the client reads the answer to request %d", message)
	case isRequest(message):
		return fmt.Sprintf("the client reads an answer to request %d, which does not wait for one", message)
	case isRefusal(message):
		return fmt.Sprintf("the client reads that request %d was refused", message-msgRefusal)
	case from.Negotiation != message-msgNeg:
		return fmt.Sprintf("the client reads negotiation answer %d, which it does not wait for", message-msgNeg)
	case to.Negotiation == m.authenticated():
		return fmt.Sprintf("the client reads negotiation answer %d: connection %d is authenticated", message-msgNeg, c)
	}
	return fmt.Sprintf("the client reads negotiation answer %d and writes message %d", message-msgNeg, to.Negotiation)
}

// tellUnknown lists the requests that a lost connection completed as unknown.
func tellUnknown(from, to *State) string {
	var list []byte
	for i := range from.Requests {
		if from.Requests[i] == Written && to.Requests[i] == Unknown {
			list = append(list, byte(i+1))
		}
	}
	switch len(list) {
	case 0:
		return ""
	case 1:
		return ": " + requestList(string(list)) + " completes as unknown"
	}
	return ": " + requestList(string(list)) + " complete as unknown"
}

func (m *Model) tellServe(from, to *State, c byte) string {
	before, after := from.connection(c), to.connection(c)
	message := before.ToServer[0]
	text := fmt.Sprintf("the server reads negotiation message %d", message-msgNeg)
	wrong := ", out of order: "
	switch {
	case message == msgFIN:
		return fmt.Sprintf("the server reads that connection %d was closed", c)
	case isRequest(message):
		text = fmt.Sprintf("the server reads request %d on connection %d", message, c)
		wrong = ", before negotiation: "
	}
	switch {
	case before.Server == m.dead():
		return text + " and throws it away"
	case after.Server == m.dead():
		return text + wrong + "it will never answer on this connection again, and leaves it open"
	case after.Server == 0:
		return text + wrong + "it closes the connection"
	case isRequest(message) && strings.HasSuffix(after.ToClient, string([]byte{msgRefusal + message})):
		return text + wrong + "it refuses it"
	case isRequest(message):
		return text + " and answers"
	case after.Server == m.authenticated():
		return text + " and answers: authenticated"
	}
	return text + " and answers"
}

func (m *Model) tellServerItself(to *State, what meaning) string {
	switch what.rule {
	case giveUp:
		if to.connection(what.of).Server == m.dead() {
			return fmt.Sprintf("the server gives up the negotiation on connection %d and leaves it open", what.of)
		}
		return fmt.Sprintf("the server gives up the negotiation on connection %d and closes it", what.of)
	case crashUnnoticed:
		return "the server crashes, and the client is not told"
	case crash:
		return "the server crashes"
	}
	return "the server starts"
}
