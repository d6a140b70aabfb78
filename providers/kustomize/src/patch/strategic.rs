//! Strategic merge patches: as JSON merge patches, but the lists of the built-in
//! kinds are merged element by element, and directives (`$patch`, `$retainKeys`,
//! `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) say what a merge cannot.
//!
//! Kinds that Kubernetes 1.14 does not have are patched by [`super::merge`].

use serde_json::{Map, Value};

use super::merge;
use super::schema::{self, List, Type};
use crate::gvk::Gvk;

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// What is done with the directives and nulls of a patch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They act on an object.
    Apply,
    /// They are kept, since the result is a patch again.
    Combine,
}

/// Patches an object. An object that comes out empty is deleted by its patch.
///
/// # Errors
///
/// Why the patch does not fit.
pub fn apply(object: &mut Map<String, Value>, patch: Map<String, Value>) -> Result<(), String> {
    let gvk = Gvk::of(&patch);
    match schema::of(&gvk.group, &gvk.version, &gvk.kind) {
        Some(kind) => {
            let merged = merge_map(std::mem::take(object), patch, kind, Mode::Apply)?;
            *object = merged;
        }
        None => merge::apply(object, patch),
    }
    Ok(())
}

/// Merges two patches for the same object into one.
///
/// # Errors
///
/// When both set a field to different values, or both delete the object.
pub fn combine(first: Map<String, Value>, second: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let gvk = Gvk::of(&second);
    let Some(kind) = schema::of(&gvk.group, &gvk.version, &gvk.kind) else {
        if merge::conflicts(&Value::Object(first.clone()), &Value::Object(second.clone())) {
            return Err(CONFLICT.to_owned());
        }
        let mut merged = first;
        merge::combine(&mut merged, second);
        return Ok(merged);
    };
    if maps_conflict(&first, &second, kind)? {
        return Err(CONFLICT.to_owned());
    }
    let (first, second) = match (deletes(&first), deletes(&second)) {
        (true, true) => return Err("two patches for it both delete something".to_owned()),
        (false, true) => (second, first),
        _ => (first, second),
    };
    let merged = merge_map(Map::new(), first, kind, Mode::Combine)?;
    merge_map(merged, second, kind, Mode::Combine)
}

const CONFLICT: &str = "two patches for it set the same field to different values";

/// Whether `$patch: delete` stands anywhere in a patch.
fn deletes(patch: &Map<String, Value>) -> bool {
    patch.get(DIRECTIVE).is_some_and(|directive| directive == "delete")
        || patch.values().any(|value| match value {
            Value::Object(map) => deletes(map),
            Value::Array(items) => items.iter().map_while(Value::as_object).any(deletes),
            _ => false,
        })
}

fn merge_map(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    kind: Type,
    mode: Mode,
) -> Result<Map<String, Value>, String> {
    match patch.get(DIRECTIVE).map(Value::as_str) {
        None => {}
        Some(Some("replace")) => {
            patch.remove(DIRECTIVE);
            return Ok(patch);
        }
        Some(Some("delete")) => return Ok(Map::new()),
        Some(_) => return Err(format!("`{DIRECTIVE}` must be `replace` or `delete` in a map")),
    }
    retain_keys(&mut original, &mut patch, mode)?;
    order_elements(&mut original, &mut patch, kind, mode)?;
    for (key, value) in patch {
        let (key, is_deletion) = match key.strip_prefix(DELETE) {
            Some(_) if mode == Mode::Combine => {
                original.insert(key, value);
                continue;
            }
            Some(key) => (key.to_owned(), true),
            None => (key, false),
        };
        if value.is_null() {
            original.remove(&key);
            if mode == Mode::Apply {
                continue;
            }
        }
        let field = kind.field(&key);
        let merged = match (original.remove(&key), value) {
            (Some(Value::Object(original)), Value::Object(patch)) => {
                Value::Object(merge_map(original, patch, field.inner, mode)?)
            }
            (Some(Value::Array(original)), Value::Array(patch)) => {
                let list = if is_deletion { List::Set } else { field.list };
                Value::Array(
                    merge_list(original, patch, list, field.inner, mode, is_deletion)
                        .map_err(|reason| format!("`{key}`: {reason}"))?,
                )
            }
            (_, value) => value,
        };
        original.insert(key, merged);
    }
    Ok(original)
}

