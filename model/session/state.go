// The state: the server, the client's session, and the two ends of each connection.

package session

import (
	"encoding/binary"
	"strings"
)

// Link is the session's own idea of its connection.
type Link uint8

// Links.
const (
	Disconnected Link = iota
	Connecting
	Connected
)

// Request is where one request stands.
type Request uint8

// Request states.
const (
	Idle      Request = iota // not submitted
	Queued                   // waits for a connection
	Parked                   // connected: waits for the negotiation
	Written                  // on the wire, or answered and not yet read
	Failed                   // this attempt failed without effect; it will be tried again
	Done                     // answered
	Unknown                  // completed: written, and the answer will never come
	Expired                  // completed: its deadline passed before it was written
	Forgotten                // nobody is waiting for it any more, and the user was not told (S57)
)

// over says whether the user has been told how it ended.
func (r Request) over() bool { return r == Done || r == Unknown || r == Expired }

// needs says whether the session owes it something.
func (r Request) needs() bool { return r != Idle && r != Forgotten && !r.over() }

// waits says whether a timer is running for it.
func (r Request) waits() bool { return r == Queued || r == Parked || r == Written }

// Closing is how far the close handler of the older clients has come.
type Closing uint8

// Closing steps.
const (
	NotClosing Closing = iota
	Shut               // channel dead, nobody told
	Notified           // requests and negotiation told, session still believes in its connection
)

// Errand is what another thread of an older client will still do.
type Errand uint8

// Errands.
const (
	NothingToDo Errand = iota
	ResetFlag
	RebuildSession
	CloseCurrent // whichever connection that is by then (S52)
)

// End is the client's end of a connection.
type End uint8

// Client ends.
const (
	NoEnd End = iota
	Dialing
	Open
	Late   // an attempt that was given up and not cancelled (S51)
	Orphan // open, and not the session's (S50, S51)
	Closed // by the client, which has yet to be told so (S50)
)

// Messages. Client to server: FIN, negotiation message i, request r. Back: FIN,
// negotiation message i, reply r, refusal r, odd reply r, no authentication here.
const (
	msgFIN      = 0
	msgRefusal  = 50 // + r
	msgOdd      = 60 // + r
	msgDisabled = 90
	msgNeg      = 100 // + i
)

func isRequest(m byte) bool { return m >= 1 && m <= MaxRequests }
func isRefusal(m byte) bool { return m > msgRefusal && m <= msgRefusal+MaxRequests }
func isOdd(m byte) bool     { return m > msgOdd && m <= msgOdd+MaxRequests }
func isNeg(m byte) bool     { return m > msgNeg }

// Connection is one slot: both ends and what is on its way between them. The server's
// end is 0 when it is gone, 1..R while it waits for negotiation message i, R+1 when the
// client is authenticated, R+2 when it has died without telling.
type Connection struct {
	Client   End
	Server   uint8
	Port     uint8  // local port, 0 where neither end is left
	ToServer string // messages in order
	ToClient string
}

// quiet says whether nothing is on its way.
func (c *Connection) quiet() bool { return c.ToServer == "" && c.ToClient == "" }

// hears says whether the client's end takes what the server sends.
func (c *Connection) hears() bool { return c.Client == Open || c.Client == Orphan }

// forget forgets the port of a connection without ends.
func (c *Connection) forget() {
	if c.Client == NoEnd && c.Server == 0 {
		c.Port = 0
	}
}

// State of the system.
type State struct {
	Up      bool // the server accepts
	Crashes uint8
	Losses  uint8
	Earlies uint8

	Link        Link
	Current     uint8  // slot of the session's connection, 0 for none or a dead one
	Flag        bool   // what lets requests pass
	Negotiation uint8  // 0 none; 1..R waits for answer i; R+1 succeeded
	Queue       string // requests that wait for a connection, in order
	Requests    [MaxRequests]Request
	Completions [MaxRequests]uint8 // of the submission in hand, as told to the user; two stands for more
	Window      uint8              // unanswered timeouts so far
	Closing     Closing
	Errand      Errand

	Connections [MaxSlots]Connection

	// With defects only.
	Foreign bool  // something of one connection has changed the state of a later one
	Kept    uint8 // entries of parked requests that are parked no more (S53), at most NReq+1
	Zombie  bool  // the session reads nothing from its connection any more (S56)
}

// connection returns slot c, counted from 1.
func (s *State) connection(c uint8) *Connection { return &s.Connections[c-1] }

// request returns where request r, counted from 1, stands.
func (s *State) request(r byte) *Request { return &s.Requests[r-1] }

// complete counts a completion of request r.
func (s *State) complete(r byte) {
	if s.Completions[r-1] < 2 {
		s.Completions[r-1]++
	}
}

// connected says whether the session has a connection that is up, as far as it knows.
func (s *State) connected() bool { return s.Link == Connected && s.Current != 0 }

// AppendState appends the canonical form of s. Slots and requests beyond the constants
// are not used and not written.
func (m *Model) AppendState(dst []byte, s State) []byte {
	dst = append(dst, flag(s.Up), s.Crashes, s.Losses, s.Earlies,
		byte(s.Link), s.Current, flag(s.Flag), s.Negotiation, s.Window, byte(s.Closing), byte(s.Errand),
		flag(s.Foreign), s.Kept, flag(s.Zombie))
	dst = appendMessages(dst, s.Queue)
	for r := range m.NReq {
		dst = append(dst, byte(s.Requests[r]), s.Completions[r])
	}
	for c := range m.K {
		end := &s.Connections[c]
		dst = append(dst, byte(end.Client), end.Server, end.Port)
		dst = appendMessages(dst, end.ToServer)
		dst = appendMessages(dst, end.ToClient)
	}
	return dst
}

func appendMessages(dst []byte, messages string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(messages)))
	return append(dst, messages...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// has says whether message m is among messages.
func has(messages string, m byte) bool {
	return strings.IndexByte(messages, m) >= 0
}
