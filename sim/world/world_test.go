// Time, timers, posts, restarts, configuration, and that the seed decides everything.

package world

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

func TestTimeBeginsAtTheEpochAndStopsWhereRunIsTold(t *testing.T) {
	w := New(Config{}, nil)
	assert.Equal(t, "2026-01-01T00:00:00Z", w.Now().Format(time.RFC3339Nano))
	var order []string
	w.At(2*time.Second, func() { order = append(order, "b") })
	w.At(time.Second, func() {
		order = append(order, "a")
		w.At(0, func() { order = append(order, "the past is now") })
		w.After(time.Second, func() { order = append(order, "c, after b by insertion") })
	})
	w.At(2*time.Second+1, func() { order = append(order, "too late") })
	w.Run(2 * time.Second)
	assert.Equal(t, []string{"a", "the past is now", "b", "c, after b by insertion"}, order)
	assert.Equal(t, 2*time.Second, w.Elapsed())
	assert.Equal(t, uint64(4), w.Steps())
	w.Run(time.Second)
	assert.Equal(t, 2*time.Second, w.Elapsed(), "time does not run backwards")
}

func TestRunUntilStopsAtTheConditionOrTheLimit(t *testing.T) {
	w := New(Config{}, nil)
	n := 0
	for i := range 10 {
		w.At(time.Duration(i)*time.Second, func() { n++ })
	}
	assert.True(t, w.RunUntil(func() bool { return n == 3 }, time.Hour))
	assert.Equal(t, 2*time.Second, w.Elapsed())
	assert.False(t, w.RunUntil(func() bool { return n == 11 }, time.Hour))
	assert.Equal(t, time.Hour, w.Elapsed())
	assert.True(t, w.RunUntil(func() bool { return n == 10 }, 0), "asked before anything happens")
}

func TestTimersFireOnceAtTheLatestArming(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Arm(1, 10*ms)
	f.c.io.Arm(2, 20*ms)
	f.c.io.Arm(3, 30*ms)
	f.c.io.Arm(1, 40*ms)
	f.c.io.Stop(2)
	f.c.io.Stop(99)
	f.Run(time.Second)
	f.c.io.Stop(3) // has fired
	assert.Equal(t, []string{"timer 3", "timer 1"}, f.c.lines())
	assert.Equal(t, 40*ms, f.c.when("timer 1"))
}

func TestPostsComeBackInOrder(t *testing.T) {
	f := newFixture(t, oneMillisecond())
	f.c.io.Post(2*ms, "second")
	f.c.io.Post(ms, "first")
	f.c.io.Post(2*ms, "third")
	f.Run(time.Second)
	assert.Equal(t, []string{"post first", "post second", "post third"}, f.c.lines())
}

// TestNothingReachesADeadProcess: timers, posts, bytes, dials and FINs that are under way when
// it is killed are neither told to it nor to its successor.
func TestNothingReachesADeadProcess(t *testing.T) {
	for name, kill := range map[string]func(h *Host){
		"kill":       (*Host).Kill,
		"restart":    (*Host).Restart,
		"power loss": func(h *Host) { h.PowerOff(); h.PowerOn() },
	} {
		f := connected(t, oneMillisecond())
		old := f.c
		old.io.Arm(1, 10*ms)
		old.io.Post(10*ms, "x")
		old.io.Dial(2, serverPort)
		f.s.io.Write(f.accepted(), []byte("late"))
		f.s.io.Close(f.accepted())
		kill(f.client)
		old.io.Arm(2, ms)
		old.io.Post(ms, "y")
		old.io.Dial(3, serverPort)
		old.io.Write(1, []byte("z"))
		old.io.Close(1)
		f.runFor(time.Minute)
		assert.Equal(t, []string{"dialed 1"}, old.lines(), name)
		if f.c != old {
			assert.Empty(t, f.c.lines(), name)
		}
		assert.NotContains(t, f.s.lines(), "accepted 2", name)
	}
}

func TestRestartMakesANewProcessAndKeepsWhatTheFactoryKeeps(t *testing.T) {
	w := New(oneMillisecond(), nil)
	storage := 0
	boots := 0
	h := w.AddHost("h", clientAddr)
	assert.False(t, h.Up())
	h.Start(func() Process {
		volatile := 0
		return newActor(func(_ *actor, ev Event) {
			if ev.Kind == EventBoot {
				boots++
				storage++
				volatile++
				assert.Equal(t, 1, volatile)
			}
		})
	})
	assert.True(t, h.Up())
	w.Run(0)
	h.Kill()
	assert.False(t, h.Up())
	h.Kill()
	h.Restart()
	h.Restart() // before the other booted: that one never does
	w.Run(ms)
	h.PowerOff()
	h.PowerOff()
	h.Restart() // without power
	w.Run(2 * ms)
	assert.Equal(t, 2, boots)
	h.PowerOn()
	h.PowerOn()
	w.Run(3 * ms)
	assert.Equal(t, 3, boots)
	assert.Equal(t, 3, storage)
	assert.Equal(t, "h", h.Name())
}

