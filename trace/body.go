// What an event says of a frame's content: where a negotiation stands, and what routing
// needs. Keys, values and tokens stay out.

package trace

import (
	"time"

	"github.com/a8011091/pegasus-reference/protocol"
)

// OfRequest fills in what a request says beside its header's name and number: Neg of a
// negotiation, Table of a query, App and Partition of what goes to a replica, WithinNS of
// both. What cannot be read stays empty.
func (ev *Event) OfRequest(r *protocol.Request) {
	switch r.RPC {
	case protocol.RPCNegotiation:
		if status, _, err := protocol.ParseNegotiationArgs(r.Body); err == nil {
			ev.Neg = status.String()
		}
	case protocol.RPCQueryConfig:
		var q protocol.QueryConfigArgs
		if protocol.ParseQueryConfigArgs(r.Body, &q) == nil {
			ev.Table, ev.WithinNS = string(q.Table), within(r)
		}
	default:
		if r.RPC.IsRead() || r.RPC.IsWrite() {
			ev.App, ev.Partition, ev.WithinNS = r.Header.AppID, r.Header.Partition, within(r)
		}
	}
}

// within is what was left of a request's time when it was written, rounded up.
func within(r *protocol.Request) int64 {
	return int64(r.Header.TimeoutMillis) * int64(time.Millisecond)
}

// OfAnswer fills in what an answer says: Neg of a negotiation, Answer of a query.
func (ev *Event) OfAnswer(r *protocol.Response) {
	switch {
	case r.Code != protocol.CodeOK:
	case r.RPC == protocol.RPCNegotiation:
		if status, _, err := protocol.ParseNegotiationResult(r.Body); err == nil {
			ev.Neg = status.String()
		}
	case r.RPC == protocol.RPCQueryConfig:
		var q protocol.QueryConfig
		if protocol.ParseQueryConfigResult(r.Body, &q) == nil {
			ev.Answer = AnswerOf(&q).String()
		}
	}
}
