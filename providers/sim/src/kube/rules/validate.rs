//! Rules that every object of a kind must keep.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{has, list, map, metadata, names, text, webhooks};
use crate::kube::definitions;
use crate::kube::kinds::Resource;
use crate::kube::status::FieldError;

/// What is wrong with an object in itself. `version` is the one it was written in.
pub(crate) fn check(resource: &Resource, version: &str, object: &Value) -> Vec<FieldError> {
    let mut errors = metadata::check(resource, object);
    if resource.custom {
        return errors;
    }
    match resource.kind.as_str() {
        "Pod" => pod_spec("spec", object.get("spec"), &mut errors),
        "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet" => workload(resource, object, &mut errors),
        "Job" => {
            pod_spec("spec.template.spec", object.pointer("/spec/template/spec"), &mut errors);
            if text(object, "/spec/template/spec/restartPolicy") == "Always" {
                let supported = ["OnFailure", "Never"];
                errors.push(FieldError::required(
                    "spec.template.spec.restartPolicy",
                    format!("valid values: \"{}\", \"{}\"", supported[0], supported[1]),
                ));
            }
        }
        "CronJob" => {
            if text(object, "/spec/schedule").is_empty() {
                errors.push(FieldError::required("spec.schedule", ""));
            }
            pod_spec(
                "spec.jobTemplate.spec.template.spec",
                object.pointer("/spec/jobTemplate/spec/template/spec"),
                &mut errors,
            );
        }
        "Service" => service(object, &mut errors),
        "ConfigMap" => keys(object, &["data", "binaryData"], &mut errors),
        "Secret" => {
            keys(object, &["data"], &mut errors);
            secret(object, &mut errors);
        }
        "PersistentVolumeClaim" => claim(object, &mut errors),
        "RoleBinding" | "ClusterRoleBinding" => binding(resource, object, &mut errors),
        "Role" | "ClusterRole" => role(resource, object, &mut errors),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            errors.extend(webhooks::check(version, object))
        }
        "CustomResourceDefinition" => errors.extend(definitions::check(version, object)),
        "APIService" => api_service(object, &mut errors),
        "HorizontalPodAutoscaler" => autoscaler(object, &mut errors),
        "PodDisruptionBudget" if has_both(object, "/spec/minAvailable", "/spec/maxUnavailable") => {
            let at = |key: &str| object.pointer(&format!("/spec/{key}")).cloned().unwrap_or_default();
            let value = json!({"MinAvailable": at("minAvailable"), "Selector": at("selector"),
                "MaxUnavailable": at("maxUnavailable"), "UnhealthyPodEvictionPolicy": at("unhealthyPodEvictionPolicy")});
            errors.push(FieldError::invalid("spec", value, "minAvailable and maxUnavailable cannot be both set"));
        }
        "Ingress" if list(object, "/spec/rules").is_empty() && object.pointer("/spec/defaultBackend").is_none() => {
            errors.push(FieldError::invalid(
                "spec",
                Value::Null,
                "either `defaultBackend` or `rules` must be specified",
            ));
        }
        "StorageClass" if text(object, "/provisioner").is_empty() => {
            errors.push(FieldError::required("provisioner", ""));
        }
        "PriorityClass" => {
            let value = object.get("value").and_then(Value::as_i64).unwrap_or(0);
            let system = text(object, "/metadata/name").starts_with("system-");
            if !system && value > 1_000_000_000 {
                let detail = "maximum allowed value of a user defined priority is 1000000000";
                errors.push(FieldError::forbidden("value", detail));
            }
        }
        _ => {}
    }
    errors
}

fn has_both(object: &Value, one: &str, other: &str) -> bool {
    let set = |pointer: &str| object.pointer(pointer).is_some_and(|value| !value.is_null());
    set(one) && set(other)
}

fn workload(resource: &Resource, object: &Value, errors: &mut Vec<FieldError>) {
    if object.pointer("/spec/replicas").and_then(Value::as_i64).is_some_and(|replicas| replicas < 0) {
        let value = object.pointer("/spec/replicas").cloned().unwrap_or_default();
        errors.push(FieldError::invalid("spec.replicas", value, "must be greater than or equal to 0"));
    }
    selector(object, errors);
    pod_spec("spec.template.spec", object.pointer("/spec/template/spec"), errors);
    errors.extend(metadata::labels("spec.template.labels", map(object, "/spec/template/metadata/labels")));
    if text(object, "/spec/template/spec/restartPolicy") != "Always" {
        let value = text(object, "/spec/template/spec/restartPolicy");
        errors.push(FieldError::not_supported("spec.template.spec.restartPolicy", value, &["Always"]));
    }
    let recreates = resource.kind == "Deployment" && text(object, "/spec/strategy/type") == "Recreate";
    if recreates && object.pointer("/spec/strategy/rollingUpdate").is_some() {
        let detail = "may not be specified when strategy `type` is 'Recreate'";
        errors.push(FieldError::forbidden("spec.strategy.rollingUpdate", detail));
    }
    if resource.kind == "StatefulSet" {
        let name = text(object, "/spec/serviceName");
        if !name.is_empty() {
            let found = names::label_1035(name);
            errors.extend(found.into_iter().map(|error| FieldError::invalid("spec.serviceName", name, error)));
        }
    }
}

