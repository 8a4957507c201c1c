// The kinds of faults: what each is called, whom it can befall, which fields of a Fault
// count for it, and what it says in words. What a kind does in the world is in
// fault_run.go; which faults a seed draws is a generator's affair.

package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/sim/world"
)

// FaultKind says what happens to a node.
type FaultKind uint8

// Fault kinds. The zero value is none.
const (
	FaultRestart FaultKind = iota + 1
	FaultPowerLoss
	FaultDiskLoss
	FaultPause
	FaultPartition
	FaultOneWay
	FaultDelay
	FaultClog
	FaultSlowHandshake
	FaultLeaderChange
	FaultClockStep
	FaultClockDrift
	FaultKeyRotation
	FaultKDCOutage
	FaultTicketExpiry
	FaultForgetFlows
	FaultResetFlows
	FaultClientRestart
	FaultClientPowerLoss
	FaultMovePrimary
	FaultStaleLeader
	faultKinds
)

// Fault is one thing done to one node, or to the network between two; it is over at At+Down.
type Fault struct {
	At   time.Duration
	Kind FaultKind
	Node string // meta-1.., replica-1.., client-1.., kdc, as the kind allows
	Peer string // the other end, of a kind that has FaultInfo.Peer; empty: everybody whom Node speaks to
	Down time.Duration
	By   time.Duration // how far, of a kind that has FaultInfo.By
	Rate int64         // ns per second, of a kind that has FaultInfo.Rate

	Partition int // which one, of a kind that has FaultInfo.Partition
}

// Roles that a node can have, as a set.
const (
	roleMeta = 1 << iota
	roleReplica
	roleClient
	roleKDC
	roleServer = roleMeta | roleReplica
	roleAny    = roleServer | roleClient | roleKDC
)

// FaultInfo is what a scenario's author has to know of a kind.
type FaultInfo struct {
	Word      string // in scenario files
	Does      string // one sentence
	By        string // what the field `by` is; empty: the kind has none
	Rate      bool   // whether the field `rate` counts
	Peer      bool   // whether the field `peer` counts
	Partition bool   // whether the field `partition` counts
	Kerberos  bool   // whether it needs `auth kerberos`

	roles  uint8
	spares bool // whoever is connected to the node is served on
	silent bool // it may end connections without a word, or leave them waiting for a retransmission
}

