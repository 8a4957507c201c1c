package sasl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// counter is a source of randomness that never repeats.
type counter struct{ n uint64 }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0
	}
	c.n++
	binary.BigEndian.PutUint64(p, c.n)
	return len(p), nil
}

var testNow = time.Unix(1_700_000_000, 0)

func newEnds(t require.TestingT, client, server TestConfig, clientHost, serverHost string, random io.Reader) (Session, ServerSession) {
	c, err := NewTest(client).Client(ClientConfig{Host: clientHost, Random: random})
	require.NoError(t, err)
	s, err := NewTest(server).Server(ServerConfig{Host: serverHost, Random: random})
	require.NoError(t, err)
	return c, s
}

// transcript runs a negotiation to its end and returns the tokens in order, client's first.
func transcript(t require.TestingT, c Session, s ServerSession) (tokens [][]byte) {
	var in []byte
	for range 10 {
		out, clientDone, err := c.Step(testNow, in)
		require.NoError(t, err)
		tokens = append(tokens, bytes.Clone(out))
		require.Empty(t, s.Principal(), "no principal before the acceptor is satisfied")
		reply, serverDone, err := s.Step(testNow, out)
		require.NoError(t, err)
		if serverDone {
			require.True(t, clientDone, "the acceptor is satisfied only after the initiator")
			require.Empty(t, reply)
			return tokens
		}
		tokens = append(tokens, bytes.Clone(reply))
		in = reply
	}
	require.Fail(t, "negotiation does not end")
	return nil
}

