// Package session reaches, through another package, what it may not do itself.
package session

import "fixture/chain/trace"

type core struct {
	recorder trace.Recorder
	sink     trace.Sink
}

func (c *core) refused(list []int) {
	_ = trace.Stamp()      // want "call: core client/session calls trace.Stamp, which calls trace.clock, which calls time.Now \\(trace/trace.go:14\\)"
	trace.Log("x")         // want "call: .*trace.Log, which calls os"
	trace.Later(func() {}) // want "concurrency: .*trace.Later \\(trace/trace.go:20\\), where a goroutine"
	_ = trace.Names(nil)   // want "map-order: .*trace.Names"
	_ = trace.Started      // want "call: .*the initialiser of trace.Started, which calls time.Now"
	_ = trace.Count        // want "global: .*variable trace.Count, which is assigned \\(trace/trace.go:37\\)"
	trace.Inc()            // want "global: .*trace.Inc, which uses the variable trace.Count"
	c.recorder.Record()    // want "call: .*trace.Recorder.Record, which calls sync.Mutex.Lock"
	f := c.recorder.Record // want "call: .*trace.Recorder.Record, which calls sync.Mutex.Lock"
	trace.Shuffle(list)    // want "call: .*trace.Shuffle, which calls math/rand/v2.Shuffle"
	trace.Map(list, stamp)
	f()
}

func stamp(int) int { return int(trace.Stamp()) } // want "call: .*trace.Stamp"

func (c *core) allowed(list []int) {
	c.sink.Put("x")
	trace.Map(list, func(i int) int { return i + c.recorder.Pure() })
	_ = trace.Even(len(list))
}
