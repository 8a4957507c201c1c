// What a call returns, and what was read for it: an answer is no call's before it is read,
// and an error comes from a server. Which call an answer is of a trace does not say.

package conformance

import (
	"strings"

	"github.com/a8011091/pegasus-reference/protocol"
	"github.com/a8011091/pegasus-reference/trace"
)

// hears: a client reads an answer that it has waited for.
func (t *traffic) hears(ev *trace.Event) {
	k := t.looker(ev.Node)
	k.answers[strings.TrimSuffix(ev.RPC, ackSuffix)]++
	k.codes[ev.Code] = true
	if a, err := trace.ParseAnswer(ev.Answer); err == nil {
		k.codes[a.Err] = true
	}
}

// untold objects to a call that returns an answer which its client has not read, or, where
// the client tells what it does, an error which no server has told it, or no reason for
// having no answer.
func (t *traffic) untold(ev *trace.Event) *objection {
	k := t.looker(ev.Node)
	if k.writes && ev.State == outcomeOK {
		if k.answers[ev.RPC] == 0 {
			return object("R5", "no answer has been read that no other call returned")
		}
		k.answers[ev.RPC]--
	}
	if (ev.State == outcomeOK) != (ev.Note == "") && k.tells {
		return object("R7", "the call returns %s, and why it is not answered is %q", ev.State, ev.Note)
	}
	if k.tells && ev.Code != "" && ev.Code != codeOK && ev.Code != unknownCode && !k.codes[ev.Code] {
		return object("R5", "no server has answered %s", ev.Code)
	}
	return nil
}

// unknownCode is what a client makes of a name that it does not have.
var unknownCode = protocol.CodeUnknown.String()
