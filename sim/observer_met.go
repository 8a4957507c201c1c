// The situations that the wire observer sees (sometimes.go has the list).

package sim

import (
	"slices"
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
		if c == nil || c.node != node || !c.clientEnd {
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

// noPort: there was no port for a dial of a client.
func (o *observer) noPort(now time.Time, id uint64) {
	if c := o.connection(id); c != nil {
		o.judge.noPort(now, c.client, c.node)
	}
}

// meetRedirect: a meta answered a query.
func (o *observer) meetRedirect(node string, q *protocol.QueryConfig) {
	switch {
	case q.Err == protocol.CodeOK && !o.leads(node):
		o.judge.meet(MetTwoLeaders)
	case q.Err != protocol.CodeForwardToOthers:
	case len(q.Partitions) == 0:
		o.judge.meet(MetNoLeader)
	case !o.up(q.Partitions[0].Primary):
		o.judge.meet(MetRedirectToDeadLeader)
	}
}

// meetRefusal: an answer reached the client.
func (o *observer) meetRefusal(f *frame) {
	switch f.code {
	case protocol.CodeInvalidState:
		o.judge.meet(MetNotPrimary)
	case protocol.CodeObjectNotFound:
		o.judge.meet(MetNotHeld)
	}
}

// awaited is a request that is not answered yet, and when its caller stops waiting.
type awaited struct {
	seq   int32
	until time.Time
}

// expect remembers when a request's caller stops waiting.
func (c *connection) expect(now time.Time, r *protocol.Request) {
	if r.Header.TimeoutMillis <= 0 {
		return
	}
	c.awaited = append(c.awaited, awaited{r.Seq, now.Add(time.Duration(r.Header.TimeoutMillis) * time.Millisecond)})
}

// meetAnswer: an answer reached the client.
func (o *observer) meetAnswer(now time.Time, c *connection, seq int32) {
	if i := slices.IndexFunc(c.awaited, func(a awaited) bool { return a.seq == seq }); i >= 0 {
		if now.After(c.awaited[i].until) {
			o.judge.meet(MetLateReply)
		}
		c.awaited = slices.Delete(c.awaited, i, i+1)
	}
	if c.disturbed {
		o.judge.meet(MetServedAfterDisturbance)
	}
}
