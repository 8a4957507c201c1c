// Upstream's defects: what is known of its clients and servers, and which of it the models
// show in the simulator. Numbers are those of docs/upstream-defects.md, which is made of this.

package defect

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/a8011091/pegasus-reference/sim"
)

// Upstream is one defect of an upstream program.
type Upstream struct {
	ID    string // J: the Java client, S: the server, G: the Go client
	About string

	// Shows is the scenario that shows it in a model, and Properties what it violates there.
	Shows      Simulator
	Properties []string

	Defect  string // of the catalogue, which has it in our own code, a specification, or both
	Unshown string // why no scenario shows it; empty where one does
}

// UpstreamDefects returns the list, in the order of the page.
func UpstreamDefects() []Upstream {
	return append(append(javaDefects(), serverDefects()...), goDefects()...)
}

// shownBy plays a file with a client of upstream's, and as its control with another.
func shownBy(file, client, control string) Simulator {
	return Simulator{File: file, Client: client, ControlClient: control, Seeds: 20}
}

// Reasons that several have in common.
const (
	noThreads = "a matter of threads that wait for each other: the models act in one step"
	noMemory  = "a matter of the program's memory, not of what it does on the wire"
	notThere  = "of a part that the models do not have"
)

func javaDefects() []Upstream {
	const master, reference = sim.ClientUpstreamMaster, sim.ClientReference
	return []Upstream{
		{ID: "C1", About: "\"authenticated\" is a mark of the session and outlives its connection (before the fix)",
			Shows:      Simulator{Client: sim.ClientUpstreamSnapshot, Server: sim.ServerHang, ControlClient: reference, Seeds: 20},
			Properties: []string{sim.PropertyReconnectConverges}, Defect: "stale-auth-flag"},
		{ID: "C2", About: "a server goes on with a connection that it still holds when its client dials from the same port: no TCP does",
			Shows:      Simulator{File: "sticky", ControlFile: "one-port", Seeds: 20},
			Properties: []string{sim.PropertyReconnectConverges}, Defect: "port-reuse"},
		{ID: "C3", About: "a server that gives a negotiation up before the client does",
			Shows:      Simulator{File: "slow-negotiation", ControlFile: "later-deadline", Seeds: 20},
			Properties: []string{sim.PropertyReconnectConverges}, Defect: "timeout-mismatch"},
		{ID: "J1", About: "what is sent while the end of a connection is being told waits on the dead session, and nobody dials",
			Shows: shownBy("dying-session", "", reference), Properties: []string{sim.PropertyConvergenceBound}, Defect: "retry-on-dying-session"},
		{ID: "J2", About: "a success on a connection that nobody owns authenticates the session, and with it another connection",
			Unshown: "it takes the connection of J4, and a success on it while the other negotiates: TestMasterTakesAnotherConnectionsSuccess of `sim/upstream` has the order of steps"},
		{ID: "J3", About: "the mark is taken back some time after the connection has ended: the next one may be up by then",
			Shows: shownBy("race", "", reference), Properties: []string{sim.PropertyAuthBeforeRequest}, Defect: "auth-reset-after-reconnect"},
		{ID: "J4", About: "a connect that was given up is not cancelled: it comes up beside the next one, whose negotiation it spoils",
			Shows: shownBy("late-connect", "", reference), Properties: []string{sim.PropertySingleConnection}, Defect: "negotiate-before-state-check"},
		{ID: "J5", About: "the end of any connection of a session is taken for that of its current one",
			Shows: shownBy("orphan", "", reference), Properties: []string{sim.PropertyFreshSession}, Defect: "close-event-of-another-connection"},
		{ID: "J6", About: "a connection that nobody owns is not closed, and answers on it count",
			Shows: shownBy("late-connect", "", reference), Properties: []string{sim.PropertySingleConnection}, Defect: "reply-of-another-connection"},
		{ID: "J7", About: "a negotiation that failed closes the connection that there is by then",
			Defect: "failure-closes-newer-connection", Unshown: "a connection would have to end, and the next to be up, in the millisecond in which the failure is logged, and the cost is one reset more; with remedy r1 added it keeps one to four of a thousand seeds out for good ([ablation-seeds.md](ablation-seeds.md))"},
		{ID: "J8", About: "requests that wait for a negotiation are kept beyond their deadlines, without a bound",
			Shows: shownBy("parked", "", reference), Properties: []string{sim.PropertyBounded}, Defect: "parked-requests-never-purged"},
		{ID: "J9", About: "a retry waits for nanoseconds in place of milliseconds (after 2.5.0)",
			Shows: shownBy("invalid-state", master, sim.ClientUpstream250), Properties: []string{sim.PropertyBounded}, Defect: "hot-retry"},
		{ID: "J10", About: "a connect or negotiation that fails is tried again at once",
			Shows:      Simulator{Client: sim.ClientUpstreamSnapshot, Server: sim.ServerFIN, ControlClient: reference, Seeds: 20},
			Properties: []string{sim.PropertyBounded}, Defect: "reconnect-storm"},
		{ID: "J11", About: "\"no authentication here\" and a success at any token are believed",
			Shows: shownBy("no-authentication", master, reference), Properties: []string{sim.PropertyNoDowngrade}, Defect: "downgrade"},
		{ID: "J11, early success", About: "the same, a success before the mechanism has seen any proof",
			Shows: shownBy("early-success", master, reference), Properties: []string{sim.PropertyNoDowngrade}, Defect: "early-success"},
		{ID: "J12", About: "an error name that it does not have, in the answer to a query: whoever asked is never told",
			Shows: shownBy("meta-error", master, reference), Properties: []string{sim.PropertyCompleteOnce}, Defect: "lost-callback-on-unknown-error"},
		{ID: "J13", About: "an answer to a query that cannot be used throws half way, and the table is never asked for again",
			Shows: shownBy("bad-index", master, reference), Properties: []string{sim.PropertyCompleteOnce}, Defect: "query-lost-on-bad-answer"},
		{ID: "J14", About: "an exception in a callback ends the telling of the others", Defect: "queue-not-failed-on-close", Unshown: notThere + ": callbacks of an application that throw"},
		{ID: "J15", About: "a deadlock of name resolution and the end of a session", Unshown: noThreads},
		{ID: "J16", About: "threads of I/O wait for connects and for tickets", Unshown: noThreads},
		{ID: "J17", About: "the time of the first unanswered request survives the connection: a healthy one is closed for an earlier one's time-out",
			Shows: shownBy("old-window", "", reference), Properties: []string{sim.PropertyFreshSession}, Defect: "reset-window-closes-healthy-connection"},
		{ID: "J18", About: "\"connected\" is told before the negotiation has begun", Unshown: "its cost is operations that time out while a slow negotiation lasts, which no property forbids"},
		{ID: "J19", About: "each client logs in twice, and one of the two threads is never ended", Unshown: noMemory},
		{ID: "J20", About: "a login that is renewed is not published to the threads that read it", Unshown: noThreads},
		{ID: "J21", About: "a value is compressed again with each retry", Unshown: notThere + ": compression"},
		{ID: "J22", About: "attempts of one operation share the object that an answer is read into", Unshown: noMemory},
		{ID: "J23", About: "an exception while a connect begins leaves the session connecting", Unshown: notThere + ": a connect that throws"},
		{ID: "J24", About: "a write that failed is told as a time-out", Unshown: "it is modelled, and visible in the codes of operations only, which no property is about"},
		{ID: "J25", About: "frames of any length are taken", Unshown: noMemory},
		{ID: "J26", About: "addresses of IPv6 are cut", Unshown: notThere + ": names"},
		{ID: "J27", About: "metas that redirects have named are kept for ever", Unshown: "it is modelled; a cluster has no more metas than it has, so the list stays short"},
		{ID: "J28", About: "callbacks run while senders are locked out", Unshown: noThreads},
	}
}

