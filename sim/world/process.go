// What the world tells a process: Event, and the Process that takes it.
// An adapter of a core (client, node, upstream model) is a Process.

package world

import (
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// EventKind says what the world tells a process.
type EventKind uint8

// Events. In brackets: the fields that count beside Kind.
const (
	EventBoot       EventKind = iota + 1 // the process starts, with whatever its storage kept
	EventDialed                          // [Conn, Peer]
	EventDialFailed                      // [Conn, Peer, Why] WhyRefused, WhyTimeout or WhyNoPort
	EventAccepted                        // [Conn, Peer] Conn was chosen by the world, see AcceptOwner
	EventReceived                        // [Conn, Data]
	EventClosed                          // [Conn, Why] FIN or reset from the other side; the process' own end is closed too
	EventTimer                           // [Timer]
	EventPost                            // [Value] something the scenario or the process itself posted for this instant
	EventPeerDone                        // [Conn] the other side sends no more; told where IO.StayOpen was asked for
)

// AcceptOwner is the owner part of the ConnIDs of accepted connections, so that they
// never meet those that a process gives to its own dials. The rest counts from 1 in each
// incarnation of the process.
const AcceptOwner protocol.ConnID = 1 << 31 << protocol.OwnerShift

// Why says how a connection or a dial ended.
type Why uint8

// Whys.
const (
	WhyNone     Why = iota
	WhyFIN          // the other side closed
	WhyReset        // the other side reset, or does not know the connection
	WhyRefused      // dial: nobody listens
	WhyTimeout      // nothing was acknowledged for too long, or what waited for room waited longer than IO.Queue allows
	WhyNoPort       // dial: every ephemeral port towards that address is taken
	WhyOverflow     // more bytes waited for room in the send buffer than IO.Queue allows
)

var whyNames = [...]string{"none", "fin", "reset", "refused", "timeout", "no-port", "overflow"}

func (w Why) String() string { return whyNames[w] }

// Event is one delivery to a process.
type Event struct {
	Kind  EventKind
	Why   Why
	Conn  protocol.ConnID // as the process knows it
	Timer protocol.TimerID
	Peer  netip.AddrPort
	Data  []byte // borrowed for the duration of Step
	Value any
}

// Process runs on a host of the world. It is volatile: a restart makes a new one.
// now is the host's steady clock, see Host.Steady; IO.Wall has the wall clock.
// All calls come from the one simulation thread; io is valid for the process' life and
// does nothing afterwards. What Step asks of io is never answered before Step returns.
type Process interface {
	Step(now time.Time, ev Event, io *IO)
}
