//! Changes one value of a YAML text and leaves all the rest as it is.
//!
//! The text is parsed for the places of things, and only the characters of the
//! value in question are exchanged: comments, order, quotes and layout elsewhere
//! stay. What came out is read again and compared with what was asked for, so that
//! a layout this module does not understand is an error and never a wrong text.

use std::ops::Range;

use kfplan_model::{Path, Scalar, Segment};
use serde_json::{Map, Value};

use super::error::YamlError;
use super::node::{Entry, Kind, Node, Style};
use super::read::parse;
use super::resolve::Dialect;
use super::write::{key_text, push_spaces, to_flow, write_after_key, write_item};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Put a value at a path; maps on the way are made where they are missing.
    Set {
        /// Where.
        path: Path,
        /// What.
        value: Value,
    },
    /// Take the value at a path away, and its key with it.
    Remove {
        /// Where.
        path: Path,
    },
}

impl Edit {
    /// Where the change is made.
    #[must_use]
    pub const fn path(&self) -> &Path {
        match self {
            Self::Set { path, .. } | Self::Remove { path } => path,
        }
    }
}

/// A text that could not be changed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text cannot be read.
    #[error("the document cannot be read")]
    Unreadable(#[source] YamlError),
    /// The text holds no document, or several.
    #[error("the text holds {count} YAML documents; one is needed")]
    NotOne {
        /// How many there are.
        count: usize,
    },
    /// Nothing stands at the path of a removal.
    #[error("there is nothing at `{path}`")]
    Missing {
        /// The path.
        path: Path,
    },
    /// The path goes through something that is no map or list.
    #[error("`{path}` leads through {found}")]
    Through {
        /// The path.
        path: Path,
        /// What stands in the way.
        found: &'static str,
    },
    /// The value is written at an anchor, and other places share it.
    #[error("`{path}` is an alias or stands behind one, so changing it would change other places too")]
    Shared {
        /// The path.
        path: Path,
    },
    /// The layout around the value is one that cannot be changed in place.
    #[error("the text around `{path}` is laid out in a way that cannot be changed in place")]
    Layout {
        /// The path.
        path: Path,
    },
}

/// Applies changes to the one document in a text, one after the other.
///
/// # Errors
///
/// [`EditError`] when the text cannot be read, or a change cannot be made without
/// touching anything else.
pub fn edit(text: &str, dialect: Dialect, edits: &[Edit]) -> Result<String, EditError> {
    edits.iter().try_fold(text.to_owned(), |text, edit| edit_one(&text, dialect, edit))
}

fn edit_one(text: &str, dialect: Dialect, edit: &Edit) -> Result<String, EditError> {
    let root = read_one(text, dialect)?;
    let layout = Layout::of(text);
    let splice = match edit {
        Edit::Set { path, value } => set(&layout, &root, path, value)?,
        Edit::Remove { path } => remove(&layout, &root, path)?,
    };
    let mut wanted = root.into_value();
    apply(&mut wanted, edit);
    let mut changed = String::with_capacity(text.len() + splice.with.len());
    let (Some(before), Some(after)) = (text.get(..splice.range.start), text.get(splice.range.end..)) else {
        return Err(EditError::Layout { path: edit.path().clone() });
    };
    changed.push_str(before);
    changed.push_str(&splice.with);
    changed.push_str(after);
    match read_one(&changed, dialect) {
        Ok(found) if found.clone().into_value() == wanted => Ok(changed),
        _ => Err(EditError::Layout { path: edit.path().clone() }),
    }
}

fn read_one(text: &str, dialect: Dialect) -> Result<Node, EditError> {
    let mut documents = parse(text, dialect).map_err(EditError::Unreadable)?;
    match (documents.len(), documents.pop()) {
        (1, Some(document)) => Ok(document.root),
        (count, _) => Err(EditError::NotOne { count }),
    }
}

/// Some bytes of the text, and what comes in their place.
struct Splice {
    range: Range<usize>,
    with: String,
}

