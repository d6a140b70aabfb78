//! The three ways in which a kustomization of dialect 5 patches its objects.

use std::collections::BTreeSet;

use kfplan_objects::yaml;
use regex::Regex;
use serde_json::{Map, Value};

use super::steps::{Report, letters};
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::gvk::{Gvk, Id};
use crate::kustomization::{Kustomization, Named, Patch, Selector};
use crate::load::{Parsed, parse_inline};
use crate::patch::json6902::{self, Operation};
use crate::patch::walk::{self, Definitions};
use crate::render::Renderer;
use crate::resource::{NO_NAMESPACE, Resource, Resources, metadata_text, set_metadata};
use crate::scalar::settle_map;
use crate::selector::Labels;

/// A patch in the form of an object.
#[derive(Debug, Clone)]
pub(crate) struct ObjectPatch {
    pub(crate) field: String,
    pub(crate) place: Place,
    pub(crate) object: Map<String, Value>,
}

/// What a patch does.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// It is merged, each of its objects into the one it names.
    Merge(Vec<Map<String, Value>>),
    /// It is a list of operations.
    Operations(Vec<Operation>),
}

/// Reads `patchesStrategicMerge`: texts, or files.
pub(crate) fn load_strategic(renderer: &mut Renderer<'_>, file: &str, entries: &[Named]) -> Vec<ObjectPatch> {
    let mut patches = Vec::new();
    for entry in entries {
        let inline = Place::new(file, entry.at);
        let (place, objects) = match parse_inline(&entry.value, Dialect::V5) {
            Ok(objects) => (inline, objects),
            Err(reason) if entry.value.contains('\n') => {
                renderer.errors.push(RenderError::Field { place: inline, field: entry.field.clone(), reason });
                continue;
            }
            Err(_) => {
                let loaded = renderer.load(file, entry, &entry.value);
                let Some((path, objects)) =
                    loaded.and_then(|(path, content)| Some((path.clone(), renderer.objects_of(&path, &content)?)))
                else {
                    continue;
                };
                (Place::file(path), objects.to_vec())
            }
        };
        patches.extend(objects.into_iter().map(|parsed| {
            let at = if place.at.is_some() { place.at } else { Some(parsed.at) };
            ObjectPatch { field: entry.field.clone(), place: Place { at, ..place.clone() }, object: parsed.object }
        }));
    }
    patches
}

/// Reads one entry of `patches`.
pub(crate) fn load_general(renderer: &mut Renderer<'_>, file: &str, patch: &Patch) -> Option<Change> {
    let (place, text) = text_of(renderer, file, patch.path.as_ref(), patch.patch.as_ref())?;
    let refuse = |renderer: &mut Renderer<'_>, reason: String| {
        renderer.errors.push(RenderError::Field { place: place.clone(), field: patch.field.clone(), reason });
        None
    };
    match change_of(&text) {
        Ok(Change::Operations(_)) if patch.target.is_none() => {
            refuse(renderer, "a patch by operations needs a `target`".to_owned())
        }
        Ok(Change::Merge(objects)) if patch.target.is_some() && objects.len() > 1 => {
            refuse(renderer, format!("a patch with a `target` must be one object, and this is {}", objects.len()))
        }
        Ok(change) => Some(change),
        Err(reason) => refuse(renderer, reason),
    }
}

/// Reads the operations of one entry of `patchesJson6902`.
pub(super) fn load_json(
    renderer: &mut Renderer<'_>,
    kustomization: &Kustomization,
    patch: &crate::kustomization::JsonPatch,
) -> Option<Vec<Operation>> {
    let (place, text) = text_of(renderer, &kustomization.file, patch.path.as_ref(), patch.patch.as_ref())?;
    match operations_of(&text) {
        Ok(operations) => Some(operations),
        Err(reason) => {
            renderer.errors.push(RenderError::Field { place, field: patch.field.clone(), reason });
            None
        }
    }
}

