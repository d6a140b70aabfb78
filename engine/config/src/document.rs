//! TOML as a tree in the order of the file, every key and value with its bytes.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The bytes of a file.
pub(crate) type Span = Range<usize>;

/// A value of the file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) raw: Raw,
    pub(crate) span: Span,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    String(String),
    Int(Option<i64>),
    Float(f64),
    Bool(bool),
    /// A date or time, which no field takes.
    Time,
    List(Vec<Node>),
    Table(Table),
}

/// How a table was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `[a.b]` or `[[a.b]]`.
    Header,
    /// `{ … }`
    Inline,
    /// By keys with dots, or by the headers of its sub-tables alone.
    Implied,
}

/// A table, in the order of the file.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
    pub(crate) form: Form,
}

/// One key of a table.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

/// A mistake of the TOML itself.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) span: Span,
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Node {
    pub(crate) fn table(&self) -> Option<&Table> {
        match &self.raw {
            Raw::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.raw {
            Raw::String(text) => Some(text),
            _ => None,
        }
    }

    /// What TOML calls the value.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.raw {
            Raw::String(_) => "text",
            Raw::Int(_) => "a whole number",
            Raw::Float(_) => "a number",
            Raw::Bool(_) => "a truth value",
            Raw::Time => "a date or time",
            Raw::List(_) => "a list",
            Raw::Table(_) => "a table",
        }
    }
}

/// Reads a file as far as it can be read, with all that is wrong with its TOML.
pub(crate) fn parse(text: &str) -> (Table, Vec<SyntaxError>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<SyntaxError> = errors
        .into_iter()
        .map(|error| SyntaxError { message: error.message().to_owned(), span: error.span().unwrap_or(0..0) })
        .collect();
    errors.sort_by_key(|error| (error.span.start, error.span.end));
    errors.dedup_by(|next, first| next.span.start == first.span.start);
    (table_of(text, table.get_ref(), Form::Header), errors)
}

fn table_of(text: &str, table: &DeTable<'_>, form: Form) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry { key: key.get_ref().to_string(), key_span: key.span(), node: node_of(text, value) })
        .collect();
    entries.sort_by_key(|entry| (entry.key_span.start, entry.key_span.end));
    Table { entries, form }
}

fn node_of(text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let raw = match value.get_ref() {
        DeValue::String(text) => Raw::String(text.to_string()),
        DeValue::Integer(number) => Raw::Int(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(number) => Raw::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Datetime(_) => Raw::Time,
        DeValue::Array(list) => Raw::List(list.iter().map(|value| node_of(text, value)).collect()),
        DeValue::Table(table) => {
            let form = match text.as_bytes().get(span.start) {
                Some(b'[') => Form::Header,
                Some(b'{') => Form::Inline,
                _ => Form::Implied,
            };
            Raw::Table(table_of(text, table, form))
        }
    };
    Node { raw, span }
}
