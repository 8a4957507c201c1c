// What a negotiation costs: both ends together, each alone, and the cryptography that each
// contains alone, on the same bytes. Replays are not remembered, so that runs are alike.

package gssapi

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/common"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl"
)

type forgetful struct{}

func (forgetful) Check(time.Time, time.Duration, Replay) error { return nil }

// eachSetup runs f for each type with a proof, and once without.
func eachSetup(b *testing.B, f func(b *testing.B, s *setup)) {
	for _, etype := range testETypes {
		for _, withoutMutual := range []bool{false, true} {
			s := newSetup(b)
			s.etype, s.initiator.WithoutMutual, s.acceptor.Replays = etype, withoutMutual, forgetful{}
			s.initiator.Credentials = s.mint(b)
			b.Run(fmt.Sprintf("type=%d/mutual=%v", etype, !withoutMutual), func(b *testing.B) {
				b.ReportAllocs()
				f(b, s)
			})
		}
	}
}

// side replays the tokens of one negotiation at one end, made anew with the same entropy.
func (s *setup) side(b *testing.B, begin func() sasl.Session, tokens [][]byte) {
	for b.Loop() {
		end := begin()
		for _, token := range tokens {
			if _, _, err := end.Step(testNow, token); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func (s *setup) initiatorBegin(b *testing.B) func() sasl.Session {
	m := New(s.initiator)
	return func() sasl.Session {
		i, err := m.Client(sasl.ClientConfig{Host: testHost, Random: seeded(s.seed)})
		if err != nil {
			b.Fatal(err)
		}
		return i
	}
}

func (s *setup) acceptorBegin(b *testing.B) func() sasl.Session {
	m := New(s.acceptor)
	return func() sasl.Session {
		a, err := m.Server(sasl.ServerConfig{Host: s.host, Random: seeded(s.seed + 2000)})
		if err != nil {
			b.Fatal(err)
		}
		return a
	}
}

// split are the tokens that each end takes.
func split(o outcome) (initiator, acceptor [][]byte) {
	initiator = [][]byte{nil}
	for n, token := range o.tokens {
		if n%2 == 0 {
			acceptor = append(acceptor, token)
		} else {
			initiator = append(initiator, token)
		}
	}
	return initiator, acceptor
}

func BenchmarkNegotiation(b *testing.B) {
	eachSetup(b, func(b *testing.B, s *setup) {
		begin, accept := s.initiatorBegin(b), s.acceptorBegin(b)
		for b.Loop() {
			i, a := begin(), accept()
			var in []byte
			for done := false; !done; {
				out, _, err := i.Step(testNow, in)
				if err != nil {
					b.Fatal(err)
				}
				if in, done, err = a.Step(testNow, out); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// The goal is fewer than 1,000 allocations for both ends; the library's cryptography makes
// the most of them.
func TestAllocations(t *testing.T) {
	for _, etype := range testETypes {
		s := newSetup(t)
		s.etype, s.acceptor.Replays = etype, forgetful{}
		s.mint(t)
		assert.Less(t, testing.AllocsPerRun(20, func() { s.run(t) }), 1000.0, "type %d", etype)
	}
}

func BenchmarkInitiator(b *testing.B) {
	eachSetup(b, func(b *testing.B, s *setup) {
		tokens, _ := split(s.run(b))
		s.side(b, s.initiatorBegin(b), tokens)
	})
}

func BenchmarkAcceptor(b *testing.B) {
	eachSetup(b, func(b *testing.B, s *setup) {
		_, tokens := split(s.run(b))
		s.side(b, s.acceptorBegin(b), tokens)
	})
}

// operation is one call of the library's with what it works on.
type operation func() error

// sealing are the calls that encrypting takes; opening is the call that decrypting is.
func sealing(k Key, usage uint32, plain []byte) operation {
	e, err := crypto.GetEtype(k.etype)
	s, _ := suiteOf(k.etype)
	text := append(make([]byte, confounderBytes), plain...)
	return func() error {
		if err != nil {
			return err
		}
		ke, err := e.DeriveKey(k.value, common.GetUsageKe(usage))
		if err != nil {
			return err
		}
		_, sealed, err := e.EncryptData(ke, text)
		if err != nil {
			return err
		}
		covered := text
		if s.overIV {
			covered = append(make([]byte, confounderBytes), sealed...)
		}
		_, err = common.GetIntegrityHash(covered, k.value, usage, e)
		return err
	}
}

func opening(k Key, usage uint32, sealed []byte) operation {
	return func() error {
		_, err := crypto.DecryptMessage(sealed, types.EncryptionKey{KeyType: k.etype, KeyValue: k.value}, usage)
		return err
	}
}

func summing(k Key, usage uint32, data []byte) operation {
	e, err := crypto.GetEtype(k.etype)
	return func() error {
		if err != nil {
			return err
		}
		_, err := e.GetChecksumHash(k.value, data, usage)
		return err
	}
}

// BenchmarkCryptography is what BenchmarkInitiator and BenchmarkAcceptor cannot do without.
func BenchmarkCryptography(b *testing.B) {
	for _, role := range []string{"initiator", "acceptor"} {
		b.Run(role, func(b *testing.B) {
			eachSetup(b, func(b *testing.B, s *setup) {
				list, acceptor := s.operations(b)
				if role == "acceptor" {
					list = acceptor
				}
				for b.Loop() {
					for _, operate := range list {
						if err := operate(); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		})
	}
}

// BenchmarkOverhead runs each end and its cryptography by turns, so that both meet the same
// machine, and reports how many times the least of one is the least of the other.
func BenchmarkOverhead(b *testing.B) {
	for _, role := range []string{"initiator", "acceptor"} {
		b.Run(role, func(b *testing.B) {
			eachSetup(b, func(b *testing.B, s *setup) {
				list, acceptor := s.operations(b)
				tokens, taken := split(s.run(b))
				begin := s.initiatorBegin(b)
				if role == "acceptor" {
					list, tokens, begin = acceptor, taken, s.acceptorBegin(b)
				}
				whole, bare := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
				for b.Loop() {
					start := time.Now()
					end := begin()
					for _, token := range tokens {
						if _, _, err := end.Step(testNow, token); err != nil {
							b.Fatal(err)
						}
					}
					between := time.Now()
					for _, operate := range list {
						if err := operate(); err != nil {
							b.Fatal(err)
						}
					}
					whole, bare = min(whole, between.Sub(start)), min(bare, time.Since(between))
				}
				b.ReportMetric(float64(whole.Nanoseconds()), "whole-ns")
				b.ReportMetric(float64(bare.Nanoseconds()), "crypto-ns")
				b.ReportMetric(float64(whole)/float64(bare), "ratio")
			})
		})
	}
}

// operations takes a negotiation apart into the calls that each end made.
func (s *setup) operations(b *testing.B) (initiator, acceptor []operation) {
	o := s.run(b)
	require.NoError(b, o.acceptorErr)
	_, inner, err := openFrame(o.tokens[0])
	require.NoError(b, err)
	request, err := parseAPReq(inner)
	require.NoError(b, err)
	tkt, err := parseTicket(request.ticket)
	require.NoError(b, err)
	long, err := testKeytab(b).newest(testService, tkt.part.version, tkt.part.etype)
	require.NoError(b, err)
	session := s.credential.Key
	auth, err := session.decrypt(usageAuthenticator, request.authenticator.sealed)
	require.NoError(b, err)
	initiator = append(initiator, sealing(session, usageAuthenticator, auth))
	acceptor = append(acceptor, opening(long.Key, usageTicket, tkt.part.sealed), opening(session, usageAuthenticator, request.authenticator.sealed))
	if !s.initiator.WithoutMutual {
		_, inner, err = openFrame(o.tokens[1])
		require.NoError(b, err)
		e, err := parseAPRep(inner)
		require.NoError(b, err)
		proof, err := session.decrypt(usageAPRep, e.sealed)
		require.NoError(b, err)
		initiator = append(initiator, opening(session, usageAPRep, e.sealed))
		acceptor = append(acceptor, sealing(session, usageAPRep, proof))
	}
	covered := make([]byte, layerBytes+wrapHeaderBytes) // of offer and of answer
	for _, list := range []*[]operation{&initiator, &acceptor} {
		*list = append(*list, summing(session, usageAcceptorSeal, covered), summing(session, usageInitiatorSeal, covered))
	}
	return initiator, acceptor
}
