package main

import (
	"context"
	"fmt"
)

// What AKS's admissions enforcer adds to every webhook, in the form of the guide's time and in today's.
var enforced = map[string][]any{
	"historic": {map[string]any{"key": "control-plane", "operator": "DoesNotExist"}},
	"current": {
		map[string]any{"key": "control-plane", "operator": "NotIn", "values": []any{"true"}},
		map[string]any{"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": []any{"aks"}},
	},
}

// enforce rewrites namespaceSelectors as AKS does, unless a configuration says that it is to be left alone.
func (s *standIns) enforce(ctx context.Context) error {
	var failed error
	for _, kind := range []string{"validating", "mutating"} {
		for _, one := range s.all(kind) {
			spared := one.annotation("admissions.enforcer/disabled") == "true" || one.text("metadata", "labels", "admissions.enforcer/disabled") == "true"
			if spared || !s.due("enforcer", kind+" "+one.key()) {
				continue
			}
			var steps []operation
			for index, webhook := range one.objects("webhooks") {
				var missing []any
				for _, expression := range enforced[s.enforcer] {
					if !selectsAs(webhook, expression.(map[string]any)) {
						missing = append(missing, expression)
					}
				}
				if len(missing) > 0 {
					steps = append(steps, require(fmt.Sprintf("/webhooks/%d", index), webhook, missing...)...)
				}
			}
			failed = s.write(ctx, kind, one, "admissionsenforcer", steps, failed)
		}
	}
	return failed
}

// selectsAs says whether the namespaceSelector of a webhook has this expression's key and operator.
func selectsAs(webhook object, expression object) bool {
	for _, one := range webhook.objects("namespaceSelector", "matchExpressions") {
		if one.text("key") == expression.text("key") && one.text("operator") == expression.text("operator") {
			return true
		}
	}
	return false
}
