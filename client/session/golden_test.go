// Golden scripts: what a session does, event by event, in words. testdata/*.txt; rewrite
// with go test -rewrite.

package session

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/protocol"
)

func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		var h *harness
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "session" {
				h = newHarness(t, scriptConfig(t, d))
				h.late = d.HasArg("late")
				return ""
			}
			h.t = t
			h.log.Reset()
			for _, line := range append([]string{d.Cmd + " " + words(d)}, strings.Split(d.Input, "\n")...) {
				if strings.TrimSpace(line) != "" {
					h.script(strings.Fields(line))
				}
			}
			return h.log.String()
		})
	})
}

// words puts the arguments of a command together again.
func words(d *datadriven.TestData) string {
	var all []string
	for _, a := range d.CmdArgs {
		word := a.Key
		if len(a.Vals) > 0 {
			word += "=" + strings.Join(a.Vals, ",")
		}
		all = append(all, word)
	}
	return strings.Join(all, " ")
}

func scriptConfig(t *testing.T, d *datadriven.TestData) Config {
	cfg := testConfig()
	for _, a := range d.CmdArgs {
		if len(a.Vals) == 0 {
			continue
		}
		switch v := a.Vals[0]; a.Key {
		case "auth":
			cfg.Auth = map[string]Auth{"required": AuthRequired, "preferred": AuthPreferred, "off": AuthOff}[v]
		case "max-waiting":
			cfg.MaxWaiting = atoi(t, v)
		case "max-pending":
			cfg.MaxPending = atoi(t, v)
		case "max-challenges":
			cfg.MaxChallenges = atoi(t, v)
		default:
			t.Fatalf("unknown argument %s", a.Key)
		}
	}
	return cfg
}

// script carries out one line: a verb and its arguments, which may be name=value.
func (h *harness) script(line []string) {
	verb, args := line[0], line[1:]
	first := ""
	named := make(map[string]string)
	for i, a := range args {
		if k, v, ok := strings.Cut(a, "="); ok {
			named[k] = v
		} else if i == 0 {
			first = a
		} else {
			named[a] = "yes"
		}
	}
	conn := h.core.Conn()
	if n, ok := named["conn"]; ok {
		conn = protocol.ConnID(atoi(h.t, n))
	}
	switch verb {
	case "submit":
		h.submit(RequestID(atoi(h.t, first)), duration(h.t, named["within"]))
	case "cancel":
		h.step(Event{Kind: EventCancel, ID: RequestID(atoi(h.t, first))})
	case "dialed":
		h.step(Event{Kind: EventDialed, Conn: conn})
	case "dial-failed":
		h.step(Event{Kind: EventDialFailed, Conn: conn, Reason: reasonByName(h.t, first)})
	case "closed":
		h.step(Event{Kind: EventClosed, Conn: conn, Reason: reasonByName(h.t, first)})
	case "token":
		h.step(Event{Kind: EventToken, Conn: conn, Data: []byte(first), Done: named["done"] != "", Failed: first == "failed", Internal: first == "broken"})
	case "sasl":
		h.step(Event{Kind: EventReceived, Conn: conn, Data: h.saslFrame(first, named)})
	case "reply":
		h.step(Event{Kind: EventReceived, Conn: conn, Data: h.replyFrame(atoi(h.t, first), named)})
	case "raw":
		h.step(Event{Kind: EventReceived, Conn: conn, Data: unhex(h.t, first)})
	case "negotiate":
		h.negotiate()
	case "advance":
		h.advance(duration(h.t, first))
	case "keep":
		h.step(Event{Kind: EventKeepReady, Keep: first != "off"})
	case "drain":
		h.step(Event{Kind: EventDrain})
	case "close":
		h.step(Event{Kind: EventClose})
	case "show":
		waiting, pending := h.core.Outstanding()
		h.printf("%v conn=%d waiting=%d pending=%d stats=%+v", h.core.State(), number(h.core.Conn()), waiting, pending, h.core.Stats())
	default:
		h.t.Fatalf("unknown verb %s", verb)
	}
}

func (h *harness) saslFrame(status string, named map[string]string) []byte {
	r := protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCNegotiation, Seq: h.seq}
	if s, ok := named["seq"]; ok {
		r.Seq = int32(atoi(h.t, s))
	}
	if code, ok := named["code"]; ok {
		r.Code = protocol.ErrorCodeByName(code)
	}
	if status == "garbage" {
		r.Body = []byte(status)
	} else {
		r.Body = protocol.AppendNegotiationResult(nil, statusByName(h.t, status), []byte(named["msg"]))
	}
	return protocol.AppendResponse(nil, &r)
}

func (h *harness) replyFrame(seq int, named map[string]string) []byte {
	r := protocol.Response{Code: protocol.CodeOK, RPC: protocol.RPCGet, Seq: int32(seq), Body: []byte(named["body"])}
	if code, ok := named["code"]; ok {
		r.Code, r.CodeName = protocol.ErrorCodeByName(code), code
	}
	if rpc, ok := named["rpc"]; ok {
		r.RPC = protocol.RPCByName(rpc)
	}
	return protocol.AppendResponse(nil, &r)
}

func statusByName(t testing.TB, name string) protocol.NegotiationStatus {
	for s := protocol.SASLInvalid; s.Known(); s++ {
		if s.String() == name || s.String() == "SASL_"+name {
			return s
		}
	}
	t.Fatalf("no negotiation status %s", name)
	return 0
}

func reasonByName(t testing.TB, name string) Reason {
	if name == "" {
		return ReasonNone
	}
	for r := ReasonNone; r.String() != undefined; r++ {
		if r.String() == name {
			return r
		}
	}
	t.Fatalf("no reason %s", name)
	return 0
}

func atoi(t testing.TB, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

func duration(t testing.TB, s string) time.Duration {
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return d
}
