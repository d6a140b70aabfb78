//! Where in which kinds a transformation applies.

use serde_json::{Map, Value};

use crate::gvk::Gvk;
use crate::scalar::{is_null, path_within_bounds};

/// What a field is made as where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// An empty text, to be replaced.
    Scalar,
    /// A map without entries.
    Map,
}

impl Made {
    fn value(self) -> Value {
        match self {
            Self::Scalar => Value::String(String::new()),
            Self::Map => Value::Object(Map::new()),
        }
    }
}

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
        path_within_bounds(self.parts.len())?;
        mutate(object, &self.parts, self.create, change).map_err(|reason| format!("`{}`: {reason}", self.path))
    }
}

impl FieldSpec {
    /// Changes the field as dialect 5 does: lists may stand anywhere on the way, in one
    /// another too, and a null becomes what the field is made as.
    pub(crate) fn visit(
        &self,
        object: &mut Map<String, Value>,
        made: Option<Made>,
        change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let parts = match self.parts.split_first() {
            Some((first, rest)) if first.is_empty() && !rest.is_empty() => rest,
            _ => &self.parts,
        };
        path_within_bounds(parts.len())?;
        let made = made.filter(|_| self.create);
        visit_map(object, parts, made, change).map_err(|reason| format!("`{}`: {reason}", self.path))
    }
}

fn visit(
    value: &mut Value,
    path: &[String],
    made: Option<Made>,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    if path.is_empty() {
        return change(value);
    }
    match value {
        null if is_null(null) => Ok(()),
        Value::Object(map) => visit_map(map, path, made, change),
        Value::Array(items) => items.iter_mut().try_for_each(|item| visit(item, path, made, change)),
        other => Err(format!("{} is on the way, not a map or a list", what(other))),
    }
}

fn visit_map(
    map: &mut Map<String, Value>,
    path: &[String],
    made: Option<Made>,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else { return Ok(()) };
    let (key, is_list) = first.strip_suffix("[]").map_or((first.as_str(), false), |key| (key, true));
    if key.is_empty() {
        return Err("a part of the path is empty".to_owned());
    }
    // Such a part picks from a list, but a list is gone through as a whole.
    if key == "-" || key == "*" || key.parse::<i64>().is_ok() || (key.starts_with('[') && key.ends_with(']')) {
        return Err(format!("`{key}` picks from a list, and there is a map"));
    }
    let kind = made.map(|made| if rest.is_empty() { made } else { Made::Map });
    match (map.get_mut(key), kind) {
        (None, Some(kind)) if !is_list => {
            map.insert(key.to_owned(), kind.value());
        }
        (Some(slot), _) if is_list && is_null(slot) => *slot = Value::Array(Vec::new()),
        (Some(slot), Some(kind)) if is_null(slot) => *slot = kind.value(),
        (None, _) => return Ok(()),
        (Some(_), _) => {}
    }
    map.get_mut(key).map_or(Ok(()), |value| visit(value, rest, made, change))
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