// TestProcessMayDieWhileItIsTold kills a process from inside its own step, whatever it is told.
func TestProcessMayDieWhileItIsTold(t *testing.T) {
	for kind := EventBoot; kind <= EventPost; kind++ {
		for name, die := range map[string]func(h *Host){"kill": (*Host).Kill, "power": (*Host).PowerOff} {
			f := newFixture(t, oneMillisecond())
			died := false
			f.onClient = func(a *actor, ev Event) {
				switch {
				case ev.Kind == kind:
					died = true
					die(f.client)
				case ev.Kind == EventBoot:
					a.io.Listen(addrPort("10.0.1.1:80"))
					a.io.Dial(1, serverPort)
					a.io.Dial(2, addrPort("10.0.0.1:1"))
					a.io.Arm(1, 5*ms)
					a.io.Post(6*ms, nil)
				}
			}
			f.onServer = func(a *actor, ev Event) {
				if ev.Kind == EventAccepted {
					a.io.Dial(1, addrPort("10.0.1.1:80"))
					a.io.Write(ev.Conn, []byte("x"))
					a.io.Close(ev.Conn)
				}
			}
			f.client.Restart()
			f.runFor(time.Hour)
			assert.True(t, died, "%s at event %d", name, kind)
			assert.False(t, f.client.Up())
			f.server.Kill()
			f.runFor(time.Hour)
			assert.Zero(t, knows(f.server), "%s at event %d", name, kind)
		}
	}
}

// TestDeathDuringAnEndClosesTheOthers: the kernel forgets none of a dead process' connections.
func TestDeathDuringAnEndClosesTheOthers(t *testing.T) {
	f := connected(t, oneMillisecond())
	f.c.io.Dial(2, serverPort)
	f.runFor(10 * ms)
	f.onClient = func(_ *actor, ev Event) {
		if ev.Kind == EventClosed {
			f.client.Kill()
		}
	}
	f.s.io.Close(f.accepted())
	f.runFor(time.Second)
	assert.Equal(t, []string{"accepted 1", "accepted 2", "closed 2 fin"}, f.s.lines())
}

func TestGlobalIsKnownForAWhileAfterTheEnd(t *testing.T) {
	f := connected(t, oneMillisecond())
	assert.Equal(t, uint64(1), f.c.io.Global(1))
	f.c.io.Close(1)
	assert.Equal(t, uint64(1), f.c.io.Global(1))
	for id := range protocol.ConnID(recentConns) {
		f.c.io.Dial(id+2, serverPort)
		f.c.io.Close(id + 2)
	}
	assert.Zero(t, f.c.io.Global(1))
	assert.Zero(t, f.c.io.Global(0))
}

func TestMisuseIsRefused(t *testing.T) {
	f := connected(t, oneMillisecond())
	assert.PanicsWithValue(t, "world: client dials with the connection name 0x1, which is zero, the world's or used",
		func() { f.c.io.Dial(1, serverPort) })
	assert.Panics(t, func() { f.c.io.Dial(0, serverPort) })
	assert.Panics(t, func() { f.c.io.Dial(AcceptOwner+7, serverPort) })
	assert.PanicsWithValue(t, "world: client (10.0.1.1) cannot listen on 10.0.0.1:34801", func() { f.c.io.Listen(serverPort) })
	assert.Panics(t, func() { f.AddHost("client", netip.MustParseAddr("10.0.1.2")) })
	assert.Panics(t, func() { f.AddHost("other", clientAddr) })
	for _, wrong := range []Config{
		{LatencyMin: 2, LatencyMax: 1}, {LatencyMin: -1, LatencyMax: 1}, {ReadDelay: -1},
		{PortMin: 2, PortMax: 1}, {PortMax: 1}, {SYNRetries: -1}, {SYNRetries: 17},
		{UserTimeout: -1}, {TimeWait: -1}, {SendBuffer: -1},
	} {
		require.Error(t, wrong.Check(), "%+v", wrong)
		assert.Panics(t, func() { New(wrong, nil) })
	}
	assert.NoError(t, Config{}.Check())
}

