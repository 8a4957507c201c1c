// What the dearest refusals cost by the byte: inputs of the largest size, each made to be
// worked on as long as possible before it is refused.

package gssapi

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"

	"github.com/a8011091/pegasus-reference/internal/allocation"
)

// dear is an input of about DefaultMaxTokenBytes, who refuses it, and what that may allocate.
type dear struct {
	name   string
	input  []byte
	refuse func() error
	bound  allocation.Bound
}

const dearBytes = DefaultMaxTokenBytes - 1024

// dearInputs are those of either end of a negotiation, and of a client of a KDC.
func dearInputs(t require.TestingT) (all []dear) {
	for _, etype := range testETypes {
		all = append(all, dearTokens(t, etype)...)
		all = append(all, dearReplies(t, etype)...)
	}
	return append(all, dearErrors(t)...)
}

// dearTokens: ciphertexts that have to be decrypted to be refused, names that have to be
// read, wrap tokens that have to be summed up.
func dearTokens(t require.TestingT, etype int32) (all []dear) {
	s := newSetup(t)
	s.etype = etype
	c := s.mint(t)
	m := moments(t, s)
	add := func(name string, at moment, token []byte) {
		all = append(all, dear{fmt.Sprintf("type=%d/%s", etype, name), token, func() error { _, _, err := at.try(token); return err }, tokenBound})
	}
	request := func(name string, r apReq) {
		inner, err := r.marshal()
		require.NoError(t, err)
		add(name, m[1], framed(t, tokenAPReq, inner))
	}
	long := encrypted{etype: etype, version: 3, sealed: make([]byte, dearBytes)}
	short := encrypted{etype: etype, version: 3, sealed: make([]byte, 100)}
	forged, err := ticket{service: testService, part: long}.marshal()
	require.NoError(t, err)
	request("ticket", apReq{ticket: forged, authenticator: short})
	request("authenticator", apReq{ticket: c.Ticket, authenticator: long})
	strange, err := ticket{service: longName(), part: short}.marshal()
	require.NoError(t, err)
	request("name", apReq{ticket: strange, authenticator: short})
	inner, err := marshalAPRep(long)
	require.NoError(t, err)
	add("proof", m[2], framed(t, tokenAPRep, inner))
	last := m[len(m)-1]
	add("wrap", last, append(append([]byte(nil), last.token[:wrapHeaderBytes]...), make([]byte, dearBytes)...))
	return all
}

func framed(t require.TestingT, id uint16, inner []byte) []byte {
	token, err := appendFrame(nil, id, inner)
	require.NoError(t, err)
	return token
}

func longName() Principal {
	return Principal{Components: make([]string, dearBytes/2), Realm: testRealm}
}

// dearReplies: what a KDC, or who speaks in its place, can answer.
func dearReplies(t require.TestingT, etype int32) (all []dear) {
	c := newConversation(t, etype)
	c.request.ETypes = []int32{etype}
	granting, err := c.run(t, c.request, testNow)
	require.NoError(t, err)
	require.Equal(t, etype, granting.Key.etype)
	x, err := NewTicketExchange(TicketRequest{Granting: granting, Service: testService, Random: seeded(1)})
	require.NoError(t, err)
	_, err = x.Request(testNow)
	require.NoError(t, err)
	add := func(name string, r kdcReply) {
		input, err := r.marshal()
		require.NoError(t, err)
		all = append(all, dear{fmt.Sprintf("type=%d/%s", etype, name), input, func() error {
			y := *x
			_, err := y.Reply(testNow, input)
			return err
		}, kdcBound})
	}
	short := encrypted{etype: etype, sealed: make([]byte, 100)}
	add("reply", kdcReply{kind: appTGSRep, client: testClient, ticket: granting.Ticket, part: encrypted{etype: etype, sealed: make([]byte, dearBytes)}})
	add("reply-name", kdcReply{kind: appTGSRep, client: longName(), ticket: granting.Ticket, part: short})
	var methods []preauth
	for range maxPreauth {
		methods = append(methods, preauth{kind: paETypeInfo2, value: make([]byte, dearBytes/maxPreauth-20)})
	}
	add("reply-methods", kdcReply{kind: appTGSRep, preauths: methods, client: testClient, ticket: granting.Ticket, part: short})
	return all
}