/// `$retainKeys`: of the original only these keys stay.
fn retain_keys(original: &mut Map<String, Value>, patch: &mut Map<String, Value>, mode: Mode) -> Result<(), String> {
    let Some(keys) = patch.remove(RETAIN) else { return Ok(()) };
    if mode == Mode::Combine {
        match original.get(RETAIN) {
            Some(there) if *there != keys => return Err(format!("two patches differ in `{RETAIN}`")),
            Some(_) => {}
            None => {
                original.insert(RETAIN.to_owned(), keys);
            }
        }
        return Ok(());
    }
    let Value::Array(keys) = keys else { return Err(format!("`{RETAIN}` must be a list of keys")) };
    let is_kept = |key: &str| keys.iter().any(|kept| kept == key);
    let stray = patch
        .iter()
        .find(|(key, value)| !value.is_null() && !key.starts_with(DELETE) && !key.starts_with(ORDER) && !is_kept(key));
    if let Some((key, _)) = stray {
        return Err(format!("`{key}` is set, but not in `{RETAIN}`"));
    }
    original.retain(|key, _| is_kept(key));
    Ok(())
}

/// `$setElementOrder/LIST`: merges the list now, and in this order.
fn order_elements(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    kind: Type,
    mode: Mode,
) -> Result<(), String> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ORDER)).cloned().collect();
    for directive in directives {
        let Some(Value::Array(order)) = patch.remove(&directive) else {
            return Err(format!("`{directive}` must be a list"));
        };
        if mode == Mode::Combine {
            match original.get(&directive) {
                Some(Value::Array(there)) if *there == order => {}
                Some(_) => return Err(format!("two patches differ in `{directive}`")),
                None => {
                    original.insert(directive.clone(), Value::Array(order.clone()));
                }
            }
        }
        let key = directive.strip_prefix(ORDER).unwrap_or_default();
        let field = kind.field(key);
        let before = match original.get(key) {
            Some(Value::Array(items)) => items.clone(),
            _ => Vec::new(),
        };
        let merged = match (original.remove(key), patch.remove(key)) {
            (None, None) => continue,
            (Some(Value::Array(items)), None) | (None, Some(Value::Array(items))) => items,
            (Some(Value::Array(original)), Some(Value::Array(patch))) => {
                merge_list(original, patch, field.list, field.inner, mode, false)?
            }
            _ => return Err(format!("`{key}` must be a list, as `{directive}` says its order")),
        };
        original.insert(key.to_owned(), Value::Array(arrange(merged, &order, &before, field.list)));
    }
    Ok(())
}

