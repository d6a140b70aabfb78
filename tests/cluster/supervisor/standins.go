package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// standIns play the controllers and servers that a cluster without kubelets lacks. Each acts only when what it stands for
// would run: when the pods of its Deployment are Ready, and a while after.
type standIns struct {
	*mirror
	switches  switches
	enforcer  string
	authority *authority
	// The bundle of the API server itself, which cert-manager injects on request.
	server []byte
	log    *os.File
	// Since when each thing could be done, and which of them were asked about in this round.
	since   map[string]time.Time
	seen    map[string]bool
	next    time.Time
	listens map[string]*listener
}

func startStandIns(ctx context.Context, client *client, p *plane) error {
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	log, err := os.Create(p.path("logs", "stand-ins.log"))
	if err != nil {
		return err
	}
	s := &standIns{
		mirror: newMirror(client), switches: p.switches, enforcer: p.enforcer, authority: authority, server: p.bundle, log: log,
		since: map[string]time.Time{}, listens: map[string]*listener{},
	}
	for name, path := range map[string]string{
		"pods": "/api/v1/pods", "services": "/api/v1/services", "nodes": "/api/v1/nodes", "secrets": "/api/v1/secrets",
		"namespaces": "/api/v1/namespaces", "volumes": "/api/v1/persistentvolumes", "claims": "/api/v1/persistentvolumeclaims",
		"classes":     "/apis/storage.k8s.io/v1/storageclasses",
		"validating":  "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
		"mutating":    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
		"crds":        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
		"apiservices": "/apis/apiregistration.k8s.io/v1/apiservices",
	} {
		s.follow(ctx, name, at(path))
	}
	s.follow(ctx, "certificates", s.served("cert-manager.io", "certificates"))
	s.follow(ctx, "issuers", s.served("cert-manager.io", "issuers"))
	s.follow(ctx, "clusterissuers", s.served("cert-manager.io", "clusterissuers"))
	s.follow(ctx, "profiles", s.served("kubeflow.org", "profiles"))
	go s.run(ctx)
	return nil
}

// run acts after each change, and when a delay is over.
func (s *standIns) run(ctx context.Context) {
	for {
		wait := time.Hour
		if !s.next.IsZero() {
			wait = max(time.Until(s.next), 20*time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		case <-time.After(wait):
		}
		// Changes come in crowds.
		time.Sleep(10 * time.Millisecond)
		s.next = time.Time{}
		s.seen = map[string]bool{}
		s.answer()
		for _, act := range []func(context.Context) error{
			s.enforce, s.injectBundles, s.fillOwnBundles, s.fillKnative, s.issue, s.bindClaims, s.freeVolumes, s.giveAddresses, s.offerGPUs, s.makeProfiles,
		} {
			if err := act(ctx); err != nil {
				s.report(err)
			}
		}
		for key := range s.since {
			if !s.seen[key] {
				delete(s.since, key)
			}
		}
	}
}

// report writes what went wrong, and has it tried again.
func (s *standIns) report(err error) {
	fmt.Fprintf(s.log, "%s %v\n", time.Now().Format(time.RFC3339), err)
	s.wake(time.Now().Add(500 * time.Millisecond))
}

func (s *standIns) note(format string, words ...any) {
	fmt.Fprintf(s.log, "%s %s\n", time.Now().Format(time.RFC3339), fmt.Sprintf(format, words...))
}

func (s *standIns) wake(at time.Time) {
	if s.next.IsZero() || at.Before(s.next) {
		s.next = at
	}
}

// due says whether a stand-in may do something now, which it could do since this was asked first. Not asking again, as when
// pods are no longer ready, makes it begin anew.
func (s *standIns) due(name, what string) bool {
	delay, on := s.switches.delay(name)
	if !on {
		return false
	}
	key := name + " " + what
	s.seen[key] = true
	first, known := s.since[key]
	if !known {
		first = time.Now()
		s.since[key] = first
	}
	if end := first.Add(delay); time.Now().Before(end) {
		s.wake(end)
		return false
	}
	return true
}

// podsReady says whether one pod with these labels is Ready.
func (s *standIns) podsReady(namespace string, selector object) bool {
	for _, pod := range s.all("pods") {
		if pod.namespace() == namespace && !pod.goes() && pod.condition("Ready") == "True" && pod.matches(selector) {
			return true
		}
	}
	return false
}

// serviceReady says whether a Service has a Ready pod behind it.
func (s *standIns) serviceReady(key string) bool {
	service := s.one("services", key)
	return service != nil && !service.goes() && s.podsReady(service.namespace(), service.object("spec", "selector"))
}

// controllerReady says whether a pod with one of these values of a label runs, in whatever namespace.
func (s *standIns) controllerReady(label string, values ...string) bool {
	for _, pod := range s.all("pods") {
		if pod.goes() || pod.condition("Ready") != "True" {
			continue
		}
		for _, value := range values {
			if pod.text("metadata", "labels", label) == value {
				return true
			}
		}
	}
	return false
}
