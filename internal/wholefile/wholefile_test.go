package wholefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was there stays until all is written, and nothing is left beside it.
func TestReplace(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(text string, fails error) error {
		return Replace("page", func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			require.NoError(t, err)
			return fails
		})
	}
	is := func(text string) {
		t.Helper()
		data, err := os.ReadFile("page")
		require.NoError(t, err)
		require.Equal(t, text, string(data))
		entries, err := os.ReadDir(".")
		require.NoError(t, err)
		require.Len(t, entries, 1)
	}
	require.NoError(t, write("the first", nil))
	is("the first")
	full := errors.New("no space left")
	require.ErrorIs(t, write("half of the sec", full), full)
	is("the first")
	require.NoError(t, CanReplace("page"))
	is("the first")
	require.NoError(t, write("the second", nil))
	is("the second")
}

// A device is written to, and not replaced.
func TestReplaceOfADevice(t *testing.T) {
	require.NoError(t, CanReplace(os.DevNull))
	require.NoError(t, Replace(os.DevNull, func(w io.Writer) error { _, err := w.Write([]byte("x")); return err }))
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	require.False(t, info.Mode().IsRegular())
}

func TestFileThatCannotBeMade(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, err := range []error{
		CanReplace("nowhere/page"),
		Replace("nowhere/page", func(io.Writer) error { t.Error("written to what is not there"); return nil }),
	} {
		var unmade *MakeError
		require.ErrorAs(t, err, &unmade)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, "nowhere/page")
	}
}
