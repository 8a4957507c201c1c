// From a history to what is searched: the operations of each record, without those that
// cannot matter, unknown ones open no longer than the evidence leaves them.

package linearizability

import (
	"cmp"
	"slices"

	"github.com/anishathalye/porcupine"
)

// record is the operations of one record. No operation touches two, so a hash key's
// operations are linearizable if and only if each of its records' are (locality).
type record struct {
	hashKey string
	sortKey string
	history []porcupine.Operation
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
		out = append(out, record{hashKey: k.hashKey, sortKey: k.sortKey, history: searchable(ops, horizon, clients)})
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

// searchable turns the operations of one record into porcupine's. An unknown write gets
// a client of its own, from fresh on: its caller goes on while it is open.
func searchable(ops []*Operation, horizon int64, fresh int) []porcupine.Operation {
	e := gather(ops)
	versions := make(map[version]*version)
	out := make([]porcupine.Operation, 0, len(ops))
	for _, op := range ops {
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
			client, returned = fresh, e.closes(op, horizon)
			fresh++
		}
		out = append(out, porcupine.Operation{ClientId: client, Input: in, Call: op.InvokeNS, Return: returned})
	}
	return out
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
	if op.Kind == Remove {
		return e.lastGone >= op.InvokeNS
	}
	last, read := e.lastRead[op.Value]
	return read && last >= op.InvokeNS ||
		e.lastTTL >= op.InvokeNS ||
		op.ExpireNS != 0 && e.lastGone >= op.InvokeNS
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
