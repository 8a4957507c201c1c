// Fields that our own ends leave out and others send, and limits within messages.

package gssapi

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/a8011091/pegasus-reference/sasl"
)

// withField puts a field with a value into a message, in order of the fields' numbers.
func withField(t *testing.T, msg []byte, app, number uint8, value any) []byte {
	content, ok := value.([]byte) // DER as it is
	if !ok {
		var err error
		content, err = asn1.Marshal(value)
		require.NoError(t, err)
	}
	s := cryptobyte.String(msg)
	var frame, sequence cryptobyte.String
	require.True(t, s.ReadASN1(&frame, applicationTag(app)) && frame.ReadASN1(&sequence, der.SEQUENCE))
	out, err := message(app, 256, func(b *cryptobyte.Builder) {
		put := false
		for !sequence.Empty() {
			var field cryptobyte.String
			var tag der.Tag
			require.True(t, sequence.ReadAnyASN1Element(&field, &tag))
			if !put && tag > contextTag(number) {
				addField(b, number, func(b *cryptobyte.Builder) { b.AddBytes(content) })
				put = true
			}
			b.AddBytes(field)
		}
		if !put {
			addField(b, number, func(b *cryptobyte.Builder) { b.AddBytes(content) })
		}
	})
	require.NoError(t, err)
	return out
}

// authorizationData is AuthorizationData with elements of these types.
func authorizationData(t *testing.T, kinds ...int) []byte {
	type element struct {
		Kind int    `asn1:"explicit,tag:0"`
		Data []byte `asn1:"explicit,tag:1"`
	}
	var all []element
	for _, k := range kinds {
		all = append(all, element{k, []byte("what it says")})
	}
	data, err := asn1.Marshal(all)
	require.NoError(t, err)
	return data
}

// Restrictions that are not known, in the ticket or in what came with it, are refused; what may
// be left unread is not (RFC 4120 section 5.2.6).
func TestRestrictionsThatAreNotKnown(t *testing.T) {
	s := newSetup(t)
	ticket := ticketPart{flags: ticketInitial, key: testKey(t, s.etype, "k"), client: testClient, start: s.start, end: s.end}
	plainTicket, err := ticket.marshal()
	require.NoError(t, err)
	plainAuth, err := authenticator{client: testClient, time: testNow}.marshal()
	require.NoError(t, err)
	a := &acceptor{cfg: &Config{Skew: DefaultSkew}, service: testService}
	for _, tc := range []struct {
		ticket, auth []int
		refused      bool
	}{
		{nil, nil, false},
		{[]int{authDataIfRelevant}, []int{authDataIfRelevant, authDataIfRelevant}, false},
		{[]int{8}, nil, true},
		{[]int{authDataIfRelevant, 8}, nil, true},
		{[]int{8, authDataIfRelevant}, nil, true},
		{nil, []int{8}, true},
		{nil, []int{8, authDataIfRelevant}, true},
	} {
		part, err := parseTicketPart(withField(t, plainTicket, appEncTicketPart, 10, authorizationData(t, tc.ticket...)))
		require.NoError(t, err)
		auth, err := parseAuthenticator(withField(t, plainAuth, appAuthenticator, 8, authorizationData(t, tc.auth...)))
		require.NoError(t, err)
		err = a.acceptable(testNow, part, auth)
		if !tc.refused {
			require.NoError(t, err, "%v", tc)
			continue
		}
		require.ErrorIs(t, err, ErrPolicy, "%v", tc)
		require.ErrorContains(t, err, "restrictions")
	}
}

// What a KDC adds to its reply is read over.
func TestFieldsOfRepliesThatAreReadOver(t *testing.T) {
	part := kdcReplyPart{key: testKey(t, ETypeAES256SHA1, "k"), nonce: 7, authTime: testNow, start: testNow, end: testNow, service: testService}
	plain, err := part.marshal(appEncTGSRepPart)
	require.NoError(t, err)
	for number, value := range map[uint8]any{3: asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte("20240911083015Z")}, 11: []int{}, 12: []int{}} {
		read, err := parseKDCReplyPart(withField(t, plain, appEncTGSRepPart, number, value))
		require.NoError(t, err, "field %d", number)
		require.Equal(t, part.service, read.service)
	}
	_, err = parseKDCReplyPart(withField(t, plain, appEncTGSRepPart, 13, []int{}))
	require.Error(t, err, "there is no field 13")
}

