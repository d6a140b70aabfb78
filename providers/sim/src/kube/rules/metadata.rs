//! The metadata that all objects have.

use serde_json::{Map, Value, json};

use super::{list, map, names, text};
use crate::kube::kinds::Resource;
use crate::kube::schema::{Decoder, builtin};
use crate::kube::status::FieldError;

/// How many bytes the annotations of an object may have.
const MOST_ANNOTATIONS: usize = 256 << 10;

/// Brings the metadata of a custom object into its one form; tells which fields it does not have.
pub(crate) fn settle(object: &mut Value) -> Result<Vec<String>, String> {
    let schema = builtin();
    let Some(kind) = schema.named("meta.v1.ObjectMeta") else { return Ok(Vec::new()) };
    let empty = json!({});
    let decoder = Decoder { schema, null_times: false, binary: false };
    let decoded = decoder.decode(kind, object.get("metadata").filter(|value| !value.is_null()).unwrap_or(&empty))?;
    if let Some(map) = object.as_object_mut() {
        map.insert("metadata".into(), decoded.value);
    }
    Ok(decoded.unknown.into_iter().map(|path| format!("metadata.{path}")).collect())
}

/// The metadata, to change.
pub(crate) fn of(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata")?.as_object_mut()
}

/// Sets a member of the metadata, or removes it.
pub(crate) fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let Some(metadata) = of(object) {
        match value {
            Some(value) => {
                metadata.insert(key.to_owned(), value);
            }
            None => {
                metadata.remove(key);
            }
        }
    }
}

/// What is wrong with the name of an object of a kind.
fn name_errors(resource: &Resource, name: &str) -> Vec<String> {
    match resource.kind.as_str() {
        "Namespace" => names::label(name),
        "Service" => names::label_1035(name),
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" | "CertificateSigningRequest" | "APIService" => {
            names::path_segment(name)
        }
        _ => names::subdomain(name),
    }
}

/// What is wrong with the metadata of any object.
pub(crate) fn check(resource: &Resource, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = text(object, "/metadata/name");
    let generated = text(object, "/metadata/generateName");
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        let found = name_errors(resource, name);
        errors.extend(found.into_iter().map(|error| FieldError::invalid("metadata.name", name, error)));
    }
    if !generated.is_empty() {
        let found = name_errors(resource, &format!("{}a", generated.trim_end_matches('-')));
        errors.extend(found.into_iter().map(|error| FieldError::invalid("metadata.generateName", generated, error)));
    }
    errors.extend(labels("metadata.labels", map(object, "/metadata/labels")));
    errors.extend(annotations(object));
    errors.extend(owners(object));
    for finalizer in list(object, "/metadata/finalizers").iter().filter_map(Value::as_str) {
        let found = names::qualified(finalizer);
        errors.extend(found.into_iter().map(|error| FieldError::invalid("metadata.finalizers", finalizer, error)));
    }
    if !resource.custom {
        // The server's own kinds know a few names without a domain, and take no other.
        for (index, finalizer) in list(object, "/metadata/finalizers").iter().filter_map(Value::as_str).enumerate() {
            if !finalizer.contains('/') && !matches!(finalizer, "kubernetes" | "orphan" | "foregroundDeletion") {
                let detail = "name is neither a standard finalizer name nor is it fully qualified";
                errors.push(FieldError::invalid(format!("metadata.finalizers[{index}]"), finalizer, detail));
            }
        }
    }
    errors
}

/// What is wrong with labels.
pub(crate) fn labels(field: &str, labels: Option<&Map<String, Value>>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in labels.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        errors.extend(names::qualified(key).into_iter().map(|error| FieldError::invalid(field, key.as_str(), error)));
        errors.extend(names::label_value(value).into_iter().map(|error| FieldError::invalid(field, value, error)));
    }
    errors
}

fn annotations(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in map(object, "/metadata/annotations").into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        let found = names::qualified(&key.to_ascii_lowercase());
        errors.extend(found.into_iter().map(|error| FieldError::invalid("metadata.annotations", key.as_str(), error)));
    }
    if size > MOST_ANNOTATIONS {
        let detail = format!("may not be more than {MOST_ANNOTATIONS} bytes");
        errors.push(FieldError::of("FieldValueTooLong", "metadata.annotations", None, detail));
    }
    errors
}

fn owners(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut controllers = 0;
    for owner in list(object, "/metadata/ownerReferences") {
        for (key, detail) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(owner, &format!("/{key}")).is_empty() {
                errors.push(FieldError::invalid(format!("metadata.ownerReferences.{key}"), "", detail));
            }
        }
        controllers += usize::from(owner.get("controller") == Some(&Value::Bool(true)));
    }
    if controllers > 1 {
        let value = object.pointer("/metadata/ownerReferences").cloned().unwrap_or_default();
        let detail = "Only one reference can have Controller set to true";
        errors.push(FieldError::invalid("metadata.ownerReferences", value, detail));
    }
    errors
}

/// What an update of any object may not change.
pub(crate) fn check_update(new: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let pointer = format!("/metadata/{key}");
        let (after, before) = (new.pointer(&pointer), old.pointer(&pointer));
        if after != before {
            let value = after.cloned().unwrap_or_default();
            errors.push(FieldError::invalid(format!("metadata.{key}"), value, "field is immutable"));
        }
    }
    if old.pointer("/metadata/deletionTimestamp").is_some() {
        let before = list(old, "/metadata/finalizers");
        let added: Vec<&str> = list(new, "/metadata/finalizers")
            .iter()
            .filter(|finalizer| !before.contains(finalizer))
            .filter_map(Value::as_str)
            .collect();
        if !added.is_empty() {
            let shown: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                shown.join(", ")
            );
            errors.push(FieldError::forbidden("metadata.finalizers", detail));
        }
    }
    errors
}
