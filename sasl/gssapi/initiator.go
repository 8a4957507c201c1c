// The initiator's end.
//
//	AP-REQ               ->
//	                     <- AP-REP, where a proof was asked for; else nothing, or at once
//	nothing              ->
//	                     <- offer: layers, largest message
//	answer: layer, name  ->
//
// Both last ones are wrap tokens. After its answer an initiator has all it needs.

package gssapi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/a8011091/pegasus-reference/sasl"
)

// state is what an end waits for.
type state uint8

const (
	stateBegin    state = iota // initiator: to be started; acceptor: AP-REQ
	stateProof                 // initiator: AP-REP
	stateSilence               // initiator: an offer, or nothing first; acceptor: nothing
	stateLayer                 // initiator: the offer; acceptor: the answer to it
	stateFinished              // nothing more is due
	stateFailed
)

// Security layers of RFC 4752 section 3.3.
const layerNone = 1

// layerBytes are the layer mask and the largest message, of an offer or an answer.
const layerBytes = 4

// initiator implements sasl.Session and sasl.Stateful.
type initiator struct {
	cfg        *Config
	credential *Credential
	entropy    entropy
	state      state
	time       time.Time // the authenticator's
	subkey     Key       // ours; not set: none
	sending    channel
	receiving  channel
	out        []byte // the last token; made again by the next Step
}

// Step implements sasl.Session. The token is valid until the next call. in is not kept.
func (i *initiator) Step(now time.Time, in []byte) (out []byte, done bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, done, err = nil, false, &InternalError{Doing: "initiating", Value: p, Stack: debug.Stack()}
		}
		if err != nil {
			err = fmt.Errorf("authenticate as %s to %s: %w", i.credential.Client, i.credential.Service, err)
			i.finish(stateFailed)
		}
	}()
	if len(in) > i.cfg.MaxTokenBytes {
		return nil, false, fmt.Errorf("%w: %d bytes; at most %d", ErrToken, len(in), i.cfg.MaxTokenBytes)
	}
	if is, refusal := peerRefused(in, now); is && i.state != stateBegin && i.state < stateFinished {
		return nil, false, refusal
	}
	switch {
	case i.state == stateBegin && len(in) == 0:
		return i.begin(now)
	case i.state == stateProof:
		return i.takeProof(in)
	case i.state == stateSilence && len(in) == 0:
		i.state = stateLayer
		return i.out[:0], false, nil
	case i.state == stateSilence || i.state == stateLayer:
		return i.takeOffer(in)
	}
	return nil, false, fmt.Errorf("%w: %d bytes came", ErrState, len(in))
}

// begin makes the AP-REQ.
func (i *initiator) begin(now time.Time) ([]byte, bool, error) {
	c := i.credential
	if err := c.usable(now, i.cfg.Skew); err != nil {
		return nil, false, err
	}
	i.time = now.Truncate(time.Microsecond)
	a := authenticator{client: c.Client, time: i.time, gssFlags: flagReplay | flagSequence | flagInteg, sequence: i.entropy.firstSequence()}
	var options uint32
	if !i.cfg.WithoutMutual {
		a.gssFlags |= flagMutual
		options |= optionMutual
	}
	protection := c.Key
	if !i.cfg.WithoutSubkey {
		var err error
		if i.subkey, err = i.entropy.newSubkey(c.Key.etype); err != nil {
			return nil, false, fmt.Errorf("make a subkey: %w", err)
		}
		a.subkey, protection = i.subkey, i.subkey
	}
	token, err := i.request(options, a)
	if err != nil {
		return nil, false, fmt.Errorf("make AP-REQ: %w", err)
	}
	i.out = token
	i.sending = channel{key: protection, sequence: a.sequence}
	i.receiving = channel{key: protection, fromAcceptor: true, sequence: a.sequence}
	if i.state = stateSilence; !i.cfg.WithoutMutual {
		i.state = stateProof
	}
	return i.out, false, nil
}

func (i *initiator) request(options uint32, a authenticator) ([]byte, error) {
	plain, err := a.marshal()
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	sealed, err := i.credential.Key.encrypt(usageAuthenticator, &i.entropy.confounder, plain)
	if err != nil {
		return nil, err
	}
	r := apReq{options: options, ticket: i.credential.Ticket, authenticator: encrypted{etype: i.credential.Key.etype, sealed: sealed}}
	inner, err := r.marshal()
	if err != nil {
		return nil, err
	}
	return appendFrame(i.out[:0], tokenAPReq, inner)
}

