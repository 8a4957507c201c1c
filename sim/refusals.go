// Why negotiations were refused, in the words of the mechanism: counted by node and cause.

package sim

import (
	"errors"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// Refusal is one reason for which negotiations failed at a node. Client nodes refuse too:
// to begin without a usable ticket, or to believe a server.
type Refusal struct {
	Node    string `json:"node"`
	Cause   string `json:"cause"` // of gssapi.Reasons
	Words   string `json:"words"` // of the first one
	Count   int    `json:"count"`
	FirstNS int64  `json:"first_ns"`
	LastNS  int64  `json:"last_ns"`
}

// refused: an end of a negotiation at node gave up.
func (j *judge) refused(now time.Time, node string, err error) {
	switch {
	case errors.Is(err, gssapi.ErrSkew):
		j.meet(MetSkewRefused)
	case errors.Is(err, gssapi.ErrKeyVersion):
		j.meet(MetKeyVersionRefused)
	case errors.Is(err, gssapi.ErrNoCredential):
		j.meet(MetWithoutTicket)
	}
	cause, at := gssapi.Reason(err), int64(now.Sub(j.epoch))
	for i := range j.refusals {
		if r := &j.refusals[i]; r.Node == node && r.Cause == cause {
			r.Count++
			r.LastNS = at
			return
		}
	}
	j.refusals = append(j.refusals, Refusal{Node: node, Cause: cause, Words: err.Error(), Count: 1, FirstNS: at, LastNS: at})
}
