// The catalogue. A new defect is one entry here, and a patch where it is one of our code.

package defect

import (
	"slices"

	"github.com/a8011091/pegasus-reference/model"
	"github.com/a8011091/pegasus-reference/sim"
)

// incident is the report that the project began with.
const incident = "apache/incubator-pegasus#2133"

// Property tests of the cores.
var (
	ofSession = Properties{Package: "./client/session", Test: "TestProperties", Cases: 3000}
	ofRouting = Properties{Package: "./client/routing", Test: "TestProperties", Cases: 3000}
	ofReplica = Properties{Package: "./server/replica", Test: "TestAgainstAMap", Cases: 3000}
	ofNode    = Properties{Package: "./server/node", Test: "TestAnyEvents", Cases: 3000}
)

// giveUp is why validation does not see that a connection was closed for nothing.
const giveUp = "a client may give a negotiation up when its mechanism fails, and a trace does not say for which connection it did."

// ofSeeds is full-restart with the reference on both sides, ofHistories what its callers
// saw, ofTraces its traces against the specification.
var (
	ofSeeds     = Simulator{Seeds: 200}
	ofHistories = Linearizability{Simulator{Seeds: 200}}
	ofTraces    = Validation{Simulator{Seeds: 50}}
	ofSwarm     = Simulator{Scenario: sim.ScenarioSwarm, Auth: sim.AuthDrawn, Seeds: 200}
	lateTraces  = Validation{Simulator{File: "late-events", Seeds: 10}}
)

// played is a file of scenarios/, for a patch.
func played(file string) Simulator { return Simulator{File: file, Seeds: 10} }

// catalogue is read only.
var catalogue = slices.Concat(incidentDefects, stated, sessionDefects, nodeDefects, replicaDefects, routingDefects)

// incidentDefects are those of the incident's write-up.
var incidentDefects = []Defect{
	{
		ID: "stale-auth-flag", Source: incident + ", cause C1; upstream's fix is #2132",
		Properties: []string{"auth-before-request", "fresh-session", "reconnect-converges", "requests-drain"},
		About: "\"This session is authenticated\" is remembered by the session, which outlives its connections. After a restart the " +
			"request that made the session reconnect is written before the negotiation, and a server that insists on one closes the connection or falls silent.",
		Trials: []Trial{
			Specification{Spec: "session", Config: "default", Server: "hang", Switches: []string{"stale-auth-flag"}},
			Cores{World: "crash"},
			Simulator{Client: sim.ClientUpstreamSnapshot, Server: sim.ServerHang, ControlClient: sim.ClientReference, Seeds: 20},
			ofSession,
			Validation{Simulator{Client: sim.ClientUpstreamSnapshot, Server: sim.ServerHang, ControlClient: sim.ClientReference, Seeds: 20}},
		},
	},
	{
		ID: "mute-server", Source: "apache/incubator-pegasus#2111 (S1)",
		Properties: []string{"reconnect-converges", "requests-drain"},
		About: "A server treats a request that comes before the negotiation with silence: it leaves the connection open, reads on, and never writes " +
			"again. It harms nobody who negotiates first; a client with stale-auth-flag waits for its own timers, for ever again: the incident's ERR_TIMEOUT.",
		Trials: []Trial{
			Specification{Spec: "session", Config: "default", With: []string{"stale-auth-flag"}, Constants: []model.Setting{{Name: "ServerMode", Value: "hang"}}},
			Cores{World: "hasty-hang", Control: "hasty-refuse"},
			Simulator{Client: sim.ClientUpstreamSnapshot, Server: sim.ServerHang, ControlServer: sim.ServerReference, Seeds: 20},
		},
	},
	{
		ID: "early-request-closes", Source: incident + ", servers up to 2.5.0",
		Properties: []string{"reconnect-converges", "requests-drain"},
		About: "A server closes the connection on which a request comes before the negotiation. A client with stale-auth-flag connects, is closed, " +
			"and connects again, without an end.",
		Trials: []Trial{
			Specification{Spec: "session", Config: "default", With: []string{"stale-auth-flag"}, Constants: []model.Setting{{Name: "ServerMode", Value: "fin"}}},
			Cores{World: "hasty-close", Control: "hasty-refuse"},
			Simulator{Client: sim.ClientUpstream250, Server: sim.ServerFIN, ControlServer: sim.ServerReference, Seeds: 20},
		},
	},
	{
		ID: "timeout-mismatch", Source: incident + ", cause C3",
		Properties: []string{"converges", "done-by-cap", "reconnect-converges", "requests-drain"},
		About: "The server gives a negotiation up before the client does, and before a slow one can be over: every attempt is reset by the server, " +
			"and the client, whose own deadline has not passed, learns nothing from it.",
		Trials: []Trial{
			Specification{Spec: "timeouts", Config: "default", Switches: []string{"timeout-mismatch"}},
			Simulator{File: "slow-negotiation", ControlFile: "later-deadline", Seeds: 20},
		},
	},
}

