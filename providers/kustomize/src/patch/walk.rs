//! Merge patches as dialect 5 applies them: maps are merged, null takes a field away,
//! lists of the built-in kinds are merged by their keys, all other lists are replaced, and
//! `$patch` says what a merge cannot.
//!
//! Unlike in dialect 3.2, a patch of a custom resource has directives too, and what a
//! patch touches is tidied as a whole: nulls without letters go, doubled elements go.

use serde_json::{Map, Value};

use super::associative;
use super::custom::Custom;
use super::types::Shape;
use crate::gvk::Gvk;
use crate::scalar::{self, is_blank, is_null};

const DIRECTIVE: &str = "$patch";

/// What is known of the type of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Schema<'a> {
    /// Nothing: lists are replaced.
    Unknown,
    /// A type of Kubernetes.
    BuiltIn(Shape),
    /// A type of the definitions that a kustomization names.
    Custom(&'a Custom, &'a Value),
}

/// Which definitions say how lists are merged.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Definitions<'a> {
    /// Those of Kubernetes 1.21.
    BuiltIn,
    /// Those of a file.
    Custom(&'a Custom),
}

impl<'a> Definitions<'a> {
    fn of(self, object: &Value) -> Option<Schema<'a>> {
        let Value::Object(map) = object else { return None };
        if !map.get("apiVersion").is_some_and(Value::is_string) {
            return None;
        }
        let gvk = Gvk::of(map);
        if gvk.kind.is_empty() {
            return None;
        }
        match self {
            Self::BuiltIn => Shape::of(&gvk.group, &gvk.version, &gvk.kind).map(Schema::BuiltIn),
            Self::Custom(custom) => custom.kind(&gvk).map(|definition| Schema::Custom(custom, definition)),
        }
    }
}

/// Patches an object; `None` when the patch deletes it.
///
/// # Errors
///
/// Why the patch does not fit.
pub(crate) fn apply(
    object: Map<String, Value>,
    patch: &Map<String, Value>,
    definitions: Definitions<'_>,
) -> Result<Option<Map<String, Value>>, String> {
    let (object, patch) = (Value::Object(object), Value::Object(patch.clone()));
    let schema = definitions.of(&object).or_else(|| definitions.of(&patch)).unwrap_or(Schema::Unknown);
    match merge(Some(object), Some(&patch), schema, false)? {
        Some(Value::Object(object)) if !object.is_empty() => Ok(Some(object)),
        _ => Ok(None),
    }
}

/// Whether a map says that it takes the place of what is there.
pub(super) fn replaces(patch: &Value) -> bool {
    patch.get(DIRECTIVE).is_some_and(|directive| directive == "replace")
}

/// What a map or list is to do with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(text: &Value) -> Result<Directive, String> {
    match text.as_str() {
        Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        _ => Err(format!("`{DIRECTIVE}` must be `merge`, `replace` or `delete`")),
    }
}

/// Merges a value into another one; `None` is a field that goes. What is merged into
/// `is_origin` when it is the patch itself, which is so below everything that a patch adds.
pub(super) fn merge(
    dest: Option<Value>,
    origin: Option<&Value>,
    schema: Schema<'_>,
    is_origin: bool,
) -> Result<Option<Value>, String> {
    let schema = match schema {
        Schema::Unknown => {
            let known = |value: &Value| Definitions::BuiltIn.of(value);
            dest.as_ref().and_then(known).or_else(|| origin.and_then(known)).unwrap_or(Schema::Unknown)
        }
        known => known,
    };
    let first = [dest.as_ref(), origin].into_iter().flatten().find(|value| !is_null(value));
    let kind = first.map(std::mem::discriminant);
    let same_kind = |value: &Value| {
        is_null(value)
            || is_container(value) == first.is_some_and(is_container) && {
                !is_container(value) || kind == Some(std::mem::discriminant(value))
            }
    };
    if let Some(other) = [dest.as_ref(), origin].into_iter().flatten().find(|value| !same_kind(value)) {
        let what = crate::fieldspec::what;
        return Err(format!("{} cannot be merged with {}", first.map_or("nothing", what), what(other)));
    }
    match first {
        None => merge_nothing(dest, origin),
        Some(Value::Object(_)) => merge_maps(dest, origin, schema, is_origin),
        Some(_) => Ok(merge_scalars(dest, origin)),
    }
}

