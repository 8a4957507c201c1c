// Bytes of an enemy: every truncation, every changed byte, ciphertexts shorter than their
// MACs; and secrets, which nothing shows.

package gssapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/allocation"
	"github.com/a8011091/pegasus-reference/sasl"
)

// moment is an end just before it takes a token, with the token that is due.
type moment struct {
	name  string
	end   sasl.Session
	token []byte
}

// try gives the token to a copy of the end. An acceptor's has a replay cache of its own, so
// that earlier tries are no replays.
func (m moment) try(token []byte) (out []byte, done bool, err error) {
	end := m.end.(sasl.Stateful).Clone()
	if a, ok := end.(*acceptor); ok {
		cfg := *a.cfg
		cfg.Replays = NewReplays(10)
		a.cfg = &cfg
	}
	return end.Step(testNow, token)
}

// moments are all of a negotiation.
func moments(t require.TestingT, s *setup) (all []moment) {
	i, a := s.newInitiator(t), s.newAcceptor(t)
	var in []byte
	for range 5 {
		all = append(all, moment{name: fmt.Sprintf("initiator, token %d", len(all)), end: i.(sasl.Stateful).Clone(), token: bytes.Clone(in)})
		out, _, err := i.Step(s.initiatorNow, in)
		require.NoError(t, err)
		all = append(all, moment{name: fmt.Sprintf("acceptor, token %d", len(all)), end: a.(sasl.Stateful).Clone(), token: bytes.Clone(out)})
		reply, done, err := a.Step(s.acceptorNow, out)
		require.NoError(t, err)
		if done {
			return all
		}
		in = bytes.Clone(reply)
	}
	require.Fail(t, "negotiation does not end")
	return nil
}

// allMoments are those of each type with and without a proof.
func allMoments(t require.TestingT) (all []moment) {
	for _, etype := range testETypes {
		for _, withoutMutual := range []bool{false, true} {
			s := newSetup(t)
			s.etype, s.initiator.WithoutMutual = etype, withoutMutual
			all = append(all, moments(t, s)...)
		}
	}
	return all
}

func TestEveryTruncation(t *testing.T) {
	for _, m := range allMoments(t) {
		for n := range m.token {
			_, done, err := m.try(m.token[:n])
			if n == 0 && err == nil {
				require.False(t, done, "%s: an empty challenge is a form of waiting", m.name)
				continue
			}
			require.Error(t, err, "%s, %d of %d bytes", m.name, n, len(m.token))
			require.NotErrorIs(t, err, ErrInternal)
			require.False(t, done)
		}
		if _, done, err := m.try(append(bytes.Clone(m.token), 0)); len(m.token) > 0 {
			require.Error(t, err, "%s with a byte more", m.name)
			require.False(t, done)
		}
	}
}

// Some bytes say nothing that matters (a name's type, the version of a key): with those
// changed the negotiation goes on, with the same client.
func TestEveryChangedByte(t *testing.T) {
	harmless := 0
	for _, m := range allMoments(t) {
		for n := range m.token {
			for _, flip := range []byte{1, 0x80, 0xff} {
				token := bytes.Clone(m.token)
				token[n] ^= flip
				end := m.end.(sasl.Stateful).Clone()
				_, done, err := moment{end: end}.try(token)
				require.NotErrorIs(t, err, ErrInternal, "%s, byte %d", m.name, n)
				if err == nil {
					harmless++
				}
				if a, ok := end.(*acceptor); ok && done && err == nil {
					assert.Equal(t, "alice@EXAMPLE.COM", a.client.String())
				}
			}
		}
	}
	assert.Less(t, harmless, 1000, "protection covers nearly everything")
}

