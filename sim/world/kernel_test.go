//go:build linux && kernel

// The scripts of stage_test.go, played by this machine's kernel over sockets in two network
// namespaces and the cable between them; and what both say compared. It needs root.

package world

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const kernelPort = 34801

func TestKernelDoesTheSame(t *testing.T) {
	for _, c := range scripts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSimulated(t, c.settings)
			c.play(s)
			kernelDoes(t, &c, s.result())
		})
	}
}

// alone is held by the plays, and by one as a writer that needs the machine for itself.
var alone sync.RWMutex

// kernelDoes has the kernel play a script until it does what was simulated. A play for which
// this machine had no time says nothing: the kernel's timers went on meanwhile, and the
// script's did not. How late is too late depends on how exact the script is, whose packets
// and waits may each be as late; a machine that stays late is allowed as much. A few plays
// that disagree without such an excuse are a failure.
func kernelDoes(t *testing.T, c *script, simulated played) {
	const patience, disagreements, together = 2 * time.Minute, 3, 4
	tolerated := min(30*time.Millisecond, c.tolerance()/2)
	began, disagreed := time.Now(), 0
	for attempt := 1; ; attempt++ {
		k := playOnce(t, c, attempt, attempt > together)
		within := c.tolerance()
		if attempt > together && k.late >= tolerated {
			within += 2 * k.late
		}
		difference := differs(c, simulated, k.result(), within)
		switch {
		case difference == "":
			return
		case k.late < tolerated:
			disagreed++
			require.Less(t, disagreed, disagreements, "%s: the kernel does otherwise\n%s", c.source, difference)
			t.Logf("play %d: %s", attempt, difference)
		default:
			require.Less(t, time.Since(began), patience, "this machine was %s late, and more than %s in %d plays before\n%s", k.late, tolerated, attempt-1, difference)
			t.Logf("play %d: this machine was %s late", attempt, k.late)
		}
	}
}

// playOnce plays a script in a thread and namespaces of its own.
func playOnce(t *testing.T, c *script, attempt int, byItself bool) (k *kernel) {
	if byItself {
		alone.Lock()
		defer alone.Unlock()
	} else {
		alone.RLock()
		defer alone.RUnlock()
	}
	require.True(t, t.Run(fmt.Sprint("play ", attempt), func(t *testing.T) {
		k = newKernel(t, c.settings)
		k.play(c)
		k.late = max(k.late, time.Duration(k.cable.late.Load()))
	}))
	return k
}

// differs holds each side's events in their order, bytes and, within a tolerance, instants
// against one another, and is empty where they are the same.
func differs(c *script, simulated, kernel played, within time.Duration) string {
	both := fmt.Sprintf("simulated:\n%skernel:\n%s", simulated, kernel)
	for _, side := range []string{theClient, theServer} {
		want, got := simulated.of(side), kernel.of(side)
		if !slices.Equal(words(want), words(got)) {
			return fmt.Sprintf("the %s's events are others\n%s", side, both)
		}
		for i := range want {
			if (want[i].at - got[i].at).Abs() > within {
				return fmt.Sprintf("%q at another time\n%s", want[i].what, both)
			}
		}
	}
	if !c.agree(simulated.received, kernel.received) {
		return fmt.Sprintf("other bytes: %q simulated, %q from the kernel\n%s", simulated.received, kernel.received, both)
	}
	return ""
}

// agree is whether the same bytes arrived, or as many of them as kernels took.
func (c *script) agree(simulated, kernel map[string]string) bool {
	if !c.partly {
		return maps.Equal(simulated, kernel)
	}
	return maps.EqualFunc(simulated, kernel, func(a, b string) bool {
		return a != "" && b != "" && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a))
	})
}

func (p played) of(side string) []seen {
	return slices.DeleteFunc(slices.Clone(p.told), func(s seen) bool { return !strings.HasPrefix(s.what, side) })
}

func words(list []seen) (out []string) {
	for _, s := range list {
		out = append(out, s.what)
	}
	return out
}

// socket is one end of a connection.
type socket struct {
	fd         int
	side       string
	conn       int
	connecting bool
	stays      bool // open after the peer's FIN
	done       bool // the peer's FIN was read
	unsent     []byte
}

// kernel is the stage on sockets. One goroutine, bound to its thread and that thread's
// namespace, does everything.
type kernel struct {
	t        *testing.T
	set      settings
	cable    *cable
	start    time.Time
	listener int // -1: closed
	sockets  []*socket
	byPort   map[int]int // connections by the client's port
	paused   map[string]bool
	late     time.Duration // by how much the longest wait was longer than it should
	log      played
}

