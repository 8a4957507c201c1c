// The network between hosts: latency and order within a connection. What disturbs it is in
// disturb.go.

package world

import (
	"math/rand/v2"
)

// link is one direction between two hosts.
type link struct {
	random *rand.Rand
	memory flowMemory
	disturbance
}

// linkTo finds the link from h to another host, which may be h itself.
func (h *Host) linkTo(to *Host) *link {
	i := to.index + 1 // nowhere is at 0
	for len(h.links) <= i {
		h.links = append(h.links, nil)
	}
	if h.links[i] == nil {
		h.links[i] = &link{random: h.world.Stream("latency/" + h.name + "/" + to.name)}
	}
	return h.links[i]
}

// latency draws how long a packet travels.
func (w *World) latency(l *link) int64 {
	lo, hi := int64(w.config.LatencyMin), int64(w.config.LatencyMax)
	if lo == hi {
		return lo
	}
	return lo + l.random.Int64N(hi-lo+1)
}

// packet makes a packet from an end to its peer. Whether the kernel of from still knows
// the connection does not matter: a reset comes from one that does not.
func (w *World) packet(kind taskKind, from *end) *task {
	t := w.queue.newTask(kind)
	t.end = from.peer()
	t.sentAt = w.now
	return t
}

// transmit puts a packet on the wire after a delay, behind what is under way already.
func (w *World) transmit(from *end, t *task, delay int64) {
	at := max(from.link.leaves(w.now+delay)+w.latency(from.link), from.lastArrival)
	from.lastArrival = at
	t.doomed = from.link.cuts > 0 || w.pass(from, t) == flowDropped
	w.queue.push(at, t)
}

// arrive lets a packet arrive, or not.
func (w *World) arrive(t *task) {
	to := t.end
	from := to.peer()
	if t.doomed || from.link.cuts > 0 || !to.host.powered {
		w.lose(from, t)
		return
	}
	to.heardAt = w.now
	if from.conn.flow.state == flowRefused && t.kind != taskRST {
		w.refuse(from, to, t)
		return
	}
	switch t.kind {
	case taskSYN:
		w.synArrives(from, to)
	case taskSYNACK:
		w.synACKArrives(to)
	case taskACK:
		w.ackArrives(to)
	case taskData, taskFIN:
		w.segmentArrives(from, to, t)
	case taskProbe:
		w.probeArrives(from, to, t)
	case taskRST:
		w.rstArrives(to)
	case taskChallenge:
		w.challengeArrives(to, t.subject)
	case taskWindow:
		w.windowOpens(to)
	case taskKeepProbe:
		w.keepProbeArrives(to)
	}
}

// lose starts the timer that a packet's loss leaves running out.
func (w *World) lose(from *end, t *task) {
	switch t.kind {
	case taskSYN:
		w.armSYN(from)
	case taskSYNACK:
		w.armSYNACK(from)
		w.armSYN(from.peer())
	case taskACK:
		w.armSYNACK(from.peer())
	case taskData, taskFIN:
		w.segmentLost(from, t)
	case taskProbe:
		w.probeLost(from, t)
	case taskRST, taskChallenge:
		w.armSYN(t.end) // its SYN is still unanswered
	}
}
