// Whole negotiations: every type, with and without proof and subkeys; one seed, one transcript.

package gssapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// variants calls f for each combination of switches.
func variants(f func(name string, change func(*setup))) {
	for _, etype := range testETypes {
		for bits := range 16 {
			mutual, own, theirs, empty := bits&1 == 0, bits&2 == 0, bits&4 == 0, bits&8 != 0
			name := fmt.Sprintf("type %d/mutual %v/initiator subkey %v/acceptor subkey %v/empty first %v", etype, mutual, own, theirs, empty)
			f(name, func(s *setup) {
				s.etype, s.initiator.WithoutMutual, s.initiator.WithoutSubkey = etype, !mutual, !own
				s.acceptor.WithoutSubkey, s.acceptor.EmptyFirst = !theirs, empty
			})
		}
	}
}

func TestNegotiation(t *testing.T) {
	variants(func(name string, change func(*setup)) {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			change(s)
			o := s.run(t)
			require.NoError(t, o.initiatorErr)
			require.NoError(t, o.acceptorErr)
			assert.True(t, o.initiatorDone)
			assert.Equal(t, "alice@EXAMPLE.COM", o.principal)
			if s.initiator.WithoutMutual && !s.acceptor.EmptyFirst {
				require.Len(t, o.tokens, 3, "AP-REQ, offer, answer")
				return
			}
			require.Len(t, o.tokens, 5, "AP-REQ, proof or nothing, nothing, offer, answer")
			assert.Equal(t, s.initiator.WithoutMutual, len(o.tokens[1]) == 0)
			assert.Empty(t, o.tokens[2])
		})
	})
}

func TestSessionKeyOfAnotherType(t *testing.T) {
	for _, ticketType := range testETypes {
		for _, sessionType := range testETypes {
			s := newSetup(t)
			s.etype, s.sessionEType = ticketType, sessionType
			o := s.run(t)
			assert.NoError(t, o.initiatorErr)
			assert.NoError(t, o.acceptorErr)
			assert.Equal(t, "alice@EXAMPLE.COM", o.principal)
		}
	}
}

// The pinned hash is SHA-256 over all tokens of seed 1, with their lengths. It changes with the wire format only.
func TestTranscriptIsDeterministic(t *testing.T) {
	transcript := func(seed uint64) string {
		h := sha256.New()
		variants(func(_ string, change func(*setup)) {
			s := newSetup(t)
			s.seed = seed
			change(s)
			o := s.run(t)
			require.NoError(t, o.acceptorErr)
			for _, token := range o.tokens {
				fmt.Fprintf(h, "%d:", len(token))
				h.Write(token)
			}
		})
		return hex.EncodeToString(h.Sum(nil))
	}
	assert.Equal(t, "7e56a3099e6a3ac9ce49bffb991e88a083329133bc385fa5a8eb254b54e9a344", transcript(1))
	second := transcript(2)
	assert.Equal(t, second, transcript(2))
	assert.NotEqual(t, transcript(1), second)
}