fn selector(object: &Value, errors: &mut Vec<FieldError>) {
    let Some(selector) = object.pointer("/spec/selector").filter(|selector| !selector.is_null()) else {
        errors.push(FieldError::required("spec.selector", ""));
        let labels = object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
        errors.push(FieldError::invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        ));
        return;
    };
    let empty = map(selector, "/matchLabels").is_none_or(serde_json::Map::is_empty)
        && list(selector, "/matchExpressions").is_empty();
    if empty {
        errors.push(FieldError::invalid("spec.selector", selector.clone(), "empty selector is invalid for deployment"));
    }
    let labels = object.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
    if !crate::kube::server::Labels::of_selector(selector).matches(labels.as_object()) {
        errors.push(FieldError::invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        ));
    }
}

/// Rules of pods, wherever the spec of one stands.
pub(crate) fn pod_spec(field: &str, spec: Option<&Value>, errors: &mut Vec<FieldError>) {
    let Some(spec) = spec else { return };
    let volumes = volumes(field, spec, errors);
    let mut containers = BTreeSet::new();
    if list(spec, "/containers").is_empty() {
        errors.push(FieldError::required(format!("{field}.containers"), ""));
    }
    for key in ["containers", "initContainers"] {
        for (index, container) in list(spec, &format!("/{key}")).iter().enumerate() {
            let here = format!("{field}.{key}[{index}]");
            let name = text(container, "/name");
            if name.is_empty() {
                errors.push(FieldError::required(format!("{here}.name"), ""));
            } else {
                errors.extend(
                    names::label(name)
                        .into_iter()
                        .map(|error| FieldError::invalid(format!("{here}.name"), name, error)),
                );
            }
            if !containers.insert(name) {
                errors.push(FieldError::duplicate(format!("{here}.name"), name));
            }
            if text(container, "/image").is_empty() {
                errors.push(FieldError::required(format!("{here}.image"), ""));
            }
            parts(&here, container, &volumes, errors);
        }
    }
    let policy = text(spec, "/restartPolicy");
    if !matches!(policy, "Always" | "OnFailure" | "Never" | "") {
        errors.push(FieldError::not_supported(
            format!("{field}.restartPolicy"),
            policy,
            &["Always", "OnFailure", "Never"],
        ));
    }
}

/// What a volume can come from, in the order in which the server looks.
const SOURCES: [&str; 28] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
];

fn volumes<'a>(field: &str, spec: &'a Value, errors: &mut Vec<FieldError>) -> BTreeSet<&'a str> {
    let mut volumes = BTreeSet::new();
    for (index, volume) in list(spec, "/volumes").iter().enumerate() {
        let here = format!("{field}.volumes[{index}]");
        let name = text(volume, "/name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{here}.name"), ""));
        } else {
            errors.extend(
                names::label(name).into_iter().map(|error| FieldError::invalid(format!("{here}.name"), name, error)),
            );
        }
        if !volumes.insert(name) {
            errors.push(FieldError::duplicate(format!("{here}.name"), name));
        }
        let mut sources: Vec<&str> = volume
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .filter(|key| *key != "name")
            .collect();
        sources.sort_by_key(|source| SOURCES.iter().position(|known| known == source));
        for second in sources.iter().skip(1) {
            errors.push(FieldError::forbidden(format!("{here}.{second}"), "may not specify more than 1 volume type"));
        }
    }
    volumes
}

