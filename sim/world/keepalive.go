// Keep-alive probes: RFC 9293 section 3.8.4, with the three settings of Linux.

package world

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// keepAlive are an end's settings and what it waits for.
type keepAlive struct {
	idle, interval int64
	count          int
	unanswered     int
}

// KeepAlive has the kernel ask, once nothing was heard on a connection for idle, whether
// the other end is still there: up to count times, every interval. Without an answer the
// connection ends with WhyTimeout and, as in Linux, a reset, which arrives where only the
// way back is broken; a host that does not know it any more resets it. Where sent bytes
// wait to be acknowledged their own timer decides, as in Linux.
func (io *IO) KeepAlive(conn protocol.ConnID, idle, interval time.Duration, count int) {
	e := io.open(conn)
	if e == nil || e.keep != nil || e.state != stateEstablished || idle <= 0 || interval <= 0 || count <= 0 {
		return
	}
	e.keep = &keepAlive{idle: int64(idle), interval: int64(interval), count: count}
	e.heardAt = io.world().now
	io.world().armKeepAlive(e, e.keep.idle)
}

func (w *World) armKeepAlive(e *end, after int64) {
	t := w.queue.newTask(taskKeepAlive)
	t.end = e
	w.queue.push(w.now+after, t)
}

func (w *World) keepAliveTimer(e *end) {
	k := e.keep
	if e.state != stateEstablished || k == nil {
		return
	}
	silent := w.now - e.heardAt
	switch {
	case silent < k.idle:
		k.unanswered = 0
		w.armKeepAlive(e, k.idle-silent)
	case e.flight != nil:
		w.armKeepAlive(e, k.interval)
	case k.unanswered >= k.count:
		w.reset(e)
		w.giveUp(e, WhyTimeout)
	default:
		k.unanswered++
		w.transmit(e, w.packet(taskKeepProbe, e), 0)
		w.armKeepAlive(e, k.interval)
	}
}

// keepProbeArrives answers where the connection is known, and resets it otherwise.
func (w *World) keepProbeArrives(e *end) {
	if e.state == stateClosed {
		w.reset(e)
		return
	}
	w.transmit(e, w.packet(taskKeepACK, e), 0)
}
