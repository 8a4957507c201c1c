// Events of real processes: stamped with the time since the recording began, and put in
// one order.

package trace

import (
	"sync"
	"sync/atomic"
	"time"
)

// Live is one recording of real clients and servers in one process. Whoever emits does so
// before what the event tells of can be seen elsewhere (before bytes are written, before a
// socket is closed), so that the order of the events is one of cause and effect. It may be
// used by any number of goroutines; the sink is called by one at a time.
type Live struct {
	mu      sync.Mutex
	sink    Sink
	started time.Time
	conns   atomic.Uint64
}

// NewLive begins a recording: its time zero is now.
func NewLive(sink Sink) *Live { return &Live{sink: sink, started: time.Now()} }

// Node is a client's or server's way into the recording, under its name in it.
func (l *Live) Node(name string) *Node { return &Node{live: l, name: name} }

// Node adds the events of one client or server to a recording.
type Node struct {
	live *Live
	name string
}

// NextConn numbers a connection's end. A real driver does not know the number that the
// other end has: there the addresses of connected and accept tell which belong together.
func (n *Node) NextConn() uint64 { return n.live.conns.Add(1) }

// Emit implements Sink. It sets the event's time and node.
func (n *Node) Emit(ev *Event) {
	n.live.mu.Lock()
	defer n.live.mu.Unlock()
	ev.AtNS, ev.Node = int64(time.Since(n.live.started)), n.name
	n.live.sink.Emit(ev)
}
