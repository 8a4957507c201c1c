// What the client did after the restart: its connections, the failures that it logged,
// and which servers it never got back to.

package recording

import (
	"slices"
	"strings"
	"time"
)

// Shape is what two connections are compared by. What varies with the luck of threads
// is not in it: number and place of further requests, times, sequence numbers.
type Shape struct {
	Role        string // meta or replica
	First       Class
	Negotiation string // statuses of its negotiation frames, ">" before what the server sent
	Died        string // after what the server gave the session up: request, negotiation, or empty
	ClosedBy    string // server, peer, or empty: open at the end
}

// WhileOpen returns the shape without its end by the peer: a recording ends with its
// client, and a simulation at an instant, while connections are open.
func (s Shape) WhileOpen() Shape {
	if s.ClosedBy == ByPeer {
		s.ClosedBy = ""
	}
	return s
}

// Class says what a connection's first frame was.
type Class string

// Classes.
const (
	ClassNone        Class = "none"
	ClassRequest     Class = "request"
	ClassNegotiation Class = "negotiation"
)

// Signature is one "Negotiation failed".
type Signature struct {
	Role string
	Err  string
	Age  time.Duration // of the connection
}

// Reactions is what the client did after the restart.
type Reactions struct {
	Shapes     []Shape     // one for each connection accepted after the restart, in order
	Signatures []Signature // in order
	Never      []string    // nodes that it connected to and never negotiated with successfully
}

type connection struct {
	shape    Shape
	conn     int
	node     string
	up       time.Duration
	negs     []string
	failed   bool
	finished bool // negotiation succeeded
	frames   int
}

const rpcNegotiation = "RPC_NEGOTIATION"

// ReactionsOf takes the reactions out of a recording.
func ReactionsOf(events []Event) Reactions {
	var conns []*connection
	var r Reactions
	for i := range events {
		e := &events[i]
		if e.At() < 0 {
			continue
		}
		switch e.Ev {
		case EvAccept:
			conns = append(conns, &connection{
				shape: Shape{Role: e.Role(), First: ClassNone}, conn: e.Conn, node: e.Node, up: e.At(),
			})
		case EvNegotiationFailed:
			if c := failedConnection(conns, e); c != nil {
				c.failed = true
				r.Signatures = append(r.Signatures, Signature{Role: e.Role(), Err: e.Err, Age: e.At() - c.up})
			}
		default:
			if j := slices.IndexFunc(conns, func(c *connection) bool { return e.Conn != 0 && c.conn == e.Conn }); j >= 0 {
				conns[j].take(e)
			}
		}
	}
	for _, c := range conns {
		c.shape.Negotiation = strings.Join(c.negs, " ")
		r.Shapes = append(r.Shapes, c.shape)
	}
	r.Never = neverNegotiated(conns)
	return r
}

// failedConnection finds the connection that a line of the client's log is about: the
// node's last one that was up and had not failed.
func failedConnection(conns []*connection, e *Event) *connection {
	for _, c := range slices.Backward(conns) {
		if e.Conn != 0 && c.conn != e.Conn {
			continue
		}
		if c.node == e.Node && !c.failed && c.up <= e.At()+slack {
			return c
		}
	}
	return nil
}

func (c *connection) take(e *Event) {
	switch e.Ev {
	case EvFrameIn:
		c.frameIn(e)
	case EvFrameOut:
		if strings.HasPrefix(e.RPC, rpcNegotiation) {
			c.negs = append(c.negs, ">"+short(e.Neg))
			c.finished = c.finished || e.Neg == "SASL_SUCC"
		}
	case EvDead:
		c.shape.Died = diedOf(e.Why)
	case EvClose:
		c.shape.ClosedBy = e.By
		if e.By == ByServer {
			c.shape.Died = diedOf(e.Why)
		}
	}
}

func (c *connection) frameIn(e *Event) {
	class := ClassRequest
	if e.RPC == rpcNegotiation {
		class = ClassNegotiation
		c.negs = append(c.negs, short(e.Neg))
	}
	if c.frames == 0 {
		c.shape.First = class
	}
	c.frames++
}

func short(neg string) string { return strings.TrimPrefix(neg, "SASL_") }

func diedOf(why string) string {
	switch {
	case strings.Contains(why, "request before negotiation"):
		return "request"
	case strings.Contains(why, "negotiation"):
		return "negotiation"
	}
	return ""
}

func neverNegotiated(conns []*connection) []string {
	var met, back []string
	for _, c := range conns {
		met = append(met, c.node)
		if c.finished {
			back = append(back, c.node)
		}
	}
	slices.Sort(met)
	return slices.DeleteFunc(slices.Compact(met), func(n string) bool { return slices.Contains(back, n) })
}
