// Package session reads the clock and waits, in every way that time offers.
package session

import "time"

func clock() time.Duration {
	start := time.Now()            // want "call: .*time.Now, because a core has no clock"
	time.Sleep(time.Second)        // want "call: .*time.Sleep"
	_ = time.Until(start)          // want "call: .*time.Until"
	time.AfterFunc(1, func() {})   // want "call: .*time.AfterFunc"
	time.NewTimer(time.Second)     // want "call: .*time.NewTimer"
	time.NewTicker(time.Second)    // want "call: .*time.NewTicker"
	_ = start.Local()              // want "call: .*time.Time.Local"
	_ = start.Format(time.RFC3339) // want "call: .*time.Time.Format"
	return time.Since(start)       // want "call: .*time.Since"
}

func channels() {
	<-time.After(time.Second) // want "call: .*time.After" "concurrency: a channel is used"
	<-time.Tick(time.Second)  // want "call: .*time.Tick" "concurrency: a channel is used"
}

type config struct{ now func() time.Time }

func asValue() config {
	return config{now: time.Now} // want "call: .*time.Now"
}

func allowed(now time.Time, deadline time.Time) (time.Duration, bool) {
	return deadline.Sub(now).Round(time.Millisecond), now.Add(time.Second).Before(deadline) && !time.Unix(1, 0).IsZero()
}
