// Encryption, decryption and checksums over gokrb5's encryption types, with the confounder
// from outside and every length checked before the library sees it: it slices a ciphertext
// without looking, so one shorter than its MAC would end the process.

package gssapi

import (
	"fmt"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/common"
	"github.com/jcmturner/gokrb5/v8/crypto/etype"
)

// Encryption types of RFC 3962 and RFC 8009.
const (
	ETypeAES128SHA1   int32 = 17 // aes128-cts-hmac-sha1-96
	ETypeAES256SHA1   int32 = 18 // aes256-cts-hmac-sha1-96
	ETypeAES128SHA256 int32 = 19 // aes128-cts-hmac-sha256-128
	ETypeAES256SHA384 int32 = 20 // aes256-cts-hmac-sha384-192
)

// Key usage numbers: RFC 4120 section 7.5.1, RFC 4121 section 2.
const (
	usageTimestamp    = 1
	usageTicket       = 2
	usageInitialReply = 3

	usageRequestChecksum      = 6
	usageRequestAuthenticator = 7
	usageGrantingReply        = 8

	usageAuthenticator = 11
	usageAPRep         = 12
	usageAcceptorSeal  = 22
	usageInitiatorSeal = 24
)

const (
	confounderBytes = 16
	maxKeyBytes     = 32
)

// suite is what has to be known of an encryption type. The library's own key size is not
// used: for type 20 it is that of the integrity key, 24 bytes, not of the key.
type suite struct {
	keyBytes int
	macBytes int
	overIV   bool // the MAC covers a zero IV and the ciphertext (RFC 8009), not the plaintext
}

func suiteOf(id int32) (suite, error) {
	switch id {
	case ETypeAES128SHA1:
		return suite{keyBytes: 16, macBytes: 12}, nil
	case ETypeAES256SHA1:
		return suite{keyBytes: 32, macBytes: 12}, nil
	case ETypeAES128SHA256:
		return suite{keyBytes: 16, macBytes: 16, overIV: true}, nil
	case ETypeAES256SHA384:
		return suite{keyBytes: 32, macBytes: 24, overIV: true}, nil
	}
	return suite{}, fmt.Errorf("%w: type %d; 17, 18, 19 and 20 are (permitted_enctypes, default_tkt_enctypes and the service's keys decide)", ErrEType, id)
}

// engine is the library's half and ours of the key's encryption type.
func (k Key) engine() (etype.EType, suite, error) {
	s, err := suiteOf(k.etype)
	if err != nil {
		return nil, s, err
	}
	if len(k.value) != s.keyBytes {
		return nil, s, fmt.Errorf("%w: a key of type %d has %d bytes, not %d", ErrEType, k.etype, s.keyBytes, len(k.value))
	}
	e, err := crypto.GetEtype(k.etype)
	if err != nil {
		return nil, s, fmt.Errorf("%w: %w", ErrEType, err)
	}
	return e, s, nil
}

// encrypt is the encryption of RFC 3961 section 5.3 or RFC 8009 section 5 with the given
// confounder.
func (k Key) encrypt(usage uint32, confounder *[confounderBytes]byte, plain []byte) ([]byte, error) {
	e, s, err := k.engine()
	if err != nil {
		return nil, err
	}
	text := make([]byte, 0, confounderBytes+len(plain))
	text = append(append(text, confounder[:]...), plain...)
	defer clear(text)
	ke, err := e.DeriveKey(k.value, common.GetUsageKe(usage))
	if err != nil {
		return nil, fmt.Errorf("derive an encryption key: %w", err)
	}
	defer clear(ke)
	_, sealed, err := e.EncryptData(ke, text)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	covered := text
	if s.overIV {
		covered = make([]byte, confounderBytes, confounderBytes+len(sealed))
		covered = append(covered, sealed...)
	}
	mac, err := common.GetIntegrityHash(covered, k.value, usage, e)
	if err != nil {
		return nil, fmt.Errorf("protect what was encrypted: %w", err)
	}
	return append(sealed, mac...), nil
}

// decrypt returns the plaintext, or ErrIntegrity.
func (k Key) decrypt(usage uint32, sealed []byte) ([]byte, error) {
	e, s, err := k.engine()
	if err != nil {
		return nil, err
	}
	if len(sealed) < confounderBytes+s.macBytes {
		return nil, fmt.Errorf("%w: ciphertext of %d bytes; type %d has at least %d", ErrToken, len(sealed), k.etype, confounderBytes+s.macBytes)
	}
	plain, err := e.DecryptMessage(k.value, sealed, usage)
	if err != nil {
		return nil, ErrIntegrity
	}
	return plain, nil
}

// checksum is the keyed checksum that belongs to the encryption type.
func (k Key) checksum(usage uint32, data []byte) ([]byte, error) {
	e, _, err := k.engine()
	if err != nil {
		return nil, err
	}
	return e.GetChecksumHash(k.value, data, usage)
}

// verify compares in constant time.
func (k Key) verify(usage uint32, data, mac []byte) error {
	e, _, err := k.engine()
	if err != nil {
		return err
	}
	if !e.VerifyChecksum(k.value, data, mac, usage) {
		return ErrIntegrity
	}
	return nil
}
