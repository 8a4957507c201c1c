// What a client proves itself with: a keytab, a password, or a cache that someone else
// fills (kinit). Files are read whenever a ticket is wanted, and watched in between.

package kerberos

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

// ErrSource says that keytab, cache or password cannot be used.
var ErrSource = errors.New("no credentials to ask for a ticket with")

// source is one of the three. Only one of its fields but client is set.
type source struct {
	client   gssapi.Principal // of a cache: none, until it was read
	keytab   string
	cache    string
	password string
}

// SourceError says which file cannot be used.
type SourceError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *SourceError) Error() string { return fmt.Sprintf("%v: %s: %v", ErrSource, e.Path, e.Err) }

// Unwrap makes it an ErrSource, and its cause.
func (e *SourceError) Unwrap() []error { return []error{ErrSource, e.Err} }

// file is the one to watch; empty: none.
func (s *source) file() string { return s.keytab + s.cache }

// secret reads the keytab, or has the password.
func (s *source) secret() (gssapi.Secret, error) {
	if s.keytab == "" {
		return gssapi.Secret{Password: s.password}, nil
	}
	file, err := readSource(s.keytab)
	if err != nil {
		return gssapi.Secret{}, err
	}
	defer clear(file)
	keys, err := gssapi.ParseKeytab(file)
	if err != nil {
		return gssapi.Secret{}, &SourceError{Path: s.keytab, Err: err}
	}
	for _, e := range keys.Entries() {
		if e.Principal.Equal(s.client) {
			return gssapi.Secret{Keys: keys}, nil
		}
	}
	return gssapi.Secret{}, &SourceError{Path: s.keytab, Err: fmt.Errorf("%w for %s of an AES type (klist -ke shows what it has)", gssapi.ErrNoKey, s.client)}
}

// cached reads the cache. One whose owner has changed is another client's.
func (s *source) cached() (*gssapi.CCache, error) {
	file, err := readSource(s.cache)
	if err != nil {
		return nil, err
	}
	defer clear(file)
	cache, err := gssapi.ParseCCache(file)
	if err != nil {
		return nil, &SourceError{Path: s.cache, Err: err}
	}
	if len(s.client.Components) > 0 && !cache.Client.Equal(s.client) {
		return nil, &SourceError{Path: s.cache, Err: fmt.Errorf("%w: it is the cache of %s, not of %s", gssapi.ErrMismatch, cache.Client, s.client)}
	}
	return cache, nil
}

// granting finds the ticket-granting ticket of a cache. A cache without one still serves
// what services' tickets it has: one without a ticket stands for it until the last of them ends.
func granting(cache *gssapi.CCache, path string, now time.Time) (*gssapi.Credential, error) {
	service := gssapi.GrantingService(cache.Client.Realm)
	var best *gssapi.Credential
	latest := &gssapi.Credential{Client: cache.Client, Service: service}
	for _, c := range cache.Credentials {
		if c.Service.Equal(service) && (best == nil || c.End.After(best.End)) {
			best = c
		}
		if c.End.After(latest.End) {
			latest.End = c.End
		}
	}
	switch {
	case best != nil && best.End.After(now):
		return best, nil
	case latest.End.After(now):
		return latest, nil
	case best != nil:
		return nil, &SourceError{Path: path, Err: fmt.Errorf("%w: the ticket-granting ticket of %s ended at %s: get a new one (kinit)",
			gssapi.ErrExpired, cache.Client, best.End.UTC().Format(time.RFC3339))}
	}
	return nil, &SourceError{Path: path, Err: fmt.Errorf("%w: no ticket of %s that holds (kinit gets one)", gssapi.ErrNoCredential, cache.Client)}
}

// openRegular opens a file; a directory or pipe is an error and not a wait.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	}
	return os.Open(path)
}

// readSource reads a file with a limit.
func readSource(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, &SourceError{Path: path, Err: err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSourceBytes))
	if err != nil {
		return nil, &SourceError{Path: path, Err: err}
	}
	return b, nil
}

// maxSourceBytes is more than gssapi takes of either kind.
const maxSourceBytes = 17 << 20

// cachePath is the file that a cache's name means, KRB5CCNAME and MIT's default included.
func cachePath(name string) (string, error) {
	if name == "" {
		name = os.Getenv("KRB5CCNAME")
	}
	if name == "" {
		return "/tmp/krb5cc_" + strconv.Itoa(os.Getuid()), nil
	}
	kind, path, typed := strings.Cut(name, ":")
	switch {
	case !typed || strings.HasPrefix(name, "/"):
		return name, nil
	case kind == "FILE" && path != "":
		return path, nil
	}
	return "", fmt.Errorf("%w: cache %q is not of the FILE kind, the only one that is read here: set KRB5CCNAME=FILE:/path and run kinit", ErrSource, name)
}
