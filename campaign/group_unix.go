// Workers in a process group of their own.

//go:build unix

package campaign

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps a terminal's interrupt from the process.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