// stated are those that our own code cannot have.
var stated = []Defect{
	{
		ID: "auth-reset-after-reconnect", Source: "upstream's Java client since #2132 (J3)",
		Properties: []string{"auth-before-request", "fresh-session", "reconnect-converges", "requests-drain"},
		About: "Upstream's fix: the flag is still the session's, and is reset some time after the connection has ended. When the next connection is up " +
			"before that, the request goes first again; or a negotiation that has succeeded is forgotten.",
		Trials: []Trial{
			Specification{Spec: "session", Config: "default", Server: "hang", Switches: []string{"auth-reset-after-reconnect"}},
			Simulator{File: "race", ControlClient: sim.ClientReference, Seeds: 20},
		},
	},
	{
		ID: "port-reuse", Source: incident + ", cause C2",
		Properties: []string{"reconnect-converges", "requests-drain"},
		About: "The client dials from a port on which the server still holds a connection, and the server goes on with that one. No TCP does; where one " +
			"did, a connection that had died without telling would be the one that is used for ever. docs/ports.md has what TCP does.",
		Trials: []Trial{
			Specification{Spec: "session", Config: "default", Server: "hang", Switches: []string{"port-reuse"}},
			Simulator{File: "sticky", ControlFile: "one-port", Seeds: 20},
		},
	},
}

