// The keeper as it is seen from outside: by its driver, and, with what that adds, by
// whoever asks for the health of credentials.

package ticket

import (
	"iter"
	"time"
)

// View is how one ticket is.
type View struct {
	Name     Name
	State    State
	Handle   Handle    // of the ticket that is given out; zero: none
	Until    time.Time // its end
	Failure  Failure   // of the last attempt, where it failed
	Failures int       // since the last ticket
	Next     time.Time // the earliest that another attempt or renewal begins; zero where none is planned
	Waiting  int
}

// Tickets goes over the tickets, the ticket-granting one first.
func (c *Core) Tickets() iter.Seq[View] {
	return func(yield func(View) bool) {
		for i := range c.slots {
			s := &c.slots[i]
			v := View{Name: s.name, State: s.state, Handle: s.ticket.Handle, Until: s.ticket.End, Failure: s.failure, Failures: s.failures}
			if s.phase == phaseResting || s.phase == phaseLater {
				v.Next = s.attempt.due
			}
			for _, w := range c.waiters {
				if w.name == s.name {
					v.Waiting++
				}
			}
			if !yield(v) {
				return
			}
		}
	}
}

// Change is one change of one ticket's state, as a driver tells it.
type Change struct {
	Name    Name // zero: the ticket-granting ticket
	State   State
	Until   time.Time // the ticket's end, where there is one
	Failure Failure   // of the last attempt, where it failed
	Err     error     // the same in words, and what to do
}

// Health is how credentials are at one moment, as a driver tells it.
type Health struct {
	Principal string
	Tickets   []Status // the ticket-granting ticket first
	Stats     Stats
	Waiting   int // sessions
	Closed    bool
	Panics    uint64 // recovered, of functions that are told of changes, and of the core, which closes it
}

// Status is how one ticket is.
type Status struct {
	View
	Err error // why the last attempt failed, if it did
}
