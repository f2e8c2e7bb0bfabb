package harness

import (
	"syscall"
	"time"
)

// processCPU is the time that all threads of the process have been running, the
// collector's included. It needs a Unix.
func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
