// Whom metas take for the leader: by R24 to R27 any of them, and nobody else. Whether an
// address is a meta's shows when somebody listens there, which may be later than it is named.

package conformance

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/a8011091/pegasus-reference/trace"
)

// electorate is what a trace shows of addresses that are taken for a leader's.
type electorate struct {
	listened map[string]bool
	unheard  map[string]bool     // servers that a client dialed, and that are not in the trace
	named    map[string]*Refusal // taken for a leader's, and nobody has listened there
}

func newElectorate() electorate {
	return electorate{listened: make(map[string]bool), unheard: make(map[string]bool), named: make(map[string]*Refusal)}
}

// take takes where servers are, and whom metas name.
func (e *electorate) take(v *Validator, ev *trace.Event) {
	switch ev.Kind {
	case trace.KindListen:
		e.listened[ev.Addr] = true
		delete(e.unheard, ev.Addr)
		delete(e.named, ev.Addr)
	case trace.KindDial:
		if to, err := netip.ParseAddrPort(ev.Peer); err == nil && to.Port() != kerberosPort && !e.listened[ev.Peer] {
			e.unheard[ev.Peer] = true
		}
	case trace.KindLeader:
		if ev.Peer != "" && !e.listened[ev.Peer] && e.named[ev.Peer] == nil {
			e.named[ev.Peer] = v.ofTrace(ev, object("R27", "%s takes %s for the leader, where no server ever listens", ev.Node, ev.Peer))
			e.named[ev.Peer].What = routeRows[rowLeads].name
		}
	}
}

// strangers are those that no server of the trace turned out to be, in their order; none
// where there are servers that are not in the trace.
func (e *electorate) strangers() []*Refusal {
	if len(e.unheard) > 0 {
		return nil
	}
	var list []*Refusal
	for _, f := range e.named {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *Refusal) int { return cmp.Compare(a.Event, b.Event) })
	clear(e.named)
	return list
}
