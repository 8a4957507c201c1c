//go:build kerberos

// A realm of MIT's KDC with a service of each encryption type on hosts of its own, and the
// files that its clients and services are given.

package gssapi

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
)

// kerberosRealm is a running KDC with alice, and the service on two hosts for each type.
type kerberosRealm struct {
	*kdctest.KDC
	cache *CCache // alice's, with her tickets for every host
}

// hostOf and otherHostOf are hosts whose service has a key of one type only, so that tickets
// for it and their session keys have that type.
func hostOf(etype int32) string      { return kdctest.ETypeName(etype) + ".example.com" }
func otherHostOf(etype int32) string { return "other-" + hostOf(etype) }

func newKerberosRealm(t testing.TB) *kerberosRealm {
	t.Helper()
	requirePeers(t)
	r := &kerberosRealm{KDC: kdctest.Start(t, kdctest.Config{ETypes: testETypes, Principals: []string{"alice"}})}
	r.Keytab(t, "client.keytab", "alice")
	r.Run(t, "kinit", "-k", "-t", r.Path("client.keytab"), "alice")
	for _, etype := range testETypes {
		for _, host := range []string{hostOf(etype), otherHostOf(etype)} {
			r.AddService(t, testName+"/"+host, etype)
			r.Run(t, "kvno", "-q", testName+"/"+host)
		}
		r.writeKeytabs(t, etype)
	}
	file, err := os.ReadFile(r.Path("ccache"))
	require.NoError(t, err)
	r.cache, err = ParseCCache(file)
	require.NoError(t, err)
	require.Equal(t, "alice@"+testRealm, r.cache.Client.String())
	r.writeCaches(t)
	return r
}

// requirePeers fails where a peer is not installed, and says what installs it: these tests
// were asked for, and a peer that is missing is no reason to pass.
func requirePeers(t testing.TB) {
	kdctest.Require(t, "kinit", "kvno", "gcc", "java", "/usr/bin/python3")
	for what, pattern := range map[string]string{
		"the GSSAPI plugin of Cyrus SASL": "/usr/lib*/*/sasl2/libgssapiv2.so*",
		"the header of Cyrus SASL":        "/usr/include/sasl/sasl.h",
		"python-gssapi":                   "/usr/lib/python3*/dist-packages/gssapi",
	} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, "%s is missing (%s): %s", what, pattern, kdctest.Install)
	}
}

// Keytabs of each type's service.
const (
	keytabRight        = "right"         // as kadmin wrote it
	keytabBothHosts    = "both-hosts"    // with the other host's key too
	keytabWrongKey     = "wrong-key"     // another key of the same version
	keytabWrongVersion = "wrong-version" // another key of another version
	keytabRenumbered   = "renumbered"    // the key itself, of another version
)

func (r *kerberosRealm) keytabFile(etype int32, kind string) string {
	return r.Path(kdctest.ETypeName(etype) + "." + kind + ".keytab")
}

func (r *kerberosRealm) writeKeytabs(t testing.TB, etype int32) {
	name := func(kind string) string { return filepath.Base(r.keytabFile(etype, kind)) }
	r.Keytab(t, name(keytabRight), testName+"/"+hostOf(etype))
	r.Keytab(t, name(keytabBothHosts), testName+"/"+hostOf(etype), testName+"/"+otherHostOf(etype))
	for kind, change := range map[string]func(e *KeytabEntry){
		keytabWrongKey:     func(e *KeytabEntry) { e.Key = testKey(t, etype, "of nobody") },
		keytabWrongVersion: func(e *KeytabEntry) { e.Key, e.Version = testKey(t, etype, "of another version"), e.Version+5 },
		keytabRenumbered:   func(e *KeytabEntry) { e.Version += 5 },
	} {
		entries := r.keys(t, etype, keytabRight).Entries()
		require.Len(t, entries, 1)
		change(&entries[0])
		kt, err := NewKeytab(entries...)
		require.NoError(t, err)
		file, err := kt.Marshal()
		require.NoError(t, err)
		r.Write(t, name(kind), string(file))
	}
}

func (r *kerberosRealm) keys(t testing.TB, etype int32, kind string) *Keytab {
	t.Helper()
	file, err := os.ReadFile(r.keytabFile(etype, kind))
	require.NoError(t, err)
	kt, err := ParseKeytab(file)
	require.NoError(t, err)
	return kt
}

// Credential caches of alice. The library that reads a cache gets what is missing in it from
// the KDC, with the ticket-granting ticket that the first of them has.
const (
	cacheUsual = "ccache"
	cacheAhead = "ahead.ccache" // says that the KDC's clock is ahead, by which MIT corrects its own
)

// clockAhead is how far clocks are apart in tests of that: more than anyone allows.
const clockAhead = 2 * DefaultSkew

func (r *kerberosRealm) writeCaches(t testing.TB) {
	file, err := r.cache.Marshal()
	require.NoError(t, err)
	ahead := binary.BigEndian.AppendUint32([]byte{5, 4, 0, 12, 0, 1, 0, 8}, uint32(clockAhead.Seconds()))
	ahead = append(append(ahead, 0, 0, 0, 0), file[4:]...) // no microseconds; then all but version and empty header
	r.Write(t, cacheAhead, string(ahead))
}

// ticket is what the KDC gave alice for host.
func (r *kerberosRealm) ticket(t testing.TB, etype int32, host string) *Credential {
	t.Helper()
	c, err := r.cache.Lookup(testName, host)
	require.NoError(t, err)
	require.Equal(t, etype, c.Key.EType())
	return c
}

// mint makes a ticket for alice with the service's key, to hold for two hours until end.
func (r *kerberosRealm) mint(t testing.TB, etype int32, end time.Time) *Credential {
	c, err := Mint(r.keys(t, etype, keytabRight), MintConfig{Client: r.cache.Client,
		Service: ServicePrincipal(testName, hostOf(etype), testRealm), Start: end.Add(-2 * time.Hour), End: end, Random: seeded(uint64(end.UnixNano()))})
	require.NoError(t, err)
	return c
}

// cacheOf writes a cache with the one ticket, and returns its name.
func (r *kerberosRealm) cacheOf(t testing.TB, name string, c *Credential) string {
	file, err := (&CCache{Client: c.Client, Credentials: []*Credential{c}}).Marshal()
	require.NoError(t, err)
	r.Write(t, name, string(file))
	return name
}
