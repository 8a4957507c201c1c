//go:build unix

// Package processgroup keeps a terminal's Ctrl-C from programs that this one ends itself, in
// its own order. It knows what that is called on each system, and nothing else.
package processgroup

import (
	"os/exec"
	"syscall"
)

// Own puts a program that is about to be started into a group of its own.
func Own(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
