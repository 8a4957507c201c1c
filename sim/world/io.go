// What a process can ask of the world.

package world

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// IO is a process' way to the world. Everything it is asked takes effect at once and is
// answered, if at all, by a later event. After the process' death it does nothing.
type IO struct {
	proc *process
}

func (io *IO) world() *World { return io.proc.host.world }

// Listen accepts connections to addr, whose address must be the host's own: it panics otherwise.
func (io *IO) Listen(addr netip.AddrPort) {
	h := io.proc.host
	if addr.Addr() != h.addr {
		panic(fmt.Sprintf("world: %s (%s) cannot listen on %s", h.name, h.addr, addr))
	}
	if io.proc.dead {
		return
	}
	h.listeners[addr.Port()] = io.proc
	w := io.world()
	w.scratch = trace.Event{Kind: trace.KindListen, Addr: addr.String()}
	w.emit(h.name)
}

// Dial connects to addr; the process chooses the name and hears EventDialed or
// EventDialFailed. A name that the process used for another connection panics, as far as
// the world remembers it.
func (io *IO) Dial(conn protocol.ConnID, addr netip.AddrPort) {
	io.DialFrom(conn, 0, addr)
}

// DialFrom is Dial from a local port of the process' choice; 0 leaves it to the kernel. A
// port that is taken towards addr fails with WhyNoPort.
func (io *IO) DialFrom(conn protocol.ConnID, port uint16, addr netip.AddrPort) {
	if io.proc.dead {
		return
	}
	if conn == 0 || conn&AcceptOwner != 0 || io.Global(conn) != 0 {
		panic(fmt.Sprintf("world: %s dials with the connection name %#x, which is zero, the world's or used", io.proc.host.name, uint64(conn)))
	}
	io.world().dial(io.proc, conn, port, addr)
}

// Write sends bytes; it copies them. What the send buffer has no room for waits, see Queue. A
// connection that is not established, or closed, swallows them.
func (io *IO) Write(conn protocol.ConnID, data []byte) {
	if e := io.open(conn); e != nil && e.state == stateEstablished && len(data) > 0 {
		io.world().write(e, data)
	}
}

// Close closes a connection, or gives up a dial. No event follows. What the kernel has taken
// is still sent, then FIN; if bytes have arrived that the process did not read, RST.
func (io *IO) Close(conn protocol.ConnID) {
	if e := io.open(conn); e != nil {
		io.world().closeEnd(e)
	}
}

// CloseWrite says that the process will send no more: FIN after what the kernel has taken,
// and what the other side still sends is received until its FIN.
func (io *IO) CloseWrite(conn protocol.ConnID) {
	if e := io.open(conn); e != nil && e.state == stateEstablished {
		io.world().sendNoMore(e)
	}
}

// StayOpen leaves this end open when the other side sends no more: the process hears
// EventPeerDone in place of EventClosed, and has to close the connection itself.
func (io *IO) StayOpen(conn protocol.ConnID) {
	if e := io.open(conn); e != nil {
		e.stayOpen = true
	}
}

// Abort closes with RST and throws away what is not under way yet. No event follows.
func (io *IO) Abort(conn protocol.ConnID) {
	if e := io.open(conn); e != nil {
		io.world().abort(e)
	}
}

// open finds a connection that the process may still use.
func (io *IO) open(conn protocol.ConnID) *end {
	if e := io.proc.end(conn); e != nil && !e.over && !e.leaving {
		return e
	}
	return nil
}

// Arm lets a timer fire once, after a while by the host's clock. Armed again before that, it fires at the
// later arming's time only.
func (io *IO) Arm(timer protocol.TimerID, after time.Duration) {
	if io.proc.dead {
		return
	}
	io.Stop(timer)
	w := io.world()
	t := w.queue.newTask(taskTimer)
	t.proc, t.timer = io.proc, timer
	io.proc.timers[timer] = t
	w.queue.push(w.now+io.proc.host.clock.until(w.now, int64(after)), t)
}

// Stop stops a timer. One that is not armed is no matter.
func (io *IO) Stop(timer protocol.TimerID) {
	if t := io.proc.timers[timer]; t != nil {
		delete(io.proc.timers, timer)
		io.world().queue.cancel(t)
	}
}

// Post hands value back to the process as EventPost, after a while.
func (io *IO) Post(after time.Duration, value any) {
	if io.proc.dead {
		return
	}
	w := io.world()
	t := w.queue.newTask(taskPost)
	t.proc, t.value = io.proc, value
	w.queue.push(w.now+max(int64(after), 0), t)
}

// Rand is the stream of the host's processes. Draw integers only.
func (io *IO) Rand() *rand.Rand { return io.proc.host.draws }

// Trace adds an event to the trace; time and node are set by the world.
func (io *IO) Trace(ev trace.Event) {
	w := io.world()
	w.scratch = ev
	w.emit(io.proc.host.name)
}

// Stamp is Trace of an event that the caller keeps: it gets the time and the node.
func (io *IO) Stamp(ev *trace.Event) {
	w := io.world()
	ev.AtNS, ev.Node = w.now, io.proc.host.name
	w.sink.Emit(ev)
}

// Trace adds an event that the host's process has not caused.
func (h *Host) Trace(ev trace.Event) {
	h.world.scratch = ev
	h.world.emit(h.name)
}

// Local is the process' own address of a connection, zero for one that is not known any more.
func (io *IO) Local(conn protocol.ConnID) netip.AddrPort {
	if e := io.proc.end(conn); e != nil {
		return e.addr
	}
	return netip.AddrPort{}
}

// Global is a connection's number in traces, the same on both ends. It is known until a
// number of later connections have closed too; zero is a connection that is not known.
func (io *IO) Global(conn protocol.ConnID) uint64 {
	if e := io.proc.end(conn); e != nil {
		return e.conn.global
	}
	for _, c := range io.proc.recent {
		if c.id == conn {
			return c.global
		}
	}
	return 0
}
