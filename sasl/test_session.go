// The two ends of the test mechanism.
//
//	initiator                      acceptor
//	initiate: nonce, host, name ->
//	                            <- (five pairs: an empty challenge)
//	(an empty response)         ->
//	                            <- offer: nonce, proof
//	response: proof             ->
//	                               satisfied
//
// A proof is an HMAC over both nonces, so a token of an earlier connection never fits.

package sasl

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"time"
)

// testState is what an end waits for.
type testState uint8

const (
	testBegin    testState = iota // initiator: to be started; acceptor: the initiate token
	testWaiting                   // initiator: the offer, or an empty challenge; acceptor: the empty response
	testOffer                     // initiator: the offer, after an empty challenge; acceptor: the response to its offer
	testFinished                  // nothing more is due
	testFailed
)

// testEnd is what both ends know.
type testEnd struct {
	mechanism   *testMechanism
	state       testState
	host        string
	principal   string
	clientNonce testNonce
	serverNonce testNonce
	mac         hash.Hash // made at first use; holds nothing between uses
	out         []byte    // the last token; made again by the next Step
}

// proof returns what kind's token has to carry in this negotiation.
func (e *testEnd) proof(kind byte) (p testProof) {
	if e.mac == nil {
		e.mac = hmac.New(sha256.New, e.mechanism.secret)
	}
	e.mac.Reset()
	e.out = append(e.out[:0], kind, byte(len(e.host)), byte(len(e.principal)))
	e.out = append(e.out, e.clientNonce[:]...)
	e.out = append(e.out, e.serverNonce[:]...)
	e.out = append(e.out, e.host...)
	e.out = append(e.out, e.principal...)
	e.mac.Write(e.out)
	e.mac.Sum(p[:0])
	return p
}

func (e *testEnd) fail(what string, err error) ([]byte, bool, error) {
	e.state = testFailed
	return nil, false, fmt.Errorf("%s: %w", what, err)
}

// clone shares the mechanism, which nobody writes, and neither scratch nor token.
func (e *testEnd) clone() testEnd {
	c := *e
	c.mac, c.out = nil, nil
	return c
}

// appendState appends all that this end's future depends on.
func (e *testEnd) appendState(dst []byte) []byte {
	dst = append(dst, byte(e.state), byte(len(e.host)), byte(len(e.principal)))
	dst = append(dst, e.clientNonce[:]...)
	dst = append(dst, e.serverNonce[:]...)
	dst = append(dst, e.host...)
	return append(dst, e.principal...)
}

// testClient implements Session and Stateful.
type testClient struct{ end testEnd }

// Step implements Session. The token is valid until the next call.
func (c *testClient) Step(_ time.Time, in []byte) (out []byte, done bool, err error) {
	e := &c.end
	switch {
	case e.state == testBegin && len(in) == 0:
		e.state = testWaiting
		e.out = appendInitiate(e.out[:0], testInitiate{nonce: e.clientNonce, host: e.host, principal: e.principal})
		return e.out, false, nil
	case e.state == testWaiting && len(in) == 0:
		e.state = testOffer
		return e.out[:0], false, nil
	case e.state != testWaiting && e.state != testOffer:
		return e.fail("initiator", fmt.Errorf("%w: none was due", ErrTestToken))
	}
	var want testProof
	if e.serverNonce, want, err = parseOffer(in); err != nil {
		return e.fail("initiator", err)
	}
	if got := e.proof(kindOffer); !hmac.Equal(got[:], want[:]) {
		return e.fail("initiator, offer", ErrTestProof)
	}
	e.state = testFinished
	p := e.proof(kindResponse)
	e.out = appendResponse(e.out[:0], p)
	return e.out, true, nil
}

// Clone implements Stateful.
func (c *testClient) Clone() Session { return &testClient{end: c.end.clone()} }

// AppendState implements Stateful.
func (c *testClient) AppendState(dst []byte) []byte { return c.end.appendState(dst) }

// testServer implements ServerSession and Stateful.
type testServer struct{ end testEnd }

// Step implements Session. The token is valid until the next call.
func (s *testServer) Step(_ time.Time, in []byte) (out []byte, done bool, err error) {
	e := &s.end
	switch {
	case e.state == testBegin:
		if err := s.take(in); err != nil {
			return e.fail("acceptor", err)
		}
		if e.mechanism.emptyFirst {
			e.state = testWaiting
			return e.out[:0], false, nil
		}
		return s.offer(), false, nil
	case e.state == testWaiting && len(in) == 0:
		return s.offer(), false, nil
	case e.state != testOffer:
		return e.fail("acceptor", fmt.Errorf("%w: another was due", ErrTestToken))
	}
	got, err := parseResponse(in)
	if err != nil {
		return e.fail("acceptor", err)
	}
	if want := e.proof(kindResponse); !hmac.Equal(got[:], want[:]) {
		return e.fail("acceptor, response", ErrTestProof)
	}
	e.state = testFinished
	return nil, true, nil
}

// take reads the initiator's first token.
func (s *testServer) take(in []byte) error {
	t, err := parseInitiate(in)
	if err != nil {
		return err
	}
	if s.end.host != "" && s.end.host != t.host {
		return fmt.Errorf("%w than this acceptor's", ErrTestHost)
	}
	s.end.host, s.end.principal, s.end.clientNonce = t.host, t.principal, t.nonce
	return nil
}

func (s *testServer) offer() []byte {
	e := &s.end
	e.state = testOffer
	p := e.proof(kindOffer)
	e.out = appendOffer(e.out[:0], e.serverNonce, p)
	return e.out
}

// Principal implements ServerSession: empty until Step returned done.
func (s *testServer) Principal() string {
	if s.end.state != testFinished {
		return ""
	}
	return s.end.principal
}

// Clone implements Stateful.
func (s *testServer) Clone() Session { return &testServer{end: s.end.clone()} }

// AppendState implements Stateful.
func (s *testServer) AppendState(dst []byte) []byte { return s.end.appendState(dst) }
