// What has to happen sometimes: situations that the properties are about. A campaign that
// never meets one has shown nothing about it, and fails.

package sim

// Met is a situation that runs meet sometimes.
type Met uint8

// Situations.
const (
	MetRestartInHandshake Met = iota
	MetRestartInList
	MetRestartInSelect
	MetRestartInInitiate
	MetRestartInChallenge
	MetRestartWithRequest
	MetEveryMetaDown
	MetRedirectToDeadLeader
	MetNoLeader
	MetDialTimeout
	MetNegotiationTimeout
	MetSilence
	MetServedAfterDisturbance
	MetUnknownOutcome
	MetLateReply
	MetPortReuse
	MetQueueFull
	MetWriteLost
	MetSkewRefused
	MetKeyVersionRefused
	MetWithoutTicket
	MetServedWithoutTicket
	MetFlowDropped
	MetFlowRefused
	MetKeepAlive
	MetAbandoned
	MetChallenge
	MetNotPrimary
	MetNotHeld
	MetTwoLeaders
	MetOlderConfig
	MetNoPort
	MetBufferFull
	metCount
)

// metInfos says of each in how many seeds of the swarm at most one has to meet it.
var metInfos = [metCount]struct {
	name, says string
	within     int
}{
	MetRestartInHandshake:     {"restart-in-handshake", "a server went down while a client waited for its SYN-ACK", 100},
	MetRestartInList:          {"restart-in-list", "a server went down when LIST_MECHANISMS was the last that a client had written", 1000},
	MetRestartInSelect:        {"restart-in-select", "the same, SELECT_MECHANISMS", 1000},
	MetRestartInInitiate:      {"restart-in-initiate", "the same, INITIATE", 1000},
	MetRestartInChallenge:     {"restart-in-challenge", "the same, CHALLENGE_RESP", 1000},
	MetRestartWithRequest:     {"restart-with-request", "a server went down with a request that it had not answered", 100},
	MetEveryMetaDown:          {"every-meta-down", "a meta went down as the last one", 100},
	MetRedirectToDeadLeader:   {"redirect-to-dead-leader", "a meta named a leader that was down", 100},
	MetNoLeader:               {"no-leader", "a meta was asked and knew of no leader", 100},
	MetDialTimeout:            {"dial-timeout", "the reference client gave a dial up", 100},
	MetNegotiationTimeout:     {"negotiation-timeout", "the reference client gave a negotiation up", 100},
	MetSilence:                {"silence", "the reference client gave a connection up on which nothing came back", 100},
	MetServedAfterDisturbance: {"served-after-disturbance", "a connection outlived a fault of its node or network, and a request was answered on it", 100},
	MetUnknownOutcome:         {"unknown-outcome", "a write ended unknown", 100},
	MetLateReply:              {"late-reply", "an answer reached a client after its request's timeout", 100},
	MetPortReuse:              {"port-reuse", "a client connected to a node from the port of an earlier connection to it", 1000},
	MetQueueFull:              {"queue-full", "the reference client refused a request because a queue was full", 100},
	MetWriteLost:              {"write-lost", "a disk had not kept a write", 1000},
	MetSkewRefused:            {"skew-refused", "a server refused a token because of clocks", 1000},
	MetKeyVersionRefused:      {"key-version-refused", "a server refused a ticket because it had another key", 1000},
	MetWithoutTicket:          {"without-ticket", "a negotiation failed for want of a ticket", 1000},
	MetServedWithoutTicket:    {"served-without-ticket", "a request succeeded on a connection of a client that could not have got in anew", 1000},
	MetFlowDropped:            {"flow-dropped", "a packet was lost at a firewall that had forgotten its flow", 100},
	MetFlowRefused:            {"flow-refused", "the same, answered with a reset", 100},
	MetKeepAlive:              {"keep-alive", "a client's kernel gave a connection up because nothing came back, its keep-alive unanswered", 1000},
	MetAbandoned:              {"client-died-in-request", "a client died with an operation that had not returned", 100},
	MetChallenge:              {"held-port", "a client dialed from a port of which the node's kernel still knew an earlier connection, and was challenged", 1000},
	MetNotPrimary:             {"not-primary", "a replica refused a request on a partition of which it was not the primary any more, or not yet", 100},
	MetNotHeld:                {"not-held", "a replica refused a request on a partition that it did not have any more", 1000},
	MetTwoLeaders:             {"two-leaders", "a meta that had been succeeded, and did not know, answered a query for a table", 1000},
	MetOlderConfig:            {"older-configuration", "the reference client was told an older configuration than it knew, and kept its own", 5000},
	MetNoPort:                 {"no-port", "a client's host had no port left towards a node", 20000},
	MetBufferFull:             {"buffer-full", "a write waited because a send buffer was full", 1000},
}

// String is the situation's name.
func (m Met) String() string { return metInfos[m].name }

// Says describes the situation.
func (m Met) Says() string { return metInfos[m].says }

// Within is the number of seeds of the scenario swarm of which one has to meet the situation.
func (m Met) Within() int { return metInfos[m].within }

// Situations lists them all.
func Situations() []Met {
	list := make([]Met, metCount)
	for i := range list {
		list[i] = Met(i)
	}
	return list
}

// Count is how often a run had something that has a name.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Unmet lists the situations that so many seeds of the swarm should have met and have not.
func Unmet(seeds uint64, met func(Met) bool) []Met {
	var unmet []Met
	for _, m := range Situations() {
		if seeds >= uint64(m.Within()) && !met(m) {
			unmet = append(unmet, m)
		}
	}
	return unmet
}
