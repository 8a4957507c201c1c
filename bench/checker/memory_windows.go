// Windows does not say how much memory a program had.

package main

import "os"

func peakRSS(*os.ProcessState) uint64 { return 0 }
