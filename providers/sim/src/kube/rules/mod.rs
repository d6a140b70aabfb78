//! What the server adds to objects, and what it refuses in them, kind by kind.

pub(crate) mod defaults;
pub(crate) mod metadata;
pub(crate) mod names;
mod pods;
pub(crate) mod prepare;
mod services;
mod update;
mod validate;
pub(crate) mod warnings;
mod webhooks;

pub(crate) use services::Allocator;
pub(crate) use update::check_update;
pub(crate) use validate::check;

use serde_json::{Map, Value};

use super::kinds::Resource;
use super::status::FieldError;

/// What is wrong with the name of a new definition of a kind.
pub(crate) fn names_of_definition(resource: &Resource, object: &Value) -> Option<FieldError> {
    let defines = resource.kind == "CustomResourceDefinition" && !resource.custom;
    defines.then(|| super::definitions::check_name(object)).flatten()
}

/// Sets a member where there is none.
fn default(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(map) = object.as_object_mut()
        && map.get(key).is_none_or(Value::is_null)
    {
        map.insert(key.to_owned(), value.into());
    }
}

/// The same for text, where empty is none.
fn default_text(object: &mut Value, key: &str, value: &str) {
    if let Some(map) = object.as_object_mut()
        && map.get(key).and_then(Value::as_str).is_none_or(str::is_empty)
    {
        map.insert(key.to_owned(), value.into());
    }
}

fn has(object: &Value, key: &str) -> bool {
    object.get(key).is_some_and(|value| !value.is_null())
}

fn items<'a>(object: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    object.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn map<'a>(object: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    object.pointer(pointer).and_then(Value::as_object)
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
