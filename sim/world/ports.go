// Ephemeral ports, and what a kernel knows by addresses and ports.

package world

// tuple is a connection's addresses and ports as one kernel sees them; its own address
// goes without saying.
type tuple struct {
	peer     int // index of the other host
	port     uint16
	peerPort uint16
}

func (e *end) tuple() tuple {
	peer := e.peer()
	return tuple{peer.host.index, e.addr.Port(), peer.addr.Port()}
}

func (e *end) dropTuple() {
	if key := e.tuple(); e.host.tuples[key] == e {
		delete(e.host.tuples, key)
	}
}

// ephemeralPort chooses a local port towards an address: the next in the range, from a
// start drawn at boot, that is free.
func (h *Host) ephemeralPort(to *Host, peerPort uint16) (uint16, bool) {
	h.endLingering()
	lo, hi := h.world.config.PortMin, h.world.config.PortMax
	for range int(hi-lo) + 1 {
		port := h.nextPort
		if h.nextPort++; h.nextPort > hi || h.nextPort < lo {
			h.nextPort = lo
		}
		if h.free(to, port, peerPort) {
			return port, true
		}
	}
	return 0, false
}

// choosePort turns 0 into an ephemeral port and says whether the port can be used. One that
// the process chose may be in TIME-WAIT: RFC 6191, and Linux without being told to.
func (h *Host) choosePort(port *uint16, to *Host, peerPort uint16) bool {
	if *port == 0 {
		var ok bool
		*port, ok = h.ephemeralPort(to, peerPort)
		return ok
	}
	if known := h.tuples[tuple{to.index, *port, peerPort}]; known != nil && known.state == stateTimeWait {
		h.world.forget(known)
	}
	return h.free(to, *port, peerPort)
}

// free is whether a local port can be used towards an address: no connection there has it,
// TIME-WAIT included, and nobody listens on it.
func (h *Host) free(to *Host, port, peerPort uint16) bool {
	return h.listeners[port] == nil && h.tuples[tuple{to.index, port, peerPort}] == nil
}

// linger is an end that stays known for a while, and until when. An end that
// lingers anew has two; the earlier one does not count.
type linger struct {
	end   *end
	until int64
}

// linger keeps an end known in TIME-WAIT (RFC 9293 section 3.6) or, where no process has it
// any more and the peer's FIN does not come, in FIN-WAIT-2. No task waits for the end of
// it: whoever looks at the kernel's connections calls endLingering first.
func (w *World) linger(e *end, s state) {
	e.state = s
	e.lingerUntil = w.now + int64(w.config.TimeWait)
	e.host.lingering = append(e.host.lingering, linger{e, e.lingerUntil})
}

// endLingering forgets what has lingered long enough.
func (h *Host) endLingering() {
	for h.lingered < len(h.lingering) && h.lingering[h.lingered].until <= h.world.now {
		l := &h.lingering[h.lingered]
		if l.end.lingerUntil == l.until {
			h.world.forget(l.end)
		}
		*l = linger{}
		h.lingered++
	}
	if h.lingered > len(h.lingering)/2 {
		kept := copy(h.lingering, h.lingering[h.lingered:])
		clear(h.lingering[kept:])
		h.lingering, h.lingered = h.lingering[:kept], 0
	}
}