// sessionDefects are in the core of one session.
var sessionDefects = []Defect{
	{
		ID: "close-event-of-another-connection", Source: "upstream's Java client (J5)",
		Properties: []string{"fresh-session", "single-connection", "complete-once"},
		About: "The end of a connection is not held against which connection it was of: an orphan that ends takes the healthy session down with it, " +
			"and leaves the healthy connection open with nobody to close it.",
		Trials: []Trial{sessionSwitch("close-event-of-another-connection"), Cores{World: "crash"}, played("late-events"), ofSession, lateTraces},
	},
	{
		ID: "reply-of-another-connection", Source: "upstream's Java client (J2, J6)",
		Properties: []string{"fresh-session", "auth-before-request", "no-downgrade", "complete-once"},
		About: "Bytes are not held against which connection they came on. An answer that comes late answers what is asked now, and a success that " +
			"comes late authenticates a connection whose negotiation is still going on.",
		Trials: []Trial{Cores{World: "crash"}, played("late-events"), ofSession, lateTraces},
	},
	{
		ID: "stale-timer-accepted", Source: "design rule: a timer that was stopped changes nothing",
		Properties: []string{"fresh-session", "single-connection", "bounded"},
		About: "A timer that fired while it was being stopped is taken for the one that is armed now: the deadline of an earlier handshake ends a " +
			"negotiation that has just begun.",
		Trials: []Trial{Cores{World: "crash"}, played("late-events"), ofSession, lateTraces},
	},
	{
		ID: "failure-closes-newer-connection", Source: "upstream's Java client (J7)",
		Properties: []string{"fresh-session"},
		About:      "That a negotiation failed is acted upon after its connection is gone: it closes the connection that has come since.",
		Trials:     []Trial{sessionSwitch("failure-closes-newer-connection"), Cores{World: "crash"}, played("late-events"), ofSession, unseen(lateTraces, giveUp)},
	},
	{
		ID: "pending-not-failed-on-eof", Source: "the official Go client (apache/incubator-pegasus#1385)",
		Properties: []string{"complete-once", "requests-end", "requests-drain"},
		About:      "When a connection ends, the requests that were written on it are left waiting for answers that cannot come.",
		Trials:     []Trial{sessionSwitch("pending-not-failed-on-eof"), Cores{World: "crash"}, played("unanswered-read"), ofSession, ofTraces},
	},
	{
		ID: "abandoned-request-kept", Source: "the official Go client (docs/upstream-go.md, G4)",
		Properties: []string{"bounded"},
		About:      "A request whose caller has stopped waiting is kept until its answer comes: on a server that says nothing they become ever more.",
		Trials:     []Trial{Simulator{File: "swallowed", ControlClient: sim.ClientReference, Seeds: 20}},
		Alone:      "it is in the model of the Go client, which runs in the simulator only; parked-requests-never-purged is its like in our own code.",
	},
	{
		ID: "queue-not-failed-on-close", Source: "upstream's Java client (J14)",
		Properties: []string{"complete-once", "requests-end"},
		About:      "Closing a session forgets the requests that were not yet written. Whoever submitted them waits for good.",
		Trials:     []Trial{Cores{World: "cancels"}, played("closing"), ofSession},
	},
	{
		ID: "written-put-resent", Source: "upstream's Java client: a put is sent again after ERR_SESSION_RESET",
		Properties: []string{"honest-outcome", "complete-once", "linearizable"},
		About: "A write that was on its way when its connection ended is written again on the next one, although the first may have run: the second run " +
			"undoes what others have written in between.",
		Trials: []Trial{Cores{World: "crash"}, ofSwarm, ofSession, Linearizability{ofSwarm}},
	},
	{
		ID: "unknown-called-failed", Source: "upstream's clients: ERR_SESSION_RESET and ERR_TIMEOUT do not tell whether a write ran",
		Properties: []string{"honest-outcome", "complete-once", "linearizable"},
		About:      "A request that was written and never answered is reported as failed, as if it were certain that it has not run.",
		Trials:     []Trial{Cores{World: "crash"}, ofSwarm, ofSession, Linearizability{ofSwarm}},
	},
	{
		ID: "reconnect-storm", Source: "upstream's Java client (J10)",
		Properties: []string{"bounded", "non-zeno"},
		About:      "Attempts to connect follow each other without a pause, for as long as the server is down: load on the network, on the KDC, and on the server that comes back.",
		Trials:     []Trial{timeoutsSwitch("reconnect-storm"), Cores{World: "crash"}, ofSeeds},
	},
	{
		ID: "parked-requests-never-purged", Source: "upstream's Java client (J8)",
		Properties: []string{"complete-once", "bounded", "requests-end"},
		About:      "Requests that wait for a connection to become ready are kept beyond their deadlines, without a bound.",
		Trials:     []Trial{sessionSwitch("parked-requests-never-purged"), Cores{World: "deadlines"}, ofSeeds, ofSession},
	},
	{
		ID: "downgrade", Source: "upstream's Java client (J11)",
		Properties: []string{"no-downgrade"},
		About: "A server that says it has no authentication, or does not know the negotiation, is believed: whoever stands between gets the " +
			"traffic in the clear, and the client that was told to insist does not.",
		Trials: []Trial{sessionSwitch("downgrade"), Cores{World: "no-authentication"}, played("no-authentication"), ofSession},
	},
	{
		ID: "early-success", Source: "upstream's Java client (J11)",
		Properties: []string{"no-downgrade", "auth-before-request"},
		About:      "A success is believed at any step of the negotiation, whether the mechanism has authenticated the server or not.",
		Trials:     []Trial{played("early-success"), ofSession},
	},
	{
		ID: "silence-ignored", Source: "design rule: a connection on which nothing comes back is dead",
		Properties: []string{"reconnect-converges", "requests-drain", "requests-end"},
		About: "A server that loses its power sends no FIN. Its connection is kept although requests are written on it and nothing comes back: they " +
			"time out one after another, for as long as TCP goes on sending them again.",
		Trials: []Trial{
			Cores{World: "loss"}, played("silence"), ofTraces,
			Properties{Package: ofSession.Package, Test: ofSession.Test, Cases: 20_000}, // it takes ten seconds in which nothing happens
		},
	},
	{
		ID: "mute-server-waited-for", Source: incident + ", remedy r3",
		Properties: []string{"reconnect-converges", "requests-drain", "requests-end"},
		About:      "A negotiation has no deadline: a server that accepts and then says nothing, or loses its power, is waited for without an end.",
		Trials:     []Trial{Cores{World: "loss"}, played("mute"), ofSession},
	},
	{
		ID: "redial-after-60s", Source: "the official Go client",
		Properties: []string{"requests-drain", "reconnect-converges", "done-by-cap"},
		About:      "After a failed attempt the next one is made a minute later, whoever waits.",
		Trials: []Trial{
			timeoutsSwitch("redial-after-60s"), ofSeeds, ofSession,
			unseen(Cores{World: "crash"}, "that world has no bound on how long a client may wait: a timer that is due fires, whenever that is."),
		},
	},
	{
		ID: "restart-costs-a-minute", Source: "the official Go client (docs/upstream-go.md, G2)",
		Properties: []string{"requests-drain"},
		About: "A session that is found gone within a minute of its last dial, which succeeded, is dialled a minute after that. A server that is back at " +
			"once is of no use for as long.",
		Trials: []Trial{Simulator{Client: sim.ClientUpstreamGo, Auth: sim.AuthOptional, ControlClient: sim.ClientReference, Seeds: 20}},
		Alone:  "it is in the model of the Go client, which runs in the simulator only; redial-after-60s is its like in our own code.",
	},
	{
		ID: "zombie-after-decode-error", Source: "the official Go client (docs/upstream-go.md, G1)",
		Properties: []string{"requests-drain", "reconnect-converges"},
		About: "What cannot be decoded ends the reading of a connection, and not the connection: the session is taken for ready, and nothing that is asked on it " +
			"is ever answered.",
		Trials: []Trial{Specification{Spec: "session", Config: "default", Switches: []string{"zombie-after-decode-error"}}, played("garbage"), ofSession},
	},
	{
		ID: "retry-on-dying-session", Source: "upstream's Java client (J1)",
		Properties: []string{"requests-drain", "convergence-bound"},
		About: "Between the loss of a connection and the session's knowing of it, what is asked of the session is left with it to wait, and nobody connects: it " +
			"waits until something else makes the session dial.",
		Trials: []Trial{sessionSwitch("retry-on-dying-session"), Simulator{File: "dying-session", ControlClient: sim.ClientReference, Seeds: 20}},
	},
	{
		ID: "negotiate-before-state-check", Source: "upstream's Java client (J4)",
		Properties: []string{"fresh-session", "single-connection", "requests-drain"},
		About: "An attempt to connect that was given up is not cancelled. When it is up, its negotiation begins before anybody has looked whose connection it is, " +
			"and spoils that of the connection which the session has.",
		Trials: []Trial{sessionSwitch("negotiate-before-state-check"), Simulator{File: "late-connect", ControlClient: sim.ClientReference, Seeds: 20}},
	},
	{
		ID: "reset-window-closes-healthy-connection", Source: "upstream's Java client (J17, and its reset window)",
		Properties: []string{"converges", "done-by-cap", "fresh-session"},
		About: "The window within which something has to come back is shorter than an honest server takes, or runs from a request of an earlier connection: the " +
			"client closes a connection on which all is well.",
		Trials: []Trial{timeoutsSwitch("reset-window-closes-healthy-connection"), Simulator{File: "old-window", ControlClient: sim.ClientReference, Seeds: 20}},
	},
}