func TestNegotiationRounds(t *testing.T) {
	for _, tc := range []struct {
		name          string
		pairs, tokens int
	}{
		{"default is four pairs", 0, 3},
		{"four pairs", 4, 3},
		{"five pairs", 5, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := TestConfig{Secret: []byte("s"), Principal: "p/host@REALM", Pairs: tc.pairs}
			// The initiator's own Pairs says nothing: the acceptor decides.
			c, s := newEnds(t, TestConfig{Secret: []byte("s"), Principal: "p/host@REALM"}, cfg, "h", "h", &counter{})
			tokens := transcript(t, c, s)
			// LIST and SELECT are two more pairs; a pair is a client's token and its answer.
			assert.Len(t, tokens, tc.tokens)
			assert.Equal(t, "p/host@REALM", s.Principal())
			if tc.pairs == 5 {
				assert.Empty(t, tokens[1], "the first challenge is empty")
				assert.Empty(t, tokens[2], "and so is its response")
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	m := NewTest(TestConfig{Secret: []byte("s")})
	assert.Equal(t, "PEGASUS-TEST", m.Name())
	assert.Equal(t, "GSSAPI", NewTest(TestConfig{Name: "GSSAPI"}).Name())
	c, s := newEnds(t, TestConfig{Secret: []byte("s")}, TestConfig{Secret: []byte("s")}, "any", "", &counter{})
	transcript(t, c, s)
	assert.Equal(t, "test", s.Principal())
}

func TestBadConfiguration(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, tc := range []struct {
		name   string
		cfg    TestConfig
		host   string
		random io.Reader
		want   error
	}{
		{"no secret", TestConfig{}, "h", &counter{}, ErrTestConfig},
		{"three pairs", TestConfig{Secret: []byte("s"), Pairs: 3}, "h", &counter{}, ErrTestConfig},
		{"six pairs", TestConfig{Secret: []byte("s"), Pairs: 6}, "h", &counter{}, ErrTestConfig},
		{"long principal", TestConfig{Secret: []byte("s"), Principal: long}, "h", &counter{}, ErrTestConfig},
		{"long host", TestConfig{Secret: []byte("s")}, long, &counter{}, ErrTestConfig},
		{"no randomness", TestConfig{Secret: []byte("s")}, "h", nil, ErrTestConfig},
		{"randomness ends", TestConfig{Secret: []byte("s")}, "h", strings.NewReader("short"), io.ErrUnexpectedEOF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := NewTest(tc.cfg).Client(ClientConfig{Host: tc.host, Random: tc.random})
			assert.ErrorIs(t, err, tc.want)
			if r, ok := tc.random.(*strings.Reader); ok {
				_, err = r.Seek(0, io.SeekStart)
				require.NoError(t, err)
			}
			_, err = NewTest(tc.cfg).Server(ServerConfig{Host: tc.host, Random: tc.random})
			assert.ErrorIs(t, err, tc.want)
		})
	}
}

func TestRefusals(t *testing.T) {
	good := TestConfig{Secret: []byte("right")}
	bad := TestConfig{Secret: []byte("wrong")}

	t.Run("server without the secret is refused by the client", func(t *testing.T) {
		c, s := newEnds(t, good, bad, "h", "h", &counter{})
		out, _, err := c.Step(testNow, nil)
		require.NoError(t, err)
		offer, _, err := s.Step(testNow, out)
		require.NoError(t, err)
		_, done, err := c.Step(testNow, offer)
		assert.ErrorIs(t, err, ErrTestProof)
		assert.False(t, done)
		_, _, err = c.Step(testNow, offer)
		assert.ErrorIs(t, err, ErrTestToken, "a failed end stays failed")
	})
	t.Run("client without the secret is refused by the server", func(t *testing.T) {
		_, s := newEnds(t, bad, good, "h", "h", &counter{})
		_, _, err := s.Step(testNow, appendInitiate(nil, testInitiate{host: "h", principal: "p"}))
		require.NoError(t, err)
		_, done, err := s.Step(testNow, appendResponse(nil, testProof{1}))
		assert.ErrorIs(t, err, ErrTestProof)
		assert.False(t, done)
		assert.Empty(t, s.Principal())
	})
	t.Run("another host", func(t *testing.T) {
		c, s := newEnds(t, good, good, "meta", "replica", &counter{})
		out, _, err := c.Step(testNow, nil)
		require.NoError(t, err)
		_, _, err = s.Step(testNow, out)
		assert.ErrorIs(t, err, ErrTestHost)
	})
	t.Run("second empty challenge", func(t *testing.T) {
		c, _ := newEnds(t, good, good, "h", "h", &counter{})
		for range 2 {
			_, _, err := c.Step(testNow, nil)
			require.NoError(t, err)
		}
		_, _, err := c.Step(testNow, nil)
		assert.ErrorIs(t, err, ErrTestToken)
	})
	t.Run("token after the end", func(t *testing.T) {
		c, s := newEnds(t, good, good, "h", "h", &counter{})
		tokens := transcript(t, c, s)
		_, _, err := s.Step(testNow, tokens[2])
		assert.ErrorIs(t, err, ErrTestToken)
		_, _, err = c.Step(testNow, tokens[1])
		assert.ErrorIs(t, err, ErrTestToken)
	})
}

// What is no token is refused as that, whichever end takes it, and an end that refused it has
// failed for good.
func TestTokensThatAreNone(t *testing.T) {
	cfg := TestConfig{Secret: []byte("s"), Principal: "p"}
	nonce := make([]byte, testNonceBytes)
	initiate := appendInitiate(nil, testInitiate{host: "h", principal: "p"})
	bad := map[string][]byte{
		"a version alone":       {testVersion},
		"another version":       append([]byte{testVersion + 1}, initiate[1:]...),
		"another kind":          append([]byte{testVersion, '?'}, initiate[2:]...),
		"more than it":          append(bytes.Clone(initiate), 0),
		"no principal":          append(append([]byte{testVersion, kindInitiate}, nonce...), 1, 'h', 0),
		"ends inside the nonce": initiate[:10],
		"ends inside the host":  initiate[:2+testNonceBytes+1],
		"ends inside principal": initiate[:len(initiate)-1],
	}
	for name, token := range bad {
		_, s := newEnds(t, cfg, cfg, "h", "h", &counter{})
		_, done, err := s.Step(testNow, token)
		require.ErrorIs(t, err, ErrTestToken, name)
		require.False(t, done)
		_, _, err = s.Step(testNow, initiate)
		require.ErrorIs(t, err, ErrTestToken, "%s: a failed end stays failed", name)
		require.Empty(t, s.Principal())
	}
	for name, response := range map[string][]byte{
		"nothing": nil, "two bytes": {testVersion, kindResponse}, "another kind": append([]byte{testVersion, kindOffer}, make([]byte, 32)...),
		"more than it": append(appendResponse(nil, testProof{}), 0),
	} {
		_, s := newEnds(t, cfg, cfg, "h", "h", &counter{})
		_, _, err := s.Step(testNow, initiate)
		require.NoError(t, err)
		_, done, err := s.Step(testNow, response)
		require.ErrorIs(t, err, ErrTestToken, name)
		require.NotErrorIs(t, err, ErrTestProof, name)
		require.False(t, done)
	}
}

// What both ends prove is proved for one host and one principal.
func TestProofsCoverHostAndPrincipal(t *testing.T) {
	proof := func(host, principal string) testProof {
		e := testEnd{mechanism: &testMechanism{secret: []byte("s")}, host: host, principal: principal}
		return e.proof(kindOffer)
	}
	seen := map[testProof]string{}
	for _, pair := range [][2]string{{"h", "p"}, {"h", "q"}, {"g", "p"}, {"hp", ""}, {"", "hp"}, {"", ""}} {
		p := proof(pair[0], pair[1])
		require.Empty(t, seen[p], "%q has the proof of %q", pair, seen[p])
		seen[p] = pair[0] + "/" + pair[1] + "."
	}
}

// Ends of which one is further, or that negotiate for another host or with another nonce, are
// in other states.
func TestStatesOfEndsDiffer(t *testing.T) {
	cfg := TestConfig{Secret: []byte("s")}
	state := func(end any) string { return string(end.(Stateful).AppendState(nil)) }
	seen := map[string]string{}
	add := func(name, state string) {
		require.Empty(t, seen[state], "%s is in the state of %s", name, seen[state])
		seen[state] = name
	}
	c, s := newEnds(t, cfg, cfg, "h", "h", &counter{})
	add("client", state(c))
	out, _, err := c.Step(testNow, nil)
	require.NoError(t, err)
	add("client that has begun", state(c))
	add("server", state(s))
	_, _, err = s.Step(testNow, out)
	require.NoError(t, err)
	add("server that has offered", state(s))
	_, _, err = s.Step(testNow, []byte("?"))
	require.Error(t, err)
	add("server that has failed", state(s))
	other, _ := newEnds(t, cfg, cfg, "g", "g", &counter{})
	add("client of another host", state(other))
}

// A token of an earlier connection never fits a later one, whichever end it is given to.
func TestStaleTokensAreRefused(t *testing.T) {
	random := &counter{}
	cfg := TestConfig{Secret: []byte("s")}
	c, s := newEnds(t, cfg, cfg, "h", "h", random)
	old := transcript(t, c, s)

	c, s = newEnds(t, cfg, cfg, "h", "h", random)
	initiate, _, err := c.Step(testNow, nil)
	require.NoError(t, err)
	assert.NotEqual(t, old[0], initiate)
	_, _, err = s.Step(testNow, initiate)
	require.NoError(t, err)

	_, done, err := c.Step(testNow, old[1])
	assert.ErrorIs(t, err, ErrTestProof, "stale offer")
	assert.False(t, done)
	_, done, err = s.Step(testNow, old[2])
	assert.ErrorIs(t, err, ErrTestProof, "stale response")
	assert.False(t, done)

	// A whole replay, stale initiate first, fails at the response: the acceptor's nonce is new.
	_, s = newEnds(t, cfg, cfg, "h", "h", random)
	_, _, err = s.Step(testNow, old[0])
	require.NoError(t, err)
	_, _, err = s.Step(testNow, old[2])
	assert.ErrorIs(t, err, ErrTestProof, "replayed dialogue")
}

// Any change of one byte of any token is noticed by the end that takes it, or, where it
// only names another principal or nonce, by the proof that follows.
func TestTamperedTokenNeverSucceeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := rapid.IntRange(4, 5).Draw(t, "pairs")
		cfg := TestConfig{Secret: []byte("s"), Principal: "alice", Pairs: pairs}
		c, s := newEnds(t, cfg, cfg, "host", "host", &counter{})
		round := rapid.IntRange(0, 2*(pairs-2)-2).Draw(t, "token")
		flip := byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		var in []byte
		for i := 0; ; i++ {
			out, done, err := c.Step(testNow, in)
			if i%2 == 1 {
				out, done, err = s.Step(testNow, in)
			}
			if err != nil {
				return
			}
			if i%2 == 1 && done {
				t.Fatalf("negotiation succeeded although token %d was changed", round)
			}
			in = bytes.Clone(out)
			if i == round {
				if len(in) == 0 {
					in = []byte{flip}
				} else {
					in[rapid.IntRange(0, len(in)-1).Draw(t, "at")] ^= flip
				}
			}
		}
	})
}

