// Every decoder that a peer reaches: before it is authenticated, with a key of its own, and
// the files that an operator hands over. None panics, and a refusal is never ErrInternal.

package gssapi

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireRefusal: err may be anything but a bug.
func requireRefusal(t *testing.T, err error) {
	if errors.Is(err, ErrInternal) {
		var bug *InternalError
		errors.As(err, &bug)
		t.Fatalf("%v\n%s", err, bug.Stack)
	}
}

// FuzzAcceptor gives an acceptor any first token, and any answer after a good one.
func FuzzAcceptor(f *testing.F) {
	all := allMoments(f)
	var acceptors []moment
	for _, m := range all {
		if _, ok := m.end.(*acceptor); ok {
			f.Add(uint8(len(acceptors)), m.token)
			acceptors = append(acceptors, m)
		}
	}
	for _, token := range shortCiphertexts(f) {
		f.Add(uint8(0), token)
	}
	f.Fuzz(func(t *testing.T, which uint8, token []byte) {
		m := acceptors[int(which)%len(acceptors)]
		tokenBound.Hold(t, len(token), func() {
			_, _, err := m.try(token)
			requireRefusal(t, err)
		})
	})
}

// FuzzInitiator gives an initiator any token in any of its states.
func FuzzInitiator(f *testing.F) {
	var initiators []moment
	for _, m := range allMoments(f) {
		if _, ok := m.end.(*initiator); ok {
			f.Add(uint8(len(initiators)), m.token)
			initiators = append(initiators, m)
		}
	}
	inner, err := marshalKRBError(codeSkew, testNow, testService)
	require.NoError(f, err)
	refusal, err := appendFrame(nil, tokenKRBError, inner)
	require.NoError(f, err)
	f.Add(uint8(1), refusal)
	f.Fuzz(func(t *testing.T, which uint8, token []byte) {
		m := initiators[int(which)%len(initiators)]
		tokenBound.Hold(t, len(token), func() {
			_, _, err := m.try(token)
			requireRefusal(t, err)
		})
	})
}

// FuzzSealed is a peer with a good ticket that encrypts what it likes: as authenticator, as
// AP-REP, as the ticket itself for who has the service's key.
func FuzzSealed(f *testing.F) {
	s := newSetup(f)
	c := s.mint(f)
	good, err := authenticator{client: testClient, time: testNow, gssFlags: flagMutual, subkey: c.Key, sequence: 5}.marshal()
	require.NoError(f, err)
	f.Add(uint8(0), good)
	proof, err := apRep{time: testNow, subkey: c.Key, sequence: 5}.marshal()
	require.NoError(f, err)
	f.Add(uint8(1), proof)
	part, err := ticketPart{flags: ticketInitial, key: c.Key, client: testClient, start: s.start, end: s.end}.marshal()
	require.NoError(f, err)
	f.Add(uint8(2), part)
	f.Add(uint8(0), []byte{})
	service, err := testKeytab(f).newest(testService, 3, c.Key.etype)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, which uint8, plain []byte) {
		tokenBound.Hold(t, len(plain), func() {
			a := newSetup(t).newAcceptor(t).(*acceptor)
			e := encrypted{etype: c.Key.etype}
			var err error
			switch which % 3 {
			case 0:
				if e.sealed, err = c.Key.encrypt(usageAuthenticator, &[confounderBytes]byte{}, plain); err == nil {
					_, err = a.verify(testNow, mustAPReq(t, c.Ticket, e))
				}
			case 1:
				i := &initiator{cfg: &Config{}, credential: c, time: testNow}
				if e.sealed, err = c.Key.encrypt(usageAPRep, &[confounderBytes]byte{}, plain); err == nil {
					var inner []byte
					inner, err = marshalAPRep(e)
					require.NoError(t, err)
					_, err = i.openProof(inner)
				}
			case 2:
				e.version = 3
				if e.sealed, err = service.Key.encrypt(usageTicket, &[confounderBytes]byte{}, plain); err == nil {
					_, err = a.openTicket(ticket{service: testService, part: e})
				}
			}
			if err != nil {
				require.NotErrorIs(t, err, ErrIntegrity, "it was sealed with the right key")
			}
		})
	})
}

func mustAPReq(t *testing.T, tkt []byte, auth encrypted) []byte {
	b, err := apReq{ticket: tkt, authenticator: auth}.marshal()
	require.NoError(t, err)
	return b
}

// FuzzWrap: what a key of its own lets a peer send, rotated and sealed.
func FuzzWrap(f *testing.F) {
	for n, etype := range testETypes {
		c := channel{key: testKey(f, etype, "k"), sequence: 1}
		token, err := c.wrap(nil, []byte{1, 0, 0, 0})
		require.NoError(f, err)
		f.Add(uint8(n), token)
		for size := range confounderBytes + 25 {
			f.Add(uint8(n), append([]byte{5, 4, wrapSealed, 0xff, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, size)...))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, token []byte) {
		etype := testETypes[int(which)%len(testETypes)]
		c := channel{key: testKey(t, etype, "k"), sequence: 1}
		wrapBound.Hold(t, len(token), func() {
			again := c
			_, _ = again.unwrap(token)
		})
		payload, err := c.unwrap(token)
		if err == nil && token[2]&wrapSealed == 0 {
			again, err := c.wrap(nil, payload)
			require.NoError(t, err)
			require.Len(t, token, len(again), "nothing but the one token, however rotated")
		}
	})
}

// FuzzFiles: keytabs, caches and principals of an operator.
func FuzzFiles(f *testing.F) {
	file, err := testKeytab(f).Marshal()
	require.NoError(f, err)
	f.Add(uint8(0), file)
	f.Add(uint8(1), ccacheFile(f))
	f.Add(uint8(2), []byte(`a\/b/c@REALM`))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		switch which % 3 {
		case 0:
			if kt, err := ParseKeytab(data); err == nil {
				again, err := kt.Marshal()
				require.NoError(t, err)
				same, err := ParseKeytab(again)
				require.NoError(t, err)
				require.Len(t, same.entries, len(kt.entries))
			} else {
				require.ErrorIs(t, err, ErrFormat)
			}
		case 1:
			if c, err := ParseCCache(data); err == nil {
				require.True(t, c.Client.valid())
			} else {
				require.ErrorIs(t, err, ErrFormat)
			}
		case 2:
			if p, err := ParsePrincipal(string(data)); err == nil {
				q, err := ParsePrincipal(p.String())
				require.NoError(t, err)
				require.True(t, p.Equal(q))
			}
		}
	})
}

// FuzzKRBError: what anyone can send instead of an answer.
func FuzzKRBError(f *testing.F) {
	b, err := marshalKRBError(codeBadKeyVersion, testNow, testService)
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		krbErrorBound.Hold(t, len(b), func() {
			if e, err := parseKRBError(b, time.Time{}); err == nil {
				_ = e.Error()
			}
		})
		e, err := parseKRBError(b, time.Time{})
		if err != nil {
			require.ErrorIs(t, err, ErrToken)
			return
		}
		require.LessOrEqual(t, len(e.Error()), 8<<10)
		require.ErrorIs(t, e, ErrPeer)
	})
}
