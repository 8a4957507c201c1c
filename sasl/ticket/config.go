// What a keeper is told once: intervals and limits.

package ticket

import (
	"errors"
	"time"
)

// Config is the configuration of a keeper. New replaces a zero field by DefaultConfig's.
type Config struct {
	// RenewPercent of a ticket's remaining life pass before another is fetched, and up to
	// RenewSpread percent more, so that many clients do not come at once.
	RenewPercent int
	RenewSpread  int
	// BackoffBase is the least time between the beginnings of two attempts at one ticket.
	// After failures the most is doubled, up to UnreachableCap where no KDC answers, and up
	// to RefusedCap where one refuses: it may count such attempts and lock the principal.
	BackoffBase    time.Duration
	UnreachableCap time.Duration
	RefusedCap     time.Duration
	// FetchLimit is what one exchange may take, all KDCs and repetitions together.
	FetchLimit time.Duration
	// Skew is how far ahead a KDC's clock may be: a ticket that begins later is refused.
	Skew time.Duration

	MaxServices int // tickets beside the ticket-granting one; the one unused for longest makes room
	MaxWaiters  int
	MaxFetches  int // exchanges under way at once
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{
		RenewPercent: 80, RenewSpread: 10,
		BackoffBase: 200 * time.Millisecond, UnreachableCap: 5 * time.Second, RefusedCap: time.Minute,
		FetchLimit: 10 * time.Second, Skew: 5 * time.Minute,
		MaxServices: 512, MaxWaiters: 4096, MaxFetches: 8,
	}
}

// Errors of Validate, for errors.Is.
var (
	ErrBadIntervals = errors.New("ticket: an interval is negative, a cap is below the base, or renewal begins outside of 1 to 100 percent of a ticket's life")
	ErrBadLimits    = errors.New("ticket: a limit is negative or beyond 2^20")
)

const maxLimit = 1 << 20

// Validate says what is wrong with the configuration, if anything.
func (c Config) Validate() error {
	for _, d := range [...]time.Duration{c.BackoffBase, c.UnreachableCap, c.RefusedCap, c.FetchLimit, c.Skew} {
		if d < 0 {
			return ErrBadIntervals
		}
	}
	for _, n := range [...]int{c.MaxServices, c.MaxWaiters, c.MaxFetches} {
		if n < 0 || n > maxLimit {
			return ErrBadLimits
		}
	}
	c = c.withDefaults()
	if c.RenewPercent < 1 || c.RenewSpread < 0 || c.RenewPercent+c.RenewSpread > 100 ||
		c.BackoffBase > c.UnreachableCap || c.BackoffBase > c.RefusedCap {
		return ErrBadIntervals
	}
	return nil
}

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	for _, f := range [...]struct{ have, want *time.Duration }{
		{&c.BackoffBase, &d.BackoffBase}, {&c.UnreachableCap, &d.UnreachableCap}, {&c.RefusedCap, &d.RefusedCap},
		{&c.FetchLimit, &d.FetchLimit}, {&c.Skew, &d.Skew},
	} {
		if *f.have == 0 {
			*f.have = *f.want
		}
	}
	for _, f := range [...]struct{ have, want *int }{
		{&c.RenewPercent, &d.RenewPercent}, {&c.RenewSpread, &d.RenewSpread},
		{&c.MaxServices, &d.MaxServices}, {&c.MaxWaiters, &d.MaxWaiters}, {&c.MaxFetches, &d.MaxFetches},
	} {
		if *f.have == 0 {
			*f.have = *f.want
		}
	}
	return c
}

// cap is the most that passes between the beginnings of two attempts after failures of kind.
func (c *Config) cap(kind FailureKind) time.Duration {
	if kind == FailureRefused {
		return c.RefusedCap
	}
	return c.UnreachableCap
}