func TestFieldsOfErrorsThatAreReadOver(t *testing.T) {
	plain, err := marshalKRBError(codeSkew, testNow, testService)
	require.NoError(t, err)
	clientTime := asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte("20240911083015Z")}
	name := asn1.RawValue{Tag: 27, Bytes: []byte(testRealm)}
	for number, value := range map[uint8]any{2: clientTime, 3: 999999, 7: name, 8: []int{}, 12: []byte{4, 1, 'x'}} {
		e, err := parseKRBError(withField(t, plain, appKRBError, number, value), testNow)
		require.NoError(t, err, "field %d", number)
		require.EqualValues(t, codeSkew, e.Code)
		require.Equal(t, number == 2, !e.ClientTime.IsZero())
	}
}

// What a peer says is cut where it is long, and stays text.
func TestWordsOfPeersAreCut(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		strings.Repeat("x", maxPeerText):   strings.Repeat("x", maxPeerText),
		strings.Repeat("x", maxPeerText+1): strings.Repeat("x", maxPeerText) + "...",
		strings.Repeat("x", maxPeerText-1) + "é":    strings.Repeat("x", maxPeerText-1) + "...",
		strings.Repeat("x", maxPeerText-2) + "éxxx": strings.Repeat("x", maxPeerText-2) + "é...",
	} {
		require.Equal(t, want, shorten(text))
	}
}

// Numbers of checksums: RFC 3962 section 7 and RFC 8009 section 6.
func TestChecksumTypes(t *testing.T) {
	for etype, want := range map[int32]int64{ETypeAES128SHA1: 15, ETypeAES256SHA1: 16, ETypeAES128SHA256: 19, ETypeAES256SHA384: 20} {
		have, err := checksumType(etype)
		require.NoError(t, err)
		require.Equal(t, want, have)
	}
	_, err := checksumType(23)
	require.ErrorIs(t, err, ErrEType)
}

// The answer to the offer of layers is a layer and a size, and nothing less.
func TestAnswersThatAreTooShort(t *testing.T) {
	for size := range layerBytes + 1 {
		key := testKey(t, ETypeAES256SHA1, "k")
		a := &acceptor{cfg: &Config{}, client: testClient, service: testService, receiving: channel{key: key}, state: stateLayer}
		token, err := channel{key: key}.wrap(nil, []byte{layerNone, 0, 0, 0}[:size])
		require.NoError(t, err)
		_, done, err := a.takeAnswer(token)
		require.Equal(t, size == layerBytes, done)
		if size < layerBytes {
			require.ErrorIs(t, err, ErrToken)
			require.ErrorContains(t, err, fmt.Sprintf("an answer of %d bytes", size))
		}
	}
}

// The count of a wrap token's checksum is its type's, whatever the checksum covers.
func TestCountsOfChecksums(t *testing.T) {
	for _, etype := range testETypes {
		c := channel{key: testKey(t, etype, "k"), sequence: 7}
		s, err := suiteOf(etype)
		require.NoError(t, err)
		for _, payload := range []string{"", "payload"} {
			token, err := c.wrap(nil, []byte(payload))
			require.NoError(t, err)
			for count := range 64 {
				changed := bytes.Clone(token)
				binary.BigEndian.PutUint16(changed[4:], uint16(count))
				_, err := c.unwrap(changed)
				if count == s.macBytes {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, ErrToken, "count %d", count)
				}
			}
			short := bytes.Clone(token[:wrapHeaderBytes])
			binary.BigEndian.PutUint16(short[4:], 0)
			_, err = c.unwrap(short)
			require.ErrorIs(t, err, ErrToken)
		}
	}
}

// A peer that wraps Kerberos once more is told so.
func TestSPNEGOIsNamed(t *testing.T) {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(applicationTag(0), func(b *cryptobyte.Builder) {
		b.AddASN1(der.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oidSPNEGO)) })
		b.AddBytes([]byte{0xa0, 0})
	})
	_, _, err := openFrame(b.BytesOrPanic())
	require.ErrorIs(t, err, ErrToken)
	require.ErrorContains(t, err, "SPNEGO")
}

