// What is kept of a trace, what a page has of it, and what it must not have.

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

func emit(c *Collector, events ...trace.Event) {
	for i := range events {
		c.Emit(&events[i])
	}
}

func TestPackKeepsEveryField(t *testing.T) {
	events := []trace.Event{
		{AtNS: 5, Node: "meta-1", Kind: trace.KindListen, Addr: "10.0.1.1:34601"},
		{AtNS: 7, Node: "client-1", Kind: trace.KindDial, Conn: 3, Peer: "10.0.1.1:34601"},
		{AtNS: 9, Node: "client-1", Kind: trace.KindFrameOut, Conn: 3, RPC: "RPC_NEGOTIATION", Seq: -2, Neg: "SASL_INITIATE", Size: 99, First: true},
		{AtNS: 1 << 40, Node: "client-1", Kind: trace.KindNegotiation, Conn: 3, Peer: "meta-1", State: "failed", Code: "ERR_TIMEOUT", AgeNS: 10, Note: `"<`},
		{AtNS: 1 << 40, Node: "client-1", Kind: trace.KindInvoke, Op: 8, RPC: "RPC_RRDB_RRDB_GET", Key: "k1/s0"},
		{AtNS: 1 << 41, Node: "client-1", Kind: trace.KindTimer, Timer: 1 << 33},
		{AtNS: 1 << 41, Node: "meta-1", Kind: trace.KindExecute, Conn: 3, Principal: "client"},
	}
	var got struct {
		Text    []string
		Count   int
		Columns map[string][]int64
	}
	packed := pack(events)
	require.NoError(t, json.Unmarshal(packed, &got))
	require.NotContains(t, string(packed), "<")
	require.Equal(t, len(events), got.Count)
	text := func(column string, i int) string { return got.Text[got.Columns[column][i]] }
	var now int64
	for i, ev := range events {
		now += got.Columns["t"][i]
		require.Equal(t, ev.AtNS, now)
		require.Equal(t, ev.Kind.String(), text("kind", i))
		require.Equal(t, ev.Node, text("node", i))
		require.Equal(t, ev.RPC, text("rpc", i))
		require.Equal(t, ev.Neg, text("neg", i))
		require.Equal(t, ev.Code, text("code", i))
		require.Equal(t, ev.State, text("state", i))
		for column, want := range map[string]int64{
			"conn": int64(ev.Conn), "seq": int64(ev.Seq), "size": int64(ev.Size), "op": int64(ev.Op), "timer": int64(ev.Timer), "age": ev.AgeNS, "first": flag(ev.First),
		} {
			require.Equal(t, want, got.Columns[column][i], column)
		}
	}
	require.Equal(t, "meta-1", text("peer", 1), "an address is the node that listens there")
	require.Equal(t, `"<`, text("note", 3))
	require.Equal(t, "k1/s0", text("note", 4))
	require.Equal(t, "client", text("note", 6))
	require.True(t, json.Valid(pack(nil)))
}

// TestLongTracesKeepBothEnds: the beginning and the end are there, and the page says what is not.
func TestLongTracesKeepBothEnds(t *testing.T) {
	c := NewCollector(10)
	for i := range 100 {
		emit(c, trace.Event{AtNS: int64(i), Node: "n", Kind: trace.KindTimer, Timer: uint64(i)}, trace.Event{AtNS: int64(i), Kind: trace.KindBytes, Data: []byte("x")})
	}
	var timers []uint64
	for _, ev := range c.events() {
		timers = append(timers, ev.Timer)
	}
	require.Equal(t, []uint64{0, 1, 2, 3, 4, 95, 96, 97, 98, 99}, timers)
	p, err := c.Page(Summary{Title: "t", Verdict: "held"})
	require.NoError(t, err)
	var told struct{ Omissions omissions }
	require.NoError(t, json.Unmarshal(p.Data[0].JSON, &told))
	require.Equal(t, omissions{Hidden: 100, Middle: 90, After: 5}, told.Omissions)
}

