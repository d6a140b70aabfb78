//! The leaves of an ARM body: the places at which bodies are compared and digested.
//!
//! Maps are walked, the pools of a cluster are walked by name, and every other list is one leaf. So is an empty
//! map, the map of user-assigned identities (its keys are ids), and every place that is filled later.

use kfplan_model::{Path, Scalar, Segment};
use serde_json::Value as Json;

/// Where the pools of a cluster stand.
const POOLS: [&str; 2] = ["properties", "agentPoolProfiles"];

/// Whether this path is the list of a cluster's pools.
pub(crate) fn is_pools(path: &[Segment]) -> bool {
    path.len() == 2 && keys(path).eq(POOLS.map(Some))
}

/// Whether this path is the map of a cluster's identities.
pub(crate) fn is_identities(path: &[Segment]) -> bool {
    path.len() == 2 && keys(path).eq([Some("identity"), Some("userAssignedIdentities")])
}

/// The keys of a path, nothing where a segment is none.
pub(crate) fn keys(path: &[Segment]) -> impl Iterator<Item = Option<&str>> {
    path.iter().map(|segment| match segment {
        Segment::Key(key) => Some(&**key),
        Segment::Item(_) | Segment::Element(_) => None,
    })
}

/// The last key of a path.
pub(crate) fn last_key(path: &Path) -> &str {
    match path.segments().last() {
        Some(Segment::Key(key)) => key,
        _ => "",
    }
}

/// How an element of the list of pools is named in a path.
pub(crate) fn pool_segment(name: &str) -> Segment {
    Segment::Item(vec![("name".into(), Scalar::Text(name.into()))])
}

/// The name of the pool that a path leads into, inside a cluster.
pub(crate) fn pool_of(path: &Path) -> Option<&str> {
    match (path.segments().get(..2), path.segments().get(2)) {
        (Some(start), Some(Segment::Item(keys))) if is_pools(start) => {
            keys.iter().find_map(|(key, value)| match value {
                Scalar::Text(name) if &**key == "name" => Some(&**name),
                _ => None,
            })
        }
        _ => None,
    }
}

/// Where labels of nodes stand in a body: they are stated whole.
fn label_places(body: &Json) -> Vec<Path> {
    let pools = body.pointer("/properties/agentPoolProfiles").and_then(Json::as_array);
    let names = pools.into_iter().flatten().filter_map(|pool| pool.get("name").and_then(Json::as_str));
    let inside = names.map(|name| Path::keys(POOLS).join(pool_segment(name)).key("nodeLabels"));
    std::iter::once(Path::keys(["properties", "nodeLabels"])).chain(inside).collect()
}

/// Live labels of nodes that are not stated beside labels that are: they were added by hand.
pub(crate) fn added_labels(stated: &Json, live: &Json) -> Vec<Path> {
    let mut found = Vec::new();
    for place in label_places(stated) {
        if let (Some(Json::Object(stated)), Some(Json::Object(live))) = (place.get(stated), place.get(live)) {
            found.extend(live.keys().filter(|key| !stated.contains_key(*key)).map(|key| place.key(key)));
        }
    }
    found
}

/// Every leaf with its path, in order. Nulls are leaves only where `holes` says so: what is stated as nothing is not stated.
pub(crate) fn leaves<'a>(body: &'a Json, holes: &[Path]) -> Vec<(Path, &'a Json)> {
    let mut found = Vec::new();
    walk(body, &mut Path::root(), holes, &mut found);
    found
}

fn walk<'a>(value: &'a Json, path: &mut Path, holes: &[Path], found: &mut Vec<(Path, &'a Json)>) {
    if holes.contains(path) {
        found.push((path.clone(), value));
        return;
    }
    match value {
        Json::Null => {}
        Json::Object(map)
            if !map.is_empty() && !is_identities(path.segments()) && !kfplan_plan::Sealed::is_sealed(value) =>
        {
            for (key, value) in map {
                path.push(Segment::Key(key.as_str().into()));
                walk(value, path, holes, found);
                path.pop();
            }
        }
        Json::Array(list) if is_pools(path.segments()) => {
            for item in list {
                let name = item.get("name").and_then(Json::as_str).unwrap_or_default();
                path.push(pool_segment(name));
                walk(item, path, holes, found);
                path.pop();
            }
        }
        leaf => found.push((path.clone(), leaf)),
    }
}
