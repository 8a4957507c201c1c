// Explanations of small traces, word by word.

package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/trace"
)

const ms = 1_000_000

// restarted is a server that was killed and came back, and a client that dials it.
func restarted(more ...trace.Event) []trace.Event {
	return append([]trace.Event{
		{AtNS: 0, Node: "meta-1", Kind: trace.KindNodeUp},
		{AtNS: 0, Node: "meta-1", Kind: trace.KindListen, Addr: "10.0.1.1:1"},
		{AtNS: 0, Node: "client-1", Kind: trace.KindNodeUp},
		{AtNS: 10 * ms, Node: "meta-1", Kind: trace.KindNodeDown, Note: "killed"},
		{AtNS: 30 * ms, Node: "meta-1", Kind: trace.KindNodeUp},
		{AtNS: 30 * ms, Node: "meta-1", Kind: trace.KindListen, Addr: "10.0.1.1:1"},
		{AtNS: 40 * ms, Node: "client-1", Kind: trace.KindDial, Conn: 7, Peer: "10.0.1.1:1"},
	}, more...)
}

var up = trace.Event{AtNS: 41 * ms, Node: "client-1", Kind: trace.KindConnected, Conn: 7, Peer: "10.0.1.1:1", Addr: "10.0.3.1:9"}

func frame(at int64, node, rpc, neg string, first bool) trace.Event {
	return trace.Event{AtNS: at, Node: node, Kind: trace.KindFrameOut, Conn: 7, RPC: rpc, Neg: neg, First: first}
}

const (
	query       = "RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX"
	negotiation = "RPC_NEGOTIATION"
)

func failure(at int64, code string) trace.Event {
	return trace.Event{AtNS: at, Node: "client-1", Kind: trace.KindNegotiation, Conn: 7, State: "failed", Code: code}
}

// A trace that somebody else wrote may have a frame that has no name.
func TestFrameWithoutAName(t *testing.T) {
	never := Violation{Property: "reconnect-converges", AtNS: 900 * ms, What: "client-1 fails", Decides: true}
	for _, rpc := range []string{"", "_", "RPC_"} {
		events := restarted(up, frame(42*ms, "client-1", rpc, "", true), frame(42*ms, "client-1", negotiation, "SASL_LIST_MECHANISMS", false), failure(50*ms, "ERR_TIMEOUT"))
		said := Explain(events, &Summary{Verdict: "violation", Violations: []Violation{never}})
		require.Contains(t, said[2].Text, "the first frame is a request")
	}
}

