//! Fields of other people's objects: what a `patch` found there, and how it is put back.
//!
//! Before a patch writes a field, the value that was there is noted on the object itself, in an annotation that the
//! patch's own manager owns: it survives a lost state, and goes with the patch. Putting back is one JSON Patch that
//! sets the values, takes the fields from our manager, and drops the notes, so that no crash leaves half of it.

use std::collections::BTreeMap;

use kfplan_model::{Path, Segment};
use serde_json::{Value as Json, json};

use crate::fields::{FieldSet, Managed, raw_fields};
use crate::identity::{at, list, text};
use crate::marks::{EARLIER, PATCH, patch_name};
use crate::structure::{Structure, lookup, step_into};

/// What was at each path before the patch; `None` where nothing was.
type Earlier = BTreeMap<Path, Option<Json>>;

/// The body of a patch as it is sent: with what it found noted on the object.
#[must_use]
pub fn with_earlier(body: &Json, live: &Json) -> Json {
    let Some(name) = patch_name(body) else { return body.clone() };
    let known = noted(live, name);
    let mut earlier = Earlier::new();
    for (path, _) in stated(body, live) {
        match known.iter().find(|(place, _)| path.starts_with(place)) {
            Some((place, found)) => drop(earlier.insert(place.clone(), found.clone())),
            None => {
                let place = missing_item(&path, live).unwrap_or(path);
                let found = lookup(&place, live).cloned();
                earlier.insert(place, found);
            }
        }
    }
    let mut sent = body.clone();
    if let Some(annotations) = sent.pointer_mut("/metadata/annotations").and_then(Json::as_object_mut) {
        annotations.insert(format!("{EARLIER}{name}"), Json::String(written(&earlier)));
    }
    sent
}

/// The JSON Patch that puts back what a patch found at the paths that it no longer states; at all of them when it goes as
/// a whole (`stays` is `None`). `None` where there is nothing to put back.
#[must_use]
pub fn restoration(body: &Json, live: &Json, manager: &str, stays: bool) -> Option<Json> {
    let name = patch_name(body)?;
    let mut earlier = noted(live, name);
    if stays {
        let kept = FieldSet::of(stated(body, live).iter().map(|(path, _)| path));
        earlier.retain(|path, _| !kept.touches(path));
    }
    if stays && earlier.is_empty() {
        return None;
    }
    // A write between looking and this one is a conflict, not an overwrite.
    let mut operations = vec![
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": text(live, &["metadata", "resourceVersion"])}),
    ];
    // Removals come last, those of list items from the end, so that places stay what they are.
    let mut removals: Vec<String> = Vec::new();
    for (path, value) in &earlier {
        let now = lookup(path, live);
        match value {
            Some(value) if now == Some(value) => {}
            Some(value) => operations.extend(put(path, value, live)),
            None if now.is_some() => removals.extend(pointer(path, live)),
            None => {}
        }
    }
    removals.sort_by_key(|pointer| std::cmp::Reverse(steps(pointer)));
    operations.extend(removals.into_iter().map(|path| json!({"op": "remove", "path": path})));
    if !stays {
        for prefix in [PATCH, EARLIER] {
            let annotation = Path::keys(["metadata", "annotations", &format!("{prefix}{name}")]);
            let there = lookup(&annotation, live).and_then(|_| pointer(&annotation, live));
            operations.extend(there.map(|path| json!({"op": "remove", "path": path})));
        }
    }
    operations.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": without(live, manager, stays.then_some(&earlier))}));
    Some(Json::Array(operations))
}

/// The outermost item of a list on the way to a path that is not there yet: it is taken out as a whole.
fn missing_item(path: &Path, live: &Json) -> Option<Path> {
    let mut place = Path::root();
    for segment in path.segments() {
        place.push(segment.clone());
        if !matches!(segment, Segment::Key(_)) && lookup(&place, live).is_none() {
            return Some(place);
        }
    }
    None
}

