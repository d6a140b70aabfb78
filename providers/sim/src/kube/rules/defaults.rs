//! Defaults: what a version of a kind says where the client said nothing.

use serde_json::{Value, json};

use super::{default, default_text, has, items, list, pods, text, webhooks};
use crate::kube::kinds::Resource;

/// Fills in the defaults of a version.
pub(crate) fn apply(resource: &Resource, version: &str, object: &mut Value, minor: u32) {
    match resource.kind.as_str() {
        "Pod" => pod(object),
        "PodTemplate" => {
            if let Some(template) = object.get_mut("template") {
                pods::template(template);
            }
        }
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            workload(resource, object, minor)
        }
        "Job" => job(object, minor),
        "CronJob" => cron_job(object),
        "Service" => service(object, minor),
        "Endpoints" => {
            for subset in items(object, "subsets") {
                items(subset, "ports").for_each(|port| default_text(port, "protocol", "TCP"));
            }
        }
        "EndpointSlice" => items(object, "ports").for_each(|port| {
            default(port, "name", "");
            default(port, "protocol", "TCP");
        }),
        "Namespace" => namespace(object, minor),
        "PersistentVolumeClaim" => {
            claim(object);
        }
        "PersistentVolume" => {
            if let Some(spec) = object.get_mut("spec") {
                default_text(spec, "persistentVolumeReclaimPolicy", "Retain");
                default(spec, "volumeMode", "Filesystem");
                if let Some(path) = spec.get_mut("hostPath") {
                    default(path, "type", "");
                }
            }
            if let Some(status) = object.get_mut("status") {
                default_text(status, "phase", "Pending");
            }
        }
        "Secret" => secret(object),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            webhooks::defaults(resource, version, object)
        }
        "CustomResourceDefinition" => definition(version, object),
        "APIService" => {
            if let Some(service) = object.pointer_mut("/spec/service") {
                default(service, "port", 443);
            }
        }
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        "NetworkPolicy" => policy(object),
        "Ingress" if version == "v1beta1" => {
            for rule in object.get_mut("spec").into_iter().flat_map(|spec| items(spec, "rules")) {
                for path in rule.get_mut("http").into_iter().flat_map(|http| items(http, "paths")) {
                    default(path, "pathType", "ImplementationSpecific");
                }
            }
        }
        "HorizontalPodAutoscaler" => autoscaler(version, object),
        "PriorityClass" => default(object, "preemptionPolicy", "PreemptLowerPriority"),
        "StorageClass" => {
            default(object, "reclaimPolicy", "Delete");
            default(object, "volumeBindingMode", "Immediate");
        }
        "CSIDriver" => csi_driver(object),
        "LimitRange" => limit_range(object),
        _ => {}
    }
}

fn pod(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    pods::spec(spec);
    default(spec, "enableServiceLinks", true);
    for key in ["containers", "initContainers"] {
        for container in items(spec, key) {
            // What is limited and not asked for is asked for up to the limit.
            let limits = container.pointer("/resources/limits").and_then(Value::as_object).cloned();
            if let (Some(limits), Some(resources)) = (limits, container.get_mut("resources")) {
                default(resources, "requests", json!({}));
                for (name, limit) in limits {
                    if let Some(requests) = resources.get_mut("requests") {
                        default(requests, &name, limit);
                    }
                }
            }
        }
    }
}

fn workload(resource: &Resource, object: &mut Value, minor: u32) {
    let counted = object.pointer("/metadata/annotations/deprecated.daemonset.template.generation").is_some();
    if resource.kind == "DaemonSet" && !counted {
        crate::kube::admission::annotate(object, "deprecated.daemonset.template.generation", "0");
    }
    let Some(spec) = object.get_mut("spec") else { return };
    if let Some(template) = spec.get_mut("template") {
        pods::template(template);
    }
    match resource.kind.as_str() {
        "Deployment" => {
            default(spec, "replicas", 1);
            default(spec, "revisionHistoryLimit", 10);
            default(spec, "progressDeadlineSeconds", 600);
            if let Some(strategy) = spec.get_mut("strategy") {
                default_text(strategy, "type", "RollingUpdate");
                if text(strategy, "/type") == "RollingUpdate" {
                    default(strategy, "rollingUpdate", json!({}));
                    if let Some(update) = strategy.get_mut("rollingUpdate") {
                        default(update, "maxUnavailable", "25%");
                        default(update, "maxSurge", "25%");
                    }
                }
            }
        }
        "DaemonSet" => {
            default(spec, "revisionHistoryLimit", 10);
            if let Some(strategy) = spec.get_mut("updateStrategy") {
                default_text(strategy, "type", "RollingUpdate");
                if text(strategy, "/type") == "RollingUpdate" {
                    default(strategy, "rollingUpdate", json!({}));
                    if let Some(update) = strategy.get_mut("rollingUpdate") {
                        default(update, "maxUnavailable", 1);
                        if minor >= 22 {
                            default(update, "maxSurge", 0);
                        }
                    }
                }
            }
        }
        "StatefulSet" => stateful(spec, minor),
        "ReplicationController" => {
            default(spec, "replicas", 1);
            let labels = spec.pointer("/template/metadata/labels").cloned();
            if let Some(labels) = labels {
                default(spec, "selector", labels);
            }
        }
        _ => default(spec, "replicas", 1),
    }
}