/// The text and its places in bytes; the scanner counts characters.
struct Layout<'a> {
    text: &'a str,
    /// Byte offset of each character; empty when every character is one byte.
    offsets: Vec<usize>,
    is_json: bool,
}

impl<'a> Layout<'a> {
    fn of(text: &'a str) -> Self {
        let mark = if text.starts_with('\u{feff}') { 1 } else { 0 };
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset).chain([text.len()]).skip(mark).collect()
        };
        Self { text, offsets, is_json: serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() }
    }

    fn byte(&self, character: usize) -> usize {
        if self.offsets.is_empty() {
            return character.min(self.text.len());
        }
        self.offsets.get(character).copied().unwrap_or(self.text.len())
    }

    fn before(&self, offset: usize) -> &'a str {
        self.text.get(..offset).unwrap_or_default()
    }

    fn after(&self, offset: usize) -> &'a str {
        self.text.get(offset..).unwrap_or_default()
    }

    fn line_start(&self, offset: usize) -> usize {
        self.before(offset).rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The end of the line, with its newline.
    fn line_end(&self, offset: usize) -> usize {
        self.after(offset).find('\n').map_or(self.text.len(), |newline| offset + newline + 1)
    }

    /// How far the line of an offset is indented, when nothing but space stands before it.
    fn indent(&self, offset: usize) -> Option<usize> {
        let start = self.line_start(offset);
        let before = self.text.get(start..offset)?;
        before.bytes().all(|byte| byte == b' ').then_some(before.len())
    }

    fn column(&self, offset: usize) -> usize {
        offset - self.line_start(offset)
    }

    /// The end of what a node says, without the space the scanner counts to it.
    fn end(&self, node: &Node) -> usize {
        let end = self.byte(node.span.end);
        match (&node.kind, node.style) {
            (Kind::Null, Style::Flow) if node.span.is_empty() => end,
            (_, Style::Flow | Style::Alias) => end,
            (Kind::List(items), Style::Block) => items.last().map_or(end, |item| self.end(item)),
            (Kind::Map(entries), Style::Block) => {
                let own = entries.iter().filter(|entry| !entry.is_merged);
                own.map(|entry| self.end(&entry.value)).max().unwrap_or(end)
            }
            (_, Style::Block) => self.before(end).trim_end().len(),
        }
    }

    /// After blanks, comments and newlines.
    fn skip_blank(&self, mut offset: usize) -> usize {
        loop {
            let rest = self.after(offset);
            let text = rest.trim_start();
            offset += rest.len() - text.len();
            if !text.starts_with('#') {
                return offset;
            }
            offset = self.line_end(offset);
        }
    }
}

