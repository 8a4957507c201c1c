// What refusals look like: one small exchange, spoiled in one way a case. The printed text
// is the assertion; -rewrite writes it anew.

package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/model/session"
	"github.com/a8011091/pegasus-reference/trace"
)

var rewrite = flag.Bool("rewrite", false, "write golden files anew")

// talk is the events of one client and one server.
type talk struct {
	events []trace.Event
	passed int64 // ns that went by without an event
}

func (k *talk) add(node string, kind trace.Kind, ev trace.Event) {
	ev.AtNS, ev.Node, ev.Kind = k.passed+int64(len(k.events))*1_000_000, node, kind
	k.events = append(k.events, ev)
}

const (
	serverAddr = "10.0.0.1:34801"
	clientAddr = "10.0.1.1:40000"
)

// connect dials, and both ends learn that it worked.
func (k *talk) connect(conn uint64, local string) {
	k.add("client", trace.KindDial, trace.Event{Conn: conn, Peer: serverAddr})
	k.add("client", trace.KindConnected, trace.Event{Conn: conn, Peer: serverAddr, Addr: local})
	k.add("server", trace.KindAccept, trace.Event{Conn: conn, Peer: local, Addr: serverAddr})
}

// exchange is a frame to the server and its answer, as both ends see them.
func (k *talk) exchange(conn uint64, ask, answer trace.Event, between ...trace.Event) {
	ask.Conn, answer.Conn = conn, conn
	k.add("client", trace.KindFrameOut, ask)
	k.add("server", trace.KindFrameIn, ask)
	for _, ev := range between {
		ev.Conn = conn
		k.add("server", ev.Kind, ev)
	}
	k.add("server", trace.KindFrameOut, answer)
	k.add("client", trace.KindFrameIn, answer)
}

// negotiate goes through three rounds.
func (k *talk) negotiate(conn uint64) {
	for i, neg := range [][2]string{
		{"SASL_LIST_MECHANISMS", "SASL_LIST_MECHANISMS_RESP"}, {"SASL_SELECT_MECHANISMS", "SASL_SELECT_MECHANISMS_RESP"}, {"SASL_INITIATE", "SASL_SUCC"},
	} {
		seq := int32(i + 1)
		k.exchange(conn, trace.Event{RPC: "RPC_NEGOTIATION", Seq: seq, Neg: neg[0], Size: 90},
			trace.Event{RPC: "RPC_NEGOTIATION_ACK", Seq: seq, Neg: neg[1], Code: codeOK, Size: 70})
	}
}

func (k *talk) get(conn uint64, seq int32) {
	k.exchange(conn, trace.Event{RPC: "RPC_RRDB_RRDB_GET", Seq: seq, Size: 97},
		trace.Event{RPC: "RPC_RRDB_RRDB_GET_ACK", Seq: seq, Code: codeOK, Size: 80},
		trace.Event{Kind: trace.KindExecute, RPC: "RPC_RRDB_RRDB_GET", Principal: "somebody"})
}

// conversation is a session in order: connected, authenticated, one request, the server
// restarted, and everything once more.
func conversation() *talk {
	k := &talk{}
	k.add("server", trace.KindNodeUp, trace.Event{})
	k.add("server", trace.KindListen, trace.Event{Addr: serverAddr})
	k.add("client", trace.KindNodeUp, trace.Event{})
	k.connect(1, clientAddr)
	k.negotiate(1)
	k.get(1, 4)
	k.add("server", trace.KindNodeDown, trace.Event{Note: "killed"})
	k.add("client", trace.KindClosed, trace.Event{Conn: 1, Note: "fin"})
	k.add("server", trace.KindNodeUp, trace.Event{})
	k.add("server", trace.KindListen, trace.Event{Addr: serverAddr})
	k.connect(2, "10.0.1.1:40001")
	k.negotiate(2)
	k.get(2, 4)
	return k
}