fn stateful(spec: &mut Value, minor: u32) {
    default_text(spec, "podManagementPolicy", "OrderedReady");
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    if minor >= 27 {
        default(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
        if let Some(policy) = spec.get_mut("persistentVolumeClaimRetentionPolicy") {
            default_text(policy, "whenDeleted", "Retain");
            default_text(policy, "whenScaled", "Retain");
        }
    }
    if let Some(strategy) = spec.get_mut("updateStrategy") {
        default_text(strategy, "type", "RollingUpdate");
        if text(strategy, "/type") == "RollingUpdate" {
            default(strategy, "rollingUpdate", json!({}));
            if let Some(update) = strategy.get_mut("rollingUpdate") {
                default(update, "partition", 0);
            }
        }
    }
    for template in items(spec, "volumeClaimTemplates") {
        claim(template);
        default_text(template, "apiVersion", "v1");
        default_text(template, "kind", "PersistentVolumeClaim");
    }
}

fn claim(object: &mut Value) {
    if let Some(spec) = object.get_mut("spec") {
        default(spec, "volumeMode", "Filesystem");
    }
    if let Some(status) = object.get_mut("status") {
        default_text(status, "phase", "Pending");
    }
}

fn job(object: &mut Value, minor: u32) {
    let Some(spec) = object.get_mut("spec") else { return };
    if !has(spec, "completions") && !has(spec, "parallelism") {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    default(spec, "backoffLimit", 6);
    if minor >= 22 {
        default(spec, "completionMode", "NonIndexed");
        default(spec, "suspend", false);
    }
    if minor >= 23 {
        default(spec, "manualSelector", false);
    }
    if minor >= 29 {
        let policy = if has(spec, "podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
        default(spec, "podReplacementPolicy", policy);
    }
    if let Some(template) = spec.get_mut("template") {
        pods::template(template);
    }
}

fn cron_job(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    default_text(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    if let Some(template) = spec.pointer_mut("/jobTemplate/spec/template") {
        pods::template(template);
    }
}

fn service(object: &mut Value, minor: u32) {
    let Some(spec) = object.get_mut("spec") else { return };
    default_text(spec, "sessionAffinity", "None");
    match text(spec, "/sessionAffinity") {
        "ClientIP" => default(spec, "sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10_800}})),
        _ => {
            if let Some(map) = spec.as_object_mut() {
                map.remove("sessionAffinityConfig");
            }
        }
    }
    default_text(spec, "type", "ClusterIP");
    let kind = text(spec, "/type").to_owned();
    for port in items(spec, "ports") {
        default_text(port, "protocol", "TCP");
        let number = port.get("port").cloned().unwrap_or_else(|| json!(0));
        if port.get("targetPort").is_none_or(|target| target.is_null() || *target == json!(0) || *target == json!(""))
            && let Some(map) = port.as_object_mut()
        {
            map.insert("targetPort".into(), number);
        }
    }
    let outward = matches!(kind.as_str(), "NodePort" | "LoadBalancer");
    if outward {
        default_text(spec, "externalTrafficPolicy", "Cluster");
    }
    if minor >= 22 && kind != "ExternalName" {
        default(spec, "internalTrafficPolicy", "Cluster");
    }
    if minor >= 22 && kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
    if minor >= 30 && kind == "LoadBalancer" {
        let balancer = object.pointer_mut("/status/loadBalancer");
        for ingress in balancer.into_iter().flat_map(|balancer| items(balancer, "ingress")) {
            if has(ingress, "ip") {
                default(ingress, "ipMode", "VIP");
            }
        }
    }
}

fn namespace(object: &mut Value, minor: u32) {
    let name = text(object, "/metadata/name").to_owned();
    if minor >= 21
        && !name.is_empty()
        && let Some(metadata) = object.get_mut("metadata")
    {
        default(metadata, "labels", json!({}));
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.insert("kubernetes.io/metadata.name".into(), json!(name));
        }
    }
    if let Some(status) = object.get_mut("status") {
        default_text(status, "phase", "Active");
    }
}

fn secret(object: &mut Value) {
    use base64::Engine;
    default_text(object, "type", "Opaque");
    let Some(map) = object.as_object_mut() else { return };
    if let Some(Value::Object(plain)) = map.remove("stringData") {
        let data = map.entry("data").or_insert_with(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            for (key, value) in plain {
                let value = value.as_str().unwrap_or_default();
                data.insert(key, json!(base64::engine::general_purpose::STANDARD.encode(value)));
            }
        }
    }
}

fn definition(version: &str, object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    if version == "v1beta1" {
        default_text(spec, "scope", "Namespaced");
        default(spec, "preserveUnknownFields", true);
        let named = text(spec, "/version").to_owned();
        if list(spec, "/versions").is_empty() && !named.is_empty() {
            let versions = json!([{"name": named, "served": true, "storage": true}]);
            if let Some(map) = spec.as_object_mut() {
                map.insert("versions".into(), versions);
            }
        }
        if named.is_empty()
            && let Some(first) = list(spec, "/versions").first().and_then(|version| version.get("name")).cloned()
        {
            default_text(spec, "version", first.as_str().unwrap_or_default());
        }
    }
    default(spec, "conversion", json!({}));
    if let Some(conversion) = spec.get_mut("conversion") {
        default_text(conversion, "strategy", "None");
        if version == "v1beta1" && text(conversion, "/strategy") == "Webhook" {
            default(conversion, "conversionReviewVersions", json!(["v1beta1"]));
        }
        for place in ["/webhook/clientConfig/service", "/webhookClientConfig/service"] {
            if let Some(service) = conversion.pointer_mut(place) {
                default(service, "port", 443);
            }
        }
    }
    if let Some(names) = spec.get_mut("names") {
        let kind = text(names, "/kind").to_owned();
        default_text(names, "singular", &kind.to_ascii_lowercase());
        default_text(names, "listKind", &format!("{kind}List"));
    }
}

fn binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    if let Some(reference) = object.get_mut("roleRef") {
        default_text(reference, "apiGroup", GROUP);
    }
    for subject in items(object, "subjects") {
        if matches!(text(subject, "/kind"), "User" | "Group") {
            default_text(subject, "apiGroup", GROUP);
        }
    }
}

fn policy(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    for side in ["ingress", "egress"] {
        for rule in items(spec, side) {
            items(rule, "ports").for_each(|port| default_text(port, "protocol", "TCP"));
        }
    }
    if list(spec, "/policyTypes").is_empty() {
        let mut types = vec!["Ingress"];
        if !list(spec, "/egress").is_empty() {
            types.push("Egress");
        }
        if let Some(map) = spec.as_object_mut() {
            map.insert("policyTypes".into(), json!(types));
        }
    }
}

fn autoscaler(version: &str, object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    default(spec, "minReplicas", 1);
    if version != "v1" && list(spec, "/metrics").is_empty() {
        let metric = match version {
            "v2beta1" => json!({"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 80}}),
            _ => {
                json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}})
            }
        };
        if let Some(map) = spec.as_object_mut() {
            map.insert("metrics".into(), json!([metric]));
        }
    }
    let Some(behavior) = spec.get_mut("behavior").filter(|behavior| behavior.is_object()) else { return };
    let policy = |kind: &str, value: u32, period: u32| json!({"type": kind, "value": value, "periodSeconds": period});
    for (side, policies) in [
        ("scaleUp", json!([policy("Pods", 4, 15), policy("Percent", 100, 15)])),
        ("scaleDown", json!([policy("Percent", 100, 15)])),
    ] {
        default(behavior, side, json!({}));
        if let Some(rules) = behavior.get_mut(side) {
            default(rules, "selectPolicy", "Max");
            default(rules, "policies", policies);
            if side == "scaleUp" {
                default(rules, "stabilizationWindowSeconds", 0);
            }
        }
    }
}

fn limit_range(object: &mut Value) {
    for limit in object.get_mut("spec").into_iter().flat_map(|spec| items(spec, "limits")) {
        if text(limit, "/type") != "Container" {
            continue;
        }
        for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
            for (name, amount) in limit.get(from).and_then(Value::as_object).cloned().into_iter().flatten() {
                default(limit, to, json!({}));
                if let Some(amounts) = limit.get_mut(to) {
                    default(amounts, &name, amount);
                }
            }
        }
    }
}

fn csi_driver(object: &mut Value) {
    let Some(spec) = object.get_mut("spec") else { return };
    default(spec, "attachRequired", true);
    default(spec, "podInfoOnMount", false);
    default(spec, "storageCapacity", false);
    default(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    default(spec, "volumeLifecycleModes", json!(["Persistent"]));
    default(spec, "requiresRepublish", false);
    default(spec, "seLinuxMount", false);
}
