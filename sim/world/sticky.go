// A kernel that never was: the cause C2 of the incident as it is claimed. It takes a SYN
// from the addresses and port of a connection that it still has for that connection, on
// which its process goes on; and it tells no process that a peer has gone, so that it has
// them for long. Off unless Config.Sticky says so, and no TCP.

package world

// sticks is whether an end belongs to a process that accepted it, under such a kernel.
func (w *World) sticks(e *end) bool {
	return w.config.Sticky && e.side == sideAcceptor && e.proc != nil && e.state == stateEstablished
}

// adopt puts a dial in the place of a connection that the kernel still has, if it sticks to
// it. The process keeps the name that it has for the connection.
func (w *World) adopt(known, to *end) bool {
	if known == nil || !w.sticks(known) {
		return false
	}
	p, id := known.proc, known.id
	p.detach(known)
	w.forget(known)
	to.state, to.upAt = stateEstablished, w.now
	to.host.tuples[to.tuple()] = to
	p.attach(to, id)
	w.sendSYNACK(to)
	return true
}
