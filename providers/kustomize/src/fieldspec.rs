//! Where in which kinds a transformation applies.

use serde_json::{Map, Value};

use crate::gvk::Gvk;

/// A field of the objects that a kind selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    pub(crate) gvk: Gvk,
    /// The path as it is written, with `/` between its parts.
    pub(crate) path: String,
    parts: Vec<String>,
    /// Whether the field is made where it is missing.
    pub(crate) create: bool,
}

impl FieldSpec {
    pub(crate) fn new(gvk: Gvk, path: &str, create: bool) -> Self {
        const MARK: &str = "\u{0}";
        let parts = path.replace("\\/", MARK).split('/').map(|part| part.replace(MARK, "/")).collect();
        Self { gvk, path: path.to_owned(), parts, create }
    }

    /// Whether an incoming field is the same as this one, though their selectors may
    /// differ: a wider selector counts as known when a narrower one has its path.
    pub(crate) fn covers(&self, incoming: &Self) -> bool {
        self.path == incoming.path && self.gvk.is_selected(&incoming.gvk)
    }

    /// Changes the field where it is, and never makes it.
    pub(crate) fn mutate_existing(
        &self,
        object: &mut Map<String, Value>,
        change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
    ) -> Result<(), String> {
        mutate(object, &self.parts, false, change).map_err(|reason| format!("`{}`: {reason}", self.path))
    }

    /// Changes the field in an object, in every element of the lists on the way.
    pub(crate) fn mutate(
        &self,
        object: &mut Map<String, Value>,
        change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
    ) -> Result<(), String> {
        mutate(object, &self.parts, self.create, change).map_err(|reason| format!("`{}`: {reason}", self.path))
    }
}

fn mutate(
    object: &mut Map<String, Value>,
    path: &[String],
    create: bool,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else { return Ok(()) };
    let (key, is_list) = first.strip_suffix("[]").map_or((first.as_str(), false), |key| (key, true));
    if !object.contains_key(key) {
        if !create || is_list {
            return Ok(());
        }
        object.insert(key.to_owned(), Value::Object(Map::new()));
    }
    let Some(value) = object.get_mut(key) else { return Ok(()) };
    if rest.is_empty() {
        return change(value);
    }
    match value {
        Value::Null => Ok(()),
        Value::Object(inner) => mutate(inner, rest, create, change),
        Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
            Value::Object(inner) => mutate(inner, rest, create, change),
            other => Err(format!("`{key}` holds {}, not maps", what(other))),
        }),
        other => Err(format!("`{key}` is {}, not a map", what(other))),
    }
}

/// What a value is, for messages.
pub(crate) const fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
