package filelock

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file is one opening's at a time, stays readable, and is free when that is closed.
func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() }) // it may be closed already
		return f
	}
	one, two := open(), open()
	require.NoError(t, Take(one))
	require.ErrorIs(t, Take(two), ErrHeld)
	_, err := one.WriteString("kept\n")
	require.NoError(t, err)
	read, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "kept\n", string(read))
	require.NoError(t, one.Close())
	require.NoError(t, Take(two))
	require.Error(t, Take(one), "it is closed")
}
