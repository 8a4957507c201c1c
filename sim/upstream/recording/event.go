// Package recording reads what upstream's real clients did after a restart, takes it
// apart into inputs (what was done to them) and reactions (what they did), and compares
// reactions. A simulation that writes the same events is taken apart the same way.
package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Event is one line of a recording. Which fields are set depends on Side and Ev.
type Event struct {
	Millis float64 `json:"t_ms"` // since the restart began
	Side   string  `json:"side"` // server, client, application
	Ev     string  `json:"ev"`
	Node   string  `json:"node,omitempty"`
	Conn   int     `json:"conn,omitempty"` // unique in the recording; a client's log does not say it
	RPC    string  `json:"rpc,omitempty"`
	Neg    string  `json:"neg,omitempty"` // negotiation status
	Err    string  `json:"err,omitempty"`
	By     string  `json:"by,omitempty"`  // of close: server or peer
	Why    string  `json:"why,omitempty"` // of close and dead
	Note   string  `json:"note,omitempty"`
	Result string  `json:"result,omitempty"` // of application: ok or an error name

	Partition int     `json:"pidx"`
	Timeout   int     `json:"timeout,omitempty"`
	Took      float64 `json:"took_ms,omitempty"`
	Down      float64 `json:"down_ms,omitempty"`
	Nodes     string  `json:"nodes,omitempty"` // of restart; empty: all
	First     bool    `json:"first,omitempty"` // first frame of its connection
	Authed    bool    `json:"authed,omitempty"`
}

// Sides and kinds of events.
const (
	SideServer      = "server"
	SideClient      = "client"
	SideApplication = "application"

	EvListen            = "listen"
	EvAccept            = "accept"
	EvFrameIn           = "frame-in"
	EvFrameOut          = "frame-out"
	EvDead              = "dead"
	EvClose             = "close"
	EvRestart           = "restart"
	EvDown              = "down"
	EvNegotiationFailed = "negotiation-failed"
	EvUnresponsive      = "closes-unresponsive-session"
	EvOpenTable         = "openTable"
	EvSet               = "set"
	EvGet               = "get"

	ByServer = "server"
	ByPeer   = "peer"
)

// At returns the event's time since the restart began.
func (e *Event) At() time.Duration { return time.Duration(e.Millis * float64(time.Millisecond)) }

// Role returns meta or replica: what stands before the dash in the node's name.
func (e *Event) Role() string { return role(e.Node) }

func role(node string) string {
	r, _, _ := strings.Cut(node, "-")
	return r
}

// ErrRecording is wrapped by every error about a recording that cannot be used.
var ErrRecording = errors.New("recording cannot be used")

const maxLine = 1 << 16

// Read reads a recording, one JSON object a line. Errors wrap ErrRecording.
func Read(r io.Reader) ([]Event, error) {
	var events []Event
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrRecording, n, err)
		}
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", ErrRecording, len(events)+1, err)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("%w: it has no events", ErrRecording)
	}
	return events, nil
}