// dearErrors: what anyone can send in place of an answer, and a KDC in place of a ticket.
func dearErrors(t require.TestingT) (all []dear) {
	s := newSetup(t)
	waiting := moments(t, s)[2]
	add := func(name string, service Principal, data []byte) {
		inner, err := marshalKRBErrorData(codePreauthRequired, testNow, service, data)
		require.NoError(t, err)
		token := framed(t, tokenKRBError, inner)
		all = append(all, dear{"error/" + name, token, func() error { _, _, err := waiting.try(token); return inWords(err) }, tokenBound})
	}
	add("name", longName(), nil)
	add("realm", Principal{Components: []string{"a"}, Realm: strings.Repeat("\x01", dearBytes)}, nil)
	add("data", testService, make([]byte, dearBytes))

	c := newConversation(t, ETypeAES256SHA1)
	c.request.Secret, c.request.Random = Secret{Keys: c.keys}, seeded(1)
	x, err := NewTicketExchange(c.request)
	require.NoError(t, err)
	_, err = x.Request(testNow)
	require.NoError(t, err)
	var info []etypeInfo
	for range maxETypes + 1 { // the last is one too many
		info = append(info, etypeInfo{etype: 23, salt: strings.Repeat("s", dearBytes/maxETypes-64), salted: true})
	}
	value, err := marshalETypeInfo(info)
	require.NoError(t, err)
	b := cryptobyte.NewBuilder(nil)
	addPreauthList(b, []preauth{{kind: paETypeInfo2, value: value}})
	data, err := b.Bytes()
	require.NoError(t, err)
	input, err := marshalKRBErrorData(codePreauthRequired, testNow, testService, data)
	require.NoError(t, err)
	return append(all, dear{"error/types", input, func() error {
		y := *x
		_, err := y.Reply(testNow, input)
		return err
	}, kdcBound})
}

// inWords has the error written, as a log does.
func inWords(err error) error {
	if err != nil {
		_ = err.Error()
	}
	return err
}

func TestDearInputsAreRefused(t *testing.T) {
	for _, d := range dearInputs(t) {
		require.LessOrEqual(t, len(d.input), DefaultMaxTokenBytes, d.name)
		require.Greater(t, len(d.input), DefaultMaxTokenBytes*7/8, d.name)
		err := d.refuse()
		require.Error(t, err, d.name)
		require.NotErrorIs(t, err, ErrInternal, d.name)
		d.bound.Hold(t, len(d.input), func() { _ = d.refuse() })
	}
}

// BenchmarkRefusal reports nanoseconds by the byte of what was refused.
func BenchmarkRefusal(b *testing.B) {
	for _, d := range dearInputs(b) {
		b.Run(d.name, func(b *testing.B) {
			b.SetBytes(int64(len(d.input)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.refuse(); err == nil {
					b.Fatal("it was not refused")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(d.input)), "ns/byte")
		})
	}
}

// BenchmarkRefusalOfReplay is what a refusal costs at least where everything has to be
// decrypted: of a request that is in order and was seen before, an acceptor for it included.
func BenchmarkRefusalOfReplay(b *testing.B) {
	for _, etype := range testETypes {
		b.Run(fmt.Sprintf("type=%d", etype), func(b *testing.B) {
			s := newSetup(b)
			s.etype = etype
			token, _, err := s.newInitiator(b).Step(testNow, nil)
			require.NoError(b, err)
			token = bytes.Clone(token)
			_, _, err = s.newAcceptor(b).Step(testNow, token)
			require.NoError(b, err)
			b.SetBytes(int64(len(token)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.newAcceptor(b).Step(testNow, token); !errors.Is(err, ErrReplay) {
					b.Fatal(err)
				}
			}
		})
	}
}
