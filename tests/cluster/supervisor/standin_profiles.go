package main

import (
	"context"
	"strings"
)

// makeProfiles does what Kubeflow's profile controller does first: the namespace of a Profile, owned by it, with the two
// service accounts that notebooks and pipelines run as.
func (s *standIns) makeProfiles(ctx context.Context) error {
	runs := false
	for _, pod := range s.all("pods") {
		runs = runs || strings.HasPrefix(pod.name(), "profiles-deployment-") && pod.condition("Ready") == "True" && !pod.goes()
	}
	if !runs {
		return nil
	}
	for _, profile := range s.all("profiles") {
		if profile.goes() || s.one("namespaces", profile.name()) != nil || !s.due("profiles", profile.key()) {
			continue
		}
		owner := object{
			"apiVersion": profile.text("apiVersion"), "kind": "Profile", "name": profile.name(), "uid": profile.uid(),
			"controller": true, "blockOwnerDeletion": true,
		}
		s.note("makes the namespace of profile %s", profile.name())
		err := s.client.create(ctx, "/api/v1/namespaces", "manager", object{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": object{
				"name": profile.name(), "ownerReferences": []any{owner},
				"annotations": object{"owner": profile.text("spec", "owner", "name")},
				"labels": object{
					"app.kubernetes.io/part-of": "kubeflow-profile", "istio-injection": "enabled",
					"katib.kubeflow.org/metrics-collector-injection": "enabled",
					"pipelines.kubeflow.org/enabled":                 "true",
					"serving.kubeflow.org/inferenceservice":          "enabled",
				},
			},
		})
		if err != nil {
			return err
		}
		for _, account := range []string{"default-editor", "default-viewer"} {
			err := s.client.create(ctx, "/api/v1/namespaces/"+profile.name()+"/serviceaccounts", "manager", object{
				"apiVersion": "v1", "kind": "ServiceAccount",
				"metadata": object{"name": account, "namespace": profile.name(), "ownerReferences": []any{owner}},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