// nodeDefects are in the core of a server node.
var nodeDefects = []Defect{
	{
		ID: "executed-before-success", Source: "docs/spec.md: where authentication is mandatory nothing but negotiation passes the gate",
		Properties: []string{"authenticated-execution"},
		About:      "The gate looks at whether a negotiation is under way, not at whether it has succeeded: what comes first is executed for anybody.",
		Trials: []Trial{
			Cores{World: "hasty-refuse"}, Simulator{Client: sim.ClientUpstreamSnapshot, Seeds: 50}, ofNode,
		},
	},
	{
		ID: "answers-after-mute", Source: "apache/incubator-pegasus#2111: a session that has died is still decoded",
		Properties: []string{"authenticated-execution", "well-formed", "bounded"},
		About:      "A connection that the node has given up is still served when something arrives on it.",
		Trials:     []Trial{Cores{World: "hasty-hang"}, Simulator{Client: sim.ClientUpstream250, Early: sim.EarlyHang, Seeds: 50}, ofNode},
	},
	{
		ID: "held-request-lost", Source: "design rule: what is held is answered",
		Properties: []string{"requests-drain", "requests-end"},
		About:      "Requests that the node holds until the negotiation has succeeded are forgotten at that moment: nobody answers them.",
		Trials:     []Trial{Simulator{Client: sim.ClientUpstreamSnapshot, Early: sim.EarlyHold, Seeds: 50}, ofNode},
	},
	{
		ID: "dead-session-kept", Source: "upstream's servers (S2)",
		Properties: []string{"bounded"},
		About:      "An answer that is queued on a session which has died holds it, and its socket is never closed: each client that comes and goes leaves one.",
		Trials:     []Trial{Simulator{File: "leaking", ControlServer: sim.ServerReference, Seeds: 20}},
		Alone:      "it is in the models of upstream's servers, which run in the simulator only.",
	},
}

