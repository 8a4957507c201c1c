// The parts one by one: messages held against the library's reader, principals, keytabs,
// caches, rotation, the replay cache against a model, copies of ends.

package gssapi

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/a8011091/pegasus-reference/sasl"
)

// What we write, gokrb5 reads; it decrypts with the same keys and finds the same content.
func TestLibraryReadsOurMessages(t *testing.T) {
	for _, etype := range testETypes {
		s := newSetup(t)
		s.etype = etype
		o := s.run(t)
		require.NoError(t, o.acceptorErr)
		id, inner, err := openFrame(o.tokens[0])
		require.NoError(t, err)
		require.EqualValues(t, tokenAPReq, id)
		var request messages.APReq
		require.NoError(t, request.Unmarshal(inner))
		file, err := testKeytab(t).Marshal()
		require.NoError(t, err)
		var kt keytab.Keytab
		require.NoError(t, kt.Unmarshal(file))
		for i := range kt.Entries { // its search wants a time after the epoch
			kt.Entries[i].Timestamp = testNow
		}
		require.NoError(t, request.Ticket.DecryptEncPart(&kt, &request.Ticket.SName))
		part := request.Ticket.DecryptedEncPart
		assert.Equal(t, "alice", part.CName.PrincipalNameString())
		assert.Equal(t, testRealm, part.CRealm)
		assert.True(t, part.EndTime.Equal(s.end.Truncate(time.Second)))
		require.NoError(t, request.DecryptAuthenticator(part.Key))
		assert.Equal(t, 123456, request.Authenticator.Cusec)
		assert.True(t, request.Authenticator.CTime.Equal(testNow.Truncate(time.Second)))
		assert.EqualValues(t, checksumGSS, request.Authenticator.Cksum.CksumType)
		_, inner, err = openFrame(o.tokens[1])
		require.NoError(t, err)
		var reply messages.APRep
		require.NoError(t, reply.Unmarshal(inner))
	}
}

func TestLibraryReadsOurKRBError(t *testing.T) {
	b, err := marshalKRBError(codeSkew, testNow, testService)
	require.NoError(t, err)
	var e messages.KRBError
	require.NoError(t, e.Unmarshal(b))
	assert.EqualValues(t, codeSkew, e.ErrorCode)
	assert.Equal(t, 123456, e.Susec)
}

func TestWeReadTheLibrarysKRBError(t *testing.T) {
	their := messages.NewKRBError(types.NewPrincipalName(2, "pegasus/node1"), testRealm, codeBadKeyVersion, "some words")
	b, err := their.Marshal()
	require.NoError(t, err)
	e, err := parseKRBError(b, testNow)
	require.NoError(t, err)
	assert.EqualValues(t, codeBadKeyVersion, e.Code)
	assert.Equal(t, "pegasus/node1@EXAMPLE.COM", e.Service)
	assert.ErrorIs(t, e, ErrKeyVersion)
	assert.Contains(t, e.Error(), `it adds "some words"`)
}

func TestEveryCodeHasWords(t *testing.T) {
	for code := range int32(80) {
		words, _ := explain(code)
		assert.NotEmpty(t, words)
	}
	known, _ := explain(codeServerUnknown)
	assert.Contains(t, known, "kadmin getprinc")
}

// Keys of passwords are those of MIT; RFC 3962 appendix B and RFC 8009 appendix A have others
// of the same functions, which the library tests.
func TestKeyFromPassword(t *testing.T) {
	for _, etype := range testETypes {
		k, err := KeyFromPassword(etype, "secret", testClient)
		require.NoError(t, err)
		var kt keytab.Keytab
		require.NoError(t, kt.Unmarshal([]byte{5, 2, 0, 0, 0, 0}))
		require.NoError(t, kt.AddEntry("alice", testRealm, "secret", testNow, 1, etype))
		assert.Equal(t, kt.Entries[0].Key.KeyValue, k.Bytes())
	}
	_, err := KeyFromPassword(23, "secret", testClient)
	assert.ErrorIs(t, err, ErrEType)
}