var faultInfos = [faultKinds]FaultInfo{
	FaultRestart: {
		Word: "restart", roles: roleServer,
		Does: "the process is killed, its host closes the sockets; it starts again when the fault is over",
	},
	FaultPowerLoss: {
		Word: "power-loss", roles: roleServer, silent: true,
		Does: "the host vanishes without a word, and comes back with all that it has written",
	},
	FaultDiskLoss: {
		Word: "disk-sync-loss", roles: roleReplica, By: "how far back what was written is lost", silent: true,
		Does: "the host vanishes as in a power loss, and its disk has not kept what was written last, acknowledged or not",
	},
	FaultPause: {
		Word: "pause", roles: roleServer | roleKDC, silent: true,
		Does: "the process stands still, as under SIGSTOP, and goes on; its host's TCP lives on",
	},
	FaultPartition: {
		Word: "partition", roles: roleAny, Peer: true, silent: true,
		Does: "no packet gets through, in either direction",
	},
	FaultOneWay: {
		Word: "one-way-partition", roles: roleAny, Peer: true, silent: true,
		Does: "no packet from the node to its peer gets through; the other direction is as it was",
	},
	FaultDelay: {
		Word: "delay", roles: roleAny, Peer: true, By: "how much longer a packet travels", silent: true,
		Does: "packets travel longer, in both directions",
	},
	FaultClog: {
		Word: "clog", roles: roleAny, Peer: true, silent: true,
		Does: "packets are held, in both directions, and arrive when the fault is over",
	},
	FaultSlowHandshake: {
		Word: "slow-handshake", roles: roleServer | roleKDC, By: "how much later a SYN is answered", spares: true,
		Does: "the host answers each SYN late, as one that is flooded does",
	},
	FaultLeaderChange: {
		Word: "leader-change", roles: roleMeta, spares: true,
		Does: "no meta leads; when the fault is over the node does, and every meta that runs knows",
	},
	FaultClockStep: {
		Word: "clock-step", roles: roleAny, By: "how far the clock is set on, or back where it is negative", spares: true,
		Does: "the wall clock of the node is set wrong, and set right again",
	},
	FaultClockDrift: {
		Word: "clock-drift", roles: roleAny, Rate: true, spares: true,
		Does: "the clocks of the node, and with them its timers, run fast, or slow where the rate is negative; what was gained stays",
	},
	FaultKeyRotation: {
		Word: "key-rotation", roles: roleServer, Kerberos: true, spares: true,
		Does: "the KDC has a new key for the node and makes tickets with it; the node's keytab has the new key, and no other, when the fault is over",
	},
	FaultKDCOutage: {
		Word: "kdc-outage", roles: roleKDC, Kerberos: true, spares: true,
		Does: "the KDC's process is down: whoever asks is refused a connection",
	},
	FaultTicketExpiry: {
		Word: "ticket-expiry", roles: roleKDC, Kerberos: true, By: "how long tickets hold that are given meanwhile", spares: true,
		Does: "the KDC gives tickets that soon expire",
	},
	FaultForgetFlows: {
		Word: "forget-flows", roles: roleAny, Peer: true, By: "how long it remembers an idle one meanwhile", silent: true,
		Does: "a firewall in between forgets every connection, and until the fault is over idle ones as well; it drops their packets without a word, and lets new connections through",
	},
	FaultResetFlows: {
		Word: "reset-flows", roles: roleAny, Peer: true, By: "how long it remembers an idle one meanwhile", silent: true,
		Does: "the same, of a firewall that answers their packets with a reset to whoever sent them",
	},
	FaultClientRestart: {
		Word: "client-restart", roles: roleClient,
		Does: "the client's process is killed, its host closes the sockets; another starts when the fault is over, which knows nothing of the one before",
	},
	FaultClientPowerLoss: {
		Word: "client-power-loss", roles: roleClient,
		Does: "the client's host vanishes without a word; servers keep their ends of its connections, and it may come back to the same ports",
	},
	FaultMovePrimary: {
		Word: "move-primary", roles: roleReplica, Partition: true, spares: true,
		Does: "the leading meta makes the node the primary of a partition, with the next ballot; the primary before it has stopped, and the node, which has all that was acknowledged, does not serve before the fault is over: both refuse",
	},
	FaultStaleLeader: {
		Word: "stale-leader", roles: roleMeta, spares: true,
		Does: "another meta is elected, and the node, if it led, does not know: it answers from the tables that it has until the fault is over",
	},
}

// Info describes a kind.
func (k FaultKind) Info() FaultInfo { return faultInfos[k] }

// String is the fault's word in a scenario file.
func (k FaultKind) String() string { return faultInfos[k].Word }

// takesDown: the node's process ends.
func (k FaultKind) takesDown() bool {
	return k == FaultRestart || k == FaultPowerLoss || k == FaultDiskLoss || k.takesClientDown()
}

// takesClientDown: it is a client's.
func (k FaultKind) takesClientDown() bool {
	return k == FaultClientRestart || k == FaultClientPowerLoss
}

