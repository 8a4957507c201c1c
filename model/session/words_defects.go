// Steps in words that need a defect, or a server that answers as it should not.

package session

import "fmt"

func (m *Model) tellDefect(from, to *State, what meaning) string {
	c := what.of
	switch what.rule {
	case answerOddly:
		return fmt.Sprintf("the server answers request %d with an error that the client does not know", from.connection(c).ToServer[0])
	case answerDisabled:
		return fmt.Sprintf("the server answers a negotiation message on connection %d: no authentication here", c)
	case closeEvent:
		return fmt.Sprintf("the client is told that connection %d is closed%s", c, tellConfused(from, to))
	case orphan:
		if to.connection(c).Client == NoEnd {
			return fmt.Sprintf("connection %d, which is nobody's, is closed by the server%s", c, tellConfused(from, to))
		}
		return fmt.Sprintf("what came on connection %d, which is nobody's, is thrown away", c)
	case giveUpDial:
		return fmt.Sprintf("the client gives up connecting connection %d and does not cancel it", from.Current)
	case late:
		return m.tellLate(from, to, c)
	}
	switch {
	case from.Current == 0:
		return "the failure of the negotiation is told: there is no connection to close"
	case to.Current == from.Current:
		return "the failure of the negotiation is told: the connection is not up yet"
	case to.Foreign && !from.Foreign:
		return "the failure of an earlier negotiation is told: " + tellClose(from, to) + ", which is a later one"
	}
	return "the failure of the negotiation is told: " + tellClose(from, to)
}

func tellConfused(from, to *State) string {
	if from.Current == 0 || to.Current != 0 {
		return ""
	}
	return fmt.Sprintf(" and takes it for connection %d, which stays open and is nobody's", from.Current)
}

func (m *Model) tellLate(from, to *State, c byte) string {
	switch {
	case to.connection(c).Client == NoEnd:
		return fmt.Sprintf("the attempt of connection %d, which was given up, is refused", c)
	case from.connected():
		return fmt.Sprintf("connection %d, which was given up, is up: the client writes negotiation message 1 on connection %d", c, from.Current)
	}
	return fmt.Sprintf("connection %d, which was given up, is up, and is nobody's", c)
}

func (m *Model) tellOdd(from, to *State, r byte) string {
	text := fmt.Sprintf("the client reads the answer to request %d with an error that it does not know: ", r)
	switch {
	case *from.request(r) != Written:
		return text + "nobody waits for it"
	case to.Zombie:
		return text + "it reads nothing any more on this connection"
	case *to.request(r) == Forgotten:
		return text + "the request is forgotten, and the user not told"
	case *to.request(r) == Failed:
		return text + "the attempt fails"
	}
	return text + "it completes as unknown"
}

func (m *Model) tellDisabled(from, to *State, c byte) string {
	const text = "the client reads that there is no authentication here"
	switch {
	case !m.negotiating(from):
		return text + ", which it does not wait for"
	case to.Current == 0:
		return text + ": " + tellClose(from, to)
	}
	return fmt.Sprintf("%s: it takes connection %d for authenticated", text, c)
}
