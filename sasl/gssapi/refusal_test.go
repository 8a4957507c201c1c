// What each end refuses, and what it says then.

package gssapi

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl"
)

// resealed changes the ticket's encrypted part, as a KDC with other ideas would make it.
func resealed(t *testing.T, s *setup, change func(p *ticketPart)) *Credential {
	c := *s.mint(t)
	tkt, err := parseTicket(c.Ticket)
	require.NoError(t, err)
	entry, err := testKeytab(t).newest(c.Service, tkt.part.version, tkt.part.etype)
	require.NoError(t, err)
	plain, err := entry.Key.decrypt(usageTicket, tkt.part.sealed)
	require.NoError(t, err)
	part, err := parseTicketPart(plain)
	require.NoError(t, err)
	change(&part)
	c.Ticket, err = part.seal(c.Service, entry, &[confounderBytes]byte{})
	require.NoError(t, err)
	return &c
}

func keytabOf(t *testing.T, entries ...KeytabEntry) *Keytab {
	kt, err := NewKeytab(entries...)
	require.NoError(t, err)
	return kt
}

func TestAcceptorRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, s *setup)
		want   error
		code   int32 // of the KRB-ERROR; 0: none
		words  string
	}{
		{"wrong key", func(t *testing.T, s *setup) {
			s.acceptor.Keys = keytabOf(t, KeytabEntry{Principal: testService, Version: 3, Key: testKey(t, s.etype, "other")})
		}, ErrIntegrity, codeBadIntegrity, "key version 3, type 18"},
		{"wrong key version", func(t *testing.T, s *setup) {
			s.acceptor.Keys = keytabOf(t, KeytabEntry{Principal: testService, Version: 4, Key: testKey(t, s.etype, "4")},
				KeytabEntry{Principal: testService, Version: 5, Key: testKey(t, s.etype, "5")})
		}, ErrKeyVersion, codeBadKeyVersion, "made with version 3, the keytab has 4 5"},
		{"no key of the type", func(t *testing.T, s *setup) {
			s.acceptor.Keys = keytabOf(t, KeytabEntry{Principal: testService, Version: 3, Key: testKey(t, ETypeAES128SHA256, "x")})
		}, ErrNoKey, codeNoKey, "no key of type 18"},
		{"not in the keytab", func(t *testing.T, s *setup) {
			s.host = ""
			s.acceptor.Keys = keytabOf(t, KeytabEntry{Principal: ServicePrincipal(testName, "other", testRealm), Version: 3, Key: testKey(t, s.etype, "x")})
		}, ErrNoKey, codeNoKey, "no entry for pegasus/node1.example.com@EXAMPLE.COM"},
		{"wrong host", func(_ *testing.T, s *setup) { s.host = "node2.example.com" }, ErrWrongService, codeNotUs, "this is pegasus/node2.example.com"},
		{"wrong service", func(_ *testing.T, s *setup) { s.acceptor.Service = "hbase" }, ErrWrongService, codeNotUs, "this is hbase/"},
		{"expired", func(t *testing.T, s *setup) {
			s.end = testNow.Add(-DefaultSkew - time.Second)
			s.mint(t).End = testNow.Add(time.Hour) // so that it is sent at all
		}, ErrExpired, codeTicketExpired, "holds from 2024-09-11T07:30:15Z to 2024-09-11T08:25:14Z, now it is 2024-09-11T08:30:15Z"},
		{"not yet valid", func(t *testing.T, s *setup) {
			s.start = testNow.Add(DefaultSkew + 2*time.Second)
			s.mint(t).Start = time.Time{}
		}, ErrNotYetValid, codeTicketNotYet, "check the clocks"},
		{"client's clock ahead", func(_ *testing.T, s *setup) {
			s.initiatorNow = testNow.Add(6 * time.Minute)
		}, ErrSkew, codeSkew, "peer's 2024-09-11T08:36:15Z is 6m0s ahead of ours, 2024-09-11T08:30:15Z; at most 5m0s"},
		{"client's clock behind", func(_ *testing.T, s *setup) {
			s.initiatorNow = testNow.Add(-6 * time.Minute)
		}, ErrSkew, codeSkew, "6m0s behind ours"},
		{"foreign authorization identity", func(_ *testing.T, s *setup) { s.initiator.AuthzID = "bob" }, ErrAuthzID, 0, `act as "bob"`},
		{"own name in another realm", func(_ *testing.T, s *setup) { s.initiator.AuthzID = "alice@OTHER.COM" }, ErrAuthzID, 0, "alice@OTHER.COM"},
		{"authenticator of another client", func(t *testing.T, s *setup) {
			s.mint(t).Client = Principal{Components: []string{"root"}, Realm: testRealm}
		}, ErrMismatch, codeBadMatch, "the authenticator of root@EXAMPLE.COM"},
		{"authenticator of another realm", func(t *testing.T, s *setup) {
			s.mint(t).Client = Principal{Components: []string{"alice"}, Realm: "OTHER.COM"}
		}, ErrMismatch, codeBadMatch, "alice@OTHER.COM"},
		{"stolen ticket without its session key", func(t *testing.T, s *setup) {
			s.mint(t).Key = testKey(t, s.etype, "guess")
		}, ErrIntegrity, codeBadIntegrity, "does not have the ticket's session key"},
		{"postdated and never validated", func(t *testing.T, s *setup) {
			s.credential = resealed(t, s, func(p *ticketPart) { p.flags |= ticketInvalid })
		}, ErrPolicy, codePolicy, "not validated"},
		{"path of realms unchecked", func(t *testing.T, s *setup) {
			s.client.Realm = "OTHER.COM"
			s.credential = resealed(t, s, func(p *ticketPart) { p.flags &^= ticketTransitedChecked })
		}, ErrPolicy, codePolicy, "capaths"},
		{"replay cache full", func(t *testing.T, s *setup) {
			cache := NewReplays(1)
			require.NoError(t, cache.Check(testNow, time.Minute, Replay{}))
			s.acceptor.Replays = cache
		}, ErrReplayFull, codeGeneric, "it holds 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSetup(t)
			tc.change(t, s)
			o := s.run(t)
			require.NoError(t, o.initiatorErr)
			require.ErrorIs(t, o.acceptorErr, tc.want)
			assert.NotErrorIs(t, o.acceptorErr, ErrInternal)
			assert.ErrorContains(t, o.acceptorErr, tc.words)
			assert.Empty(t, o.principal)
			if tc.code == 0 {
				assert.Empty(t, o.refusal)
				return
			}
			_, _, err := s.newInitiatorWaiting(t).Step(s.initiatorNow, o.refusal)
			var said *PeerError
			require.ErrorAs(t, err, &said)
			assert.Equal(t, tc.code, said.Code)
			assert.ErrorIs(t, err, ErrPeer)
			assert.True(t, said.PeerTime.Equal(s.acceptorNow))
			if tc.code != codeGeneric {
				assert.ErrorIs(t, err, tc.want, "both ends name the same reason")
			}
		})
	}
}

