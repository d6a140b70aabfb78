//! What drift must say of an object, from nothing but what the server said of it before and after.

use serde_json::{Value as Json, json};

use super::fields::{Owned, Step, lookup, text as path_text};
use super::left_out::is_left_out;
use super::object::{Object, applied, entries, text};
use super::send::Maker;

/// One thing that must be named.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) path: String,
    pub(super) old: Old,
    /// `None`: nothing is there.
    pub(super) new: Option<Json>,
    pub(super) is_secret: bool,
    /// Who wrote it, where `managedFields` says so; several where it does not say who of them was last.
    pub(super) witnesses: Vec<Json>,
}

/// What was there.
#[derive(Debug)]
pub(super) enum Old {
    Value(Json),
    /// At least the values at these places inside, and nothing that is not in the whole.
    Inside(Json, Vec<(Vec<Step>, Json)>),
    /// A whole object.
    Object,
}

/// Everything that must be named; nothing else may be.
pub(super) fn expected(before: &Object, after: Option<&Json>, stack: &str, maker: &Maker) -> Vec<Expected> {
    let whole = |old, new, witnesses| vec![Expected { path: String::new(), old, new, is_secret: false, witnesses }];
    let Some(after) = after else { return whole(Old::Object, None, Vec::new()) };
    let uid = |body: &Json| body["metadata"]["uid"].clone();
    if uid(&before.body) != uid(after) {
        return whole(Old::Value(uid(&before.body)), Some(uid(after)), witnesses(after, &[], maker));
    }
    let ours = applied(after, stack).map(|entry| Owned::read(&entry["fieldsV1"]));
    let mut found: Vec<Expected> = Vec::new();
    let mut add = |one: Expected| {
        if found.iter().all(|other| other.path != one.path) {
            found.push(one);
        }
    };
    for path in before.owned.leaves() {
        let Some(old) = lookup(&before.body, &path).filter(|_| !is_filled_by_others(before, &path)) else { continue };
        let new = lookup(after, &path);
        let is_filled = |new: &Json| old.as_object().is_some_and(serde_json::Map::is_empty) && new.is_object();
        let is_same = new.is_some_and(|new| new == old || is_filled(new));
        if (is_same && ours.as_ref().is_none_or(|ours| ours.touches(&path))) || is_aggregated(before, &path) {
            continue;
        }
        add(match new {
            Some(new) => one(before, &path, Old::Value(old.clone()), Some(new), witnesses(after, &path, maker)),
            None => missing(before, after, &path),
        });
    }
    for (path, items) in before.owned.merged_lists() {
        if let Some((old, new)) = reordered(&before.body, after, &path, &items) {
            // No manager is recorded for an order.
            add(one(before, &path, Old::Value(old), Some(&new), Vec::new()));
        }
    }
    found
}

/// Whether the place is a map of which kfplan owns nothing but that it is there: what is in it is theirs.
pub(super) fn is_filled_by_others(before: &Object, path: &[Step]) -> bool {
    let is_map = lookup(&before.body, path).is_some_and(|value| value.as_object().is_some_and(|map| !map.is_empty()));
    is_map && entries(&before.body).any(|entry| Owned::read(&entry["fieldsV1"]).is_inside(path))
}

fn one(before: &Object, path: &[Step], old: Old, new: Option<&Json>, witnesses: Vec<Json>) -> Expected {
    let is_data = matches!(path.first(), Some(Step::Field(first)) if first == "data" || first == "stringData");
    let is_secret = before.kind == "Secret" && is_data;
    Expected { path: path_text(path), old, new: new.cloned(), is_secret, witnesses }
}

/// The outermost place on the way that is gone.
fn missing(before: &Object, after: &Json, path: &[Step]) -> Expected {
    let depth = (1..=path.len()).find(|depth| lookup(after, path.get(..*depth).unwrap_or_default()).is_none());
    let place = path.get(..depth.unwrap_or(path.len())).unwrap_or(path);
    let whole = lookup(&before.body, place).cloned().unwrap_or_default();
    let leaves = before.owned.leaves().into_iter().filter(|leaf| leaf.starts_with(place));
    let inside = leaves.filter_map(|leaf| {
        let value = lookup(&before.body, &leaf)?.clone();
        Some((leaf.get(place.len()..)?.to_vec(), value))
    });
    one(before, place, Old::Inside(whole, inside.collect()), None, Vec::new())
}

/// The entry of the maker, if it says that the maker wrote at the place. The server notes no time for an apply that
/// changed no value: whoever else has the value may then have been last.
fn witnesses(after: &Json, path: &[Step], maker: &Maker) -> Vec<Json> {
    let writers: Vec<&Json> =
        entries(after).filter(|entry| Owned::read(&entry["fieldsV1"]).touches(path) && !is_kfplans(entry)).collect();
    let is_makers = |entry: &&&Json| entry["manager"] == maker.manager && entry["operation"] == maker.operation;
    let as_witness = |entry: &Json| json!({"manager": text(&entry["manager"]), "operation": text(&entry["operation"]), "time": entry["time"]});
    match writers.iter().rfind(is_makers) {
        None => Vec::new(),
        Some(entry) if entry["time"].is_null() => writers.iter().map(|entry| as_witness(entry)).collect(),
        Some(entry) => vec![as_witness(entry)],
    }
}

fn is_kfplans(entry: &Json) -> bool {
    text(&entry["manager"]).starts_with("kfplan:")
}

/// The keys of the owned items that are in both, in the order before and after, where the two differ.
fn reordered(before: &Json, after: &Json, path: &[Step], items: &[Step]) -> Option<(Json, Json)> {
    let order = |body: &Json| {
        let list = lookup(body, path)?;
        let mut places: Vec<(usize, &Step)> = Vec::new();
        for item in items {
            if let Some(tokens) = super::fields::locate(list, std::slice::from_ref(item)) {
                places.push((tokens.first()?.parse().ok()?, item));
            }
        }
        places.sort_by_key(|(place, _)| *place);
        Some(places.into_iter().map(|(_, item)| item.clone()).collect::<Vec<Step>>())
    };
    let (mut old, mut new) = (order(before)?, order(after)?);
    let (all_old, all_new) = (old.clone(), new.clone());
    old.retain(|item| all_new.contains(item));
    new.retain(|item| all_old.contains(item));
    let keys = |order: &[Step]| {
        let one = |step: &Step| match step {
            Step::Item(keys) => Json::Object(keys.iter().cloned().collect()),
            Step::Element(value) => value.clone(),
            Step::Field(name) => json!(name),
            Step::Index(place) => json!(place),
        };
        order.iter().map(one).collect::<Json>()
    };
    (old != new).then(|| (keys(&old), keys(&new)))
}

/// What is put together by a controller, and left to it.
fn is_aggregated(object: &Object, path: &[Step]) -> bool {
    let tokens: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Field(name) => name.clone(),
            _ => String::new(),
        })
        .collect();
    let is_metadata = tokens.first().is_some_and(|first| first == "metadata");
    !is_metadata && (object.is_scaled || object.kind == "ClusterRole") && is_left_out(object, &tokens)
}
