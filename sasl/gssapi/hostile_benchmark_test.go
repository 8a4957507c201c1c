// What the dearest refusals cost by the byte: tokens of the largest size, each made to be
// worked on as long as possible before it is refused.

package gssapi

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// dear is a token of about DefaultMaxTokenBytes and the end that refuses it.
type dear struct {
	name  string
	at    moment
	token []byte
}

// dearTokens: ciphertexts that have to be decrypted to be refused, names that have to be
// read, wrap tokens that have to be summed up.
func dearTokens(t require.TestingT) (all []dear) {
	const size = DefaultMaxTokenBytes - 1024
	for _, etype := range testETypes {
		s := newSetup(t)
		s.etype = etype
		c := s.mint(t)
		m := moments(t, s)
		request := func(name string, r apReq) {
			inner, err := r.marshal()
			require.NoError(t, err)
			token, err := appendFrame(nil, tokenAPReq, inner)
			require.NoError(t, err)
			all = append(all, dear{fmt.Sprintf("type=%d/%s", etype, name), m[1], token})
		}
		long := encrypted{etype: etype, version: 3, sealed: make([]byte, size)}
		forged, err := ticket{service: testService, part: long}.marshal()
		require.NoError(t, err)
		request("ticket", apReq{ticket: forged, authenticator: encrypted{etype: etype, sealed: make([]byte, 100)}})
		request("authenticator", apReq{ticket: c.Ticket, authenticator: encrypted{etype: etype, sealed: make([]byte, size)}})
		names := Principal{Components: make([]string, size/4), Realm: testRealm}
		strange, err := ticket{service: names, part: encrypted{etype: etype, version: 3, sealed: make([]byte, 100)}}.marshal()
		require.NoError(t, err)
		request("name", apReq{ticket: strange, authenticator: encrypted{etype: etype, sealed: make([]byte, 100)}})

		inner, err := marshalAPRep(encrypted{etype: etype, sealed: make([]byte, size)})
		require.NoError(t, err)
		answer, err := appendFrame(nil, tokenAPRep, inner)
		require.NoError(t, err)
		all = append(all, dear{fmt.Sprintf("type=%d/proof", etype), m[2], answer})
		last := m[len(m)-1]
		wrap := append(append([]byte(nil), last.token[:wrapHeaderBytes]...), make([]byte, size)...)
		all = append(all, dear{fmt.Sprintf("type=%d/wrap", etype), last, wrap})
	}
	return all
}

func TestDearTokensAreRefused(t *testing.T) {
	for _, d := range dearTokens(t) {
		require.LessOrEqual(t, len(d.token), DefaultMaxTokenBytes, d.name)
		_, done, err := d.at.try(d.token)
		require.Error(t, err, d.name)
		require.NotErrorIs(t, err, ErrInternal, d.name)
		require.False(t, done, d.name)
	}
}

// BenchmarkRefusal reports nanoseconds by the byte of what was refused.
func BenchmarkRefusal(b *testing.B) {
	for _, d := range dearTokens(b) {
		b.Run(d.name, func(b *testing.B) {
			b.SetBytes(int64(len(d.token)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := d.at.try(d.token); err == nil {
					b.Fatal("it was not refused")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(d.token)), "ns/byte")
		})
	}
}
