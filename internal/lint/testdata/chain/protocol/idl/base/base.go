// Package base is written by hand beside generated code, and is judged as a whole.
package base

import (
	"context"
	"time"
)

func read(ctx context.Context) (time.Time, error) {
	return time.Now(), // want "call: core protocol/idl/base uses time.Now"
		ctx.Err()
}
