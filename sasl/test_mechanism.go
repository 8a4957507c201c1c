// The deterministic mechanism for tests and simulation: who it is and what it is made of.

package sasl

import (
	"errors"
	"fmt"
	"io"
)

// TestName is the name of the test mechanism unless its configuration says otherwise.
const TestName = "PEGASUS-TEST"

// TestConfig describes a test mechanism. Both ends need the same Name and Secret.
type TestConfig struct {
	// Name is what travels in LIST_MECHANISMS; default TestName. "GSSAPI" is never a
	// default: it is for a peer that insists on that name.
	Name string
	// Principal is who the initiator says it is; default "test". At most 255 bytes.
	Principal string
	// Secret is what both ends prove to each other that they have. It must not be empty.
	Secret []byte
	// Pairs is the number of request/response pairs of a whole negotiation, LIST and
	// SELECT included: 4 (default), or 5, where the acceptor's first challenge is empty,
	// as a GSSAPI acceptor's is that does not offer its layers at once. The acceptor
	// decides; an initiator takes either.
	Pairs int
}

// Errors of the test mechanism, for errors.Is.
var (
	// ErrTestConfig refuses a TestConfig or a Host that cannot work.
	ErrTestConfig = errors.New("sasl test mechanism: bad configuration")
	// ErrTestToken refuses bytes that are no token, or not the one that comes next.
	ErrTestToken = errors.New("sasl test mechanism: unacceptable token")
	// ErrTestProof refuses a token that the peer could not make with the secret and the
	// nonces of this negotiation: another secret, or a token of an earlier connection.
	ErrTestProof = errors.New("sasl test mechanism: proof does not hold for this negotiation")
	// ErrTestHost refuses an initiator that means another server.
	ErrTestHost = errors.New("sasl test mechanism: initiator means another host")
)

const (
	testDefaultPrincipal = "test"
	testMinPairs         = 4
	testMaxPairs         = 5
	testMaxText          = 255 // bytes of a principal or host: one length byte
)

// testMechanism implements Mechanism. Nothing writes it after NewTest.
type testMechanism struct {
	name       string
	principal  string
	secret     []byte
	emptyFirst bool
	err        error // of the configuration; every end's start returns it
}

// NewTest makes a test mechanism: a challenge and response of HMAC-SHA256 over a nonce of
// each end, with the rounds of GSSAPI. It authenticates whoever has the secret, and is no
// protection for anything real: principals are taken on the initiator's word.
// A bad configuration is reported, as ErrTestConfig, by Client and Server.
func NewTest(cfg TestConfig) Mechanism {
	m := &testMechanism{name: cfg.Name, principal: cfg.Principal, secret: append([]byte(nil), cfg.Secret...)}
	if m.name == "" {
		m.name = TestName
	}
	if m.principal == "" {
		m.principal = testDefaultPrincipal
	}
	if cfg.Pairs == 0 {
		cfg.Pairs = testMinPairs
	}
	m.emptyFirst = cfg.Pairs == testMaxPairs
	switch {
	case len(m.secret) == 0:
		m.err = fmt.Errorf("%w: the secret is empty; both ends need the same", ErrTestConfig)
	case cfg.Pairs < testMinPairs || cfg.Pairs > testMaxPairs:
		m.err = fmt.Errorf("%w: %d request/response pairs; choose 4 or 5", ErrTestConfig, cfg.Pairs)
	case len(m.principal) > testMaxText:
		m.err = fmt.Errorf("%w: the principal has %d bytes; at most %d", ErrTestConfig, len(m.principal), testMaxText)
	}
	return m
}

// Name implements Mechanism.
func (m *testMechanism) Name() string { return m.name }

// Client implements Mechanism. It takes its nonce from cfg.Random now.
func (m *testMechanism) Client(cfg ClientConfig) (Session, error) {
	s := &testClient{end: testEnd{mechanism: m, host: cfg.Host, principal: m.principal}}
	if err := m.begin(&s.end.clientNonce, cfg.Host, cfg.Random); err != nil {
		return nil, fmt.Errorf("start initiator: %w", err)
	}
	return s, nil
}

// Server implements Mechanism. It takes its nonce from cfg.Random now. Where cfg.Host is
// empty, an initiator may mean any host.
func (m *testMechanism) Server(cfg ServerConfig) (ServerSession, error) {
	s := &testServer{end: testEnd{mechanism: m, host: cfg.Host}}
	if err := m.begin(&s.end.serverNonce, cfg.Host, cfg.Random); err != nil {
		return nil, fmt.Errorf("start acceptor: %w", err)
	}
	return s, nil
}

// begin checks what an end is started with and draws its nonce.
func (m *testMechanism) begin(nonce *testNonce, host string, random io.Reader) error {
	switch {
	case m.err != nil:
		return m.err
	case len(host) > testMaxText:
		return fmt.Errorf("%w: the host has %d bytes; at most %d", ErrTestConfig, len(host), testMaxText)
	case random == nil:
		return fmt.Errorf("%w: no source of randomness; a nonce is needed", ErrTestConfig)
	}
	if _, err := io.ReadFull(random, nonce[:]); err != nil {
		return fmt.Errorf("draw a nonce: %w", err)
	}
	return nil
}
