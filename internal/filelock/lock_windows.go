// The same on Windows.

package filelock

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// ErrHeld says that somebody else has the lock.
var ErrHeld = errors.New("another program has it open")

// Take locks an open file without waiting. Errors: ErrHeld, *os.SyscallError.
//
// What is locked is the last byte that a file could have: on Windows nobody else can read a
// byte that is locked, and a file has to stay readable.
func Take(file *os.File) error {
	last := windows.Overlapped{Offset: math.MaxUint32 - 1, OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &last)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrHeld
	}
	return os.NewSyscallError("LockFileEx", err)
}
