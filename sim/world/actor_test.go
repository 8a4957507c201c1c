// The process that the tests run: it writes down what it is told, and does what a test asks.

package world

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// told is one line of an actor's log.
type told struct {
	at   time.Duration
	what string
}

// actor remembers every event; on, if set, reacts to it.
type actor struct {
	io   *IO
	log  []told
	got  map[protocol.ConnID][]byte
	seen []protocol.ConnID // accepted, in order
	on   func(a *actor, ev Event)
}

func (a *actor) Step(now time.Time, ev Event, io *IO) {
	a.io = io
	a.log = append(a.log, told{now.Sub(epoch), describe(ev)})
	switch ev.Kind {
	case EventReceived:
		a.got[ev.Conn] = append(a.got[ev.Conn], ev.Data...)
	case EventAccepted:
		a.seen = append(a.seen, ev.Conn)
	}
	if a.on != nil {
		a.on(a, ev)
	}
}

func describe(ev Event) string {
	switch ev.Kind {
	case EventBoot:
		return "boot"
	case EventDialed:
		return fmt.Sprintf("dialed %x", uint64(ev.Conn))
	case EventDialFailed:
		return fmt.Sprintf("dial-failed %x %v", uint64(ev.Conn), ev.Why)
	case EventAccepted:
		return fmt.Sprintf("accepted %d", uint32(ev.Conn))
	case EventReceived:
		return fmt.Sprintf("received %d %s", uint32(ev.Conn), ev.Data)
	case EventClosed:
		return fmt.Sprintf("closed %d %v", uint32(ev.Conn), ev.Why)
	case EventTimer:
		return fmt.Sprintf("timer %d", uint64(ev.Timer))
	case EventPeerDone:
		return fmt.Sprintf("peer-done %d", uint32(ev.Conn))
	case EventPost:
		return fmt.Sprintf("post %v", ev.Value)
	}
	return "?"
}

// lines are what the actor was told, without the boot and without times.
func (a *actor) lines() []string {
	var out []string
	for _, t := range a.log {
		if t.what != "boot" {
			out = append(out, t.what)
		}
	}
	return out
}

// when is the instant of the first line that reads so; negative if there is none.
func (a *actor) when(what string) time.Duration {
	for _, t := range a.log {
		if t.what == what {
			return t.at
		}
	}
	return -1
}

// fixture is two hosts, client and server; the server listens.
type fixture struct {
	*World
	client, server *Host
	c, s           *actor // the latest incarnations
	hash           *trace.Hasher
	record         *trace.Recorder
	onClient       func(a *actor, ev Event)
	onServer       func(a *actor, ev Event)
}

var (
	clientAddr = netip.MustParseAddr("10.0.1.1")
	serverAddr = netip.MustParseAddr("10.0.0.1")
	serverPort = netip.AddrPortFrom(serverAddr, 34801)
)

// oneMillisecond is a network whose every packet takes 1 ms.
func oneMillisecond() Config {
	return Config{Seed: 1, LatencyMin: time.Millisecond, LatencyMax: time.Millisecond}
}

func newFixture(t *testing.T, config Config) *fixture {
	t.Helper()
	f := &fixture{hash: trace.NewHasher(), record: trace.NewRecorder(1 << 20)}
	f.World = New(config, trace.Fanout{f.hash, f.record})
	f.server = f.AddHost("server", serverAddr)
	f.client = f.AddHost("client", clientAddr)
	f.server.Start(func() Process {
		f.s = newActor(func(a *actor, ev Event) {
			if ev.Kind == EventBoot {
				a.io.Listen(serverPort)
			}
			if f.onServer != nil {
				f.onServer(a, ev)
			}
		})
		return f.s
	})
	f.client.Start(func() Process {
		f.c = newActor(func(a *actor, ev Event) {
			if f.onClient != nil {
				f.onClient(a, ev)
			}
		})
		return f.c
	})
	f.Run(0)
	return f
}

func newActor(on func(*actor, Event)) *actor {
	return &actor{got: make(map[protocol.ConnID][]byte), on: on}
}

// connected is a fixture with connection 1 established on both ends at 10 ms.
func connected(t *testing.T, config Config) *fixture {
	t.Helper()
	f := newFixture(t, config)
	f.c.io.Dial(1, serverPort)
	f.Run(10 * time.Millisecond)
	if len(f.s.seen) != 1 || f.c.when("dialed 1") < 0 {
		t.Fatal("the handshake did not complete")
	}
	return f
}

// accepted is the server's name of the only connection.
func (f *fixture) accepted() protocol.ConnID { return f.s.seen[0] }

// onlyEnd is what a host's kernel knows of its only connection.
func (f *fixture) onlyEnd(h *Host) *end {
	for _, e := range h.tuples {
		return e
	}
	return nil
}

// runFor lets some time pass.
func (f *fixture) runFor(d time.Duration) { f.Run(f.Elapsed() + d) }

// knows is how many connections a host's kernel knows.
func knows(h *Host) int {
	h.endLingering()
	return len(h.tuples)
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
