//! Puts a value into a text.

use kfplan_model::{Path, Scalar, Segment};
use serde_json::{Map, Value};

use super::EditError;
use super::find::{Found, find};
use super::layout::{Layout, Splice};
use crate::yaml::node::{Entry, Kind, Node, Style};
use crate::yaml::write::{key_text, push_spaces, to_flow, to_text, write_after_key, write_item};

pub(super) fn set(layout: &Layout<'_>, root: &Node, path: &Path, value: &Value) -> Result<Splice, EditError> {
    let found = find(root, path)?;
    let refuse = || EditError::Layout { path: path.clone() };
    let Some((first, rest)) = found.rest.split_first() else {
        return replace(layout, &found, value).ok_or_else(refuse);
    };
    let inner = || nested(rest, value);
    match &found.node.kind {
        Kind::Null => replace(layout, &found, &nested(found.rest, value)).ok_or_else(refuse),
        Kind::Map(entries) if entries.is_empty() => {
            replace(layout, &found, &nested(found.rest, value)).ok_or_else(refuse)
        }
        Kind::List(items) if items.is_empty() => {
            replace(layout, &found, &Value::Array(vec![new_item(first, inner())])).ok_or_else(refuse)
        }
        Kind::Map(entries) => {
            let Segment::Key(key) = first else { return Err(EditError::Missing { path: path.clone() }) };
            insert_entry(layout, found.node, entries, key, &inner()).ok_or_else(refuse)
        }
        Kind::List(items) => {
            if let Segment::Key(key) = first
                && **key != *"-"
                && key.parse() != Ok(items.len())
            {
                return Err(EditError::Missing { path: path.clone() });
            }
            insert_item(layout, found.node, items, &new_item(first, inner())).ok_or_else(refuse)
        }
        Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {
            Err(EditError::Through { path: path.clone(), found: found.node.what() })
        }
    }
}

/// The value with the maps around it that the path names.
pub(super) fn nested(rest: &[Segment], value: &Value) -> Value {
    rest.iter().rev().fold(value.clone(), |value, segment| match segment {
        Segment::Key(key) => Value::Object(Map::from_iter([(key.to_string(), value)])),
        Segment::Item(_) | Segment::Element(_) => Value::Array(vec![new_item(segment, value)]),
    })
}

/// A new element of a list; a list key's fields are part of it.
pub(super) fn new_item(segment: &Segment, value: Value) -> Value {
    match (segment, value) {
        (Segment::Item(keys), Value::Object(mut map)) => {
            for (key, scalar) in keys {
                map.entry(key.to_string()).or_insert_with(|| json_of(scalar));
            }
            Value::Object(map)
        }
        (_, value) => value,
    }
}

pub(super) fn json_of(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Bool(value) => Value::from(*value),
        Scalar::Int(value) => Value::from(*value),
        Scalar::Text(text) => Value::from(&**text),
    }
}

/// Puts a value in the place of one that is there.
pub(super) fn replace(layout: &Layout<'_>, found: &Found<'_, '_>, value: &Value) -> Option<Splice> {
    let node = found.node;
    let (start, end) = (layout.byte(node.span.start), layout.end(node));
    let is_small = match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => !text.contains('\n'),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    let flow = || to_flow(value, layout.is_json);
    match found.parent {
        None if node.style == Style::Flow => Some(Splice { range: start..end, with: flow() }),
        None => {
            let with = to_text(value);
            Some(Splice { range: start..layout.line_end(end), with })
        }
        Some((parent, _)) if parent.style == Style::Flow => {
            let lead = if node.span.is_empty() && !layout.before(start).ends_with([' ', '\n']) { " " } else { "" };
            Some(Splice { range: start..end, with: format!("{lead}{}", flow()) })
        }
        Some(_) if is_small && !matches!(node.style, Style::Block | Style::Folded) && !node.span.is_empty() => {
            Some(Splice { range: start..end, with: flow() })
        }
        Some((parent, place)) => replace_block(layout, parent, place, end, value),
    }
}