// at finds the n-th event of a kind at a node, from 0.
func (k *talk) at(node string, kind trace.Kind, n int) int {
	for i := range k.events {
		if k.events[i].Node == node && k.events[i].Kind == kind {
			if n == 0 {
				return i
			}
			n--
		}
	}
	panic(fmt.Sprintf("the conversation has not that many %v at %s", kind, node))
}

func (k *talk) insert(i int, node string, kind trace.Kind, ev trace.Event) {
	ev.AtNS, ev.Node, ev.Kind = k.events[i].AtNS, node, kind
	k.events = slices.Insert(k.events, i, ev)
}

func (k *talk) change(i int, f func(*trace.Event)) { f(&k.events[i]) }

// move puts an event in front of an earlier one.
func (k *talk) move(from, to int) {
	ev := k.events[from]
	ev.AtNS = k.events[to].AtNS
	k.events = slices.Insert(slices.Delete(k.events, from, from+1), to, ev)
}

var spoiled = []struct {
	name   string
	clause string
	spoil  func(*talk)
}{
	{"request-before-negotiation", "P1", func(k *talk) {
		k.move(k.at("client", trace.KindFrameOut, 7), k.at("client", trace.KindFrameOut, 4))
	}},
	{"request-before-any-negotiation", "P1", func(k *talk) {
		k.move(k.at("client", trace.KindFrameOut, 3), k.at("client", trace.KindFrameOut, 0))
	}},
	{"second-connection", "P3", func(k *talk) {
		k.insert(k.at("client", trace.KindFrameOut, 1), "client", trace.KindDial, trace.Event{Conn: 9, Peer: serverAddr})
	}},
	{"connected-to-nobody", "S21", func(k *talk) {
		k.move(k.at("client", trace.KindConnected, 1), k.at("server", trace.KindListen, 1))
		k.move(k.at("client", trace.KindDial, 1), k.at("server", trace.KindListen, 1)-1)
	}},
	{"step-skipped", "S17", func(k *talk) {
		k.move(k.at("client", trace.KindFrameOut, 2), k.at("client", trace.KindFrameOut, 1))
	}},
	{"early-success", "S34", func(k *talk) {
		k.change(k.at("server", trace.KindFrameOut, 5), func(ev *trace.Event) { ev.Neg = "SASL_SUCC" })
	}},
	{"executed-for-nobody", "S32", func(k *talk) {
		k.change(k.at("server", trace.KindExecute, 0), func(ev *trace.Event) { ev.Principal = "" })
	}},
	{"answered-without-executing", "S32", func(k *talk) {
		i := k.at("server", trace.KindExecute, 0)
		k.events = slices.Delete(k.events, i, i+1)
	}},
	{"answer-to-nothing", "S24", func(k *talk) {
		k.insert(len(k.events)-1, "client", trace.KindFrameIn, trace.Event{Conn: 2, RPC: "RPC_RRDB_RRDB_GET_ACK", Seq: 3, Code: codeOK, Size: 80})
	}},
	{"ready-before-success", "P2", func(k *talk) {
		i := k.at("client", trace.KindFrameIn, 2)
		k.insert(i, "client", trace.KindSession, trace.Event{Conn: 1, Peer: serverAddr, State: "ready"})
		k.insert(k.at("client", trace.KindFrameIn, 0), "client", trace.KindSession, trace.Event{Conn: 1, Peer: serverAddr, State: "negotiating"})
		k.insert(k.at("client", trace.KindConnected, 0), "client", trace.KindSession, trace.Event{Conn: 1, Peer: serverAddr, State: "dialing"})
	}},
	{"closed-by-nobody", "S14", func(k *talk) {
		k.insert(len(k.events)-2, "client", trace.KindClosed, trace.Event{Conn: 2, Note: "fin"})
	}},
	{"server-closes-for-nothing", "S35", func(k *talk) {
		k.insert(k.at("server", trace.KindNodeDown, 0), "server", trace.KindClose, trace.Event{Conn: 1})
	}},
	{"time-goes-back", "T21", func(k *talk) {
		k.change(k.at("server", trace.KindExecute, 0), func(ev *trace.Event) { ev.AtNS = 5 })
	}},
	{"another-principal", "S32", func(k *talk) {
		k.change(k.at("server", trace.KindExecute, 1), func(ev *trace.Event) { ev.Principal = "mallory" })
	}},
	{"another-partition", "S24", func(k *talk) {
		for _, at := range []int{k.at("client", trace.KindFrameOut, 3), k.at("server", trace.KindFrameIn, 3)} {
			k.change(at, func(ev *trace.Event) { ev.App, ev.Partition = 2, int32(at) })
		}
	}},
	{"two-lives", "S39", func(k *talk) {
		k.insert(k.at("server", trace.KindNodeDown, 0), "server", trace.KindNodeUp, trace.Event{})
	}},
}