/// The text of a patch: the one in the kustomization, or the file it names.
pub(crate) fn text_of(
    renderer: &mut Renderer<'_>,
    file: &str,
    path: Option<&Named>,
    patch: Option<&Named>,
) -> Option<(Place, String)> {
    if let Some(patch) = patch {
        return Some((Place::new(file, patch.at), patch.value.trim().to_owned()));
    }
    let named = path?;
    let (path, content) = renderer.load(file, named, &named.value)?;
    let text = renderer.text(&path, &content)?.to_owned();
    Some((Place::file(path), text))
}

pub(super) fn change_of(text: &str) -> Result<Change, String> {
    match parse_inline(text, Dialect::V5) {
        Ok(objects) if objects.is_empty() => Err("the patch is empty".to_owned()),
        Ok(objects) => Ok(Change::Merge(objects.into_iter().map(|Parsed { object, .. }| object).collect())),
        Err(reason) => match operations_of(text) {
            Ok(operations) => Ok(Change::Operations(operations)),
            Err(other) if text.trim_start().starts_with(['[', '-']) => Err(other),
            Err(_) => Err(reason),
        },
    }
}

pub(crate) fn operations_of(text: &str) -> Result<Vec<Operation>, String> {
    // What begins with a bracket is taken for JSON, and must be.
    let document = match text.starts_with('[') {
        true => serde_json::from_str(text).map_err(|error| format!("it begins with `[`, and is no JSON: {error}"))?,
        false => {
            let documents =
                yaml::parse_documents(text, yaml::Dialect::Kustomize3).map_err(|error| error.to_string())?;
            documents.into_iter().next().unwrap_or_default()
        }
    };
    let operations = json6902::parse(&document)?;
    if operations.is_empty() { Err("the list of operations is empty".to_owned()) } else { Ok(operations) }
}

fn id_of(object: &Map<String, Value>) -> Id {
    Id {
        gvk: Gvk::of(object),
        namespace: metadata_text(object, "namespace").to_owned(),
        name: metadata_text(object, "name").to_owned(),
    }
}

/// Whether a patch may give its object another name or kind.
#[derive(Clone, Copy, Default)]
struct Allowed {
    name: bool,
    kind: bool,
}

/// Merges a patch into an object, which keeps its identity, or goes when the patch deletes it.
fn merge_into(
    resource: &mut Resource,
    patch: &Map<String, Value>,
    allowed: Allowed,
    definitions: Definitions<'_>,
) -> Result<(), String> {
    let id = resource.current_id();
    if allowed.name || allowed.kind {
        resource.remember(Dialect::V5);
    }
    let Some(value) = walk::apply(std::mem::take(&mut resource.value), patch, definitions)? else { return Ok(()) };
    resource.value = value;
    if !allowed.kind {
        resource.value.insert("kind".to_owned(), id.gvk.kind.as_str().into());
    }
    if !allowed.name {
        resource.set_name(&id.name);
    }
    resource.set_namespace(&id.namespace);
    Ok(())
}

/// Merges each patch into the one object it names.
pub(super) fn merge(
    patches: &[ObjectPatch],
    resources: &mut Resources,
    definitions: Definitions<'_>,
    errors: &mut Vec<RenderError>,
) {
    for ObjectPatch { field, place, object } in patches {
        let report = &mut Report { place, field, errors: &mut *errors };
        match resources.find_ever(&id_of(object)) {
            Ok(target) => merge_selected(&[target], object, Allowed::default(), resources, definitions, report),
            Err(reason) => no_target(object, reason, report),
        }
        resources.0.retain(|resource| !resource.value.is_empty());
    }
}

fn no_target(object: &Map<String, Value>, reason: String, report: &mut Report<'_>) {
    report.errors.push(RenderError::Transform {
        place: report.place.clone(),
        field: report.field.to_owned(),
        object: id_of(object).to_string(),
        reason,
    });
}

