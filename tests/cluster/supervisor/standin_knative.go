package main

import (
	"context"
	"fmt"
	"strings"
)

// excluded is what knative's webhooks add to their namespaceSelector.
var excluded = map[string]any{"key": "webhooks.knative.dev/exclude", "operator": "DoesNotExist"}

// fillKnative fills what knative's webhooks write into their own configurations: rules, and an exclusion.
func (s *standIns) fillKnative(ctx context.Context) error {
	var failed error
	for _, kind := range []string{"validating", "mutating"} {
		for _, one := range s.all(kind) {
			var steps []operation
			for index, webhook := range one.objects("webhooks") {
				service := webhook.text("clientConfig", "service", "namespace") + "/" + webhook.text("clientConfig", "service", "name")
				if name, _ := filler(service); name != "knative" || !s.serviceReady(service) || !s.due("knative", kind+" "+one.key()+" rules") {
					continue
				}
				path := fmt.Sprintf("/webhooks/%d", index)
				if len(webhook.objects("rules")) == 0 {
					if rules := knativeRules(webhook.text("name")); rules != nil {
						steps = append(steps, operation{"add", path + "/rules", rules})
					}
				}
				isConfig := strings.HasPrefix(webhook.text("name"), "config.")
				if !isConfig && !selects(webhook, "webhooks.knative.dev/exclude") {
					steps = append(steps, require(path, webhook, excluded)...)
				}
			}
			failed = s.write(ctx, kind, one, knativeManager, steps, failed)
		}
	}
	return failed
}

// knativeRules are what a webhook of knative serving intercepts.
func knativeRules(name string) []any {
	rule := func(group string, versions []any, resources ...any) any {
		return object{
			"apiGroups": []any{group}, "apiVersions": versions, "resources": resources,
			"operations": []any{"CREATE", "UPDATE"}, "scope": "*",
		}
	}
	switch {
	case strings.HasPrefix(name, "config.webhook."):
		return []any{rule("", []any{"v1"}, "configmaps/*")}
	case strings.HasSuffix(name, "webhook.serving.knative.dev"):
		internal := []any{"v1alpha1"}
		return []any{
			rule("autoscaling.internal.knative.dev", internal, "metrics", "podautoscalers"),
			rule("networking.internal.knative.dev", internal, "certificates", "ingresses", "serverlessservices"),
			rule("serving.knative.dev", []any{"v1alpha1", "v1beta1", "v1"}, "configurations", "revisions", "routes", "services"),
		}
	default:
		return nil
	}
}

// selects says whether the namespaceSelector of a webhook has an expression of this key.
func selects(webhook object, key string) bool {
	for _, one := range webhook.objects("namespaceSelector", "matchExpressions") {
		if one.text("key") == key {
			return true
		}
	}
	return false
}

// require adds expressions to the namespaceSelector of a webhook.
func require(path string, webhook object, more ...any) []operation {
	stated, _ := webhook.at("namespaceSelector", "matchExpressions").([]any)
	if webhook.object("namespaceSelector") == nil {
		return []operation{{"add", path + "/namespaceSelector", object{"matchExpressions": more}}}
	}
	return []operation{{"add", path + "/namespaceSelector/matchExpressions", append(append([]any{}, stated...), more...)}}
}