/// A text that must have been in quotes leaves them to what takes its place. Of other texts
/// nobody knows any more whether they were.
fn merge_scalars(dest: Option<Value>, origin: Option<&Value>) -> Option<Value> {
    let is_quoted = dest.as_ref().and_then(Value::as_str).is_some_and(|text| !scalar::plain(text).is_string());
    match origin {
        Some(value @ (Value::Number(_) | Value::Bool(_))) if is_quoted => Some(Value::String(scalar::text(value))),
        Some(value) => Some(value.clone()),
        None => dest,
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

/// Nulls on both sides: one that was written as such stays unless the patch speaks of it.
fn merge_nothing(dest: Option<Value>, origin: Option<&Value>) -> Result<Option<Value>, String> {
    Ok(dest.filter(|dest| origin.is_none() && !is_blank(dest)))
}

/// The result of a merge whose value is the patch itself, with what is in it carried out.
fn merge_maps(
    dest: Option<Value>,
    origin: Option<&Value>,
    schema: Schema<'_>,
    is_origin: bool,
) -> Result<Option<Value>, String> {
    let dest = dest.filter(|dest| !is_null(dest));
    if origin.is_some_and(is_null) {
        return Ok(None);
    }
    let mut origin = match origin {
        Some(Value::Object(map)) => Some(map.clone()),
        _ => None,
    };
    let said = match origin.as_mut().and_then(|map| map.remove(DIRECTIVE)) {
        Some(text) => directive(&text)?,
        None => Directive::Merge,
    };
    let (mut dest, is_origin) = match (dest, said) {
        (_, Directive::Delete) => return Ok(None),
        (Some(Value::Object(mut map)), Directive::Merge) => {
            if is_origin {
                map.remove(DIRECTIVE);
            }
            (map, is_origin)
        }
        _ => (origin.clone().unwrap_or_default(), true),
    };
    let mut names: Vec<String> = dest.keys().cloned().collect();
    names.extend(origin.iter().flat_map(Map::keys).filter(|name| !dest.contains_key(*name)).cloned());
    for name in names {
        let (inner, keys) = schema.field(&name);
        let patch = origin.as_ref().and_then(|map| map.get(&name));
        let merged = merge_field(dest.remove(&name), patch, (inner, keys), is_origin).map_err(|reason| match reason
            .strip_prefix('`')
        {
            Some(rest) => format!("`{name}.{rest}"),
            None => format!("`{name}`: {reason}"),
        })?;
        // A null that the patch speaks of goes; one that was there before, and written, stays.
        if let Some(value) = merged.filter(|value| !is_null(value) || patch.is_none()) {
            dest.insert(name, value);
        }
    }
    Ok(Some(Value::Object(dest)))
}

/// A field, whose keys come from the type that it is in.
fn merge_field(
    dest: Option<Value>,
    origin: Option<&Value>,
    (inner, keys): (Schema<'_>, Option<Vec<&str>>),
    is_origin: bool,
) -> Result<Option<Value>, String> {
    let is_list =
        [dest.as_ref(), origin].into_iter().flatten().find(|value| !is_null(value)).is_some_and(Value::is_array);
    match keys {
        Some(keys) if is_list => merge_keyed(dest, origin, (&keys, is_origin), inner),
        _ => merge(dest, origin, inner, is_origin),
    }
}

fn merge_keyed(
    dest: Option<Value>,
    origin: Option<&Value>,
    (keys, is_origin): (&[&str], bool),
    inner: Schema<'_>,
) -> Result<Option<Value>, String> {
    for value in [dest.as_ref(), origin].into_iter().flatten() {
        if !value.is_array() && !is_null(value) {
            return Err(format!("a list cannot be merged with {}", crate::fieldspec::what(value)));
        }
    }
    let list = |value: Option<Value>| match value {
        Some(Value::Array(items)) => Some(items),
        _ => None,
    };
    let is_nulled = origin.is_some_and(is_null);
    let (dest, mut origin) = (list(dest), list(origin.cloned()));
    let (dest, is_origin) = match (dest, origin.as_mut()) {
        (None, _) => (origin.clone().unwrap_or_default(), true),
        (Some(_), _) if is_nulled => return Ok(None),
        (Some(dest), None) => (dest, is_origin),
        (Some(dest), Some(patch)) => match list_directive(patch)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => (patch.clone(), true),
            Directive::Merge => (dest, is_origin),
        },
    };
    associative::merge(dest, origin.as_deref(), (keys, is_origin), inner).map(|items| Some(Value::Array(items)))
}

/// An element `$patch: …` that says nothing else speaks for the list.
fn list_directive(patch: &mut Vec<Value>) -> Result<Directive, String> {
    let spoken = patch.iter().find_map(|element| element.as_object().filter(|map| map.contains_key(DIRECTIVE)));
    let Some(text) = spoken.filter(|map| map.len() == 1).and_then(|map| map.get(DIRECTIVE)).cloned() else {
        return Ok(Directive::Merge);
    };
    let said = directive(&text)?;
    patch.retain(|element| element.get(DIRECTIVE) != Some(&text));
    Ok(said)
}

impl<'a> Schema<'a> {
    /// What a field is, and the keys by which it is merged if it is a list.
    fn field(self, name: &str) -> (Schema<'a>, Option<Vec<&'a str>>) {
        match self {
            Self::Unknown => (Self::Unknown, None),
            Self::BuiltIn(shape) => {
                let field = shape.field(name);
                (Self::BuiltIn(field.inner), field.keys.map(<[_]>::to_vec))
            }
            Self::Custom(custom, definition) => match custom.field(definition, name) {
                None => (Self::Unknown, None),
                Some((inner, keys)) => (inner.map_or(Self::Unknown, |inner| Self::Custom(custom, inner)), keys),
            },
        }
    }
}