// Of a version's keys the one of the highest type is the newest, in whatever order they lie.
func TestNewestKey(t *testing.T) {
	entry := func(version uint32, etype int32) KeytabEntry {
		return KeytabEntry{Principal: testService, Version: version, Key: testKey(t, etype, fmt.Sprint(version))}
	}
	other := entry(9, ETypeAES256SHA384)
	other.Principal = testClient
	all := []KeytabEntry{entry(2, ETypeAES256SHA384), entry(3, ETypeAES256SHA1), entry(3, ETypeAES128SHA1), other}
	for range 2 {
		kt := keytabOf(t, all...)
		for _, tc := range []struct {
			version uint32
			etype   int32
			want    KeytabEntry
		}{
			{0, 0, entry(3, ETypeAES256SHA1)}, {2, 0, entry(2, ETypeAES256SHA384)}, {0, ETypeAES128SHA1, entry(3, ETypeAES128SHA1)},
			{0, ETypeAES256SHA384, entry(2, ETypeAES256SHA384)},
		} {
			best, err := kt.newest(testService, tc.version, tc.etype)
			require.NoError(t, err)
			require.Equal(t, tc.want, best)
		}
		_, err := kt.newest(testService, 4, 0)
		require.ErrorIs(t, err, ErrNoKey)
		require.Equal(t, []uint32{2, 3}, kt.versions(testService), "each once, and nobody else's")
		slices.Reverse(all)
	}
}

// A cache of version 3 has no header, and says twice of what type a key is.
func TestCCacheOfVersion3(t *testing.T) {
	file := ccacheFile(t)
	want, err := ParseCCache(file)
	require.NoError(t, err)
	key := testKey(t, ETypeAES256SHA1, "session").value
	etype := binary.BigEndian.AppendUint16(nil, uint16(ETypeAES256SHA1))
	keyed := append(binary.BigEndian.AppendUint32(bytes.Clone(etype), uint32(len(key))), key...)
	old := append([]byte{5, 3}, bytes.ReplaceAll(file[16:], keyed, append(bytes.Clone(etype), keyed...))...)
	have, err := ParseCCache(old)
	require.NoError(t, err)
	assert.Equal(t, want, have)
	for _, version := range []byte{2, 5} {
		old[1] = version
		_, err = ParseCCache(old)
		require.ErrorIs(t, err, ErrFormat)
	}
}

// A ticket ends when who asks for it wants it to, or with the longest life that there is.
func TestTicketsEndWhenAsked(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{time.Hour: time.Hour, 100 * 24 * time.Hour: defaultLife} {
		c := newConversation(t, ETypeAES256SHA1)
		c.request.Life = life
		granting, err := c.run(t, c.request, testNow)
		require.NoError(t, err)
		require.Equal(t, testNow.Truncate(time.Second).Add(want), granting.End)
	}
}

// A granting ticket made with a key that the KDC has no more is refused as that.
func TestGrantingTicketOfAnotherKeyVersion(t *testing.T) {
	c := newConversation(t, ETypeAES256SHA1)
	granting, err := c.run(t, c.request, testNow)
	require.NoError(t, err)
	for i := range c.issuer.Keys.entries {
		if e := &c.issuer.Keys.entries[i]; e.Principal.Equal(GrantingService(testRealm)) {
			e.Version++
		}
	}
	_, err = c.run(t, TicketRequest{Granting: granting, Service: testService}, testNow)
	var said *PeerError
	require.ErrorAs(t, err, &said)
	require.EqualValues(t, codeBadKeyVersion, said.Code)
}

// failingSource has no credential for anybody, and says why.
type failingSource struct{ err error }

func (f failingSource) Lookup(string, string) (*Credential, error) { return nil, f.err }

// Why a credential could not be had is what a client is told.
func TestSourcesErrorIsTold(t *testing.T) {
	why := errors.New("the vault is locked")
	_, err := New(Config{Service: testName, Credentials: failingSource{why}}).Client(sasl.ClientConfig{Host: testHost, Random: seeded(1)})
	require.ErrorIs(t, err, why)
	require.ErrorContains(t, err, testHost)
}
