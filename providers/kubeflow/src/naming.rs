//! What an object says of itself.

use serde_json::Value;

/// Group and kind of an object.
pub(crate) fn group_kind(object: &Value) -> (&str, &str) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let api_version = text("apiVersion");
    (api_version.split_once('/').map_or("", |(group, _)| group), text("kind"))
}

/// A text of an object's metadata; empty where there is none.
pub(crate) fn metadata<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// An object as people name it: `Deployment.apps kubeflow/web`.
pub(crate) fn name_of(object: &Value) -> String {
    let (group, kind) = group_kind(object);
    let kind = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    match metadata(object, "namespace") {
        "" => format!("{kind} {}", metadata(object, "name")),
        namespace => format!("{kind} {namespace}/{}", metadata(object, "name")),
    }
}
