//go:build kerberos

// Negotiations with implementations that are not ours, over tickets of MIT's KDC: one table
// of who initiates, who accepts, encryption type, with and without mutual authentication,
// and what is unusual about it (see interop_cases_test.go). Where ours is neither end, MIT is
// both: its verdict is the one that ours is held against.

package gssapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
	"github.com/a8011091/pegasus-reference/sasl"
)

// cell is one negotiation of the table.
type cell struct {
	initiator, acceptor string
	etype               int32
	mutual              bool
}

// cells are all of the table, for each of its rows.
func cells() (all []cell) {
	for _, pair := range [][2]string{
		{ours, ours}, {ours, cyrus}, {ours, java}, {ours, mit},
		{cyrus, ours}, {java, ours}, {mit, ours}, {mit, mit},
	} {
		for _, etype := range testETypes {
			for _, mutual := range []bool{true, false} {
				all = append(all, cell{pair[0], pair[1], etype, mutual})
			}
		}
	}
	return all
}

func (c cell) String() string {
	return fmt.Sprintf("%s with %s, %s, mutual %v", c.initiator, c.acceptor, kdctest.ETypeName(c.etype), c.mutual)
}

// negotiationOf is a cell's negotiation before it runs; a row changes what is unusual in it.
type negotiationOf struct {
	cell
	r        *kerberosRealm
	peers    map[[2]string]*peerProcess
	s        *setup      // of our ends
	host     string      // for whom the initiator gets a ticket
	ticket   *Credential // what the initiator presents in place of the KDC's
	cache    string      // the initiator's file
	keytab   string      // of the acceptor: one of the kinds of keytabs
	authzID  string
	sealed   bool // what protects the layers
	replayed bool // the request comes again
}

// prepare is the negotiation that should succeed.
func (c cell) prepare(t *testing.T, r *kerberosRealm, peers map[[2]string]*peerProcess, seed uint64) *negotiationOf {
	n := &negotiationOf{cell: c, r: r, peers: peers, s: newSetup(t), host: hostOf(c.etype), cache: cacheUsual, keytab: keytabRight}
	n.s.initiatorNow, n.s.acceptorNow = time.Now(), time.Now()
	n.s.initiator.WithoutMutual, n.s.host, n.s.seed = !c.mutual, hostOf(c.etype), seed
	return n
}

func (n *negotiationOf) newInitiator(t *testing.T) sasl.Session {
	if n.initiator != ours {
		return n.peer(t, n.initiator, asClient)
	}
	n.s.credential, n.s.initiator.AuthzID = n.ticket, n.authzID
	if n.ticket == nil {
		n.s.credential = n.r.ticket(t, n.etype, n.host)
	}
	return n.s.newInitiator(t)
}

func (n *negotiationOf) newAcceptor(t *testing.T) sasl.ServerSession {
	if n.acceptor != ours {
		return n.peer(t, n.acceptor, asServer)
	}
	n.s.acceptor.Keys = n.r.keys(t, n.etype, n.keytab)
	return n.s.newAcceptor(t)
}

func (n *negotiationOf) peer(t *testing.T, who, role string) *peerEnd {
	options := []string{fmt.Sprintf("mutual=%v sealed=%v", n.mutual, n.sealed)}
	if role == asServer {
		options = append(options, "host="+hostOf(n.etype), "keytab="+n.r.keytabFile(n.etype, n.keytab))
	} else {
		options = append(options, "host="+n.host, "ccache="+n.r.Path(n.cache))
	}
	if n.authzID != "" && role == asClient {
		options = append(options, "authzid="+n.authzID)
	}
	if c := n.ticket; c != nil && who == java && role == asClient { // it reads no service's ticket from a file
		options = append(options, fmt.Sprintf("ticket=%x key=%x type=%d principal=%s service=%s until=%d",
			c.Ticket, c.Key.value, c.Key.etype, c.Client, c.Service, c.End.UnixMilli()))
	}
	return &peerEnd{t: t, p: n.peers[[2]string{who, role}], role: role, options: strings.Join(options, " ")}
}

// run negotiates. A replay is a first token given to a second acceptor, without its initiator.
func (n *negotiationOf) run(t *testing.T) (o outcome, i sasl.Session) {
	i = n.newInitiator(t)
	if !n.replayed {
		return n.s.drive(t, i, n.newAcceptor(t)), i
	}
	token, _, err := i.Step(n.s.initiatorNow, nil)
	require.NoError(t, err)
	_, _, err = n.newAcceptor(t).Step(n.s.acceptorNow, token)
	require.NoError(t, err, "the first time")
	o.refusal, _, o.acceptorErr = n.newAcceptor(t).Step(n.s.acceptorNow, token)
	return o, i
}