// newInitiatorWaiting has sent its AP-REQ.
func (s *setup) newInitiatorWaiting(t *testing.T) sasl.Session {
	i := s.newInitiator(t)
	_, _, err := i.Step(s.initiatorNow, nil)
	require.NoError(t, err)
	return i
}

func TestReplayedRequest(t *testing.T) {
	s := newSetup(t)
	s.initiator.WithoutMutual = true
	o := s.run(t)
	require.NoError(t, o.acceptorErr)
	a := s.newAcceptor(t)
	refusal, _, err := a.Step(s.acceptorNow, o.tokens[0])
	require.ErrorIs(t, err, ErrReplay)
	require.NotEmpty(t, refusal)
	s.acceptor.Replays = NewReplays(10) // a restart forgets
	a = s.newAcceptor(t)
	_, _, err = a.Step(s.acceptorNow, o.tokens[0])
	require.NoError(t, err)
}

// A request is remembered for as long as its time is acceptable: one that came with the
// clock as far behind as is allowed, until it is as far ahead.
func TestReplayAtTheEdges(t *testing.T) {
	s := newSetup(t)
	token, _, err := s.newInitiator(t).Step(testNow, nil)
	require.NoError(t, err)
	token = bytes.Clone(token)
	for _, c := range []struct {
		at   time.Duration
		want error
	}{{-DefaultSkew, nil}, {DefaultSkew, ErrReplay}, {DefaultSkew + 1, ErrSkew}} {
		_, _, err = s.newAcceptor(t).Step(testNow.Add(c.at), token)
		require.ErrorIs(t, err, c.want, c.at)
	}
}

