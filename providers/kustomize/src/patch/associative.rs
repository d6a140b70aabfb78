//! Lists whose elements are found by keys, as dialect 5 merges them.
//!
//! The steps are those of the library behind kustomize 5, in its order, since what they
//! make of elements that lack a key or stand twice follows from nothing else.

use serde_json::Value;

use super::walk::{self, Schema};
use crate::scalar::{self, is_null};

/// Merges a list into another one. What is merged comes first, in the order of the patch.
///
/// Where the list that is merged into `is_origin` itself, its elements are those of the patch.
pub(super) fn merge(
    dest: Vec<Value>,
    origin: Option<&[Value]>,
    (keys, is_origin): (&[&str], bool),
    inner: Schema<'_>,
) -> Result<Vec<Value>, String> {
    let keys: Vec<&str> = if keys.is_empty() { vec![""] } else { keys.to_vec() };
    let mut values = values_of(origin.unwrap_or_default(), &dest, &keys);
    if keys.len() > 1 {
        fill_in(&mut values);
    }
    let mut dest = dest;
    let mut merged = Vec::new();
    let mut found: (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for wanted in &values {
        found = given(&values, wanted, &keys);
        let (names, letters) = &found;
        let exact = given(std::slice::from_ref(letters), letters, names);
        let there = position(&dest, &exact.0, &exact.1);
        let before = there.and_then(|place| dest.get(place)).cloned();
        let patch = match is_origin {
            true => before.clone(),
            false => origin.and_then(|origin| origin.get(position(origin, &exact.0, &exact.1)?)).cloned(),
        };
        let is_exchanged = !is_origin
            && before.as_ref().is_some_and(|before| !is_null(before))
            && patch.as_ref().is_some_and(walk::replaces);
        let value = walk::merge(before, patch.as_ref(), inner, is_origin)?;
        let Some(mut value) =
            value.filter(|value| !is_null(value) && !value.as_object().is_some_and(serde_json::Map::is_empty))
        else {
            set(&mut dest, None, names, letters)?;
            continue;
        };
        if let Value::Object(map) = &mut value {
            for (name, letters) in names.iter().zip(letters) {
                if !letters.is_empty() && !map.contains_key(*name) {
                    map.insert((*name).to_owned(), scalar::plain(letters));
                }
            }
        }
        // What was merged is the element itself, unless the patch took its place.
        if let (Some(slot), false) = (there.and_then(|place| dest.get_mut(place)), is_exchanged) {
            *slot = value.clone();
        }
        set(&mut merged, Some(value), names, letters)?;
    }
    if values.is_empty() {
        return Ok(dest);
    }
    append(&mut merged, dest, &found.0)?;
    Ok(merged)
}

/// The different values of the keys, those of the patch first.
fn values_of(origin: &[Value], dest: &[Value], keys: &[&str]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = Vec::new();
    for element in origin.iter().chain(dest) {
        let values = keys.iter().map(|key| match *key {
            "" => scalar::text(element),
            key => element.get(key).filter(|value| !scalar::is_empty(value)).map(scalar::text).unwrap_or_default(),
        });
        let values: Vec<String> = values.collect();
        if !all.contains(&values) {
            all.push(values);
        }
    }
    all
}

/// Lets values that agree in one key, and lack others, be the same.
fn fill_in(values: &mut [Vec<String>]) {
    for one in 0..values.len() {
        for other in 0..values.len() {
            let (Some(left), Some(right)) = (values.get(one), values.get(other)) else { continue };
            if let Some(both) = common(left, right) {
                for place in [one, other] {
                    if let Some(slot) = values.get_mut(place) {
                        slot.clone_from(&both);
                    }
                }
            }
        }
    }
}

fn common(left: &[String], right: &[String]) -> Option<Vec<String>> {
    let mut agree = false;
    let mut both = Vec::with_capacity(left.len());
    for (left, right) in left.iter().zip(right) {
        if left == right {
            agree = true;
        } else if !left.is_empty() && !right.is_empty() {
            return None;
        }
        both.push(if left.is_empty() { right.clone() } else { left.clone() });
    }
    agree.then_some(both)
}

/// The keys that any of the elements has, with the values of one of them.
fn given<'k>(all: &[Vec<String>], values: &[String], keys: &[&'k str]) -> (Vec<&'k str>, Vec<String>) {
    let is_given: Vec<bool> = (0..keys.len())
        .map(|place| all.iter().any(|values| values.get(place).is_some_and(|value| !value.is_empty())))
        .collect();
    if !is_given.contains(&true) {
        return (keys.to_vec(), values.to_vec());
    }
    let kept = |place: &usize| is_given.get(*place).copied().unwrap_or_default();
    let names = keys.iter().enumerate().filter(|(place, _)| kept(place)).map(|(_, key)| *key).collect();
    let values = values.iter().enumerate().filter(|(place, _)| kept(place)).map(|(_, value)| value.clone()).collect();
    (names, values)
}