// shortCiphertexts are AP-REQs whose ticket or authenticator is too short to have a MAC: the
// library would index before its beginning.
func shortCiphertexts(t require.TestingT) (tokens [][]byte) {
	for _, etype := range testETypes {
		s := newSetup(t)
		s.etype = etype
		c := s.mint(t)
		for n := range confounderBytes + 25 {
			tkt, err := ticket{service: testService, part: encrypted{etype: etype, version: 3, sealed: make([]byte, n)}}.marshal()
			require.NoError(t, err)
			for _, r := range []apReq{
				{ticket: tkt, authenticator: encrypted{etype: etype, sealed: make([]byte, 100)}},
				{ticket: c.Ticket, authenticator: encrypted{etype: etype, sealed: make([]byte, n)}},
			} {
				inner, err := r.marshal()
				require.NoError(t, err)
				token, err := appendFrame(nil, tokenAPReq, inner)
				require.NoError(t, err)
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

func TestShortCiphertexts(t *testing.T) {
	s := newSetup(t)
	for _, token := range shortCiphertexts(t) {
		_, _, err := s.newAcceptor(t).Step(testNow, token)
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrInternal)
	}
	for _, etype := range testETypes {
		s := newSetup(t)
		s.etype = etype
		for n := range confounderBytes + 25 {
			inner, err := marshalAPRep(encrypted{etype: etype, sealed: make([]byte, n)})
			require.NoError(t, err)
			token, err := appendFrame(nil, tokenAPRep, inner)
			require.NoError(t, err)
			_, _, err = s.newInitiatorWaiting(t).Step(testNow, token)
			require.Error(t, err)
			require.NotErrorIs(t, err, ErrInternal)
			c := channel{key: testKey(t, etype, "k"), fromAcceptor: true}
			sealed := append([]byte{5, 4, wrapByAcceptor | wrapSealed, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, make([]byte, n)...)
			_, err = c.unwrap(sealed)
			require.Error(t, err)
		}
	}
}

// Other types than AES of old, whose keys nobody should have, are refused by name.
func TestOldEncryptionTypes(t *testing.T) {
	for _, etype := range []int32{1, 3, 16, 23, 24, 25, 26, 0, -1, math.MaxInt32} {
		tkt, err := ticket{service: testService, part: encrypted{etype: etype, version: 3, sealed: make([]byte, 5)}}.marshal()
		require.NoError(t, err)
		inner, err := apReq{ticket: tkt, authenticator: encrypted{etype: etype}}.marshal()
		require.NoError(t, err)
		token, err := appendFrame(nil, tokenAPReq, inner)
		require.NoError(t, err)
		_, _, err = newSetup(t).newAcceptor(t).Step(testNow, token)
		require.ErrorIs(t, err, ErrEType)
	}
}

// A bug must not look like bad credentials. A replay cache that panics stands for any.
type brokenCache struct{}

func (brokenCache) Check(time.Time, time.Duration, Replay) error { panic("out of order") }

func TestPanicIsAnAlarmAndNoVerdict(t *testing.T) {
	s := newSetup(t)
	s.acceptor.Replays = brokenCache{}
	o := s.run(t)
	require.ErrorIs(t, o.acceptorErr, ErrInternal)
	var bug *InternalError
	require.ErrorAs(t, o.acceptorErr, &bug)
	assert.Contains(t, string(bug.Stack), "brokenCache")
	for _, verdict := range []error{ErrIntegrity, ErrNoKey, ErrToken, ErrPeer} {
		assert.NotErrorIs(t, o.acceptorErr, verdict)
	}
}

// What decoders may allocate, whatever lengths an input claims. The base of a step is the
// library's: key schedules and hashes of each key that is tried.
var (
	tokenBound    = allocation.Bound{Base: 48 << 10, PerByte: 24} // a step of either end
	wrapBound     = allocation.Bound{Base: 16 << 10, PerByte: 24}
	krbErrorBound = allocation.Bound{Base: 4 << 10, PerByte: 8}   // read, and put into words
	kdcBound      = allocation.Bound{Base: 32 << 10, PerByte: 24} // a client's step with its KDC
	issuerBound   = allocation.Bound{Base: 96 << 10, PerByte: 24} // a step of our KDC's
)

func TestAllocationIsBounded(t *testing.T) {
	for _, m := range allMoments(t) {
		for n := 0; n+5 < len(m.token); n += 3 {
			token := bytes.Clone(m.token)
			copy(token[n:], []byte{0x84, 0x7f, 0xff, 0xff, 0xff})
			tokenBound.Hold(t, len(token), func() { _, _, _ = m.try(token) })
		}
	}
	s := newSetup(t)
	a := s.newAcceptor(t)
	huge := make([]byte, DefaultMaxTokenBytes+1)
	_, _, err := a.Step(testNow, huge)
	require.ErrorIs(t, err, ErrToken)
}

// What is secret in a test's setup and in its ends, in every notation that a log could have.
func secrets(t require.TestingT, s *setup, all []moment) (texts []string) {
	raw := [][]byte{s.mint(t).Key.value, s.credential.Ticket}
	for _, e := range testKeytab(t).entries {
		raw = append(raw, e.Key.value)
	}
	for _, m := range all {
		switch end := m.end.(type) {
		case *initiator:
			raw = append(raw, end.subkey.value, end.sending.key.value, end.receiving.key.value)
		case *acceptor:
			raw = append(raw, end.sending.key.value, end.receiving.key.value)
		}
	}
	for _, r := range raw {
		if len(r) > 0 {
			cut := r[:12]
			texts = append(texts, string(cut), fmt.Sprintf("%x", cut), fmt.Sprintf("%X", cut), fmt.Sprintf("%d", cut)[1:24])
		}
	}
	return texts
}

func TestNothingShowsSecrets(t *testing.T) {
	for _, etype := range testETypes {
		t.Run(fmt.Sprint(etype), func(t *testing.T) {
			s := newSetup(t)
			s.etype, s.sessionEType = etype, etype
			nothingShowsSecrets(t, s)
		})
	}
}

func nothingShowsSecrets(t *testing.T, s *setup) {
	c := s.mint(t)
	require.Equal(t, s.etype, c.Key.etype)
	kt := testKeytab(t)
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}), slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})} {
		slog.New(h).Debug("everything", "credential", c, "value", *c, "key", c.Key, "keytab", kt, "entry", kt.entries[0], "entries", kt.Entries())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
		fmt.Fprintf(&log, verb+verb+verb+verb, c, *c, c.Key, kt.entries[0])
		fmt.Fprintf(&log, verb+verb, kt, kt.Entries())
	}
	encoded, err := json.Marshal([]any{c, *c, c.Key, kt, kt.Entries()})
	require.NoError(t, err)
	log.Write(encoded)
	all := moments(t, s)
	s.initiator.WithoutMutual = true
	all = append(all, moments(t, s)...)
	for _, m := range all {
		fmt.Fprintf(&log, "%v %+v %#v %x %d\n", m.end, m.end, m.end, m.end, m.end)
		for n := 0; n < len(m.token); n += 7 { // and every error that a damaged token brings about
			token := bytes.Clone(m.token)
			token[n] ^= 0xff
			_, _, err := m.try(token)
			fmt.Fprintln(&log, err)
			for ; err != nil; err = errors.Unwrap(err) {
				fmt.Fprintf(&log, "%+v\n", err)
			}
		}
	}
	found := secrets(t, s, all)
	require.Greater(t, len(found), 4*(2+len(kt.entries)), "subkeys too")
	for _, secret := range found {
		assert.False(t, bytes.Contains(log.Bytes(), []byte(secret)), "a secret is shown") // not NotContains: its message would show all
	}
}

func TestSecretsAreWiped(t *testing.T) {
	s := newSetup(t)
	i, a := s.newInitiator(t).(*initiator), s.newAcceptor(t).(*acceptor)
	require.NoError(t, s.drive(t, i, a).acceptorErr)
	assert.Equal(t, entropy{}, i.entropy)
	assert.Equal(t, entropy{}, a.entropy)
	for _, k := range []Key{i.subkey, i.sending.key, i.receiving.key, a.sending.key, a.receiving.key} {
		assert.False(t, k.isSet())
	}
	assert.True(t, s.credential.Key.isSet(), "the credential is for more negotiations")
	s.initiator.WithoutMutual, s.initiator.WithoutSubkey = true, true
	s.seed++
	require.NoError(t, s.run(t).acceptorErr)
	require.NoError(t, func() error { s.seed++; return s.run(t).acceptorErr }())
}
