package kerberos_test

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// cacheFile writes a cache of version 4 as MIT does, without addresses.
func cacheFile(owner gssapi.Principal, credentials ...*gssapi.Credential) []byte {
	b := []byte{5, 4, 0, 0}
	data := func(d []byte) { b = append(binary.BigEndian.AppendUint32(b, uint32(len(d))), d...) }
	name := func(p gssapi.Principal) {
		b = binary.BigEndian.AppendUint32(b, 1)
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.Components)))
		data([]byte(p.Realm))
		for _, c := range p.Components {
			data([]byte(c))
		}
	}
	name(owner)
	for _, c := range credentials {
		name(c.Client)
		name(c.Service)
		b = binary.BigEndian.AppendUint16(b, uint16(c.Key.EType()))
		data(c.Key.Bytes())
		for _, t := range []time.Time{c.Start, c.Start, c.End, c.RenewTill} {
			seconds := uint32(0)
			if !t.IsZero() {
				seconds = uint32(t.Unix())
			}
			b = binary.BigEndian.AppendUint32(b, seconds)
		}
		b = append(b, 0)
		b = binary.BigEndian.AppendUint32(b, 0) // flags
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)   // no addresses, no authorization data
		data(c.Ticket)
		data(nil)
	}
	return b
}

// mint makes a ticket as a KDC would have given it to kinit.
func (r *devRealm) mint(service gssapi.Principal, life time.Duration) *gssapi.Credential {
	c, err := gssapi.Mint(r.issuer.Keys, gssapi.MintConfig{Client: alice, Service: service, Start: time.Now().Add(-time.Minute), End: time.Now().Add(life), Random: rand.Reader})
	require.NoError(r.t, err)
	return c
}

func (r *devRealm) writeCache(content []byte) string {
	path := filepath.Join(r.dir, "ccache")
	require.NoError(r.t, os.WriteFile(path+".new", content, 0o600))
	require.NoError(r.t, os.Rename(path+".new", path))
	return path
}

// A cache's ticket-granting ticket gets services' tickets; when kinit writes another, that
// is taken, and one of somebody else is not.
func TestCache(t *testing.T) {
	t.Parallel()
	r := newDevRealm(t)
	path := r.writeCache(cacheFile(alice, r.mint(gssapi.GrantingService(realmName), 3*time.Second))) // its end is cut to a second
	seen := &changes{}
	cfg := r.configured(seen)
	cfg.Principal, cfg.Cache = "", "FILE:"+path
	c := open(t, cfg)
	require.Equal(t, alice.String(), c.Principal())
	require.NoError(t, c.Await(within(t, patience), hostName))
	r.accepted(c)

	require.Eventually(t, func() bool { return seen.has(ticket.Name{}, ticket.StateRefused, ticket.CauseNoSource) }, patience, 10*time.Millisecond,
		"the ticket has ended and nobody ran kinit")
	require.ErrorContains(t, c.Await(within(t, patience), hostName), "kinit")

	bob := gssapi.Principal{Components: []string{"bob"}, Realm: realmName}
	r.writeCache(cacheFile(bob, r.mint(gssapi.GrantingService(realmName), time.Hour)))
	require.Eventually(t, func() bool {
		err := c.Ready(within(t, time.Second))
		return err != nil && errors.Is(err, gssapi.ErrMismatch)
	}, patience, 10*time.Millisecond)

	r.writeCache(cacheFile(alice, r.mint(gssapi.GrantingService(realmName), time.Hour)))
	require.Eventually(t, func() bool { return c.Await(within(t, time.Second), hostName) == nil }, patience, 10*time.Millisecond)
}

// A cache that has the service's ticket only needs no KDC.
func TestCacheWithoutGrantingTicket(t *testing.T) {
	r := newDevRealm(t)
	path := r.writeCache(cacheFile(alice, r.mint(gssapi.ServicePrincipal("pegasus", hostName, realmName), time.Hour)))
	r.stop()
	cfg := r.configured(&changes{})
	cfg.Principal, cfg.Cache, cfg.KDCs = "", path, nil
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
	r.accepted(c)
	require.ErrorIs(t, c.Await(within(t, patience), "node9.example.com"), gssapi.ErrNoCredential)
}

func TestCacheThatIsNone(t *testing.T) {
	r := newDevRealm(t)
	cfg := r.configured(&changes{})
	for content, want := range map[string]error{"": gssapi.ErrFormat, "no cache": gssapi.ErrFormat} {
		cfg.Cache = r.writeCache([]byte(content))
		_, err := kerberos.OpenCredentials(cfg)
		require.ErrorIs(t, err, want)
		require.ErrorIs(t, err, kerberos.ErrSource)
	}
	cfg.Cache = "/no/such/cache"
	_, err := kerberos.OpenCredentials(cfg)
	require.ErrorIs(t, err, os.ErrNotExist)
}
