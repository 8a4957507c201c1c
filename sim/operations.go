// The operations of a run: what callers asked, what they were told, and the history
// that linearizability is checked on.

package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/linearizability"
	"github.com/a8011091/pegasus-reference/protocol"
)

// operation is one call of an application.
type operation struct {
	id        uint64
	client    int
	rpc       protocol.RPC
	hashKey   string
	sortKey   string
	value     string // of a put
	hash      uint64 // of the hash key
	partition int
	caller    *caller  // nil of a scripted one, and once it was told
	bytes     [64]byte // room for body
	invoked   time.Time
	deadline  time.Time
	returned  time.Time // zero while it runs
	abandoned bool      // its client died before it returned: nobody will know how it ended
	outcome   session.Outcome
	status    protocol.StorageStatus // where the outcome is ok
	result    string                 // of a get
	ttl       int32                  // of a ttl
	why       string                 // where the outcome is not ok
	on        *connection            // that it could be served on at once, undisturbed; or nil
	node      string                 // where its client would send it when it began
	ballot    int64                  // under which
	pair      *pair                  // its client and that node; nil where the client has nothing to do with it yet
	portless  bool                   // its client had no port to dial from while it ran
	excused   bool                   // refused as it may be: its client was closed, or its queue full
	at        *connection            // that its client had to its node when it began; or nil
}

// operations is every call of a run, in order of invocation; ids begin with 1.
type operations struct {
	all    []*operation
	block  []operation                 // what is left of the latest that were allocated together
	undone []linearizability.Operation // by disks that lost what was written
	judge  *judge
	keys   keySpace
}

func (o *operations) invoke(now time.Time, client int, rpc protocol.RPC, hashKey, sortKey string, timeout time.Duration) *operation {
	hash := o.keys.hash(hashKey)
	op := o.next()
	*op = operation{
		id: uint64(len(o.all) + 1), client: client, rpc: rpc, hashKey: hashKey, sortKey: sortKey,
		hash: hash, partition: o.keys.holder(hash), invoked: now, deadline: now.Add(timeout),
	}
	if rpc == protocol.RPCPut {
		var value [21]byte
		op.value = string(strconv.AppendUint(append(value[:0], 'v'), op.id, 10))
	}
	to, settled := o.judge.route(client, op.partition)
	op.node, op.ballot = to.node, to.ballot
	o.judge.began(now, op)
	if settled {
		op.on = o.judge.bestSession(op)
	}
	o.all = append(o.all, op)
	return op
}

// next is room for an operation.
func (o *operations) next() *operation {
	if len(o.block) == 0 {
		o.block = make([]operation, 32)
	}
	op := &o.block[0]
	o.block = o.block[1:]
	return op
}

// complete takes what the client told of the operation. A second telling, and one after
// the deadline, violate complete-once.
func (o *operations) complete(now time.Time, id uint64, outcome session.Outcome, code protocol.ErrorCode, body []byte, why string) *operation {
	op := o.all[id-1]
	if !op.returned.IsZero() {
		o.judge.violate(now, PropertyCompleteOnce, fmt.Sprintf("operation %d of %s was completed twice", id, clientName(op.client)))
		return op
	}
	if late := now.Sub(op.deadline); late > completionSlack && late > completionSlack+o.judge.lag(op) {
		o.judge.violate(now, PropertyCompleteOnce, fmt.Sprintf("operation %d of %s was completed %v after its deadline", id, clientName(op.client), late))
	}
	o.judge.ended(now, op)
	op.returned, op.outcome, op.why = now, outcome, why
	op.excused = o.judge.mayRefuse(op)
	if outcome == session.OutcomeOK {
		op.readResult(code, body)
	}
	if op.outcome == session.OutcomeUnknown && !op.rpc.Retryable() {
		o.judge.meet(MetUnknownOutcome)
	}
	o.judge.served(now, op)
	return op
}

