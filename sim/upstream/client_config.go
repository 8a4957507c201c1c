// What a client model can be told: which release, its time-outs, and the delays inside
// the real program that decide its races.

package upstream

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// Release is a version of upstream's Java client.
type Release uint8

// Releases. They differ in three rules: how long a retry waits, whether the host_port
// fields of a configuration can be read, and whether the end of a connection takes the
// session's mark of authentication back.
const (
	Release250      Release = iota + 1 // tag v2.5.0
	ReleaseSnapshot                    // master just before the fix, f13084a78^
	ReleaseMaster                      // master of March 2026, with the fix
)

var releaseNames = [...]string{Release250: "upstream-2.5.0", ReleaseSnapshot: "upstream-snapshot", ReleaseMaster: "upstream-master"}

// String returns the name that command lines and reports use.
func (r Release) String() string {
	if r == 0 || int(r) >= len(releaseNames) {
		return "unknown"
	}
	return releaseNames[r]
}

// Interval bounds a delay that the driver draws.
type Interval struct{ Min, Max time.Duration }

// Delays stand for what threads, executors and the logger cost inside the real client.
// The defaults are read off recordings of it on a busy machine with two cores.
type Delays struct {
	Timer    Interval // how late a timer of a request fires
	Wakeup   Interval // from a result to the application's thread that waits for it
	Caller   Interval // how late the application's own wait for a result times out
	Dial     Interval // from the decision to connect to the first packet
	Active   Interval // from the established connection to the negotiation and the first write
	Close    Interval // from the decision to close to the socket's end, across to its I/O thread
	Inactive Interval // from the end of a socket to the notice of what was pending on it
	Log      Interval // a warning with a stack trace
	Retry    Interval // hand-off of a retry to another executor
	Failure  Interval // from a write on a closed channel to the notice of its failure
	Reset    Interval // ReleaseMaster: from "disconnected" to "not authenticated", between which another thread may connect
}

// DefaultDelays returns delays under which every recorded behaviour comes up.
func DefaultDelays() Delays {
	const us = time.Microsecond
	return Delays{
		Timer:    Interval{200 * us, 3000 * us},
		Wakeup:   Interval{100 * us, 2000 * us},
		Caller:   Interval{100 * us, 2500 * us},
		Dial:     Interval{100 * us, 2000 * us},
		Active:   Interval{100 * us, 4000 * us},
		Close:    Interval{400 * us, 4000 * us},
		Inactive: Interval{20 * us, 300 * us},
		Log:      Interval{200 * us, 1200 * us},
		Retry:    Interval{200 * us, 2000 * us},
		Failure:  Interval{50 * us, 800 * us},
		Reset:    Interval{5 * us, 100 * us},
	}
}

// ClientConfig is what a client model can be told. Zero durations, counts and Delays
// stand for upstream's defaults.
type ClientConfig struct {
	Release Release
	Metas   []netip.AddrPort // in the order of the configuration; the first is asked first

	// Mechanism is the name that the client insists on among those that the server
	// offers. Upstream's is GSSAPI; a simulation names its own. Empty: no credential is
	// configured, the client does not negotiate.
	Mechanism string

	// AuthPerConnection lets the mark of authentication end with its connection, in one step:
	// the incident without its cause C1. No release has it; ReleaseMaster does the same later.
	AuthPerConnection bool

	// Rebuild is the remedy r1: a watcher that hears the other side end a connection drops the
	// session so much later, and builds it anew. Zero: there is no watcher, as upstream.
	Rebuild Interval

	OperationTimeout   time.Duration // 1 s
	MetaQueryTimeout   time.Duration // 5 s for each try
	NegotiationTimeout time.Duration // 10 s for each message
	ResetWindow        time.Duration // 30 s without an answer, first time-out to last: the session is closed
	ConnectTimeout     time.Duration // the larger of OperationTimeout and 1 s
	MetaMaxTries       int           // 5 for each query
	MaxOperations      int           // submitted and not completed; 65,536. Upstream has no limit; the model answers ERR_CAPACITY_EXCEEDED
	MaxTables          int           // opened tables; 1,024
	MaxConnections     int           // dialled and not closed; 65,536. Over the limit a connection fails at once, as without descriptors
	Limits             protocol.Limits
	Delays             Delays
}

// ErrConfig is wrapped by every error about a configuration that cannot be used.
var ErrConfig = errors.New("upstream model: bad configuration")

func (cfg *ClientConfig) withDefaults() error {
	if cfg.Release == 0 || int(cfg.Release) >= len(releaseNames) {
		return fmt.Errorf("%w: release %d is none of Release250, ReleaseSnapshot and ReleaseMaster", ErrConfig, cfg.Release)
	}
	if len(cfg.Metas) == 0 {
		return fmt.Errorf("%w: no meta server; give at least one address in Metas", ErrConfig)
	}
	for i, a := range cfg.Metas {
		if !a.IsValid() {
			return fmt.Errorf("%w: address %d of Metas is not valid", ErrConfig, i)
		}
	}
	setDuration(&cfg.OperationTimeout, time.Second)
	setDuration(&cfg.MetaQueryTimeout, 5*time.Second)
	setDuration(&cfg.NegotiationTimeout, 10*time.Second)
	setDuration(&cfg.ResetWindow, 30*time.Second)
	setDuration(&cfg.ConnectTimeout, max(cfg.OperationTimeout, time.Second))
	setCount(&cfg.MetaMaxTries, 5)
	setCount(&cfg.MaxOperations, 1<<16)
	setCount(&cfg.MaxTables, 1<<10)
	setCount(&cfg.MaxConnections, 1<<16)
	if cfg.Delays == (Delays{}) {
		cfg.Delays = DefaultDelays()
	}
	return cmp.Or(cfg.Delays.check(), checkIntervals(cfg.Rebuild))
}

func (d *Delays) check() error {
	return checkIntervals(d.Timer, d.Wakeup, d.Caller, d.Dial, d.Active, d.Close, d.Inactive, d.Log, d.Retry, d.Failure, d.Reset)
}

func checkIntervals(delays ...Interval) error {
	for _, i := range delays {
		if i.Min < 0 || i.Max < i.Min {
			return fmt.Errorf("%w: interval of delay %v to %v; it must not be negative nor end before it begins", ErrConfig, i.Min, i.Max)
		}
	}
	return nil
}

func setDuration(d *time.Duration, def time.Duration) {
	if *d <= 0 {
		*d = def
	}
}

func setCount(n *int, def int) {
	if *n <= 0 {
		*n = def
	}
}

// retryDelay is how long an operation waits before its next attempt. The release divides
// milliseconds by three. The others divide nanoseconds by three million, so what was
// meant as 333 ms for an operation of a second is 333 ns.
func (cfg *ClientConfig) retryDelay(timeout time.Duration) time.Duration {
	if cfg.Release == Release250 {
		if timeout > 3*time.Millisecond {
			return (timeout / 3).Truncate(time.Millisecond)
		}
		return time.Millisecond
	}
	return timeout / 3_000_000
}