func TestConversationConforms(t *testing.T) {
	result, err := Validate(conversation().events, Options{})
	require.NoError(t, err)
	requireConforming(t, &result)
	require.Equal(t, 1, result.Sessions)
	require.Equal(t, 2, result.Connections)
	result, err = Validate(conversation().events, Options{Spec: SpecRouting})
	require.NoError(t, err)
	require.Equal(t, 2, result.Connections)
}

// A server that hangs falls silent after an offence, which is its client's, and not otherwise.
func TestServerThatFallsSilent(t *testing.T) {
	for _, offence := range []bool{true, false} {
		k := &talk{}
		k.add("server", trace.KindNodeUp, trace.Event{})
		k.add("server", trace.KindListen, trace.Event{Addr: serverAddr})
		k.connect(1, clientAddr)
		request := trace.Event{Conn: 1, RPC: "RPC_RRDB_RRDB_GET", Seq: 1, Size: 97}
		if !offence {
			k.negotiate(1)
			request.Seq = 4
		}
		k.add("client", trace.KindFrameOut, request)
		k.add("server", trace.KindFrameIn, request)
		k.add("server", trace.KindSession, trace.Event{Conn: 1, State: "mute"})
		result, err := Validate(k.events, Options{Server: session.ServerHang})
		require.NoError(t, err)
		require.Equal(t, NotConforming, result.Verdict)
		require.Equal(t, 1, result.Refused)
		if offence {
			require.Equal(t, "P1", result.First.Clause)
		} else {
			require.Equal(t, "a server falls silent on a connection", result.First.What)
		}
	}
}

// What more states than allowed leave open is no refusal.
func TestTooManyStatesRefuseNothing(t *testing.T) {
	alone := slices.DeleteFunc(slices.Clone(conversation().events), func(ev trace.Event) bool { return ev.Node == "server" })
	for _, events := range [][]trace.Event{conversation().events, alone} {
		whole, err := Validate(events, Options{})
		require.NoError(t, err)
		requireConforming(t, &whole)
		cut := 0
		for limit := 1; limit <= 8; limit++ {
			result, err := Validate(events, Options{MaxStates: limit})
			require.NoError(t, err)
			require.NotEqual(t, NotConforming, result.Verdict, "%d states: %s", limit, result.Reason)
			if result.Verdict == Inconclusive {
				cut++
				require.Contains(t, result.Reason, fmt.Sprintf("more than %d states", limit))
			}
		}
		require.Positive(t, cut)
	}
}

