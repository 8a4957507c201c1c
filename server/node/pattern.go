// Patterns of principals: what an operator writes to say whom is meant.
//
//	pattern   = "*" | name [ "@" part ]
//	name      = part *( "/" part )
//	part      = "*" | literal
//
// "*" alone is every principal. Elsewhere it stands for exactly one whole part, so
// "svc/*@EXAMPLE.ORG" is svc on any host, and neither svc itself nor svc/a/b. In a literal
// a backslash goes before a slash, an at sign, a backslash or a star that belongs to the
// name, as MIT writes names. Case counts. Without "@" only a principal without a realm is
// meant, which the test mechanism has and Kerberos has not.

package node

import (
	"fmt"
	"slices"
	"strings"
)

// Pattern is a set of principals. The zero Pattern has none.
type Pattern struct {
	text  string
	every bool
	parts []patternPart // of the name
	realm *patternPart  // nil: principals without a realm
}

type patternPart struct {
	any     bool
	literal string
}

// PatternError says what is wrong with a pattern.
type PatternError struct {
	Text string
	Why  string
}

// Error implements error.
func (e *PatternError) Error() string {
	return fmt.Sprintf("principal pattern %q: %s; write name@REALM, name/host@REALM, name/*@REALM or *", e.Text, e.Why)
}

// ParsePattern reads a pattern. Errors: *PatternError.
func ParsePattern(text string) (Pattern, error) {
	if text == "*" {
		return Pattern{text: text, every: true}, nil
	}
	name, realm, hasRealm, err := splitPrincipal(text)
	if err != "" {
		return Pattern{}, &PatternError{Text: text, Why: err}
	}
	p := Pattern{text: text}
	for _, raw := range name {
		part, why := parsePart(raw)
		if why != "" {
			return Pattern{}, &PatternError{Text: text, Why: why}
		}
		p.parts = append(p.parts, part)
	}
	if hasRealm {
		part, why := parsePart(realm)
		if why != "" {
			return Pattern{}, &PatternError{Text: text, Why: "realm: " + why}
		}
		p.realm = &part
	}
	return p, nil
}

func parsePart(raw string) (p patternPart, why string) {
	if raw == "*" {
		return patternPart{any: true}, ""
	}
	if raw == "" {
		return p, "a part is empty"
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '*':
			return p, "* stands for a whole part, not for some of its letters (\\* is a star)"
		case c == '\\': // splitPrincipal has seen that something follows
			i++
			b.WriteByte(raw[i])
		case c < 0x20 || c == 0x7f:
			return p, "it has a control character"
		default:
			b.WriteByte(c)
		}
	}
	return patternPart{literal: b.String()}, ""
}

// Matches says whether principal, as a mechanism writes it, is one of the set.
func (p Pattern) Matches(principal string) bool {
	if principal == "" || p.every {
		return p.every && principal != ""
	}
	name, realm, hasRealm, err := splitPrincipal(principal)
	if err != "" || hasRealm != (p.realm != nil) || len(name) != len(p.parts) {
		return false
	}
	for i, raw := range name {
		if !p.parts[i].is(raw) {
			return false
		}
	}
	return !hasRealm || p.realm.is(realm)
}

func (p patternPart) is(raw string) bool { return raw != "" && (p.any || unescape(raw) == p.literal) }

// String returns what was parsed.
func (p Pattern) String() string { return p.text }

// matchAny says whether one of list has the principal.
func matchAny(list []Pattern, principal string) bool {
	return slices.ContainsFunc(list, func(p Pattern) bool { return p.Matches(principal) })
}

// splitPrincipal cuts at the slashes and the at sign that no backslash stands before; the
// parts keep their backslashes. why is not empty where the text is no principal.
func splitPrincipal(text string) (name []string, realm string, hasRealm bool, why string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			if i++; i == len(text) {
				return nil, "", false, "it ends with a backslash"
			}
		case c == '@' && hasRealm:
			return nil, "", false, "it has two realms"
		case c == '/' && hasRealm: // realms may have slashes
		case c == '/' || c == '@':
			name = append(name, text[start:i])
			start, hasRealm = i+1, c == '@'
		}
	}
	if hasRealm {
		return name, text[start:], true, ""
	}
	return append(name, text[start:]), "", false, ""
}

func unescape(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	b := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) {
			i++
		}
		b = append(b, raw[i])
	}
	return string(b)
}
