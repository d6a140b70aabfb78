//! What the server settles by itself before it keeps an object.

use serde_json::{Value, json};

use super::{default, default_text, list, map, metadata, text};
use crate::kube::kinds::{Resource, Version};

/// Kinds whose generation counts changes of what is wanted.
fn has_generation(resource: &Resource, minor: u32) -> bool {
    resource.custom
        || match resource.kind.as_str() {
            "Deployment"
            | "ReplicaSet"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicationController"
            | "CronJob"
            | "Ingress"
            | "IngressClass"
            | "NetworkPolicy"
            | "PodDisruptionBudget"
            | "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
            | "CustomResourceDefinition"
            | "PriorityClass"
            | "FlowSchema"
            | "PriorityLevelConfiguration"
            | "EndpointSlice" => true,
            "Job" => minor >= 25,
            "Pod" => minor >= 33,
            _ => false,
        }
}

/// Settles a new object.
pub(crate) fn create(resource: &Resource, version: &Version, minor: u32, object: &mut Value) {
    if version.status {
        reset_status(resource, object);
    }
    metadata::set(object, "generation", has_generation(resource, minor).then(|| json!(1)));
    match resource.kind.as_str() {
        "Namespace" if !resource.custom => {
            default(object, "spec", json!({}));
            if let Some(spec) = object.get_mut("spec") {
                let finalizers = list(spec, "/finalizers");
                if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
                    let all: Vec<Value> = [json!("kubernetes")].into_iter().chain(finalizers.iter().cloned()).collect();
                    if let Some(map) = spec.as_object_mut() {
                        map.insert("finalizers".into(), Value::Array(all));
                    }
                }
            }
        }
        "Job" if !resource.custom => {
            job_selector(minor, object);
            let labels = object.pointer("/spec/template/metadata/labels").cloned();
            if let (Some(labels), Some(metadata)) = (labels, object.get_mut("metadata")) {
                default(metadata, "labels", labels);
            }
        }
        "DaemonSet" if !resource.custom => template_generation(object, 1),
        "Pod" if !resource.custom => {
            let class = quality(object);
            if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
                status.insert("phase".into(), json!("Pending"));
                status.insert("qosClass".into(), json!(class));
            }
        }
        _ => {}
    }
}

/// DaemonSets count their templates in an annotation, for clients of long ago.
fn template_generation(object: &mut Value, generation: i64) {
    crate::kube::admission::annotate(object, "deprecated.daemonset.template.generation", &generation.to_string());
}

/// The status that a new object of a kind has.
fn reset_status(resource: &Resource, object: &mut Value) {
    let Some(map) = object.as_object_mut() else { return };
    if resource.custom {
        map.remove("status");
        return;
    }
    let status = match resource.kind.as_str() {
        "Namespace" => json!({"phase": "Active"}),
        "PersistentVolumeClaim" | "PersistentVolume" => json!({"phase": "Pending"}),
        "Service" | "Ingress" => json!({"loadBalancer": {}}),
        "DaemonSet" => {
            json!({"currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0})
        }
        "ReplicaSet" | "ReplicationController" => json!({"replicas": 0}),
        "StatefulSet" => json!({"availableReplicas": 0, "replicas": 0}),
        "PodDisruptionBudget" => {
            json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0})
        }
        "HorizontalPodAutoscaler" => json!({"currentMetrics": null, "desiredReplicas": 0}),
        "CustomResourceDefinition" => {
            let versions = map.get("spec").map(|spec| list(spec, "/versions")).unwrap_or_default();
            let stored = versions.iter().find(|version| version.get("storage") == Some(&Value::Bool(true)));
            let stored: Vec<Value> = stored.and_then(|version| version.get("name")).cloned().into_iter().collect();
            json!({"acceptedNames": {"kind": "", "plural": ""}, "conditions": null, "storedVersions": stored})
        }
        "Node" => {
            json!({"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": map.get("status").and_then(|status| status.get("nodeInfo")).cloned().unwrap_or_else(|| json!({
            "architecture": "", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "", "kubeProxyVersion": "",
            "kubeletVersion": "", "machineID": "", "operatingSystem": "", "osImage": "", "systemUUID": ""}))})
        }
        _ => json!({}),
    };
    // Nodes are made by their kubelets, which state what they are.
    if resource.kind == "Node" && map.get("status").is_some_and(|status| status.get("capacity").is_some()) {
        return;
    }
    map.insert("status".into(), status);
}

