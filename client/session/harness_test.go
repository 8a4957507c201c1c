// The harness of the tests: a session with a clock, its armed timers, and effects in words.

package session

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

// epoch is when every test begins.
var epoch = time.Unix(1_700_000_000, 0).UTC()

const testMechanism = "MECH"

// harness drives one session. It holds what a driver would hold.
type harness struct {
	t      testing.TB
	core   *Core
	now    time.Time
	timers []armed // in order of arming
	open   protocol.ConnID
	wire   *protocol.RequestDecoder // what the session wrote on the open connection
	seq    int32                    // of the last request written
	late   bool                     // timers fire at the end of their spread
	done   []Completion
	log    strings.Builder
}

type armed struct {
	id  protocol.TimerID
	due time.Time
}

func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Mechanism = testMechanism
	return cfg
}

func newHarness(t testing.TB, cfg Config) *harness {
	require.NoError(t, cfg.Validate())
	return &harness{t: t, core: New(cfg), now: epoch, wire: protocol.NewRequestDecoder(protocol.Limits{})}
}

// step gives the session an event and carries out its effects.
func (h *harness) step(ev Event) {
	for _, e := range h.core.Step(h.now, ev, nil) {
		h.apply(&e)
	}
}

func (h *harness) apply(e *Effect) {
	switch e.Kind {
	case EffectDial:
		h.printf("dial c%d", number(e.Conn))
		h.open = e.Conn
		h.wire.Reset()
	case EffectWrite:
		h.written(e)
	case EffectClose:
		h.printf("close c%d %v", number(e.Conn), e.Reason)
		h.open = 0
	case EffectArmTimer:
		h.printf("arm %v", span(e.After, e.Spread))
		due := e.After
		if h.late {
			due += e.Spread
		}
		h.timers = append(h.timers, armed{e.Timer, h.now.Add(due)})
	case EffectStopTimer:
		h.disarm(e.Timer)
	case EffectMakeToken:
		if e.Data == nil {
			h.printf("token c%d begin", number(e.Conn))
		} else {
			h.printf("token c%d %q", number(e.Conn), e.Data)
		}
	case EffectComplete:
		d := e.Completion
		d.Body = append([]byte(nil), d.Body...)
		h.done = append(h.done, d)
		if d.Outcome == OutcomeOK {
			h.printf("complete %d ok %v %v %q", d.ID, d.RPC, d.Code, d.Body)
		} else {
			h.printf("complete %d %v %v", d.ID, d.Outcome, d.Reason)
		}
	case EffectState:
		words := e.State.String()
		if e.Step != StepNone {
			words += " " + e.Step.String()
		}
		if e.Conn != 0 {
			words += fmt.Sprintf(" c%d", number(e.Conn))
		}
		if e.Reason != ReasonNone {
			words += " " + e.Reason.String()
		}
		h.printf("state %s", words)
	default:
		h.t.Fatalf("unknown effect %d", e.Kind)
	}
}

// written prints the frames of one write.
func (h *harness) written(e *Effect) {
	require.NoError(h.t, h.wire.Write(e.Data))
	var frames []string
	for {
		var r protocol.Request
		ok, err := h.wire.Next(&r)
		require.NoError(h.t, err)
		if !ok {
			break
		}
		h.seq = r.Seq
		body := fmt.Sprintf("%q", r.Body)
		if r.RPC == protocol.RPCNegotiation {
			status, msg, err := protocol.ParseNegotiationArgs(r.Body)
			require.NoError(h.t, err)
			body = fmt.Sprintf("%v %q", status, msg)
		}
		frames = append(frames, fmt.Sprintf("%v seq=%d timeout=%dms %s", r.RPC, r.Seq, r.Header.TimeoutMillis, body))
	}
	require.Zero(h.t, h.wire.Buffered(), "a write ends within a frame")
	h.printf("write c%d %s", number(e.Conn), strings.Join(frames, "; "))
}

func (h *harness) disarm(id protocol.TimerID) {
	for i, t := range h.timers {
		if t.id == id {
			h.timers = append(h.timers[:i], h.timers[i+1:]...)
			return
		}
	}
}

// advance lets time pass and fires timers when they are due.
func (h *harness) advance(d time.Duration) {
	end := h.now.Add(d)
	for {
		next := -1
		for i, t := range h.timers {
			if !t.due.After(end) && (next < 0 || t.due.Before(h.timers[next].due)) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		t := h.timers[next]
		h.timers = append(h.timers[:next], h.timers[next+1:]...)
		if t.due.After(h.now) {
			h.now = t.due
		}
		h.printf("%v: timer", h.now.Sub(epoch))
		h.step(Event{Kind: EventTimer, Timer: t.id})
	}
	h.now = end
}

func (h *harness) submit(id RequestID, timeout time.Duration) {
	h.step(Event{Kind: EventSubmit, Request: Request{
		ID: id, RPC: protocol.RPCGet, Body: []byte{byte('a' + id%26)}, Deadline: h.now.Add(timeout),
	}})
}

// answer is a frame of the server.
func (h *harness) answer(r protocol.Response) {
	h.receive(protocol.AppendResponse(nil, &r))
}

func (h *harness) receive(data []byte) {
	h.step(Event{Kind: EventReceived, Conn: h.core.Conn(), Data: data})
}

// sasl answers the negotiation message last sent.
func (h *harness) sasl(status protocol.NegotiationStatus, msg string) {
	h.answer(protocol.Response{
		Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: h.seq,
		Body: protocol.AppendNegotiationResult(nil, status, []byte(msg)),
	})
}

func (h *harness) token(data string, done bool) {
	h.step(Event{Kind: EventToken, Conn: h.core.Conn(), Data: []byte(data), Done: done})
}

func (h *harness) dialed() { h.step(Event{Kind: EventDialed, Conn: h.core.Conn()}) }

// negotiate goes from a connection that is up to one that is ready.
func (h *harness) negotiate() {
	h.sasl(protocol.SASLListMechanismsResp, "OTHER, "+testMechanism)
	h.sasl(protocol.SASLSelectMechanismsResp, "")
	h.token("first", false)
	h.sasl(protocol.SASLChallenge, "prove it")
	h.token("second", true)
	h.sasl(protocol.SASLSucc, "")
	require.Equal(h.t, StateReady, h.core.State(), h.log.String())
}

// connect makes the session ready, for the first time.
func (h *harness) connect() {
	h.step(Event{Kind: EventKeepReady, Keep: true})
	h.dialed()
	h.negotiate()
}

// outcome of a request, and that there is exactly one.
func (h *harness) outcome(id RequestID) Completion {
	h.t.Helper()
	var found []Completion
	for _, d := range h.done {
		if d.ID == id {
			found = append(found, d)
		}
	}
	require.Len(h.t, found, 1, "completions of request %d\n%s", id, h.log.String())
	return found[0]
}

func (h *harness) printf(format string, args ...any) {
	fmt.Fprintf(&h.log, format+"\n", args...)
}

// number is what counts in a ConnID.
func number(id protocol.ConnID) uint32 { return uint32(id) }

func span(after, spread time.Duration) string {
	if spread == 0 {
		return after.String()
	}
	return after.String() + ".." + (after + spread).String()
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}
