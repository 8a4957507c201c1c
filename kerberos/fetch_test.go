package kerberos

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file that is only touched, or is away for a moment, is no other; one that comes back is
// to be tried.
func TestWatchedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("one")
	w := lookInto(path)
	require.False(t, w.changed(path))
	write("one")
	require.False(t, w.changed(path))
	write("two")
	require.True(t, w.changed(path))
	require.False(t, w.changed(path))
	before, err := os.Stat(path)
	require.NoError(t, err)
	write("six")
	require.NoError(t, os.Chtimes(path, before.ModTime(), before.ModTime())) // within a tick of the file system's clock
	require.True(t, w.changed(path))
	require.NoError(t, os.Remove(path))
	require.False(t, w.changed(path))
	write("six")
	require.True(t, w.changed(path))
}
