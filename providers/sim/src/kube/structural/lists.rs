//! What holds across the elements of a list, and for objects inside of objects.

use serde_json::{Map, Value};

use super::{DEEPEST, flag, list_keys, text};
use crate::kube::rules::{metadata, names};
use crate::kube::status::FieldError;

fn child(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Elements that are there twice in sets and in lists with keys.
pub(super) fn twice(schema: &Value, value: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(items) => {
            match text(schema, "x-kubernetes-list-type") {
                "set" => repeated(items, path, errors),
                "map" => {
                    let keys = list_keys(schema);
                    let keyed: Vec<Value> = items
                        .iter()
                        .map(|item| {
                            let pairs =
                                keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone())));
                            Value::Object(pairs.collect::<Map<_, _>>())
                        })
                        .collect();
                    repeated(&keyed, path, errors);
                }
                _ => {}
            }
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    twice(inner, item, &format!("{path}[{index}]"), depth + 1, errors);
                }
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                if let Some(inner @ Value::Object(_)) = schema.get("additionalProperties") {
                    twice(inner, value, &format!("{path}[{key}]"), depth + 1, errors);
                }
                if let Some(inner) = schema.get("properties").and_then(|properties| properties.get(key)) {
                    twice(inner, value, &child(path, key), depth + 1, errors);
                }
            }
        }
        _ => {}
    }
}

/// Each value is told of once, where it is there for the second time.
fn repeated(items: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    for (index, item) in items.iter().enumerate() {
        if items.iter().take(index).filter(|earlier| *earlier == item).count() == 1 {
            errors.push(FieldError::duplicate(format!("{path}[{index}]"), item.clone()));
        }
    }
}

/// Whole objects inside of others must say what they are.
pub(super) fn embedded(schema: &Value, value: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(map) => {
            if flag(schema, "x-kubernetes-embedded-resource") {
                whole(map, path, errors);
            }
            for (key, value) in map {
                if let Some(inner) = schema.get("properties").and_then(|properties| properties.get(key)) {
                    embedded(inner, value, &child(path, key), depth + 1, errors);
                } else if let Some(inner @ Value::Object(_)) = schema.get("additionalProperties") {
                    embedded(inner, value, &format!("{path}[{key}]"), depth + 1, errors);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    embedded(inner, item, &format!("{path}[{index}]"), depth + 1, errors);
                }
            }
        }
        _ => {}
    }
}

fn whole(map: &Map<String, Value>, path: &str, errors: &mut Vec<FieldError>) {
    for key in ["apiVersion", "kind"] {
        let field = child(path, key);
        match map.get(key) {
            None => errors.push(FieldError::required(field, "")),
            Some(Value::String(text)) if text.is_empty() => {
                errors.push(FieldError::invalid(field, "", "must not be empty"));
            }
            Some(Value::String(text)) if key == "apiVersion" && text.matches('/').count() > 1 => {
                errors.push(FieldError::invalid(
                    field,
                    text.as_str(),
                    format!("unexpected GroupVersion string: {text}"),
                ));
            }
            Some(Value::String(text)) if key == "kind" => {
                let wrong = names::label_1035(&text.to_lowercase());
                if !wrong.is_empty() {
                    let detail = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
                    errors.push(FieldError::invalid(field, text.as_str(), detail));
                }
            }
            Some(Value::String(_)) => {}
            Some(other) => errors.push(FieldError::invalid(field, other.clone(), "must be a string")),
        }
    }
}

/// Brings the metadata of objects inside of others into their one form; tells which fields it does not have.
pub(super) fn settle(
    schema: &Value,
    value: &mut Value,
    path: &str,
    depth: usize,
    gone: &mut Vec<String>,
) -> Result<(), String> {
    if depth > DEEPEST {
        return Ok(());
    }
    match value {
        Value::Object(map) => {
            let is_whole = flag(schema, "x-kubernetes-embedded-resource");
            for key in ["apiVersion", "kind"] {
                if let Some(other) = map.get(key).filter(|value| is_whole && !value.is_string()) {
                    let error = FieldError::invalid(child(path, key), other.clone(), "must be a string");
                    return Err(error.text());
                }
            }
            for (key, inner) in map.iter_mut() {
                if let Some(schema) = schema.get("properties").and_then(|properties| properties.get(key)) {
                    settle(schema, inner, &child(path, key), depth + 1, gone)?;
                } else if let Some(schema @ Value::Object(_)) = schema.get("additionalProperties") {
                    settle(schema, inner, &format!("{path}[{key}]"), depth + 1, gone)?;
                }
            }
            if is_whole && map.contains_key("metadata") {
                let unknown = metadata::settle(value)?;
                gone.extend(unknown.into_iter().map(|field| child(path, &field)));
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter_mut().enumerate() {
                    settle(inner, item, &format!("{path}[{index}]"), depth + 1, gone)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}