func newKernel(t *testing.T, set settings) *kernel {
	runtime.LockOSThread() // never unlocked: the thread and its namespace end with the goroutine
	clientAddr, serverAddr := [4]byte{10, 77, 0, 1}, [4]byte{10, 77, 0, 2}
	client := newNamespace(t, clientAddr, serverAddr)
	if set.ports != [2]uint16{} {
		client.sysctl(t, "ipv4/ip_local_port_range", fmt.Sprint(set.ports[0], set.ports[1]))
	}
	if set.orphans > 0 {
		client.sysctl(t, "ipv4/tcp_orphan_retries", fmt.Sprint(set.orphans))
	}
	server := newNamespace(t, serverAddr, clientAddr)
	k := &kernel{t: t, set: set, cable: newCable(t, client, server, set.delay), byPort: map[int]int{}, paused: map[string]bool{}, log: played{received: map[string]string{}}}
	k.listener = k.open(theServer)
	k.option(k.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if set.buffer > 0 {
		k.option(k.listener, unix.SOL_SOCKET, unix.SO_RCVBUF, set.buffer)
	}
	require.NoError(t, unix.Bind(k.listener, k.address(theServer, kernelPort)))
	backlog := set.backlog
	if backlog == 0 {
		backlog = 4096
	}
	require.NoError(t, unix.Listen(k.listener, backlog))
	k.cable.mark(t, theClient) // it carries
	k.cable.mark(t, theServer)
	k.cable.late.Store(0)
	k.start = time.Now()
	t.Cleanup(func() {
		for _, s := range k.sockets {
			_ = unix.Close(s.fd)
		}
		if k.listener >= 0 {
			_ = unix.Close(k.listener)
		}
	})
	return k
}

func (k *kernel) address(side string, port int) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Port: port, Addr: k.cable.ends[side].addr}
}

func (k *kernel) open(side string) int {
	k.cable.ends[side].enter(k.t)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(k.t, err)
	if k.set.sendBuffer > 0 {
		k.option(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, k.set.sendBuffer)
	}
	if k.set.userTimeout > 0 {
		k.option(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(k.set.userTimeout.Milliseconds()))
	}
	return fd
}

func (k *kernel) option(fd, level, name, value int) {
	require.NoError(k.t, unix.SetsockoptInt(fd, level, name, value))
}

func (k *kernel) tell(s *socket, what string) {
	k.log.told = append(k.log.told, seen{fmt.Sprintf("%s %d %s", s.side, s.conn, what), time.Since(k.start)})
}

// over tells of an end and closes it.
func (k *kernel) over(s *socket, what string) {
	k.tell(s, what)
	k.drop(s)
}

func (k *kernel) drop(s *socket) {
	require.NoError(k.t, unix.Close(s.fd))
	k.sockets = slices.DeleteFunc(k.sockets, func(other *socket) bool { return other == s })
}

// play ends early where the script wants a connection that has not come about.
func (k *kernel) play(c *script) {
	defer func() {
		if r := recover(); r != nil {
			missing, ok := r.(missingConnection)
			if !ok {
				panic(r)
			}
			k.t.Logf("there is no connection %s %d yet", missing.side, missing.conn)
			k.late = time.Hour
		}
	}()
	c.play(k)
}

type missingConnection struct {
	side string
	conn int
}

func (k *kernel) find(side string, conn int) *socket {
	for _, s := range k.sockets {
		if s.side == side && s.conn == conn {
			return s
		}
	}
	panic(missingConnection{side, conn})
}

func (k *kernel) dial(conn int, port uint16) {
	s := &socket{fd: k.open(theClient), side: theClient, conn: conn, connecting: true}
	k.sockets = append(k.sockets, s)
	if port != 0 {
		k.option(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
		require.NoError(k.t, unix.Bind(s.fd, k.address(theClient, int(port))))
	}
	if err := unix.Connect(s.fd, k.address(theServer, kernelPort)); !errors.Is(err, unix.EINPROGRESS) {
		k.connected(s, err)
		return
	}
	k.remember(s)
}

func (k *kernel) remember(s *socket) {
	local, err := unix.Getsockname(s.fd)
	require.NoError(k.t, err)
	k.byPort[local.(*unix.SockaddrInet4).Port] = s.conn
}

// connected tells how a dial went.
func (k *kernel) connected(s *socket, err error) {
	switch {
	case err == nil:
		s.connecting = false
		k.remember(s)
		k.tell(s, "dialed")
	case errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.EADDRINUSE):
		k.over(s, "dial failed: no-port")
	default:
		k.over(s, "dial failed: "+reason(err))
	}
}

func reason(err error) string {
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return "refused"
	case errors.Is(err, unix.ETIMEDOUT):
		return "timeout"
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.EPIPE):
		return "reset"
	}
	return err.Error()
}

func (k *kernel) write(side string, conn int, text string) {
	s := k.find(side, conn)
	s.unsent = append(s.unsent, text...)
	k.flush(s)
}

