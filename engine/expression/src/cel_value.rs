//! Values on their way into CEL and back, and CEL's errors in kfplan's words.

use std::collections::HashMap;
use std::sync::Arc;

use cel::ExecutionError;
use cel::objects::{Key, Map};
use kfplan_model::Value;

/// The value as CEL sees it: whole numbers are always `int`, since CEL never mixes
/// them with `uint`. What is late is never read (`evaluate` sees to it), so it may
/// stand as nothing.
pub(crate) fn to_cel(value: &Value) -> cel::Value {
    match value.reveal() {
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Int(number) => cel::Value::Int(*number),
        Value::Float(number) => cel::Value::Float(*number),
        Value::String(text) => cel::Value::String(Arc::new(text.to_string())),
        Value::Handle(address) => cel::Value::String(Arc::new(address.to_string())),
        Value::List(list) => cel::Value::List(Arc::new(list.iter().map(to_cel).collect())),
        Value::Map(map) => {
            let entries: HashMap<Key, cel::Value> =
                map.iter().map(|(key, value)| (Key::String(Arc::new(key.clone())), to_cel(value))).collect();
            cel::Value::Map(Map { map: Arc::new(entries) })
        }
        Value::Null | Value::Late(_) | Value::Sensitive(_) => cel::Value::Null,
    }
}

/// The value that CEL gave.
///
/// # Errors
///
/// The kind that no field can hold, and what to write instead.
pub(crate) fn from_cel(value: &cel::Value) -> Result<Value, (&'static str, &'static str)> {
    Ok(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(value) => Value::Bool(*value),
        cel::Value::Int(number) => Value::Int(*number),
        cel::Value::UInt(number) => {
            Value::Int(i64::try_from(*number).map_err(|_| ("number above 9223372036854775807", "make it smaller"))?)
        }
        cel::Value::Float(number) if number.is_finite() => Value::Float(*number),
        cel::Value::Float(_) => return Err(("number that is not finite", "guard the division")),
        cel::Value::String(text) => Value::String(text.as_str().into()),
        cel::Value::List(list) => Value::List(list.iter().map(from_cel).collect::<Result<_, _>>()?),
        cel::Value::Map(map) => Value::Map(
            map.map
                .iter()
                .map(|(key, value)| match key {
                    Key::String(key) => Ok((key.to_string(), from_cel(value)?)),
                    Key::Int(_) | Key::Uint(_) | Key::Bool(_) => {
                        Err(("table whose keys are not text", "make the keys text: `string(key)`"))
                    }
                })
                .collect::<Result<_, _>>()?,
        ),
        cel::Value::Bytes(_) => return Err(("row of bytes", "make it text: `string(…)` or `base64.encode(…)`")),
        cel::Value::Duration(_) | cel::Value::Timestamp(_) => return Err(("time", "make it text: `string(…)`")),
        _ => return Err(("type or function", "give a value")),
    })
}

/// What CEL calls a kind of value.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value.reveal() {
        Value::Null => "null",
        Value::Bool(_) => "truth value",
        Value::Int(_) => "whole number",
        Value::Float(_) => "number",
        Value::String(_) => "text",
        Value::List(_) => "list",
        Value::Map(_) => "table",
        Value::Handle(_) => "resource",
        Value::Late(_) | Value::Sensitive(_) => "value known after apply",
    }
}

/// Why evaluating failed, without a value in it when `sensitive` ones were read.
pub(crate) fn reason(error: &ExecutionError, sensitive: bool) -> String {
    match error {
        ExecutionError::NoSuchOverload(overload) => {
            let kinds: Vec<&str> = overload.argument_types().iter().map(String::as_str).collect();
            format!("`{}` does not take ({})", operator(overload.function()), kinds.join(", "))
        }
        ExecutionError::UnsupportedBinaryOperator(name, left, right) => {
            format!("`{}` does not take ({}, {})", operator(name), left.type_of(), right.type_of())
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::Overflow(name, ..) => format!("`{}` gives a number that is too large", operator(name)),
        ExecutionError::IndexOutOfBounds(_) if sensitive => "an index is out of bounds".to_owned(),
        ExecutionError::IndexOutOfBounds(cel::Value::Int(index)) => format!("the list has no element {index}"),
        ExecutionError::NoSuchKey(_) if sensitive => "a key is not there".to_owned(),
        ExecutionError::NoSuchKey(key) => format!("there is no key `{}`", shortened(key)),
        ExecutionError::UndeclaredReference(name) => format!("`{}` is not known here", shortened(name)),
        ExecutionError::ValuesNotComparable(left, right) => {
            format!("a {} is not comparable with a {}", left.type_of(), right.type_of())
        }
        ExecutionError::UnsupportedIndex(index, inside) => {
            format!("a {} has no index of type {}", inside.type_of(), index.type_of())
        }
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("a function takes {expected} arguments and got {actual}")
        }
        ExecutionError::UnexpectedType { .. } => "a value has another type than is asked for here".to_owned(),
        ExecutionError::FunctionError { function, .. } if sensitive => format!("`{function}` fails"),
        ExecutionError::FunctionError { function, message } => format!("`{function}` fails: {}", shortened(message)),
        ExecutionError::UnsupportedKeyType(_) => "a key must be text, a whole number, or a truth value".to_owned(),
        ExecutionError::DuplicateKey(_) => "a table states one key twice".to_owned(),
        _ => "it has no value".to_owned(),
    }
}

/// `_+_` as `+`, and `add` as `+`.
fn operator(name: &str) -> &str {
    match name {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        "_[_]" => "[…]",
        "_?_:_" => "?:",
        "@in" => "in",
        "@ordered" => "for each of",
        _ => name.trim_matches('_'),
    }
}

pub(crate) fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let short: String = characters.by_ref().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if characters.next().is_some() { format!("{short}…") } else { short }
}
