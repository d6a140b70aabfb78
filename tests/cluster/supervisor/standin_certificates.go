package main

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// issue does what cert-manager does: it marks issuers ready, and certificates once their Secret is there.
func (s *standIns) issue(ctx context.Context) error {
	failed := s.keepWebhookAuthority(ctx)
	if !s.controllerReady("app", "cert-manager") {
		return failed
	}
	for _, kind := range []string{"issuers", "clusterissuers"} {
		for _, one := range s.all(kind) {
			if one.condition("Ready") == "True" || !s.due("certificates", kind+" "+one.key()) {
				continue
			}
			status := object{"conditions": []any{ready("IsReady", "", one)}}
			if err := s.status(ctx, kind, one, s.certManager(kind), status); err != nil && failed == nil {
				failed = err
			}
		}
	}
	for _, one := range s.all("certificates") {
		if err := s.certify(ctx, one); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// certManager is the field manager of one of its controllers: since 1.8 each has its own.
func (s *standIns) certManager(controller string) string {
	if s.version("certificates") != "cert-manager.io/v1" {
		return "controller"
	}
	return "cert-manager-" + controller
}

// certify writes the Secret of a certificate, then marks the certificate ready.
func (s *standIns) certify(ctx context.Context, one object) error {
	secretKey := one.namespace() + "/" + one.text("spec", "secretName")
	secret := s.one("secrets", secretKey)
	written := secret.text("data", "tls.crt") != "" && secret.text("data", "ca.crt") != ""
	if one.goes() || written && one.condition("Ready") == "True" {
		return nil
	}
	issuer := s.one("issuers", one.namespace()+"/"+one.text("spec", "issuerRef", "name"))
	if one.text("spec", "issuerRef", "kind") == "ClusterIssuer" {
		issuer = s.one("clusterissuers", one.text("spec", "issuerRef", "name"))
	}
	if issuer.condition("Ready") != "True" || !s.due("certificates", one.key()) {
		return nil
	}
	until := time.Now().AddDate(0, 3, 0)
	if !written {
		return s.writeSecret(ctx, one, secret, until)
	}
	return s.status(ctx, "certificates", one, s.certManager("certificates-readiness"), object{
		"conditions":  []any{ready("Ready", "Certificate is up to date and has not expired", one)},
		"notBefore":   time.Now().UTC().Format(time.RFC3339),
		"notAfter":    until.UTC().Format(time.RFC3339),
		"renewalTime": until.AddDate(0, -1, 0).UTC().Format(time.RFC3339),
		"revision":    1,
	})
}

func (s *standIns) writeSecret(ctx context.Context, one, present object, until time.Time) error {
	names := one.texts("spec", "dnsNames")
	if common := one.text("spec", "commonName"); common != "" {
		names = append(names, common)
	}
	cert, key, err := s.authority.pair(names, until)
	if err != nil {
		return err
	}
	data := object{"ca.crt": s.authority.bundle, "tls.crt": cert, "tls.key": key}
	manager := s.certManager("certificates-issuing")
	s.note("%s writes secret %s/%s", manager, one.namespace(), one.text("spec", "secretName"))
	if present != nil {
		return s.client.patch(ctx, s.path("secrets", present), manager, present, operation{"add", "/data", data})
	}
	issuerKind := one.text("spec", "issuerRef", "kind")
	if issuerKind == "" {
		issuerKind = "Issuer"
	}
	return s.client.create(ctx, "/api/v1/namespaces/"+one.namespace()+"/secrets", manager, object{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data,
		"metadata": object{
			"name": one.text("spec", "secretName"), "namespace": one.namespace(),
			"labels": object{"controller.cert-manager.io/fao": "true"},
			"annotations": object{
				"cert-manager.io/alt-names":        strings.Join(one.texts("spec", "dnsNames"), ","),
				"cert-manager.io/certificate-name": one.name(),
				"cert-manager.io/common-name":      one.text("spec", "commonName"),
				"cert-manager.io/issuer-kind":      issuerKind,
				"cert-manager.io/issuer-name":      one.text("spec", "issuerRef", "name"),
			},
		},
	})
}

// keepWebhookAuthority makes the Secret that cert-manager's webhook keeps its own CA in, which what calls it names.
func (s *standIns) keepWebhookAuthority(ctx context.Context) error {
	for _, kind := range bundledKinds {
		for _, one := range s.all(kind) {
			name := one.annotation("cert-manager.io/inject-ca-from-secret")
			space, short, named := strings.Cut(name, "/")
			if !named || s.one("secrets", name) != nil || s.one("namespaces", space) == nil || s.one("namespaces", space).goes() {
				continue
			}
			for _, place := range places(kind, one) {
				if !s.serviceReady(place.service) || !s.due("certificates", name) {
					continue
				}
				cert, key, err := s.authority.pair([]string{short}, time.Now().AddDate(1, 0, 0))
				if err != nil {
					return err
				}
				return s.client.create(ctx, "/api/v1/namespaces/"+space+"/secrets", "webhook", object{
					"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
					"metadata": object{
						"name": short, "namespace": space,
						"annotations": object{"cert-manager.io/allow-direct-injection": "true"},
					},
					"data": object{"ca.crt": s.authority.bundle, "tls.crt": cert, "tls.key": key},
				})
			}
		}
	}
	return nil
}

// status writes the status of an object; one whose CRD has no such subresource takes it as a part of itself.
func (s *standIns) status(ctx context.Context, kind string, of object, manager string, status object) error {
	path := s.path(kind, of)
	s.note("%s writes the status of %s %s", manager, kind, of.key())
	err := s.client.merge(ctx, path+"/status", manager, object{"status": status})
	if isCode(err, http.StatusNotFound) {
		err = s.client.merge(ctx, path, manager, object{"status": status})
	}
	if isCode(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// ready is the condition Ready, with value True.
func ready(reason, message string, of object) object {
	generation, _ := of.number("metadata", "generation")
	return object{
		"type": "Ready", "status": "True", "reason": reason, "message": message,
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339), "observedGeneration": generation,
	}
}
