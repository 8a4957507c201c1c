// What disturbs the network: partitions, delay, clogs, slow handshakes. Each is counted, so
// that several may overlap, and each is taken back by the opposite call.

package world

import (
	"fmt"
	"time"

	"github.com/a8011091/pegasus-reference/trace"
)

// disturbance is what is wrong with one direction between two hosts.
type disturbance struct {
	cuts    int   // partitions in force
	extra   int64 // delays in force, together
	clogged int64 // until when nothing leaves
}

// leaves is when a packet that is sent at an instant sets out on its latency.
func (d *disturbance) leaves(at int64) int64 { return max(at, d.clogged) + d.extra }

func (w *World) tellDisturbance(from, to *Host, format string, args ...any) {
	w.scratch = trace.Event{Kind: trace.KindFault, Note: fmt.Sprintf(format, args...) + " " + from.name + " to " + to.name}
	w.emit(from.name)
}

// Cut drops every packet from one host to another, also those under way, until Heal is
// called as often as Cut. Acknowledgements are no packets: who sends into an open direction
// does not notice that the other is cut.
func (w *World) Cut(from, to *Host) {
	from.linkTo(to).cuts++
	w.tellDisturbance(from, to, "cut")
}

// Heal takes one Cut back.
func (w *World) Heal(from, to *Host) {
	l := from.linkTo(to)
	l.cuts = max(l.cuts-1, 0)
	w.tellDisturbance(from, to, "heal")
}

// Partition cuts both directions.
func (w *World) Partition(a, b *Host) {
	w.Cut(a, b)
	w.Cut(b, a)
}

// HealPartition takes one Partition back.
func (w *World) HealPartition(a, b *Host) {
	w.Heal(a, b)
	w.Heal(b, a)
}

// Delay has every packet from one host to another travel longer by so much, until it is
// taken back with a Delay of the opposite sign. Packets of a connection stay in order.
func (w *World) Delay(from, to *Host, by time.Duration) {
	l := from.linkTo(to)
	l.extra = max(l.extra+int64(by), 0)
	w.tellDisturbance(from, to, "delay %v", by)
}

// Clog holds every packet that one host sends to another for so long; then all leave.
func (w *World) Clog(from, to *Host, d time.Duration) {
	l := from.linkTo(to)
	l.clogged = max(l.clogged, w.now+int64(d))
	w.tellDisturbance(from, to, "clog for %v", d)
}

// SlowHandshake has the host's kernel answer each SYN later by so much, as one that is
// flooded does, until it is taken back with the opposite sign.
func (h *Host) SlowHandshake(by time.Duration) {
	h.handshakeDelay = max(h.handshakeDelay+int64(by), 0)
	h.world.scratch = trace.Event{Kind: trace.KindFault, Note: fmt.Sprintf("slow handshake %v", by)}
	h.world.emit(h.name)
}
