//! Merges what is applied into what is there, by the shape of the kind.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map as Object, Value};

use super::fields::Element;
use super::key;
use crate::kube::schema::{List, Map, Node, Ref, Relation, Schema};

/// Lays `patch` over `live`. Items of keyed lists take the patch's order, the others keep their places.
pub(crate) fn merge(schema: &Schema, at: Ref, live: Option<&Value>, patch: Option<&Value>) -> Option<Value> {
    let node = schema.node(at);
    let (live_node, patch_node) = (key::deduce(node, live), key::deduce(node, patch));
    let node: &Node = if patch.is_none() { &live_node } else { &patch_node };
    if let Some(map) = &node.map {
        merge_maps(schema, map, live, patch)
    } else if node.scalar.is_some() {
        keep(live, patch)
    } else if let Some(list) = &node.list {
        merge_lists(schema, list, live, patch)
    } else {
        keep(live, patch)
    }
}

/// What is one value comes from the patch where it says anything.
fn keep(live: Option<&Value>, patch: Option<&Value>) -> Option<Value> {
    patch.or(live).cloned()
}

fn merge_maps(schema: &Schema, map: &Map, live: Option<&Value>, patch: Option<&Value>) -> Option<Value> {
    let (old, new) = (live.and_then(Value::as_object), patch.and_then(Value::as_object));
    let empty = old.is_none_or(Object::is_empty) && new.is_none_or(Object::is_empty);
    if map.atomic || empty {
        return keep(live, patch);
    }
    let names: BTreeSet<&String> =
        old.into_iter().flatten().chain(new.into_iter().flatten()).map(|(name, _)| name).collect();
    let mut out = Object::new();
    for name in names {
        let (mine, theirs) = (old.and_then(|old| old.get(name)), new.and_then(|new| new.get(name)));
        let next = map.fields.get(name).map(|field| field.node).or(map.element);
        let merged = match next {
            Some(next) => merge(schema, next, mine, theirs),
            None => keep(mine, theirs),
        };
        if let Some(merged) = merged {
            out.insert(name.clone(), merged);
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// Items with their elements; those whose element cannot be told are left out.
fn indexed<'a>(schema: &Schema, list: &List, value: Option<&'a Value>) -> Vec<(Element, &'a Value)> {
    let items = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| Some((key::element(schema, list, item).ok()?, item))).collect()
}

/// The one item of each element; none where there are several.
fn observed<'a>(items: &[(Element, &'a Value)]) -> BTreeMap<Element, Option<&'a Value>> {
    let mut out: BTreeMap<Element, Option<&'a Value>> = BTreeMap::new();
    for (element, item) in items {
        out.entry(element.clone()).and_modify(|slot| *slot = None).or_insert(Some(item));
    }
    out
}

fn merge_lists(schema: &Schema, list: &List, live: Option<&Value>, patch: Option<&Value>) -> Option<Value> {
    let length = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
    if list.relation == Relation::Atomic || (length(live) == 0 && length(patch) == 0) {
        return keep(live, patch);
    }
    let (old, new) = (indexed(schema, list, live), indexed(schema, list, patch));
    let (old_by, new_by) = (observed(&old), observed(&new));
    let mut out = Vec::with_capacity(old.len().max(new.len()));
    let mut shared = new.iter().map(|(element, _)| element).filter(|element| old_by.contains_key(*element));
    let mut next_shared = shared.next();
    let mut done: BTreeSet<&Element> = BTreeSet::new();
    let (mut at, mut from) = (0, 0);
    let item = |element: &Element, out: &mut Vec<Value>| {
        let mine = old_by.get(element).copied().flatten();
        let theirs = new_by.get(element).copied().flatten();
        out.extend(merge(schema, list.element, mine, theirs));
    };
    while at < old.len() || from < new.len() {
        if let (Some((mine, _)), Some((theirs, _))) = (old.get(at), new.get(from)) {
            if mine == theirs {
                done.insert(theirs);
                item(theirs, &mut out);
                at += 1;
                from += 1;
                next_shared = shared.next();
                continue;
            }
            // A shared item that is not the next one in the patch's order: its turn comes later.
            if new_by.contains_key(mine) && next_shared.is_some_and(|next| next != mine) {
                at += 1;
                continue;
            }
        }
        if let Some((mine, value)) = old.get(at) {
            if !new_by.contains_key(mine) {
                out.extend(merge(schema, list.element, Some(value), None));
                at += 1;
                continue;
            }
            if done.contains(mine) {
                at += 1;
            }
        }
        if let Some((theirs, _)) = new.get(from) {
            done.insert(theirs);
            item(theirs, &mut out);
            from += 1;
            if next_shared == Some(theirs) {
                next_shared = shared.next();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Array(out))
}
