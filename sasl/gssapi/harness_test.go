// What the tests share: a realm in memory, ends of a negotiation, and runs of both.

package gssapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl"
)

const (
	testRealm = "EXAMPLE.COM"
	testHost  = "node1.example.com"
	testName  = "pegasus"
)

var (
	testNow     = time.Date(2024, 9, 11, 8, 30, 15, 123456000, time.UTC)
	testClient  = Principal{Components: []string{"alice"}, Realm: testRealm}
	testService = ServicePrincipal(testName, testHost, testRealm)
	testETypes  = []int32{ETypeAES128SHA1, ETypeAES256SHA1, ETypeAES128SHA256, ETypeAES256SHA384}
)

// stream is a source of entropy that one seed makes.
type stream struct {
	seed, block uint64
	rest        []byte
}

func seeded(seed uint64) *stream { return &stream{seed: seed} }

func (s *stream) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		if len(s.rest) == 0 {
			var b [16]byte
			binary.BigEndian.PutUint64(b[:], s.seed)
			binary.BigEndian.PutUint64(b[8:], s.block)
			s.block++
			sum := sha256.Sum256(b[:])
			s.rest = sum[:]
		}
		c := copy(p[n:], s.rest)
		s.rest, n = s.rest[c:], n+c
	}
	return len(p), nil
}

func testKey(t require.TestingT, etype int32, name string) Key {
	s, err := suiteOf(etype)
	require.NoError(t, err)
	sum := sha256.Sum256(fmt.Append(nil, name, etype))
	k, err := NewKey(etype, sum[:s.keyBytes])
	require.NoError(t, err)
	return k
}

// testKeytab has the service's keys of every type in versions 2 and 3.
func testKeytab(t require.TestingT) *Keytab {
	var entries []KeytabEntry
	for version := uint32(2); version <= 3; version++ {
		for _, etype := range testETypes {
			entries = append(entries, KeytabEntry{Principal: testService, Version: version, Key: testKey(t, etype, fmt.Sprint(testService, version))})
		}
	}
	kt, err := NewKeytab(entries...)
	require.NoError(t, err)
	return kt
}

// setup is one negotiation's worth of configuration; tests change it before they run it.
type setup struct {
	etype, sessionEType int32
	version             uint32
	client              Principal
	service             Principal
	initiator, acceptor Config
	host                string // the acceptor's
	start, end          time.Time
	initiatorNow        time.Time
	acceptorNow         time.Time
	seed                uint64
	credential          *Credential // minted where nil
}

func newSetup(t require.TestingT) *setup {
	return &setup{
		etype: ETypeAES256SHA1, client: testClient, service: testService, host: testHost, seed: 1,
		start: testNow.Add(-time.Hour), end: testNow.Add(time.Hour), initiatorNow: testNow, acceptorNow: testNow,
		initiator: Config{Service: testName},
		acceptor:  Config{Service: testName, Keys: testKeytab(t), Replays: NewReplays(100)},
	}
}

func (s *setup) mint(t require.TestingT) *Credential {
	if s.credential == nil {
		c, err := Mint(testKeytab(t), MintConfig{Client: s.client, Service: s.service, Version: s.version, EType: s.etype,
			SessionEType: s.sessionEType, Start: s.start, End: s.end, Random: seeded(s.seed + 1000)})
		require.NoError(t, err)
		s.credential = c
	}
	return s.credential
}

func (s *setup) newInitiator(t require.TestingT) sasl.Session {
	c := s.mint(t)
	s.initiator.Credentials = c
	i, err := New(s.initiator).Client(sasl.ClientConfig{Host: c.Service.Components[1], Random: seeded(s.seed)})
	require.NoError(t, err)
	return i
}

func (s *setup) newAcceptor(t require.TestingT) sasl.ServerSession {
	a, err := New(s.acceptor).Server(sasl.ServerConfig{Host: s.host, Random: seeded(s.seed + 2000)})
	require.NoError(t, err)
	return a
}

// outcome is what became of a negotiation. tokens alternate, the initiator's first.
type outcome struct {
	tokens        [][]byte
	initiatorDone bool
	initiatorErr  error
	acceptorErr   error
	refusal       []byte // what the acceptor had for its peer beside its error
	principal     string
}

func (s *setup) run(t require.TestingT) (o outcome) {
	i, a := s.newInitiator(t), s.newAcceptor(t)
	return s.drive(t, i, a)
}

func (s *setup) drive(t require.TestingT, i sasl.Session, a sasl.ServerSession) (o outcome) {
	var in []byte
	for range 10 {
		out, done, err := i.Step(s.initiatorNow, in)
		if o.initiatorErr = err; err != nil {
			require.Empty(t, out)
			return o
		}
		o.initiatorDone = done
		o.tokens = append(o.tokens, bytes.Clone(out))
		require.Empty(t, a.Principal(), "no principal before the acceptor is satisfied")
		reply, served, err := a.Step(s.acceptorNow, out)
		if o.acceptorErr = err; err != nil {
			o.refusal = bytes.Clone(reply)
			require.False(t, served)
			require.Empty(t, a.Principal())
			return o
		}
		if served {
			require.Empty(t, reply)
			o.principal = a.Principal()
			return o
		}
		o.tokens = append(o.tokens, bytes.Clone(reply))
		in = bytes.Clone(reply)
	}
	require.Fail(t, "negotiation does not end")
	return o
}
