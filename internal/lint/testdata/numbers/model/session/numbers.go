// Package session computes and prints what a core does not.
package session

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

type rate float64 // want "float: a value of type float64"

type config struct {
	factor float32 // want "float: a value of type float32"
}

const half = 0.5 // want "float: a value of type untyped float"

func backoff(c config, base time.Duration, n int) time.Duration {
	d := float64(base)      // want "float: a value of type float64"
	d *= math.Pow(2, 3)     // want "float: " "call: .*math.Pow"
	if base.Seconds() > 1 { // want "float: " "call: .*time.Duration.Seconds"
		return 0
	}
	_ = complex(1, 2)                  // want "float: a value of type complex128"
	_, _ = strconv.ParseFloat("1", 64) // want "call: .*strconv.ParseFloat"
	return time.Duration(d)            // want "float: "
}

type entry struct {
	name string
	next *entry
}

type named struct{ name string }

func (n *named) String() string { return n.name }

func printed(e *entry, f func(), n *named, err error, m map[string]int, p *int) {
	_ = fmt.Sprintf("%p", e)            // want "format: %p prints an address"
	_ = fmt.Sprintf("%s: %-5p", "x", e) // want "format: %p prints an address"
	_ = fmt.Sprint(f)                   // want "format: printing a func\\(\\) prints an address"
	_ = fmt.Sprintf("%v", *e)           // want "format: printing a entry prints an address"
	_ = fmt.Sprintf("%d of %v", 1, p)   // want "format: printing a \\*int"
	_ = fmt.Errorf("entry %v", e)       // want "format: printing a \\*entry"
	_ = fmt.Sprintf("%T %v %v %v %d%%", e, n, err, m, math.MaxInt64)
	_ = fmt.Appendf(nil, "%s %x", e.name, []byte("x"))
}

func integers(n int, d time.Duration) int64 { return int64(n)*3/2 + d.Milliseconds() + 1e3 }