func TestRefusalMessages(t *testing.T) {
	for _, c := range spoiled {
		t.Run(c.name, func(t *testing.T) {
			k := conversation()
			c.spoil(k)
			result, err := Validate(k.events, Options{})
			require.NoError(t, err)
			require.Equal(t, NotConforming, result.Verdict)
			var text bytes.Buffer
			require.NoError(t, result.First.Tell(&text))
			path := filepath.Join("testdata", "golden", c.name+".txt")
			if *rewrite {
				require.NoError(t, os.WriteFile(path, text.Bytes(), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), text.String())
			require.Equal(t, c.clause, result.First.Clause)
		})
	}
}

func TestNothingToJudge(t *testing.T) {
	for name, events := range map[string][]trace.Event{
		"empty":       nil,
		"server only": conversation().events[:2],
		"dial only":   conversation().events[:4],
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Validate(events, Options{})
			require.NoError(t, err)
			require.Equal(t, Inconclusive, result.Verdict)
			require.Contains(t, result.Reason, "nothing to judge")
		})
	}
}

// A server without authentication says so in its first answer, and executes for nobody in
// particular.
func TestServerWithoutAuthenticationConforms(t *testing.T) {
	k := &talk{}
	k.add("server", trace.KindNodeUp, trace.Event{})
	k.add("server", trace.KindListen, trace.Event{Addr: serverAddr})
	k.connect(1, clientAddr)
	k.exchange(1, trace.Event{RPC: "RPC_NEGOTIATION", Seq: 1, Neg: "SASL_LIST_MECHANISMS", Size: 90},
		trace.Event{RPC: "RPC_NEGOTIATION_ACK", Seq: 1, Neg: "SASL_AUTH_DISABLE", Code: codeOK, Size: 70})
	k.get(1, 2)
	k.change(k.at("server", trace.KindExecute, 0), func(ev *trace.Event) { ev.Principal = "" })
	result, err := Validate(k.events, Options{})
	require.NoError(t, err)
	requireConforming(t, &result)
}

// A recording of the client's side alone is held to what can be seen there.
func TestClientAlone(t *testing.T) {
	k := conversation()
	k.events = slices.DeleteFunc(k.events, func(ev trace.Event) bool { return ev.Node == "server" })
	result, err := Validate(k.events, Options{})
	require.NoError(t, err)
	requireConforming(t, &result)
	k.move(k.at("client", trace.KindFrameOut, 7), k.at("client", trace.KindFrameOut, 4))
	result, err = Validate(k.events, Options{})
	require.NoError(t, err)
	require.Equal(t, NotConforming, result.Verdict)
	require.Equal(t, "P1", result.First.Clause)
	require.Equal(t, "stale-auth-flag", result.First.Switch)
}

// The client's number and the server's may differ, and the server may tell first.
func TestEndsAreLinkedByAddress(t *testing.T) {
	k := conversation()
	for i := range k.events {
		if k.events[i].Node == "server" && k.events[i].Conn != 0 {
			k.events[i].Conn += 50
		}
	}
	k.move(k.at("server", trace.KindAccept, 1), k.at("client", trace.KindConnected, 1))
	result, err := Validate(k.events, Options{})
	require.NoError(t, err)
	requireConforming(t, &result)
	require.Zero(t, result.Refused)
	k.change(k.at("server", trace.KindExecute, 1), func(ev *trace.Event) { ev.Principal = "" })
	result, err = Validate(k.events, Options{})
	require.NoError(t, err)
	require.Equal(t, NotConforming, result.Verdict)
}

// A server that is not in the trace may have been down, and come back between two dials or
// during one.
func TestClientAloneSeesARestart(t *testing.T) {
	for _, refusals := range []int{1, 2} {
		k := &talk{}
		for conn := range uint64(refusals) {
			k.add("client", trace.KindDial, trace.Event{Conn: conn + 1, Peer: serverAddr})
			k.add("client", trace.KindDialFailed, trace.Event{Conn: conn + 1, Peer: serverAddr, Note: "refused"})
		}
		k.connect(9, clientAddr)
		k.negotiate(9)
		k.get(9, 4)
		k.events = slices.DeleteFunc(k.events, func(ev trace.Event) bool { return ev.Node == "server" })
		result, err := Validate(k.events, Options{})
		require.NoError(t, err)
		requireConforming(t, &result)
	}
}
