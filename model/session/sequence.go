// Steps as arrows of a sequence diagram: client, network, server. A message goes onto the
// network in one step and comes off it in a later one.

package session

import (
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/model/check"
)

// Lanes of the sequence diagram.
const (
	laneClient  = "client"
	laneNetwork = "network"
	laneServer  = "server"
)

// Lanes returns who takes part.
func (m *Model) Lanes() []string { return []string{laneClient, laneNetwork, laneServer} }

// Signals returns what a step takes off the network, then what it puts onto it. A step
// that does neither happens at one place.
func (m *Model) Signals(from State, action int, to State) []check.Signal {
	what := m.meaning[action]
	list := handshakeSignals(&to, what)
	for c := uint8(1); c <= uint8(m.K); c++ {
		list = append(list, connectionSignals(c, from.connection(c), to.connection(c), what)...)
	}
	if to.Losses < from.Losses && what.rule != crashUnnoticed {
		list = append(list, check.Signal{From: laneClient, To: laneNetwork, Text: fmt.Sprintf("c%d: FIN", from.Current), Lost: true})
	}
	if at := place(what.rule); len(list) == 0 || what.rule == crash || what.rule == crashUnnoticed {
		own := check.Signal{From: at, To: at, Text: m.actions[action].Name}
		list = append([]check.Signal{own}, list...)
	}
	return list
}

// place is where a step happens that sends nothing.
func place(by rule) string {
	switch by {
	case start, crash, crashUnnoticed, serve, giveUp:
		return laneServer
	case glue, challenge, refused:
		return laneNetwork
	}
	return laneClient
}

func handshakeSignals(to *State, what meaning) []check.Signal {
	switch what.rule {
	case dial:
		return []check.Signal{{From: laneClient, To: laneNetwork, Text: fmt.Sprintf("c%d: dial", to.Current)}}
	case accept, glue:
		return []check.Signal{{From: laneNetwork, To: laneServer, Text: fmt.Sprintf("c%d: connected", what.of)}}
	case refused:
		return []check.Signal{{From: laneNetwork, To: laneClient, Text: fmt.Sprintf("c%d: refused", what.of)}}
	}
	return nil
}

// connectionSignals compares what is on its way on one connection.
func connectionSignals(c uint8, from, to *Connection, what meaning) []check.Signal {
	var list []check.Signal
	toServer, toClient := from.ToServer, from.ToClient
	if what.of == c && what.rule == serve && toServer != "" {
		list = append(list, signal(c, laneNetwork, laneServer, toServer[0]))
		toServer = toServer[1:]
	}
	if what.of == c && what.rule == receive && toClient != "" {
		list = append(list, signal(c, laneNetwork, laneClient, toClient[0]))
		toClient = toClient[1:]
	}
	for _, message := range []byte(added(toServer, to.ToServer)) {
		list = append(list, signal(c, laneClient, laneNetwork, message))
	}
	for _, message := range []byte(added(toClient, to.ToClient)) {
		list = append(list, signal(c, laneServer, laneNetwork, message))
	}
	return list
}

// added is what a step appended to a queue; nothing where it did not go on from before.
func added(before, after string) string {
	more, goesOn := strings.CutPrefix(after, before)
	if !goesOn {
		return ""
	}
	return more
}

func signal(c uint8, from, to string, message byte) check.Signal {
	return check.Signal{From: from, To: to, Text: fmt.Sprintf("c%d: %s", c, describeMessages(string([]byte{message})))}
}
