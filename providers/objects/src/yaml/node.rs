//! A document with the place of everything in it.

use std::fmt;
use std::ops::Range;

use kfplan_model::{Path, Segment};
use serde_json::{Map, Number, Value};

/// A place in a text, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub kind: Kind,
    /// Its first character.
    pub at: Position,
    pub(super) span: Range<usize>,
    pub(super) style: Style,
}

/// How a node is written, as far as an edit must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Within the line: a plain or quoted scalar, `{…}`, `[…]`.
    Flow,
    /// By indentation: a block map or list, `|`.
    Block,
    /// By indentation, with its lines folded: `>`.
    Folded,
    /// `*name`: the value is written somewhere else.
    Alias,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text. Keys are unique.
    Map(Vec<Entry>),
}

/// One key of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: Position,
    /// Its value.
    pub value: Node,
    pub(super) start: usize,
    /// The entry came by a merge key, and is written somewhere else.
    pub(super) is_merged: bool,
}

/// A key that stands twice in one map; the later value holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The key.
    pub key: String,
    /// The one whose value is lost.
    pub first: Position,
    /// The one that holds.
    pub at: Position,
}

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it holds.
    pub root: Node,
    /// Keys that stand twice, where the dialect allows it.
    pub duplicates: Vec<Duplicate>,
}

impl Document {
    /// The document as a JSON value.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.root.into_value()
    }

    /// Where the value at a path stands: for a map's entry the place of its key.
    /// A path that leads nowhere gives the place of the last thing that is there.
    #[must_use]
    pub fn position(&self, path: &Path) -> Position {
        let mut node = &self.root;
        let mut at = node.at;
        for segment in path.segments() {
            let next = match (segment, &node.kind) {
                (Segment::Key(key), Kind::Map(entries)) => {
                    entries.iter().find(|entry| *entry.key == **key).map(|entry| (entry.at, &entry.value))
                }
                (Segment::Key(key), Kind::List(items)) => {
                    key.parse::<usize>().ok().and_then(|index| items.get(index)).map(|item| (item.at, item))
                }
                _ => None,
            };
            match next {
                Some((place, child)) => (at, node) = (place, child),
                None => return at,
            }
        }
        at
    }
}

impl Node {
    /// The node as a JSON value; text is moved, not copied.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(value),
            Kind::Number(number) => Value::Number(number),
            Kind::Text(text) => Value::String(text),
            Kind::List(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Kind::Map(entries) => {
                let map: Map<String, Value> =
                    entries.into_iter().map(|entry| (entry.key, entry.value.into_value())).collect();
                Value::Object(map)
            }
        }
    }

    /// Whether this is a null that was written with no letters at all, as after `key:`.
    #[must_use]
    pub fn is_unwritten(&self) -> bool {
        matches!(self.kind, Kind::Null) && self.span.is_empty()
    }

    /// Whether this is written within brackets or a line.
    #[must_use]
    pub const fn is_flow(&self) -> bool {
        matches!(self.style, Style::Flow)
    }

    /// Whether this is a text that was written with its lines folded (`>`).
    #[must_use]
    pub const fn is_folded(&self) -> bool {
        matches!(self.style, Style::Folded)
    }

    /// The value of a key, when this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key, when this is a map that has it.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => None,
        }
    }

    /// The text, when this is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// What this is, in a word with its article, for messages.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a truth value",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}
