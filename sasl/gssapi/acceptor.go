// The acceptor's end: the rounds. What an AP-REQ has to hold is in verify.go.
//
// Without a proof asked for it offers the layers at once, or, where EmptyFirst is set, after
// an empty challenge. A refusal comes with a KRB-ERROR token beside the error: who can still
// write to the peer sends it, who cannot drops it.

package gssapi

import (
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/a8011091/pegasus-reference/sasl"
)

// acceptor implements sasl.ServerSession and sasl.Stateful.
type acceptor struct {
	cfg       *Config
	host      string
	keys      *Keytab
	entropy   entropy
	state     state
	service   Principal // as the ticket names it; without components until then
	client    Principal
	sending   channel
	receiving channel
	out       []byte // the last token; made again by the next Step
}

// Step implements sasl.Session. The token is valid until the next call. in is not kept.
// With an error, out is a KRB-ERROR for the peer, or empty where it is told nothing.
func (a *acceptor) Step(now time.Time, in []byte) (out []byte, done bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, done, err = nil, false, &InternalError{Doing: "accepting", Value: p, Stack: debug.Stack()}
		}
		if err != nil {
			out = a.refusal(now, err)
			err = fmt.Errorf("accept %s: %w", a.peer(), err)
			a.finish(stateFailed)
		}
	}()
	if len(in) > a.cfg.MaxTokenBytes {
		return nil, false, fmt.Errorf("%w: %d bytes; at most %d", ErrToken, len(in), a.cfg.MaxTokenBytes)
	}
	switch {
	case a.state == stateBegin:
		return a.begin(now, in)
	case a.state == stateSilence && len(in) == 0:
		return a.offer()
	case a.state == stateSilence:
		return nil, false, fmt.Errorf("%w: %d bytes where an empty response is due", ErrToken, len(in))
	case a.state == stateLayer:
		return a.takeAnswer(in)
	}
	return nil, false, fmt.Errorf("%w: %d bytes came", ErrState, len(in))
}

// begin takes the AP-REQ and answers with a proof, with nothing, or with the offer.
func (a *acceptor) begin(now time.Time, in []byte) ([]byte, bool, error) {
	id, inner, err := openFrame(in)
	if err != nil {
		return nil, false, err
	}
	if id != tokenAPReq {
		return nil, false, fmt.Errorf("%w: token %#04x where AP-REQ is due", ErrToken, id)
	}
	v, err := a.verify(now, inner)
	if err != nil {
		return nil, false, err
	}
	a.client = v.auth.client
	protection := v.session
	if v.auth.subkey.isSet() {
		protection = v.auth.subkey
		defer v.session.wipe()
	}
	a.receiving = channel{key: protection, sequence: v.auth.sequence}
	a.sending = channel{key: protection, fromAcceptor: true, sequence: v.auth.sequence}
	if v.auth.gssFlags&flagMutual != 0 {
		return a.prove(v)
	}
	if a.cfg.EmptyFirst {
		a.state = stateSilence
		return a.out[:0], false, nil
	}
	return a.offer()
}

// prove makes AP-REP, with a key of our own unless that is switched off.
func (a *acceptor) prove(v verified) ([]byte, bool, error) {
	reply := apRep{time: v.auth.time, sequence: a.entropy.firstSequence()}
	if !a.cfg.WithoutSubkey {
		var err error
		if reply.subkey, err = a.entropy.newSubkey(v.session.etype); err != nil {
			return nil, false, fmt.Errorf("make a subkey: %w", err)
		}
	}
	plain, err := reply.marshal()
	if err != nil {
		return nil, false, fmt.Errorf("make AP-REP: %w", err)
	}
	defer clear(plain)
	sealed, err := v.session.encrypt(usageAPRep, &a.entropy.confounder, plain)
	if err != nil {
		return nil, false, fmt.Errorf("make AP-REP: %w", err)
	}
	inner, err := marshalAPRep(encrypted{etype: v.session.etype, sealed: sealed})
	if err != nil {
		return nil, false, fmt.Errorf("make AP-REP: %w", err)
	}
	if a.out, err = appendFrame(a.out[:0], tokenAPRep, inner); err != nil {
		return nil, false, fmt.Errorf("make AP-REP: %w", err)
	}
	a.sending.sequence = reply.sequence
	if reply.subkey.isSet() {
		a.sending.key.wipe()
		a.sending.key, a.sending.acceptorSubkey = reply.subkey, true
		a.receiving.key, a.receiving.acceptorSubkey = reply.subkey, true
	}
	a.state = stateSilence
	return a.out, false, nil
}

