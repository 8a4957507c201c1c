// Files that a command writes at the end of long work, or not at all.

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// replaceFile has write make the file at path. What was there before is replaced when all is
// written; until then, and where that fails, it stays. A pipe or a terminal is written to as
// it is. A file that cannot be made is a *usageError.
func replaceFile(path string, write func(io.Writer) error) error {
	part := partOf(path)
	file, err := os.Create(part)
	if err != nil {
		return &usageError{err}
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

// canReplace says before long work what replaceFile would say after it.
func canReplace(path string) error {
	part := partOf(path)
	if part == path {
		return nil
	}
	file, err := os.Create(part)
	if err != nil {
		return &usageError{err}
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
