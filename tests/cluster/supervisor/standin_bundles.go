package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Who fills a `caBundle`, by the name that it has as a field manager.
const (
	// cert-manager since 1.8, by its user agent.
	injectorManager = "cert-manager-cainjector"
	// Before, by the name of its binary.
	oldInjectorManager = "cainjector"
	istiodManager      = "pilot-discovery"
	knativeManager     = "webhook"
)

// bundled is a place for a `caBundle`, and the Service that is called there.
type bundled struct {
	path    string
	holder  object
	service string
	present string
}

// places lists where an object of a kind takes a bundle.
func places(kind string, of object) []bundled {
	place := func(path string, holder object) bundled {
		service := holder.object("service")
		key := ""
		if service != nil {
			key = service.text("namespace") + "/" + service.text("name")
		}
		return bundled{path + "/caBundle", holder, key, holder.text("caBundle")}
	}
	switch kind {
	case "validating", "mutating":
		var found []bundled
		for index, webhook := range of.objects("webhooks") {
			found = append(found, place(fmt.Sprintf("/webhooks/%d/clientConfig", index), webhook.object("clientConfig")))
		}
		return found
	case "crds":
		if of.text("spec", "conversion", "strategy") == "Webhook" {
			return []bundled{place("/spec/conversion/webhook/clientConfig", of.object("spec", "conversion", "webhook", "clientConfig"))}
		}
	case "apiservices":
		if of.has("spec", "service") {
			return []bundled{place("/spec", of.object("spec"))}
		}
	}
	return nil
}

var bundledKinds = []string{"validating", "mutating", "crds", "apiservices"}

// injectBundles does what cert-manager's cainjector does, for objects annotated so.
func (s *standIns) injectBundles(ctx context.Context) error {
	if !s.controllerReady("app", "cainjector") {
		return nil
	}
	manager := injectorManager
	if s.version("certificates") != "cert-manager.io/v1" {
		manager = oldInjectorManager
	}
	var failed error
	for _, kind := range bundledKinds {
		for _, one := range s.all(kind) {
			bundle := s.bundleFor(one)
			if bundle == "" || !s.due("cainjector", kind+" "+one.key()) {
				continue
			}
			var steps []operation
			for _, place := range places(kind, one) {
				if place.present != bundle {
					steps = append(steps, operation{"add", place.path, bundle})
				}
			}
			failed = s.write(ctx, kind, one, manager, steps, failed)
		}
	}
	return failed
}

// write sends steps, if there are any, and keeps the first error.
func (s *standIns) write(ctx context.Context, kind string, of object, manager string, steps []operation, failed error) error {
	if len(steps) == 0 {
		return failed
	}
	s.note("%s patches %s %s", manager, kind, of.key())
	if err := s.client.patch(ctx, s.path(kind, of), manager, of, steps...); err != nil && failed == nil {
		return err
	}
	return failed
}

// bundleFor is the bundle that an object's annotations ask for, in base64; empty while there is none.
func (s *standIns) bundleFor(of object) string {
	if name := of.annotation("cert-manager.io/inject-ca-from"); name != "" {
		certificate := s.one("certificates", name)
		if certificate == nil || certificate.condition("Ready") != "True" {
			return ""
		}
		secret := s.one("secrets", certificate.namespace()+"/"+certificate.text("spec", "secretName"))
		return secret.text("data", "ca.crt")
	}
	if name := of.annotation("cert-manager.io/inject-ca-from-secret"); name != "" {
		secret := s.one("secrets", name)
		if secret.annotation("cert-manager.io/allow-direct-injection") != "true" {
			return ""
		}
		return secret.text("data", "ca.crt")
	}
	if of.annotation("cert-manager.io/inject-apiserver-ca") == "true" {
		return base64.StdEncoding.EncodeToString(s.server)
	}
	return ""
}

// injected says whether cert-manager looks after an object.
func injected(of object) bool {
	for _, name := range []string{"inject-ca-from", "inject-ca-from-secret", "inject-apiserver-ca"} {
		if of.annotation("cert-manager.io/"+name) != "" {
			return true
		}
	}
	return false
}

// filler says which stand-in fills the bundle of a Service that looks after its own certificate, and as which manager.
func filler(service string) (name, manager string) {
	space, short, _ := strings.Cut(service, "/")
	switch {
	case short == "istiod":
		return "istiod", istiodManager
	case short == "istio-sidecar-injector":
		return "istiod", "sidecar-injector"
	case short == "istio-galley":
		return "istiod", "galley"
	case strings.HasPrefix(space, "knative-"):
		return "knative", knativeManager
	case strings.HasPrefix(short, "katib-"):
		return "katib", "katib-controller"
	case strings.HasPrefix(short, "spark-operator"):
		return "own-certificates", "spark-operator"
	default:
		// The name of the binary of most controllers.
		return "own-certificates", "manager"
	}
}

// fillOwnBundles does what webhooks do that make their own certificate: istiod, knative, katib, jobset and the like.
func (s *standIns) fillOwnBundles(ctx context.Context) error {
	own := base64.StdEncoding.EncodeToString(s.authority.bundle)
	var failed error
	for _, kind := range bundledKinds {
		for _, one := range s.all(kind) {
			if injected(one) {
				continue
			}
			// One object may be looked after by several.
			steps := map[string][]operation{}
			for index, place := range places(kind, one) {
				name, manager := filler(place.service)
				if place.service == "" || !s.serviceReady(place.service) || !s.due(name, kind+" "+one.key()+" "+place.service) {
					continue
				}
				if err := s.fillSecrets(ctx, place.service, manager); err != nil && failed == nil {
					failed = err
				}
				if place.present != own {
					steps[manager] = append(steps[manager], operation{"add", place.path, own})
				}
				steps[manager] = append(steps[manager], failClosed(kind, manager, index, one)...)
			}
			for _, manager := range sorted(steps) {
				failed = s.write(ctx, kind, one, manager, steps[manager], failed)
			}
		}
	}
	return failed
}

// failClosed is istiod's: it makes its validation fail closed as soon as it serves it.
func failClosed(kind, manager string, index int, of object) []operation {
	if kind != "validating" || manager != istiodManager || of.objects("webhooks")[index].text("failurePolicy") == "Fail" {
		return nil
	}
	return []operation{{"add", fmt.Sprintf("/webhooks/%d/failurePolicy", index), "Fail"}}
}

// fillSecrets fills the empty Secrets in which a webhook keeps its certificate.
func (s *standIns) fillSecrets(ctx context.Context, service, manager string) error {
	space, short, _ := strings.Cut(service, "/")
	for _, secret := range s.all("secrets") {
		name := secret.name()
		fits := strings.Contains(name, "webhook") && (strings.HasSuffix(name, "-cert") || strings.HasSuffix(name, "-certs"))
		if secret.namespace() != space || !fits || len(secret.object("data")) > 0 || secret.goes() {
			continue
		}
		cert, key, err := s.authority.pair([]string{short + "." + space + ".svc"}, time.Now().AddDate(1, 0, 0))
		if err != nil {
			return err
		}
		data := object{"ca.crt": s.authority.bundle, "tls.crt": cert, "tls.key": key}
		if manager == knativeManager {
			data = object{"ca-cert.pem": s.authority.bundle, "server-cert.pem": cert, "server-key.pem": key}
		}
		return s.write(ctx, "secrets", secret, manager, []operation{{"add", "/data", data}}, nil)
	}
	return nil
}
