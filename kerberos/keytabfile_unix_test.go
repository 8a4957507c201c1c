//go:build unix

package kerberos

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pipe is an error and not a wait: not at the start, and not for a negotiation.
func TestKeytabThatIsAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "k")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err := OpenKeytabFile(KeytabFileConfig{Path: pipe, Service: testService})
	require.ErrorContains(t, err, "no regular file")

	f, path, _ := followed(t, keytab(t, entry(t, testService, testHost, 1)))
	require.NoError(t, os.Rename(pipe, path))
	require.Equal(t, []uint32{1}, versionsOf(f.Keys()))
	require.EqualValues(t, 1, f.Stats().Failures)
}