// byReturn is the operations that returned, in order of that.
func (o *operations) byReturn() []*operation {
	list := slices.DeleteFunc(slices.Clone(o.all), func(op *operation) bool { return op.returned.IsZero() })
	slices.SortStableFunc(list, func(a, b *operation) int { return a.returned.Compare(b.returned) })
	return list
}

// completionSlack is how late a completion may be told: a caller is told when the
// answer has been read, and a timer may be as late as the client's own rules say.
const completionSlack = 50 * time.Millisecond

// readResult reads the storage's answer; one that cannot be read is no success.
func (op *operation) readResult(code protocol.ErrorCode, body []byte) {
	if code != protocol.CodeOK {
		op.outcome, op.why = session.OutcomeUnknown, code.String()
		return
	}
	var err error
	switch op.rpc {
	case protocol.RPCGet:
		var r protocol.ReadResult
		r, err = protocol.ParseReadResult(body)
		op.status, op.result = r.Status, string(r.Value)
	case protocol.RPCTTL:
		var r protocol.TTLResult
		r, err = protocol.ParseTTLResult(body)
		op.status, op.ttl = r.Status, r.TTLSeconds
	default:
		var r protocol.UpdateResult
		r, err = protocol.ParseUpdateResult(body)
		op.status = r.Status
	}
	if err == nil && op.status != protocol.StatusOK && op.status != protocol.StatusNotFound {
		err = fmt.Errorf("storage status %v", op.status)
	}
	if err != nil {
		op.outcome, op.why = session.OutcomeUnknown, err.Error()
	}
}

// body is the args struct of the operation's request.
func (op *operation) body() []byte {
	key, err := protocol.AppendKey(make([]byte, 0, 32), []byte(op.hashKey), []byte(op.sortKey))
	if err != nil {
		panic(err) // keys come from keySpace, which makes short ones only
	}
	body := op.bytes[:0]
	if op.rpc == protocol.RPCPut {
		return protocol.AppendPutArgs(body, &protocol.PutArgs{Key: key, Value: []byte(op.value)})
	}
	return protocol.AppendKeyArgs(body, key)
}

func outcomeWord(o session.Outcome) string {
	switch o {
	case session.OutcomeOK:
		return "ok"
	case session.OutcomeFailed:
		return "failed"
	case session.OutcomeUnknown:
		return "unknown"
	}
	return "running"
}

// keySpace is the hash keys of a run: k0, k1, ... and the partition of each.
type keySpace struct{ partitions int }

func (k keySpace) partition(hashKey string) int { return k.holder(k.hash(hashKey)) }

func (keySpace) hash(hashKey string) uint64 { return protocol.PartitionHash([]byte(hashKey), nil) }

// holder is the partition that has the keys of a hash.
func (k keySpace) holder(hash uint64) int { return int(hash % uint64(k.partitions)) }

// in is the first hash key of a partition.
func (k keySpace) in(partition int) string {
	for i := 0; ; i++ {
		if key := numberedKey(i); k.partition(key) == partition {
			return key
		}
	}
}

// draw picks a hash key and a sort key.
func (k keySpace) draw(random *rand.Rand, n int) (hashKey, sortKey string) {
	return numberedKey(random.IntN(n)), sortKeys[random.IntN(len(sortKeys))]
}

// sortKeys is what callers draw from, and hashKeys the ones that they mostly draw, made
// once. Nothing writes them.
var (
	sortKeys = [...]string{"s0", "s1"}
	hashKeys = func() (made [64]string) {
		for i := range made {
			made[i] = "k" + strconv.Itoa(i)
		}
		return made
	}()
)

func numberedKey(i int) string {
	if i < len(hashKeys) {
		return hashKeys[i]
	}
	return "k" + strconv.Itoa(i)
}

// drawRPC picks what a caller does: half puts, most of the rest gets.
func drawRPC(random *rand.Rand) protocol.RPC {
	switch n := random.IntN(20); {
	case n < 10:
		return protocol.RPCPut
	case n < 18:
		return protocol.RPCGet
	case n < 19:
		return protocol.RPCRemove
	default:
		return protocol.RPCTTL
	}
}
