package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// down ends the cluster in a folder, and comes back when all of it has ended. None there is none to end: no error.
func down(words []string) error {
	flags := flag.NewFlagSet("down", flag.ContinueOnError)
	dir := flags.String("dir", "", "the folder of the cluster")
	if err := flags.Parse(words); err != nil {
		return err
	}
	if *dir == "" {
		return fmt.Errorf("say which: --dir DIR, the folder of the kubeconfig that `up` printed")
	}
	hold, err := os.OpenFile(filepath.Join(*dir, "lock"), os.O_RDWR, 0)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer hold.Close()
	asked := false
	for limit := time.Now().Add(15 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		// Who holds the lock lives, so the number in it is its own.
		if syscall.Flock(int(hold.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return nil
		}
		if asked {
			continue
		}
		text, err := os.ReadFile(hold.Name())
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(string(text))
		if err != nil {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("process %d of the cluster cannot be ended: %w", pid, err)
		}
		asked = true
	}
	return fmt.Errorf("the cluster in `%s` does not end", *dir)
}