func TestPrincipalRoundTrip(t *testing.T) {
	component := rapid.StringMatching(`[a-z0-9/@\\. -]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		p := Principal{Components: rapid.SliceOfN(component, 1, maxComponents).Draw(t, "components"), Realm: component.Draw(t, "realm")}
		q, err := ParsePrincipal(p.String())
		require.NoError(t, err)
		require.True(t, p.Equal(q), "%q became %q", p, q)
	})
}

func TestPrincipalsRefused(t *testing.T) {
	for _, text := range []string{"", "alice", "@REALM", "alice@", "a//b@R", "a@b@R", "a\n@R", "a/b/c/d/e/f/g/h/i@R", "a\x00@R", "\xff@R"} {
		_, err := ParsePrincipal(text)
		assert.ErrorIs(t, err, ErrFormat, "%q", text)
	}
}

func TestKeytabRoundTrip(t *testing.T) {
	kt := testKeytab(t)
	file, err := kt.Marshal()
	require.NoError(t, err)
	again, err := ParseKeytab(file)
	require.NoError(t, err)
	assert.Equal(t, kt.entries, again.entries)
	for n := range file {
		_, err := ParseKeytab(file[:n])
		if err != nil {
			require.ErrorIs(t, err, ErrFormat)
		}
	}
}

// ccacheFile writes version 4 with a setting, a ticket that ends early, and one that ends late.
func ccacheFile(t require.TestingT) []byte {
	b := []byte{5, 4, 0, 12, 0, 1, 0, 8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}
	data := func(v []byte) { b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...) }
	principal := func(p Principal) {
		b = binary.BigEndian.AppendUint32(b, 1)
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.Components)))
		data([]byte(p.Realm))
		for _, c := range p.Components {
			data([]byte(c))
		}
	}
	entry := func(service Principal, end uint32, tkt string) {
		principal(testClient)
		principal(service)
		k := testKey(t, ETypeAES256SHA1, "session")
		b = binary.BigEndian.AppendUint16(b, uint16(k.etype))
		data(k.value)
		for _, at := range []uint32{1000, 0, end, 0} {
			b = binary.BigEndian.AppendUint32(b, at)
		}
		b = append(b, 0, 0x40, 0xe1, 0, 0)
		b = append(b, 0, 0, 0, 1, 0, 2, 0, 0, 0, 4, 127, 0, 0, 1) // an address
		b = append(b, 0, 0, 0, 0)
		data([]byte(tkt))
		data(nil)
	}
	principal(testClient)
	entry(Principal{Components: []string{"krb5_ccache_conf_data", "fast_avail"}, Realm: configRealm}, 0, "yes")
	entry(testService, 2000, "early")
	entry(testService, 3000, "late")
	return b
}

func TestWrittenCCacheIsRead(t *testing.T) {
	c, err := ParseCCache(ccacheFile(t))
	require.NoError(t, err)
	file, err := c.Marshal()
	require.NoError(t, err)
	again, err := ParseCCache(file)
	require.NoError(t, err)
	assert.Equal(t, c, again)
}

func TestCCache(t *testing.T) {
	file := ccacheFile(t)
	c, err := ParseCCache(file)
	require.NoError(t, err)
	assert.Equal(t, testClient, c.Client)
	assert.Len(t, c.Credentials, 2)
	got, err := c.Lookup(testName, testHost)
	require.NoError(t, err)
	assert.Equal(t, "late", string(got.Ticket))
	assert.Equal(t, time.Unix(1000, 0), got.Start, "without a start it is the time of authentication")
	_, err = c.Lookup(testName, "elsewhere")
	require.ErrorIs(t, err, ErrNoCredential)
	assert.ErrorContains(t, err, "pegasus/elsewhere")
	for n := range file {
		c, err := ParseCCache(file[:n])
		if err == nil {
			assert.Less(t, len(c.Credentials), 2)
			continue
		}
		require.ErrorIs(t, err, ErrFormat)
	}
}

// The counts of a cache allocate nothing before they are believed.
func TestCCacheWithGreatCounts(t *testing.T) {
	file := ccacheFile(t)
	for n := range len(file) - 4 {
		bad := bytes.Clone(file)
		binary.BigEndian.PutUint32(bad[n:], 0x7fffffff)
		if _, err := ParseCCache(bad); err != nil {
			require.ErrorIs(t, err, ErrFormat)
		}
	}
}

// A token may be rotated by any count; its payload is the same.
func TestRotation(t *testing.T) {
	for _, etype := range testETypes {
		c := channel{key: testKey(t, etype, "k"), fromAcceptor: true, acceptorSubkey: true, sequence: 7}
		token, err := c.wrap(nil, []byte("payload"))
		require.NoError(t, err)
		body := token[wrapHeaderBytes:]
		for count := range 3 * len(body) {
			right := (len(body) - count%len(body)) % len(body)
			rotated := append(append(bytes.Clone(token[:wrapHeaderBytes]), body[right:]...), body[:right]...)
			binary.BigEndian.PutUint16(rotated[6:], uint16(count))
			rotated[2] |= 0xf8 // unknown flags; they are covered by the checksum
			_, err = c.unwrap(rotated)
			require.ErrorIs(t, err, ErrIntegrity)
			rotated[2] &^= 0xf8
			payload, err := c.unwrap(rotated)
			require.NoError(t, err, "rotated by %d", count)
			require.Equal(t, "payload", string(payload))
		}
		next := c
		next.sequence++
		_, err = next.unwrap(token)
		require.ErrorIs(t, err, ErrSequence)
		back := c
		back.fromAcceptor = false
		_, err = back.unwrap(token)
		require.ErrorIs(t, err, ErrToken, "our own token sent back")
	}
}

// The cache against a list that keeps everything, and answers as it says it does.
func TestReplaysAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 6).Draw(t, "limit")
		skew := time.Duration(rapid.IntRange(1, 4).Draw(t, "skew")) * time.Second
		cache, now := NewReplays(limit), testNow
		until := map[int]time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "later")) * time.Second)
			for n, end := range until {
				if now.After(end) {
					delete(until, n)
				}
			}
			n := rapid.IntRange(0, 12).Draw(t, "request")
			before := cache.Clone()
			err := cache.Check(now, skew, Replay{Client: testClient, Service: testService, Time: testNow, Authenticator: [32]byte{byte(n)}})
			_, seen := until[n]
			switch {
			case seen:
				require.ErrorIs(t, err, ErrReplay)
			case len(until) == limit:
				require.ErrorIs(t, err, ErrReplayFull)
			default:
				require.NoError(t, err)
				until[n] = now.Add(2 * skew)
				require.NotEqual(t, before.AppendState(nil, now), cache.AppendState(nil, now))
			}
			require.Equal(t, len(until), cache.Len())
			require.LessOrEqual(t, len(cache.queue), limit)
		}
	})
}

// Whether an authenticator is too old is a matter of the wall clock, which may be set back; so
// is until when it has to be remembered.
func TestReplaysGoByTheWallClock(t *testing.T) {
	cache := NewReplays(1)
	require.NoError(t, cache.Check(time.Now(), time.Minute, Replay{Client: testClient, Service: testService, Time: testNow}))
	require.NotContains(t, cache.queue[0].until.String(), "m=", "it has a monotonic reading")
}

func TestReplayIdentity(t *testing.T) {
	base := Replay{Client: testClient, Service: testService, Time: testNow}
	others := []Replay{base, base, base, base}
	others[0].Client.Realm = "OTHER.COM"
	others[1].Service = ServicePrincipal(testName, "node2", testRealm)
	others[2].Time = testNow.Add(time.Microsecond)
	others[3].Authenticator[5] = 1
	cache := NewReplays(10)
	require.NoError(t, cache.Check(testNow, time.Minute, base))
	for _, other := range others {
		require.NoError(t, cache.Check(testNow, time.Minute, other))
	}
	require.ErrorIs(t, cache.Check(testNow, time.Minute, base), ErrReplay)
}

// A copy goes its own way: both reach the same end, and neither disturbs the other.
func TestCopiesOfEnds(t *testing.T) {
	for _, m := range allMoments(t) {
		end := m.end.(sasl.Stateful)
		before := end.AppendState(nil)
		first, doneFirst, err := m.try(m.token)
		require.NoError(t, err, m.name)
		first = bytes.Clone(first)
		second, doneSecond, err := m.try(m.token)
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.Equal(t, doneFirst, doneSecond)
		require.Equal(t, before, end.AppendState(nil), "%s changed by its copies", m.name)
		_, _, err = m.try([]byte("no token"))
		require.Error(t, err, m.name)
	}
}

// Ends that go on differently have different states.
func TestStatesDiffer(t *testing.T) {
	for _, withoutMutual := range []bool{false, true} {
		s := newSetup(t)
		s.initiator.WithoutMutual = withoutMutual
		seen := map[string]string{}
		for _, m := range moments(t, s) {
			state := string(m.end.(sasl.Stateful).AppendState(nil))
			require.NotContains(t, seen, state, m.name)
			seen[state] = m.name
		}
	}
}