fn parts(field: &str, container: &Value, volumes: &BTreeSet<&str>, errors: &mut Vec<FieldError>) {
    for (index, port) in list(container, "/ports").iter().enumerate() {
        let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or(0);
        let here = format!("{field}.ports[{index}]");
        if number == 0 {
            errors.push(FieldError::required(format!("{here}.containerPort"), ""));
        } else if !(1..=65_535).contains(&number) {
            errors.push(FieldError::invalid(
                format!("{here}.containerPort"),
                number,
                "must be between 1 and 65535, inclusive",
            ));
        }
        let protocol = text(port, "/protocol");
        if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
            errors.push(FieldError::not_supported(format!("{here}.protocol"), protocol, &["SCTP", "TCP", "UDP"]));
        }
    }
    for (index, variable) in list(container, "/env").iter().enumerate() {
        let here = format!("{field}.env[{index}]");
        if text(variable, "/name").is_empty() {
            errors.push(FieldError::required(format!("{here}.name"), ""));
        }
        if has(variable, "valueFrom") && !text(variable, "/value").is_empty() {
            let detail = "may not be specified when `value` is not empty";
            errors.push(FieldError::invalid(format!("{here}.valueFrom"), "", detail));
        }
    }
    let mut paths = BTreeSet::new();
    for (index, mount) in list(container, "/volumeMounts").iter().enumerate() {
        let here = format!("{field}.volumeMounts[{index}]");
        let (name, path) = (text(mount, "/name"), text(mount, "/mountPath"));
        if name.is_empty() {
            errors.push(FieldError::required(format!("{here}.name"), ""));
        } else if !volumes.contains(name) {
            errors.push(FieldError::of("FieldValueNotFound", format!("{here}.name"), Some(json!(name)), ""));
        }
        if path.is_empty() {
            errors.push(FieldError::required(format!("{here}.mountPath"), ""));
        } else if !paths.insert(path) {
            errors.push(FieldError::invalid(format!("{here}.mountPath"), path, "must be unique"));
        }
    }
    for (name, request) in map(container, "/resources/requests").into_iter().flatten() {
        let limit = container.pointer("/resources/limits").and_then(|limits| limits.get(name)).and_then(Value::as_str);
        let request = request.as_str().unwrap_or_default();
        let over = limit
            .and_then(|limit| crate::kube::schema::compare_quantities(request, limit))
            .is_some_and(std::cmp::Ordering::is_gt);
        if let (true, Some(limit)) = (over, limit) {
            let detail = format!("must be less than or equal to {name} limit of {limit}");
            errors.push(FieldError::invalid(format!("{field}.resources.requests"), request, detail));
        }
    }
}

fn service(object: &Value, errors: &mut Vec<FieldError>) {
    let kind = text(object, "/spec/type");
    let ports = list(object, "/spec/ports");
    if !matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName") {
        errors.push(FieldError::not_supported(
            "spec.type",
            kind,
            &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
        ));
    }
    if ports.is_empty() && text(object, "/spec/clusterIP") != "None" && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    let mut names_seen = BTreeSet::new();
    let mut ports_seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let here = format!("spec.ports[{index}]");
        let name = text(port, "/name");
        if ports.len() > 1 && name.is_empty() {
            errors.push(FieldError::required(format!("{here}.name"), ""));
        } else if !name.is_empty() {
            errors.extend(
                names::label(name).into_iter().map(|error| FieldError::invalid(format!("{here}.name"), name, error)),
            );
            if !names_seen.insert(name) {
                errors.push(FieldError::duplicate(format!("{here}.name"), name));
            }
        }
        let number = port.get("port").and_then(Value::as_i64).unwrap_or(0);
        if !(1..=65_535).contains(&number) {
            errors.push(FieldError::invalid(format!("{here}.port"), number, "must be between 1 and 65535, inclusive"));
        }
        let target = port.get("targetPort").and_then(Value::as_i64).filter(|target| !(1..=65_535).contains(target));
        if let Some(target) = target {
            errors.push(FieldError::invalid(
                format!("{here}.targetPort"),
                target,
                "must be between 1 and 65535, inclusive",
            ));
        }
        if !ports_seen.insert((number, text(port, "/protocol"))) {
            let value = json!({"port": number, "protocol": text(port, "/protocol")});
            errors.push(FieldError::duplicate(here, value));
        }
    }
    if kind == "ExternalName" && text(object, "/spec/externalName").is_empty() {
        errors.push(FieldError::required("spec.externalName", ""));
    }
}

fn keys(object: &Value, maps: &[&str], errors: &mut Vec<FieldError>) {
    let mut size = 0;
    for name in maps {
        for (key, value) in map(object, &format!("/{name}")).into_iter().flatten() {
            let found = names::config_key(key);
            errors.extend(
                found.into_iter().map(|error| FieldError::invalid(format!("{name}[{key}]"), key.as_str(), error)),
            );
            size += value
                .as_str()
                .map_or(0, |value| if *name == "data" && maps.len() == 2 { value.len() } else { value.len() / 4 * 3 });
        }
    }
    if size > 1 << 20 {
        let detail = "may not be more than 1048576 bytes";
        errors.push(FieldError::of("FieldValueTooLong", if maps.len() == 2 { "" } else { "data" }, None, detail));
    }
}