func TestCloneAndState(t *testing.T) {
	cfg := TestConfig{Secret: []byte("s"), Pairs: 5}
	c, s := newEnds(t, cfg, cfg, "h", "h", &counter{})
	var in []byte
	for {
		c2, s2 := c.(Stateful).Clone(), s.(Stateful).Clone().(ServerSession)
		assert.Equal(t, c.(Stateful).AppendState(nil), c2.(Stateful).AppendState(nil))
		assert.Equal(t, s.(Stateful).AppendState(nil), s2.(Stateful).AppendState(nil))
		before := c.(Stateful).AppendState(nil)
		out, _, err := c.Step(testNow, in)
		require.NoError(t, err)
		assert.NotEqual(t, before, c.(Stateful).AppendState(nil), "a step changes the state")
		out2, _, err := c2.Step(testNow, in)
		require.NoError(t, err)
		assert.Equal(t, string(out), string(out2), "a clone answers alike")
		reply, done, err := s.Step(testNow, out)
		require.NoError(t, err)
		reply2, done2, err := s2.Step(testNow, out)
		require.NoError(t, err)
		assert.Equal(t, string(reply), string(reply2))
		assert.Equal(t, done, done2)
		if done {
			assert.Equal(t, s.Principal(), s2.Principal())
			return
		}
		in = bytes.Clone(reply)
	}
}

