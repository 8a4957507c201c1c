// From a history to what is searched: the operations of each record, without those that
// cannot matter, unknown ones open no longer than the evidence leaves them. Most records
// need no search: see inOrder.

package linearizability

import (
	"cmp"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// record is the operations of one record. No operation touches two, so a hash key's
// operations are linearizable if and only if each of its records' are (locality).
type record struct {
	hashKey string
	sortKey string
	ops     []*Operation // that succeeded, and writes of unknown outcome
	horizon int64        // when an operation that is open for ever returns
	clients int          // of the whole history: their numbers are below
}

// records sorts the operations that count by record, in order of keys.
func records(h History) []record {
	horizon := horizon(h)
	type key struct{ hashKey, sortKey string }
	byKey := make(map[key][]*Operation)
	clients := 0
	for i := range h {
		op := &h[i]
		clients = max(clients, op.Client+1)
		if op.Outcome == OK || op.Outcome == Unknown && op.Kind.IsWrite() {
			k := key{op.HashKey, op.SortKey}
			byKey[k] = append(byKey[k], op)
		}
	}
	out := make([]record, 0, len(byKey))
	for k, ops := range byKey {
		out = append(out, record{hashKey: k.hashKey, sortKey: k.sortKey, ops: ops, horizon: horizon, clients: clients})
	}
	slices.SortFunc(out, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.hashKey, b.hashKey), cmp.Compare(a.sortKey, b.sortKey))
	})
	return out
}

// horizon is an instant after everything that happened: when an operation that is open
// for ever returns.
func horizon(h History) int64 {
	var last int64
	for i := range h {
		last = max(last, h[i].InvokeNS, h[i].ReturnNS)
	}
	return last + 1
}

// inOrder says that the record is linearizable with every operation at the instant of its
// return, and no unknown write ever: one order that real time allows, which the model allows
// too. Where it does not, another order may do.
func (r *record) inOrder(skew time.Duration) bool {
	byReturn := make([]*Operation, 0, len(r.ops))
	for _, op := range r.ops {
		if op.Outcome == OK {
			byReturn = append(byReturn, op)
		}
	}
	slices.SortStableFunc(byReturn, func(a, b *Operation) int { return cmp.Compare(a.ReturnNS, b.ReturnNS) })
	written := make([]version, len(byReturn))
	var state *version
	for i, op := range byReturn {
		in := input{op: op}
		if op.Kind == Put {
			written[i] = version{value: op.Value, expireNS: op.ExpireNS}
			in.writes = &written[i]
		}
		var ok bool
		if ok, state = step(state, &in, skew); !ok {
			return false
		}
	}
	return true
}

// searchable turns the operations into porcupine's. An unknown write gets a client of its
// own: its caller goes on while it is open. Those that only a ttl can have seen are left out
// unless all are wanted; left says that there are some.
func (r *record) searchable(all bool) (out []porcupine.Operation, left bool) {
	e := gather(r.ops)
	versions := make(map[version]*version)
	out = make([]porcupine.Operation, 0, len(r.ops))
	fresh := r.clients
	for _, op := range r.ops {
		in := &input{op: op}
		if op.Kind == Put {
			v := version{value: op.Value, expireNS: op.ExpireNS}
			if versions[v] == nil {
				versions[v] = &version{value: op.Value, expireNS: op.ExpireNS, number: uint64(len(versions) + 1)}
			}
			in.writes = versions[v]
		}
		client, returned := op.Client, op.ReturnNS
		if op.Outcome == Unknown {
			if !e.matters(op) {
				continue
			}
			if !all && !e.mattersToOthers(op) {
				left = true
				continue
			}
			client, returned = fresh, e.closes(op, r.horizon)
			fresh++
		}
		out = append(out, porcupine.Operation{ClientId: client, Input: in, Call: op.InvokeNS, Return: returned})
	}
	return out, left
}

// evidence is what the reads of one record say about its unknown writes. Without it
// every unknown write doubles the search.
type evidence struct {
	puts      map[string]int   // value -> puts that write it
	firstRead map[string]int64 // value -> earliest return of a get that saw it
	lastRead  map[string]int64 // value -> latest return of a get that saw it
	lastGone  int64            // latest return of a read that found nothing; -1: none
	lastTTL   int64            // latest return of a ttl that found something; -1: none
}

func gather(ops []*Operation) *evidence {
	e := &evidence{
		puts: make(map[string]int), firstRead: make(map[string]int64), lastRead: make(map[string]int64),
		lastGone: noEvidence, lastTTL: noEvidence,
	}
	for _, op := range ops {
		switch {
		case op.Kind == Put:
			e.puts[op.Value]++
		case op.Kind == Remove:
		case !op.Found:
			e.lastGone = max(e.lastGone, op.ReturnNS)
		case op.Kind == TTL:
			e.lastTTL = max(e.lastTTL, op.ReturnNS)
		default:
			if first, ok := e.firstRead[op.Result]; !ok || op.ReturnNS < first {
				e.firstRead[op.Result] = op.ReturnNS
			}
			if last, ok := e.lastRead[op.Result]; !ok || op.ReturnNS > last {
				e.lastRead[op.Result] = op.ReturnNS
			}
		}
	}
	return e
}

// noEvidence is before every instant of a history.
const noEvidence = -1 << 63

// matters says that an unknown write can explain some read. If it cannot, no read can
// follow it before the next write: with it or without it, the same histories are
// linearizable.
func (e *evidence) matters(op *Operation) bool {
	return e.mattersToOthers(op) || op.Kind == Put && e.lastTTL >= op.InvokeNS
}

// mattersToOthers says that it can explain another read than a ttl that found something. Such a
// ttl says of a value only that there was one: any unknown put can explain it, and hardly ever
// has to.
func (e *evidence) mattersToOthers(op *Operation) bool {
	if op.Kind == Remove {
		return e.lastGone >= op.InvokeNS
	}
	last, read := e.lastRead[op.Value]
	return read && last >= op.InvokeNS || op.ExpireNS != 0 && e.lastGone >= op.InvokeNS
}

// closes is until when an unknown write can take effect: where only it writes its value,
// until the first get that saw the value returned; otherwise for ever.
func (e *evidence) closes(op *Operation, horizon int64) int64 {
	if op.Kind == Put && e.puts[op.Value] == 1 {
		if first, ok := e.firstRead[op.Value]; ok {
			return max(first, op.InvokeNS)
		}
	}
	return horizon
}