// Where the acceptor brings a key of its own, nothing recorded fits after a restart.
func TestReplayedTranscriptAfterRestart(t *testing.T) {
	s := newSetup(t)
	o := s.run(t)
	require.NoError(t, o.acceptorErr)
	s.acceptor.Replays, s.seed = NewReplays(10), 77
	a := s.newAcceptor(t)
	_, _, err := a.Step(s.acceptorNow, o.tokens[0])
	require.NoError(t, err)
	_, _, err = a.Step(s.acceptorNow, nil)
	require.NoError(t, err)
	_, _, err = a.Step(s.acceptorNow, o.tokens[4])
	require.ErrorIs(t, err, ErrIntegrity)
}

func TestAuthorizationIdentityThatIsTheOwn(t *testing.T) {
	for _, id := range []string{"alice", "alice@EXAMPLE.COM"} {
		s := newSetup(t)
		s.initiator.AuthzID = id
		o := s.run(t)
		assert.NoError(t, o.acceptorErr)
		assert.Equal(t, "alice@EXAMPLE.COM", o.principal)
	}
	s := newSetup(t)
	s.client.Realm, s.initiator.AuthzID = "OTHER.COM", "alice"
	o := s.run(t)
	assert.ErrorIs(t, o.acceptorErr, ErrAuthzID, "the short name is for the service's own realm")
}

// A KDC whose clock is a little ahead gives tickets that begin in a moment.
func TestTicketThatBeginsInAMomentIsUsed(t *testing.T) {
	s := newSetup(t)
	s.start = testNow.Add(2 * time.Second)
	o := s.run(t)
	require.NoError(t, o.initiatorErr)
	require.NoError(t, o.acceptorErr)
}

func TestInitiatorRefuses(t *testing.T) {
	t.Run("expired ticket, unsent", func(t *testing.T) {
		s := newSetup(t)
		s.initiatorNow = s.end
		o := s.run(t)
		require.ErrorIs(t, o.initiatorErr, ErrExpired)
		assert.Empty(t, o.tokens)
		var v *ValidityError
		require.ErrorAs(t, o.initiatorErr, &v)
		assert.True(t, v.End.Equal(s.end.Truncate(time.Second)))
	})
	t.Run("ticket that begins later than any skew", func(t *testing.T) {
		s := newSetup(t)
		s.start = testNow.Add(DefaultSkew + 2*time.Second)
		o := s.run(t)
		require.ErrorIs(t, o.initiatorErr, ErrNotYetValid)
		assert.Empty(t, o.tokens)
	})
	t.Run("credential for another host", func(t *testing.T) {
		s := newSetup(t)
		s.initiator.Credentials = s.mint(t)
		_, err := New(s.initiator).Client(sasl.ClientConfig{Host: "node9.example.com", Random: seeded(1)})
		require.ErrorIs(t, err, ErrWrongService)
	})
	t.Run("no proof where one is due", func(t *testing.T) {
		_, _, err := newSetup(t).newInitiatorWaiting(t).Step(testNow, nil)
		require.ErrorIs(t, err, ErrMutual)
	})
	t.Run("proof by who has no key", func(t *testing.T) {
		s := newSetup(t)
		i := s.newInitiatorWaiting(t)
		k := testKey(t, s.etype, "guess")
		_, _, err := i.Step(testNow, framedProof(t, k, apRep{time: testNow}))
		require.ErrorIs(t, err, ErrMutual)
		require.ErrorIs(t, err, ErrIntegrity)
	})
	t.Run("proof of another negotiation", func(t *testing.T) {
		s := newSetup(t)
		i := s.newInitiatorWaiting(t)
		_, _, err := i.Step(testNow, framedProof(t, s.credential.Key, apRep{time: testNow.Add(-time.Second)}))
		require.ErrorIs(t, err, ErrMutual)
	})
	for name, tc := range map[string]struct {
		offer []byte
		want  error
	}{
		"integrity demanded":    {[]byte{2, 0, 0xff, 0xff}, ErrLayer},
		"offer of three bytes":  {[]byte{1, 0, 0}, ErrToken},
		"offer with more to it": {[]byte{1, 0, 0, 0, 0}, ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			s.initiator.WithoutMutual = true
			i := s.newInitiatorWaiting(t)
			offer, err := i.(*initiator).receiving.wrap(nil, tc.offer)
			require.NoError(t, err)
			_, done, err := i.Step(testNow, offer)
			require.ErrorIs(t, err, tc.want)
			require.False(t, done)
		})
	}
	t.Run("a second empty challenge", func(t *testing.T) {
		s := newSetup(t)
		s.initiator.WithoutMutual = true
		i := s.newInitiatorWaiting(t)
		_, _, err := i.Step(testNow, nil)
		require.NoError(t, err)
		_, _, err = i.Step(testNow, nil)
		require.ErrorIs(t, err, ErrToken)
	})
	t.Run("anything after the end", func(t *testing.T) {
		s := newSetup(t)
		i, a := s.newInitiator(t), s.newAcceptor(t)
		require.NoError(t, s.drive(t, i, a).acceptorErr)
		_, _, err := i.Step(testNow, nil)
		require.ErrorIs(t, err, ErrState)
		_, _, err = a.Step(testNow, []byte("x"))
		require.ErrorIs(t, err, ErrState)
		assert.Empty(t, a.Principal(), "a failed end vouches for nobody")
	})
}

