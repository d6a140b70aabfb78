// Command cluster boots a Kubernetes control plane for tests, plays what has no kubelet, and ends all of it again.
//
// It picks by its first argument: `up` boots one, `down` ends one. Both are called by the scripts of the same names, which build
// the binaries first. It uses nothing but the standard library, so that a change here is built in seconds.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(words []string) error {
	if len(words) == 0 {
		return fmt.Errorf("name what to do: up or down")
	}
	switch words[0] {
	case "up":
		options, err := parse(words[1:])
		if err != nil {
			return err
		}
		if options.foreground {
			err := supervise(options)
			if err != nil {
				// Whoever could have read it on stderr may be gone.
				os.WriteFile(filepath.Join(options.dir, "logs", "supervisor.log"), []byte(err.Error()+"\n"), 0o644)
			}
			return err
		}
		return detach(options, words[1:])
	case "down":
		return down(words[1:])
	default:
		return fmt.Errorf("`%s` is nothing that can be done: say up or down", words[0])
	}
}
