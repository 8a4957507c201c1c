// The sequential specification: one record that is put, removed, read and asked for its
// time to live.

package linearizability

import (
	"fmt"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

// version is what a record can hold. Equal ones of one record are one pointer, so that
// states compare as pointers; nil is the absent record.
type version struct {
	value    string
	expireNS int64
	number   uint64 // of the record's versions, from 1
}

// input is one operation as the model takes it. What it returned is part of it.
type input struct {
	op     *Operation
	writes *version // put
}

// specification is the model of one record. Clocks of servers are within skew of the
// history's; AnyClock says that nothing is known of them.
func specification(skew time.Duration) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return (*version)(nil) },
		Step: func(state, in, _ any) (bool, any) {
			return step(state.(*version), in.(*input), skew)
		},
		Equal: func(a, b any) bool { return a == b },
		Hash: func(state any) uint64 {
			if v := state.(*version); v != nil {
				return v.number * 0x9e3779b97f4a7c15 // spreads small numbers over all bits
			}
			return 0
		},
		DescribeOperation: func(in, _ any) string { return describe(in.(*input).op) },
		DescribeState: func(state any) string {
			if v := state.(*version); v != nil {
				return strconv.Quote(v.value)
			}
			return "absent"
		},
	}
}

// step says whether the operation can run on the record, and what the record is then.
// A version that expires stays: whether it is seen depends on the clock of who answers.
func step(record *version, in *input, skew time.Duration) (bool, *version) {
	op := in.op
	switch {
	case op.Kind == Put:
		return true, in.writes
	case op.Kind == Remove:
		return true, nil
	case !op.Found:
		return record == nil || record.mayBeGone(op, skew), record
	case record == nil || !record.mayBeThere(op, skew):
		return false, record
	case op.Kind == Get:
		return record.value == op.Result, record
	}
	return record.mayHaveLeft(op, skew), record
}

// mayBeGone says that the version can have expired when the operation ran.
func (v *version) mayBeGone(op *Operation, skew time.Duration) bool {
	return v.expireNS != 0 && (skew == AnyClock || op.ReturnNS+int64(skew) >= v.expireNS)
}

// mayBeThere says that the version cannot have expired for certain when the operation ran.
func (v *version) mayBeThere(op *Operation, skew time.Duration) bool {
	return v.expireNS == 0 || skew == AnyClock || op.InvokeNS-int64(skew) < v.expireNS
}

// mayHaveLeft says that the answer to ttl can be true. Servers count whole seconds, and
// expire at a whole second of their clock, so what is left is rounded up.
func (v *version) mayHaveLeft(op *Operation, skew time.Duration) bool {
	if v.expireNS == 0 {
		return op.TTLSeconds == -1
	}
	if skew == AnyClock {
		return op.TTLSeconds >= 0
	}
	least := secondsUp(v.expireNS - (op.ReturnNS + int64(skew)))
	most := secondsUp(v.expireNS - (op.InvokeNS - int64(skew)))
	left := int64(op.TTLSeconds)
	return left >= max(least, 0) && left <= max(most, 0)
}

// secondsUp rounds nanoseconds up to seconds.
func secondsUp(ns int64) int64 {
	s := ns / int64(time.Second)
	if ns > 0 && ns%int64(time.Second) != 0 {
		s++
	}
	return s
}

// describe tells an operation and its result in words.
func describe(op *Operation) string {
	call := fmt.Sprintf("%v(%q, %q)", op.Kind, op.HashKey, op.SortKey)
	if op.Kind == Put {
		call = fmt.Sprintf("put(%q, %q, %q)", op.HashKey, op.SortKey, op.Value)
	}
	switch {
	case op.Outcome == Unknown:
		return call + ": unknown"
	case op.Kind.IsWrite():
		return call + ": ok"
	case !op.Found:
		return call + ": absent"
	case op.Kind == Get:
		return fmt.Sprintf("%s: %q", call, op.Result)
	}
	return fmt.Sprintf("%s: %d s", call, op.TTLSeconds)
}
