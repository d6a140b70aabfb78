//! Strategic merge patches, by the strategies that the built-in kinds name.

use serde_json::{Map as Object, Value};

use crate::kube::schema::{Patch, Ref, Schema};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Lays a patch over an object.
pub(crate) fn merge(schema: &Schema, at: Ref, original: &Value, patch: &Value) -> Result<Value, String> {
    let Value::Object(patch) = patch else { return Err("invalid JSON document".into()) };
    let original = original.as_object().cloned().unwrap_or_default();
    Ok(Value::Object(maps(schema, Some(at), original, patch)?))
}

fn maps(
    schema: &Schema,
    at: Option<Ref>,
    mut original: Object<String, Value>,
    patch: &Object<String, Value>,
) -> Result<Object<String, Value>, String> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            let rest = patch.iter().filter(|(key, _)| *key != DIRECTIVE);
            return Ok(rest.map(|(key, value)| (key.clone(), value.clone())).collect());
        }
        Some("delete") => return Ok(Object::new()),
        Some("merge") | None => {}
        Some(other) => return Err(format!("unknown patch type found: {other}")),
    }
    if let Some(Value::Array(kept)) = patch.get(RETAIN) {
        original.retain(|key, _| kept.iter().any(|one| one.as_str() == Some(key)));
    }
    let map = at.and_then(|at| schema.node(at).map.as_ref());
    for (key, value) in patch {
        if key == DIRECTIVE || key == RETAIN || key.starts_with(ORDER) {
            continue;
        }
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (original.get_mut(name), value) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if value.is_null() {
            original.remove(key);
            continue;
        }
        let field = map.and_then(|map| map.fields.get(key));
        let next = field.map(|field| field.node).or_else(|| map.and_then(|map| map.element));
        let strategy = field.and_then(|field| field.patch.clone()).unwrap_or_default();
        let order = patch.get(&format!("{ORDER}{key}")).and_then(Value::as_array);
        let merged = member(schema, next, &strategy, original.remove(key), value, order)?;
        original.insert(key.clone(), merged);
    }
    for (key, value) in patch {
        let Some(name) = key.strip_prefix(ORDER) else { continue };
        if patch.contains_key(name) {
            continue;
        }
        let strategy =
            map.and_then(|map| map.fields.get(name)).and_then(|field| field.patch.clone()).unwrap_or_default();
        if let (Some(Value::Array(items)), Some(order)) = (original.get_mut(name), value.as_array()) {
            let before = items.clone();
            *items = ordered(before.clone(), order, &before, &strategy.key);
        }
    }
    Ok(original)
}

fn member(
    schema: &Schema,
    at: Option<Ref>,
    strategy: &Patch,
    original: Option<Value>,
    patch: &Value,
    order: Option<&Vec<Value>>,
) -> Result<Value, String> {
    match (original, patch) {
        (Some(Value::Object(original)), Value::Object(patch)) => Ok(Value::Object(maps(schema, at, original, patch)?)),
        (_, Value::Object(patch)) => Ok(Value::Object(maps(schema, at, Object::new(), patch)?)),
        (original, Value::Array(patch)) if strategy.merge => {
            let original = match original {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            };
            let element = at.and_then(|at| schema.node(at).list.as_ref()).map(|list| list.element);
            let items = lists(schema, element, &strategy.key, original.clone(), patch)?;
            let order = order.map_or(patch.as_slice(), Vec::as_slice);
            Ok(Value::Array(ordered(items, order, &original, &strategy.key)))
        }
        (_, patch) => Ok(patch.clone()),
    }
}

fn lists(
    schema: &Schema,
    element: Option<Ref>,
    key: &str,
    mut original: Vec<Value>,
    patch: &[Value],
) -> Result<Vec<Value>, String> {
    if key.is_empty() {
        for item in patch {
            if !original.contains(item) {
                original.push(item.clone());
            }
        }
        return Ok(original);
    }
    if patch.iter().any(|item| item.get(DIRECTIVE).and_then(Value::as_str) == Some("replace")) {
        return Ok(patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect());
    }
    for item in patch {
        let Value::Object(map) = item else { return Err("expected map, but got something else".into()) };
        let Some(mine) = map.get(key) else {
            return Err(format!("map: {} does not contain declared merge key: {key}", crate::kube::apply::shown(item)));
        };
        let at = original.iter().position(|other| other.get(key) == Some(mine));
        if map.get(DIRECTIVE).and_then(Value::as_str) == Some("delete") {
            original.retain(|other| other.get(key) != Some(mine));
            continue;
        }
        match at.and_then(|at| original.get_mut(at)) {
            Some(slot) => {
                let before = slot.as_object().cloned().unwrap_or_default();
                *slot = Value::Object(maps(schema, element, before, map)?);
            }
            None => original.push(Value::Object(maps(schema, element, Object::new(), map)?)),
        }
    }
    Ok(original)
}

/// Brings the items that the patch orders into its order, and the others between them as they were before.
fn ordered(items: Vec<Value>, order: &[Value], before: &[Value], key: &str) -> Vec<Value> {
    let place = |of: &[Value], item: &Value| {
        let same = |other: &Value| {
            if key.is_empty() { other == item } else { other.get(key).is_some() && other.get(key) == item.get(key) }
        };
        of.iter().position(same)
    };
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    others.sort_by_key(|item| place(before, item));
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    let mut out = Vec::new();
    loop {
        let other_first = match (named.peek(), others.peek()) {
            (None, None) => return out,
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (Some(mine), Some(other)) => match (place(before, other), place(before, mine)) {
                (Some(other), Some(mine)) => other < mine,
                _ => false,
            },
        };
        out.extend(if other_first { others.next() } else { named.next() });
    }
}
