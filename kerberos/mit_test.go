//go:build kerberos

// Credentials against MIT's KDC: keytab, cache and password, each encryption type, UDP and
// TCP, short tickets, a KDC that is killed, clocks that are off, and what it refuses.

package kerberos_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/internal/kdctest"
	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/sasl/ticket"
)

// mitRealm is a running KDC with bob (random key), alice (password) and the service.
func mitRealm(t *testing.T, cfg kdctest.Config) (*kdctest.KDC, *devRealm) {
	cfg.Principals = append(cfg.Principals, "bob", "pegasus/"+hostName)
	cfg.Passwords = [][2]string{{"alice", "of-alice"}}
	k := kdctest.Start(t, cfg)
	k.Keytab(t, "client.keytab", "alice", "bob")
	k.Keytab(t, "service.keytab", "pegasus/"+hostName)
	file, err := os.ReadFile(k.Path("service.keytab"))
	require.NoError(t, err)
	keys, err := gssapi.ParseKeytab(file)
	require.NoError(t, err)
	return k, &devRealm{t: t, dir: k.Dir, issuer: gssapi.Issuer{Realm: realmName, Keys: keys}}
}

// clientOf is a client whose settings are the krb5.conf that MIT's own programs use.
func clientOf(t *testing.T, k *kdctest.KDC, seen *changes) kerberos.ClientConfig {
	settings, err := kerberos.LoadSettings(k.Path("krb5.conf"))
	require.NoError(t, err)
	return kerberos.ClientConfig{Principal: "alice", Settings: settings, OnTicket: seen.add, CheckEvery: 20 * time.Millisecond,
		Tickets: ticket.Config{BackoffBase: 20 * time.Millisecond, UnreachableCap: 200 * time.Millisecond, RefusedCap: 200 * time.Millisecond}}
}

func TestMITKeytabPasswordAndCache(t *testing.T) {
	for _, etype := range []int32{17, 18, 19, 20} {
		for _, udp := range []bool{true, false} {
			k, r := mitRealm(t, kdctest.Config{ETypes: []int32{etype}, UDP: udp})
			k.Run(t, "kinit", "-k", "-t", k.Path("client.keytab"), "alice")
			for name, change := range map[string]func(cfg *kerberos.ClientConfig){
				"keytab":   func(cfg *kerberos.ClientConfig) { cfg.Keytab = k.Path("client.keytab") },
				"password": func(cfg *kerberos.ClientConfig) { cfg.Password = "of-alice" },
				"cache":    func(cfg *kerberos.ClientConfig) { cfg.Cache = "FILE:" + k.Path("ccache") },
			} {
				cfg := clientOf(t, k, &changes{})
				change(&cfg)
				c := open(t, cfg)
				require.NoError(t, c.Await(within(t, patience), hostName), "%s, type %d, UDP %v", name, etype, udp)
				r.accepted(c)
			}
		}
	}
}

// A principal that needs no proof beforehand gets its ticket at the first request.
func TestMITWithoutPreauthentication(t *testing.T) {
	k, r := mitRealm(t, kdctest.Config{})
	for _, name := range []string{"alice", "pegasus/" + hostName} { // the service's flag is a demand on its clients
		k.Kadmin(t, "modprinc -requires_preauth "+name)
	}
	cfg := clientOf(t, k, &changes{})
	cfg.Password = "of-alice"
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
	r.accepted(c)
}

