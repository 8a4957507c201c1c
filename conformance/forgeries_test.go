// One field of an event made another: what somebody would change who wants a trace to say
// something else.

package conformance

import (
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// forgeries change one field of an event each; false where the event has no such field.
var forgeries = []struct {
	field string
	forge func(ev *trace.Event) bool
}{
	{"conn", func(ev *trace.Event) bool { had := ev.Conn != 0; ev.Conn += 100_000; return had }},
	{"other conn", func(ev *trace.Event) bool { had := ev.Conn > 1; ev.Conn--; return had }},
	{"node", func(ev *trace.Event) bool { ev.Node += "0"; return true }},
	{"seq", func(ev *trace.Event) bool { had := ev.Seq != 0; ev.Seq += 1000; return had }},
	{"rpc", func(ev *trace.Event) bool {
		had := ev.RPC != ""
		ev.RPC = protocol.RPCRemove.String() + strings.Repeat(ackSuffix, strings.Count(ev.RPC, ackSuffix)) + "2"
		return had
	}},
	{"neg", func(ev *trace.Event) bool { had := ev.Neg != ""; ev.Neg = "SASL_INVALID"; return had }},
	{"success", func(ev *trace.Event) bool {
		had := ev.Neg == "SASL_CHALLENGE" || ev.Neg == "SASL_LIST_MECHANISMS_RESP"
		ev.Neg = "SASL_SUCC"
		return had
	}},
	{"code", func(ev *trace.Event) bool { had := ev.Code != ""; ev.Code = "ERR_BUSY"; return had }},
	{"size", func(ev *trace.Event) bool { had := ev.Size != 0; ev.Size++; return had }},
	{"principal", func(ev *trace.Event) bool { had := ev.Principal != ""; ev.Principal = ""; return had }},
	{"state", func(ev *trace.Event) bool {
		before := ev.State
		ev.State = "ready"
		return before != "" && before != ev.State
	}},
	{"op", func(ev *trace.Event) bool { had := ev.Op != 0; ev.Op += 100_000; return had }},
	{"peer", func(ev *trace.Event) bool { had := ev.Peer != ""; ev.Peer = "10.9.9.9:1"; return had }},
	{"addr", func(ev *trace.Event) bool { had := ev.Addr != ""; ev.Addr = "10.9.9.9:1"; return had }},
	{"outcome", func(ev *trace.Event) bool {
		had := ev.Kind == trace.KindReturn
		if ev.State = outcomeUnknown; ev.RPC == getRPC {
			ev.State = outcomeFailed
		}
		return had
	}},
	{"kind", func(ev *trace.Event) bool { ev.Kind = trace.KindTimer; return true }},
	{"other principal", func(ev *trace.Event) bool { had := ev.Principal != ""; ev.Principal = "mallory"; return had }},
	{"app", func(ev *trace.Event) bool { had := ev.App != 0; ev.App++; return had }},
	{"partition", func(ev *trace.Event) bool { ev.Partition = (ev.Partition + 1) % 3; return ev.App != 0 }},
	{"table", func(ev *trace.Event) bool { had := ev.Table != ""; ev.Table += "2"; return had }},
	{"answer", func(ev *trace.Event) bool { had := ev.Answer != ""; ev.Answer = otherAnswer(ev.Answer); return had }},
	{"leader", func(ev *trace.Event) bool { ev.Peer = otherLeader(ev.Peer); return ev.Kind == trace.KindLeader }},
	{"first", func(ev *trace.Event) bool { ev.First = !ev.First; return isFrame(ev) }},
	{"no time left", func(ev *trace.Event) bool { had := ev.WithinNS != 0; ev.WithinNS = 1; return had }},
	{"less time", func(ev *trace.Event) bool {
		had := ev.WithinNS > int64(time.Millisecond)
		ev.WithinNS = int64(time.Millisecond)
		return had
	}},
	{"more time", func(ev *trace.Event) bool { had := ev.WithinNS != 0; ev.WithinNS += int64(time.Hour); return had }},
	{"instant zero", func(ev *trace.Event) bool { had := ev.AtNS != 0; ev.AtNS = 0; return had }},
	{"earlier", func(ev *trace.Event) bool { ev.AtNS -= laterNS; return true }},
	{"later", func(ev *trace.Event) bool { ev.AtNS += laterNS; return true }},
}

const laterNS = int64(300 * time.Millisecond)

func isFrame(ev *trace.Event) bool {
	return ev.Kind == trace.KindFrameOut || ev.Kind == trace.KindFrameIn
}

// otherAnswer has another primary in a table, and another meta in a redirect.
func otherAnswer(answer string) string {
	if strings.HasPrefix(answer, codeOK) {
		return strings.Replace(answer, "@10.", "@11.", 1)
	}
	return "ERR_FORWARD_TO_OTHERS 10.9.9.9:1"
}

// otherLeader is another meta, or, of nobody, one.
func otherLeader(peer string) string {
	if peer == metaAddr(1) {
		return metaAddr(2)
	}
	return metaAddr(1)
}
