// Golden scripts: what a client does, event by event, in words. testdata/golden/*.txt;
// rewrite with go test -rewrite. Servers have letters: a and b are metas.

package routing

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		var h *harness
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "client" {
				h = newHarness(t, scriptConfig(t, d))
				h.late = d.HasArg("late")
				return ""
			}
			h.t = t
			h.log.Reset()
			h.script(fields(d))
			for _, line := range strings.Split(d.Input, "\n") {
				if f := strings.Fields(line); len(f) > 0 {
					h.script(f)
				}
			}
			return h.log.String()
		})
	})
}

// fields puts a command's words together again.
func fields(d *datadriven.TestData) []string {
	all := []string{d.Cmd}
	for _, a := range d.CmdArgs {
		word := a.Key
		if len(a.Vals) > 0 {
			word += "=" + strings.Join(a.Vals, ",")
		}
		all = append(all, word)
	}
	return all
}

func scriptConfig(t *testing.T, d *datadriven.TestData) Config {
	cfg := testConfig()
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "late":
		case "metas":
			cfg.Metas = nil
			for _, m := range strings.Split(a.Vals[0], "") {
				cfg.Metas = append(cfg.Metas, addr(m))
			}
		case "lazy":
			cfg.KeepReady = false
		case "max-metas":
			cfg.MaxMetas = atoi(t, a.Vals[0])
		case "max-ops":
			cfg.MaxOps = atoi(t, a.Vals[0])
		case "max-tables":
			cfg.MaxTables = atoi(t, a.Vals[0])
		case "max-pending":
			cfg.Session.MaxPending = atoi(t, a.Vals[0])
		case "max-sessions":
			cfg.MaxSessions = atoi(t, a.Vals[0])
		default:
			t.Fatalf("unknown argument %s", a.Key)
		}
	}
	return cfg
}

// script carries out one line.
//
//	open ID TABLE TIMEOUT            submit ID get|ttl|put|remove HASH TIMEOUT [TABLE]
//	dialed X | refuse X | lose X REASON
//	table X APP COUNT PRIMARY...     answer the oldest query of X
//	forward X TO | query-error X CODE
//	reply X CODE|value [N]           answer the N-th oldest request of X
//	advance DURATION | cancel ID | drain | close | show
//	panics ...                       the Step of this line panics, its effects are lost
func (h *harness) script(w []string) {
	arg := func(i int) string {
		require.Greater(h.t, len(w), i, "%v lacks an argument", w)
		return w[i]
	}
	switch w[0] {
	case "panics":
		h.panics = true
		h.script(w[1:])
	case "open":
		h.step(Event{Kind: EventOpenTable, Op: Op{ID: OpID(atoi(h.t, arg(1))), Table: arg(2), Deadline: h.now.Add(duration(h.t, arg(3)))}})
	case "submit":
		h.scriptSubmit(w)
	case "dialed":
		h.dialed(arg(1))
	case "refuse":
		h.refuse(arg(1), session.ReasonRefused)
	case "lose":
		h.lose(arg(1), reasonByName(h.t, arg(2)))
	case "table":
		h.answer(arg(1), 0, protocol.CodeOK, config(int32(atoi(h.t, arg(2))), atoi(h.t, arg(3)), w[4:]...))
	case "forward":
		h.answer(arg(1), 0, protocol.CodeOK, forward(arg(2)))
	case "query-error":
		h.answer(arg(1), 0, protocol.CodeOK, queryError(protocol.ErrorCodeByName(arg(2))))
	case "reply":
		n := 0
		if len(w) > 3 {
			n = atoi(h.t, w[3])
		}
		if code := protocol.ErrorCodeByName(arg(2)); code != protocol.CodeUnknown || strings.HasPrefix(w[2], "ERR_") {
			h.answer(w[1], n, code, nil)
		} else {
			h.answer(w[1], n, protocol.CodeOK, []byte(w[2]))
		}
	case "advance":
		h.advance(duration(h.t, arg(1)))
	case "cancel":
		h.step(Event{Kind: EventCancel, ID: OpID(atoi(h.t, arg(1)))})
	case "drain":
		h.step(Event{Kind: EventDrain})
	case "close":
		h.step(Event{Kind: EventClose})
	case "show":
		h.show()
	default:
		h.t.Fatalf("unknown verb %s", w[0])
	}
}

func (h *harness) scriptSubmit(w []string) {
	require.GreaterOrEqual(h.t, len(w), 5, "%v lacks an argument", w)
	rpc := map[string]protocol.RPC{"get": protocol.RPCGet, "ttl": protocol.RPCTTL, "put": protocol.RPCPut, "remove": protocol.RPCRemove}[w[2]]
	table := "temp"
	if len(w) > 5 {
		table = w[5]
	}
	id := atoi(h.t, w[1])
	h.step(Event{Kind: EventSubmit, Op: Op{
		ID: OpID(id), Table: table, RPC: rpc, Hash: uint64(atoi(h.t, w[3])),
		Body: []byte(strconv.Itoa(id)), Deadline: h.now.Add(duration(h.t, w[4])),
	}})
}

func (h *harness) show() {
	for s := range h.core.Sessions() {
		h.printf("%s %v meta=%t kept=%t waiting=%d pending=%d", nameOf(s.Addr), s.State, s.Meta, s.Kept, s.Waiting, s.Pending)
	}
	var metas []string
	for m := range h.core.Metas() {
		metas = append(metas, nameOf(m))
	}
	h.printf("metas=%s leader=%s ops=%d %+v", strings.Join(metas, ""), nameOf(h.core.Leader()), h.core.PendingOps(), h.core.Stats())
	if v, ok := h.core.Table("temp"); ok {
		var parts []string
		for i := range v.Count {
			p, known := h.core.Partition("temp", i)
			if !known {
				p = PartitionView{Ballot: -1, Primary: netip.AddrPort{}}
			}
			parts = append(parts, nameOf(p.Primary)+"@"+strconv.FormatInt(p.Ballot, 10))
		}
		h.printf("temp app=%d stale=%t %s", v.AppID, v.Stale, strings.Join(parts, " "))
	}
}

func reasonByName(t tester, name string) session.Reason {
	for r := session.ReasonNone; r <= session.ReasonInternal; r++ {
		if r.String() == name {
			return r
		}
	}
	t.Fatalf("no reason %s", name)
	return 0
}

func atoi(t tester, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

func duration(t tester, s string) time.Duration {
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return d
}