func TestMITRefusals(t *testing.T) {
	k, _ := mitRealm(t, kdctest.Config{})
	k.Kadmin(t, "modprinc -pwexpire yesterday bob")
	for _, tc := range []struct {
		name   string
		change func(cfg *kerberos.ClientConfig)
		cause  ticket.Cause
		err    error
	}{
		{"unknown principal", func(cfg *kerberos.ClientConfig) { cfg.Principal = "mallory" }, ticket.CauseClientUnknown, gssapi.ErrNoCredential},
		{"wrong password", func(cfg *kerberos.ClientConfig) { cfg.Password = "guess" }, ticket.CauseBadKey, gssapi.ErrIntegrity},
		{"our clock is behind", func(cfg *kerberos.ClientConfig) {
			cfg.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		}, ticket.CauseSkew, gssapi.ErrSkew},
		{"expired password", func(cfg *kerberos.ClientConfig) {
			cfg.Principal, cfg.Password, cfg.Keytab = "bob", "", k.Path("client.keytab")
		}, ticket.CauseKeyExpired, gssapi.ErrExpired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			seen := &changes{}
			cfg := clientOf(t, k, seen)
			cfg.Password = "of-alice"
			tc.change(&cfg)
			c := open(t, cfg)
			require.ErrorIs(t, c.Await(within(t, patience), hostName), tc.err)
			require.True(t, seen.has(ticket.Name{}, ticket.StateRefused, tc.cause))
			if tc.cause == ticket.CauseSkew {
				f := c.Health().Tickets[0].Failure
				require.WithinDuration(t, f.Local.Add(time.Hour), f.Peer, 5*time.Second, "both times")
			}
		})
	}
	cfg := clientOf(t, k, &changes{})
	cfg.Password = "of-alice"
	c := open(t, cfg)
	err := c.Await(within(t, patience), "nowhere.example.com")
	require.ErrorIs(t, err, gssapi.ErrWrongService)
	require.ErrorContains(t, err, "does not know the service")
}

// Tickets of a few seconds are renewed; the KDC is killed, and back.
func TestMITRenewalAndOutage(t *testing.T) {
	k, r := mitRealm(t, kdctest.Config{TicketLife: 8 * time.Second, RenewLife: time.Hour}) // what is renewed late still has a second
	seen := &changes{}
	cfg := clientOf(t, k, seen)
	cfg.Keytab = k.Path("client.keytab")
	c := open(t, cfg)
	require.NoError(t, c.Await(within(t, patience), hostName))
	require.Eventually(t, func() bool { return c.Health().Stats.Fetched >= 4 }, 20*time.Second, 20*time.Millisecond, "both tickets once more")
	require.Zero(t, c.Health().Stats.Expired)
	r.accepted(c)

	k.Stop()
	require.NoError(t, c.Await(within(t, time.Second), hostName), "what there is serves")
	require.Eventually(t, func() bool { return seen.has(serviceName, ticket.StateExpired, ticket.CauseNone) }, 20*time.Second, 20*time.Millisecond)
	err := c.Await(within(t, 300*time.Millisecond), hostName)
	require.True(t, errors.Is(err, kerberos.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded), "%v", err)
	k.Restart(t)
	require.Eventually(t, func() bool { return c.Await(within(t, time.Second), hostName) == nil }, patience, 10*time.Millisecond)
	r.accepted(c)
}

// MIT's own programs take what our KDC gives.
func TestMITClientWithOurKDC(t *testing.T) {
	kdctest.Require(t, "kinit", "kvno", "klist")
	for _, udp := range []string{"1", "1465"} {
		r := newDevRealm(t)
		k := &kdctest.KDC{Dir: r.dir, Address: r.kdc.Address()}
		k.Write(t, "krb5.conf", "[libdefaults]\n default_realm = "+realmName+"\n dns_canonicalize_hostname = false\n udp_preference_limit = "+udp+
			"\n[realms]\n "+realmName+" = {\n  kdc = "+k.Address+"\n }\n")
		k.Env = append(os.Environ(), "KRB5_CONFIG="+k.Path("krb5.conf"), "KRB5CCNAME=FILE:"+k.Path("ccache"))
		k.Run(t, "kinit", "-k", "-t", k.Path("client.keytab"), "-r", "7d", "alice")
		k.Run(t, "kinit", "-R")
		k.Run(t, "kvno", "pegasus/"+hostName)
		cfg := r.configured(&changes{})
		cfg.Cache = k.Path("ccache")
		c := open(t, cfg)
		require.NoError(t, c.Await(within(t, patience), hostName))
		r.accepted(c)
	}
}
