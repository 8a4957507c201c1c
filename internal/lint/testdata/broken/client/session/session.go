// Package session compiles, and is judged all the same.
package session

import (
	"time"

	"fixture/broken/trace"
)

const size = trace.Size

func now() time.Time { return time.Now() } // want "call: .*time.Now"
