// A frame as its writer and its reader tell of it: one and the same.

package conformance

import (
	"fmt"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// frame is what a trace shows of one.
type frame struct {
	rpc, neg, code string
	table, answer  string // of a query
	seq            int32
	app, partition int32 // of a request to a replica
	size           int
	withinNS       int64
	shown          fields // that its writer shows where there is something to show
	executed       bool
}

func frameOf(ev *trace.Event) frame {
	return frame{
		rpc: ev.RPC, neg: ev.Neg, code: ev.Code, table: ev.Table, answer: ev.Answer,
		seq: ev.Seq, app: ev.App, partition: ev.Partition, size: ev.Size, withinNS: ev.WithinNS,
	}
}

func (f frame) String() string {
	text := f.rpc
	if f.seq != 0 {
		text += fmt.Sprintf(" %d", f.seq)
	}
	if f.neg != "" {
		text += " " + f.neg
	}
	if f.code != "" && f.code != codeOK {
		text += " " + f.code
	}
	return text
}

const codeOK = "ERR_OK"

func isNegotiation(ev *trace.Event) bool {
	return ev.RPC == protocol.RPCNegotiation.String() || ev.RPC == protocol.RPCNegotiation.AckName()
}

// fields is a set of a frame's fields that a recording may leave out altogether: not every
// recorder reads what is in a frame.
type fields uint8

const (
	fieldApp fields = 1 << iota // and partition
	fieldTable
	fieldAnswer
	fieldWithin
)

// fieldsOf are those that an event shows.
func fieldsOf(ev *trace.Event) fields {
	var f fields
	for field, shown := range [...]bool{ev.App != 0, ev.Table != "", ev.Answer != "", ev.WithinNS != 0} {
		if shown {
			f |= 1 << field
		}
	}
	return f
}

// differs says how what was written is not what f, its reader, has of it; "" where it is. A
// field that one of the two never shows is not compared.
func (f *frame) differs(written *frame) string {
	if f.rpc != written.rpc || f.neg != written.neg || f.code != written.code || f.seq != written.seq || f.size != written.size {
		return fmt.Sprintf("%v, of %d bytes", *written, written.size)
	}
	compared := f.shown & written.shown
	switch {
	case compared&fieldApp != 0 && (f.app != written.app || f.partition != written.partition):
		return fmt.Sprintf("%v for partition %d of table %d, not for partition %d of table %d", *written, written.partition, written.app, f.partition, f.app)
	case compared&fieldTable != 0 && f.table != written.table:
		return fmt.Sprintf("%v for the table %q, not for %q", *written, written.table, f.table)
	case compared&fieldAnswer != 0 && f.answer != written.answer:
		return fmt.Sprintf("%v with the answer %q, not with %q", *written, written.answer, f.answer)
	case compared&fieldWithin != 0 && f.withinNS != written.withinNS:
		return fmt.Sprintf("%v with %d ns left, not with %d", *written, written.withinNS, f.withinNS)
	}
	return ""
}

// isFirst holds that a frame is said to be the first of its direction exactly if it is, by
// nodes that say so at all.
func (m *moment) isFirst(at side, n *node) *objection {
	written := 0
	if m.ev.Kind == trace.KindFrameIn {
		written = 1
	}
	told := &m.w.told[at][written]
	first := !*told
	*told = true
	switch {
	case m.ev.First && !first:
		return object("S24", "%s has told of another frame in this direction", m.ev.Node)
	case first:
		n.firsts, n.unsaid = n.firsts || m.ev.First, n.unsaid || !m.ev.First
	}
	if n.firsts && n.unsaid {
		return object("S24", "%s says of the first frame in a direction that it is, and of another that it is not", m.ev.Node)
	}
	return nil
}