// FaultKinds lists every kind.
func FaultKinds() []FaultKind {
	kinds := make([]FaultKind, 0, faultKinds-1)
	for k := FaultRestart; k < faultKinds; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// faultWords lists the words of the kinds.
func faultWords() []string {
	var words []string
	for _, k := range FaultKinds() {
		words = append(words, k.String())
	}
	return words
}

// maxDriftRate bounds one fault's rate; several add up to world.MaxDrift at most.
const maxDriftRate = world.MaxDrift / 10

// role of a node, or zero for one that the scenario does not have.
func (s *Scenario) role(node string) uint8 {
	names := func(role uint8, n int, name func(int) string) uint8 {
		for i := range n {
			if name(i) == node {
				return role
			}
		}
		return 0
	}
	role := names(roleMeta, s.Metas, metaName) | names(roleReplica, s.Replicas, replicaName) | names(roleClient, s.Clients, clientName)
	if node == kdcName && s.Auth == AuthKerberos {
		role = roleKDC
	}
	return role
}

// nodesOf lists the nodes that have one of the roles.
func (s *Scenario) nodesOf(roles uint8) []string {
	var list []string
	add := func(role uint8, n int, name func(int) string) {
		for i := range n {
			if roles&role != 0 {
				list = append(list, name(i))
			}
		}
	}
	add(roleMeta, s.Metas, metaName)
	add(roleReplica, s.Replicas, replicaName)
	add(roleClient, s.Clients, clientName)
	if roles&roleKDC != 0 && s.Auth == AuthKerberos {
		list = append(list, kdcName)
	}
	return list
}

// peersOf lists the nodes that a node speaks to.
func (s *Scenario) peersOf(node string) []string {
	switch s.role(node) {
	case roleClient:
		return s.nodesOf(roleServer | roleKDC)
	default:
		return s.nodesOf(roleClient)
	}
}

// validateFault says what is wrong with a fault.
func (s *Scenario) validateFault(f *Fault) error {
	if f.Kind == 0 || f.Kind >= faultKinds {
		return usagef("the fault at %v is of no kind: there are %s", f.At, strings.Join(faultWords(), ", "))
	}
	info := f.Kind.Info()
	if info.Kerberos && s.Auth != AuthKerberos {
		return usagef("%v at %v needs `auth %s`: no other authentication has keys and tickets", f.Kind, f.At, AuthKerberos)
	}
	if s.role(f.Node)&info.roles == 0 {
		return usagef("%v at %v names node %q: it can befall %s", f.Kind, f.At, f.Node, strings.Join(s.nodesOf(info.roles), ", "))
	}
	if f.At < 0 || f.Down <= 0 || f.At > maxDuration || f.Down > maxDuration {
		return usagef("%v of %s at %v has down %v: times must be positive and at most %v", f.Kind, f.Node, f.At, f.Down, maxDuration)
	}
	if f.Peer != "" && (!info.Peer || !slices.Contains(s.peersOf(f.Node), f.Peer)) {
		return usagef("%v of %s at %v names peer %q: where there may be one, it is of %s", f.Kind, f.Node, f.At, f.Peer, strings.Join(s.peersOf(f.Node), ", "))
	}
	negative := f.Kind == FaultClockStep // may be by less than nothing
	switch {
	case info.By == "" && f.By != 0:
		return usagef("%v of %s at %v has by %v, which means nothing for it", f.Kind, f.Node, f.At, f.By)
	case info.By != "" && (f.By == 0 || f.By < 0 && !negative || f.By.Abs() > maxDuration):
		return usagef("%v of %s at %v has by %v, %s: it must be above 0, of a clock other than 0, and at most %v", f.Kind, f.Node, f.At, f.By, info.By, maxDuration)
	case !info.Rate && f.Rate != 0:
		return usagef("%v of %s at %v has rate %d, which means nothing for it", f.Kind, f.Node, f.At, f.Rate)
	case !info.Partition && f.Partition != 0:
		return usagef("%v of %s at %v has partition %d, which means nothing for it", f.Kind, f.Node, f.At, f.Partition)
	case f.Partition < 0 || f.Partition >= s.Partitions:
		return usagef("%v to %s at %v names partition %d: there are 0 to %d", f.Kind, f.Node, f.At, f.Partition, s.Partitions-1)
	case info.Rate && (f.Rate == 0 || f.Rate > maxDriftRate || f.Rate < -maxDriftRate):
		return usagef("%v of %s at %v has rate %d: it must be other than 0 and at most %d ns per second either way", f.Kind, f.Node, f.At, f.Rate, int64(maxDriftRate))
	}
	return nil
}

// Clock is how a node's clock is off from the beginning to the end of a run.
type Clock struct {
	Node   string
	Offset time.Duration // of its wall clock from simulated time
	Drift  int64         // ns that it gains per second
}

// validateClock looks at the i-th clock, and whether one before it is of the same node.
func (s *Scenario) validateClock(i int) error {
	c := &s.Clocks[i]
	if s.role(c.Node) == 0 {
		return usagef("a clock names node %q: there are %s", c.Node, strings.Join(s.nodesOf(roleAny), ", "))
	}
	if c.Offset.Abs() > maxDuration || c.Drift > maxDriftRate || c.Drift < -maxDriftRate {
		return usagef("the clock of %s has offset %v and drift %d: at most %v, and %d ns per second, either way", c.Node, c.Offset, c.Drift, maxDuration, int64(maxDriftRate))
	}
	if slices.ContainsFunc(s.Clocks[:i], func(o Clock) bool { return o.Node == c.Node }) {
		return usagef("the clock of %s is set twice", c.Node)
	}
	return nil
}
