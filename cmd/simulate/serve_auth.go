// simulate serve: whom it lets in, as flags.

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/a8011091/pegasus-reference/kerberos"
	"github.com/a8011091/pegasus-reference/sasl"
	"github.com/a8011091/pegasus-reference/sasl/gssapi"
	"github.com/a8011091/pegasus-reference/server"
	"github.com/a8011091/pegasus-reference/sim"
)

// Authentication that serve knows beside the simulator's, which is the test mechanism.
const (
	authOff              = "off"
	authKerberos         = "kerberos"
	authKerberosOptional = "kerberos-optional"
)

// serveAuthNames are what --auth takes.
func serveAuthNames() []string {
	return append(append([]string{authOff}, sim.AuthNames...), authKerberos, authKerberosOptional)
}

// serveAuth is authentication as flags.
type serveAuth struct {
	auth string

	principal, secret string
	pairs             int

	keytab, service, host string
	skew                  time.Duration
	replays               int

	allow, admin, read, write, query, super []string
	deadline, clientDeadline                time.Duration

	keys  *kerberos.KeytabFile // opened by apply, with Kerberos
	cache *kerberos.Replays
}

func (f *serveAuth) register(cmd *cobra.Command) {
	f.auth = authOff
	word(cmd, &f.auth, "auth", "authentication", serveAuthNames())
	flags := cmd.Flags()
	flags.StringVar(&f.principal, "test-principal", "client", "test mechanism: the principal that clients have")
	flags.StringVar(&f.secret, "test-secret", "development", "test mechanism: the secret that clients share")
	flags.IntVar(&f.pairs, "pairs", 4, "test mechanism: request/response pairs of a negotiation, 4 or 5")
	flags.StringVar(&f.keytab, "keytab", "", "Kerberos: file with the service's keys; read again when it changes")
	flags.StringVar(&f.service, "service", "pegasus", "Kerberos: first component of the service's principal, as clients have it in service.name")
	flags.StringVar(&f.host, "server-name", "", "Kerberos: second component, as clients have it in service.fqdn; empty: every host that has a key in the keytab")
	flags.DurationVar(&f.skew, "clock-skew", gssapi.DefaultSkew, "Kerberos: how far a client's clock may be off")
	flags.IntVar(&f.replays, "replay-limit", kerberos.DefaultReplays, "Kerberos: negotiations that the replay cache remembers; beyond, they are refused")
	f.registerAccess(cmd)
}

func (f *serveAuth) registerAccess(cmd *cobra.Command) {
	flags := cmd.Flags()
	for _, list := range []struct {
		value      *[]string
		name, what string
	}{
		{&f.allow, "allow", "may authenticate; default: everybody who proves a name"},
		{&f.admin, "admin", "may administer (create, drop and list tables, list nodes); default: nobody, everybody with --auth off, and the realm's user with --kdc embedded-dev"},
		{&f.query, "query", "may ask where partitions are; default: everybody who is let in"},
		{&f.read, "read", "may read rows; default: everybody who is let in"},
		{&f.write, "write", "may write rows; default: everybody who is let in"},
	} {
		flags.StringSliceVar(list.value, list.name, nil, "principals that "+list.what+`: name@REALM, name/host@REALM, name/*@REALM or *; repeatable`)
	}
	flags.StringSliceVar(&f.super, "super-user", nil, "users that may do everything, as upstream's super_users: the principal cut at the last @ and then at the first /; repeatable")
	flags.DurationVar(&f.deadline, "negotiation-timeout", 0, "deadline of a whole negotiation; default 15s")
	flags.DurationVar(&f.clientDeadline, "client-negotiation-timeout", 0, "what clients have configured as theirs, where that is known: a warning where it is not below the server's")
}

// access turns lists of patterns into rules.
func (f *serveAuth) access() (server.Access, error) {
	access := server.Access{SuperUsers: f.super}
	for _, list := range []struct {
		texts []string
		into  *[]server.Pattern
	}{
		{f.allow, &access.Allowed},
		{f.admin, &access.May[server.OperationAdmin]},
		{f.query, &access.May[server.OperationQuery]},
		{f.read, &access.May[server.OperationRead]},
		{f.write, &access.May[server.OperationWrite]},
	} {
		for _, text := range list.texts {
			p, err := server.ParsePattern(text)
			if err != nil {
				return access, &usageError{err}
			}
			*list.into = append(*list.into, p)
		}
	}
	return access, nil
}

// check refuses what no mechanism could be made of, before there are keys.
func (f *serveAuth) check() error {
	switch {
	case !slices.Contains(serveAuthNames(), f.auth):
		return unknownWord("auth", f.auth, serveAuthNames())
	case f.pairs != 4 && f.pairs != 5:
		return &usageError{fmt.Errorf("--pairs is %d: it must be 4 or 5", f.pairs)}
	case f.secret == "":
		return &usageError{errors.New("--test-secret is empty: authentication needs a secret")}
	case f.skew <= 0:
		return &usageError{fmt.Errorf("--clock-skew is %v: it must be positive", f.skew)}
	case f.replays < 1:
		return &usageError{fmt.Errorf("--replay-limit is %d: it must be positive", f.replays)}
	}
	_, err := f.access()
	return err
}

// apply gives the cluster its mechanism, and whom it lets in; errors are the user's.
func (f *serveAuth) apply(cfg *server.ClusterConfig) (err error) {
	if cfg.Access, err = f.access(); err != nil {
		return err
	}
	switch f.auth {
	case authOff:
		return nil
	case sim.AuthOptional, sim.AuthMandatory:
		f.applyTest(cfg)
		return nil
	}
	return f.applyKerberos(cfg)
}

func (f *serveAuth) applyTest(cfg *server.ClusterConfig) {
	cfg.Auth = server.Auth{Enabled: true, Mandatory: f.auth == sim.AuthMandatory}
	cfg.Mechanism = sasl.NewTest(sasl.TestConfig{Principal: f.principal, Secret: []byte(f.secret), Pairs: f.pairs})
}

// applyKerberos opens the keytab. All nodes of this process are one acceptor: they have the
// same key, so they share a replay cache.
func (f *serveAuth) applyKerberos(cfg *server.ClusterConfig) error {
	if f.keytab == "" {
		return &usageError{fmt.Errorf("--auth %s needs --keytab FILE, with the key of %s/HOST (kadmin ktadd -k FILE %s/HOST)", f.auth, f.service, f.service)}
	}
	var err error
	f.keys, err = kerberos.OpenKeytabFile(kerberos.KeytabFileConfig{Path: f.keytab, Service: f.service, Host: f.host, Logger: cfg.Logger})
	if err != nil {
		return &usageError{err}
	}
	f.cache = kerberos.NewReplays(f.replays)
	cfg.Auth = server.Auth{Enabled: true, Mandatory: f.auth == authKerberos}
	cfg.SASLHost = f.host
	cfg.Mechanism = gssapi.New(gssapi.Config{Service: f.service, Keys: f.keys, Replays: f.cache, Skew: f.skew})
	return nil
}
