// What an operation costs the core, and that it allocates nothing.

package routing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

// operator submits an operation to a client whose table is open, and answers it.
type operator struct {
	core   *Core
	now    time.Time
	conn   protocol.ConnID
	body   []byte
	reply  []byte
	effect []Effect
	seq    int32
}

func newOperator(tb testing.TB) *operator {
	h := newHarness(tb.(tester), testConfig())
	h.step(Event{Kind: EventOpenTable, Op: Op{ID: 1, Table: "temp", Deadline: h.now.Add(time.Second)}})
	h.dialed("a")
	h.answer("a", 0, protocol.CodeOK, config(3, 2, "c", "c"))
	h.dialed("c")
	return &operator{core: h.core, now: h.now, conn: h.must("c").id, body: make([]byte, 100)}
}

func (o *operator) operate() (ok bool) {
	o.seq++
	o.now = o.now.Add(time.Microsecond)
	o.effect = o.core.Step(o.now, Event{Kind: EventSubmit, Op: Op{
		ID: OpID(o.seq), Table: "temp", RPC: protocol.RPCGet, Hash: uint64(o.seq), Body: o.body, Deadline: o.now.Add(time.Second),
	}}, o.effect[:0])
	o.reply = protocol.AppendResponse(o.reply[:0], &protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: o.seq, Body: o.body})
	o.effect = o.core.Step(o.now, Event{Kind: EventReceived, Conn: o.conn, Data: o.reply}, o.effect[:0])
	return len(o.effect) == 1 && o.effect[0].Completion.Outcome == session.OutcomeOK
}

func TestOperationAllocatesNothing(t *testing.T) {
	o := newOperator(t)
	for range 100 {
		require.True(t, o.operate())
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() { o.operate() }))
}

func BenchmarkOperation(b *testing.B) {
	o := newOperator(b)
	b.ReportAllocs()
	for b.Loop() {
		o.operate()
	}
}
