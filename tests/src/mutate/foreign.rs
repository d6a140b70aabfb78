//! Changes to what kfplan does not own: nobody may hear of them.

use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::draft::{Act, Draft};
use super::edit::{Edit, pointer};
use super::fields::{Step, locate, lookup, text};
use super::left_out::is_left_out;
use super::object::Object;
use super::value;

/// What the tool adds is known by this; what is there from an earlier round may be changed and removed.
pub(super) const FINALIZER: &str = "example.com/mutated";
pub(super) const FINALIZER_ADDED: &str = "finalizer added";

/// Maps to which anybody may add keys.
const OPEN_MAPS: &[&[&str]] = &[
    &["metadata", "labels"],
    &["metadata", "annotations"],
    &["data"],
    &["spec", "template", "metadata", "labels"],
    &["spec", "template", "metadata", "annotations"],
];

/// A change to something that kfplan does not own; `None` when this try found none.
pub(super) fn draft(object: &Object, chance: &mut Chance) -> Option<Draft> {
    match chance.below(10) {
        0..=2 => extra_key(object, chance),
        3 => finalizer(object),
        4 | 5 => extra_item(object, chance),
        6 => shared(object, chance),
        _ => unowned_scalar(object, chance),
    }
}

fn extra_key(object: &Object, chance: &mut Chance) -> Option<Draft> {
    let map: Vec<String> = chance.pick(OPEN_MAPS)?.iter().map(|name| (*name).to_owned()).collect();
    let name = if map.first().is_some_and(|first| first == "data") { "mutated" } else { "example.com/mutated" };
    let name = format!("{name}-{}", chance.below(3));
    let mut value = format!("value-{}", chance.below(1000));
    if object.kind == "Secret" && name.starts_with("mutated") {
        value = "Y2hhbmdlZA==".to_owned();
    }
    let mut at = map.clone();
    let place = |at: &[String]| at.iter().map(|token| Step::Field(token.clone())).collect::<Vec<_>>();
    let Some(held) = object.body.pointer(&pointer(&map)) else {
        let is_kept = object.kind == "ConfigMap" || map.first().is_some_and(|first| first == "metadata");
        let edit = Edit::Set(map.clone(), json!({ name: value }));
        return is_kept.then(|| Draft::edit("map with a key added", &place(&map), edit));
    };
    at.push(name.clone());
    if held.get(&name).is_some() && chance.once_in(2) {
        return Some(Draft::edit("extra key removed", &place(&at), Edit::Remove(at.clone())));
    }
    Some(Draft::edit("extra key set", &place(&at), Edit::Set(at.clone(), json!(value))))
}

fn finalizer(object: &Object) -> Option<Draft> {
    let at = vec!["metadata".to_owned(), "finalizers".to_owned()];
    let path: Vec<Step> = at.iter().map(|token| Step::Field(token.clone())).collect();
    let edit = if object.body.pointer(&pointer(&at)).is_some() {
        Edit::Insert([at, vec!["-".to_owned()]].concat(), json!(FINALIZER))
    } else {
        Edit::Set(at, json!([FINALIZER]))
    };
    Some(Draft::edit(FINALIZER_ADDED, &path, edit))
}

/// An item more in a list that is merged item by item, before or after what is there.
fn extra_item(object: &Object, chance: &mut Chance) -> Option<Draft> {
    let lists = object.owned.merged_lists();
    let (path, items) = chance.pick(&lists)?;
    let tokens = locate(&object.body, path).filter(|tokens| !is_left_out(object, tokens))?;
    let list = object.body.pointer(&pointer(&tokens))?.as_array()?;
    let Step::Item(keys) = items.first()? else { return None };
    let number = chance.below(3);
    let mut item = list.get(chance.below(list.len()))?.clone();
    let map = item.as_object_mut()?;
    for name in keys.iter().map(|(key, _)| key.as_str()).chain(["name"]) {
        let Some(value) = map.get_mut(name) else { continue };
        *value = match &*value {
            Json::Number(port) => json!((port.as_u64()? + 1000 + number as u64) % 65000),
            Json::String(_) if name == "protocol" => continue,
            Json::String(text) if text.starts_with('/') => json!(format!("/extra-{number}")),
            Json::String(text) if text.contains('.') => json!(format!("extra-{number}.example.com")),
            Json::String(_) => json!(format!("extra-{number}")),
            _ => return None,
        };
    }
    map.remove("nodePort");
    let same = |other: &Json| keys.iter().all(|(key, _)| other.get(key) == item.get(key));
    let mut at = tokens;
    if let Some(place) = list.iter().position(same) {
        at.push(place.to_string());
        return Some(Draft::edit("extra item removed", path, Edit::Remove(at)));
    }
    at.push(if chance.once_in(2) { "-".to_owned() } else { chance.below(list.len()).to_string() });
    Some(Draft::edit("item added to a merged list", path, Edit::Insert(at, item)))
}

/// Another manager applies what kfplan applied: both own it then.
fn shared(object: &Object, chance: &mut Chance) -> Option<Draft> {
    let leaves = object.owned.leaves();
    let path = chance.pick(&leaves)?;
    let tokens = locate(&object.body, path)?;
    let value = lookup(&object.body, path)?.clone();
    let act = Act::Share(path.clone(), value);
    (!is_left_out(object, &tokens)).then(|| Draft { what: "applied by another too", place: text(path), act })
}

fn unowned_scalar(object: &Object, chance: &mut Chance) -> Option<Draft> {
    let owned: Vec<Vec<String>> = object.owned.leaves().iter().filter_map(|path| locate(&object.body, path)).collect();
    let mut keys = Vec::new();
    for (list, items) in object.owned.merged_lists() {
        for item in items {
            let Step::Item(names) = &item else { continue };
            let path = [list.clone(), vec![item.clone()]].concat();
            let Some(tokens) = locate(&object.body, &path) else { continue };
            keys.extend(names.iter().map(|(name, _)| [tokens.clone(), vec![name.clone()]].concat()));
        }
    }
    let mut free = value::scalars(&object.body, &|_| true);
    free.retain(|at| {
        !is_left_out(object, at)
            && at.first().is_some_and(|first| first != "metadata")
            && !owned.iter().chain(&keys).any(|held| at.starts_with(held))
    });
    let at = chance.pick(&free)?;
    let is_base64 = object.kind == "Secret";
    let other = value::other(object.body.pointer(&pointer(at))?, is_base64, chance)?;
    let act = Act::Edit(vec![Edit::Set(at.clone(), other)], None);
    Some(Draft { what: "unowned value changed", place: pointer(at), act })
}
