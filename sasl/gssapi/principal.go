// Principals: names of components and a realm, and how they are written.

package gssapi

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Name types of RFC 4120 section 6.2. They say nothing about whether names are equal.
const (
	nameTypePrincipal   = 1
	nameTypeService     = 2
	nameTypeServiceHost = 3
)

// Limits of what is read from anywhere. Kerberos has none; every real name is far below.
const (
	maxComponents     = 8
	maxPrincipalBytes = 1024
)

// Principal is a Kerberos name: components and a realm, unescaped.
type Principal struct {
	Components []string
	Realm      string
}

// ServicePrincipal is service/host@realm.
func ServicePrincipal(service, host, realm string) Principal {
	return Principal{Components: []string{service, host}, Realm: realm}
}

// ParsePrincipal reads what Principal.String writes: component/component@REALM, with a
// backslash before a slash, an at sign or a backslash that belongs to a name. A realm is
// required. Errors: ErrFormat.
func ParsePrincipal(text string) (Principal, error) {
	var p Principal
	var part strings.Builder
	inRealm := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			part.WriteByte(text[i])
		case c == '/' && !inRealm:
			p.Components = append(p.Components, part.String())
			part.Reset()
		case c == '@' && !inRealm:
			inRealm = true
			p.Components = append(p.Components, part.String())
			part.Reset()
		case c == '@':
			return Principal{}, fmt.Errorf("%w: %q is no principal: two realms", ErrFormat, text)
		default:
			part.WriteByte(c)
		}
	}
	p.Realm = part.String()
	if !inRealm || !p.valid() {
		return Principal{}, fmt.Errorf("%w: %q is no principal; write name@REALM or service/host@REALM", ErrFormat, text)
	}
	return p, nil
}

// String writes the principal as MIT does, so that two principals never look alike.
func (p Principal) String() string {
	b := appendComponents(make([]byte, 0, 64), p.Components)
	b = append(b, '@')
	return string(appendEscaped(b, p.Realm))
}

// local is the principal without its realm, as it is known within it.
func (p Principal) local() string { return string(appendComponents(nil, p.Components)) }

func appendComponents(dst []byte, components []string) []byte {
	for i, c := range components {
		if i > 0 {
			dst = append(dst, '/')
		}
		dst = appendEscaped(dst, c)
	}
	return dst
}

func appendEscaped(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; c {
		case '/', '@', '\\':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// Equal says whether both are the same name in the same realm.
func (p Principal) Equal(q Principal) bool {
	return p.Realm == q.Realm && slices.Equal(p.Components, q.Components)
}

// valid says whether the principal is within the limits and has only what can be shown.
func (p Principal) valid() bool {
	if len(p.Components) == 0 || len(p.Components) > maxComponents || !validComponent(p.Realm) {
		return false
	}
	total := len(p.Realm)
	for _, c := range p.Components {
		total += len(c)
		if !validComponent(c) {
			return false
		}
	}
	return total <= maxPrincipalBytes
}

// validComponent refuses the empty, the endless, and control characters, which have no
// business in a name and would spoil a log.
func validComponent(c string) bool {
	if c == "" || len(c) > maxPrincipalBytes || !utf8.ValidString(c) {
		return false
	}
	for i := range len(c) {
		if c[i] < 0x20 || c[i] == 0x7f {
			return false
		}
	}
	return true
}