fn merge_list(
    original: Vec<Value>,
    patch: Vec<Value>,
    list: List,
    inner: Type,
    mode: Mode,
    is_deletion: bool,
) -> Result<Vec<Value>, String> {
    match list {
        List::Replaced => Ok(patch),
        List::Set if is_deletion => Ok(original.into_iter().filter(|item| !patch.contains(item)).collect()),
        List::Set => {
            let mut merged: Vec<Value> = Vec::new();
            for item in original.iter().chain(&patch) {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            Ok(arrange(merged, &patch, &original, list))
        }
        List::ByKey(key) => merge_keyed(original, patch, key, inner, mode),
    }
}

fn merge_keyed(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &'static str,
    inner: Type,
    mode: Mode,
) -> Result<Vec<Value>, String> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let mut wanted = Vec::new();
    let mut replaces = false;
    for item in patch {
        let Value::Object(fields) = &item else { return Err("its elements must be maps".to_owned()) };
        match fields.get(DIRECTIVE).map(Value::as_str) {
            None => wanted.push(item),
            Some(Some("delete")) => {
                let name = fields.get(key).ok_or_else(|| no_key(key))?;
                original.retain(|item| item.get(key) != Some(name));
            }
            Some(Some("replace")) => replaces = true,
            Some(_) => return Err(format!("`{DIRECTIVE}` must be `replace` or `delete` in an element")),
        }
    }
    if replaces {
        (original, wanted) = (wanted, Vec::new());
    }
    let before = original.clone();
    let mut merged = original;
    for item in &wanted {
        let name = item.get(key).ok_or_else(|| no_key(key))?;
        let place = merged.iter().position(|there| there.get(key) == Some(name));
        match (place.and_then(|place| merged.get_mut(place)), item) {
            (Some(slot), Value::Object(patch)) => {
                let Value::Object(there) = slot.take() else { return Err("its elements must be maps".to_owned()) };
                *slot = Value::Object(merge_map(there, patch.clone(), inner, mode)?);
            }
            _ => merged.push(item.clone()),
        }
    }
    if merged.iter().any(|item| item.get(key).is_none() && item.get(DIRECTIVE).is_none()) {
        return Err(no_key(key));
    }
    Ok(arrange(merged, &wanted, &before, List::ByKey(key)))
}

fn no_key(key: &str) -> String {
    format!("an element lacks `{key}`, the key by which the list is merged")
}

/// Puts the elements that an order names in this order, and the others between them
/// as far as the list from before says where.
fn arrange(items: Vec<Value>, order: &[Value], before: &[Value], list: List) -> Vec<Value> {
    let place = |item: &Value, among: &[Value]| {
        among.iter().position(|other| match list {
            List::ByKey(key) => other.get(key) == item.get(key),
            List::Set | List::Replaced => other == item,
        })
    };
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        items.into_iter().partition(|item| place(item, order).is_some());
    named.sort_by_key(|item| place(item, order));
    // What was not there before follows what was, in its own order.
    others.sort_by_key(|item| place(item, before).unwrap_or(usize::MAX));
    let mut arranged = Vec::with_capacity(named.len() + others.len());
    let mut others = others.into_iter().peekable();
    for item in named {
        let limit = place(&item, before);
        while let (Some(other), Some(limit)) = (others.peek(), limit) {
            match place(other, before) {
                Some(other_place) if other_place < limit => arranged.extend(others.next()),
                _ => break,
            }
        }
        arranged.push(item);
    }
    arranged.extend(others);
    arranged
}

fn values_conflict(left: &Value, right: &Value, inner: Type, list: List) -> Result<bool, String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            if left.get(DIRECTIVE) != right.get(DIRECTIVE) {
                return Ok(true);
            }
            maps_conflict(left, right, inner)
        }
        (Value::Array(left), Value::Array(right)) => lists_conflict(left, right, inner, list),
        (left, right) => Ok(left != right),
    }
}

fn maps_conflict(left: &Map<String, Value>, right: &Map<String, Value>, kind: Type) -> Result<bool, String> {
    for (key, value) in left {
        if key == DIRECTIVE || key == RETAIN {
            continue;
        }
        if let Some(other) = right.get(key) {
            let field = kind.field(key);
            if values_conflict(value, other, field.inner, field.list)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn lists_conflict(left: &[Value], right: &[Value], inner: Type, list: List) -> Result<bool, String> {
    match list {
        List::Set => Ok(false),
        List::ByKey(key) => {
            for item in left {
                let name = item.get(key).ok_or_else(|| no_key(key))?;
                if let Some(other) = right.iter().find(|other| other.get(key) == Some(name))
                    && values_conflict(item, other, inner, List::Replaced)?
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        List::Replaced => {
            if left.len() != right.len() {
                return Ok(true);
            }
            for (left, right) in left.iter().zip(right) {
                if values_conflict(left, right, inner, List::Replaced)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}