func serverDefects() []Upstream {
	return []Upstream{
		{ID: "S1", About: "a request before the negotiation, or a negotiation that fails, is answered with silence (since #2111)",
			Shows:      Simulator{Client: sim.ClientUpstreamSnapshot, Server: sim.ServerHang, ControlServer: sim.ServerReference, Seeds: 20},
			Properties: []string{sim.PropertyReconnectConverges}, Defect: "mute-server"},
		{ID: "S1, before", About: "it is answered by closing the connection (every release up to 2.5.0)",
			Shows:      Simulator{Client: sim.ClientUpstream250, Server: sim.ServerFIN, ControlServer: sim.ServerReference, Seeds: 20},
			Properties: []string{sim.PropertyReconnectConverges}, Defect: "early-request-closes"},
		{ID: "S2", About: "an answer that is queued on a dead session holds it, and its socket is never closed",
			Shows: Simulator{File: "leaking", ControlServer: sim.ServerReference, Seeds: 20}, Properties: []string{sim.PropertyBounded}, Defect: "dead-session-kept"},
		{ID: "S3", About: "a connection over the limit is closed, and its negotiation kept", Unshown: noMemory},
		{ID: "S4", About: "two negotiation messages at once race for the state", Unshown: noThreads},
		{ID: "S5", About: "the C++ client's negotiation travels on any connection of its pool", Unshown: notThere + ": the C++ client"},
		{ID: "S6", About: "the C++ client registers a negotiation after it has begun it", Unshown: notThere + ": the C++ client"},
		{ID: "S7", About: "HTTP and the failure detector's beacon pass the gate", Unshown: notThere + ": HTTP"},
		{ID: "S8", About: "lengths before authentication make buffers grow", Unshown: noMemory},
		{ID: "S9", About: "queued answers stay until the session is destroyed", Unshown: "it is S2, of which the model has the part that a peer can bring about"},
	}
}