/// The leaves that a patch states, but for its own mark.
fn stated<'a>(body: &'a Json, live: &Json) -> Vec<(Path, &'a Json)> {
    let leaves = Structure::new(live, Managed::of(live).union()).leaves(body);
    leaves.into_iter().filter(|(path, _)| !is_mark(path)).collect()
}

fn is_mark(path: &Path) -> bool {
    matches!(path.segments(), [Segment::Key(metadata), Segment::Key(annotations), Segment::Key(key)]
        if &**metadata == "metadata" && &**annotations == "annotations" && (key.starts_with(PATCH) || key.starts_with(EARLIER)))
}

fn noted(live: &Json, name: &str) -> Earlier {
    let note = at(live, &["metadata", "annotations", &format!("{EARLIER}{name}")]).and_then(Json::as_str);
    let entries: Vec<Json> = note.and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default();
    let one = |entry: &Json| Some((text(entry, &["path"]).parse().ok()?, entry.get("value").cloned()));
    entries.iter().filter_map(one).collect()
}

fn written(earlier: &Earlier) -> String {
    let one = |(path, value): (&Path, &Option<Json>)| match value {
        Some(value) => json!({"path": path.to_string(), "value": value}),
        None => json!({"path": path.to_string()}),
    };
    Json::Array(earlier.iter().map(one).collect()).to_string()
}

/// The operation that sets a value; none where what held it is gone.
fn put(path: &Path, value: &Json, live: &Json) -> Option<Json> {
    let mut outer = path.clone();
    let last = outer.pop()?;
    let parent = lookup(&outer, live)?;
    if step_into(parent, &last).is_some() {
        return Some(json!({"op": "replace", "path": pointer(path, live)?, "value": value}));
    }
    let end = match (&last, parent) {
        (Segment::Key(key), Json::Object(_)) => escaped(key),
        (_, Json::Array(_)) => "-".to_owned(),
        _ => return None,
    };
    Some(json!({"op": "add", "path": format!("{}/{end}", pointer(&outer, live)?), "value": value}))
}

/// The JSON Pointer of what is at a path now.
fn pointer(path: &Path, live: &Json) -> Option<String> {
    let mut text = String::new();
    let mut value = live;
    for segment in path.segments() {
        let inside = step_into(value, segment)?;
        let step = match (segment, value) {
            (_, Json::Array(items)) => items.iter().position(|item| std::ptr::eq(item, inside))?.to_string(),
            (Segment::Key(key), _) => escaped(key),
            _ => return None,
        };
        text.push('/');
        text.push_str(&step);
        value = inside;
    }
    Some(text)
}

/// The steps of a pointer in an order that counts: numbers as numbers.
fn steps(pointer: &str) -> Vec<(u64, String)> {
    pointer.split('/').map(|step| (step.parse().unwrap_or(0), step.to_owned())).collect()
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The live `managedFields` without what is put back: without our entry, or without `gone` in it.
fn without(live: &Json, manager: &str, gone: Option<&Earlier>) -> Json {
    let ours = raw_fields(live, manager);
    let mut entries: Vec<Json> = list(live, &["metadata", "managedFields"]).to_vec();
    let is_ours =
        |entry: &Json| ours.is_some() && entry.get("fieldsV1") == ours && text(entry, &["manager"]) == manager;
    match gone {
        None => entries.retain(|entry| !is_ours(entry)),
        Some(gone) => {
            for entry in entries.iter_mut().filter(|entry| is_ours(entry)) {
                let fields = entry.get("fieldsV1").map(FieldSet::from_fields_v1).unwrap_or_default();
                let stays = |path: &Path| !gone.keys().any(|gone| path.starts_with(gone));
                let kept: Vec<Path> = fields.paths().into_iter().filter(stays).collect();
                entry["fieldsV1"] = FieldSet::of(&kept).to_fields_v1();
            }
        }
    }
    Json::Array(entries)
}