// reading is what the table came to.
type reading struct {
	ran, refused int
	left         map[string]int // how many cannot be, by reason
}

func TestNegotiationsWithPeers(t *testing.T) {
	r := newKerberosRealm(t)
	peers := r.startPeers(t)
	seen := &reading{left: map[string]int{}}
	rows := interopRows()
	for _, c := range cells() {
		t.Run(fmt.Sprintf("%s-%s/%s/mutual=%v", c.initiator, c.acceptor, kdctest.ETypeName(c.etype), c.mutual), func(t *testing.T) {
			for _, row := range rows {
				if why := row.impossible(c); why != "" {
					seen.left[why]++
					continue
				}
				seen.ran++
				n := c.prepare(t, r, peers, uint64(seen.ran))
				row.change(t, n)
				n.hold(t, row, seen)
			}
		})
	}
	t.Logf("%d cells, %d rows: %d negotiations ran, of which %d had to be refused; these cannot be:", len(cells()), len(rows), seen.ran, seen.refused)
	for _, why := range slices.Sorted(maps.Keys(seen.left)) {
		t.Logf("%4d %s", seen.left[why], why)
	}
}

// hold runs the negotiation and holds its outcome against the row.
func (n *negotiationOf) hold(t *testing.T, row interopRow, seen *reading) {
	what := row.name + ": " + n.cell.String()
	o, i := n.run(t)
	if row.want == nil {
		principal := "alice@" + testRealm
		if n.acceptor == cyrus {
			principal = "alice" // it leaves the default realm out
		}
		require.NoError(t, o.initiatorErr, what)
		require.NoError(t, o.acceptorErr, what)
		assert.True(t, o.initiatorDone, what)
		assert.Equal(t, principal, o.principal, what)
		assert.Equal(t, n.mutual, bytesAreAPRep(o.tokens[1]), "%s: an AP-REP where it was asked for", what)
		return
	}
	seen.refused++
	require.NoError(t, o.initiatorErr, what)
	require.Error(t, o.acceptorErr, what)
	switch {
	case n.acceptor == ours:
		assert.ErrorIs(t, o.acceptorErr, row.want, what)
	case len(o.refusal) == 0: // else its reason is in the token
		assert.Contains(t, strings.ToLower(o.acceptorErr.Error()), row.words.of(n.acceptor), what)
	}
	n.readRefusal(t, row, o.refusal, i)
}

// readRefusal gives the acceptor's KRB-ERROR to the initiator, which has to fail and, where it
// can, to say the same in its own words.
func (n *negotiationOf) readRefusal(t *testing.T, row interopRow, refusal []byte, i sasl.Session) {
	what := row.name + ": " + n.cell.String()
	switch n.acceptor {
	case ours:
		require.Equal(t, row.code != 0, len(refusal) > 0, "%s: a KRB-ERROR", what)
	case mit: // without mutual authentication no token is due, so it makes none
		require.Equal(t, row.code != 0 && n.mutual, len(refusal) > 0, "%s: a KRB-ERROR", what)
	}
	if len(refusal) == 0 {
		return
	}
	id, inner, err := openFrame(refusal)
	require.NoError(t, err, what)
	require.Equal(t, uint16(tokenKRBError), id, what)
	said, err := parseKRBError(inner, n.s.initiatorNow)
	require.NoError(t, err, what)
	assert.Equal(t, row.code, said.Code, "%s: %v", what, said)
	_, _, err = i.Step(n.s.initiatorNow, refusal)
	require.Error(t, err, what)
	switch {
	case n.initiator == ours:
		assert.ErrorIs(t, err, ErrPeer, what)
		assert.ErrorIs(t, err, row.want, what)
	case n.initiator == java: // the JDK reads no KRB-ERROR: to it the token is none
		assert.ErrorContains(t, err, "Defective token detected", what)
	case n.mutual: // else MIT's initiator has finished, and reads no more than wrap tokens
		assert.Contains(t, strings.ToLower(err.Error()), row.words.read, what)
	}
}

func bytesAreAPRep(token []byte) bool {
	id, _, err := openFrame(token)
	return err == nil && id == tokenAPRep
}
