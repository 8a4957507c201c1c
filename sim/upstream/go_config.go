// What a model of upstream's Go client can be told: the intervals that are constants in
// the real one, and the delays inside it that decide its races.

package upstream

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// GoName is what command lines and reports call upstream's Go client.
const GoName = "upstream-go"

// GoDelays stand for what goroutines cost inside the real Go client.
type GoDelays struct {
	Timer  Interval // how late a deadline or a sleep ends
	Wakeup Interval // from an answer to the goroutine that waits for it
	Dial   Interval // from the decision to connect to the first packet
	Poll   Interval // from a session that is ready to a caller that notices: it looks once a millisecond
}

// DefaultGoDelays returns the delays of a machine with little else to do.
func DefaultGoDelays() GoDelays {
	const us = time.Microsecond
	return GoDelays{
		Timer:  Interval{20 * us, 1000 * us},
		Wakeup: Interval{5 * us, 200 * us},
		Dial:   Interval{20 * us, 500 * us},
		Poll:   Interval{0, 1000 * us},
	}
}

// GoConfig is what a model of the Go client can be told. Zero durations, counts and Delays
// stand for upstream's constants.
type GoConfig struct {
	Metas []netip.AddrPort // in the order of the configuration; the first is asked first

	OperationTimeout time.Duration // of a call that brings no deadline; 1 s. Upstream would wait without an end
	OpenTimeout      time.Duration // the application's patience when it opens a table; 10 s

	DialInterval    time.Duration // 60 s: the sleep before a dial that follows the last one sooner
	DialTimeout     time.Duration // 3 s
	ReadTimeout     time.Duration // 30 s: the reader looks up and goes on
	BackupDelay     time.Duration // 1 s: the other metas are asked too
	RefreshInterval time.Duration // 1 s: the pause after a query for a table
	RefreshTimeout  time.Duration // 10 s: of such a query
	RetryDelay      time.Duration // 1 s, and twice that each time; half to one and a half of it is drawn

	MaxOperations  int // submitted and not completed; 65,536. Upstream has no limit; the model answers ERR_CAPACITY_EXCEEDED
	MaxTables      int // opened tables; 1,024
	MaxConnections int // dialled and not closed; 65,536. Over the limit a dial fails at once
	MaxAbandoned   int // requests of a session that nobody waits for and nothing has answered; 65,536. Upstream keeps all (G4)
	Limits         protocol.Limits
	Delays         GoDelays
}

func (cfg *GoConfig) withDefaults() error {
	if len(cfg.Metas) == 0 {
		return fmt.Errorf("%w: no meta server; give at least one address in Metas", ErrConfig)
	}
	for i, a := range cfg.Metas {
		if !a.IsValid() {
			return fmt.Errorf("%w: address %d of Metas is not valid", ErrConfig, i)
		}
	}
	setDuration(&cfg.OperationTimeout, time.Second)
	setDuration(&cfg.OpenTimeout, 10*time.Second)
	setDuration(&cfg.DialInterval, time.Minute)
	setDuration(&cfg.DialTimeout, 3*time.Second)
	setDuration(&cfg.ReadTimeout, 30*time.Second)
	setDuration(&cfg.BackupDelay, time.Second)
	setDuration(&cfg.RefreshInterval, time.Second)
	setDuration(&cfg.RefreshTimeout, 10*time.Second)
	setDuration(&cfg.RetryDelay, time.Second)
	setCount(&cfg.MaxOperations, 1<<16)
	setCount(&cfg.MaxTables, 1<<10)
	setCount(&cfg.MaxConnections, 1<<16)
	setCount(&cfg.MaxAbandoned, 1<<16)
	if cfg.Delays == (GoDelays{}) {
		cfg.Delays = DefaultGoDelays()
	}
	return checkIntervals(cfg.Delays.Timer, cfg.Delays.Wakeup, cfg.Delays.Dial, cfg.Delays.Poll)
}
