// What the world tells a process: Event, and the Process that takes it.
// An adapter of a core (client, node, upstream model) is a Process.

// Package world is the simulated world: clock, event heap, random streams, hosts and TCP.
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
	EventDialed                          // [Conn]
	EventDialFailed                      // [Conn, Why]
	EventAccepted                        // [Conn, Peer] Conn was chosen by the world
	EventReceived                        // [Conn, Data]
	EventClosed                          // [Conn, Why] FIN or reset from the other side; the process' own end is closed too
	EventTimer                           // [Timer]
	EventPost                            // [Value] something the scenario or the process itself posted for this instant
)

// Why says how a connection or a dial ended.
type Why uint8

// Whys.
const (
	WhyNone Why = iota
	WhyFIN
	WhyReset
	WhyRefused
	WhyTimeout
)

// Event is one delivery to a process.
type Event struct {
	Kind  EventKind
	Why   Why
	Conn  protocol.ConnID // as the process knows it
	Timer protocol.TimerID
	Peer  netip.AddrPort
	Data  []byte // borrowed
	Value any
}

// Process runs on a host of the world. It is volatile: a restart makes a new one.
// All calls come from the one simulation thread; io is valid for the process' life.
type Process interface {
	Step(now time.Time, ev Event, io *IO)
}

