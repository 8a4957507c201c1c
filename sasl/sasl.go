// Package sasl has the interfaces between a SASL mechanism and what drives it, and a
// deterministic mechanism for tests and simulation. Mechanisms are pure: clock and
// entropy come in. It depends on nothing of ours.
package sasl

import (
	"io"
	"time"
)

// Mechanism makes the two ends of a negotiation. A Mechanism is immutable and may be shared.
type Mechanism interface {
	// Name is what LIST_MECHANISMS and SELECT_MECHANISMS carry.
	Name() string
	// Client starts the initiator's end towards one server.
	Client(cfg ClientConfig) (Session, error)
	// Server starts the acceptor's end for one connection.
	Server(cfg ServerConfig) (ServerSession, error)
}

// ClientConfig is what an initiator needs to know of one negotiation.
type ClientConfig struct {
	Host   string // server's name, as its principal spells it
	Random io.Reader
}

// ServerConfig is what an acceptor needs to know of one negotiation.
type ServerConfig struct {
	Host   string
	Random io.Reader
}

// Session is one end of one negotiation on one connection.
type Session interface {
	// Step takes the peer's token (nil when an initiator begins) and returns the token
	// to send, which may be empty. done says that this end has all it needs: an
	// initiator accepts success from the peer only after done.
	Step(now time.Time, in []byte) (out []byte, done bool, err error)
}

// ServerSession is an acceptor's end. Principal is valid once Step returned done.
type ServerSession interface {
	Session
	Principal() string
}

// Stateful is what a Session offers whose state can be copied and compared, as a checker
// that explores every order needs. The test mechanism's ends do.
type Stateful interface {
	// Clone returns an independent copy.
	Clone() Session
	// AppendState appends all that the future of this end depends on: equal bytes, equal future.
	AppendState(dst []byte) []byte
}