/// Merges a patch into objects that something else has picked: it takes on their type, and
/// what it says of labels and annotations is text.
fn merge_selected(
    targets: &[usize],
    patch: &Map<String, Value>,
    allowed: Allowed,
    resources: &mut Resources,
    definitions: Definitions<'_>,
    report: &mut Report<'_>,
) {
    let id = |place: &usize| resources.0.get(*place).map(Resource::current_id);
    let meant: BTreeSet<_> = targets.iter().filter_map(id).map(|id| id.key(Dialect::V5)).collect();
    for resource in &mut resources.0 {
        if !meant.contains(&resource.current_id().key(Dialect::V5)) {
            continue;
        }
        let mut patch = patch.clone();
        for key in ["labels", "annotations"] {
            let texts = letters(&patch, key);
            let texts: Map<String, Value> = texts.into_iter().map(|(key, text)| (key, text.into())).collect();
            set_metadata(&mut patch, key, (!texts.is_empty()).then_some(Value::Object(texts)));
        }
        if let Some(version) = resource.value.get("apiVersion") {
            patch.insert("apiVersion".to_owned(), version.clone());
        }
        let before = resource.clone();
        if let Err(reason) = merge_into(resource, &patch, allowed, definitions) {
            report.failed(&before, reason);
            *resource = before;
        }
    }
}

/// Applies one entry of `patches` to the objects it names, or to all that its target picks.
pub(super) fn general(
    patch: &Patch,
    change: &Change,
    resources: &mut Resources,
    definitions: Definitions<'_>,
    report: &mut Report<'_>,
) {
    let allowed = Allowed { name: patch.allow_name_change, kind: patch.allow_kind_change };
    match (change, &patch.target) {
        (Change::Operations(operations), target) => {
            if let Some(target) = target {
                operate(target, operations, true, resources, report);
            }
        }
        (Change::Merge(objects), Some(target)) => match select(resources, target) {
            Err(reason) => report.refuse(reason),
            Ok(targets) => {
                for object in objects {
                    merge_selected(&targets, object, allowed, resources, definitions, report);
                }
            }
        },
        (Change::Merge(objects), None) => {
            for object in objects {
                let target = match resources.find_ever(&id_of(object)) {
                    Ok(target) => target,
                    Err(reason) => {
                        no_target(object, reason, report);
                        continue;
                    }
                };
                let Some(resource) = resources.0.get_mut(target) else { continue };
                let before = resource.clone();
                if let Err(reason) = merge_into(resource, object, allowed, definitions) {
                    report.failed(&before, reason);
                    *resource = before;
                }
            }
        }
    }
}

/// Applies operations to all objects that a target picks.
pub(super) fn operate(
    target: &Selector,
    operations: &[Operation],
    remembers: bool,
    resources: &mut Resources,
    report: &mut Report<'_>,
) {
    let targets = match select(resources, target) {
        Ok(targets) => targets,
        Err(reason) => return report.refuse(reason),
    };
    for target in targets {
        let Some(resource) = resources.0.get_mut(target) else { continue };
        if remembers {
            resource.remember(Dialect::V5);
        }
        settle_map(&mut resource.value);
        match json6902::apply(&resource.value, operations) {
            Ok(value) => resource.value = value,
            Err(reason) => report.failed(resource, reason),
        }
    }
}

/// The objects that a selector picks, by the names they had first or have now.
fn select(resources: &Resources, selector: &Selector) -> Result<Vec<usize>, String> {
    let pattern = |text: &str| {
        let anchored = if text.is_empty() { String::new() } else { format!("^(?:{text})$") };
        Regex::new(&anchored).map_err(|_| format!("`{text}` is no pattern"))
    };
    let (name, namespace) = (pattern(&selector.name)?, pattern(&selector.namespace)?);
    let (group, version, kind) =
        (pattern(&selector.gvk.group)?, pattern(&selector.gvk.version)?, pattern(&selector.gvk.kind)?);
    let labels = Labels::parse(&selector.labels)?;
    let annotations = Labels::parse(&selector.annotations)?;
    Ok(resources.matching(|resource| {
        let (first, current) = (resource.first_id(Dialect::V5), resource.current_id());
        let effective = current.effective_namespace(Dialect::V5).unwrap_or(NO_NAMESPACE);
        (namespace.is_match(&first.namespace) || namespace.is_match(effective))
            && (name.is_match(&first.name) || name.is_match(&current.name))
            && group.is_match(&current.gvk.group)
            && version.is_match(&current.gvk.version)
            && kind.is_match(&current.gvk.kind)
            && labels.matches(&letters(&resource.value, "labels"))
            && annotations.matches(&letters(&resource.value, "annotations"))
    }))
}
