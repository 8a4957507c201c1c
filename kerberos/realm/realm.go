// Package realm makes a Kerberos realm for development on one machine, in a directory of its
// own that is removed in the end: MIT's KDC where it is installed, and otherwise tickets
// minted from the service's key. It is no place for anything that has to be safe: the keys
// lie beside each other in files of one user.
package realm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// Name is the realm. Names below .INVALID are nobody's, RFC 6761.
const Name = "DEVELOPMENT.INVALID"

// Life is how long a minted ticket is valid.
const Life = 24 * time.Hour

// Config describes a realm.
type Config struct {
	Service string // first component of the service's principal
	Host    string // second one
	User    string // whose tickets there are; without realm
	// WithoutKDC mints tickets even where MIT's KDC is installed.
	WithoutKDC bool
	// TempDir is where the realm's directory is made; default: the system's.
	TempDir string
}

// Realm is a realm with one service and one user. Close removes it.
type Realm struct {
	Dir     string
	Service gssapi.Principal
	User    gssapi.Principal
	Keytab  string // file with the service's key
	CCache  string // file with the user's ticket for the service
	Config  string // file: krb5.conf, for KRB5_CONFIG
	// With a KDC; otherwise empty:
	KDC          string // host:port
	ClientKeytab string // file with the user's key
	kdc          *kdc
}

// Error says what could not be done for a realm.
type Error struct {
	Doing string
	Err   error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("realm for development: %s: %v", e.Doing, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Start makes a realm. Errors: *Error; nothing is left behind then.
func Start(ctx context.Context, cfg Config) (*Realm, error) {
	user, err := gssapi.ParsePrincipal(cfg.User + "@" + Name)
	if err != nil {
		return nil, &Error{"name the user", err}
	}
	service, err := gssapi.ParsePrincipal(cfg.Service + "/" + cfg.Host + "@" + Name)
	if err != nil || strings.ContainsAny(cfg.Service+cfg.Host+cfg.User, " \t\"\\") {
		return nil, &Error{"name the service", errors.Join(err, fmt.Errorf("%s/%s and %s cannot be names here", cfg.Service, cfg.Host, cfg.User))}
	}
	dir, err := os.MkdirTemp(cfg.TempDir, "pegasus-realm-")
	if err != nil {
		return nil, &Error{"make a directory", err}
	}
	r := &Realm{Dir: dir, Service: service, User: user, Keytab: filepath.Join(dir, "service.keytab"), CCache: filepath.Join(dir, "client.ccache"), Config: filepath.Join(dir, "krb5.conf")}
	if tools, missing := findTools(); cfg.WithoutKDC || missing != "" {
		err = r.mint()
	} else {
		err = r.startKDC(ctx, tools)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close stops the KDC and removes every file.
func (r *Realm) Close() error {
	if r.kdc != nil {
		r.kdc.stop()
	}
	if err := os.RemoveAll(r.Dir); err != nil {
		return &Error{"remove its files", err}
	}
	return nil
}

// mint writes a keytab with a new key and a cache with a ticket made with it.
func (r *Realm) mint() error {
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return &Error{"draw a key", err}
	}
	defer clear(secret)
	key, err := gssapi.NewKey(18, secret)
	if err != nil {
		return &Error{"make a key", err}
	}
	keys, err := gssapi.NewKeytab(gssapi.KeytabEntry{Principal: r.Service, Version: 1, Key: key})
	if err != nil {
		return &Error{"make a keytab", err}
	}
	now := time.Now()
	credential, err := gssapi.Mint(keys, gssapi.MintConfig{Client: r.User, Service: r.Service, Start: now, End: now.Add(Life), Random: rand.Reader})
	if err != nil {
		return &Error{"mint a ticket", err}
	}
	keytab, err := keys.Marshal()
	if err != nil {
		return &Error{"write the keytab", err}
	}
	defer clear(keytab)
	cache, err := (&gssapi.CCache{Client: r.User, Credentials: []*gssapi.Credential{credential}}).Marshal()
	if err != nil {
		return &Error{"write the credential cache", err}
	}
	defer clear(cache)
	err = errors.Join(os.WriteFile(r.Keytab, keytab, 0o600), os.WriteFile(r.CCache, cache, 0o600),
		os.WriteFile(r.Config, fmt.Appendf(nil, krb5Conf, Name, ""), 0o600))
	if err != nil {
		return &Error{"write its files", err}
	}
	return nil
}
