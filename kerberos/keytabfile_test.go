package kerberos

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/a8011091/pegasus-reference/sasl/gssapi"
)

const (
	testRealm   = "EXAMPLE.ORG"
	testService = "pegasus"
	testHost    = "node1.example.org"
)

// entry is a key of the service that is told by its version.
func entry(t *testing.T, service, host string, version uint32) gssapi.KeytabEntry {
	t.Helper()
	key, err := gssapi.NewKey(17, bytes.Repeat([]byte{byte(version)}, 16))
	require.NoError(t, err)
	return gssapi.KeytabEntry{Principal: gssapi.ServicePrincipal(service, host, testRealm), Version: version, Key: key}
}

func keytab(t *testing.T, entries ...gssapi.KeytabEntry) []byte {
	t.Helper()
	kt, err := gssapi.NewKeytab(entries...)
	require.NoError(t, err)
	b, err := kt.Marshal()
	require.NoError(t, err)
	return b
}

func versionsOf(kt *gssapi.Keytab) (v []uint32) {
	for _, e := range kt.Entries() {
		v = append(v, e.Version)
	}
	return v
}

// followed is a keytab file that is looked at whenever it is asked for.
func followed(t *testing.T, content []byte) (*KeytabFile, string, *bytes.Buffer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "service.keytab")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	var log bytes.Buffer
	f, err := OpenKeytabFile(KeytabFileConfig{
		Path: path, Service: testService, Host: testHost, CheckEvery: time.Nanosecond, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	return f, path, &log
}

func TestKeytabThatCannotBeUsedAtStart(t *testing.T) {
	for _, c := range []struct {
		name    string
		content []byte // nil: no file
		is      error
		says    string
	}{
		{"missing", nil, fs.ErrNotExist, "no such file"},
		{"damaged", []byte("no keytab"), gssapi.ErrFormat, "no keytab"},
		{"empty", []byte{5, 2}, ErrNoServiceKey, "kadmin ktadd"},
		{"another host", keytab(t, entry(t, testService, "node2.example.org", 1)), ErrNoServiceKey, "pegasus/node1.example.org"},
		{"another service", keytab(t, entry(t, "host", testHost, 1)), ErrNoServiceKey, "pegasus/node1.example.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "k")
			if c.content != nil {
				require.NoError(t, os.WriteFile(path, c.content, 0o600))
			}
			_, err := OpenKeytabFile(KeytabFileConfig{Path: path, Service: testService, Host: testHost})
			var failed *KeytabError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, path, failed.Path)
			require.ErrorIs(t, err, c.is)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestAnyHostTakesAnyKeyOfTheService(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	require.NoError(t, os.WriteFile(path, keytab(t, entry(t, testService, "elsewhere", 1)), 0o600))
	_, err := OpenKeytabFile(KeytabFileConfig{Path: path, Service: testService})
	require.NoError(t, err)
}

func TestKeytabIsReadAgainWhenItChanges(t *testing.T) {
	first := entry(t, testService, testHost, 1)
	f, path, log := followed(t, keytab(t, first))
	require.Equal(t, []uint32{1}, versionsOf(f.Keys()))

	// As kadmin ktadd does it: the same file grows.
	require.NoError(t, os.WriteFile(path, keytab(t, first, entry(t, testService, testHost, 2)), 0o600))
	require.Equal(t, []uint32{1, 2}, versionsOf(f.Keys()))

	// As deployment does it: another file takes its name.
	next := path + ".new"
	require.NoError(t, os.WriteFile(next, keytab(t, entry(t, testService, testHost, 3)), 0o600))
	require.NoError(t, os.Rename(next, path))
	require.Equal(t, []uint32{3}, versionsOf(f.Keys()))
	require.Equal(t, KeytabStats{Keys: 1, Reloads: 2}, f.Stats())
	require.Contains(t, log.String(), "pegasus/node1.example.org@EXAMPLE.ORG#3")
}

// A change that leaves size and time as they were, within a tick of the file system's clock.
func TestKeytabThatChangesWithinATick(t *testing.T) {
	f, path, _ := followed(t, keytab(t, entry(t, testService, testHost, 1)))
	before, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, keytab(t, entry(t, testService, testHost, 2)), 0o600))
	require.NoError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
	require.Equal(t, []uint32{2}, versionsOf(f.Keys()))
}

func TestUnchangedKeytabIsNotReadAgain(t *testing.T) {
	content := keytab(t, entry(t, testService, testHost, 1))
	f, path, _ := followed(t, content)
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(path, old, old))
	kept := f.Keys() // reads: the time has changed
	require.NoError(t, os.Chmod(path, 0))
	require.Same(t, kept, f.Keys())
	require.Zero(t, f.Stats().Reloads, "equal contents are no reload")
	require.Zero(t, f.Stats().Failures)
}

func TestBrokenKeytabKeepsTheKeys(t *testing.T) {
	f, path, log := followed(t, keytab(t, entry(t, testService, testHost, 1)))
	for _, broken := range [][]byte{[]byte("half a key"), {5, 2}, keytab(t, entry(t, "host", testHost, 9))} {
		require.NoError(t, os.WriteFile(path, broken, 0o600))
		for range 3 {
			require.Equal(t, []uint32{1}, versionsOf(f.Keys()))
		}
	}
	require.Equal(t, uint64(2), f.Stats().Failures, "a damaged file, and twice one without a key")
	require.NoError(t, os.Remove(path))
	require.Equal(t, []uint32{1}, versionsOf(f.Keys()))
	require.Equal(t, uint64(3), f.Stats().Failures)
	require.Equal(t, 3, bytes.Count(log.Bytes(), []byte("level=ERROR")))
	require.NotContains(t, log.String(), "half a key")

	require.NoError(t, os.WriteFile(path, keytab(t, entry(t, testService, testHost, 2)), 0o600))
	require.Equal(t, []uint32{2}, versionsOf(f.Keys()))
}

func TestKeytabIsLookedAtOncePerInterval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	require.NoError(t, os.WriteFile(path, keytab(t, entry(t, testService, testHost, 1)), 0o600))
	f, err := OpenKeytabFile(KeytabFileConfig{Path: path, Service: testService, CheckEvery: time.Hour})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, keytab(t, entry(t, testService, testHost, 2)), 0o600))
	require.Equal(t, []uint32{1}, versionsOf(f.Keys()))
}

func TestKeytabThatEverybodyCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	require.NoError(t, os.WriteFile(path, keytab(t, entry(t, testService, testHost, 1)), 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	var log bytes.Buffer
	_, err := OpenKeytabFile(KeytabFileConfig{Path: path, Service: testService, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	require.Contains(t, log.String(), "chmod 600")
}

func TestKeytabUnderConcurrentNegotiations(t *testing.T) {
	f, path, _ := followed(t, keytab(t, entry(t, testService, testHost, 1)))
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 200 {
				if n := len(f.Keys().Entries()); n != 1 {
					t.Errorf("%d keys in force", n)
					return
				}
			}
		})
	}
	for version := range uint32(20) {
		next := path + ".new"
		require.NoError(t, os.WriteFile(next, keytab(t, entry(t, testService, testHost, version+2)), 0o600))
		require.NoError(t, os.Rename(next, path))
	}
	wait.Wait()
	require.Equal(t, []uint32{21}, versionsOf(f.Keys()))
}
