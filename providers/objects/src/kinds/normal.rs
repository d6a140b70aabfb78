//! Bodies as they are sent: without what the server keeps for itself, and in one form where there are several.

use kfplan_model::{Path, Segment};
use kfplan_plan::{Desired, Hole};
use serde_json::{Map, Value as Json};

use crate::identity::{group_of, is_built_in, kind_of};
use crate::values::encoded;

/// Fields of `metadata` that only the server writes.
const SERVERS: &[&str] =
    &["creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// What `kubectl apply` leaves on objects: a copy of them that nobody reads here.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Deeper bodies keep what is null in them.
const MAX_DEPTH: usize = 100;

/// Takes out what the server keeps for itself and what is stated as nothing, and turns the text of Secrets into data.
/// The namespace becomes the one of the object's place.
pub(super) fn normalise(desired: &mut Desired, namespace: Option<&str>) {
    let is_secret = kind_of(&desired.body) == "Secret" && group_of(&desired.body).is_empty();
    let is_built_in = is_built_in(group_of(&desired.body), kind_of(&desired.body));
    let Desired { body, holes, sensitive } = desired;
    let Some(map) = body.as_object_mut() else { return };
    map.remove("status");
    if let Some(metadata) = map.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.retain(|key, _| !SERVERS.contains(&key.as_str()));
        match namespace {
            Some(namespace) => drop(metadata.insert("namespace".to_owned(), Json::from(namespace))),
            None => drop(metadata.remove("namespace")),
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
        prune(metadata, &mut Path::keys(["metadata"]), holes, 0);
    }
    if is_secret {
        text_to_data(map, holes);
        sensitive.extend([Path::keys(["data"]), Path::keys(["stringData"])]);
    }
    if is_built_in {
        prune(map, &mut Path::root(), holes, 0);
    }
    sensitive.sort();
    sensitive.dedup();
    holes.retain(|hole| hole.path.get(body).is_some());
}

/// A body as it is sent once everything in it is known: the text of a Secret is data to the server, which would otherwise
/// keep the one and own the other.
#[must_use]
pub fn as_sent(body: &Json) -> Json {
    let mut sent = body.clone();
    if kind_of(body) == "Secret"
        && group_of(body).is_empty()
        && let Some(map) = sent.as_object_mut()
    {
        text_to_data(map, &[]);
    }
    sent
}

/// Takes out what is stated as nothing. Custom resources keep it: their schema may tell nothing from absent.
fn prune(map: &mut Map<String, Json>, path: &mut Path, holes: &[Hole], depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    map.retain(|key, value| !value.is_null() || holes.iter().any(|hole| hole.path == path.key(key)));
    for (key, value) in map.iter_mut() {
        path.push(Segment::Key(key.as_str().into()));
        inside(value, path, holes, depth + 1);
        path.pop();
    }
}

fn inside(value: &mut Json, path: &mut Path, holes: &[Hole], depth: usize) {
    match value {
        Json::Object(map) => prune(map, path, holes, depth),
        Json::Array(list) if depth <= MAX_DEPTH => {
            for (place, item) in list.iter_mut().enumerate() {
                path.push(Segment::Key(place.to_string().into()));
                inside(item, path, holes, depth + 1);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The server turns `stringData` into `data`, where comparing would not find it again. What is known only after apply has
/// to stay text until then.
fn text_to_data(map: &mut Map<String, Json>, holes: &[Hole]) {
    let Some(Json::Object(texts)) = map.remove("stringData") else { return };
    let is_hole = |key: &str| holes.iter().any(|hole| hole.path == Path::keys(["stringData", key]));
    let (late, known): (Map<String, Json>, Map<String, Json>) = texts.into_iter().partition(|(key, _)| is_hole(key));
    if !known.is_empty() {
        let data = map.entry("data").or_insert_with(|| Json::Object(Map::new()));
        if let Some(data) = data.as_object_mut() {
            data.extend(known.into_iter().map(|(key, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                (key, Json::String(encoded(&text)))
            }));
        }
    }
    if !late.is_empty() {
        map.insert("stringData".to_owned(), Json::Object(late));
    }
}