func TestExplanations(t *testing.T) {
	never := Violation{Property: "reconnect-converges", AtNS: 900 * ms, What: "client-1 still tries to reach meta-1 and fails", Decides: true}
	for _, c := range []struct {
		name      string
		events    []trace.Event
		violation *Violation
		says      []string
	}{
		{
			"a server that falls silent", restarted(up,
				frame(42*ms, "client-1", query, "", true),
				frame(42*ms, "client-1", negotiation, "SASL_LIST_MECHANISMS", false),
				trace.Event{AtNS: 43 * ms, Node: "meta-1", Kind: trace.KindSession, Conn: 7, State: "mute", Note: "early request"},
				failure(10041*ms, "ERR_TIMEOUT"),
				trace.Event{AtNS: 10041 * ms, Node: "client-1", Kind: trace.KindClose, Conn: 7, Note: "fin"},
			), &never,
			[]string{
				"meta-1 goes down (killed), and serves again after 20ms.",
				"connection c7: from client-1 to meta-1, it comes up 1ms after the dial.",
				"c7: the first frame is a query (" + query + "), before any negotiation on this connection.",
				"c7: meta-1 falls silent on it (early request): it leaves the connection open, and never answers what follows (1 frame).",
				"c7: the client's negotiation fails with ERR_TIMEOUT, 10s after the connection came up.",
				"reconnect-converges is violated: client-1 still tries to reach meta-1 and fails.",
			},
		},
		{
			"a server that closes", restarted(up,
				frame(42*ms, "client-1", "RPC_RRDB_RRDB_INCR", "", true),
				trace.Event{AtNS: 43 * ms, Node: "meta-1", Kind: trace.KindClose, Conn: 7, Note: "fin"},
				failure(44*ms, "ERR_SESSION_RESET"),
			), &never,
			[]string{
				"meta-1 goes down (killed), and serves again after 20ms.",
				"connection c7: from client-1 to meta-1, it comes up 1ms after the dial.",
				"c7: the first frame is an incr (RPC_RRDB_RRDB_INCR), before any negotiation on this connection.",
				"c7: meta-1 closes it (fin).",
				"c7: the client's negotiation fails with ERR_SESSION_RESET, 3ms after the connection came up.",
				"reconnect-converges is violated: client-1 still tries to reach meta-1 and fails.",
			},
		},
		{
			"a negotiation that is refused", restarted(up,
				frame(42*ms, "client-1", negotiation, "SASL_LIST_MECHANISMS", true),
				trace.Event{AtNS: 43 * ms, Node: "meta-1", Kind: trace.KindNegotiation, Conn: 7, State: "failed", Note: "no key"},
				failure(44*ms, "ERR_UNAUTHENTICATED"),
			), &never,
			[]string{
				"meta-1 goes down (killed), and serves again after 20ms.",
				"connection c7: from client-1 to meta-1, it comes up 1ms after the dial.",
				"c7: the negotiation begins with SASL_LIST_MECHANISMS.",
				"c7: meta-1 refuses the negotiation: no key.",
				"c7: the client's negotiation fails with ERR_UNAUTHENTICATED, 3ms after the connection came up.",
				"reconnect-converges is violated: client-1 still tries to reach meta-1 and fails.",
			},
		},
		{
			"a dial that is refused", restarted(
				trace.Event{AtNS: 41 * ms, Node: "client-1", Kind: trace.KindDialFailed, Conn: 7, Peer: "10.0.1.1:1", Note: "refused"},
			), &never,
			[]string{
				"meta-1 goes down (killed), and serves again after 20ms.",
				"connection c7: client-1 dials meta-1 and fails: refused.",
				"reconnect-converges is violated: client-1 still tries to reach meta-1 and fails.",
			},
		},
		{
			"a connection that the violation names", restarted(up,
				frame(42*ms, "client-1", negotiation, "SASL_LIST_MECHANISMS", true),
				frame(43*ms, "client-1", query, "", false),
				frame(44*ms, "meta-1", query+"_ACK", "", true),
			), &Violation{Property: "auth-before-request", AtNS: 43 * ms, What: "client-1 wrote a request on c7 too early.", Decides: true},
			[]string{
				"meta-1 goes down (killed), and serves again after 20ms.",
				"connection c7: from client-1 to meta-1, it comes up 1ms after the dial.",
				"c7: the negotiation has begun, and before it has succeeded the client writes a query (" + query + ").",
				"auth-before-request is violated: client-1 wrote a request on c7 too early.",
			},
		},
		{
			"nothing wrong", restarted(up,
				frame(42*ms, "client-1", negotiation, "SASL_LIST_MECHANISMS", true),
				trace.Event{AtNS: 45 * ms, Node: "client-1", Kind: trace.KindFrameIn, Conn: 7, RPC: negotiation + "_ACK", Neg: "SASL_SUCC"},
			), nil,
			[]string{
				"meta-1 goes down (killed), the first of 1 server outage.",
				"Every server serves again.",
				"The last session to come back is that of client-1 to meta-1, on connection c7: 15ms after the last server.",
				"Every property held.",
			},
		},
		{"nothing at all", nil, nil, []string{"Every property held."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Summary{Verdict: "held"}
			if c.violation != nil {
				s.Verdict, s.Violations = "violation", []Violation{*c.violation}
			}
			var says []string
			for _, sentence := range Explain(c.events, &s) {
				says = append(says, sentence.Text)
			}
			require.Equal(t, c.says, says)
		})
	}
}

// TestExplanationCountsWhatCameAfter: one connection is told, the others are numbers.
func TestExplanationCountsWhatCameAfter(t *testing.T) {
	events := restarted(up, failure(50*ms, "ERR_TIMEOUT"))
	for conn := uint64(8); conn < 11; conn++ {
		at := int64(conn) * 100 * ms
		events = append(events,
			trace.Event{AtNS: at, Node: "client-1", Kind: trace.KindDial, Conn: conn, Peer: "10.0.1.1:1"},
			trace.Event{AtNS: at + ms, Node: "client-1", Kind: trace.KindConnected, Conn: conn, Peer: "10.0.1.1:1", Addr: "10.0.3.1:9"},
			trace.Event{AtNS: at + 2*ms, Node: "client-1", Kind: trace.KindNegotiation, Conn: conn, State: "failed", Code: "ERR_TIMEOUT"})
	}
	s := Summary{Verdict: "violation", Violations: []Violation{
		{Property: "bounded", What: "told beside"},
		{Property: "requests-drain", What: "client-1: operation 3 never ended", AtNS: 2000 * ms, Decides: true},
	}}
	sentences := Explain(events, &s)
	last := sentences[len(sentences)-1]
	require.Equal(t, "requests-drain is violated: client-1: operation 3 never ended.", last.Text, "the violation that decides")
	require.EqualValues(t, 2000*ms, last.AtNS)
	require.Equal(t, "After it 3 negotiations fail in the same run, between 1 pair of client and server; none succeeds.", sentences[len(sentences)-2].Text)
	require.EqualValues(t, 10, sentences[len(sentences)-2].Conn)
}