// flush writes what the kernel takes. What is wrong is found by reading.
func (k *kernel) flush(s *socket) {
	n, err := unix.Write(s.fd, s.unsent)
	if err == nil {
		s.unsent = s.unsent[n:]
	}
}

func (k *kernel) close(side string, conn int) { k.drop(k.find(side, conn)) }

func (k *kernel) abort(side string, conn int) {
	s := k.find(side, conn)
	require.NoError(k.t, unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
	k.drop(s)
}

func (k *kernel) closeWrite(side string, conn int) {
	require.NoError(k.t, unix.Shutdown(k.find(side, conn).fd, unix.SHUT_WR))
}

func (k *kernel) stayOpen(side string, conn int) { k.find(side, conn).stays = true }

func (k *kernel) keepAlive(side string, conn int, idle, interval time.Duration, count int) {
	fd := k.find(side, conn).fd
	k.option(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(idle.Seconds()))
	k.option(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(interval.Seconds()))
	k.option(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, count)
	k.option(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}

// vanish closes under TCP_REPAIR, which sends nothing; a dial that is given up sends nothing anyway.
func (k *kernel) vanish(conn int) {
	s := k.find(theClient, conn)
	if !s.connecting {
		k.option(s.fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1)
	}
	k.drop(s)
}

func (k *kernel) lose(from string, lose bool) { k.cable.lose(k.t, from, lose) }
func (k *kernel) forget()                     { k.cable.forget(k.t) }

func (k *kernel) pause(side string)  { k.paused[side] = true }
func (k *kernel) resume(side string) { k.paused[side] = false }

func (k *kernel) unlisten() {
	require.NoError(k.t, unix.Close(k.listener))
	k.listener = -1
}

func (k *kernel) result() played { return k.log }

// wait lets both processes do what they would until then.
func (k *kernel) wait(d time.Duration) {
	for end := time.Now().Add(d); ; {
		left := time.Until(end)
		if left <= 0 {
			k.late = max(k.late, -left)
			return
		}
		watched, fds := k.watch()
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		if n <= 0 {
			if err != nil {
				require.ErrorIs(k.t, err, unix.EINTR)
			}
			continue
		}
		for i, s := range watched {
			if fds[i].Revents != 0 && slices.Contains(k.sockets, s) {
				k.look(s)
			}
		}
		if last := fds[len(fds)-1]; len(fds) > len(watched) && last.Revents != 0 {
			k.accept()
		}
	}
}

// watch are the sockets of processes that run, and the listener last.
func (k *kernel) watch() (watched []*socket, fds []unix.PollFd) {
	for _, s := range k.sockets {
		if k.paused[s.side] {
			continue
		}
		var events int16
		if !s.done {
			events = unix.POLLIN
		}
		if s.connecting || len(s.unsent) > 0 {
			events |= unix.POLLOUT
		}
		watched = append(watched, s)
		fds = append(fds, unix.PollFd{Fd: int32(s.fd), Events: events})
	}
	if k.listener >= 0 && !k.paused[theServer] {
		fds = append(fds, unix.PollFd{Fd: int32(k.listener), Events: unix.POLLIN})
	}
	return watched, fds
}

func (k *kernel) accept() {
	fd, peer, err := unix.Accept4(k.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		require.ErrorIs(k.t, err, unix.EAGAIN)
		return
	}
	s := &socket{fd: fd, side: theServer, conn: k.byPort[peer.(*unix.SockaddrInet4).Port]}
	k.sockets = append(k.sockets, s)
	k.tell(s, "accepted")
}

// look finds out what poll has woken a socket for.
func (k *kernel) look(s *socket) {
	if s.connecting {
		k.connected(s, k.failure(s))
		return
	}
	if len(s.unsent) > 0 {
		k.flush(s)
	}
	if s.done {
		if err := k.failure(s); err != nil {
			k.over(s, "closed: "+reason(err))
		}
		return
	}
	k.read(s)
}

// failure is what has gone wrong with a socket, nil for nothing.
func (k *kernel) failure(s *socket) error {
	code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	require.NoError(k.t, err)
	if code == 0 {
		return nil
	}
	return unix.Errno(code)
}

func (k *kernel) read(s *socket) {
	buffer := make([]byte, 64<<10)
	n, err := unix.Read(s.fd, buffer)
	switch {
	case n > 0:
		k.log.received[fmt.Sprint(s.side, " ", s.conn)] += string(buffer[:n])
	case errors.Is(err, unix.EAGAIN):
	case err != nil:
		k.over(s, "closed: "+reason(err))
	case s.stays:
		s.done = true
		k.tell(s, "peer done")
	default:
		k.over(s, "closed: fin")
	}
}
