//! The three ways in which a kustomization patches its objects.

use kfplan_objects::yaml::{self, Position};
use regex::Regex;
use serde_json::{Map, Value};

use super::failed;
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::gvk::{Gvk, Id};
use crate::kustomization::{JsonPatch, Kustomization, Named, Patch, Selector};
use crate::load::{Parsed, parse_inline};
use crate::patch::json6902::{self, Operation};
use crate::patch::strategic;
use crate::render::Renderer;
use crate::resource::{Resource, Resources, metadata_text, set_metadata, string_map};
use crate::selector::Labels;

/// A patch in the form of an object.
pub(super) struct ObjectPatch {
    field: String,
    place: Place,
    object: Map<String, Value>,
}

/// What a patch does.
pub(super) enum Change {
    Merge(Map<String, Value>),
    Operations(Vec<Operation>),
}

fn refuse(renderer: &mut Renderer<'_>, place: Place, field: &str, reason: impl Into<String>) {
    renderer.errors.push(RenderError::Field { place, field: field.to_owned(), reason: reason.into() });
}

/// Reads `patchesStrategicMerge`: texts, or files.
pub(super) fn load_strategic(renderer: &mut Renderer<'_>, kustomization: &Kustomization) -> Vec<ObjectPatch> {
    let file = &kustomization.file;
    let mut patches = Vec::new();
    for entry in &kustomization.patches_strategic_merge {
        let inline = Place::new(file, entry.at);
        let (place, objects) = match parse_inline(&entry.value, Dialect::V3_2) {
            Ok(objects) => (inline, objects),
            Err(reason) if entry.value.contains('\n') => {
                refuse(renderer, inline, &entry.field, reason);
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

/// Merges the patches for the same object and applies them.
pub(super) fn apply_strategic(
    kustomization: &Kustomization,
    patches: Vec<ObjectPatch>,
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    let mut merged: Vec<(Id, ObjectPatch)> = Vec::new();
    for patch in patches {
        let id = id_of(&patch.object);
        match merged.iter_mut().find(|(known, _)| known.is_same(&id, Dialect::V3_2)) {
            None => merged.push((id, patch)),
            Some((_, known)) => {
                match strategic::combine(known.object.clone(), patch.object) {
                    Ok(object) => known.object = object,
                    Err(reason) => errors.push(RenderError::Transform {
                        place: patch.place,
                        field: patch.field,
                        object: id.to_string(),
                        reason: format!("{reason} (the other one: {})", known.place),
                    }),
                };
            }
        }
    }
    for (id, patch) in merged {
        let place = match resources.find(&id) {
            Ok(place) => place,
            Err(reason) => {
                let (place, field, object) = (patch.place, patch.field, id.to_string());
                errors.push(RenderError::Transform { place, field, object, reason });
                continue;
            }
        };
        merge_into(kustomization, &patch.field, resources, place, patch.object, errors);
    }
}

fn id_of(object: &Map<String, Value>) -> Id {
    Id {
        gvk: Gvk::of(object),
        namespace: metadata_text(object, "namespace").to_owned(),
        name: metadata_text(object, "name").to_owned(),
    }
}

/// Applies a merge patch to one object, which keeps its name, or goes when the patch
/// deletes it.
fn merge_into(
    kustomization: &Kustomization,
    field: &str,
    resources: &mut Resources,
    place: usize,
    patch: Map<String, Value>,
    errors: &mut Vec<RenderError>,
) {
    let Some(resource) = resources.0.get_mut(place) else { return };
    let name = resource.name().to_owned();
    let before = resource.clone();
    match strategic::apply(&mut resource.value, patch) {
        Err(reason) => {
            errors.push(failed(kustomization, field, &before, reason));
            *resource = before;
        }
        Ok(()) if resource.value.is_empty() => {
            resources.0.remove(place);
        }
        Ok(()) => resource.set_name(&name),
    }
}

/// Reads `patches`: each is an object or a list of operations.
pub(super) fn load_general(renderer: &mut Renderer<'_>, kustomization: &Kustomization) -> Vec<(Patch, Change)> {
    let mut loaded = Vec::new();
    for patch in &kustomization.patches {
        let Some((place, text)) = text_of(renderer, kustomization, patch.path.as_ref(), patch.patch.as_ref()) else {
            continue;
        };
        match change_of(&text) {
            Ok(Change::Operations(_)) if patch.target.is_none() => {
                refuse(renderer, place, &patch.field, "a patch by operations needs a `target`");
            }
            Ok(change) => loaded.push((patch.clone(), change)),
            Err(reason) => refuse(renderer, place, &patch.field, reason),
        }
    }
    loaded
}

/// The text of a patch: the one in the kustomization, or the file it names.
fn text_of(
    renderer: &mut Renderer<'_>,
    kustomization: &Kustomization,
    path: Option<&Named>,
    patch: Option<&Named>,
) -> Option<(Place, String)> {
    let file = &kustomization.file;
    if let Some(patch) = patch {
        return Some((Place::new(file, patch.at), patch.value.clone()));
    }
    let named = path?;
    let (path, content) = renderer.load(file, named, &named.value)?;
    let text = renderer.text(&path, &content)?.to_owned();
    Some((Place::file(path), text))
}

fn change_of(text: &str) -> Result<Change, String> {
    if let Ok(operations) = operations_of(text) {
        return Ok(Change::Operations(operations));
    }
    match parse_inline(text, Dialect::V3_2) {
        Ok(mut objects) => match (objects.len(), objects.pop()) {
            (1, Some(Parsed { object, .. })) => Ok(Change::Merge(object)),
            (count, _) => {
                Err(format!("a patch must be one object or a list of operations, and this is {count} objects"))
            }
        },
        Err(reason) => Err(match operations_of(text) {
            Err(other) if text.trim_start().starts_with(['[', '-']) => other,
            _ => reason,
        }),
    }
}

fn operations_of(text: &str) -> Result<Vec<Operation>, String> {
    let documents = yaml::parse_documents(text, yaml::Dialect::Kustomize3).map_err(|error| error.to_string())?;
    let operations = json6902::parse(documents.first().unwrap_or(&Value::Null))?;
    if operations.is_empty() { Err("the list of operations is empty".to_owned()) } else { Ok(operations) }
}

/// Applies each patch to the object it names, or to all that its target picks.
pub(super) fn apply_general(
    kustomization: &Kustomization,
    patches: Vec<(Patch, Change)>,
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    for (patch, change) in patches {
        let place = Place::new(&kustomization.file, patch.at);
        let targets = match (&patch.target, &change) {
            (Some(target), _) => select(resources, target),
            (None, Change::Merge(object)) => {
                let id = id_of(object);
                resources.find(&id).map(|place| vec![place]).map_err(|reason| format!("{id}: {reason}"))
            }
            (None, Change::Operations(_)) => Ok(Vec::new()),
        };
        let targets = match targets {
            Ok(targets) => targets,
            Err(reason) => {
                errors.push(RenderError::Field { place, field: patch.field, reason });
                continue;
            }
        };
        // From the last to the first, since a patch may delete its object.
        for target in targets.into_iter().rev() {
            match &change {
                Change::Merge(object) => {
                    let mut object = object.clone();
                    if let (Some(resource), true) = (resources.0.get(target), patch.target.is_some()) {
                        pose_as(&mut object, resource);
                    }
                    merge_into(kustomization, &patch.field, resources, target, object, errors);
                }
                Change::Operations(operations) => {
                    operate(kustomization, &patch.field, resources, target, operations, errors);
                }
            }
        }
    }
}

/// Gives a patch the identity of the object it is for.
fn pose_as(patch: &mut Map<String, Value>, resource: &Resource) {
    for (key, value) in [("name", resource.name()), ("namespace", resource.namespace())] {
        set_metadata(patch, key, (!value.is_empty()).then(|| value.into()));
    }
    for key in ["apiVersion", "kind"] {
        if let Some(value) = resource.value.get(key) {
            patch.insert(key.to_owned(), value.clone());
        }
    }
}

fn operate(
    kustomization: &Kustomization,
    field: &str,
    resources: &mut Resources,
    place: usize,
    operations: &[Operation],
    errors: &mut Vec<RenderError>,
) {
    let Some(resource) = resources.0.get_mut(place) else { return };
    match json6902::apply(&resource.value, operations) {
        Ok(value) => resource.value = value,
        Err(reason) => errors.push(failed(kustomization, field, resource, reason)),
    }
}

/// The objects that a selector picks, by the names they had or have.
fn select(resources: &Resources, selector: &Selector) -> Result<Vec<usize>, String> {
    let pattern = |text: &str| {
        let anchored = if text.is_empty() { String::new() } else { format!("^{text}$") };
        Regex::new(&anchored).map_err(|_| format!("`{text}` is no pattern"))
    };
    let (name, namespace) = (pattern(&selector.name)?, pattern(&selector.namespace)?);
    let labels = Labels::parse(&selector.labels)?;
    let annotations = Labels::parse(&selector.annotations)?;
    Ok(resources.matching(|resource| {
        let (original, current) = (resource.original_id(), resource.current_id());
        let lives_in =
            |id: &Id| namespace.is_match(id.effective_namespace(Dialect::V3_2).unwrap_or("_non_namespaceable_"));
        (resource.namespace().is_empty() || lives_in(&original) || lives_in(&current))
            && (name.is_match(&original.name) || name.is_match(&current.name))
            && current.gvk.is_selected(&selector.gvk)
            && labels.matches(&string_map(&resource.value, "labels"))
            && annotations.matches(&string_map(&resource.value, "annotations"))
    }))
}

/// Reads `patchesJson6902`.
pub(super) fn load_json(
    renderer: &mut Renderer<'_>,
    kustomization: &Kustomization,
) -> Vec<(JsonPatch, Vec<Operation>)> {
    let mut loaded = Vec::new();
    for patch in &kustomization.patches_json {
        let Some((place, text)) = text_of(renderer, kustomization, patch.path.as_ref(), patch.patch.as_ref()) else {
            continue;
        };
        match operations_of(&text) {
            Ok(operations) => loaded.push((patch.clone(), operations)),
            Err(reason) => refuse(renderer, place, &patch.field, reason),
        }
    }
    loaded
}

/// Applies operations to the one object that a target names.
pub(super) fn apply_json(
    kustomization: &Kustomization,
    patches: Vec<(JsonPatch, Vec<Operation>)>,
    resources: &mut Resources,
    errors: &mut Vec<RenderError>,
) {
    for (patch, operations) in patches {
        match resources.find(&patch.target) {
            Ok(place) => operate(kustomization, &patch.field, resources, place, &operations, errors),
            Err(reason) => errors.push(RenderError::Transform {
                place: at(kustomization, patch.at),
                field: patch.field,
                object: patch.target.to_string(),
                reason,
            }),
        }
    }
}

fn at(kustomization: &Kustomization, at: Position) -> Place {
    Place::new(&kustomization.file, at)
}
