//go:build kerberos

// The rows of the table of negotiations: what is unusual in one, who takes it, who refuses
// it and with which words.

package gssapi

import (
	"strings"
	"testing"
	"time"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
)

// interopRow is what is unusual in a negotiation.
type interopRow struct {
	name   string
	change func(t *testing.T, n *negotiationOf)
	want   error // of our acceptor; nil: accepted by all
	code   int32 // of the KRB-ERROR that MIT's acceptor and ours send; 0: none
	words  words
	// needs says why a cell cannot have it; nil: every cell can.
	needs func(c cell) string
}

// words are the peers' own, in small letters, by which a refusal is known to be for the
// row's reason.
type words struct {
	mit, java string // of acceptors; Cyrus's, which is on MIT's library, logs MIT's
	read      string // of MIT's initiator, and Cyrus's on it, that reads the KRB-ERROR
}

func (w words) of(acceptor string) string {
	if acceptor == java {
		return w.java
	}
	return w.mit
}

// impossible says why there is no such negotiation; empty: there is.
func (row interopRow) impossible(c cell) string {
	if c.initiator == cyrus && !c.mutual {
		return "Cyrus's initiator always asks for mutual authentication"
	}
	if row.needs != nil {
		return row.needs(c)
	}
	return ""
}

// interopRows are all rows: first the negotiations that succeed.
func interopRows() []interopRow {
	return append(acceptedRows(), refusedRows()...)
}

func acceptedRows() []interopRow {
	return []interopRow{
		{name: "as usual", change: func(*testing.T, *negotiationOf) {}},
		{name: "minted ticket", change: func(t *testing.T, n *negotiationOf) {
			n.present(t, n.r.mint(t, n.etype, time.Now().Add(time.Hour)))
		}},
		{name: "the right key under another version", change: func(_ *testing.T, n *negotiationOf) { n.keytab = keytabRenumbered }},
		{name: "other hosts in the keytab", change: func(_ *testing.T, n *negotiationOf) { n.keytab = keytabBothHosts }},
		{name: "initiator without subkey", needs: initiatorOurs, change: func(_ *testing.T, n *negotiationOf) { n.s.initiator.WithoutSubkey = true }},
		{name: "acceptor without subkey", needs: acceptorOurs, change: func(_ *testing.T, n *negotiationOf) { n.s.acceptor.WithoutSubkey = true }},
		{name: "neither with subkey", needs: bothOurs, change: func(_ *testing.T, n *negotiationOf) {
			n.s.initiator.WithoutSubkey, n.s.acceptor.WithoutSubkey = true, true
		}},
		{name: "empty challenge first", needs: acceptorOurs, change: func(_ *testing.T, n *negotiationOf) { n.s.acceptor.EmptyFirst = true }},
		{name: "sealed layers", needs: anEndOfMIT, change: func(_ *testing.T, n *negotiationOf) { n.sealed = true }},
		{name: "own authorization identity", needs: wholeNames, change: func(_ *testing.T, n *negotiationOf) { n.authzID = "alice@" + testRealm }},
		{name: "own authorization identity without realm", needs: shortNames, change: func(_ *testing.T, n *negotiationOf) { n.authzID = "alice" }},
	}
}

func refusedRows() []interopRow {
	rows := []interopRow{
		{name: "wrong key", want: ErrIntegrity, code: codeBadIntegrity,
			words:  words{"found in keytab but cannot decrypt ticket", "checksum failed", "decrypt integrity check failed"},
			change: func(_ *testing.T, n *negotiationOf) { n.keytab = keytabWrongKey }},
		{name: "wrong key version", want: ErrKeyVersion, code: codeBadKeyVersion, // the JDK tries any version
			words:  words{"kvno 1 not found in keytab", "checksum failed", "key version is not available"},
			change: func(_ *testing.T, n *negotiationOf) { n.keytab = keytabWrongVersion }},
		{name: "wrong host", want: ErrWrongService, code: codeNotUs, // the JDK tries its key whoever the ticket is for
			words:  words{"not found in keytab", "checksum failed", "the ticket isn't for us"},
			change: func(_ *testing.T, n *negotiationOf) { n.host = otherHostOf(n.etype) }},
		{name: "wrong host whose key is in the keytab", want: ErrWrongService, code: codeNotUs,
			words:  words{"does not match server principal", "checksum failed", "the ticket isn't for us"},
			change: func(_ *testing.T, n *negotiationOf) { n.host, n.keytab = otherHostOf(n.etype), keytabBothHosts }},
		{name: "expired ticket", want: ErrExpired, code: codeTicketExpired,
			words: words{"ticket expired", "ticket expired (32)", "ticket expired"},
			change: func(t *testing.T, n *negotiationOf) {
				c := *n.r.mint(t, n.etype, time.Now().Add(-clockAhead))
				c.Start, c.End = time.Now().Add(-time.Minute), time.Now().Add(time.Hour) // its owner believes so and sends it
				n.present(t, &c)
			}},
		{name: "skewed clock", want: ErrSkew, code: codeSkew,
			words:  words{"clock skew too great", "clock skew too great (37)", "clock skew too great"},
			change: skewed},
		{name: "replayed AP-REQ", want: ErrReplay, code: codeRepeat,
			words:  words{"request is a replay", "request is a replay (34)", "request is a replay"},
			change: func(_ *testing.T, n *negotiationOf) { n.replayed = true }},
	}
	for _, id := range []string{"bob", "bob@" + testRealm, "alice@OTHER.COM", "ALICE"} {
		rows = append(rows, interopRow{name: "authorization identity " + id, want: ErrAuthzID, needs: authzIDChecked,
			words:  words{mit: "requested identity not authenticated identity", java: "is not authorized to connect as " + strings.ToLower(id)},
			change: func(_ *testing.T, n *negotiationOf) { n.authzID = id }})
	}
	return rows
}

// skewed has the initiator's clock ahead of the acceptor's.
func skewed(_ *testing.T, n *negotiationOf) {
	switch {
	case n.initiator == ours:
		n.s.initiatorNow = n.s.initiatorNow.Add(clockAhead)
	case n.acceptor == ours:
		n.s.acceptorNow = n.s.acceptorNow.Add(-clockAhead)
	default:
		n.cache = cacheAhead
	}
}

// present has the initiator send c, whoever it is.
func (n *negotiationOf) present(t *testing.T, c *Credential) {
	n.ticket = c
	n.cache = n.r.cacheOf(t, kdctest.ETypeName(n.etype)+".given.ccache", c)
}

func initiatorOurs(c cell) string {
	if c.initiator != ours {
		return "only our initiator can leave its subkey out"
	}
	return ""
}

func acceptorOurs(c cell) string {
	if c.acceptor != ours {
		return "only our acceptor has the switch"
	}
	return ""
}

func bothOurs(c cell) string {
	if c.initiator != ours || c.acceptor != ours {
		return "only our ends have both switches"
	}
	return ""
}

func anEndOfMIT(c cell) string {
	if c.initiator != mit && c.acceptor != mit {
		return "only testdata/peers/peer.py seals the layers"
	}
	return ""
}

func authzIDChecked(c cell) string {
	if c.acceptor == mit {
		return "GSS-API alone has no authorization identity to refuse"
	}
	return ""
}

func wholeNames(c cell) string {
	if c.acceptor == cyrus {
		return "Cyrus's acceptor leaves its own realm out of names, and takes no name with it"
	}
	return authzIDChecked(c)
}

func shortNames(c cell) string {
	if c.acceptor == java {
		return "the JDK's acceptor has its callback compare whole names"
	}
	return authzIDChecked(c)
}
