package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// standInNames are what can be switched off or slowed, each by its name.
var standInNames = []string{
	"admission", "conversion", "aggregation",
	"cainjector", "istiod", "knative", "katib", "own-certificates",
	"certificates", "volumes", "load-balancers", "gpu", "profiles", "enforcer",
}

// switches says which stand-ins act, and how long each waits after it could.
type switches struct {
	fallback time.Duration
	allOff   bool
	// A negative delay is "off".
	stated map[string]time.Duration
}

func newSwitches() switches {
	// The enforcer is an admission plug-in on AKS: there is no time without it.
	return switches{stated: map[string]time.Duration{"enforcer": 0}}
}

func (s *switches) set(name, value string) error {
	if !slices.Contains(standInNames, name) {
		return fmt.Errorf("there is no stand-in `%s`; there are: %s", name, strings.Join(standInNames, ", "))
	}
	if value == "off" {
		s.stated[name] = -1
		return nil
	}
	delay, err := time.ParseDuration(value)
	if err != nil || delay < 0 {
		return fmt.Errorf("`%s` of `%s` is neither off nor a time such as 20s", value, name)
	}
	s.stated[name] = delay
	return nil
}

// delay says how long a stand-in waits; false when it is switched off.
func (s *switches) delay(name string) (time.Duration, bool) {
	if s.allOff {
		return 0, false
	}
	if delay, ok := s.stated[name]; ok {
		return delay, delay >= 0
	}
	return s.fallback, true
}