fn secret(object: &Value, errors: &mut Vec<FieldError>) {
    let required: &[&str] = match text(object, "/type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    for key in required {
        if map(object, "/data").is_none_or(|data| !data.contains_key(*key)) {
            errors.push(FieldError::required(format!("data[{key}]"), ""));
        }
    }
}

fn claim(object: &Value, errors: &mut Vec<FieldError>) {
    if list(object, "/spec/accessModes").is_empty() {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if text(object, "/spec/resources/requests/storage").is_empty() {
        errors.push(FieldError::required("spec.resources[storage]", ""));
    }
}

fn binding(resource: &Resource, object: &Value, errors: &mut Vec<FieldError>) {
    let kind = text(object, "/roleRef/kind");
    let allowed: &[&str] =
        if resource.kind == "ClusterRoleBinding" { &["ClusterRole"] } else { &["Role", "ClusterRole"] };
    if !allowed.contains(&kind) {
        errors.push(FieldError::not_supported("roleRef.kind", kind, allowed));
    }
    if text(object, "/roleRef/name").is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    }
    for (index, subject) in list(object, "/subjects").iter().enumerate() {
        let here = format!("subjects[{index}]");
        if text(subject, "/name").is_empty() {
            errors.push(FieldError::required(format!("{here}.name"), ""));
        }
        match text(subject, "/kind") {
            "ServiceAccount" => {
                if resource.kind == "ClusterRoleBinding" && text(subject, "/namespace").is_empty() {
                    errors.push(FieldError::required(format!("{here}.namespace"), ""));
                }
            }
            "User" | "Group" => {}
            other => errors.push(FieldError::not_supported(
                format!("{here}.kind"),
                other,
                &["ServiceAccount", "User", "Group"],
            )),
        }
    }
}

fn role(resource: &Resource, object: &Value, errors: &mut Vec<FieldError>) {
    for (index, rule) in list(object, "/rules").iter().enumerate() {
        let here = format!("rules[{index}]");
        if list(rule, "/verbs").is_empty() {
            errors.push(FieldError::required(format!("{here}.verbs"), "verbs must contain at least one value"));
        }
        let urls = !list(rule, "/nonResourceURLs").is_empty();
        if urls {
            if resource.kind == "Role" {
                let value = Value::Array(list(rule, "/nonResourceURLs").to_vec());
                let detail = "namespaced rules cannot apply to non-resource URLs";
                errors.push(FieldError::invalid(format!("{here}.nonResourceURLs"), value, detail));
            }
            continue;
        }
        for (key, detail) in [
            ("apiGroups", "resource rules must supply at least one api group"),
            ("resources", "resource rules must supply at least one resource"),
        ] {
            if list(rule, &format!("/{key}")).is_empty() {
                errors.push(FieldError::required(format!("{here}.{key}"), detail));
            }
        }
    }
}

fn api_service(object: &Value, errors: &mut Vec<FieldError>) {
    let (group, version) = (text(object, "/spec/group"), text(object, "/spec/version"));
    let expected = format!("{version}.{group}");
    let name = text(object, "/metadata/name");
    if name != expected.trim_end_matches('.') && name != expected {
        let detail = format!("must be `spec.version+\".\"+spec.group`: {expected:?}");
        errors.push(FieldError::invalid("metadata.name", name, detail));
    }
}

fn autoscaler(object: &Value, errors: &mut Vec<FieldError>) {
    let number = |key: &str| object.pointer(&format!("/spec/{key}")).and_then(Value::as_i64).unwrap_or(0);
    if number("maxReplicas") < 1 {
        errors.push(FieldError::invalid("spec.maxReplicas", number("maxReplicas"), "must be greater than 0"));
    }
    if number("maxReplicas") < number("minReplicas") {
        let detail = "must be greater than or equal to `minReplicas`";
        errors.push(FieldError::invalid("spec.maxReplicas", number("maxReplicas"), detail));
    }
    for key in ["kind", "name"] {
        if text(object, &format!("/spec/scaleTargetRef/{key}")).is_empty() {
            errors.push(FieldError::required(format!("spec.scaleTargetRef.{key}"), ""));
        }
    }
    let version = text(object, "/spec/scaleTargetRef/apiVersion");
    if !version.contains('/') && text(object, "/spec/scaleTargetRef/kind") != "ReplicationController" {
        errors.push(FieldError::invalid(
            "spec.scaleTargetRef.apiVersion",
            version,
            "apiVersion must specify API group",
        ));
    }
}
