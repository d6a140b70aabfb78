//! Paths to fields as `replacements` and `vars` of dialect 5 write them:
//! `spec.containers.[name=main].image`, `metadata.annotations.[a.b/c]`, `rules.*.verbs.0`.

use regex::Regex;
use serde_json::{Map, Value};

use crate::fieldspec::what;
use crate::scalar::{self, is_null};

/// What stands in a scalar that was just made, until it is replaced.
pub(crate) const MADE: &str = "\u{0}\u{0}made";

/// What a path leads to where it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Scalar,
    Map,
    List,
}

impl Reach {
    fn value(self) -> Value {
        match self {
            Self::Scalar => Value::String(MADE.to_owned()),
            Self::Map => Value::Object(Map::new()),
            Self::List => Value::Array(Vec::new()),
        }
    }
}

/// The parts of a path. A dot after `\` or in brackets does not part it.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut all: Vec<&str> = path.split('.').collect();
    if all.len() > 1 && all.first() == Some(&"") {
        all.remove(0);
    }
    for piece in all {
        match pieces.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            None => pieces.push(piece.to_owned()),
        }
    }
    let mut parts = Vec::new();
    let mut pieces = pieces.into_iter();
    while let Some(piece) = pieces.next() {
        if !piece.starts_with('[') || piece.ends_with(']') {
            parts.push(piece);
            continue;
        }
        let mut whole = piece;
        for more in pieces.by_ref() {
            whole.push('.');
            whole.push_str(&more);
            if whole.ends_with(']') {
                break;
            }
        }
        parts.push(if whole.contains('=') { whole } else { whole.trim_matches(['[', ']']).to_owned() });
    }
    parts
}

fn is_index(part: &str) -> bool {
    part.parse::<usize>().is_ok()
}

fn is_match(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// Field and value of `[field=value]`.
fn condition(part: &str) -> Result<(&str, &str), String> {
    let inner = part.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(part);
    inner.split_once('=').ok_or_else(|| format!("`{part}` must have the form `[field=value]`"))
}

/// The one value that a path leads to.
///
/// # Errors
///
/// When the path does not fit what is there.
pub(crate) fn get_in<'v>(object: &'v Map<String, Value>, path: &[String]) -> Result<Option<&'v Value>, String> {
    let mut path = path.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    let Some(first) = path.next() else { return Ok(None) };
    if first == "-" || is_index(first) || is_match(first) {
        return Err(format!("`{first}` picks from a list, and an object is a map"));
    }
    let mut found = object.get(first);
    for part in path {
        let Some(value) = found.filter(|value| !is_null(value)) else { return Ok(None) };
        found = step(value, part)?;
    }
    Ok(found)
}

fn step<'v>(value: &'v Value, part: &str) -> Result<Option<&'v Value>, String> {
    let no_list = || format!("`{part}` picks from a list, and there is {}", what(value));
    if part == "*" {
        return Err("`*` could mean many values".to_owned());
    }
    if part == "-" || is_index(part) {
        let Value::Array(items) = value else { return Err(no_list()) };
        return Ok(if part == "-" {
            items.last()
        } else {
            part.parse::<usize>().ok().and_then(|index| items.get(index))
        });
    }
    if is_match(part) {
        let Value::Array(items) = value else { return Err(no_list()) };
        let (field, wanted) = condition(part)?;
        return Ok(items.iter().find(|item| match field {
            "" => scalar::text(item) == wanted,
            field => item.get(field).is_some_and(|own| scalar::text(own) == wanted),
        }));
    }
    match value {
        Value::Object(map) => Ok(map.get(part)),
        other => Err(format!("`{part}` is a field, and there is {}", what(other))),
    }
}

/// Changes every value that a path leads to; values in brackets are patterns here.
///
/// # Errors
///
/// When the path does not fit what is there, or the change fails.
pub(crate) fn each_in(
    object: &mut Map<String, Value>,
    path: &[String],
    made: Option<Reach>,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    scalar::path_within_bounds(path.len())?;
    let mut root = Value::Object(std::mem::take(object));
    let result = each(&mut root, path, made, change);
    if let Value::Object(map) = root {
        *object = map;
    }
    result
}

fn each(
    value: &mut Value,
    path: &[String],
    made: Option<Reach>,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let Some((part, rest)) = path.split_first() else { return change(value) };
    if is_index(part) || is_match(part) || part == "*" {
        if is_null(value) && made.is_some() {
            *value = Value::Array(Vec::new());
        }
        let items = match value {
            Value::Array(items) => items,
            other if is_null(other) => return Ok(()),
            other => return Err(format!("`{part}` picks from a list, and there is {}", what(other))),
        };
        return match part.as_str() {
            "*" => items.iter_mut().try_for_each(|item| each(item, rest, made, change)),
            part if is_index(part) => by_index(items, part, rest, made, change),
            part => by_condition(items, part, rest, made, change),
        };
    }
    if is_null(value) && made.is_some() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => {
            if let (false, Some(made)) = (map.contains_key(part), made) {
                map.insert(part.clone(), missing(rest, made));
            }
            map.get_mut(part).map_or(Ok(()), |inner| each(inner, rest, made, change))
        }
        other if is_null(other) => Ok(()),
        other => Err(format!("`{part}` is a field, and there is {}", what(other))),
    }
}

/// What is made where the rest of a path begins.
fn missing(rest: &[String], made: Reach) -> Value {
    match rest.first() {
        None => made.value(),
        Some(next) if is_match(next) || is_index(next) => Reach::List.value(),
        Some(_) => Reach::Map.value(),
    }
}

fn by_index(
    items: &mut Vec<Value>,
    part: &str,
    rest: &[String],
    made: Option<Reach>,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let index: usize = part.parse().map_err(|_| format!("`{part}` is no index"))?;
    if let (true, Some(made)) = (index == items.len(), made) {
        items.push(missing(rest, made));
    }
    let length = items.len();
    match items.get_mut(index) {
        Some(item) => each(item, rest, made, change),
        None => Err(format!("index {index} of a list of {length}")),
    }
}

fn by_condition(
    items: &mut Vec<Value>,
    part: &str,
    rest: &[String],
    made: Option<Reach>,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let (field, wanted) = condition(part)?;
    let pattern = Regex::new(wanted).map_err(|_| format!("`{wanted}` is no pattern"))?;
    let fits = |item: &Value| match field {
        "" => pattern.is_match(scalar::text(item).trim()),
        field => item.get(field).is_some_and(|own| pattern.is_match(scalar::text(own).trim())),
    };
    if let (false, Some(_)) = (items.iter().any(fits), made) {
        items.push(match field {
            "" => scalar::plain(wanted),
            field => Value::Object([(field.to_owned(), scalar::plain(wanted))].into_iter().collect()),
        });
    }
    // Of a scalar nothing is left of the path that could lead on.
    items.iter_mut().filter(|item| fits(item)).try_for_each(|item| match field {
        "" => change(item),
        _ => each(item, rest, made, change),
    })
}
