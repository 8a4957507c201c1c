//go:build linux && kernel

// Two network namespaces and a cable between them: a TUN device in each, and goroutines that
// carry packets from one to the other, later, or not at all. No program is needed, and none
// is started: a child of this process would hold a copy of every socket for a moment, in
// which a close closes nothing.

package world

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// sysctls give a namespace what the simulated kernel has and later Linux changed.
var sysctls = map[string]string{
	"ipv4/tcp_syn_linear_timeouts": "0", // since 6.5 the first SYNs leave again every second
	"ipv6/conf/all/disable_ipv6":   "1", // it would talk on the cable
}

// namespace is one side of the cable, with a kernel's network of its own.
type namespace struct {
	fd   int
	addr [4]byte
	tun  *os.File
}

// newNamespace makes a namespace and leaves the thread, which must be locked, in it.
func newNamespace(t *testing.T, addr, peer [4]byte) *namespace {
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNET), "a network namespace needs root")
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	n := &namespace{fd: fd, addr: addr, tun: openTUN(t, addr, peer)}
	for name, value := range sysctls {
		n.sysctl(t, name, value)
	}
	return n
}

// sysctl sets one of this thread's namespace. An older kernel may lack it.
func (n *namespace) sysctl(t *testing.T, name, value string) {
	if err := os.WriteFile("/proc/sys/net/"+name, []byte(value), 0o600); !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err, name)
	}
}

// enter moves the thread.
func (n *namespace) enter(t *testing.T) {
	require.NoError(t, unix.Setns(n.fd, unix.CLONE_NEWNET))
}

// openTUN makes a point-to-point device whose packets are read and written here.
func openTUN(t *testing.T, addr, peer [4]byte) *os.File {
	const device = "cable"
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	require.NoError(t, err, "a kernel with CONFIG_TUN has it")
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(control) }()
	set := func(fd int, what uint, fill func(*unix.Ifreq)) {
		request, err := unix.NewIfreq(device)
		require.NoError(t, err)
		fill(request)
		require.NoError(t, unix.IoctlIfreq(fd, what, request))
	}
	set(fd, unix.TUNSETIFF, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI) })
	set(control, unix.SIOCSIFADDR, func(r *unix.Ifreq) { require.NoError(t, r.SetInet4Addr(addr[:])) })
	set(control, unix.SIOCSIFDSTADDR, func(r *unix.Ifreq) { require.NoError(t, r.SetInet4Addr(peer[:])) })
	set(control, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING) })
	return os.NewFile(uintptr(fd), device)
}

// cable carries packets between two namespaces. It also sends some of its own, from socket to
// socket, to know what they are late with: a kernel that has no time is as late as the cable.
type cable struct {
	delay   time.Duration // one way
	began   time.Time
	ends    map[string]*cableEnd
	running sync.WaitGroup
	ended   chan struct{}
	late    atomic.Int64 // ns, the most that it was

	mu     sync.Mutex
	forgot bool            // flows whose SYN it has not seen since
	knows  map[uint16]bool // by the client's port
}

// cableEnd is where one side's packets come in.
type cableEnd struct {
	*namespace
	own   *os.File // socket for the cable's own packets
	loses atomic.Bool
	marks chan struct{}
}

// What the cable's own packets are: a byte, and when they were sent.
const (
	ownPulse = iota
	ownMark
	ownLength = 1 + 8
)

// carried is a packet on its way.
type carried struct {
	packet []byte
	at     time.Time // of its arrival
}

// newCable joins two namespaces, and ends with the test.
func newCable(t *testing.T, client, server *namespace, delay time.Duration) *cable {
	c := &cable{delay: delay, began: time.Now(), ended: make(chan struct{}), knows: map[uint16]bool{}, ends: map[string]*cableEnd{
		theClient: newCableEnd(t, client, server), theServer: newCableEnd(t, server, client),
	}}
	for from, to := range map[string]string{theClient: theServer, theServer: theClient} {
		c.running.Go(func() { c.carry(from, to) })
		c.running.Go(func() { c.pulse(from) })
		c.running.Go(func() { c.measure(to) })
	}
	t.Cleanup(func() {
		close(c.ended)
		for _, end := range c.ends {
			_ = end.tun.Close()
			_ = end.own.Close()
		}
		c.running.Wait()
	})
	return c
}

