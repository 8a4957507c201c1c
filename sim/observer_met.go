// The situations that the wire observer sees (sometimes.go has the list).

package sim

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// meetRestart: a node goes down with connections in whatever state they are.
func (o *observer) meetRestart(node string) {
	steps := map[protocol.NegotiationStatus]Met{
		protocol.SASLListMechanisms: MetRestartInList, protocol.SASLSelectMechanisms: MetRestartInSelect,
		protocol.SASLInitiate: MetRestartInInitiate, protocol.SASLChallengeResp: MetRestartInChallenge,
	}
	for _, c := range o.connections {
		if c.node != node || !c.clientEnd {
			continue
		}
		switch step, negotiating := steps[c.step]; {
		case c.upAt.IsZero():
			o.judge.meet(MetRestartInHandshake)
		case !c.ready && negotiating:
			o.judge.meet(step)
		case c.requests > 0:
			o.judge.meet(MetRestartWithRequest)
		}
	}
}

// meetRedirect: a meta answered a query.
func (o *observer) meetRedirect(q *protocol.QueryConfig) {
	switch {
	case q.Err != protocol.CodeForwardToOthers:
	case len(q.Partitions) == 0:
		o.judge.meet(MetNoLeader)
	case !o.up(q.Partitions[0].Primary):
		o.judge.meet(MetRedirectToDeadLeader)
	}
}

// expect remembers when a request's caller stops waiting.
func (c *connection) expect(now time.Time, r *protocol.Request) {
	if r.Header.TimeoutMillis <= 0 {
		return
	}
	if c.timeouts == nil {
		c.timeouts = make(map[int32]time.Time)
	}
	c.timeouts[r.Seq] = now.Add(time.Duration(r.Header.TimeoutMillis) * time.Millisecond)
}

// meetAnswer: an answer reached the client.
func (o *observer) meetAnswer(now time.Time, c *connection, seq int32) {
	if at, known := c.timeouts[seq]; known {
		delete(c.timeouts, seq)
		if now.After(at) {
			o.judge.meet(MetLateReply)
		}
	}
	if c.disturbed {
		o.judge.meet(MetServedAfterDisturbance)
	}
}
