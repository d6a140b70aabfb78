//! JSON patches (RFC 6902): a list of operations.

use serde_json::{Map, Value};

use crate::scalar::{path_within_bounds, within_bounds};

/// Reads a list of operations.
///
/// # Errors
///
/// What is wrong with the first operation that cannot be read.
pub fn parse(patch: &Value) -> Result<Vec<Operation>, String> {
    let Value::Array(items) = patch else { return Err("it must be a list of operations".to_owned()) };
    items
        .iter()
        .enumerate()
        .map(|(place, item)| operation(item).map_err(|reason| format!("operation {place}: {reason}")))
        .collect()
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    path: Pointer,
    action: Action,
}

#[derive(Debug, Clone, PartialEq)]
enum Action {
    Add(Value),
    Remove,
    Replace(Value),
    Move(Pointer),
    Copy(Pointer),
    Test(Value),
}

/// A place in a document, as it is written and in its parts.
#[derive(Debug, Clone, PartialEq)]
struct Pointer {
    text: String,
    parts: Vec<String>,
}

fn operation(item: &Value) -> Result<Operation, String> {
    let Value::Object(fields) = item else { return Err("it must be a map with `op` and `path`".to_owned()) };
    let pointer = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => Pointer::parse(text),
        Some(_) => Err(format!("`{name}` must be text")),
        None => Err(format!("`{name}` is missing")),
    };
    let value = || fields.get("value").cloned().ok_or_else(|| "`value` is missing".to_owned());
    let action = match fields.get("op").and_then(Value::as_str) {
        Some("add") => Action::Add(value()?),
        Some("remove") => Action::Remove,
        Some("replace") => Action::Replace(value()?),
        Some("move") => Action::Move(pointer("from")?),
        Some("copy") => Action::Copy(pointer("from")?),
        Some("test") => Action::Test(fields.get("value").cloned().unwrap_or_default()),
        Some(other) => return Err(format!("`{other}` is no operation")),
        None => return Err("`op` is missing".to_owned()),
    };
    Ok(Operation { path: pointer("path")?, action })
}

impl Pointer {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(body) = text.strip_prefix('/') else { return Err(format!("`{text}` must begin with `/`")) };
        path_within_bounds(body.matches('/').count())?;
        let parts = body.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        Ok(Self { text: text.to_owned(), parts })
    }
}

/// Applies operations one after the other, to a copy.
///
/// # Errors
///
/// The first operation that does not fit the object, or a test that fails.
pub fn apply(object: &Map<String, Value>, operations: &[Operation]) -> Result<Map<String, Value>, String> {
    let mut document = Value::Object(object.clone());
    for operation in operations {
        run(&mut document, operation)?;
    }
    match document {
        Value::Object(object) => Ok(object),
        _ => Err("the patch leaves no object".to_owned()),
    }
}

fn run(document: &mut Value, operation: &Operation) -> Result<(), String> {
    let path = &operation.path;
    match &operation.action {
        Action::Add(value) => add(document, path, value.clone()),
        Action::Remove => remove(document, path).map(|_| ()),
        Action::Replace(value) => replace(document, path, value.clone()),
        Action::Move(from) => {
            let value = remove(document, from)?;
            add(document, path, value)
        }
        Action::Copy(from) => {
            let value = get(document, from)?.cloned().unwrap_or_default();
            add(document, path, value)?;
            // A value may be copied into itself, and grows twofold each time.
            within_bounds(document)
        }
        Action::Test(wanted) => {
            let found = get(document, path)?.cloned().unwrap_or_default();
            if found == *wanted { Ok(()) } else { Err(format!("the test of `{}` fails", path.text)) }
        }
    }
}

/// The map or list that holds the last part of a path, and that part.
fn parent<'v, 'p>(document: &'v mut Value, path: &'p Pointer) -> Result<(&'v mut Value, &'p str), String> {
    let missing = || format!("`{}` leads to nothing", path.text);
    let (last, way) = path.parts.split_last().ok_or_else(missing)?;
    let holder = way.iter().try_fold(document, |value, part| match value {
        Value::Object(map) => map.get_mut(part),
        Value::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
        _ => None,
    });
    match holder {
        Some(holder @ (Value::Object(_) | Value::Array(_))) => Ok((holder, last)),
        _ => Err(missing()),
    }
}

/// An index of a list; negative ones count from its end.
fn index(part: &str, length: usize, path: &Pointer) -> Result<usize, String> {
    let wrong = || format!("`{part}` in `{}` is no index of a list of {length}", path.text);
    let number: isize = part.parse().map_err(|_| wrong())?;
    let place = if number < 0 { length.checked_add_signed(number) } else { usize::try_from(number).ok() };
    place.filter(|place| *place < length).ok_or_else(wrong)
}

fn add(document: &mut Value, path: &Pointer, value: Value) -> Result<(), String> {
    match parent(document, path)? {
        (Value::Object(map), key) => {
            map.insert(key.to_owned(), value);
        }
        (Value::Array(items), "-") => items.push(value),
        (Value::Array(items), part) => {
            let place = index(part, items.len() + 1, path)?;
            items.insert(place, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(document: &mut Value, path: &Pointer) -> Result<Value, String> {
    match parent(document, path)? {
        (Value::Object(map), key) => map.remove(key).ok_or_else(|| format!("there is nothing at `{}`", path.text)),
        (Value::Array(items), part) => {
            let place = index(part, items.len(), path)?;
            Ok(items.remove(place))
        }
        _ => Ok(Value::Null),
    }
}

fn replace(document: &mut Value, path: &Pointer, value: Value) -> Result<(), String> {
    match parent(document, path)? {
        // A key that is not there is added: that is what the library does.
        (Value::Object(map), key) => {
            map.insert(key.to_owned(), value);
        }
        (Value::Array(items), part) => {
            let place = index(part, items.len(), path)?;
            if let Some(slot) = items.get_mut(place) {
                *slot = value;
            }
        }
        _ => {}
    }
    Ok(())
}

fn get<'v>(document: &'v mut Value, path: &Pointer) -> Result<Option<&'v Value>, String> {
    match parent(document, path)? {
        (Value::Object(map), key) => Ok(map.get(key)),
        (Value::Array(items), part) => {
            let place = index(part, items.len(), path)?;
            Ok(items.get(place))
        }
        _ => Ok(None),
    }
}