/// What the path leads to: the deepest node that is there, and what of the path is left.
struct Found<'n, 'p> {
    node: &'n Node,
    parent: Option<(&'n Node, usize)>,
    rest: &'p [Segment],
}

fn find<'n, 'p>(root: &'n Node, path: &'p Path) -> Result<Found<'n, 'p>, EditError> {
    let mut found = Found { node: root, parent: None, rest: path.segments() };
    while let Some((segment, rest)) = found.rest.split_first() {
        if found.node.style == Style::Alias {
            return Err(EditError::Shared { path: path.clone() });
        }
        let place = match (&found.node.kind, segment) {
            (Kind::Map(entries), Segment::Key(key)) => {
                entries.iter().position(|entry| *entry.key == **key && !entry.is_merged)
            }
            (Kind::List(items), segment) => place_in_list(items, segment),
            (Kind::Null, _) => None,
            _ => return Err(EditError::Through { path: path.clone(), found: found.node.what() }),
        };
        let child = place.and_then(|place| Some((child(found.node, place)?, place)));
        let Some((node, place)) = child else { return Ok(found) };
        found = Found { node, parent: Some((found.node, place)), rest };
    }
    Ok(found)
}

fn child(node: &Node, place: usize) -> Option<&Node> {
    match &node.kind {
        Kind::Map(entries) => entries.get(place).map(|entry| &entry.value),
        Kind::List(items) => items.get(place),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => None,
    }
}

fn place_in_list(items: &[Node], segment: &Segment) -> Option<usize> {
    let scalar = |node: &Node| Scalar::of(&node.clone().into_value());
    match segment {
        Segment::Key(key) => key.parse::<usize>().ok().filter(|index| *index < items.len()),
        Segment::Element(wanted) => items.iter().position(|item| scalar(item).as_ref() == Some(wanted)),
        Segment::Item(keys) => items
            .iter()
            .position(|item| keys.iter().all(|(key, wanted)| item.get(key).and_then(scalar).as_ref() == Some(wanted))),
    }
}

fn set(layout: &Layout<'_>, root: &Node, path: &Path, value: &Value) -> Result<Splice, EditError> {
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
fn nested(rest: &[Segment], value: &Value) -> Value {
    rest.iter().rev().fold(value.clone(), |value, segment| match segment {
        Segment::Key(key) => Value::Object(Map::from_iter([(key.to_string(), value)])),
        Segment::Item(_) | Segment::Element(_) => Value::Array(vec![new_item(segment, value)]),
    })
}

/// A new element of a list; a list key's fields are part of it.
fn new_item(segment: &Segment, value: Value) -> Value {
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

fn json_of(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Bool(value) => Value::from(*value),
        Scalar::Int(value) => Value::from(*value),
        Scalar::Text(text) => Value::from(&**text),
    }
}

/// Puts a value in the place of one that is there.
fn replace(layout: &Layout<'_>, found: &Found<'_, '_>, value: &Value) -> Option<Splice> {
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
            let with = super::write::to_text(value);
            Some(Splice { range: start..layout.line_end(end), with })
        }
        Some((parent, _)) if parent.style == Style::Flow => {
            let lead = if node.span.is_empty() && !layout.before(start).ends_with([' ', '\n']) { " " } else { "" };
            Some(Splice { range: start..end, with: format!("{lead}{}", flow()) })
        }
        Some(_) if is_small && node.style != Style::Block && !node.span.is_empty() => {
            Some(Splice { range: start..end, with: flow() })
        }
        Some((parent, place)) => replace_block(layout, parent, place, end, value),
    }
}