/// A Job finds its pods by labels that nobody else has.
fn job_selector(minor: u32, object: &mut Value) {
    if object.pointer("/spec/manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    let (uid, name) = (text(object, "/metadata/uid").to_owned(), text(object, "/metadata/name").to_owned());
    let Some(spec) = object.get_mut("spec") else { return };
    default(spec, "template", json!({}));
    if let Some(template) = spec.get_mut("template") {
        default(template, "metadata", json!({}));
        if let Some(inner) = template.get_mut("metadata") {
            default(inner, "labels", json!({}));
            if let Some(labels) = inner.get_mut("labels").and_then(Value::as_object_mut) {
                labels.insert("controller-uid".into(), json!(uid));
                labels.insert("job-name".into(), json!(name));
                if minor >= 27 {
                    labels.insert("batch.kubernetes.io/controller-uid".into(), json!(uid));
                    labels.insert("batch.kubernetes.io/job-name".into(), json!(name));
                }
            }
        }
    }
    let key = if minor >= 27 { "batch.kubernetes.io/controller-uid" } else { "controller-uid" };
    default(spec, "selector", json!({}));
    if let Some(selector) = spec.get_mut("selector") {
        default(selector, "matchLabels", json!({}));
        if let Some(labels) = selector.get_mut("matchLabels").and_then(Value::as_object_mut) {
            labels.insert(key.into(), json!(uid));
        }
    }
}

/// The class of a pod by what its containers ask for.
fn quality(pod: &Value) -> &'static str {
    let mut guaranteed = true;
    let mut anything = false;
    for container in list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers")) {
        for name in ["cpu", "memory"] {
            let limit = text(container, &format!("/resources/limits/{name}"));
            let request = text(container, &format!("/resources/requests/{name}"));
            anything |= !limit.is_empty() || !request.is_empty();
            guaranteed &= !limit.is_empty() && (request.is_empty() || request == limit);
        }
    }
    match (anything, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// Settles an object that takes the place of another. `part` is the subresource that was written.
pub(crate) fn update(resource: &Resource, version: &Version, minor: u32, part: &str, new: &mut Value, old: &Value) {
    for key in ["generation", "creationTimestamp", "deletionTimestamp"] {
        let before = old.pointer(&format!("/metadata/{key}")).cloned();
        if before.is_some() || key == "generation" {
            metadata::set(new, key, before);
        }
    }
    if text(new, "/metadata/uid").is_empty() {
        let uid = old.pointer("/metadata/uid").cloned();
        metadata::set(new, "uid", uid);
    }
    if new.pointer("/metadata/deletionGracePeriodSeconds").is_none() {
        let before = old.pointer("/metadata/deletionGracePeriodSeconds").cloned();
        metadata::set(new, "deletionGracePeriodSeconds", before);
    }
    match part {
        "status" => keep_all_but_status(resource, new, old),
        "finalize" => {
            copy(new, old, "status");
        }
        "" | "scale" => {
            if version.status {
                copy(new, old, "status");
            }
            settle_kind(resource, new, old);
            if has_generation(resource, minor) && wants_differ(resource, version, new, old) {
                let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0) + 1;
                metadata::set(new, "generation", Some(json!(generation)));
            }
        }
        _ => {}
    }
}

fn copy(new: &mut Value, old: &Value, key: &str) {
    let Some(map) = new.as_object_mut() else { return };
    match old.get(key) {
        Some(value) => {
            map.insert(key.to_owned(), value.clone());
        }
        None => {
            map.remove(key);
        }
    }
}

fn keep_all_but_status(resource: &Resource, new: &mut Value, old: &Value) {
    let mut out = old.clone();
    let managed = new.pointer("/metadata/managedFields").cloned();
    let metadata = new.get("metadata").cloned();
    let status = new.get("status").cloned();
    if let Some(map) = out.as_object_mut() {
        match status {
            Some(status) => {
                map.insert("status".into(), status);
            }
            None => {
                map.remove("status");
            }
        }
        // Only few kinds keep metadata that comes with a status; labels and annotations of the rest do change.
        let frozen = resource.custom || matches!(resource.kind.as_str(), "CustomResourceDefinition" | "APIService");
        if let (false, Some(mut metadata)) = (frozen, metadata) {
            if let Some(inner) = metadata.as_object_mut()
                && matches!(resource.kind.as_str(), "Deployment" | "ReplicaSet")
            {
                match old.pointer("/metadata/labels") {
                    Some(labels) => inner.insert("labels".into(), labels.clone()),
                    None => inner.remove("labels"),
                };
            }
            map.insert("metadata".into(), metadata);
        }
    }
    super::metadata::set(&mut out, "managedFields", managed);
    *new = out;
}

