// A run told in words: one line an event, without what went as it should a thousand
// times.

package sim

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/client/routing"
	"github.com/a8011091/pegasus-reference/trace"
)

// maxTimelineLines keeps a storm readable: what comes after is counted.
const maxTimelineLines = 5000

// Explain runs a scenario and writes its timeline.
func Explain(ctx context.Context, w io.Writer, s Scenario) error {
	t := newTimeline(w, &s)
	if _, err := Run(ctx, s, Options{Sink: t}); err != nil {
		return err
	}
	return t.flush()
}

// timeline is a trace.Sink that writes words.
type timeline struct {
	out     *bufio.Writer
	names   map[string]string // address to node
	lines   int
	left    int
	granted map[uint64]bool // connections on which success was delivered, or need not be
	ungated bool            // the client has no SASL, and is served without
	refused map[string]int  // dials from a node to a peer that failed in a row
	err     error
}

// maxRefused is how many failed dials in a row are told one by one.
const maxRefused = 3

func newTimeline(w io.Writer, s *Scenario) *timeline {
	t := &timeline{out: bufio.NewWriter(w), names: make(map[string]string), granted: make(map[uint64]bool), refused: make(map[string]int)}
	t.ungated = !s.negotiates() && !s.mandatory()
	for i := range s.Metas {
		t.names[address(1, i, metaPort).String()] = metaName(i)
	}
	for i := range s.Replicas {
		t.names[address(2, i, replicaPort).String()] = replicaName(i)
	}
	return t
}

// Emit implements trace.Sink.
func (t *timeline) Emit(ev *trace.Event) {
	words := t.words(ev)
	if words == "" || t.err != nil {
		return
	}
	if t.lines == maxTimelineLines {
		t.left++
		return
	}
	t.lines++
	_, t.err = fmt.Fprintf(t.out, "%12.6fs  %-10s %s\n", time.Duration(ev.AtNS).Seconds(), ev.Node, words)
}

func (t *timeline) flush() error {
	if t.left > 0 && t.err == nil {
		_, t.err = fmt.Fprintf(t.out, "... and %d lines more: every event is in the report's %s\n", t.left, ReportEvents)
	}
	if t.err == nil {
		t.err = t.out.Flush()
	}
	return t.err
}

func (t *timeline) peer(ev *trace.Event) string {
	if name, known := t.names[ev.Peer]; known {
		return name
	}
	return ev.Peer
}

// words is the event in words, empty for one that is not told.
func (t *timeline) words(ev *trace.Event) string {
	switch ev.Kind {
	case trace.KindNodeUp:
		return "starts"
	case trace.KindNodeDown:
		return "goes down: " + ev.Note
	case trace.KindDial, trace.KindConnected, trace.KindDialFailed:
		return t.dial(ev)
	case trace.KindClose:
		return fmt.Sprintf("closes c%d", ev.Conn)
	case trace.KindClosed:
		return fmt.Sprintf("learns that c%d is gone: %s", ev.Conn, ev.Note)
	case trace.KindFrameOut:
		return t.frame(ev)
	case trace.KindFrameIn:
		if ev.Neg == "SASL_SUCC" {
			t.granted[ev.Conn] = true
		}
	case trace.KindSession:
		return t.session(ev)
	case trace.KindLeader:
		if ev.Peer == "" {
			return "knows no leader"
		}
		return "takes " + t.peer(ev) + " for the leader"
	case trace.KindChallenge:
		return fmt.Sprintf("kernel answers c%d with a challenge ACK: %s", ev.Conn, ev.Note)
	case trace.KindCredential:
		return "ticket for " + ev.Key + ": " + ev.State + note(ev)
	case trace.KindFault:
		if ev.State != "" {
			return "FAULT " + ev.State + ": " + ev.Note
		}
		return "FAULT: " + ev.Note
	case trace.KindQuery:
		return t.query(ev)
	case trace.KindNegotiation:
		if ev.State == "failed" && ev.Note != "" {
			return fmt.Sprintf("refuses c%d: %s", ev.Conn, ev.Note)
		}
		if ev.State == "failed" {
			return fmt.Sprintf("NEGOTIATION FAILED on c%d to %s: %s, %v after the connection came up", ev.Conn, t.peer(ev), ev.Code, time.Duration(ev.AgeNS).Round(time.Millisecond))
		}
	case trace.KindReturn:
		if ev.State != "ok" {
			return fmt.Sprintf("application: operation %d (%s) ended %s: %s", ev.Op, ev.RPC, ev.State, ev.Note)
		}
	}
	return ""
}

// dial tells attempts to connect; of many refused ones in a row the first few, and how
// many more there were when one succeeds.
func (t *timeline) dial(ev *trace.Event) string {
	pair := ev.Node + " " + ev.Peer
	refused := t.refused[pair]
	switch {
	case ev.Kind == trace.KindConnected:
		delete(t.refused, pair)
		t.granted[ev.Conn] = t.ungated
		if refused > maxRefused {
			return fmt.Sprintf("c%d to %s is up, after %d more dials that failed", ev.Conn, t.peer(ev), refused-maxRefused)
		}
		return fmt.Sprintf("c%d is up", ev.Conn)
	case ev.Kind == trace.KindDialFailed:
		t.refused[pair]++
		if refused < maxRefused {
			return fmt.Sprintf("c%d to %s failed: %s", ev.Conn, t.peer(ev), ev.Note)
		}
	case refused < maxRefused:
		return fmt.Sprintf("dials %s: connection c%d", t.peer(ev), ev.Conn)
	}
	return ""
}

// query tells why a table is looked up, and of metas that have not helped; whom the client
// asks is seen by what it writes.
func (t *timeline) query(ev *trace.Event) string {
	switch ev.State {
	case routing.QueryWanted.String():
		return "looks its table up again: " + ev.Note
	case routing.QueryInVain.String():
		return t.peer(ev) + " has not helped: " + ev.Note
	case routing.QueryPause.String():
		return "no meta has helped; asks again later"
	}
	return ""
}

func (t *timeline) session(ev *trace.Event) string {
	where := ""
	if ev.Peer != "" {
		where = " to " + t.peer(ev)
	}
	if ev.Conn != 0 {
		where += fmt.Sprintf(" on c%d", ev.Conn)
	}
	return fmt.Sprintf("session%s: %s%s", where, ev.State, note(ev))
}

func note(ev *trace.Event) string {
	if ev.Note == "" || ev.Note == "none" {
		return ""
	}
	return " (" + ev.Note + ")"
}

// frame tells negotiation, the first frame of a connection and every request that comes
// too early; answers and requests that went as they should are left out.
func (t *timeline) frame(ev *trace.Event) string {
	answer := strings.HasSuffix(ev.RPC, "_ACK")
	switch {
	case ev.Neg != "":
		return fmt.Sprintf("c%d: %s", ev.Conn, ev.Neg)
	case !answer && !t.granted[ev.Conn]:
		first := ""
		if ev.First {
			first = " as the first frame"
		}
		return fmt.Sprintf("c%d: writes %s%s BEFORE the negotiation has succeeded", ev.Conn, ev.RPC, first)
	case answer && ev.Code != "ERR_OK":
		return fmt.Sprintf("c%d: answers %s with %s", ev.Conn, strings.TrimSuffix(ev.RPC, "_ACK"), ev.Code)
	}
	return ""
}