/// Rewrites all that stands behind `key:` or `- `.
fn replace_block(layout: &Layout<'_>, parent: &Node, place: usize, end: usize, value: &Value) -> Option<Splice> {
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
fn after_colon(layout: &Layout<'_>, key: usize, value: usize) -> Option<usize> {
    let between = layout.text.get(key..value.max(key))?;
    let colon = between.rfind(':').or_else(|| layout.after(key).find(':'))?;
    // A comment between key and value may hold a colon of its own; the check at the end finds out.
    Some(key + colon + 1)
}

fn dash_of(layout: &Layout<'_>, item: &Node) -> Option<usize> {
    layout.before(layout.byte(item.span.start)).rfind('-')
}

fn insert_entry(layout: &Layout<'_>, map: &Node, entries: &[Entry], key: &str, value: &Value) -> Option<Splice> {
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

fn insert_item(layout: &Layout<'_>, list: &Node, items: &[Node], value: &Value) -> Option<Splice> {
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
fn insert_line(layout: &Layout<'_>, end: usize, line: String) -> Splice {
    let at = layout.line_end(end);
    let with = if layout.before(at).ends_with('\n') {
        line
    } else {
        format!("\n{}", line.strip_suffix('\n').unwrap_or(&line))
    };
    Splice { range: at..at, with }
}

/// Adds an entry to `{…}` or `[…]` behind its last one, in the layout of that one.
fn insert_flow(layout: &Layout<'_>, last: usize, end: usize, entry: &str) -> Splice {
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

fn remove(layout: &Layout<'_>, root: &Node, path: &Path) -> Result<Splice, EditError> {
    let found = find(root, path)?;
    let Some((parent, place)) = found.parent.filter(|_| found.rest.is_empty()) else {
        return Err(EditError::Missing { path: path.clone() });
    };
    let start = match &parent.kind {
        Kind::Map(entries) => entries.get(place).map(|entry| layout.byte(entry.start)),
        Kind::List(_) if parent.style == Style::Block => dash_of(layout, found.node),
        _ => Some(layout.byte(found.node.span.start)),
    };
    let start = start.ok_or_else(|| EditError::Layout { path: path.clone() })?;
    let end = layout.end(found.node).max(start);
    if parent.style == Style::Flow {
        return Ok(remove_flow(layout, start, end));
    }
    let splice = if count(parent) == 1 { empty(layout, root, path, parent) } else { remove_lines(layout, start, end) };
    splice.ok_or_else(|| EditError::Layout { path: path.clone() })
}

fn count(node: &Node) -> usize {
    match &node.kind {
        Kind::Map(entries) => entries.len(),
        Kind::List(items) => items.len(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => 0,
    }
}

/// Writes `{}` or `[]` for a map or list that loses its only entry.
fn empty(layout: &Layout<'_>, root: &Node, path: &Path, parent: &Node) -> Option<Splice> {
    let value = match parent.kind {
        Kind::List(_) => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    };
    let mut outer = path.clone();
    outer.pop()?;
    replace(layout, &find(root, &outer).ok()?, &value)
}

/// Takes out the lines of an entry, or what is its own of a shared line.
fn remove_lines(layout: &Layout<'_>, start: usize, end: usize) -> Option<Splice> {
    let next = layout.line_end(end);
    if layout.indent(start).is_some() {
        return Some(Splice { range: layout.line_start(start)..next, with: String::new() });
    }
    // The first key behind `- `: the next key moves up to its place.
    let follower = layout.skip_blank(next);
    (layout.column(follower) == layout.column(start)).then(|| Splice { range: start..follower, with: String::new() })
}

fn remove_flow(layout: &Layout<'_>, start: usize, end: usize) -> Splice {
    let mut start = start;
    let mut end = end;
    let comma = layout.skip_blank(end);
    if layout.after(comma).starts_with(',') {
        end = comma + 1;
        let rest = layout.after(end);
        let blank = rest.len() - rest.trim_start_matches(' ').len();
        // A line of its own goes as a whole, with the comment behind it.
        let is_line = layout.indent(start).is_some();
        if is_line && layout.after(end + blank).starts_with(['\n', '#']) {
            return Splice { range: layout.line_start(start)..layout.line_end(end), with: String::new() };
        }
        return Splice { range: start..end + blank, with: String::new() };
    }
    let before = layout.before(start).trim_end();
    if let Some(before) = before.strip_suffix(',') {
        start = before.len();
    }
    Splice { range: start..end, with: String::new() }
}

/// The same change on the value, to check the text against.
fn apply(value: &mut Value, edit: &Edit) {
    match edit {
        Edit::Set { path, value: new } => put(value, path.segments(), new),
        Edit::Remove { path } => {
            let mut outer = path.clone();
            let last = outer.pop();
            match (outer.get_mut(value), last) {
                (Some(Value::Object(map)), Some(Segment::Key(key))) => {
                    map.remove(&*key);
                }
                (Some(Value::Array(items)), Some(last)) => {
                    let wanted = Path::from_segments(vec![last]);
                    let list = Value::Array(items.clone());
                    let target = wanted.get(&list);
                    if let Some(place) = items.iter().position(|item| Some(item) == target) {
                        items.remove(place);
                    }
                }
                _ => {}
            }
        }
    }
}

fn put(value: &mut Value, path: &[Segment], new: &Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = new.clone();
        return;
    };
    if value.is_null() {
        *value = nested(path, new);
        return;
    }
    let step = Path::from_segments(vec![first.clone()]);
    if let Some(inner) = step.get_mut(value) {
        put(inner, rest, new);
        return;
    }
    match (value, first) {
        (Value::Object(map), Segment::Key(key)) => {
            map.insert(key.to_string(), nested(rest, new));
        }
        (Value::Array(items), first) => items.push(new_item(first, nested(rest, new))),
        _ => {}
    }
}