// takeProof reads AP-REP: only who could read the ticket knows the time in the authenticator.
func (i *initiator) takeProof(in []byte) ([]byte, bool, error) {
	if len(in) == 0 {
		return nil, false, fmt.Errorf("%w: the server sends no proof of who it is: it may be unable to, and then the client has to be allowed to go without (WithoutMutual)", ErrMutual)
	}
	id, inner, err := openFrame(in)
	if err != nil {
		return nil, false, err
	}
	if id != tokenAPRep {
		return nil, false, fmt.Errorf("%w: token %#04x where AP-REP is due", ErrToken, id)
	}
	reply, err := i.openProof(inner)
	if err != nil {
		return nil, false, fmt.Errorf("AP-REP: %w", err)
	}
	i.receiving.sequence = reply.sequence
	if reply.subkey.isSet() {
		i.sending.key, i.sending.acceptorSubkey = reply.subkey, true
		i.receiving.key, i.receiving.acceptorSubkey = reply.subkey, true
	}
	i.state = stateLayer
	return i.out[:0], false, nil
}

func (i *initiator) openProof(inner []byte) (reply apRep, err error) {
	e, err := parseAPRep(inner)
	if err != nil {
		return reply, err
	}
	if e.etype != i.credential.Key.etype {
		return reply, fmt.Errorf("%w: encrypted with type %d, the session key has type %d", ErrToken, e.etype, i.credential.Key.etype)
	}
	plain, err := i.credential.Key.decrypt(usageAPRep, e.sealed)
	if errors.Is(err, ErrIntegrity) {
		return reply, fmt.Errorf("%w: its proof does not decrypt with the session key: it does not have the key of %s: %w", ErrMutual, i.credential.Service, err)
	} else if err != nil {
		return reply, err
	}
	defer clear(plain)
	if reply, err = parseAPRepPart(plain); err != nil {
		return reply, err
	}
	if !reply.time.Equal(i.time) {
		return reply, fmt.Errorf("%w: its proof answers a request of %s, ours was of %s: it is repeated from another negotiation", ErrMutual, stamp(reply.time), stamp(i.time))
	}
	return reply, nil
}

// takeOffer answers the offer of layers with "none", and with whom to act as.
func (i *initiator) takeOffer(in []byte) ([]byte, bool, error) {
	offer, err := i.receiving.unwrap(in)
	if err != nil {
		return nil, false, fmt.Errorf("offer of security layers: %w", err)
	}
	// The largest message of an offer means nothing where nothing will be wrapped: RFC 4752
	// section 3.1 wants 0 of who offers no layer, and Java sends 65536.
	switch {
	case len(offer) != layerBytes:
		return nil, false, fmt.Errorf("%w: an offer of security layers has %d bytes, this one %d", ErrToken, layerBytes, len(offer))
	case offer[0]&layerNone == 0:
		return nil, false, fmt.Errorf("%w: the server insists on integrity or confidentiality (mask %#x) and this client only authenticates: allow qop \"auth\" on the server", ErrLayer, offer[0])
	}
	answer := make([]byte, layerBytes, layerBytes+len(i.cfg.AuthzID))
	answer[0] = layerNone // a largest message of 0: none is wrapped
	if i.out, err = i.sending.wrap(i.out[:0], append(answer, i.cfg.AuthzID...)); err != nil {
		return nil, false, fmt.Errorf("answer the offer: %w", err)
	}
	i.finish(stateFinished)
	return i.out, true, nil
}

// Format implements fmt.Formatter, so that no verb looks into it.
func (i *initiator) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "initiator of %s for %s", i.credential.Client, i.credential.Service)
}

// finish forgets what was secret. The session key is the credential's and stays.
func (i *initiator) finish(s state) {
	i.state = s
	i.subkey.wipe()
	if i.receiving.acceptorSubkey {
		i.receiving.key.wipe()
	}
	i.sending.key, i.receiving.key = Key{}, Key{}
	i.entropy.wipe()
}

// Clone implements sasl.Stateful. Both ends of a channel share one key.
func (i *initiator) Clone() sasl.Session {
	c := *i
	c.out = nil
	c.subkey = i.subkey.clone()
	key := c.subkey
	switch {
	case i.receiving.acceptorSubkey:
		key = i.receiving.key.clone()
	case !c.subkey.isSet():
		key = i.receiving.key // of the credential, or none
	}
	c.sending.key, c.receiving.key = key, key
	return &c
}

// AppendState implements sasl.Stateful.
func (i *initiator) AppendState(dst []byte) []byte {
	dst = append(dst, byte(i.state))
	dst = i.entropy.appendState(dst)
	dst = appendText(dst, i.credential.Client.String())
	dst = appendText(dst, i.credential.Service.String())
	dst = appendText(dst, string(i.credential.Ticket))
	if i.state != stateBegin {
		dst = binary.BigEndian.AppendUint64(dst, uint64(i.time.UnixMicro()))
	}
	return i.receiving.appendState(i.sending.appendState(dst))
}

func (e *entropy) appendState(dst []byte) []byte {
	dst = append(append(dst, e.confounder[:]...), e.sequence[:]...)
	return append(dst, e.subkey[:]...)
}

func (c channel) appendState(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, c.flags()), c.sequence)
	dst = binary.BigEndian.AppendUint32(dst, uint32(c.key.etype))
	return appendText(dst, string(c.key.value))
}

func appendText(dst []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(text))), text...)
}
