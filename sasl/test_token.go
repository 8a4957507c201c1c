// Tokens of the test mechanism, as bytes: version, kind, and what the kind carries.

package sasl

import (
	"crypto/sha256"
	"fmt"
)

const (
	testVersion  = 1
	kindInitiate = 'I' // nonce, length and bytes of the host, length and bytes of the principal
	kindOffer    = 'O' // nonce, proof
	kindResponse = 'R' // proof

	testNonceBytes = 16
)

type (
	testNonce [testNonceBytes]byte
	testProof [sha256.Size]byte
)

// testInitiate is the content of an initiate token.
type testInitiate struct {
	nonce     testNonce
	host      string
	principal string
}

func appendInitiate(dst []byte, t testInitiate) []byte {
	dst = append(dst, testVersion, kindInitiate)
	dst = append(dst, t.nonce[:]...)
	dst = append(append(dst, byte(len(t.host))), t.host...)
	return append(append(dst, byte(len(t.principal))), t.principal...)
}

func parseInitiate(b []byte) (t testInitiate, err error) {
	b, err = tokenBody(b, kindInitiate)
	if err != nil {
		return t, err
	}
	if len(b) < testNonceBytes {
		return t, fmt.Errorf("%w: initiate of %d bytes ends inside its nonce", ErrTestToken, len(b))
	}
	copy(t.nonce[:], b)
	b = b[testNonceBytes:]
	host, b, ok := shortText(b)
	if !ok {
		return t, fmt.Errorf("%w: initiate ends inside its host", ErrTestToken)
	}
	principal, b, ok := shortText(b)
	if !ok {
		return t, fmt.Errorf("%w: initiate ends inside its principal", ErrTestToken)
	}
	switch {
	case len(b) != 0:
		return t, fmt.Errorf("%w: %d bytes follow the initiate token", ErrTestToken, len(b))
	case len(principal) == 0:
		return t, fmt.Errorf("%w: initiate without a principal", ErrTestToken)
	}
	t.host, t.principal = string(host), string(principal)
	return t, nil
}

func appendOffer(dst []byte, nonce testNonce, proof testProof) []byte {
	dst = append(dst, testVersion, kindOffer)
	dst = append(dst, nonce[:]...)
	return append(dst, proof[:]...)
}

func parseOffer(b []byte) (nonce testNonce, proof testProof, err error) {
	if b, err = tokenBody(b, kindOffer); err != nil {
		return nonce, proof, err
	}
	if len(b) != len(nonce)+len(proof) {
		return nonce, proof, fmt.Errorf("%w: offer of %d bytes", ErrTestToken, len(b))
	}
	copy(nonce[:], b)
	copy(proof[:], b[len(nonce):])
	return nonce, proof, nil
}

func appendResponse(dst []byte, proof testProof) []byte {
	dst = append(dst, testVersion, kindResponse)
	return append(dst, proof[:]...)
}

func parseResponse(b []byte) (proof testProof, err error) {
	if b, err = tokenBody(b, kindResponse); err != nil {
		return proof, err
	}
	if len(b) != len(proof) {
		return proof, fmt.Errorf("%w: response of %d bytes", ErrTestToken, len(b))
	}
	copy(proof[:], b)
	return proof, nil
}

// tokenBody checks version and kind and returns what follows.
func tokenBody(b []byte, kind byte) ([]byte, error) {
	switch {
	case len(b) < 2:
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrTestToken, len(b))
	case b[0] != testVersion:
		return nil, fmt.Errorf("%w: version %d; this end speaks %d", ErrTestToken, b[0], testVersion)
	case b[1] != kind:
		return nil, fmt.Errorf("%w: kind %q where %q is due", ErrTestToken, b[1], kind)
	}
	return b[2:], nil
}

// shortText takes a length byte and that many bytes.
func shortText(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}
