//! Namespace, name prefix and suffix, labels, annotations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::failed;
use crate::config::Config;
use crate::dialect::Dialect;
use crate::error::RenderError;
use crate::fieldspec::{FieldSpec, what};
use crate::kustomization::Kustomization;
use crate::resource::Resources;

/// Moves the objects that live in a namespace to another one.
pub(super) fn namespace(
    kustomization: &Kustomization,
    table: &[FieldSpec],
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    let namespace = &kustomization.namespace;
    if namespace.is_empty() {
        return;
    }
    for resource in &mut resources.0 {
        let gvk = resource.gvk();
        let fields = table.iter().filter(|spec| gvk.is_selected(&spec.gvk));
        for spec in fields.filter(|spec| spec.path != "metadata/namespace" || gvk.is_namespaced(Dialect::V3_2)) {
            let changed = spec.mutate(&mut resource.value, &mut |value| {
                set_namespace(value, namespace);
                Ok(())
            });
            if let Err(reason) = changed {
                errors.push(failed(kustomization, "namespace", resource, reason));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for resource in &resources.0 {
        if !seen.insert(resource.current_id().key(Dialect::V3_2)) {
            let reason = "two objects have the same name in the new namespace".to_owned();
            errors.push(failed(kustomization, "namespace", resource, reason));
        }
    }
}

/// A field is replaced, or set where it was just made; of the subjects of a binding
/// only the account `default` moves along, others by their references.
fn set_namespace(value: &mut Value, namespace: &str) {
    match value {
        Value::String(_) => *value = namespace.into(),
        Value::Object(map) if map.is_empty() => *value = namespace.into(),
        Value::Array(items) => {
            for item in items {
                if let Value::Object(subject) = item
                    && subject.get("name").is_some_and(|name| name == "default")
                {
                    subject.insert("namespace".to_owned(), namespace.into());
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

/// Puts a prefix and a suffix to every name. Empty ones count as well: objects that
/// went through the same kustomizations refer to each other.
pub(super) fn prefix(
    kustomization: &Kustomization,
    table: &[FieldSpec],
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    let (prefix, suffix) = (&kustomization.name_prefix, &kustomization.name_suffix);
    for resource in &mut resources.0 {
        let gvk = resource.gvk();
        let is_fixed = gvk.kind == "CustomResourceDefinition"
            || (gvk.group == "apiregistration.k8s.io" && gvk.kind == "APIService");
        if is_fixed {
            continue;
        }
        for spec in table.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
            if spec.path == "metadata/name" {
                resource.prefixes.push(prefix.clone());
                resource.suffixes.push(suffix.clone());
            }
            let changed = spec.mutate(&mut resource.value, &mut |value| match value {
                Value::String(name) => {
                    *name = format!("{prefix}{name}{suffix}");
                    Ok(())
                }
                other => Err(format!("it is {}, not text", what(other))),
            });
            if let Err(reason) = changed {
                let field = if prefix.is_empty() { "nameSuffix" } else { "namePrefix" };
                errors.push(failed(kustomization, field, resource, reason));
            }
        }
    }
}

/// Adds the common labels and annotations.
pub(super) fn labels(
    kustomization: &Kustomization,
    config: &Config,
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    let maps = [
        ("commonLabels", &kustomization.common_labels, &config.common_labels),
        ("commonAnnotations", &kustomization.common_annotations, &config.common_annotations),
    ];
    for (field, map, table) in maps {
        let Some(map) = map else { continue };
        for resource in &mut resources.0 {
            let gvk = resource.gvk();
            for spec in table.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
                if let Err(reason) = spec.mutate(&mut resource.value, &mut |value| add(value, map)) {
                    errors.push(failed(kustomization, field, resource, reason));
                }
            }
        }
    }
}

fn add(value: &mut Value, map: &BTreeMap<String, String>) -> Result<(), String> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(there) => {
            there.extend(map.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
            Ok(())
        }
        other => Err(format!("it is {}, not a map", what(other))),
    }
}
