//go:build aix || (solaris && !illumos)

// The same where there is no flock. Here the lock is the process's: a second opening within
// it is not kept out, and ends the lock when it is closed.

package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// ErrHeld says that somebody else has the lock.
var ErrHeld = errors.New("another program has it open")

// Take locks an open file without waiting. Errors: ErrHeld, *os.SyscallError.
func Take(file *os.File) error {
	err := unix.FcntlFlock(file.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return ErrHeld
	}
	return os.NewSyscallError("fcntl", err)
}
