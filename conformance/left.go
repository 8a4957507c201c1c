// What is left of a time travels with each frame (docs/spec.md 7.1): of a call's with its
// requests, of a look-up's with its queries. So a trace says twice how long somebody waits,
// and the two have to agree.

package conformance

import (
	"github.com/a8011091/pegasus-reference/trace"
)

// lagNS is how much later than it was an instant may be told by a machine that has much to do.
const lagNS = 500_000_000

// isLeft says whether a frame that is written tookNS after something that may take withinNS
// has as much left as it should: not more, and not less than by a clock that gains a tenth.
// Frames have milliseconds.
func isLeft(leftNS, tookNS, withinNS int64) bool {
	const millisecond = 1_000_000
	return leftNS <= withinNS+millisecond && leftNS >= withinNS-tookNS/10*11-lagNS-millisecond
}

// timely objects to a request that has more time, or less, than is left to any call that it
// could be of, by a client that tells how it looks tables up: older clients write other times
// into their headers. One of whose calls the trace does not say how long they may take is
// not held to that.
func (t *traffic) timely(ev *trace.Event) *objection {
	if k := t.lookers[ev.Node]; ev.WithinNS == 0 || k == nil || !k.tells || !k.timed || k.untimed {
		return nil
	}
	waits := 0
	for key, c := range t.calm.calls {
		if key.client != ev.Node || c.rpc != ev.RPC {
			continue
		}
		waits++
		if isLeft(ev.WithinNS, ev.AtNS-c.atNS, c.withinNS) {
			return nil
		}
	}
	return object("R7", "the request has %d ms left, and that is so of none of %d calls that it could be of", ev.WithinNS/1e6, waits)
}

// timelyQuery is the same of a query, by a client that tells how long it gives a meta.
func (u *use) timelyQuery(ev *trace.Event) *objection {
	if ev.WithinNS == 0 || u.query.withinNS == 0 || isLeft(ev.WithinNS, ev.AtNS-u.query.atNS, u.query.withinNS) {
		return nil
	}
	return object("R15", "the query has %d ms left; %s was to have %d, %d ms ago", ev.WithinNS/1e6, u.askedAt, u.query.withinNS/1e6, (ev.AtNS-u.query.atNS)/1e6)
}

// unsteady objects to a client that needs another time to find a table than it said before:
// how long that is follows from how it is configured.
func (k *looker) unsteady(ev *trace.Event) *objection {
	if k.boundNS == 0 || k.boundNS == ev.WithinNS {
		return nil
	}
	return object("Q4", "the client told before that it finds a table in %d ns, and tells now of %d", k.boundNS, ev.WithinNS)
}

// hasty objects to a pause that is over before half of it, the least that is drawn, and
// before a connection, which may be to a meta, was ready.
func (u *use) hasty(ev *trace.Event, k *looker) *objection {
	if u.pauseNS == 0 || k.readyNS >= u.pausedNS || isLate(ev.AtNS-u.pausedNS, u.pauseNS/2) {
		return nil
	}
	return object("R12", "the client was to pause for up to %d ms, and asks again after %d", u.pauseNS/1e6, (ev.AtNS-u.pausedNS)/1e6)
}
