// How much memory a program had at most.

//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakRSS returns it in bytes.
func peakRSS(state *os.ProcessState) uint64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return uint64(usage.Maxrss)
	}
	return uint64(usage.Maxrss) << 10
}