/// Whether the two want different things.
fn wants_differ(resource: &Resource, version: &Version, new: &Value, old: &Value) -> bool {
    if resource.custom {
        let skipped = |key: &str| key == "metadata" || key == "apiVersion" || (key == "status" && version.status);
        let rest = |object: &Value| {
            let map = object.as_object().cloned().unwrap_or_default();
            map.into_iter().filter(|(key, _)| !skipped(key)).collect::<serde_json::Map<_, _>>()
        };
        return rest(new) != rest(old);
    }
    match resource.kind.as_str() {
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => new.get("webhooks") != old.get("webhooks"),
        "Deployment" => {
            new.get("spec") != old.get("spec")
                || map(new, "/metadata/annotations").cloned().unwrap_or_default()
                    != map(old, "/metadata/annotations").cloned().unwrap_or_default()
        }
        "PriorityClass" => false,
        "EndpointSlice" => new.get("endpoints") != old.get("endpoints") || new.get("ports") != old.get("ports"),
        _ => new.get("spec") != old.get("spec"),
    }
}

/// What an update of a kind takes over from before where it says nothing.
fn settle_kind(resource: &Resource, new: &mut Value, old: &Value) {
    if resource.custom {
        return;
    }
    match resource.kind.as_str() {
        "Service" => {
            let kind = text(new, "/spec/type").to_owned();
            let was = text(old, "/spec/type").to_owned();
            let (Some(spec), Some(before)) = (new.get_mut("spec"), old.get("spec")) else { return };
            if kind != "ExternalName" && was != "ExternalName" {
                for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy", "clusterIP"] {
                    if let Some(value) = before.get(key) {
                        default_text_or_list(spec, key, value);
                    }
                }
            }
            drop_dependent(&kind, &was, spec, before);
            keep_node_ports(&kind, spec, before);
            if kind == "LoadBalancer"
                && was == "LoadBalancer"
                && text(spec, "/externalTrafficPolicy") == "Local"
                && let Some(port) = before.get("healthCheckNodePort")
            {
                default(spec, "healthCheckNodePort", port.clone());
            }
        }
        "Namespace" => {
            if let (Some(map), Some(spec)) = (new.as_object_mut(), old.get("spec")) {
                map.insert("spec".into(), spec.clone());
            }
        }
        "DaemonSet" => {
            let before =
                text(old, "/metadata/annotations/deprecated.daemonset.template.generation").parse().unwrap_or(0);
            let same = new.pointer("/spec/template") == old.pointer("/spec/template");
            template_generation(new, if same { before } else { before + 1 });
        }
        "Job" => {
            if let (Some(spec), Some(before)) = (new.get_mut("spec"), old.get("spec"))
                && let Some(selector) = before.get("selector")
            {
                default(spec, "selector", selector.clone());
            }
        }
        "PersistentVolumeClaim" => {
            let name = text(old, "/spec/volumeName").to_owned();
            if let (Some(spec), false) = (new.get_mut("spec"), name.is_empty()) {
                default_text(spec, "volumeName", &name);
            }
        }
        _ => {}
    }
}

fn default_text_or_list(spec: &mut Value, key: &str, value: &Value) {
    let empty = spec.get(key).is_none_or(|value| {
        value.is_null() || value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty)
    });
    if let (true, Some(map)) = (empty, spec.as_object_mut()) {
        map.insert(key.to_owned(), value.clone());
    }
}

/// What only the type before had a use for goes with it, where it was not changed.
fn drop_dependent(kind: &str, was: &str, spec: &mut Value, before: &Value) {
    let outward = |kind: &str| matches!(kind, "NodePort" | "LoadBalancer");
    let balanced = |kind: &str| kind == "LoadBalancer";
    let gone = [
        ("externalTrafficPolicy", outward(was) && !outward(kind)),
        ("allocateLoadBalancerNodePorts", balanced(was) && !balanced(kind)),
        ("loadBalancerClass", balanced(was) && !balanced(kind)),
        ("healthCheckNodePort", balanced(was) && !balanced(kind)),
    ];
    if let Some(map) = spec.as_object_mut() {
        for (key, _) in gone.into_iter().filter(|(_, goes)| *goes) {
            if map.get(key) == before.get(key) {
                map.remove(key);
            }
        }
    }
    if outward(was) && !outward(kind) {
        for port in super::items(spec, "ports") {
            let kept = list(before, "/ports").iter().any(|old| old.get("nodePort") == port.get("nodePort"));
            if let (true, Some(port)) = (kept, port.as_object_mut()) {
                port.remove("nodePort");
            }
        }
    }
}

/// Ports keep the node ports that they had, by protocol and number.
fn keep_node_ports(kind: &str, spec: &mut Value, before: &Value) {
    if !matches!(kind, "NodePort" | "LoadBalancer") {
        return;
    }
    for port in super::items(spec, "ports") {
        let mine = (port.get("port").cloned(), port.get("protocol").cloned());
        let old =
            list(before, "/ports").iter().find(|old| (old.get("port").cloned(), old.get("protocol").cloned()) == mine);
        if let Some(number) = old.and_then(|old| old.get("nodePort")) {
            default(port, "nodePort", number.clone());
        }
    }
}