func framedProof(t *testing.T, k Key, r apRep) []byte {
	plain, err := r.marshal()
	require.NoError(t, err)
	sealed, err := k.encrypt(usageAPRep, &[confounderBytes]byte{}, plain)
	require.NoError(t, err)
	inner, err := marshalAPRep(encrypted{etype: k.etype, sealed: sealed})
	require.NoError(t, err)
	token, err := appendFrame(nil, tokenAPRep, inner)
	require.NoError(t, err)
	return token
}

func TestBadConfiguration(t *testing.T) {
	good := newSetup(t)
	good.initiator.Credentials = good.mint(t)
	for name, tc := range map[string]struct {
		change func(c *Config)
		host   string
		random io.Reader
		want   error
	}{
		"no service":          {func(c *Config) { c.Service = "" }, testHost, seeded(1), ErrConfig},
		"negative skew":       {func(c *Config) { c.Skew = -1 }, testHost, seeded(1), ErrConfig},
		"negative token size": {func(c *Config) { c.MaxTokenBytes = -1 }, testHost, seeded(1), ErrConfig},
		"endless authzid":     {func(c *Config) { c.AuthzID = string(make([]byte, maxPrincipalBytes+1)) }, testHost, seeded(1), ErrConfig},
		"control in the host": {func(*Config) {}, "a\nb", seeded(1), ErrConfig},
		"no randomness":       {func(*Config) {}, testHost, nil, ErrConfig},
		"randomness ends":     {func(*Config) {}, testHost, bytes.NewReader(make([]byte, 51)), io.ErrUnexpectedEOF},
		"nothing to act with": {func(c *Config) { c.Credentials, c.Keys = nil, nil }, testHost, seeded(1), ErrConfig},
		"no replay cache":     {func(c *Config) { c.Credentials, c.Replays = nil, nil }, testHost, seeded(1), ErrConfig},
		"empty keytab":        {func(c *Config) { c.Credentials, c.Keys = nil, &Keytab{} }, testHost, seeded(1), ErrConfig},
	} {
		t.Run(name, func(t *testing.T) {
			c := good.acceptor
			c.Credentials = good.initiator.Credentials
			tc.change(&c)
			_, err := New(c).Client(sasl.ClientConfig{Host: tc.host, Random: tc.random})
			assert.ErrorIs(t, err, tc.want)
			if r, ok := tc.random.(*bytes.Reader); ok {
				r.Reset(make([]byte, 51))
			}
			_, err = New(c).Server(sasl.ServerConfig{Host: tc.host, Random: tc.random})
			assert.ErrorIs(t, err, tc.want)
		})
	}
}
