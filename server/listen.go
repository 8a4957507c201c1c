// Opening the listening socket, and saying what is wrong when it does not open.

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// ListenError says why a server could not listen. errors.Is finds the cause, for example
// syscall.EADDRINUSE.
type ListenError struct {
	Address string
	Hint    string // what to do; may be empty
	Err     error
}

// Error implements error.
func (e *ListenError) Error() string {
	text := fmt.Sprintf("listen on %s: %v", e.Address, e.Err)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// listen opens an IPv4 socket.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", address)
	if err != nil {
		return nil, &ListenError{Address: address, Hint: hint(address, err), Err: err}
	}
	return l, nil
}

// hint explains an address in use. Upstream's default ports, 34601 and 34801, lie where
// the kernel takes local ports of outgoing connections from, so one may be taken by nobody
// who listens.
func hint(address string, err error) string {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return ""
	}
	const other = "another process has it; stop that one or choose another port"
	_, text, splitErr := net.SplitHostPort(address)
	port, numberErr := strconv.Atoi(text)
	low, high := ephemeralPorts()
	if splitErr != nil || numberErr != nil || port < low || port > high {
		return other
	}
	return fmt.Sprintf("%s; or an outgoing connection took it as its local port, because %d lies in the ephemeral range %d-%d: reserve it (sysctl net.ipv4.ip_local_reserved_ports)",
		other, port, low, high)
}

// ephemeralPorts returns the range in force, or the platform's default.
func ephemeralPorts() (low, high int) {
	b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		if f := strings.Fields(string(b)); len(f) == 2 {
			l, lowErr := strconv.Atoi(f[0])
			h, highErr := strconv.Atoi(f[1])
			if lowErr == nil && highErr == nil {
				return l, h
			}
		}
	}
	return 32768, 65535
}

// advertised returns the address that clients are told.
func advertised(cfg *Config, l net.Listener) (netip.AddrPort, error) {
	if cfg.Advertise.IsValid() {
		return cfg.Advertise, nil
	}
	self := addrPort(l.Addr())
	if !usable(self) {
		return self, &ConfigError{Field: "Advertise", Why: fmt.Sprintf("is missing, and clients cannot be told %v, where the server listens; give the IPv4 address and port that they know", l.Addr())}
	}
	return self, nil
}

// addrPort converts; the zero AddrPort stands for what is no IP address.
func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	if a == nil {
		return netip.AddrPort{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return ap
}
