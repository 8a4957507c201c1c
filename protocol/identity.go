// Identities that cores, drivers, simulator and traces share. Depends on nothing.

package protocol

// ConnID names one connection of one process. It is never reused: an event that
// carries an earlier connection's ConnID can be recognised for ever.
// The upper 32 bits are free for the owner (client/routing keeps the session's
// slot there), the lower 32 bits count from 1. Zero is no connection.
type ConnID uint64

// TimerID names one arming of one timer. A timer that is armed again gets a new
// TimerID, so that a firing which was already on its way is recognised as stale.
// The upper 32 bits are free for the owner as in ConnID. Zero is no timer.
type TimerID uint64

// OwnerShift is the number of low bits that count; the bits above belong to the owner.
const OwnerShift = 32