// TestStreamsArePinned fails when the generator or its keys change: every seed of every
// report would mean another run.
func TestStreamsArePinned(t *testing.T) {
	r := Stream(0x5eed, "pinned")
	assert.Equal(t, []int64{41, 181, 148, 542825509602589414}, []int64{r.Int64N(1000), r.Int64N(1000), r.Int64N(1000), r.Int64N(1 << 60)})
}

func TestADrawInOneStreamShiftsNoOther(t *testing.T) {
	draws := func(before int) []uint64 {
		w := New(Config{Seed: 7}, nil)
		for range before {
			w.Stream("added").Uint64()
		}
		return []uint64{w.Stream("kept").Uint64(), w.Stream("kept").Uint64(), w.Stream("kep").Uint64()}
	}
	assert.Equal(t, draws(0), draws(1000))
	kept := draws(0)
	assert.NotEqual(t, kept[0], kept[1], "a stream goes on where it was")
	assert.NotEqual(t, kept[0], kept[2])
	assert.NotEqual(t, Stream(1, "x").Uint64(), Stream(2, "x").Uint64())
}

// TestAnotherPairOfHostsShiftsNothing: traffic of other hosts leaves every instant and piece
// of a pair's traffic as it is.
func TestAnotherPairOfHostsShiftsNothing(t *testing.T) {
	play := func(others bool) []told {
		f := newFixture(t, Config{Seed: 3, Split: true})
		if others {
			startEcho(f.World, "x", netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.1.0.2"))
		}
		f.onClient = func(a *actor, ev Event) {
			if ev.Kind == EventDialed || ev.Kind == EventReceived {
				a.io.Write(ev.Conn, []byte("some bytes"))
			}
		}
		f.onServer = func(a *actor, ev Event) {
			if ev.Kind == EventReceived {
				a.io.Write(ev.Conn, []byte("answer"))
			}
		}
		f.c.io.Dial(1, serverPort)
		f.Run(20 * ms)
		return append(f.c.log, f.s.log...)
	}
	alone := play(false)
	assert.Greater(t, len(alone), 20)
	assert.Equal(t, alone, play(true))
}

// startEcho adds two hosts that exchange a message for ever.
func startEcho(w *World, name string, a, b netip.Addr) {
	addr := netip.AddrPortFrom(a, 1000)
	message := []byte("0123456789abcdef0123456789abcdef")
	w.AddHost(name+"-server", a).Start(func() Process { return &echo{listen: addr, message: message} })
	w.AddHost(name+"-client", b).Start(func() Process { return &echo{dial: addr, message: message} })
}

// echo dials or listens, and answers every read with a message.
type echo struct {
	listen, dial netip.AddrPort
	message      []byte
}

func (e *echo) Step(_ time.Time, ev Event, io *IO) {
	switch ev.Kind {
	case EventBoot:
		if e.listen.IsValid() {
			io.Listen(e.listen)
		} else {
			io.Dial(1, e.dial)
		}
	case EventDialed, EventReceived:
		io.Write(ev.Conn, e.message)
	}
}

// chaos is a run in which everything happens; payload is one of the bytes that travel.
func chaos(seed uint64, payload byte) *trace.Hasher {
	hash := trace.NewHasher()
	w := New(Config{Seed: seed, Split: true, UserTimeout: 10 * time.Second}, hash)
	faults := w.Stream("faults")
	var hosts []*Host
	addr := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 34801)
	}
	for i := range 6 {
		h := w.AddHost(fmt.Sprintf("node-%d", i), addr(i).Addr())
		h.Start(func() Process { return &gossip{addr: addr, self: i, payload: payload} })
		hosts = append(hosts, h)
	}
	for at := time.Duration(0); at < 20*time.Second; at += time.Duration(faults.Int64N(int64(500 * ms))) {
		a, b, down := hosts[faults.IntN(6)], hosts[faults.IntN(6)], time.Duration(faults.Int64N(int64(3*time.Second)))
		switch faults.IntN(3) {
		case 0:
			w.At(at, a.Kill)
			w.At(at+down, a.Restart)
		case 1:
			w.At(at, a.PowerOff)
			w.At(at+down, a.PowerOn)
		case 2:
			w.At(at, func() { w.Partition(a, b) })
			w.At(at+down, func() { w.HealPartition(a, b) })
		}
	}
	w.Run(30 * time.Second)
	return hash
}

// gossip dials others now and then and talks on every connection; it hangs up sometimes.
type gossip struct {
	addr    func(int) netip.AddrPort
	self    int
	payload byte
	next    protocol.ConnID
}

