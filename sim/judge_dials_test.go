// A dial that is still under way when the last fault is over, and a host without a free port:
// neither is the client's doing, and neither excuses it for longer than it lasts.

package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/client/session"
	"github.com/a8011091/pegasus-reference/protocol"
)

func TestHandshakesThatOutlastTheFaults(t *testing.T) {
	slow := func(node string, at, down, by time.Duration) Fault {
		return Fault{Kind: FaultSlowHandshake, Node: node, At: at, Down: down, By: by}
	}
	restart := Fault{Kind: FaultRestart, Node: "meta-2", At: 5 * time.Second, Down: 5 * time.Second}
	for name, c := range map[string]struct {
		faults []Fault
		late   time.Duration
	}{
		"no slow handshake":              {faults: []Fault{restart}},
		"a SYN just before the end":      {faults: []Fault{slow("meta-1", time.Second, 9*time.Second, 300*time.Millisecond)}, late: 300 * time.Millisecond},
		"a dial is given up":             {faults: []Fault{slow("meta-1", time.Second, 9*time.Second, 1500*time.Millisecond)}, late: time.Second},
		"over before the last fault":     {faults: []Fault{restart, slow("meta-1", time.Second, 8*time.Second, 700*time.Millisecond)}},
		"shortly before the last fault":  {faults: []Fault{restart, slow("meta-1", time.Second, 8800*time.Millisecond, 700*time.Millisecond)}, late: 500 * time.Millisecond},
		"two of one node add up":         {faults: []Fault{slow("meta-1", 0, 10*time.Second, 300*time.Millisecond), slow("meta-1", time.Second, 9*time.Second, 400*time.Millisecond)}, late: 700 * time.Millisecond},
		"where they are at once":         {faults: []Fault{slow("meta-1", 0, 10*time.Second, 300*time.Millisecond), slow("meta-1", time.Second, 2*time.Second, 400*time.Millisecond)}, late: 300 * time.Millisecond},
		"the first ends, and both count": {faults: []Fault{slow("meta-1", 0, 10*time.Second, 50*time.Millisecond), slow("meta-1", time.Second, 8900*time.Millisecond, 400*time.Millisecond)}, late: 350 * time.Millisecond},
		"two nodes do not":               {faults: []Fault{slow("meta-1", 0, 10*time.Second, 300*time.Millisecond), slow("meta-2", 0, 10*time.Second, 400*time.Millisecond)}, late: 400 * time.Millisecond},
		"the KDC is no session's":        {faults: []Fault{restart, slow(kdcName, 0, 10*time.Second, 300*time.Millisecond)}},
	} {
		t.Run(name, func(t *testing.T) {
			court := newCourt()
			court.faultsOver = judgedAt
			court.scenario.Faults = c.faults
			require.Equal(t, c.late, court.scenario.lateHandshake())
			bound := court.scenario.reconnectBound() + c.late
			for _, after := range []time.Duration{bound - time.Millisecond, bound} { // its deadline
				op := court.ops.invoke(judgedAt.Add(after-time.Second), 0, protocol.RPCPut, "k1", "s0", time.Second)
				court.ops.complete(op.deadline, op.id, session.OutcomeFailed, protocol.CodeOK, nil, "deadline")
				court.judgeRequests(court.now)
				require.Equal(t, after < bound, len(court.violations) == 0, "a deadline %v after the faults", after)
			}
		})
	}
}

func TestHostWithoutAFreePort(t *testing.T) {
	minute := time.Minute + Default().BackoffCap + 20*Default().LatencyMax + 100*time.Millisecond
	for name, c := range map[string]struct {
		asked, starved time.Duration // after the faults
		node           string        // that was dialed in vain
		fails          bool
	}{
		"while it was dialed":                    {asked: time.Second, starved: 2 * time.Second},
		"while a meta was":                       {asked: time.Second, starved: 2 * time.Second, node: "meta-2"},
		"while another replica was":              {asked: time.Second, starved: 2 * time.Second, node: "replica-9", fails: true},
		"during a rest after it":                 {asked: time.Second, starved: time.Second - Default().BackoffCap},
		"long after it":                          {asked: 10 * time.Second, starved: 2 * time.Second, fails: true},
		"as long as TIME-WAIT lasts":             {asked: minute - time.Millisecond, starved: minute},
		"longer: the client has used up its own": {asked: minute + time.Millisecond, starved: minute + time.Second, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			court := newCourt()
			court.faultsOver = judgedAt
			op := court.ops.invoke(judgedAt.Add(c.asked), 0, protocol.RPCPut, "k1", "s0", 5*time.Second)
			node := c.node
			if node == "" {
				node = op.node
			}
			court.noPort(judgedAt.Add(c.starved), 0, node)
			court.ops.complete(judgedAt.Add(c.asked+5*time.Second), op.id, session.OutcomeFailed, protocol.CodeOK, nil, "deadline")
			require.Equal(t, c.fails, !court.mayFail(op, judgedAt))
			require.Equal(t, 1, court.met[MetNoPort])
		})
	}
}

// A session that cannot be dialed for want of a port is not missing before its ports are free.
func TestNoSessionWithoutAFreePort(t *testing.T) {
	for name, c := range map[string]struct {
		now, starved time.Duration // after the faults
		missing      bool
	}{
		"dialed in vain":           {now: 10 * time.Second, starved: 9950 * time.Millisecond},
		"dialed in vain long ago":  {now: 10 * time.Second, starved: time.Second, missing: true},
		"no port for too long now": {now: 70 * time.Second, starved: 70 * time.Second, missing: true},
	} {
		t.Run(name, func(t *testing.T) {
			court := newCourt()
			court.inVain("meta-1")
			court.faultsOver = judgedAt
			court.noPort(judgedAt.Add(c.starved), 0, "meta-1")
			p := court.pair(0, "meta-1")
			p.asked = judgedAt.Add(c.now)
			require.Equal(t, c.missing, court.misses(judgedAt.Add(c.now), p))
		})
	}
}
