//! Changes to what kfplan applied.

use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::draft::{Act, Draft};
use super::edit::{Edit, pointer};
use super::expect::is_filled_by_others;
use super::fields::{Step, locate};
use super::left_out::{is_left_out, may_be_deleted};
use super::object::Object;
use super::value;

/// It leaves an item behind that belongs to whoever changed the key.
pub(super) const KEY_CHANGED: &str = "key of an item changed";

/// A place that kfplan owns and that may be changed.
struct Place {
    path: Vec<Step>,
    tokens: Vec<String>,
    value: Json,
}

/// A change to something that kfplan owns in the object; `None` when this try found none.
pub(super) fn draft(object: &Object, chance: &mut Chance) -> Option<Draft> {
    let whole = |what, act| Some(Draft { what, place: String::new(), act });
    if may_be_deleted(object) && chance.once_in(24) {
        return if chance.once_in(2) { whole("deleted", Act::Delete) } else { whole("made again", Act::Replace) };
    }
    let place = |path: Vec<Step>| {
        let is_leaf = object.owned.leaves().contains(&path);
        let tokens = locate(&object.body, &path).filter(|tokens| !is_left_out(object, tokens))?;
        if is_leaf && is_filled_by_others(object, &path) {
            return None;
        }
        let value = object.body.pointer(&pointer(&tokens))?.clone();
        Some(Place { path, tokens, value })
    };
    match chance.below(10) {
        0 => structure_removed(object, &place, chance),
        1 => reordered(object, &place, chance),
        2 => taken(&place(chance.pick(&object.owned.leaves())?.clone())?),
        3 => leaf_removed(&place(chance.pick(&object.owned.leaves())?.clone())?),
        // Lists and maps that are wholes are fewer than scalars, and more can happen to them.
        4..=6 => {
            let leaves = object.owned.leaves().into_iter().filter_map(place);
            let wholes: Vec<Place> = leaves.filter(|it| it.value.is_array() || it.value.is_object()).collect();
            whole_changed(object, chance.pick(&wholes)?, chance)
        }
        _ => {
            let place = place(chance.pick(&object.owned.leaves())?.clone())?;
            if place.value.is_array() || place.value.is_object() {
                return whole_changed(object, &place, chance);
            }
            scalar_changed(object, &place, chance)
        }
    }
}

fn scalar_changed(object: &Object, place: &Place, chance: &mut Chance) -> Option<Draft> {
    let first = place.tokens.first().map(String::as_str);
    let is_base64 = (object.kind == "Secret" && first == Some("data")) || first == Some("binaryData");
    let other = value::other(&place.value, is_base64, chance)?;
    let is_key = matches!(place.path.as_slice(), [.., Step::Item(keys), Step::Field(name)]
        if keys.iter().any(|(key, _)| key == name));
    if is_key {
        return Some(Draft::edit(KEY_CHANGED, &place.path, Edit::Set(place.tokens.clone(), other)));
    }
    Some(Draft::set("value changed", &place.path, &place.tokens, other))
}

fn leaf_removed(place: &Place) -> Option<Draft> {
    let what = match place.path.last()? {
        Step::Field(_) => "field removed",
        Step::Item(_) | Step::Element(_) | Step::Index(_) => "item removed",
    };
    Some(Draft::edit(what, &place.path, Edit::Remove(place.tokens.clone())))
}

fn taken(place: &Place) -> Option<Draft> {
    let act = Act::Take(place.path.clone(), place.value.clone());
    Some(Draft { what: "taken with the same value", place: super::fields::text(&place.path), act })
}

fn structure_removed(
    object: &Object,
    place: &dyn Fn(Vec<Step>) -> Option<Place>,
    chance: &mut Chance,
) -> Option<Draft> {
    let place = place(chance.pick(&object.owned.containers())?.clone())?;
    let what = match place.path.last()? {
        Step::Item(_) => "item of a merged list removed",
        _ => "everything inside removed",
    };
    Some(Draft::edit(what, &place.path, Edit::Remove(place.tokens)))
}

fn reordered(object: &Object, place: &dyn Fn(Vec<Step>) -> Option<Place>, chance: &mut Chance) -> Option<Draft> {
    let lists = object.owned.merged_lists();
    let lists: Vec<_> = lists.into_iter().filter(|(_, items)| items.len() > 1).collect();
    let place = place(chance.pick(&lists)?.0.clone())?;
    let list = turned(place.value.as_array()?, chance)?;
    Some(Draft::edit("merged list reordered", &place.path, Edit::Set(place.tokens, list)))
}

/// The list in another order; `None` where its items are all alike.
fn turned(list: &[Json], chance: &mut Chance) -> Option<Json> {
    let mut turned = list.to_vec();
    if chance.once_in(2) {
        turned.reverse();
    } else {
        turned.rotate_left(1.min(list.len()));
    }
    (turned != list).then(|| Json::from(turned))
}

/// A list or map that is owned as a whole.
fn whole_changed(object: &Object, place: &Place, chance: &mut Chance) -> Option<Draft> {
    let set = |what, value| Some(Draft::set(what, &place.path, &place.tokens, value));
    let inside = |place: &Place, chance: &mut Chance| {
        // A schema with other names in it would not fit the objects that are there.
        let is_schema = object.kind == "CustomResourceDefinition";
        value::changed_inside(&place.value, &|key| !is_schema || key == "description", chance)
    };
    if object.kind == "CustomResourceDefinition" && place.tokens.last().is_some_and(|last| last == "versions") {
        return set("changed inside a whole", inside(place, chance)?);
    }
    match &place.value {
        Json::Array(list) => match chance.below(5) {
            0 => set("item added to a whole", added(list, chance)?),
            1 if !list.is_empty() => {
                let mut rest = list.clone();
                rest.remove(chance.below(list.len()));
                set("item of a whole removed", Json::from(rest))
            }
            2 => set("whole reordered", turned(list, chance)?),
            _ => set("changed inside a whole", inside(place, chance)?),
        },
        Json::Object(map) => match chance.below(4) {
            0 => {
                let mut more = map.clone();
                more.insert(format!("added-{}", chance.below(100)), json!("yes"));
                set("key added to a whole", Json::Object(more))
            }
            1 => {
                let names: Vec<&String> = map.keys().collect();
                let mut rest = map.clone();
                rest.remove(*chance.pick(&names)?);
                set("key of a whole removed", Json::Object(rest))
            }
            _ => set("changed inside a whole", inside(place, chance)?),
        },
        _ => None,
    }
}

/// The list with one item more, made from one that is there, anywhere in it.
fn added(list: &[Json], chance: &mut Chance) -> Option<Json> {
    let item = match chance.pick(list) {
        None => json!("added"),
        Some(item) if item.is_object() || item.is_array() => value::changed_inside(item, &|_| true, chance)?,
        Some(item) => value::other(item, false, chance)?,
    };
    let mut more = list.to_vec();
    more.insert(chance.below(list.len() + 1), item);
    Some(Json::from(more))
}