/// Rewrites all that stands behind `key:` or `- `.
pub(super) fn replace_block(
    layout: &Layout<'_>,
    parent: &Node,
    place: usize,
    end: usize,
    value: &Value,
) -> Option<Splice> {
    let mut with = String::new();
    let start = match &parent.kind {
        Kind::Map(entries) => {
            let entry = entries.get(place)?;
            let key = layout.byte(entry.start);
            write_after_key(&mut with, value, layout.column(key));
            after_colon(layout, key, layout.byte(entry.value.span.start))?
        }
        Kind::List(items) => {
            let dash = dash_of(layout, items.get(place)?)?;
            with.push(' ');
            write_item(&mut with, value, layout.column(dash));
            dash + 1
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => return None,
    };
    let with = if layout.after(end).is_empty() { with } else { with.strip_suffix('\n').map(str::to_owned)? };
    Some(Splice { range: start..end.max(start), with })
}

/// The byte behind the colon of a key; the value is known to begin later.
pub(super) fn after_colon(layout: &Layout<'_>, key: usize, value: usize) -> Option<usize> {
    let between = layout.text.get(key..value.max(key))?;
    let colon = between.rfind(':').or_else(|| layout.after(key).find(':'))?;
    // A comment between key and value may hold a colon of its own; the check at the end finds out.
    Some(key + colon + 1)
}

pub(super) fn dash_of(layout: &Layout<'_>, item: &Node) -> Option<usize> {
    layout.before(layout.byte(item.span.start)).rfind('-')
}

pub(super) fn insert_entry(
    layout: &Layout<'_>,
    map: &Node,
    entries: &[Entry],
    key: &str,
    value: &Value,
) -> Option<Splice> {
    let own = || entries.iter().filter(|entry| !entry.is_merged);
    let last = own().max_by_key(|entry| entry.start)?;
    if map.style == Style::Flow {
        let with = format!("{}: {}", key_text(key, layout.is_json), to_flow(value, layout.is_json));
        return Some(insert_flow(layout, layout.byte(last.start), layout.end(&last.value), &with));
    }
    let first = own().min_by_key(|entry| entry.start)?;
    let indent = layout.column(layout.byte(first.start));
    let mut line = String::new();
    push_spaces(&mut line, indent);
    line.push_str(&key_text(key, false));
    line.push(':');
    write_after_key(&mut line, value, indent);
    Some(insert_line(layout, layout.end(&last.value), line))
}

pub(super) fn insert_item(layout: &Layout<'_>, list: &Node, items: &[Node], value: &Value) -> Option<Splice> {
    let last = items.last()?;
    let end = layout.end(last);
    if list.style == Style::Flow {
        return Some(insert_flow(layout, layout.byte(last.span.start), end, &to_flow(value, layout.is_json)));
    }
    let indent = layout.column(dash_of(layout, items.first()?)?);
    let mut line = String::new();
    push_spaces(&mut line, indent);
    line.push_str("- ");
    write_item(&mut line, value, indent);
    Some(insert_line(layout, end, line))
}

/// Adds lines after the one in which an offset stands.
pub(super) fn insert_line(layout: &Layout<'_>, end: usize, line: String) -> Splice {
    let at = layout.line_end(end);
    let with = if layout.before(at).ends_with('\n') {
        line
    } else {
        format!("\n{}", line.strip_suffix('\n').unwrap_or(&line))
    };
    Splice { range: at..at, with }
}

/// Adds an entry to `{…}` or `[…]` behind its last one, in the layout of that one.
pub(super) fn insert_flow(layout: &Layout<'_>, last: usize, end: usize, entry: &str) -> Splice {
    let lead = match layout.indent(last) {
        Some(indent) => format!("\n{}", " ".repeat(indent)),
        None => " ".to_owned(),
    };
    let comma = layout.skip_blank(end);
    if layout.after(comma).starts_with(',') {
        let at = comma + 1;
        return Splice { range: at..at, with: format!("{lead}{entry},") };
    }
    Splice { range: end..end, with: format!(",{lead}{entry}") }
}
