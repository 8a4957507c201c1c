//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

// Package filelock keeps a file to one program at a time. It knows what that is called on
// each system, and nothing else. A lock ends with the file's closing, or with its process,
// however that ends; programs that do not ask for it are not kept out.
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
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrHeld
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}
