//! The user's own patches.

use std::collections::BTreeMap;

use kfplan_kustomize::patch::{json6902, merge, strategic};
use kfplan_model::{Path, Scalar, Segment, Target};
use serde_json::{Map, Value};

use super::document;
use crate::applications::Bundle;
use crate::error::{KubeflowError, KubeflowErrors, checked};
use crate::naming::{group_kind, metadata, name_of};

/// A patch of the stack. Its parts are made in the order of the fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnPatch {
    /// The objects it is for.
    pub target: Target,
    /// The document it is for, when that is the text of a field.
    pub inside: Option<Path>,
    /// A strategic merge patch.
    pub strategic: Option<Map<String, Value>>,
    /// A JSON merge patch.
    pub merge: Option<Map<String, Value>>,
    /// A JSON patch (RFC 6902).
    pub json: Option<Value>,
    /// What is taken away.
    pub remove: Vec<Path>,
    /// Whether it may hit nothing.
    pub optional: bool,
}

/// Makes the patches of a stack, one after the other.
///
/// # Errors
///
/// Every patch that hits nothing without being optional, and every one that cannot be made.
pub fn apply_own(patches: &[OwnPatch], bundle: &mut Bundle) -> Result<(), KubeflowErrors> {
    let mut errors = Vec::new();
    for (place, patch) in patches.iter().enumerate() {
        let target = described(&patch.target);
        if patch.target == Target::default() {
            let reason = "a target that says nothing would hit every object".to_owned();
            let help = "give the target at least a kind, a name or labels";
            errors.push(KubeflowError::Patch { place, target, reason, help });
            continue;
        }
        let mut hits = 0;
        let mut missing: BTreeMap<String, usize> = BTreeMap::new();
        for object in bundle.objects_mut().filter(|object| is_target(&patch.target, object)) {
            hits += 1;
            match patched(patch, object) {
                Ok((changed, absent)) => {
                    *object = changed;
                    for path in absent {
                        *missing.entry(path.to_string()).or_default() += 1;
                    }
                }
                Err(reason) => {
                    let reason = format!("{}: {reason}", name_of(object));
                    errors.push(KubeflowError::Patch { place, target: target.clone(), reason, help: help(patch) });
                }
            }
        }
        if patch.optional {
            continue;
        }
        let nothing = (hits == 0).then(|| "it hits nothing: no object is like that".to_owned());
        let unmet = missing.into_iter().filter(|(_, count)| *count == hits);
        let unmet = unmet.map(|(path, _)| format!("there is nothing at `{path}` to remove"));
        for reason in nothing.into_iter().chain(unmet) {
            errors.push(KubeflowError::PatchHitsNothing { place, target: target.clone(), reason });
        }
    }
    checked((), errors)
}

/// What to do about a patch that cannot be made.
fn help(patch: &OwnPatch) -> &'static str {
    match (&patch.inside, &patch.strategic) {
        (Some(_), Some(_)) => "inside a document use `merge`, `json` or `remove`",
        (Some(_), None) => "correct `inside` or the patch: `kfplan render` shows the document",
        (None, _) => "correct the patch, or its target: `kfplan render` shows the objects",
    }
}

/// The objects of a target in words.
fn described(target: &Target) -> String {
    let parts = [
        ("group", &target.group),
        ("version", &target.version),
        ("kind", &target.kind),
        ("namespace", &target.namespace),
        ("name", &target.name),
    ];
    let mut words: Vec<String> =
        parts.into_iter().filter_map(|(key, value)| Some(format!("{key} `{}`", value.as_ref()?))).collect();
    words.extend(target.labels.iter().map(|(key, value)| format!("label `{key}={value}`")));
    if words.is_empty() { "every object".to_owned() } else { words.join(", ") }
}

fn is_target(target: &Target, object: &Value) -> bool {
    let (group, kind) = group_kind(object);
    let api_version = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let fits = |wanted: &Option<String>, own: &str| wanted.as_ref().is_none_or(|wanted| wanted == own);
    let label =
        |key: &str| object.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str);
    fits(&target.group, group)
        && fits(&target.version, version)
        && fits(&target.kind, kind)
        && fits(&target.namespace, metadata(object, "namespace"))
        && fits(&target.name, metadata(object, "name"))
        && target.labels.iter().all(|(key, value)| label(key) == Some(value.as_str()))
}

/// The object after a patch, and the paths to remove at which there was nothing.
fn patched(patch: &OwnPatch, object: &Value) -> Result<(Value, Vec<Path>), String> {
    let Some(inside) = &patch.inside else { return transformed(patch, object) };
    let mut changed = object.clone();
    let Some(Value::String(text)) = inside.get_mut(&mut changed) else {
        return Err(format!("there is no text at `{inside}`"));
    };
    let within = |reason: String| format!("inside `{inside}`: {reason}");
    let before = document::read(text).map_err(within)?;
    let (after, missing) = transformed(patch, &before).map_err(within)?;
    *text = document::write(text, &before, &after).map_err(within)?;
    Ok((changed, missing))
}

fn transformed(patch: &OwnPatch, value: &Value) -> Result<(Value, Vec<Path>), String> {
    let Value::Object(map) = value else { return Err("only a map can be patched".to_owned()) };
    let mut map = map.clone();
    if let Some(change) = &patch.strategic {
        strategic_merge(patch, &mut map, change)?;
    }
    if let Some(change) = &patch.merge {
        merge::apply(&mut map, change.clone());
    }
    if let Some(operations) = &patch.json {
        map = json6902::apply(&map, &json6902::parse(operations)?)?;
    }
    let mut value = Value::Object(map);
    let mut missing = Vec::new();
    for path in &patch.remove {
        if !remove(&mut value, path) {
            missing.push(path.clone());
        }
    }
    if patch.inside.is_none() && (metadata(&value, "name").is_empty() || group_kind(&value).1.is_empty()) {
        return Err("the patch leaves no object with a kind and a name".to_owned());
    }
    Ok((value, missing))
}

/// The merge needs to know the kind; the patch itself need not say it.
fn strategic_merge(patch: &OwnPatch, map: &mut Map<String, Value>, change: &Map<String, Value>) -> Result<(), String> {
    if patch.inside.is_some() {
        return Err("a document inside a text has no kind, so `strategic` cannot be used".to_owned());
    }
    let mut change = change.clone();
    for key in ["apiVersion", "kind"] {
        if let Some(value) = map.get(key) {
            change.insert(key.to_owned(), value.clone());
        }
    }
    strategic::apply(map, change)
}

/// Takes away what stands at a path; `false` when nothing does.
fn remove(value: &mut Value, path: &Path) -> bool {
    let mut outer = path.clone();
    let Some(last) = outer.pop() else { return false };
    match (outer.get_mut(value), &last) {
        (Some(Value::Object(map)), Segment::Key(key)) => map.remove(&**key).is_some(),
        (Some(Value::Array(items)), last) => {
            let place = match last {
                Segment::Key(key) => key.parse().ok().filter(|place| *place < items.len()),
                Segment::Element(wanted) => items.iter().position(|item| Scalar::of(item).as_ref() == Some(wanted)),
                Segment::Item(keys) => items.iter().position(|item| {
                    keys.iter().all(|(key, wanted)| item.get(&**key).and_then(Scalar::of).as_ref() == Some(wanted))
                }),
            };
            if let Some(place) = place {
                items.remove(place);
            }
            place.is_some()
        }
        _ => false,
    }
}
