// The connections of a trace, each with what it takes to tell its story.

package report

import (
	"slices"
	"strings"

	"github.com/a8011091/pegasus-reference/trace"
)

// connection is one connection as both ends saw it.
type connection struct {
	id             uint64
	client, server string
	dialed         int64
	up             int64 // -1: never
	granted        int64 // negotiation succeeded at the client, -1: never
	failed         *trace.Event
	refused        *trace.Event // dial that failed
	ended          int64        // at the client, -1: it is open
	first          *trace.Event // first frame of the client
	early          *trace.Event // first request that is written before the negotiation has succeeded
	reaction       *trace.Event // what the server did after that: a session event, an error or a close
	frames         int          // of the client after that
	answers        int          // of the server after that
}

// stories are every connection, in order of appearance, with what went on around them.
type stories struct {
	all     []*connection
	byID    map[uint64]*connection
	names   nameTable
	servers map[string]bool // nodes that listen
	clients map[string]bool // nodes that dial
	downs   []*trace.Event
	ups     map[string][]*trace.Event // by node
	end     int64                     // the last event

	negotiates bool // somebody does: then a request before a negotiation's success is early
}

func newStories(events []trace.Event) *stories {
	s := &stories{
		byID: map[uint64]*connection{}, names: nodeNames(events), servers: map[string]bool{}, clients: map[string]bool{},
		ups: map[string][]*trace.Event{},
	}
	s.negotiates = slices.ContainsFunc(events, func(ev trace.Event) bool { return ev.Neg != "" || ev.Kind == trace.KindNegotiation })
	for i := range events {
		ev := &events[i]
		s.end = ev.AtNS
		switch ev.Kind {
		case trace.KindListen:
			s.servers[ev.Node] = true
		case trace.KindNodeDown:
			s.downs = append(s.downs, ev)
		case trace.KindNodeUp:
			s.ups[ev.Node] = append(s.ups[ev.Node], ev)
		case trace.KindDial:
			s.clients[ev.Node] = true
			c := &connection{id: ev.Conn, client: ev.Node, server: s.names.of(ev.Peer), dialed: ev.AtNS, up: -1, granted: -1, ended: -1}
			s.all, s.byID[ev.Conn] = append(s.all, c), c
		default:
			if c := s.byID[ev.Conn]; c != nil && ev.Conn != 0 {
				c.take(ev, s.negotiates)
			}
		}
	}
	return s
}

// take adds an event to the story. Where nobody negotiates no request is early.
func (c *connection) take(ev *trace.Event, negotiates bool) {
	atClient := ev.Node == c.client
	switch ev.Kind {
	case trace.KindConnected:
		c.up = ev.AtNS
	case trace.KindDialFailed:
		c.refused, c.ended = ev, ev.AtNS
	case trace.KindNegotiation:
		switch {
		case ev.State == "ok":
		case atClient && c.failed == nil:
			c.failed = ev
		case !atClient:
			c.react(ev)
		}
	case trace.KindFrameOut:
		c.frame(ev, atClient, negotiates)
	case trace.KindFrameIn:
		if atClient && ev.Neg == "SASL_SUCC" && c.granted < 0 {
			c.granted = ev.AtNS
		}
	case trace.KindSession:
		if !atClient {
			c.react(ev)
		}
	case trace.KindClose, trace.KindClosed:
		if atClient && c.ended < 0 {
			c.ended = ev.AtNS
		}
		if !atClient && ev.Kind == trace.KindClose {
			c.react(ev)
		}
	}
}

func (c *connection) frame(ev *trace.Event, atClient, negotiates bool) {
	if !atClient {
		c.answers++
		if ev.Code != "" && ev.Code != "ERR_OK" {
			c.react(ev)
		}
		return
	}
	if c.first == nil {
		c.first = ev
	}
	if negotiates && c.early == nil && ev.Neg == "" && c.granted < 0 {
		c.early, c.answers = ev, 0
		return
	}
	c.frames++
}

// react keeps the first thing that the server did after the early request.
func (c *connection) react(ev *trace.Event) {
	if c.reaction == nil && (c.early != nil || ev.Kind == trace.KindNegotiation) {
		c.reaction = ev
	}
}

// unauthenticated says that the connection came up and ended, and never got beyond its
// negotiation.
func (c *connection) unauthenticated() bool {
	return c.failed != nil || c.up >= 0 && c.ended >= 0 && c.granted < 0 && c.first != nil && c.first.Neg != ""
}

// bad says that the connection came to nothing.
func (c *connection) bad() bool { return c.unauthenticated() || c.refused != nil }

// restartOf is the latest outage of the node that began before an instant: nil where there
// was none. The second event is when it was up again.
func (s *stories) restartOf(node string, before int64) (down, up *trace.Event) {
	for _, ev := range s.downs {
		if ev.Node == node && ev.AtNS <= before {
			down = ev
		}
	}
	if down == nil {
		return nil, nil
	}
	for _, ev := range s.ups[node] {
		if ev.AtNS > down.AtNS {
			return down, ev
		}
	}
	return down, nil
}

// servingAgain is when the last server that had been down was up again, 0 where none was.
func (s *stories) servingAgain() int64 {
	var last int64
	for node := range s.servers {
		if len(s.ups[node]) > 1 {
			last = max(last, s.ups[node][len(s.ups[node])-1].AtNS)
		}
	}
	return last
}

// request names what a request frame asks for, in a word with its article. A trace may have
// one without a name.
func request(rpc string) string {
	if strings.Contains(rpc, "QUERY") {
		return "a query"
	}
	word := strings.ToLower(rpc[strings.LastIndex(rpc, "_")+1:])
	if word == "" {
		return "a request"
	}
	if strings.ContainsRune("aeiou", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}
