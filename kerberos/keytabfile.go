// A server's keytab on disk, followed while the server runs: keys are rotated without a restart.

package kerberos

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

const (
	// DefaultKeytabCheck is how often a keytab is looked at, at most.
	DefaultKeytabCheck = time.Second
	// maxKeytabFile is as much of a file as is read; gssapi refuses less already.
	maxKeytabFile = 8 << 20
	// settled is how old a file's modification time has to be before equal times are taken
	// to mean equal contents: file systems count in ticks of up to two seconds.
	settled = 2 * time.Second
)

// ErrNoServiceKey says that a keytab has no key that the server could use.
var ErrNoServiceKey = errors.New("keytab has no usable key of the service")

// KeytabError says which keytab could not be used. errors.Is finds the cause, for example
// fs.ErrNotExist, gssapi.ErrFormat or ErrNoServiceKey.
type KeytabError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *KeytabError) Error() string { return fmt.Sprintf("keytab %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *KeytabError) Unwrap() error { return e.Err }

// KeytabFileConfig describes a keytab on disk and what it is for.
type KeytabFileConfig struct {
	Path    string
	Service string // a key of Service/Host has to be in it
	Host    string // empty: of any host
	// CheckEvery is how often the file is looked at, at most; default DefaultKeytabCheck.
	// It is looked at only when a negotiation begins.
	CheckEvery time.Duration
	Logger     *slog.Logger // default: nothing is logged
}

// KeytabStats are a KeytabFile's numbers.
type KeytabStats struct {
	Keys     int    // in force
	Reloads  uint64 // a changed file was taken
	Failures uint64 // a changed file could not be used; the keys before it stayed in force
}

// KeytabFile is a gssapi.KeySource over a file. A file that changes is read again when the
// next negotiation begins; one that cannot be used then changes nothing, is logged, counted
// and tried again. Its methods may be called at the same time. It needs no Close.
//
// Keys that were replaced are not wiped: a negotiation that began with them may still run.
// They are the garbage collector's after that.
type KeytabFile struct {
	cfg      KeytabFileConfig
	keys     atomic.Pointer[gssapi.Keytab]
	reloads  atomic.Uint64
	failures atomic.Uint64

	checking sync.Mutex // held while the file is looked at, and for what follows
	next     time.Time  // not to be looked at before
	seen     os.FileInfo
	readAt   time.Time // when seen was read
	failed   string    // the last failure, which is told once
}

// OpenKeytabFile reads the file. Errors: *KeytabError.
func OpenKeytabFile(cfg KeytabFileConfig) (*KeytabFile, error) {
	if cfg.CheckEvery == 0 {
		cfg.CheckEvery = DefaultKeytabCheck
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := &KeytabFile{cfg: cfg}
	now := time.Now()
	info, keys, err := f.read()
	if err != nil {
		return nil, &KeytabError{Path: cfg.Path, Err: err}
	}
	if info.Mode().Perm()&0o004 != 0 {
		cfg.Logger.Warn("everybody on this host can read the keytab, and be this server: chmod 600", "keytab", cfg.Path)
	}
	f.seen, f.readAt, f.next = info, now, now.Add(cfg.CheckEvery)
	f.keys.Store(keys)
	return f, nil
}

// Keys implements gssapi.KeySource. Of negotiations that begin while the file is looked at,
// only one waits for the disk.
func (f *KeytabFile) Keys() *gssapi.Keytab {
	if f.checking.TryLock() {
		defer f.checking.Unlock()
		if now := time.Now(); !now.Before(f.next) {
			f.next = now.Add(f.cfg.CheckEvery)
			f.check(now)
		}
	}
	return f.keys.Load()
}

// Stats returns the numbers.
func (f *KeytabFile) Stats() KeytabStats {
	return KeytabStats{Keys: len(f.keys.Load().Entries()), Reloads: f.reloads.Load(), Failures: f.failures.Load()}
}

// check takes the file if it is another one, or has changed, or may have.
func (f *KeytabFile) check(now time.Time) {
	info, err := os.Stat(f.cfg.Path)
	if err == nil && f.failed == "" && unchanged(info, f.seen, f.readAt) {
		return
	}
	info, keys, err := f.read()
	if err != nil {
		f.fail(err)
		return
	}
	f.seen, f.readAt, f.failed = info, now, ""
	if same(f.keys.Load(), keys) {
		return
	}
	f.keys.Store(keys)
	f.reloads.Add(1)
	f.cfg.Logger.Info("keytab reloaded", "keytab", f.cfg.Path, "keys", len(keys.Entries()), "versions", versions(keys))
}

// unchanged says that a file is, by now, what it was when it was seen and then read.
func unchanged(now, seen os.FileInfo, readAt time.Time) bool {
	return os.SameFile(now, seen) && now.ModTime().Equal(seen.ModTime()) && now.Size() == seen.Size() &&
		readAt.Sub(now.ModTime()) > settled
}

// fail keeps the keys that are in force. The same failure is told once, and counted once.
func (f *KeytabFile) fail(err error) {
	if text := err.Error(); text != f.failed {
		f.failed = text
		f.failures.Add(1)
		f.cfg.Logger.Error("changed keytab cannot be used; the keys before it stay in force", "keytab", f.cfg.Path, "err", err)
	}
}

// read reads the file and wants a key of the service in it.
func (f *KeytabFile) read() (os.FileInfo, *gssapi.Keytab, error) {
	file, err := openRegular(f.cfg.Path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(io.LimitReader(file, maxKeytabFile))
	defer clear(content)
	if err != nil {
		return nil, nil, err
	}
	keys, err := gssapi.ParseKeytab(content)
	if err != nil {
		return nil, nil, err
	}
	if !slices.ContainsFunc(keys.Entries(), f.serves) {
		return nil, nil, f.noKey()
	}
	return info, keys, nil
}

func (f *KeytabFile) serves(e gssapi.KeytabEntry) bool {
	c := e.Principal.Components
	return len(c) == 2 && c[0] == f.cfg.Service && (f.cfg.Host == "" || c[1] == f.cfg.Host)
}

func (f *KeytabFile) noKey() error {
	host := f.cfg.Host
	if host == "" {
		host = "(any host)"
	}
	return fmt.Errorf("%w %s/%s of an AES type: see what it has (klist -k -e), and export the key (kadmin ktadd)", ErrNoServiceKey, f.cfg.Service, host)
}

// same compares in constant time by key, since it compares secrets.
func same(a, b *gssapi.Keytab) bool {
	return slices.EqualFunc(a.Entries(), b.Entries(), func(x, y gssapi.KeytabEntry) bool {
		return x.Principal.Equal(y.Principal) && x.Version == y.Version && x.Key.Equal(y.Key)
	})
}

// versions names what is in a keytab, each version of each principal once, as far as a
// line of a log has room.
func versions(keys *gssapi.Keytab) string {
	var list []string
	for _, e := range keys.Entries() {
		if len(list) == 8 {
			return strings.Join(list, " ") + " and more"
		}
		if text := fmt.Sprintf("%s#%d", e.Principal, e.Version); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, " ")
}
