//! Scalars as dialect 5 sees them: nodes of a YAML text, with a kind and some letters.

use kfplan_objects::yaml;
use serde_json::{Map, Value};

/// What stands for a null that was written with no letters at all (`key:`). A strategic
/// merge drops such a field, and keeps one that says `null`. The mark holds a character
/// that no YAML text can hold unescaped, and never leaves a render.
const BLANK: &str = "\u{0}\u{0}blank";

/// The same within braces (`{key: }`), which comes back from being written as an empty text.
const BLANK_IN_BRACES: &str = "\u{0}\u{0}blank in braces";

/// What stands at the end of a text whose folded lines kustomize 5 writes in another way
/// than it reads them. It never leaves a render either.
const REFOLDED: char = '\u{0}';

/// A folded text; one that comes back different from being written and read keeps a mark.
pub(crate) fn folded(mut text: String) -> Value {
    if refolded(&text) != text {
        text.push(REFOLDED);
    }
    Value::String(text)
}

/// The text, with one more break where a line that is further to the right follows one
/// that is not: so the writer and the reader of folded texts understand each other.
fn refolded(text: &str) -> String {
    let is_blank = |c: char| c == ' ' || c == '\t';
    let mut written = String::with_capacity(text.len() + 8);
    let mut is_even = false;
    let lines: Vec<&str> = text.split('\n').collect();
    for (place, line) in lines.iter().enumerate() {
        if place > 0 {
            written.push('\n');
        }
        if line.is_empty() {
            written.push_str(line);
            continue;
        }
        if is_even && line.starts_with(is_blank) {
            written.push('\n');
        }
        is_even = !line.starts_with(is_blank);
        written.push_str(line);
    }
    written
}

/// A null without letters.
pub(crate) fn blank(in_braces: bool) -> Value {
    Value::String(if in_braces { BLANK_IN_BRACES } else { BLANK }.to_owned())
}

/// Whether a value is a null without letters.
pub(crate) fn is_blank(value: &Value) -> bool {
    matches!(value.as_str(), Some(BLANK | BLANK_IN_BRACES))
}

/// Whether a value is null, however it was written.
pub(crate) fn is_null(value: &Value) -> bool {
    value.is_null() || is_blank(value)
}

/// Takes the mark of a folded text away, and leaves the text as it was read.
pub(crate) fn unmark(value: &mut Value) {
    match value {
        Value::String(text) if text.ends_with(REFOLDED) => {
            text.pop();
        }
        Value::Array(items) => items.iter_mut().for_each(unmark),
        Value::Object(map) => map.values_mut().for_each(unmark),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether there is nothing in a value: null, an empty map or an empty list.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        other => is_null(other),
    }
}

/// Turns every null without letters into null, and folded texts into what they become.
pub(crate) fn settle(value: &mut Value) {
    match value {
        Value::Object(map) => settle_map(map),
        Value::Array(items) => items.iter_mut().for_each(settle),
        other => {
            if is_blank(other) {
                let in_braces = other.as_str() == Some(BLANK_IN_BRACES);
                *other = if in_braces { Value::String(String::new()) } else { Value::Null };
            } else if let Some(text) = other.as_str().and_then(|text| text.strip_suffix(REFOLDED)) {
                *other = Value::String(refolded(text));
            }
        }
    }
}

/// Turns every null without letters in a map into null.
pub(crate) fn settle_map(map: &mut Map<String, Value>) {
    map.values_mut().for_each(settle);
}

/// The letters of a scalar; maps and lists have none.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(_) if is_blank(value) => String::new(),
        Value::String(text) => text.strip_suffix(REFOLDED).unwrap_or(text).to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// How many values a copy may hold.
const LARGEST: usize = 50_000;

/// How long a text in a copy may be, in bytes: more than a cluster takes of a whole object.
const LONGEST: usize = 1 << 20;

/// How deep a value may be nested.
const DEEPEST: usize = 256;

/// Refuses what a few lines could otherwise blow up without end: a value that is copied
/// into itself again and again grows twofold each time.
///
/// # Errors
///
/// When the value is larger or deeper than anything a cluster takes.
pub(crate) fn within_bounds(value: &Value) -> Result<(), String> {
    let (mut count, mut left) = (0_usize, vec![(value, 1_usize)]);
    while let Some((value, depth)) = left.pop() {
        count += 1;
        if value.as_str().is_some_and(|text| text.len() > LONGEST) {
            return Err(format!("the value would hold a text of more than {LONGEST} bytes"));
        }
        if count > LARGEST {
            return Err(format!("the value would hold more than {LARGEST} values"));
        }
        if depth > DEEPEST {
            return Err(format!("the value would be nested more than {DEEPEST} deep"));
        }
        match value {
            Value::Object(map) => left.extend(map.values().map(|inner| (inner, depth + 1))),
            Value::Array(items) => left.extend(items.iter().map(|inner| (inner, depth + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    Ok(())
}

/// Refuses a path that leads deeper than any value may be nested.
///
/// # Errors
///
/// When it has too many parts.
pub(crate) fn path_within_bounds(parts: usize) -> Result<(), String> {
    if parts > DEEPEST { Err(format!("a path of {parts} parts leads deeper than {DEEPEST}")) } else { Ok(()) }
}

/// What letters without quotes and without a tag mean.
pub(crate) fn plain(text: &str) -> Value {
    if text.contains(['\n', '#', ':', '{', '[', '"', '\'', '&', '*', '!', '|', '>', '%', '@', '`', ',']) {
        return Value::String(text.to_owned());
    }
    match yaml::parse_documents(text, yaml::Dialect::Kustomize5).ok().and_then(|documents| documents.into_iter().next())
    {
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value,
        None if matches!(text, "~" | "null" | "Null" | "NULL") => Value::Null,
        _ => Value::String(text.to_owned()),
    }
}

/// Other letters for a scalar that keeps its type.
///
/// # Errors
///
/// When the letters do not fit the type.
pub(crate) fn retyped(there: &Value, letters: &str) -> Result<Value, String> {
    match (there, plain(letters)) {
        (Value::Number(_), value @ Value::Number(_)) | (Value::Bool(_), value @ Value::Bool(_)) => Ok(value),
        (Value::Number(_), _) => Err(format!("`{letters}` is no number, as the field is")),
        (Value::Bool(_), _) => Err(format!("`{letters}` is no truth value, as the field is")),
        (there, _) if is_null(there) => Ok(plain(letters)),
        _ => Ok(Value::String(letters.to_owned())),
    }
}