func newCableEnd(t *testing.T, n, peer *namespace) *cableEnd {
	n.enter(t)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	const discard = 9 // the port of RFC 863
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Port: discard, Addr: n.addr}))
	require.NoError(t, unix.Connect(fd, &unix.SockaddrInet4{Port: discard, Addr: peer.addr}))
	return &cableEnd{namespace: n, own: os.NewFile(uintptr(fd), "own"), marks: make(chan struct{})}
}

// pulse sends packets that only say how late they come in.
func (c *cable) pulse(from string) {
	const period = 10 * time.Millisecond
	for next := time.Now(); ; next = next.Add(period) {
		select {
		case <-c.ended:
			return
		case <-time.After(time.Until(next)):
			c.isLate(time.Since(next))
			_ = c.send(from, ownPulse) // a device that is closed ends the test
		}
	}
}

// send sends one of the cable's own packets.
func (c *cable) send(from string, kind byte) error {
	_, err := c.ends[from].own.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(time.Since(c.began))))
	return err
}

// measure takes the pulses that have come all the way.
func (c *cable) measure(to string) {
	payload := make([]byte, 16)
	for {
		n, err := c.ends[to].own.Read(payload)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err == nil && n == ownLength {
			c.isLate(time.Since(c.began) - time.Duration(binary.BigEndian.Uint64(payload[1:])) - c.delay)
		}
	}
}

func (c *cable) isLate(by time.Duration) {
	for {
		most := c.late.Load()
		if int64(by) <= most || c.late.CompareAndSwap(most, int64(by)) {
			return
		}
	}
}

// carry takes one side's packets until its device is closed.
func (c *cable) carry(from, to string) {
	end := c.ends[from]
	under := make(chan carried, 4096) // way
	defer close(under)
	c.running.Go(func() {
		for p := range under {
			time.Sleep(time.Until(p.at))
			if isOwn(p.packet) || !end.loses.Load() {
				_, _ = c.ends[to].tun.Write(p.packet) // a device that is closed ends the test
			}
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := end.tun.Read(buffer)
		if err != nil {
			return
		}
		packet := buffer[:n]
		if isOwn(packet) && packet[udpPayload] == ownMark {
			end.marks <- struct{}{}
		}
		if isOwn(packet) || !end.loses.Load() && !c.forgotten(from, packet) {
			under <- carried{slices.Clone(packet), time.Now().Add(c.delay)}
		}
	}
}

// The places that are looked at in IPv4 headers without options, and what follows them.
const (
	ipProtocol = 9
	udpPayload = 28
	tcpHeader  = 20
	tcpFlags   = tcpHeader + 13
	flagSYN    = 0x02
	flagACK    = 0x10
)

func isOwn(packet []byte) bool { return packet[ipProtocol] == unix.IPPROTO_UDP }

// mark returns when everything that a side has sent so far has come in: a device keeps its
// packets in order.
func (c *cable) mark(t *testing.T, from string) {
	require.NoError(t, c.send(from, ownMark))
	<-c.ends[from].marks
}

// lose has the packets of one side get lost, those under way too, or not any more.
func (c *cable) lose(t *testing.T, from string, lose bool) {
	c.mark(t, from)
	c.ends[from].loses.Store(lose)
}

// forget makes the cable a firewall that has forgotten every flow.
func (c *cable) forget(t *testing.T) {
	c.mark(t, theClient)
	c.mark(t, theServer)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgot = true
	clear(c.knows)
}

// forgotten is whether a packet belongs to a flow that the cable does not know.
func (c *cable) forgotten(from string, packet []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	port := binary.BigEndian.Uint16(packet[tcpHeader:])
	if from == theServer {
		port = binary.BigEndian.Uint16(packet[tcpHeader+2:])
	}
	if from == theClient && packet[tcpFlags]&(flagSYN|flagACK) == flagSYN {
		c.knows[port] = true
	}
	return c.forgot && !c.knows[port]
}
