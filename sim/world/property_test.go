// Whatever happens to hosts, processes and the network, a connection keeps TCP's promises:
// bytes arrive in order, once, and never after the end; and both ends learn of the end.

package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/protocol"
)

// audited is what the test knows of one end of a connection.
type audited struct {
	owner  *auditor
	name   protocol.ConnID
	open   bool // established, and neither closed by its process nor told to be over
	ended  bool
	wrote  []byte
	got    []byte
	events []EventKind
}

// audit has both ends of every connection: the dialer's first.
type audit map[uint64]*[2]audited

// auditor is a process whose connections are audited.
type auditor struct {
	t     *rapid.T
	audit audit
	io    *IO
	dials protocol.ConnID
	alive bool
	host  *Host
	side  int // of its connections: a client dials, a server accepts
	serve bool
}

func (a *auditor) Step(_ time.Time, ev Event, io *IO) {
	a.io = io
	require.True(a.t, a.alive, "event for a dead process")
	require.False(a.t, a.host.Paused(), "event for a paused process")
	if ev.Kind == EventBoot {
		if a.serve {
			io.Listen(serverPort)
		}
		return
	}
	e := a.end(ev.Conn)
	require.False(a.t, e.ended, "%v after the end", ev.Kind)
	e.events = append(e.events, ev.Kind)
	switch ev.Kind {
	case EventDialed, EventAccepted:
		require.False(a.t, e.open)
		e.open = true
		io.Queue(ev.Conn, 30, 10*time.Second)
	case EventReceived:
		require.True(a.t, e.open)
		e.got = append(e.got, ev.Data...)
	case EventClosed, EventDialFailed:
		e.open, e.ended = false, true
	}
	peer := &a.audit[io.Global(ev.Conn)][1-a.side]
	require.LessOrEqual(a.t, len(e.got), len(peer.wrote))
	require.Equal(a.t, string(peer.wrote[:len(e.got)]), string(e.got), "received is a prefix of written")
}

func (a *auditor) end(conn protocol.ConnID) *audited {
	global := a.io.Global(conn)
	require.NotZero(a.t, global)
	if a.audit[global] == nil {
		a.audit[global] = new([2]audited)
	}
	e := &a.audit[global][a.side]
	e.owner, e.name = a, conn
	return e
}

func (a *auditor) dial() {
	a.dials++
	a.io.Dial(a.dials, serverPort)
	a.end(a.dials)
}

func (a *auditor) write(e *audited, data []byte) {
	e.wrote = append(e.wrote, data...)
	a.io.Write(e.name, data)
}

// close ends a connection in one of the three ways that there are.
func (a *auditor) close(e *audited, how int) {
	e.open, e.ended = false, true
	switch how {
	case 0:
		a.io.Abort(e.name)
	case 1:
		a.io.Finish(e.name, time.Second)
	default:
		a.io.Close(e.name)
	}
}

// die ends what the process had; it hears no more.
func (a *auditor) die() {
	a.alive = false
	for _, ends := range a.audit {
		if e := &ends[a.side]; e.owner == a {
			e.open, e.ended = false, true
		}
	}
}

// audits is a world of one server and two clients under audit.
type audits struct {
	*World
	t         *rapid.T
	audit     audit
	hosts     []*Host
	processes []*auditor
	cuts      map[[2]int]bool
}

func newAudits(t *rapid.T) *audits {
	config := Config{
		Seed: rapid.Uint64().Draw(t, "seed"), Split: rapid.Bool().Draw(t, "split"),
		UserTimeout: 20 * time.Second, TimeWait: 5 * time.Second,
	}
	if rapid.Bool().Draw(t, "small buffers") {
		config.ReceiveBuffer, config.Backlog = 30, 1
	}
	if rapid.Bool().Draw(t, "small send buffers") {
		config.SendBuffer = 15
	}
	if rapid.Bool().Draw(t, "few ports") {
		config.PortMin, config.PortMax = 40000, 40002
	}
	a := &audits{World: New(config, nil), t: t, audit: make(audit), cuts: make(map[[2]int]bool)}
	for i, addr := range []string{"10.0.0.1", "10.0.1.1", "10.0.1.2"} {
		a.hosts = append(a.hosts, a.AddHost(addr, addrPort(addr+":1").Addr()))
		a.processes = append(a.processes, nil)
		a.hosts[i].Start(func() Process {
			p := &auditor{t: t, audit: a.audit, alive: true, host: a.hosts[i], serve: i == 0, side: sideDialer}
			if p.serve {
				p.side = sideAcceptor
			}
			a.processes[i] = p
			return p
		})
	}
	a.Run(0)
	return a
}

