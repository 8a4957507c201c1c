// Keys, which can be used and not be shown.

package gssapi

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/jcmturner/gokrb5/v8/crypto"
)

// Key is an encryption key. Whatever formats or encodes it sees its type only.
type Key struct {
	etype int32
	value []byte
}

// NewKey copies value, which must have the length of the type. Errors: ErrEType.
func NewKey(etype int32, value []byte) (Key, error) {
	k := Key{etype: etype, value: bytes.Clone(value)}
	if _, _, err := k.engine(); err != nil {
		return Key{}, err
	}
	return k, nil
}

// KeyFromPassword derives the key of a principal with the default salt and iterations of
// the type. It is slow by intention: about a millisecond. Errors: ErrEType.
func KeyFromPassword(etype int32, password string, p Principal) (Key, error) {
	if _, err := suiteOf(etype); err != nil {
		return Key{}, err
	}
	e, err := crypto.GetEtype(etype)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrEType, err)
	}
	value, err := e.StringToKey(password, defaultSalt(p), e.GetDefaultStringToKeyParams())
	if err != nil {
		return Key{}, fmt.Errorf("derive a key of type %d for %s: %w", etype, p, err)
	}
	defer clear(value)
	return NewKey(etype, value)
}

// defaultSalt is the realm and the components without separators: RFC 4120 section 4.
func defaultSalt(p Principal) string { return p.Realm + strings.Join(p.Components, "") }

// EType is the key's encryption type.
func (k Key) EType() int32 { return k.etype }

// Bytes returns a copy of the key itself, for whoever writes a keytab or asks a KDC.
func (k Key) Bytes() []byte { return bytes.Clone(k.value) }

// Equal says whether both are the same key, in constant time for keys of one type.
func (k Key) Equal(other Key) bool {
	return k.etype == other.etype && subtle.ConstantTimeCompare(k.value, other.value) == 1
}

// String implements fmt.Stringer without the key.
func (k Key) String() string { return fmt.Sprintf("key of type %d (not shown)", k.etype) }

// Format implements fmt.Formatter, so that no verb shows the key.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// isSet says whether there is a key.
func (k Key) isSet() bool { return len(k.value) > 0 }

// wipe overwrites the key where it stands. Copies that the library made are out of reach.
func (k *Key) wipe() {
	clear(k.value)
	*k = Key{}
}

// clone copies the key, so that wiping one leaves the other.
func (k Key) clone() Key { return Key{etype: k.etype, value: bytes.Clone(k.value)} }
