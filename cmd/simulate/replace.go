// Files that a command writes at the end of long work, or not at all.

package main

import (
	"errors"
	"io"

	"github.com/a8011091/pegasus-reference/internal/wholefile"
)

// replaceFile is wholefile.Replace; a file that cannot be made is a *usageError.
func replaceFile(path string, write func(io.Writer) error) error {
	return fileError(wholefile.Replace(path, write))
}

// canReplace is wholefile.CanReplace, likewise.
func canReplace(path string) error { return fileError(wholefile.CanReplace(path)) }

func fileError(err error) error {
	if unmade := (*wholefile.MakeError)(nil); errors.As(err, &unmade) {
		return &usageError{err}
	}
	return err
}
