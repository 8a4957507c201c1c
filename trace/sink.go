// Where events go: the Sink interface, a fan-out and a bounded recorder in memory.

package trace

// Sink takes events in the order in which they happen. It must not keep ev or ev.Data
// beyond the call: the caller uses both again.
type Sink interface {
	Emit(ev *Event)
}

// Fanout hands every event to each of its sinks in turn. An empty one discards.
type Fanout []Sink

// Emit implements Sink.
func (f Fanout) Emit(ev *Event) {
	for _, s := range f {
		s.Emit(ev)
	}
}

// Recorder is a Sink that keeps the latest events in memory, without their Data.
type Recorder struct {
	limit   int
	next    int // where the next event goes once the ring is full
	ring    []Event
	dropped uint64
}

// NewRecorder keeps at most limit events (at least one).
func NewRecorder(limit int) *Recorder { return &Recorder{limit: max(limit, 1)} }

// Emit implements Sink. At the limit the oldest event makes room.
func (r *Recorder) Emit(ev *Event) {
	if len(r.ring) < r.limit {
		r.ring = append(r.ring, *ev)
		r.ring[len(r.ring)-1].Data = nil
		return
	}
	r.ring[r.next] = *ev
	r.ring[r.next].Data = nil
	r.next = (r.next + 1) % r.limit
	r.dropped++
}

// Events is a copy of what is kept, oldest first.
func (r *Recorder) Events() []Event {
	out := make([]Event, 0, len(r.ring))
	out = append(out, r.ring[r.next:]...)
	return append(out, r.ring[:r.next]...)
}

// Len is the number of events that are kept.
func (r *Recorder) Len() int { return len(r.ring) }

// Dropped is how many events made room for later ones. A judge that needs the whole
// trace must not pass one of which something was dropped.
func (r *Recorder) Dropped() uint64 { return r.dropped }
