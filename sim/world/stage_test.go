// Scripts of what two processes do over TCP, to be played here and by a real kernel. What the
// processes are told is compared in kernel_test.go; here each script is played alone.

package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/a8011091/pegasus-reference/protocol"
)

// stage is a client and a server that a script directs. Connections have the client's
// numbers, on both sides. The server accepts and reads unless it is paused; both close with
// their peer unless they stay open.
type stage interface {
	dial(conn int, port uint16) // port 0: any
	write(side string, conn int, text string)
	close(side string, conn int)
	abort(side string, conn int)
	closeWrite(side string, conn int)
	stayOpen(side string, conn int)
	keepAlive(side string, conn int, idle, interval time.Duration, count int)
	vanish(conn int) // the client's kernel forgets the connection without a word
	lose(from string, lose bool)
	forget() // a firewall between them forgets every flow
	pause(side string)
	resume(side string)
	unlisten()
	wait(d time.Duration)
	result() played
}

const (
	theClient = "client"
	theServer = "server"
)

// settings are those of a script that are not the defaults.
type settings struct {
	backlog     int
	userTimeout time.Duration
	orphans     int           // retries for a connection that no process has any more; 0: Linux's 8
	buffer      int           // bytes that the server's kernel keeps
	sendBuffer  int           // bytes that a kernel takes before they are acknowledged
	delay       time.Duration // of a packet, one way; 0: hardly any
	ports       [2]uint16     // the client's ephemeral ports, first and last
}

// orphanTimeout is that of Linux: what the retries take whose timeouts double from 200 ms on.
func (s *settings) orphanTimeout() time.Duration {
	if s.orphans == 0 {
		return 0
	}
	return time.Duration(2<<s.orphans-1) * 200 * time.Millisecond
}

// played is what became of a script.
type played struct {
	told     []seen            // but for bytes
	received map[string]string // by side and connection
}

// seen is one thing that a process was told.
type seen struct {
	what string // side, event, connection
	at   time.Duration
}

// script is a scene, the section of the RFC that it is from, and how exactly a real kernel's
// instants have to be the simulated ones.
type script struct {
	name, source string
	settings     settings
	play         func(s stage)
	within       time.Duration // 0: defaultWithin
	partly       bool          // how much of what was written arrives is up to the kernel
}

const (
	defaultWithin = 250 * time.Millisecond
	// soon is for what takes one or two ticks of a kernel's clock, 1 to 4 ms each, or none.
	soon = 9 * time.Millisecond
)

func (c *script) tolerance() time.Duration {
	if c.within == 0 {
		return defaultWithin
	}
	return c.within
}

// hello opens connection 1 and waits until both sides know.
func hello(s stage) {
	s.dial(1, 0)
	s.wait(50 * time.Millisecond)
}

// fromPort opens connection 1 from a port of the script's choice.
func fromPort(s stage) {
	s.dial(1, 41000)
	s.wait(50 * time.Millisecond)
}

