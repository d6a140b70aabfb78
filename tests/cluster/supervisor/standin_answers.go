package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
)

// purposes are what a Service is asked for, by the names of the stand-ins that answer.
type purposes map[string]bool

// listener answers in place of the pods of one Service.
type listener struct {
	server *http.Server
	lock   sync.Mutex
	// What it answers by now; what else it is asked is "not ready yet".
	open purposes
	// The group versions that it serves, when it is an aggregated API.
	versions []string
}

// asked collects which Services are called, and for what: NAMESPACE/NAME:PORT.
func (s *standIns) asked() map[string]purposes {
	found := map[string]purposes{}
	add := func(purpose string, service object) {
		if service == nil {
			return
		}
		port, stated := service.number("port")
		if !stated {
			port = 443
		}
		key := fmt.Sprintf("%s/%s:%d", service.text("namespace"), service.text("name"), port)
		if found[key] == nil {
			found[key] = purposes{}
		}
		found[key][purpose] = true
	}
	for _, kind := range []string{"validating", "mutating"} {
		for _, configuration := range s.all(kind) {
			for _, webhook := range configuration.objects("webhooks") {
				add("admission", webhook.object("clientConfig", "service"))
			}
		}
	}
	for _, definition := range s.all("crds") {
		add("conversion", definition.object("spec", "conversion", "webhook", "clientConfig", "service"))
	}
	for _, api := range s.all("apiservices") {
		add("aggregation", api.object("spec", "service"))
	}
	return found
}

// answer opens listeners for the Services whose pods are ready, and closes those whose pods are not any more.
func (s *standIns) answer() {
	wanted := map[string]purposes{}
	for key, purposes := range s.asked() {
		name, port, _ := strings.Cut(key, ":")
		service := s.one("services", name)
		// The API server answers for itself.
		if name == "default/kubernetes" || !s.serviceReady(name) || !hasPort(service, port) {
			continue
		}
		address := service.text("spec", "clusterIP")
		if net.ParseIP(address) == nil {
			continue
		}
		for purpose := range purposes {
			if s.due(purpose, key) {
				where := net.JoinHostPort(address, port)
				if wanted[where] == nil {
					wanted[where] = map[string]bool{}
				}
				wanted[where][purpose] = true
			}
		}
	}
	for where, listener := range s.listens {
		if wanted[where] == nil {
			s.note("no longer answers at %s", where)
			listener.server.Close()
			delete(s.listens, where)
		}
	}
	for where, purposes := range wanted {
		if err := s.listen(where, purposes); err != nil {
			s.report(err)
		}
	}
}

func hasPort(service object, port string) bool {
	for _, one := range service.objects("spec", "ports") {
		if number, _ := one.number("port"); fmt.Sprint(number) == port {
			return true
		}
	}
	return false
}

// listen opens a listener, or tells an open one what it answers by now.
func (s *standIns) listen(where string, open purposes) error {
	versions := s.aggregated(where)
	if listener, ok := s.listens[where]; ok {
		listener.lock.Lock()
		listener.open, listener.versions = open, versions
		listener.lock.Unlock()
		return nil
	}
	socket, err := net.Listen("tcp", where)
	if err != nil {
		return fmt.Errorf("a stand-in cannot listen at %s: %w", where, err)
	}
	one := &listener{open: open, versions: versions}
	one.server = &http.Server{
		Handler:   one,
		TLSConfig: &tls.Config{GetCertificate: s.authority.serve},
		// A caller that does not trust the certificate yet is the very thing that is tested.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s.listens[where] = one
	s.note("answers at %s: %v", where, open)
	go one.server.ServeTLS(socket, "", "")
	return nil
}

// aggregated lists the group versions of the APIServices that point at an address.
func (s *standIns) aggregated(where string) []string {
	var found []string
	for _, api := range s.all("apiservices") {
		service := s.one("services", api.text("spec", "service", "namespace")+"/"+api.text("spec", "service", "name"))
		if host, _, _ := net.SplitHostPort(where); service != nil && service.text("spec", "clusterIP") == host {
			found = append(found, api.text("spec", "group")+"/"+api.text("spec", "version"))
		}
	}
	return found
}

func (l *listener) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	l.lock.Lock()
	open, versions := l.open, l.versions
	l.lock.Unlock()
	var review object
	if request.Method == http.MethodPost {
		if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
			http.Error(writer, "the request is no JSON: "+err.Error(), http.StatusBadRequest)
			return
		}
	}
	purpose, answer := reply(request.URL.Path, review, versions)
	switch {
	case answer == nil:
		http.NotFound(writer, request)
	case !open[purpose]:
		http.Error(writer, "the stand-in "+purpose+" does not answer yet, or is switched off", http.StatusServiceUnavailable)
	default:
		writer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(writer).Encode(answer)
	}
}

// reply is what the stand-in says, and as which; nil when it has nothing to say.
func reply(path string, review object, versions []string) (string, object) {
	switch review.text("kind") {
	case "AdmissionReview":
		purpose := "admission"
		if strings.HasPrefix(path, "/apis/") {
			// An aggregated API that is called as a webhook through the API server, as early cert-manager was.
			purpose = "aggregation"
		}
		return purpose, object{
			"apiVersion": review.text("apiVersion"), "kind": "AdmissionReview",
			"response": object{"uid": review.text("request", "uid"), "allowed": true},
		}
	case "ConversionReview":
		converted := []any{}
		for _, one := range review.objects("request", "objects") {
			one["apiVersion"] = review.text("request", "desiredAPIVersion")
			converted = append(converted, map[string]any(one))
		}
		return "conversion", object{
			"apiVersion": review.text("apiVersion"), "kind": "ConversionReview",
			"response": object{
				"uid": review.text("request", "uid"), "convertedObjects": converted, "result": object{"status": "Success"},
			},
		}
	}
	if review != nil {
		return "", nil
	}
	return "aggregation", discovery(path, versions)
}

// discovery is what an aggregated API says of itself: that it is there, and has no resources.
func discovery(path string, versions []string) object {
	groups := []any{}
	for _, version := range versions {
		group, short, _ := strings.Cut(version, "/")
		if path == "/apis/"+version {
			return object{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": []any{}}
		}
		about := object{"groupVersion": version, "version": short}
		one := object{"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": []any{about}, "preferredVersion": about}
		if path == "/apis/"+group {
			return one
		}
		groups = append(groups, one)
	}
	if path == "/apis" && len(groups) > 0 {
		return object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
	}
	return nil
}
