//! JSON merge patches (RFC 7386).

use serde_json::{Map, Value};

/// Merges a patch into an object: null takes a field away, maps are merged, all else
/// is replaced.
pub fn apply(object: &mut Map<String, Value>, patch: Map<String, Value>) {
    merge_maps(object, patch, false);
}

/// Merges a second patch into a first one, so that the result does what both did.
pub fn combine(first: &mut Map<String, Value>, second: Map<String, Value>) {
    merge_maps(first, second, true);
}

/// Whether two patches set the same field to different values.
#[must_use]
pub fn conflicts(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.iter().any(|(key, value)| right.get(key).is_some_and(|other| conflicts(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() != right.len() || left.iter().zip(right).any(|(left, right)| conflicts(left, right))
        }
        (left, right) => left != right,
    }
}

fn merge_maps(object: &mut Map<String, Value>, patch: Map<String, Value>, keep_nulls: bool) {
    for (key, mut value) in patch {
        match (object.get_mut(&key), &value) {
            (_, Value::Null) if keep_nulls => {
                object.insert(key, Value::Null);
            }
            (_, Value::Null) => {
                object.remove(&key);
            }
            (None | Some(Value::Null), _) => {
                prune_nulls(&mut value);
                object.insert(key, value);
            }
            (Some(current), _) => merge_values(current, value, keep_nulls),
        }
    }
}

fn merge_values(current: &mut Value, mut patch: Value, keep_nulls: bool) {
    match (current, patch) {
        (Value::Object(object), Value::Object(patch)) => merge_maps(object, patch, keep_nulls),
        (current @ Value::Object(_), replacement) => *current = replacement,
        (current, replacement) => {
            patch = replacement;
            prune_nulls(&mut patch);
            *current = patch;
        }
    }
}

/// What is added must not say "take away" inside.
fn prune_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(prune_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(prune_nulls);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
