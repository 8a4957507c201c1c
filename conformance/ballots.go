// What all answers of a trace together say of one partition: its primaries by ballot.

package conformance

import (
	"net/netip"

	"github.com/a8011091/pegasus-reference/model/routing"
	"github.com/a8011091/pegasus-reference/trace"
)

// maxConfigs is how many changes of a partition's primary are followed; the specification
// counts them in a byte.
const maxConfigs = 250

// primary is who a partition's primary was, over ballots first to last: a ballot that rises
// while the primary stays is no step of the specification.
type primary struct {
	first, last int64
	addr        netip.AddrPort
	node        uint8 // in the specification
}

// ballots is the history of one partition, in the order of ballots. The n-th entry is
// ballot n of the specification.
type ballots struct {
	list []primary
	full bool
}

// node is the specification's name of an address: 0 where it has none. Names are used
// again when there are more servers than names, never for one beside its predecessor.
func (b *ballots) node(addr netip.AddrPort) uint8 {
	for i := len(b.list) - 1; i >= 0 && i > len(b.list)-1-routing.MaxNodes; i-- {
		if b.list[i].addr == addr {
			return b.list[i].node
		}
	}
	return 0
}

// sees takes a configuration from an answer. It returns false where the ballot is known
// with another primary.
func (b *ballots) sees(c trace.Config) bool {
	n := len(b.list)
	if rank := b.rank(c.Ballot); rank < n || n > 0 && c.Ballot <= b.list[n-1].last {
		known := rank == 0 || c.Ballot != b.list[rank-1].first && c.Ballot != b.list[rank-1].last
		return known || b.list[rank-1].addr == c.Primary
	}
	switch {
	case n > 0 && b.list[n-1].addr == c.Primary:
		b.list[n-1].last = c.Ballot
	case n == maxConfigs:
		b.full = true
	default:
		node := b.node(c.Primary)
		if node == 0 || n > 0 && b.list[n-1].node == node { // another server has its name meanwhile
			node = uint8(n%routing.MaxNodes) + 1
			if n > 0 && b.list[n-1].node == node {
				node = node%routing.MaxNodes + 1
			}
		}
		b.list = append(b.list, primary{c.Ballot, c.Ballot, c.Primary, node})
	}
	return true
}

// primaryOf is the address of the primary that a client in state s writes to, if that is
// node; else none. Another server may have had node's name under another ballot.
func (b *ballots) primaryOf(s routing.State, node uint8) netip.AddrPort {
	if at := s.Ballots[0]; at > 0 && b.list[at-1].node == node {
		return b.list[at-1].addr
	}
	return netip.AddrPort{}
}

// rank is the specification's ballot for one of the trace.
func (b *ballots) rank(ballot int64) int {
	for i := len(b.list); i > 0; i-- {
		if b.list[i-1].first <= ballot {
			return i
		}
	}
	return 0
}