/// The first element with these values.
fn position(list: &[Value], keys: &[&str], values: &[String]) -> Option<usize> {
    if keys.first().is_none_or(|key| key.is_empty()) {
        return list.iter().position(|element| Some(&scalar::text(element)) == values.first());
    }
    list.iter().position(|element| {
        let Value::Object(map) = element else { return false };
        keys.iter().zip(values).all(|(key, value)| map.get(*key).is_some_and(|own| scalar::text(own) == *value))
    })
}

/// Puts an element in the place of those that match, or at the end; without an element
/// those that match are taken away. Elements that say nothing are taken away in any case.
fn set(list: &mut Vec<Value>, element: Option<Value>, keys: &[&str], values: &[String]) -> Result<(), String> {
    let is_for_maps =
        keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|value| !value.is_empty());
    let mut is_found = false;
    let mut kept = Vec::with_capacity(list.len() + 1);
    for there in std::mem::take(list) {
        if is_null(&there) || there.as_object().is_some_and(serde_json::Map::is_empty) {
            continue;
        }
        if !there.is_object() && is_for_maps {
            kept.push(there);
            continue;
        }
        if is_match(&there, keys, values)? {
            is_found = true;
            kept.extend(element.clone());
        } else if !values.is_empty() {
            kept.push(there);
        }
    }
    if !is_found {
        kept.extend(element);
    }
    *list = kept;
    Ok(())
}

fn is_match(element: &Value, keys: &[&str], values: &[String]) -> Result<bool, String> {
    let mut last = false;
    for (place, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(place) {
            last = match (*key, element) {
                ("", Value::Object(_) | Value::Array(_)) => return Err("a set holds more than scalars".to_owned()),
                ("", scalar) => scalar::text(scalar) == *value,
                (key, Value::Object(map)) => {
                    map.get(key).is_some_and(|own| value.is_empty() || scalar::text(own) == *value)
                }
                _ => return Err("its elements must be maps".to_owned()),
            };
        }
        if !last {
            return Ok(false);
        }
    }
    Ok(last)
}

/// Adds the elements of a list to another one, in the place of those that match.
fn append(list: &mut Vec<Value>, more: Vec<Value>, keys: &[&str]) -> Result<(), String> {
    for element in more {
        if keys.first().is_none_or(|key| key.is_empty()) {
            let letters = scalar::text(&element);
            set(list, Some(element), &[""], &[letters])?;
            continue;
        }
        let mut values = Vec::new();
        for key in keys {
            match &element {
                Value::Object(map) => match map.get(*key) {
                    Some(value) => values.push(scalar::text(value)),
                    None => list.push(element.clone()),
                },
                other if is_null(other) => list.push(element.clone()),
                _ => return Err("its elements must be maps".to_owned()),
            }
        }
        if keys.len() > 1 {
            set(list, None, keys, &values)?;
        }
        set(list, Some(element), keys, &values)?;
    }
    Ok(())
}
