// What clients' traces say of the restart tests: nothing is written before a negotiation,
// each call returns once, each write is written once unless it was refused, and servers
// execute what was written to them once.

package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// wire judges what clients write, and what they tell their callers.
type wire struct {
	mu          sync.Mutex
	open        map[uint64]*wireConn // by connection
	connections int
	wrong       []string
	calls       map[string]map[uint64]bool // under way, by client and Op
	invoked     int
	returned    int
	puts        map[string]*wirePuts // by client
}

// wireConn is one connection that is open.
type wireConn struct {
	peer          string
	authenticated bool
	requests      int // other than negotiation
}

// wirePuts counts a client's writes: calls, frames, answers that refuse without effect, and
// callers that were told of success.
type wirePuts struct{ invoked, written, refused, acknowledged, told int }

func newWire() *wire {
	return &wire{open: make(map[uint64]*wireConn), calls: make(map[string]map[uint64]bool), puts: make(map[string]*wirePuts)}
}

// Emit implements trace.Sink.
func (w *wire) Emit(ev *trace.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	puts := w.puts[ev.Node]
	if puts == nil {
		puts = &wirePuts{}
		w.puts[ev.Node], w.calls[ev.Node] = puts, make(map[uint64]bool)
	}
	switch ev.Kind {
	case trace.KindConnected:
		w.connections++
		w.open[ev.Conn] = &wireConn{peer: ev.Peer}
	case trace.KindFrameIn, trace.KindFrameOut:
		w.frame(ev, puts)
	case trace.KindClose, trace.KindClosed:
		delete(w.open, ev.Conn)
	case trace.KindInvoke, trace.KindReturn:
		w.call(ev, puts)
	}
}

func (w *wire) frame(ev *trace.Event, puts *wirePuts) {
	conn := w.open[ev.Conn]
	if conn == nil {
		w.object("%s: a frame of connection %d, which is not open", ev.Node, ev.Conn)
		return
	}
	switch {
	case ev.Kind == trace.KindFrameIn && ev.Neg == "SASL_SUCC":
		conn.authenticated = true
	case ev.Kind == trace.KindFrameIn && ev.RPC == protocol.RPCPut.AckName() && ev.Code == "ERR_OK":
		puts.acknowledged++
	case ev.Kind == trace.KindFrameIn && ev.RPC == protocol.RPCPut.AckName():
		puts.refused++
	case ev.Kind == trace.KindFrameOut && ev.RPC != protocol.RPCNegotiation.String():
		conn.requests++
		if !conn.authenticated {
			w.object("%s: %s on connection %d before its negotiation", ev.Node, ev.RPC, ev.Conn)
		}
		if ev.RPC == protocol.RPCPut.String() {
			puts.written++
		}
	}
}

func (w *wire) call(ev *trace.Event, puts *wirePuts) {
	calls := w.calls[ev.Node]
	put := ev.RPC == protocol.RPCPut.String()
	if ev.Kind == trace.KindInvoke {
		w.invoked++
		if calls[ev.Op] {
			w.object("%s: call %d was made twice", ev.Node, ev.Op)
		}
		calls[ev.Op] = true
		if put {
			puts.invoked++
		}
		return
	}
	w.returned++
	if !calls[ev.Op] {
		w.object("%s: call %d returned that was not made, or had returned", ev.Node, ev.Op)
	}
	delete(calls, ev.Op)
	if put && ev.State == "ok" {
		puts.told++
	}
}

func (w *wire) object(format string, args ...any) {
	if len(w.wrong) < 5 {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// judge says what is wrong with what was seen of clients that have closed, whose
// applications made so many calls.
func (w *wire) judge(calls int64) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.invoked != w.returned || int64(w.invoked) != calls {
		w.object("of %d calls, %d began and %d returned", calls, w.invoked, w.returned)
	}
	for client, p := range w.puts {
		switch {
		case p.written != p.invoked+p.refused:
			w.object("%s: a write is written once, and again only after a refusal: %+v", client, *p)
		case p.told > p.acknowledged:
			w.object("%s: a write succeeds only if a server says so: %+v", client, *p)
		}
	}
	return w.wrong
}

// written is how many requests clients have written on the connections to a server that are
// open.
func (w *wire) written(server string) (requests int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.open {
		if conn.peer == server {
			requests += conn.requests
		}
	}
	return requests
}

// number fetches one number of a server's, over all its labels.
func number(t *testing.T, address, name string) (sum float64) {
	t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + address + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^`+name+`(?:\{.*\})? (.*)$`).FindAllSubmatch(page, -1)
	require.NotEmpty(t, lines, "%s is not among the numbers", name)
	for _, line := range lines {
		value, err := strconv.ParseFloat(string(line[1]), 64)
		require.NoError(t, err)
		sum += value
	}
	return sum
}

// The judge sees what it is there for.
func TestJudgeOfTheWire(t *testing.T) {
	const put, ack = "RPC_RRDB_RRDB_PUT", "RPC_RRDB_RRDB_PUT_ACK"
	connected, success := trace.Event{Kind: trace.KindConnected, Conn: 1}, trace.Event{Kind: trace.KindFrameIn, Conn: 1, Neg: "SASL_SUCC"}
	invoke, done := trace.Event{Kind: trace.KindInvoke, Op: 1, RPC: put}, trace.Event{Kind: trace.KindReturn, Op: 1, RPC: put, State: "ok"}
	write, yes := trace.Event{Kind: trace.KindFrameOut, Conn: 1, RPC: put}, trace.Event{Kind: trace.KindFrameIn, Conn: 1, RPC: ack, Code: "ERR_OK"}
	busy := trace.Event{Kind: trace.KindFrameIn, Conn: 1, RPC: ack, Code: "ERR_BUSY"}
	for name, test := range map[string]struct {
		events []trace.Event
		want   string // of what is objected to; empty: nothing is
	}{
		"once":                {[]trace.Event{connected, success, invoke, write, yes, done}, ""},
		"again, refused":      {[]trace.Event{connected, success, invoke, write, busy, write, yes, done}, ""},
		"again":               {[]trace.Event{connected, success, invoke, write, write, yes, done}, "written once"},
		"early":               {[]trace.Event{connected, invoke, write, yes, done}, "before its negotiation"},
		"returned twice":      {[]trace.Event{connected, success, invoke, write, yes, done, done}, "or had returned"},
		"never returned":      {[]trace.Event{connected, success, invoke, write, yes}, "1 began and 0 returned"},
		"told without an ack": {[]trace.Event{connected, success, invoke, write, done}, "only if a server says so"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire()
			for _, ev := range test.events {
				w.Emit(&ev)
			}
			if wrong := w.judge(1); test.want == "" {
				require.Empty(t, wrong)
			} else {
				require.NotEmpty(t, wrong)
				require.Contains(t, wrong[0], test.want)
			}
		})
	}
}
