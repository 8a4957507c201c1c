// The same on Windows.

package processgroup

import (
	"os/exec"
	"syscall"
)

// Own puts a program that is about to be started into a group of its own.
func Own(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
