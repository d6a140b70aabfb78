//! What an update may not change.

use serde_json::{Value, json};

use super::text;
use crate::kube::definitions;
use crate::kube::kinds::Resource;
use crate::kube::status::FieldError;

/// What is wrong with `new` in the place of `old`.
pub(crate) fn check_update(resource: &Resource, new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if resource.custom {
        return errors;
    }
    let mut frozen = |pointer: &str, field: &str| {
        let (after, before) = (new.pointer(pointer), old.pointer(pointer));
        if after != before {
            let value = after.cloned().unwrap_or_default();
            errors.push(FieldError::invalid(field, value, "field is immutable"));
        }
    };
    match resource.kind.as_str() {
        "Deployment" | "ReplicaSet" | "DaemonSet" => frozen("/spec/selector", "spec.selector"),
        "StatefulSet" => errors.extend(stateful(new, old)),
        "Job" => {
            frozen("/spec/completions", "spec.completions");
            frozen("/spec/selector", "spec.selector");
            frozen("/spec/template", "spec.template");
            frozen("/spec/completionMode", "spec.completionMode");
        }
        "RoleBinding" | "ClusterRoleBinding" if new.get("roleRef") != old.get("roleRef") => {
            let at = |key: &str| text(new, &format!("/roleRef/{key}"));
            let value = json!({"APIGroup": at("apiGroup"), "Kind": at("kind"), "Name": at("name")});
            errors.push(FieldError::invalid("roleRef", value, "cannot change roleRef"));
        }
        "Service" => errors.extend(service(new, old)),
        "PersistentVolumeClaim" => errors.extend(claim(new, old)),
        "StorageClass" => errors.extend(storage_class(new, old)),
        "Secret" | "ConfigMap" => errors.extend(sealed(resource, new, old)),
        "PriorityClass" if new.get("value") != old.get("value") => {
            errors.push(FieldError::forbidden("value", "may not be changed in an update."));
        }
        "CustomResourceDefinition" => errors.extend(definitions::check_update(new, old)),
        "Pod" => errors.extend(pod(new, old)),
        "Namespace" | "Node" => {}
        _ => {}
    }
    errors
}

fn stateful(new: &Value, old: &Value) -> Vec<FieldError> {
    const FREE: [&str; 8] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
        "paused",
    ];
    let rest = |object: &Value| {
        let mut spec = object.get("spec").and_then(Value::as_object).cloned().unwrap_or_default();
        FREE.iter().for_each(|key| {
            spec.remove(*key);
        });
        spec
    };
    if rest(new) == rest(old) {
        return Vec::new();
    }
    let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    vec![FieldError::forbidden("spec", detail)]
}

fn service(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let external = |object: &Value| text(object, "/spec/type") == "ExternalName";
    if external(new) || external(old) {
        return errors;
    }
    let (after, before) = (text(new, "/spec/clusterIP"), text(old, "/spec/clusterIP"));
    if !before.is_empty() && after != before {
        errors.push(FieldError::invalid("spec.clusterIPs[0]", json!([after]), "may not change once set"));
    }
    errors
}

fn claim(new: &Value, old: &Value) -> Vec<FieldError> {
    let rest = |object: &Value| {
        let mut spec = object.get("spec").and_then(Value::as_object).cloned().unwrap_or_default();
        spec.remove("volumeAttributesClassName");
        // A claim can grow once it is bound.
        let bound = text(old, "/status/phase") == "Bound";
        let resources = spec.get_mut("resources").filter(|_| bound);
        if let Some(requests) =
            resources.and_then(|resources| resources.get_mut("requests")).and_then(Value::as_object_mut)
        {
            requests.remove("storage");
        }
        if text(object, "/spec/volumeName").is_empty() || text(old, "/spec/volumeName").is_empty() {
            spec.remove("volumeName");
        }
        spec
    };
    if rest(new) == rest(old) {
        return Vec::new();
    }
    let detail =
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    vec![FieldError::forbidden("spec", detail)]
}

fn storage_class(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, detail) in [
        ("parameters", "updates to parameters are forbidden."),
        ("provisioner", "updates to provisioner are forbidden."),
        ("reclaimPolicy", "updates to reclaimPolicy are forbidden."),
    ] {
        if new.get(key) != old.get(key) {
            errors.push(FieldError::forbidden(key, detail));
        }
    }
    if new.get("volumeBindingMode") != old.get("volumeBindingMode") {
        let value = new.get("volumeBindingMode").cloned().unwrap_or_default();
        errors.push(FieldError::invalid("volumeBindingMode", value, "field is immutable"));
    }
    errors
}

fn sealed(resource: &Resource, new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if resource.kind == "Secret" && text(new, "/type") != text(old, "/type") {
        errors.push(FieldError::invalid("type", text(new, "/type"), "field is immutable"));
    }
    if old.get("immutable") == Some(&Value::Bool(true)) {
        if new.get("immutable") != Some(&Value::Bool(true)) {
            errors.push(FieldError::forbidden("immutable", "field is immutable when `immutable` is set"));
        }
        for key in ["data", "binaryData"] {
            if new.get(key) != old.get(key) {
                errors.push(FieldError::forbidden(key, "field is immutable when `immutable` is set"));
            }
        }
    }
    errors
}

fn pod(new: &Value, old: &Value) -> Vec<FieldError> {
    let rest = |object: &Value| {
        let mut spec = object.get("spec").cloned().unwrap_or_default();
        if let Some(map) = spec.as_object_mut() {
            for key in [
                "activeDeadlineSeconds",
                "terminationGracePeriodSeconds",
                "tolerations",
                "ephemeralContainers",
                "schedulingGates",
            ] {
                map.remove(key);
            }
        }
        for key in ["containers", "initContainers"] {
            super::items(&mut spec, key).for_each(|container| {
                container.as_object_mut().map(|container| container.remove("image"));
            });
        }
        spec
    };
    if rest(new) == rest(old) {
        return Vec::new();
    }
    let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    vec![FieldError::forbidden("spec", detail)]
}