// replicaDefects are in the core of a replica server.
var replicaDefects = []Defect{
	{
		ID: "acknowledged-write-lost", Source: "design rule: linearizable",
		Properties: []string{"linearizable"},
		About:      "A put of a key that has a value is acknowledged and not stored: who reads it next gets the old value.",
		Trials:     []Trial{ofSeeds, ofReplica, ofHistories},
	},
	{
		ID: "removed-row-read", Source: "design rule: linearizable",
		Properties: []string{"linearizable"},
		About:      "A remove is acknowledged and the row stays: it is read as if it had never been removed.",
		Trials:     []Trial{ofSeeds, ofReplica, ofHistories},
	},
}

// sessionSwitch checks the specification of a session with the defect of that name.
func sessionSwitch(name string) Specification {
	return Specification{Spec: "session", Config: "small", Switches: []string{name}}
}

// timeoutsSwitch checks that of the deadlines.
func timeoutsSwitch(name string) Specification {
	return Specification{Spec: "timeouts", Switches: []string{name}}
}

// routingSwitch checks the routing specification with the defect of that name.
func routingSwitch(name string) Specification {
	return Specification{Spec: "routing", Config: "small", Switches: []string{name}}
}

// routingDefects are in the core of the whole client.
var routingDefects = []Defect{
	{
		ID: "older-ballot-accepted", Source: "design rule: ballot-monotonic",
		Properties: []string{"ballot-monotonic"},
		About:      "A partition's configuration is replaced by whatever a meta says last, an older one included.",
		Trials:     []Trial{routingSwitch("older-ballot-accepted"), played("newer-ballot"), ofRouting},
	},
	{
		ID: "retry-to-stale-primary", Source: "upstream's clients",
		Properties: []string{"requests-drain"},
		About:      "A replica's word that it does not serve a partition has the operation tried again at the same replica, and nobody asks the metas who does.",
		Trials:     []Trial{routingSwitch("retry-to-stale-primary"), played("moved"), ofRouting},
	},
	{
		ID: "forward-ping-pong", Source: "upstream's clients",
		Properties: []string{"bounded", "leader-found", "requests-drain"},
		About:      "A redirect is followed wherever it points: two metas that each take the other for the leader are asked in turn, without a pause and without an end.",
		Trials:     []Trial{routingSwitch("forward-ping-pong"), played("each-other"), ofRouting, ofTraces},
	},
	{
		ID: "lost-callback-on-unknown-error", Source: "upstream's Java client (J12)",
		Properties: []string{"complete-once", "requests-drain"},
		About:      "An error code that means nothing to the client leaves the operation where it is: nobody completes it.",
		Trials:     []Trial{routingSwitch("lost-callback-on-unknown-error"), played("disk-error"), ofRouting},
	},
	{
		ID: "query-lost-on-bad-answer", Source: "upstream's Java client (J13)",
		Properties: []string{"complete-once"},
		About:      "An answer to a query that cannot be used ends its handling half way: the query is taken for running, and the table is never asked for again.",
		Trials:     []Trial{Simulator{File: "bad-index", Client: sim.ClientUpstreamMaster, ControlClient: sim.ClientReference, Seeds: 20}},
		Alone:      "it is in the models of the Java client, which run in the simulator only; lost-callback-on-unknown-error is its like in our own code.",
	},
	{
		ID: "hot-retry", Source: "upstream's Java client (J9)",
		Properties: []string{"bounded", "leader-found", "non-zeno"},
		About:      "An operation that was refused is tried again at once, and again, for as long as its deadline allows.",
		Trials:     []Trial{timeoutsSwitch("hot-retry"), played("invalid-state"), ofRouting},
	},
}
