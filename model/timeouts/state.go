// The state: the session, its query and negotiation, the server's end, and every timer.

package timeouts

import "encoding/binary"

// Link is the session's own idea of its connection.
type Link uint8

// Links.
const (
	Disconnected Link = iota
	Connecting
	Connected
)

// Query is where the query stands.
type Query uint8

// Query states.
const (
	Failed  Query = iota // this try failed; the next one follows
	Queued               // waits for the connection
	Parked               // connected: waits for the negotiation
	Written              // on the wire, and it will not be answered
	Done                 // answered
)

// waits says whether the timer of a try is running.
func (q Query) waits() bool { return q == Queued || q == Parked || q == Written }

// Failure is how a negotiation failed.
type Failure uint8

// Failures.
const (
	NoFailure Failure = iota
	Timeout           // ERR_TIMEOUT
	Reset             // ERR_SESSION_RESET
)

// Off is the value of a countdown that is not running.
const Off = -1

// State of the system. Countdowns are in seconds; at 0 they are due.
type State struct {
	Link          Link
	ConnectIn     int32 // until the connection is up
	Flag          bool  // what lets the query pass
	Query         Query
	QueryIn       int32 // Failed: until the next try; waiting: until its timer fires
	Negotiation   uint8 // 0 none; 1..R waits for answer i; R+1 succeeded
	NegotiationIn int32 // until its timer fires
	Server        uint8 // server's end: 0 none; 1..R works on message i; R+1 authenticated; R+2 died without telling
	AnswerIn      int32 // until it answers
	GiveUpIn      int32 // until it gives up
	Age           int32 // of the connection
	Window        int32 // Off, or seconds since the first unanswered timeout, at most Win
	Last          Failure
	LastAge       int32 // age of the connection at the latest failure
	Now           int32 // since the restart, at most Cap
}

// authenticated and dead are the ends of a connection at the server beside those that
// work on a negotiation message; authenticated is also a negotiation that succeeded.
func (m *Model) authenticated() uint8 { return uint8(m.R) + 1 }
func (m *Model) dead() uint8          { return uint8(m.R) + 2 }

// negotiating says whether the client waits for an answer.
func (m *Model) negotiating(s *State) bool {
	return s.Negotiation >= 1 && int(s.Negotiation) <= m.R
}

// served says whether the server is in the middle of a negotiation.
func (m *Model) served(s *State) bool {
	return s.Server >= 1 && int(s.Server) <= m.R
}

// AppendState appends the canonical form of s.
func (m *Model) AppendState(dst []byte, s State) []byte {
	dst = append(dst, byte(s.Link), flag(s.Flag), byte(s.Query), s.Negotiation, s.Server, byte(s.Last))
	for _, n := range [...]int32{
		s.ConnectIn, s.QueryIn, s.NegotiationIn, s.AnswerIn, s.GiveUpIn, s.Age, s.Window, s.LastAge, s.Now,
	} {
		dst = binary.AppendVarint(dst, int64(n))
	}
	return dst
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
