// The receive window: RFC 9293 section 3.8.6. A segment that finds no room in the kernel of
// a process that does not read is kept by its sender, which probes until there is.

package world

// hasRoom is whether an end's kernel can keep a segment until its process reads. Where it
// cannot, the window is shut. An empty buffer takes any segment: here a segment is all that
// was written at once.
func (w *World) hasRoom(e *end, t *task) bool {
	held := len(e.unread) - e.readFrom
	room := e.state != stateEstablished || held == 0 || held+len(t.data) <= w.config.ReceiveBuffer
	e.shut = !room
	return room
}

// openWindow tells the sender of a segment that found no room that there is room again.
func (w *World) openWindow(e *end) {
	if e.shut && e.state == stateEstablished {
		e.shut = false
		w.transmit(e, w.packet(taskWindow, e), 0)
	}
}

// windowOpens: what found no room leaves again at once (section 3.8.6.1).
func (w *World) windowOpens(e *end) {
	if e.lost {
		e.rto = firstRTO
		w.transmit(e, w.packet(taskProbe, e), 0)
	}
}