var scripts = []script{
	{name: "refused", source: "RFC 9293 section 3.10.7.1", play: func(s stage) {
		s.unlisten()
		s.dial(1, 0)
		s.wait(100 * time.Millisecond)
	}},
	{name: "bytes and FIN", source: "RFC 9293 section 3.6", play: func(s stage) {
		hello(s)
		s.write(theClient, 1, "to the server")
		s.write(theServer, 1, "to the client")
		s.wait(50 * time.Millisecond)
		s.close(theClient, 1)
		s.wait(100 * time.Millisecond)
	}},
	{name: "reset", source: "RFC 9293 section 3.10.5", play: func(s stage) {
		hello(s)
		s.abort(theServer, 1)
		s.wait(100 * time.Millisecond)
	}},
	{name: "close with unread bytes", source: "RFC 9293 section 3.6.1, RFC 2525 section 2.17", play: func(s stage) {
		hello(s)
		s.pause(theServer)
		s.write(theClient, 1, "unread")
		s.wait(50 * time.Millisecond)
		s.close(theServer, 1)
		s.wait(100 * time.Millisecond)
	}},
	{name: "bytes that nobody has read when the reset comes", source: "RFC 9293 section 3.10.7.4", play: func(s stage) {
		hello(s)
		s.pause(theServer)
		s.write(theClient, 1, "before the reset")
		s.wait(50 * time.Millisecond)
		s.abort(theClient, 1)
		s.wait(50 * time.Millisecond)
		s.resume(theServer)
		s.wait(100 * time.Millisecond)
	}},
	{name: "FIN that nobody has read", source: "RFC 9293 section 3.6", play: func(s stage) {
		hello(s)
		s.pause(theServer)
		s.write(theClient, 1, "before the FIN")
		s.close(theClient, 1)
		s.wait(300 * time.Millisecond)
		s.resume(theServer)
		s.wait(100 * time.Millisecond)
	}},
	{name: "half close", source: "RFC 9293 section 3.6, case 1", play: func(s stage) {
		hello(s)
		s.stayOpen(theServer, 1)
		s.write(theClient, 1, "question")
		s.closeWrite(theClient, 1)
		s.wait(100 * time.Millisecond)
		s.write(theServer, 1, "answer")
		s.close(theServer, 1)
		s.wait(100 * time.Millisecond)
	}},
	{name: "bytes to a closed end", source: "RFC 9293 section 3.6.1", play: func(s stage) {
		hello(s)
		s.stayOpen(theServer, 1)
		s.close(theClient, 1)
		s.wait(50 * time.Millisecond)
		s.write(theServer, 1, "nobody reads this")
		s.wait(100 * time.Millisecond)
	}},
	{name: "SYN lost once", source: "RFC 6298 section 2", play: func(s stage) {
		s.lose(theClient, true)
		s.dial(1, 0)
		s.wait(500 * time.Millisecond)
		s.lose(theClient, false)
		s.wait(time.Second)
	}},
	{name: "SYN lost twice", source: "RFC 6298 section 5.5", play: func(s stage) {
		s.lose(theClient, true)
		s.dial(1, 0)
		s.wait(1500 * time.Millisecond)
		s.lose(theClient, false)
		s.wait(2 * time.Second)
	}},
	{name: "SYN-ACK lost", source: "RFC 9293 section 3.10.7.4", play: func(s stage) {
		s.lose(theServer, true)
		s.dial(1, 0)
		s.wait(500 * time.Millisecond)
		s.lose(theServer, false)
		s.wait(time.Second)
	}},
	{name: "data lost", source: "RFC 6298 section 5", within: 700 * time.Millisecond, play: func(s stage) {
		hello(s)
		s.lose(theClient, true)
		s.write(theClient, 1, "lost at first")
		s.wait(500 * time.Millisecond)
		s.lose(theClient, false)
		s.wait(1500 * time.Millisecond)
		s.close(theServer, 1)
		s.wait(100 * time.Millisecond)
	}},
	{name: "FIN lost", source: "RFC 9293 section 3.10.8", within: 700 * time.Millisecond, play: func(s stage) {
		hello(s)
		s.lose(theClient, true)
		s.close(theClient, 1)
		s.wait(500 * time.Millisecond)
		s.lose(theClient, false)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "close, and close again, with the FIN under way", source: "RFC 9293 section 3.6, LAST-ACK", within: 700 * time.Millisecond, play: func(s stage) {
		hello(s)
		s.stayOpen(theServer, 1)
		s.closeWrite(theClient, 1)
		s.wait(50 * time.Millisecond)
		s.lose(theServer, true)
		s.closeWrite(theServer, 1)
		s.close(theServer, 1)
		s.wait(500 * time.Millisecond)
		s.lose(theServer, false)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "FIN of an orphan that is given up", source: "RFC 1122 section 4.2.3.5, tcp_orphan_retries of Linux", settings: settings{orphans: 2}, play: func(s stage) {
		hello(s)
		s.lose(theClient, true)
		s.close(theClient, 1)
		s.wait(4 * time.Second)
		s.lose(theClient, false)
		s.wait(3 * time.Second)
	}},
	{name: "FIN of an orphan that is not given up yet", source: "RFC 1122 section 4.2.3.5, tcp_orphan_retries of Linux", within: 700 * time.Millisecond, play: func(s stage) {
		hello(s)
		s.lose(theClient, true)
		s.close(theClient, 1)
		s.wait(4 * time.Second)
		s.lose(theClient, false)
		s.wait(3 * time.Second)
	}},
	{name: "user timeout", source: "RFC 9293 section 3.10.8, RFC 5482", settings: settings{userTimeout: 2 * time.Second}, within: time.Second, play: func(s stage) {
		hello(s)
		s.lose(theClient, true)
		s.write(theClient, 1, "never acknowledged")
		s.wait(4 * time.Second)
	}},
	{name: "half-open connection that is written to", source: "RFC 9293 section 3.5.1", play: func(s stage) {
		hello(s)
		s.vanish(1)
		s.wait(100 * time.Millisecond)
		s.write(theServer, 1, "are you there")
		s.wait(100 * time.Millisecond)
	}},
	{name: "keep-alive of a half-open connection", source: "RFC 9293 section 3.8.4", play: func(s stage) {
		hello(s)
		s.keepAlive(theServer, 1, time.Second, time.Second, 2)
		s.vanish(1)
		s.wait(2 * time.Second)
	}},
	{name: "keep-alive into silence", source: "RFC 9293 section 3.8.4", play: func(s stage) {
		hello(s)
		s.keepAlive(theServer, 1, time.Second, time.Second, 2)
		s.lose(theServer, true)
		s.wait(4 * time.Second)
	}},
	{name: "keep-alive that is not answered", source: "RFC 9293 sections 3.8.4 and 3.10.5", play: func(s stage) {
		hello(s)
		s.keepAlive(theServer, 1, time.Second, time.Second, 2)
		s.lose(theClient, true)
		s.wait(4 * time.Second)
	}},
	{name: "backlog overflow", source: "RFC 4987 section 2.2, listen(2)", settings: settings{backlog: 1}, play: func(s stage) {
		s.pause(theServer)
		for conn := 1; conn <= 3; conn++ {
			s.dial(conn, 0)
			s.wait(20 * time.Millisecond)
		}
		s.wait(200 * time.Millisecond)
		s.resume(theServer)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "shut window", source: "RFC 9293 section 3.8.6", settings: settings{buffer: 8 << 10}, play: func(s stage) {
		hello(s)
		s.pause(theServer)
		for range 200 {
			s.write(theClient, 1, strings.Repeat("0123456789abcdef", 64))
		}
		s.wait(time.Second)
		s.resume(theServer)
		s.wait(time.Second)
	}},
	{name: "full send buffer", source: "RFC 9293 section 3.10.2, send(2)", settings: small, play: func(s stage) {
		hello(s)
		s.pause(theServer)
		writeMuch(s)
		s.wait(time.Second)
		s.resume(theServer)
		s.wait(2 * time.Second)
	}},
	{name: "close with a full send buffer", source: "RFC 9293 sections 3.6 and 3.10.4", settings: small, partly: true, play: func(s stage) {
		hello(s)
		s.pause(theServer)
		writeMuch(s)
		s.wait(100 * time.Millisecond)
		s.close(theClient, 1)
		s.wait(400 * time.Millisecond)
		s.resume(theServer)
		s.wait(2 * time.Second)
	}},
	{name: "half close with a full send buffer", source: "RFC 9293 section 3.6, case 1", settings: small, partly: true, play: func(s stage) {
		hello(s)
		s.pause(theServer)
		writeMuch(s)
		s.wait(100 * time.Millisecond)
		s.closeWrite(theClient, 1)
		s.wait(400 * time.Millisecond)
		s.resume(theServer)
		s.wait(2 * time.Second)
	}},
	{name: "port reused against ESTABLISHED", source: "RFC 5961 section 4", within: soon, play: func(s stage) {
		fromPort(s)
		s.vanish(1)
		s.dial(2, 41000)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "port reused against CLOSE-WAIT", source: "RFC 5961 section 4", within: soon, play: func(s stage) {
		fromPort(s)
		s.stayOpen(theServer, 1)
		s.closeWrite(theClient, 1)
		s.wait(50 * time.Millisecond)
		s.vanish(1)
		s.dial(2, 41000)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "port reused against FIN-WAIT-2", source: "RFC 5961 section 4", within: soon, play: func(s stage) {
		fromPort(s)
		s.stayOpen(theClient, 1)
		s.close(theServer, 1)
		s.wait(50 * time.Millisecond)
		s.vanish(1)
		s.dial(2, 41000)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "port reused against FIN-WAIT-1", source: "RFC 5961 section 4", within: soon, play: func(s stage) {
		fromPort(s)
		s.vanish(1)
		s.lose(theServer, true)
		s.close(theServer, 1)
		s.wait(50 * time.Millisecond)
		s.lose(theServer, false)
		s.dial(2, 41000)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "port reused against LAST-ACK", source: "RFC 5961 section 4", within: soon, play: func(s stage) {
		fromPort(s)
		s.lose(theServer, true)
		s.closeWrite(theClient, 1)
		s.wait(50 * time.Millisecond)
		s.vanish(1)
		s.lose(theServer, false)
		s.dial(2, 41000)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "port reused against TIME-WAIT", source: "RFC 9293 section 3.6.1, MAY-2; RFC 6191", within: soon, play: func(s stage) {
		fromPort(s)
		s.close(theServer, 1)
		s.wait(50 * time.Millisecond)
		s.dial(2, 41000)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "port reused against SYN-RECEIVED", source: "RFC 9293 section 3.10.7.4", within: soon, play: func(s stage) {
		s.lose(theServer, true)
		s.dial(1, 41000)
		s.wait(50 * time.Millisecond)
		s.vanish(1)
		s.lose(theServer, false)
		s.dial(2, 41000)
		s.wait(1500 * time.Millisecond)
	}},
	{name: "port that is in TIME-WAIT here", source: "RFC 9293 section 3.6", within: soon, play: func(s stage) {
		fromPort(s)
		s.close(theClient, 1)
		s.wait(50 * time.Millisecond)
		s.dial(2, 41000)
		s.wait(100 * time.Millisecond)
	}},
	{name: "no ephemeral port left", source: "RFC 6056 section 2.2", settings: settings{ports: [2]uint16{41000, 41001}}, play: func(s stage) {
		for conn := 1; conn <= 3; conn++ {
			s.dial(conn, 0)
			s.wait(20 * time.Millisecond)
		}
		s.close(theServer, 1)
		s.wait(50 * time.Millisecond)
		s.dial(4, 0)
		s.wait(50 * time.Millisecond)
	}},
	{name: "flow that a firewall forgot, written to", source: "RFC 2979 section 3", settings: settings{userTimeout: 2 * time.Second}, within: time.Second, play: func(s stage) {
		hello(s)
		s.forget()
		s.write(theClient, 1, "nobody hears this")
		s.dial(2, 0)
		s.wait(4 * time.Second)
	}},
	{name: "flow that a firewall forgot, kept alive", source: "RFC 5382 section 5, REQ-5", play: func(s stage) {
		hello(s)
		s.keepAlive(theServer, 1, time.Second, time.Second, 2)
		s.forget()
		s.wait(4 * time.Second)
	}},
	{name: "far handshake", source: "RFC 9293 section 3.5", settings: far, play: func(s stage) {
		s.dial(1, 0)
		s.wait(time.Second)
	}},
	{name: "far refusal", source: "RFC 9293 section 3.10.7.1", settings: far, play: func(s stage) {
		s.unlisten()
		s.dial(1, 0)
		s.wait(time.Second)
	}},
	{name: "handshake that takes longer than the first SYN's timer", source: "RFC 6298 section 2", settings: settings{delay: 700 * time.Millisecond}, play: func(s stage) {
		s.dial(1, 0)
		s.wait(4 * time.Second)
	}},
	{name: "far bytes and FIN", source: "RFC 9293 section 3.6", settings: far, play: func(s stage) {
		farHello(s)
		s.write(theClient, 1, "to the server")
		s.close(theServer, 1)
		s.wait(time.Second)
	}},
	{name: "simultaneous close", source: "RFC 9293 section 3.6, figure 13", settings: far, play: func(s stage) {
		farHello(s)
		s.closeWrite(theClient, 1)
		s.closeWrite(theServer, 1)
		s.wait(time.Second)
	}},
	{name: "bytes that cross a FIN", source: "RFC 9293 section 3.6.1", settings: far, play: func(s stage) {
		farHello(s)
		s.stayOpen(theServer, 1)
		s.close(theClient, 1)
		s.write(theServer, 1, "under way when the client was gone")
		s.wait(time.Second)
	}},
	{name: "bytes that cross a reset", source: "RFC 9293 section 3.10.7.4", settings: far, play: func(s stage) {
		farHello(s)
		s.abort(theServer, 1)
		s.write(theClient, 1, "under way when the server was gone")
		s.wait(time.Second)
	}},
	{name: "far half-open connection that is written to", source: "RFC 9293 section 3.5.1", settings: far, play: func(s stage) {
		farHello(s)
		s.vanish(1)
		s.write(theServer, 1, "are you there")
		s.wait(time.Second)
	}},
	{name: "far port reused against ESTABLISHED", source: "RFC 5961 section 4", settings: far, play: func(s stage) {
		s.dial(1, 41000)
		s.wait(time.Second)
		s.vanish(1)
		s.dial(2, 41000)
		s.wait(2 * time.Second)
	}},
	{name: "far port reused against FIN-WAIT-2", source: "RFC 5961 section 4", settings: far, play: func(s stage) {
		s.dial(1, 41000)
		s.wait(time.Second)
		s.stayOpen(theClient, 1)
		s.close(theServer, 1)
		s.wait(time.Second)
		s.vanish(1)
		s.dial(2, 41000)
		s.wait(2 * time.Second)
	}},
}

// small are buffers that soon are full.
var small = settings{buffer: 8 << 10, sendBuffer: 8 << 10}

// writeMuch writes more than they take together, in writes of different sizes.
func writeMuch(s stage) {
	for i := range 100 {
		s.write(theClient, 1, strings.Repeat(string(rune('A'+i%50)), 1+i%4*500))
	}
}

// far is a network on which a packet travels long enough to cross others.
var far = settings{delay: 100 * time.Millisecond}

// farHello is hello where it takes longer.
func farHello(s stage) {
	s.dial(1, 0)
	s.wait(time.Second)
}

// simulated is the stage in this package.
type simulated struct {
	*fixture
	names map[protocol.ConnID]int // the server's, by its own
	ids   map[int]protocol.ConnID
	log   played
}

func newSimulated(t *testing.T, set settings) *simulated {
	delay := max(set.delay, 50*time.Microsecond)
	config := Config{Seed: 1, LatencyMin: delay, LatencyMax: delay, PortMin: set.ports[0], PortMax: set.ports[1],
		UserTimeout: set.userTimeout, OrphanTimeout: set.orphanTimeout(), ReceiveBuffer: set.buffer, SendBuffer: set.sendBuffer, Backlog: set.backlog}
	s := &simulated{fixture: newFixture(t, config), names: map[protocol.ConnID]int{}, ids: map[int]protocol.ConnID{}, log: played{received: map[string]string{}}}
	s.onClient = func(_ *actor, ev Event) { s.tell(theClient, int(ev.Conn), ev) }
	s.onServer = func(a *actor, ev Event) {
		if ev.Kind == EventAccepted {
			s.adopt(a, ev.Conn)
		}
		s.tell(theServer, s.names[ev.Conn], ev)
	}
	return s
}

// adopt finds the client's number of a connection that the server accepts.
func (s *simulated) adopt(a *actor, id protocol.ConnID) {
	global := a.io.Global(id)
	for conn := range protocol.ConnID(10) {
		if s.c.io.Global(conn) == global {
			s.names[id], s.ids[int(conn)] = int(conn), id
		}
	}
}

func (s *simulated) tell(side string, conn int, ev Event) {
	var what string
	switch ev.Kind {
	case EventDialed:
		what = "dialed"
	case EventDialFailed:
		what = "dial failed: " + ev.Why.String()
	case EventAccepted:
		what = "accepted"
	case EventReceived:
		s.log.received[fmt.Sprint(side, " ", conn)] += string(ev.Data)
		return
	case EventClosed:
		what = "closed: " + ev.Why.String()
	case EventPeerDone:
		what = "peer done"
	default:
		return
	}
	s.log.told = append(s.log.told, seen{fmt.Sprintf("%s %d %s", side, conn, what), s.Elapsed()})
}

func (s *simulated) end(side string, conn int) (*IO, protocol.ConnID) {
	if side == theServer {
		return s.s.io, s.ids[conn]
	}
	return s.c.io, protocol.ConnID(conn)
}

func (s *simulated) dial(conn int, port uint16) {
	s.c.io.DialFrom(protocol.ConnID(conn), port, serverPort)
}
func (s *simulated) write(side string, conn int, text string) {
	io, id := s.end(side, conn)
	io.Write(id, []byte(text))
}
func (s *simulated) close(side string, conn int)      { io, id := s.end(side, conn); io.Close(id) }
func (s *simulated) abort(side string, conn int)      { io, id := s.end(side, conn); io.Abort(id) }
func (s *simulated) closeWrite(side string, conn int) { io, id := s.end(side, conn); io.CloseWrite(id) }
func (s *simulated) stayOpen(side string, conn int)   { io, id := s.end(side, conn); io.StayOpen(id) }
func (s *simulated) keepAlive(side string, conn int, idle, interval time.Duration, count int) {
	io, id := s.end(side, conn)
	io.KeepAlive(id, idle, interval, count)
}
func (s *simulated) vanish(conn int) { s.World.vanish(s.c.io.proc.ends[protocol.ConnID(conn)]) }
func (s *simulated) lose(from string, lose bool) {
	a, b := s.client, s.server
	if from == theServer {
		a, b = b, a
	}
	if lose {
		s.Cut(a, b)
	} else {
		s.Heal(a, b)
	}
}
func (s *simulated) forget() { s.ForgetFlows(s.client, s.server, ForgottenDropped) }
func (s *simulated) host(side string) *Host {
	if side == theServer {
		return s.server
	}
	return s.client
}
func (s *simulated) pause(side string)    { s.host(side).Pause() }
func (s *simulated) resume(side string)   { s.host(side).Resume() }
func (s *simulated) unlisten()            { clear(s.server.listeners) }
func (s *simulated) wait(d time.Duration) { s.runFor(d) }
func (s *simulated) result() played       { return s.log }

func (p played) String() string {
	var b strings.Builder
	for _, s := range p.told {
		fmt.Fprintf(&b, "%8.3f s  %s\n", s.at.Seconds(), s.what)
	}
	for _, key := range slices.Sorted(maps.Keys(p.received)) {
		text := p.received[key]
		fmt.Fprintf(&b, "%s received %d bytes: %.40q\n", key, len(text), text)
	}
	return b.String()
}

// Every script brings something about, and the same each time.
func TestScriptsPlay(t *testing.T) {
	for _, c := range scripts {
		t.Run(c.name, func(t *testing.T) {
			assert.Regexp(t, `RFC \d+ sections? \d|RFC \d+$`, c.source)
			var results []string
			for range 2 {
				s := newSimulated(t, c.settings)
				c.play(s)
				results = append(results, s.result().String())
			}
			assert.NotEmpty(t, results[0])
			assert.Equal(t, results[0], results[1])
		})
	}
}
