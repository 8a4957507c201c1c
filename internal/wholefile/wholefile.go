// Package wholefile writes files that are there whole or not at all: what was there before is
// replaced when all is written; until then, and where that fails, it stays.
package wholefile

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// MakeError is a file that cannot be made: nothing was written.
type MakeError struct{ Err error }

// Error names the file and what was in the way.
func (e *MakeError) Error() string { return e.Err.Error() }

// Unwrap returns what the system said, an *fs.PathError.
func (e *MakeError) Unwrap() error { return e.Err }

// Replace has write make the file at path. A pipe or a terminal is written to as it is.
// Errors: *MakeError, those of write, and what the system says of writing.
func Replace(path string, write func(io.Writer) error) error {
	part := partOf(path)
	file, err := os.Create(part)
	if err != nil {
		return &MakeError{err}
	}
	out := bufio.NewWriter(file)
	if err = write(out); err == nil {
		err = out.Flush()
	}
	err = errors.Join(err, file.Close())
	switch {
	case part == path:
		return err
	case err != nil:
		return errors.Join(err, os.Remove(part))
	}
	return os.Rename(part, path)
}

// CanReplace says before long work what Replace would say after it. Errors: *MakeError.
func CanReplace(path string) error {
	part := partOf(path)
	if part == path {
		return nil
	}
	file, err := os.Create(part)
	if err != nil {
		return &MakeError{err}
	}
	return errors.Join(file.Close(), os.Remove(part))
}

// partOf is the file that becomes the one at path; itself, where that is no regular file.
func partOf(path string) string {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return path
	}
	return path + ".part"
}
