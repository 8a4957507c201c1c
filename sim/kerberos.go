// Kerberos in the simulated world: a realm whose keys the seed decides, and the mechanism
// that every process negotiates with. Tokens are real (sasl/gssapi), tickets are minted
// with the services' keys; no KDC's cryptography is simulated, only what its absence, its
// clock and its keys do.

package sim

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/a8011091/pegasus-reference/protocol"

	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sim/world"
	"github.com/a8011091/pegasus-reference/trace"
)

const (
	kerberosRealm   = "SIMULATED.TEST"
	kerberosService = "pegasus" // upstream's default
	keyType         = 18        // aes256-cts-hmac-sha1-96, the default of MIT's KDC
	keyBytes        = 32
	replayLimit     = 1 << 16
)

// realm is what the KDC's database and the nodes' keytabs hold.
type realm struct {
	random      *rand.Rand
	services    map[string]*serviceKeys // by node
	granted     map[uint64]granted
	lastGranted uint64
	shortLives  []time.Duration // of faults in force: no ticket is given for longer
}

// serviceKeys are a node's keys: the one that the KDC makes tickets with, and those of the
// node's keytab file, which are others while a rotation is under way.
type serviceKeys struct {
	principal gssapi.Principal
	current   gssapi.KeytabEntry
	keytab    *gssapi.Keytab
}

// Keys implements gssapi.KeySource: the keytab file as it is now.
func (k *serviceKeys) Keys() *gssapi.Keytab { return k.keytab }

func newRealm(w *world.World, places []*nodePlace) *realm {
	k := &realm{random: w.Stream("kerberos/keys"), services: make(map[string]*serviceKeys), granted: make(map[uint64]granted)}
	for _, p := range places {
		k.services[p.name] = &serviceKeys{principal: gssapi.ServicePrincipal(kerberosService, p.name, kerberosRealm)}
		k.rotate(p.name)
		k.export(p.name)
	}
	return k
}

// rotate gives a node a new key at the KDC.
func (k *realm) rotate(node string) {
	value := make([]byte, keyBytes)
	_, _ = randomReader{k.random}.Read(value)
	key, err := gssapi.NewKey(keyType, value)
	must(err)
	s := k.services[node]
	s.current = gssapi.KeytabEntry{Principal: s.principal, Version: s.current.Version + 1, Key: key}
}

// export writes a node's keytab anew, with the KDC's current key alone.
func (k *realm) export(node string) {
	s := k.services[node]
	keytab, err := gssapi.NewKeytab(s.current)
	must(err)
	s.keytab = keytab
}

func clientPrincipal(client string) gssapi.Principal {
	return gssapi.Principal{Components: []string{client}, Realm: kerberosRealm}
}

// clientMechanism is what a client negotiates with. Upstream's clients ask for no proof of
// who the server is.
func (r *run) clientMechanism(c *gssapi.Credential) sasl.Mechanism {
	return gssapi.New(gssapi.Config{Service: kerberosService, Credentials: c, WithoutMutual: r.scenario.Client != ClientReference})
}

// serverMechanism is what one incarnation of a server negotiates with: its replay cache
// dies with it.
func (r *run) serverMechanism(place *nodePlace) sasl.Mechanism {
	if r.realm == nil {
		return r.mechanism
	}
	return gssapi.New(gssapi.Config{
		Service: kerberosService, Keys: r.realm.services[place.name], Replays: gssapi.NewReplays(replayLimit),
		EmptyFirst: r.scenario.Pairs == 5,
	})
}

// mechanismName is what LIST_MECHANISMS and SELECT_MECHANISMS carry.
func (r *run) mechanismName() string {
	if r.realm == nil {
		return r.mechanism.Name()
	}
	return gssapi.Name
}

// tellRefusal traces why an end of a negotiation gave up, in the words of the mechanism.
// The cheap mechanism refuses nobody who keeps its rules, and has no words.
func (r *run) tellRefusal(io *world.IO, conn protocol.ConnID, err error) {
	if r.realm == nil {
		return
	}
	if errors.Is(err, gssapi.ErrInternal) {
		panic(err) // a bug of ours is no refusal
	}
	io.Trace(trace.Event{Kind: trace.KindNegotiation, Conn: io.Global(conn), State: "failed", Note: err.Error()})
	r.judge.refused(r.world.Now(), io.Host(), err)
	if c := r.observer.connection(io.Global(conn)); c != nil && errors.Is(err, gssapi.ErrKeyVersion) {
		r.judge.ticketIsOld(c.client, c.node)
	}
}

// shorten has the KDC give tickets for so long at most; lengthen takes one of these back.
func (k *realm) shorten(life time.Duration) { k.shortLives = append(k.shortLives, life) }

func (k *realm) lengthen(life time.Duration) {
	if i := slices.Index(k.shortLives, life); i >= 0 {
		k.shortLives = slices.Delete(k.shortLives, i, i+1)
	}
}