func FuzzAcceptor(f *testing.F) {
	cfg := TestConfig{Secret: []byte("s")}
	c, s := newEnds(f, cfg, cfg, "h", "h", &counter{})
	tokens := transcript(f, c, s)
	f.Add(tokens[0], tokens[2], false)
	f.Add(tokens[0], []byte{}, true)
	f.Add([]byte{testVersion, kindInitiate}, []byte{}, false)
	f.Fuzz(func(t *testing.T, first, second []byte, five bool) {
		cfg := TestConfig{Secret: []byte("not known to the corpus"), Pairs: 4}
		if five {
			cfg.Pairs = 5
		}
		s, err := NewTest(cfg).Server(ServerConfig{Random: &counter{}})
		require.NoError(t, err)
		for _, in := range [][]byte{first, second, second} {
			out, done, err := s.Step(testNow, in)
			requireTypedError(t, err)
			if done || len(out) > 2+testNonceBytes+len(testProof{}) {
				t.Fatalf("accepted without the secret, or answered %d bytes", len(out))
			}
		}
	})
}

func FuzzInitiator(f *testing.F) {
	cfg := TestConfig{Secret: []byte("s")}
	c, s := newEnds(f, cfg, cfg, "h", "h", &counter{})
	tokens := transcript(f, c, s)
	f.Add(tokens[1], []byte{})
	f.Add([]byte{}, tokens[1])
	f.Add([]byte{testVersion, kindOffer}, []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		cfg := TestConfig{Secret: []byte("not known to the corpus")}
		c, err := NewTest(cfg).Client(ClientConfig{Random: &counter{}})
		require.NoError(t, err)
		for _, in := range [][]byte{nil, first, second} {
			_, done, err := c.Step(testNow, in)
			requireTypedError(t, err)
			if done {
				t.Fatal("satisfied by a peer without the secret")
			}
		}
	})
}

func requireTypedError(t *testing.T, err error) {
	if err != nil && !errors.Is(err, ErrTestToken) && !errors.Is(err, ErrTestProof) && !errors.Is(err, ErrTestHost) {
		t.Fatalf("error without a type: %v", err)
	}
}

func BenchmarkNegotiation(b *testing.B) {
	m := NewTest(TestConfig{Secret: []byte("s")})
	random := &counter{}
	b.ReportAllocs()
	for b.Loop() {
		c, _ := m.Client(ClientConfig{Host: "h", Random: random})
		s, _ := m.Server(ServerConfig{Host: "h", Random: random})
		out, _, _ := c.Step(testNow, nil)
		out, _, _ = s.Step(testNow, out)
		out, _, _ = c.Step(testNow, out)
		if _, done, err := s.Step(testNow, out); !done || err != nil {
			b.Fatal("negotiation failed")
		}
	}
}