func (g *gossip) Step(_ time.Time, ev Event, io *IO) {
	switch ev.Kind {
	case EventBoot:
		io.Listen(g.addr(g.self))
		io.Arm(1, ms)
	case EventTimer:
		g.next++
		io.Dial(g.next, g.addr(io.Rand().IntN(7))) // one address too many
		io.Arm(ev.Timer+1, time.Duration(io.Rand().Int64N(int64(100*ms))))
	case EventDialed, EventReceived:
		switch io.Rand().IntN(20) {
		case 0:
			io.Close(ev.Conn)
		case 1:
			io.Abort(ev.Conn)
		default:
			io.Post(time.Duration(io.Rand().Int64N(int64(20*ms))), ev.Conn)
		}
	case EventPost:
		io.Write(ev.Value.(protocol.ConnID), []byte{1, 2, 3, g.payload, 5, 6, 7})
	}
}

func TestTheSeedDecidesEverything(t *testing.T) {
	first := chaos(0x5eed, 4)
	assert.Greater(t, first.Events(), uint64(10_000))
	assert.Equal(t, first.String(), chaos(0x5eed, 4).String(), "the same seed")
	assert.NotEqual(t, first.String(), chaos(0x5eee, 4).String(), "another seed")
	assert.NotEqual(t, first.String(), chaos(0x5eed, 5).String(), "another byte on the wire")

	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	one := chaos(0x5eed, 4).String()
	runtime.GOMAXPROCS(4)
	assert.Equal(t, one, chaos(0x5eed, 4).String(), "whatever the number of threads")
	assert.Equal(t, "v1-f0bc3f0f798c6d89", one, "and on every machine")
}

// TestSteadyStateDoesNotAllocate: bytes, timers and posts over open connections.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	for _, split := range []bool{false, true} {
		w := New(Config{Seed: 1, Split: split}, trace.NewHasher())
		for i := range 4 {
			startEcho(w, fmt.Sprint(i), netip.AddrFrom4([4]byte{10, 0, byte(i), 1}), netip.AddrFrom4([4]byte{10, 0, byte(i), 2}))
		}
		w.AddHost("timers", netip.MustParseAddr("10.9.0.1")).Start(func() Process { return rearm{} })
		w.Run(time.Second)
		steps := w.Steps()
		allocs := testing.AllocsPerRun(10, func() { w.Run(w.Elapsed() + 100*ms) })
		assert.Greater(t, w.Steps()-steps, uint64(1000))
		assert.Zero(t, allocs, "split %v", split)
	}
}

// rearm keeps a timer that fires and one that never does.
type rearm struct{}

func (rearm) Step(_ time.Time, _ Event, io *IO) {
	io.Arm(1, 50*time.Microsecond)
	io.Arm(2, time.Hour)
}

// BenchmarkPingPong is a message each way on many connections, every packet and byte hashed.
func BenchmarkPingPong(b *testing.B) {
	for _, pairs := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("pairs=%d", pairs), func(b *testing.B) {
			w := New(Config{Seed: 1}, trace.NewHasher())
			for i := range pairs {
				startEcho(w, fmt.Sprint(i), netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 2}))
			}
			w.Run(10 * ms)
			b.ReportAllocs()
			for b.Loop() {
				w.next(1 << 62)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkConnect is a whole connection: handshake, close, TIME-WAIT.
func BenchmarkConnect(b *testing.B) {
	w := New(Config{Seed: 1, TimeWait: time.Second}, trace.NewHasher())
	server := w.AddHost("server", serverAddr)
	server.Start(func() Process { return &echo{listen: serverPort} })
	client := w.AddHost("client", clientAddr)
	n := 0
	client.Start(func() Process { return &redial{count: &n} })
	b.ReportAllocs()
	for b.Loop() {
		want := n + 1
		w.RunUntil(func() bool { return n == want }, 1<<62)
	}
	b.ReportMetric(float64(w.Steps())/b.Elapsed().Seconds(), "events/s")
}

// redial dials, closes and dials again.
type redial struct{ count *int }

func (r *redial) Step(_ time.Time, ev Event, io *IO) {
	if ev.Kind == EventDialed {
		io.Close(ev.Conn)
		*r.count++
	}
	io.Dial(ev.Conn+1, serverPort)
}

// BenchmarkStream is one draw of a latency.
func BenchmarkStream(b *testing.B) {
	w := New(Config{}, nil)
	l := &link{random: rand.New(rand.NewChaCha8([32]byte{}))}
	for b.Loop() {
		w.latency(l)
	}
}
