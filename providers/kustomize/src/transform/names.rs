//! Namespaces, prefixes and suffixes in dialect 5.

use std::collections::BTreeMap;

use serde_json::Value;

use super::steps::{Report, Subjects};
use crate::dialect::Dialect;
use crate::fieldspec::{FieldSpec, Made, what};
use crate::gvk::Gvk;
use crate::resource::{Resource, Resources, set_metadata};
use crate::scalar::{self, is_null};

const NAMESPACE: &str = "metadata/namespace";
const NAME: &str = "metadata/name";

/// Moves the objects that live in a namespace to another one. Namespaces themselves take
/// its name.
pub(super) fn namespace(
    namespace: &str,
    table: &[FieldSpec],
    (subjects, unset_only): (Subjects, bool),
    resources: &mut Resources,
    report: &mut Report<'_>,
) {
    if namespace.is_empty() {
        return;
    }
    let mut ids: BTreeMap<_, usize> = BTreeMap::new();
    for resource in &resources.0 {
        *ids.entry(resource.current_id().key(Dialect::V5)).or_default() += 1;
    }
    for resource in &mut resources.0 {
        let before = resource.current_id().key(Dialect::V5);
        resource.remember(Dialect::V5);
        if let Err(reason) = move_one(resource, namespace, table, subjects, unset_only) {
            report.failed(resource, reason);
        }
        let after = resource.current_id().key(Dialect::V5);
        if let Some(count) = ids.get_mut(&before) {
            *count = count.saturating_sub(1);
        }
        let count = ids.entry(after).or_default();
        *count += 1;
        if *count > 1 {
            report.failed(resource, "two objects have the same name in the new namespace".to_owned());
        }
    }
}

fn move_one(
    resource: &mut Resource,
    namespace: &str,
    table: &[FieldSpec],
    subjects: Subjects,
    unset_only: bool,
) -> Result<(), String> {
    let gvk = resource.gvk();
    let set = |value: &mut Value| match value {
        Value::Object(_) | Value::Array(_) => Err(format!("it is {}, not text", what(value))),
        scalar if unset_only && !is_null(scalar) && !scalar::text(scalar).is_empty() => Ok(()),
        scalar => {
            *scalar = namespace.into();
            Ok(())
        }
    };
    if gvk.is_namespaced(Dialect::V5) && (!unset_only || resource.namespace().is_empty()) {
        set_metadata(&mut resource.value, "namespace", Some(namespace.into()));
    }
    let is_binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
    if is_binding && subjects != Subjects::None {
        move_subjects(resource, subjects, &set)?;
    }
    let is_core = resource.value.get("apiVersion").is_some_and(|version| version == "v1");
    let applies = |spec: &&FieldSpec| {
        let path = spec.path.as_str();
        let is_subject =
            matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding") && path == "subjects/namespace";
        path != NAMESPACE && (is_core || path != NAME) && !(is_binding && is_subject)
    };
    for spec in table.iter().filter(|spec| gvk.is_selected(&spec.gvk)).filter(applies) {
        spec.visit(&mut resource.value, Some(Made::Scalar), &mut |value| set(value))?;
    }
    Ok(())
}

fn move_subjects(
    resource: &mut Resource,
    subjects: Subjects,
    set: &dyn Fn(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    match resource.value.get_mut("subjects") {
        Some(Value::Array(items)) => items.iter_mut().try_for_each(|item| match item {
            Value::Object(subject) => {
                let is_meant = match subjects {
                    Subjects::Default => subject.get("name").is_some_and(|name| name == "default"),
                    Subjects::Accounts => subject.get("kind").is_some_and(|kind| kind == "ServiceAccount"),
                    Subjects::None => false,
                };
                if is_meant { set(subject.entry("namespace").or_insert_with(|| "".into())) } else { Ok(()) }
            }
            null if is_null(null) => Ok(()),
            other => Err(format!("`subjects` holds {}, not maps", what(other))),
        }),
        Some(other) if !is_null(other) => Err(format!("`subjects` is {}, not a list", what(other))),
        _ => Ok(()),
    }
}

/// What is put to a name, and on which side.
#[derive(Clone, Copy)]
pub(super) enum Affix<'a> {
    Prefix(&'a str),
    Suffix(&'a str),
}

/// These kinds keep their names: others depend on them from outside.
fn keeps_its_name(gvk: &Gvk) -> bool {
    match gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}

/// Puts a prefix or a suffix to the names in the fields of a table.
pub(super) fn rename(table: &[FieldSpec], resources: &mut Resources, affix: Affix<'_>, report: &mut Report<'_>) {
    for resource in &mut resources.0 {
        let first = resource.first_id(Dialect::V5).gvk;
        if keeps_its_name(&first) {
            continue;
        }
        for spec in table.iter().filter(|spec| first.is_selected(&spec.gvk)) {
            if spec.path == NAME {
                let (text, list) = match affix {
                    Affix::Prefix(text) => (text, &mut resource.prefixes),
                    Affix::Suffix(text) => (text, &mut resource.suffixes),
                };
                if !text.is_empty() {
                    list.push(text.to_owned());
                    resource.remember(Dialect::V5);
                }
            }
            if !resource.gvk().is_selected(&spec.gvk) {
                continue;
            }
            let changed = spec.visit(&mut resource.value, Some(Made::Scalar), &mut |value| match value {
                Value::Object(_) | Value::Array(_) => Err(format!("it is {}, not text", what(value))),
                scalar => {
                    let name = scalar::text(scalar);
                    *scalar = match affix {
                        Affix::Prefix(prefix) => format!("{prefix}{name}").into(),
                        Affix::Suffix(suffix) => format!("{name}{suffix}").into(),
                    };
                    Ok(())
                }
            });
            if let Err(reason) = changed {
                report.failed(resource, reason);
            }
        }
    }
}