func goDefects() []Upstream {
	const client, reference = sim.ClientUpstreamGo, sim.ClientReference
	return []Upstream{
		{ID: "G1", About: "an answer that cannot be decoded ends the reader, and the session is still taken for ready",
			Shows: shownBy("disk-error", client, reference), Properties: []string{sim.PropertyRequestsDrain}, Defect: "zombie-after-decode-error"},
		{ID: "G2", About: "a dial within a minute of the last one is put off for a minute",
			Shows:      Simulator{Client: client, Auth: sim.AuthOptional, ControlClient: reference, Seeds: 20},
			Properties: []string{sim.PropertyRequestsDrain}, Defect: "restart-costs-a-minute"},
		{ID: "G3", About: "the end of a connection does not fail what was written on it",
			Shows: shownBy("unanswered-read", client, reference), Properties: []string{sim.PropertyRequestsDrain}, Defect: "pending-not-failed-on-eof"},
		{ID: "G4", About: "a request whose caller has stopped waiting is remembered for ever",
			Shows: shownBy("swallowed", "", reference), Properties: []string{sim.PropertyBounded}, Defect: "abandoned-request-kept"},
		{ID: "G5", About: "the time-out in the header is cut to 32 bits of nanoseconds", Unshown: "it is modelled; no server of a run acts on that field"},
		{ID: "G6", About: "a pause of 30 s within an answer loses the part that had come", Unshown: "it is modelled; a segment would have to end within the four bytes of a length, and the next to be held for 30 s"},
		{ID: "G7", About: "two readers on one stream after a write that timed out", Unshown: notThere + ": writes that block"},
		{ID: "G8", About: "a retry goes to the primary that the operation began with",
			Shows: shownBy("moved", client, reference), Properties: []string{sim.PropertyRequestsDrain}, Defect: "retry-to-stale-primary"},
		{ID: "G9", About: "the list of metas is changed without a lock", Unshown: noThreads},
		{ID: "G10", About: "a redirect to a meta that is known is not followed", Unshown: "it is modelled; all others are asked in its place, which costs a round and violates nothing"},
		{ID: "G11", About: "a query for which every meta fails ends by its deadline only", Unshown: "it is modelled; callers of a run have deadlines"},
		{ID: "G12", About: "a scanner's close waits for an answer that never comes", Unshown: notThere + ": scanners"},
		{ID: "G13", About: "a partition without a primary leaves empty slots, and their use panics", Unshown: "it is modelled; tables of a run do not change their number of partitions"},
		{ID: "G14", About: "a ticker for each session, a thousand times a second", Unshown: noMemory},
		{ID: "G15", About: "deadlines never have the table asked for again", Unshown: "it is modelled; a primary would have to be connected and mute when the faults are over, and a client of upstream's is judged after them"},
	}
}

// find runs the scenario that shows a defect, or its control.
func (u *Upstream) find(ctx context.Context, control bool) (Finding, error) {
	s := u.Shows.complete()
	if control {
		s = u.Shows.control()
		s.Seeds = min(s.Seeds, upstreamControls)
	}
	f, err := s.Search(ctx, EngineSimulator, u.Properties)
	if err != nil {
		return Finding{}, fmt.Errorf("upstream's defect %s: %w", u.ID, err)
	}
	return f, nil
}

// upstreamControls is how many seeds a control runs.
const upstreamControls = 5

// UpstreamTable is the page's table: every defect, and what was found.
func UpstreamTable(ctx context.Context) (string, error) {
	var b strings.Builder
	b.WriteString("| | defect | in the matrix as | the simulator finds | after | see it, or why not |\n|---|---|---|---|---|---|\n")
	for _, u := range UpstreamDefects() {
		matrix := ""
		if u.Defect != "" {
			matrix = fmt.Sprintf("[%s](track-record.md#%s)", u.Defect, u.Defect)
		}
		if u.Unshown != "" {
			fmt.Fprintf(&b, "| %s | %s | %s | - | - | %s |\n", u.ID, u.About, cmp.Or(matrix, "-"), u.Unshown)
			continue
		}
		found, err := u.find(ctx, false)
		if err != nil {
			return "", err
		}
		if !found.Found {
			return "", fmt.Errorf("upstream's defect %s: none of %d seeds violates one of %v", u.ID, found.Count, u.Properties)
		}
		control, err := u.find(ctx, true)
		if err != nil {
			return "", err
		}
		if control.Found {
			return "", fmt.Errorf("upstream's defect %s: its control, which has it not, violates %s: %s", u.ID, control.Property, control.What)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d of %d seeds | `%s` |\n", u.ID, u.About, cmp.Or(matrix, "-"), found.Property, found.Count, u.Shows.Seeds, u.Shows.Command("", &found))
	}
	return b.String(), nil
}
