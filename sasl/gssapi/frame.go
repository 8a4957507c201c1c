// The frame around the tokens that set a context up: RFC 2743 section 3.1 and RFC 4121
// section 4.1. Wrap tokens have none.

package gssapi

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Token identifiers of RFC 4121 section 4.1.
const (
	tokenAPReq    = 0x0100
	tokenAPRep    = 0x0200
	tokenKRBError = 0x0300
)

// Mechanism identifiers as DER.
const (
	oidKerberos = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
	oidSPNEGO   = "\x2b\x06\x01\x05\x05\x02"
)

// appendFrame appends the frame of inner.
func appendFrame(dst []byte, id uint16, inner []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(dst)
	b.AddASN1(applicationTag(0), func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oidKerberos)) })
		b.AddUint16(id)
		b.AddBytes(inner)
	})
	return b.Bytes()
}

// openFrame returns which token it is and what it holds.
func openFrame(token []byte) (id uint16, inner []byte, err error) {
	s := cryptobyte.String(token)
	var body, oid cryptobyte.String
	switch {
	case !s.ReadASN1(&body, applicationTag(0)) || !s.Empty():
		return 0, nil, fmt.Errorf("%w: %d bytes that are not in a GSS-API frame", ErrToken, len(token))
	case !body.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER):
		return 0, nil, fmt.Errorf("%w: the GSS-API frame names no mechanism", ErrToken)
	case string(oid) == oidSPNEGO:
		return 0, nil, fmt.Errorf("%w: SPNEGO where Kerberos itself is due: have the peer use the mechanism 1.2.840.113554.1.2.2", ErrToken)
	case string(oid) != oidKerberos:
		return 0, nil, fmt.Errorf("%w: GSS-API mechanism %s (DER) is not Kerberos", ErrToken, hex.EncodeToString(oid[:min(len(oid), 16)]))
	case !body.ReadUint16(&id):
		return 0, nil, fmt.Errorf("%w: the GSS-API frame is empty", ErrToken)
	}
	return id, body, nil
}
