// What a KDC can be made to say, by whoever sits between: AS-REP, TGS-REP, KRB-ERROR with
// ETYPE-INFO2, and what our own KDC can be asked. No panic, and nothing allocated by a
// length that is claimed and not there.

package gssapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzKDCReply gives a client any answer to its first request, its proven one, or its
// request for a service's ticket.
func FuzzKDCReply(f *testing.F) {
	c := newConversation(f, ETypeAES256SHA1)
	granting, err := c.run(f, c.request, testNow)
	require.NoError(f, err)
	requests := []TicketRequest{c.request, c.request, {Granting: granting, Service: testService}}
	start := func(t require.TestingT, which int) (*TicketExchange, []byte) {
		cfg := requests[which]
		cfg.Secret, cfg.Random = Secret{Keys: c.keys}, seeded(uint64(which))
		if cfg.Granting == nil {
			cfg.Client = testClient
		}
		x, err := NewTicketExchange(cfg)
		require.NoError(t, err)
		for proven := 0; ; proven++ {
			request, err := x.Request(testNow)
			require.NoError(t, err)
			answer, _ := c.issuer.Answer(testNow, request, seeded(9))
			if which != 1 || proven == 1 {
				return x, answer
			}
			_, err = x.Reply(testNow, answer)
			require.NoError(t, err)
		}
	}
	for which := range requests {
		_, good := start(f, which)
		f.Add(uint8(which), good)
	}
	for _, etype := range testETypes {
		for _, n := range []int{0, 1, 11, 12, 15, 16, 19, 20, 23, 24, 27, 28, 39, 40} { // about every MAC, with and without confounder
			for which, kind := range []uint8{appASRep, appASRep, appTGSRep} {
				r := kdcReply{kind: kind, client: testClient, ticket: granting.Ticket, part: encrypted{etype: etype, sealed: make([]byte, n)}}
				der, err := r.marshal()
				require.NoError(f, err)
				f.Add(uint8(which), der)
			}
		}
	}
	for _, params := range [][]byte{nil, {0, 0, 0, 1}, {0xff, 0xff, 0xff, 0xff}, {1, 2, 3}} {
		value, err := marshalETypeInfo([]etypeInfo{{etype: ETypeAES256SHA1, salt: "salt", salted: true, params: params}, {etype: 23}})
		require.NoError(f, err)
		f.Add(uint8(3), value)
	}
	f.Fuzz(func(t *testing.T, which uint8, reply []byte) {
		if which == 3 {
			kdcBound.Hold(t, len(reply), func() { _, _ = parseETypeInfo(reply) })
			info, err := parseETypeInfo(reply)
			require.LessOrEqual(t, len(info), maxETypes)
			requireRefusal(t, err)
			return
		}
		x, _ := start(t, int(which)%len(requests))
		kdcBound.Hold(t, len(reply), func() {
			y := *x
			_, err := y.Reply(testNow, reply)
			requireRefusal(t, err)
		})
	})
}

// FuzzKDCReplyPart is a KDC, or who has the client's key, that encrypts what it likes.
func FuzzKDCReplyPart(f *testing.F) {
	good := kdcReplyPart{key: testKey(f, ETypeAES256SHA1, "session"), nonce: 7, authTime: testNow, start: testNow, end: testNow.Add(time.Hour), service: testService}
	for _, tag := range []uint8{appEncASRepPart, appEncTGSRepPart} {
		der, err := good.marshal(tag)
		require.NoError(f, err)
		f.Add(der)
	}
	f.Add([]byte{0x79, 0x84, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, plain []byte) {
		kdcBound.Hold(t, len(plain), func() { _, _ = parseKDCReplyPart(plain) })
		p, err := parseKDCReplyPart(plain)
		requireRefusal(t, err)
		if err == nil {
			require.True(t, p.service.valid() && p.key.isSet())
		}
	})
}

// FuzzIssuer asks our own KDC anything.
func FuzzIssuer(f *testing.F) {
	c := newConversation(f, ETypeAES256SHA1)
	granting, err := c.run(f, c.request, testNow)
	require.NoError(f, err)
	for i, cfg := range []TicketRequest{c.request, {Granting: granting, Service: testService}, {Granting: granting, Renew: true}} {
		cfg.Random = seeded(uint64(i))
		x, err := NewTicketExchange(cfg)
		require.NoError(f, err)
		request, err := x.Request(testNow)
		require.NoError(f, err)
		f.Add(request)
	}
	for n := range 25 {
		proof, err := marshalEncrypted(encrypted{etype: ETypeAES256SHA1, sealed: make([]byte, n)})
		require.NoError(f, err)
		r := kdcRequest{kind: appASReq, realm: testRealm, client: testClient, service: GrantingService(testRealm), etypes: testETypes,
			preauths: []preauth{{kind: paTimestamp, value: proof}}, till: testNow}
		require.NoError(f, r.marshalBody())
		request, err := r.marshal()
		require.NoError(f, err)
		f.Add(request)
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		issuerBound.Hold(t, len(request), func() {
			_, err := c.issuer.Answer(testNow, request, seeded(1))
			requireRefusal(t, err)
		})
	})
}
