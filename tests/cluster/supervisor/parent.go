package main

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

// pidfdOpen is the number of the system call, the same on all architectures of Linux.
const pidfdOpen = 434

// watchParent closes the channel when the process ends. It holds on to the process itself, not to its number, which
// another may have by then. 0 is nobody: the channel never closes.
func watchParent(pid int) (<-chan struct{}, error) {
	ended := make(chan struct{})
	if pid == 0 {
		return ended, nil
	}
	descriptor, _, code := syscall.Syscall(pidfdOpen, uintptr(pid), 0, 0)
	if code == syscall.ESRCH {
		return nil, fmt.Errorf("process %d, which the cluster was to end with, has ended: give --parent PID, or --parent 0", pid)
	}
	if code != 0 {
		return nil, fmt.Errorf("cannot watch process %d: %w", pid, code)
	}
	go func() {
		defer close(ended)
		for !hasEnded(descriptor) {
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return ended, nil
}

// pollFd is `struct pollfd`.
type pollFd struct {
	descriptor int32
	events     int16
	returned   int16
}

// hasEnded waits up to a second for the process to end.
func hasEnded(descriptor uintptr) bool {
	asked := pollFd{descriptor: int32(descriptor), events: 1}
	limit := syscall.Timespec{Sec: 1}
	count, _, code := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&asked)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	return code == 0 && count == 1
}
