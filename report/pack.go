// Events as columns of numbers, small enough that a page of a hundred thousand opens at
// once. timeline.js unpacks them.

package report

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/a8011091/pegasus-reference/trace"
)

// column is one field of every event, as the text of a JSON array.
type column struct {
	name string
	text []byte
}

func (c *column) add(n int64) {
	c.text = strconv.AppendInt(append(c.text, ','), n, 10)
}

// texts numbers texts from 1; 0 is the empty one.
type texts struct {
	list   []string
	number map[string]int64
}

func newTexts() *texts { return &texts{list: []string{""}, number: map[string]int64{"": 0}} }

func (t *texts) of(s string) int64 {
	n, known := t.number[s]
	if !known {
		n = int64(len(t.list))
		t.number[s] = n
		t.list = append(t.list, s)
	}
	return n
}

// pack returns the events as JSON: {"text": [..], "count": n, "columns": {"t": [..], ..}}.
// Instants are differences in nanoseconds to the event before; texts are numbers into
// "text"; peers are names of nodes where these are known.
func pack(events []trace.Event) []byte {
	names := nodeNames(events)
	text := newTexts()
	columns := []column{
		{name: "t"}, {name: "kind"}, {name: "node"}, {name: "conn"}, {name: "peer"}, {name: "rpc"}, {name: "neg"}, {name: "code"},
		{name: "state"}, {name: "note"}, {name: "seq"}, {name: "size"}, {name: "first"}, {name: "op"}, {name: "timer"}, {name: "age"},
	}
	var before int64
	for i := range events {
		ev := &events[i]
		for k, n := range [...]int64{
			ev.AtNS - before, text.of(ev.Kind.String()), text.of(ev.Node), int64(ev.Conn), text.of(names.of(ev.Peer)),
			text.of(ev.RPC), text.of(ev.Neg), text.of(ev.Code), text.of(ev.State), text.of(noteOf(ev)), int64(ev.Seq),
			int64(ev.Size), flag(ev.First), int64(ev.Op), int64(ev.Timer), ev.AgeNS,
		} {
			columns[k].add(n)
		}
		before = ev.AtNS
	}
	return join(text, len(events), columns)
}

// noteOf is whatever an event says beside what has a column.
func noteOf(ev *trace.Event) string {
	switch ev.Kind {
	case trace.KindInvoke:
		return ev.Key
	case trace.KindCredential:
		return strings.TrimSuffix(ev.Key+": "+ev.Note, ": ")
	case trace.KindExecute:
		return ev.Principal
	case trace.KindListen:
		return ev.Addr
	case trace.KindFrameOut, trace.KindFrameIn, trace.KindTable:
		if ev.Answer != "" {
			return ev.Answer
		}
	}
	return ev.Note
}

func join(text *texts, count int, columns []column) []byte {
	list, err := json.Marshal(text.list)
	if err != nil {
		panic(err) // strings can always be written
	}
	out := append([]byte(`{"text":`), list...)
	out = strconv.AppendInt(append(out, `,"count":`...), int64(count), 10)
	out = append(out, `,"columns":{`...)
	for i, c := range columns {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(strconv.AppendQuote(out, c.name), ":["...), strings.TrimPrefix(string(c.text), ",")...)
		out = append(out, ']')
	}
	return append(out, "}}"...)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// nameTable knows which node an address is of, from what listens there and from the ends of
// accepted connections.
type nameTable map[string]string

func nodeNames(events []trace.Event) nameTable {
	names := nameTable{}
	for i := range events {
		ev := &events[i]
		switch ev.Kind {
		case trace.KindListen, trace.KindConnected:
			names[ev.Addr] = ev.Node
		}
	}
	return names
}

// of is the node that has the address, else the address.
func (t nameTable) of(address string) string {
	if name, known := t[address]; known {
		return name
	}
	return address
}