// offer offers no layer, and so no largest message.
func (a *acceptor) offer() (out []byte, done bool, err error) {
	if a.out, err = a.sending.wrap(a.out[:0], []byte{layerNone, 0, 0, 0}); err != nil {
		return nil, false, fmt.Errorf("offer security layers: %w", err)
	}
	a.state = stateLayer
	return a.out, false, nil
}

// takeAnswer takes the choice of layer and the authorization identity. The largest message
// of an initiator that wants no layer means nothing, and some send one.
func (a *acceptor) takeAnswer(in []byte) ([]byte, bool, error) {
	answer, err := a.receiving.unwrap(in)
	if err != nil {
		return nil, false, fmt.Errorf("answer to the offer of security layers: %w", err)
	}
	switch {
	case len(answer) < layerBytes:
		return nil, false, fmt.Errorf("%w: an answer of %d bytes; a layer takes %d", ErrToken, len(answer), layerBytes)
	case answer[0] != layerNone:
		return nil, false, fmt.Errorf("%w: the client chose layer %#x, which was not offered: set its qop to \"auth\"", ErrLayer, answer[0])
	}
	if err := a.authorize(answer[layerBytes:]); err != nil {
		return nil, false, err
	}
	a.finish(stateFinished)
	return nil, true, nil
}

// authorize accepts no other identity than the principal's own, with its realm or, where
// that is the service's, without.
func (a *acceptor) authorize(id []byte) error {
	switch {
	case len(id) == 0, string(id) == a.client.String(),
		string(id) == a.client.local() && a.client.Realm == a.service.Realm:
		return nil
	case len(id) > maxPrincipalBytes || !utf8.Valid(id):
		return fmt.Errorf("%w: it asks for one of %d bytes that is no name", ErrAuthzID, len(id))
	}
	return fmt.Errorf("%w: it asks to act as %q: leave the authorization identity of the client empty", ErrAuthzID, id)
}

// Principal implements sasl.ServerSession: name@REALM; empty until Step returned done.
func (a *acceptor) Principal() string {
	if a.state != stateFinished {
		return ""
	}
	return a.client.String()
}

// Format implements fmt.Formatter, so that no verb looks into it.
func (a *acceptor) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "acceptor of %s at %s/%s", a.peer(), a.cfg.Service, a.host)
}

// peer is whom we speak of in errors.
func (a *acceptor) peer() string {
	if len(a.client.Components) == 0 {
		return "a client"
	}
	return a.client.String()
}

// refusal makes the KRB-ERROR that tells the peer of err. An AP-REQ that never could be
// read, and anything after the context stands, is answered with nothing.
func (a *acceptor) refusal(now time.Time, err error) []byte {
	code, ok := codeOf(err)
	if !ok || a.state != stateBegin || len(a.service.Components) == 0 {
		return nil
	}
	inner, err := marshalKRBError(code, now, a.service)
	if err != nil {
		return nil
	}
	token, err := appendFrame(a.out[:0], tokenKRBError, inner)
	if err != nil {
		return nil
	}
	return token
}

// finish forgets what was secret. The keytab's keys are its own.
func (a *acceptor) finish(s state) {
	a.state = s
	a.sending.key.wipe()
	a.receiving.key.wipe()
	a.entropy.wipe()
}

// Clone implements sasl.Stateful. Replay cache and keytab are shared: they are not this end's.
func (a *acceptor) Clone() sasl.Session {
	c := *a
	c.out = nil
	key := a.receiving.key.clone()
	c.sending.key, c.receiving.key = key, key
	return &c
}

// AppendState implements sasl.Stateful, the shared replay cache and keytab left out.
func (a *acceptor) AppendState(dst []byte) []byte {
	dst = appendText(append(dst, byte(a.state)), a.host)
	dst = a.entropy.appendState(dst)
	for _, p := range [...]Principal{a.client, a.service} {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(p.Components)))
		dst = appendText(dst, p.String())
	}
	return a.receiving.appendState(a.sending.appendState(dst))
}