// TestNoDataInThePage: what events carry as data may be tokens and values.
func TestNoDataInThePage(t *testing.T) {
	c := NewCollector(0)
	emit(c,
		trace.Event{Node: "a", Kind: trace.KindBytes, Conn: 1, Size: 6, Data: []byte("secret")},
		trace.Event{Node: "a", Kind: trace.KindFrameOut, Conn: 1, Size: 6, Data: []byte("secret")})
	var out bytes.Buffer
	require.NoError(t, c.WriteHTML(&out, Summary{Title: "<t>", Verdict: "held"}))
	require.NotContains(t, out.String(), "secret")
	require.NotContains(t, out.String(), "c2VjcmV0", "nor in base64")
	require.NotRegexp(t, `(?i)<(link|img|iframe|object|embed|base)\b|\bsrc=|@import|url\(|https?://[^w]`, out.String())
}

func TestOutages(t *testing.T) {
	c := NewCollector(1)
	emit(c,
		trace.Event{AtNS: 0, Node: "a", Kind: trace.KindNodeUp},
		trace.Event{AtNS: 1, Node: "a", Kind: trace.KindNodeDown, Note: "killed"},
		trace.Event{AtNS: 2, Node: "b", Kind: trace.KindNodeDown, Note: "power lost"},
		trace.Event{AtNS: 3, Node: "a", Kind: trace.KindNodeUp})
	require.Equal(t, []Outage{{"a", 1, 3, "killed"}, {"b", 2, -1, "power lost"}}, c.Outages())
}

// storm is a trace of so many events: clients that reconnect, negotiate and call.
func storm(count int) *Collector {
	c := NewCollector(0)
	for s := range 5 {
		emit(c, trace.Event{Node: fmt.Sprintf("server-%d", s), Kind: trace.KindListen, Addr: fmt.Sprintf("10.0.1.%d:1", s)})
	}
	for i, conn := 0, uint64(1); i < count; conn++ {
		client, server := fmt.Sprintf("client-%d", conn%20), conn%5
		at := int64(conn) * 1_000_000
		events := []trace.Event{
			{Kind: trace.KindDial, Peer: fmt.Sprintf("10.0.1.%d:1", server)}, {Kind: trace.KindConnected, Addr: "10.0.9.9:9"},
			{Kind: trace.KindFrameOut, RPC: "RPC_NEGOTIATION", Neg: "SASL_LIST_MECHANISMS", Size: 99, First: true},
			{Kind: trace.KindFrameOut, RPC: "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX", Size: 127}, {Kind: trace.KindTimer, Timer: conn},
			{Kind: trace.KindSession, State: "negotiating"}, {Kind: trace.KindNegotiation, State: "failed", Code: "ERR_TIMEOUT", AgeNS: 10},
			{Kind: trace.KindClose, Note: "fin"},
		}
		for k := range events {
			events[k].AtNS, events[k].Node, events[k].Conn = at+int64(k)*90_000, client, conn
		}
		emit(c, events...)
		i += len(events)
	}
	return c
}

// BenchmarkPage writes the page of 100,000 events; the goal is under two seconds.
func BenchmarkPage(b *testing.B) {
	c := storm(100_000)
	s := Summary{Title: "storm", Verdict: "violation", Violations: []Violation{{Property: "reconnect-converges", What: "client-1 fails", Decides: true}}}
	var page bytes.Buffer
	for b.Loop() {
		page.Reset()
		require.NoError(b, c.WriteHTML(&page, s))
	}
	b.ReportMetric(float64(len(c.events())), "events")
	b.ReportMetric(float64(page.Len()), "page-B")
}

// BenchmarkCollect takes 100,000 events in.
func BenchmarkCollect(b *testing.B) {
	for b.Loop() {
		storm(100_000)
	}
}
