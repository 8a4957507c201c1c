// One state of the world, and its canonical bytes.

package exhaustive

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/server/node"
	"github.com/a8011091/pegasus-reference/server/replica"
)

// client is what the world needs of a session, so that a test can put a defective one in.
type client interface {
	Step(now time.Time, ev session.Event, out []session.Effect) []session.Effect
	Clone() client
	AppendState(dst []byte, now time.Time) []byte
	State() session.State
	NegotiationStep() session.Step
	Conn() protocol.ConnID
	Outstanding() (waiting, pending int)
	Awaits(seq int32) (n int, ok bool)
	Used() (conn, timer uint32)
}

// reference is the session that everybody uses.
type reference struct{ *session.Core }

func newReference(cfg session.Config) client { return reference{session.New(cfg)} }

func (r reference) Clone() client { return reference{r.Core.Clone()} }

// AppendState names requests by their place in the user's list, and cuts what is beyond
// the horizon.
func (r reference) AppendState(dst []byte, now time.Time) []byte {
	return r.AppendStateWithin(dst, now, horizon, func(id session.RequestID) uint64 { return uint64(id) })
}

// power of the node.
type power uint8

const (
	up      power = iota
	crashed       // its host refuses
	dark          // its host does not answer
)

// State is one state of the world. States share what they have in common: nothing that
// one refers to is changed once it has been reached.
type State struct {
	now          time.Time
	client       client
	node         *node.Core      // nil while it is down
	storage      replica.Storage // the node's, while it is down
	power        power
	conns        []conn // by age
	clientTimers []timer
	nodeTimers   []timer
	clientPast   protocol.TimerID // that fired or was stopped last
	nodePast     protocol.TimerID
	requests     []request
	dialed       time.Time // last dial began
	left         budgets
	broken       defects
	story        []string // of the step that led here, where somebody listens
}

// budgets is what can still go wrong, and what the user can still do.
type budgets struct{ submits, crashes, losses, earlies, cancels, drains uint8 }

// faults is what can still go wrong, or not be wanted any more. Draining is neither: what
// is outstanding has to end well.
func (b budgets) faults() int {
	return int(b.crashes) + int(b.losses) + int(b.earlies) + int(b.cancels)
}

// progress of one request.
type progress uint8

const (
	unasked progress = iota
	waiting          // submitted, not written
	written
	okay
	refused // answered, with an error
	failed
	unknown
)

// request is what the user and an observer of the wire know of one request.
type request struct {
	progress progress
	executed bool            // the node answered it, whether the client heard or not
	conn     protocol.ConnID // written on
	deadline time.Time
}

func (r *request) outstanding() bool { return r.progress == waiting || r.progress == written }

// clone copies what a step may change in place.
func (s *State) clone() *State {
	c := *s
	c.story = nil
	c.conns = slices.Clone(s.conns)
	c.clientTimers = slices.Clone(s.clientTimers)
	c.nodeTimers = slices.Clone(s.nodeTimers)
	c.requests = slices.Clone(s.requests)
	return &c
}

// conn returns the connection of that number, nil if both of its ends are gone.
func (s *State) conn(id protocol.ConnID) *conn {
	for i := range s.conns {
		if s.conns[i].id == id {
			return &s.conns[i]
		}
	}
	return nil
}

// outstanding is the number of requests that are not completed.
func (s *State) outstanding() int {
	n := 0
	for i := range s.requests {
		if s.requests[i].outstanding() {
			n++
		}
	}
	return n
}

// appendState writes the two cores' own canonical forms, then the world's. Connections
// go by age, instants are relative to now, and what stands in the cores already, or
// follows from it, is left out.
func (s *State) appendState(dst []byte) []byte {
	b := &s.left
	dst = append(dst, byte(s.power), b.submits, b.crashes, b.losses, b.earlies, b.cancels, b.drains)
	dst = binary.AppendUvarint(dst, uint64(s.broken))
	dst = s.client.AppendState(dst, s.now)
	if s.node != nil {
		dst = s.node.AppendState(dst, s.now)
	} else {
		dst = s.storage.AppendState(dst, s.now)
	}
	dst = append(dst, byte(len(s.conns)))
	for i := range s.conns {
		dst = s.appendConn(dst, &s.conns[i])
	}
	dst = appendTimers(dst, s.now, s.clientTimers)
	dst = appendTimers(dst, s.now, s.nodeTimers)
	for i := range s.requests {
		r := &s.requests[i]
		dst = append(dst, byte(r.progress), flag(r.executed))
		if r.progress == written {
			dst = append(dst, s.age(r.conn))
		}
	}
	return binary.AppendUvarint(dst, uint64(min(s.now.Sub(s.dialed), backoffBase)))
}

// age is the place of a connection among those that exist, from 1; 0 if it is gone.
func (s *State) age(id protocol.ConnID) byte {
	return byte(1 + slices.IndexFunc(s.conns, func(c conn) bool { return c.id == id }))
}

func (s *State) appendConn(dst []byte, c *conn) []byte {
	dst = append(dst, byte(c.clientEnd), byte(c.nodeEnd), flag(c.granted)|flag(c.admitted)<<1|flag(c.unacked)<<2|flag(c.lost)<<3|flag(c.silent)<<4)
	dst = c.clientToken.appendState(dst)
	dst = c.nodeToken.appendState(dst)
	dst = appendText(dst, c.clientHeard)
	dst = appendText(dst, c.nodeHeard)
	dst = s.appendQueue(dst, c, c.toNode)
	return s.appendQueue(dst, c, c.toClient)
}

// appendQueue names a sequence number by what it is the number of; on a connection that
// the client has closed nothing depends on it any more.
func (s *State) appendQueue(dst []byte, c *conn, queue []packet) []byte {
	current := c.id == s.client.Conn()
	dst = append(dst, byte(len(queue)))
	for i := range queue {
		dst = append(dst, byte(queue[i].kind), byte(len(queue[i].frames)))
		for j := range queue[i].frames {
			f := &queue[i].frames[j]
			dst = append(dst, f.canonical...)
			if n, ok := s.client.Awaits(f.seq); current && ok {
				dst = binary.AppendUvarint(dst, uint64(n)+1)
			} else {
				dst = append(dst, 0)
			}
		}
	}
	return dst
}

// appendTimers writes a set: in which order timers were armed does not matter.
func appendTimers(dst []byte, now time.Time, timers []timer) []byte {
	dst = append(dst, byte(len(timers)))
	for _, t := range slices.SortedFunc(slices.Values(timers), timer.compare) {
		dst = binary.AppendUvarint(dst, uint64(min(max(0, t.due.Sub(now)), horizon)))
		dst = binary.AppendUvarint(dst, uint64(min(max(0, t.latest.Sub(now)), horizon)))
	}
	return dst
}

func appendText(dst []byte, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}