func (a *audits) drawHost() int { return rapid.IntRange(0, len(a.hosts)-1).Draw(a.t, "host") }

// open are the open ends of processes that run, in order of their numbers.
func (a *audits) open() []*audited {
	var open []*audited
	for global := range a.connections {
		for side := range 2 {
			if ends := a.audit[global+1]; ends != nil && ends[side].open && !ends[side].owner.host.Paused() {
				open = append(open, &ends[side])
			}
		}
	}
	return open
}

func (a *audits) drawEnd() *audited {
	open := a.open()
	if len(open) == 0 {
		return nil
	}
	return open[rapid.IntRange(0, len(open)-1).Draw(a.t, "end")]
}

func (a *audits) actions() map[string]func(*rapid.T) {
	write := func(t *rapid.T) {
		if e := a.drawEnd(); e != nil {
			e.owner.write(e, rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "data"))
		}
	}
	dial := func(*rapid.T) {
		if p := a.processes[1+rapid.IntRange(0, 1).Draw(a.t, "client")]; p.alive && p.io != nil && !p.host.Paused() {
			p.dial()
		}
	}
	wait := func(t *rapid.T) {
		a.Run(a.Elapsed() + time.Duration(rapid.Int64Range(0, int64(2*ms)).Draw(t, "ns")))
	}
	return map[string]func(*rapid.T){
		"dial": dial, "dial more": dial, "write": write, "write more": write, "wait": wait, "wait more": wait,
		"wait long": func(t *rapid.T) {
			a.Run(a.Elapsed() + time.Duration(rapid.IntRange(1, 30_000).Draw(t, "ms"))*ms)
		},
		"close": func(t *rapid.T) {
			if e := a.drawEnd(); e != nil {
				e.owner.close(e, rapid.IntRange(0, 2).Draw(t, "how"))
			}
		},
		"restart": func(*rapid.T) {
			i := a.drawHost()
			a.processes[i].die()
			a.hosts[i].Restart()
		},
		"pause": func(*rapid.T) {
			if h := a.hosts[a.drawHost()]; h.Paused() {
				h.Resume()
			} else {
				h.Pause()
			}
		},
		"power": func(t *rapid.T) {
			i := a.drawHost()
			if a.hosts[i].Up() {
				a.processes[i].die()
				a.hosts[i].PowerOff()
				return
			}
			a.hosts[i].PowerOn()
			a.Run(a.Elapsed())
		},
		"cut": func(*rapid.T) {
			from, to := a.drawHost(), a.drawHost()
			key := [2]int{from, to}
			if a.cuts[key] = !a.cuts[key]; a.cuts[key] {
				a.Cut(a.hosts[from], a.hosts[to])
				return
			}
			a.Heal(a.hosts[from], a.hosts[to])
		},
	}
}

// settle takes all faults back, lets every open end say something, and waits for longer
// than any timer lasts.
func (a *audits) settle() {
	for i, h := range a.hosts {
		for j := range a.hosts {
			if a.cuts[[2]int{i, j}] {
				a.Heal(h, a.hosts[j])
			}
		}
		h.PowerOn()
		h.Resume()
	}
	a.Run(a.Elapsed() + 3*time.Minute)
	for _, e := range a.open() {
		e.owner.write(e, []byte("still there?"))
	}
	a.Run(a.Elapsed() + 3*time.Minute)
}

func TestConnectionsKeepTheirPromises(t *testing.T) {
	established := 0
	rapid.Check(t, func(t *rapid.T) {
		a := newAudits(t)
		t.Repeat(a.actions())
		a.settle()
		for global, ends := range a.audit {
			dialer, acceptor := &ends[sideDialer], &ends[sideAcceptor]
			require.Equal(t, dialer.open, acceptor.open, "connection %d: both ends or none", global)
			if dialer.open {
				established++
				require.Equal(t, string(dialer.wrote), string(acceptor.got), "connection %d", global)
				require.Equal(t, string(acceptor.wrote), string(dialer.got), "connection %d", global)
				continue
			}
			require.True(t, dialer.ended, "connection %d: a dial ends somehow", global)
		}
		_, pending := a.queue.peek()
		require.False(t, pending, "a timer runs on")
		for _, h := range a.hosts {
			h.endLingering()
			for key, e := range h.tuples {
				require.Equal(t, stateEstablished, e.state, "%v is left behind on %s", key, h.name)
			}
		}
	})
	require.NotZero(t, established, "no case had a connection that survived")
}
