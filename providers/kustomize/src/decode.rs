//! Reads typed values out of YAML nodes and collects all that is wrong with them.

use std::collections::BTreeMap;

use kfplan_objects::yaml::{Kind, Node};

use crate::dialect::Dialect;
use crate::error::{Place, RenderError};

/// Reads one file.
pub(crate) struct Decoder<'a> {
    pub(crate) file: &'a str,
    pub(crate) dialect: Dialect,
    pub(crate) errors: &'a mut Vec<RenderError>,
}

/// The fields of a map under the names they are declared with.
pub(crate) struct Fields<'n> {
    path: String,
    known: BTreeMap<String, &'n Node>,
}

impl<'n> Fields<'n> {
    /// A field that is there and not null, with the way to it.
    pub(crate) fn get(&self, name: &str) -> Option<(String, &'n Node)> {
        let node = self.known.get(&name.to_ascii_lowercase())?;
        (!matches!(node.kind, Kind::Null)).then(|| (self.name(name), *node))
    }

    /// The text of a field, numbers and truth values as they would be written.
    pub(crate) fn coerced(&self, name: &str) -> String {
        match self.get(name).map(|(_, node)| &node.kind) {
            Some(Kind::Text(text)) => text.clone(),
            Some(Kind::Number(number)) => number.to_string(),
            Some(Kind::Bool(value)) => value.to_string(),
            _ => String::new(),
        }
    }

    /// A field's name with the way to it.
    pub(crate) fn name(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl Decoder<'_> {
    pub(crate) fn place(&self, node: &Node) -> Place {
        Place::new(self.file, node.at)
    }

    pub(crate) fn wrong(&mut self, field: &str, node: &Node, wanted: &'static str) {
        let place = self.place(node);
        self.errors.push(RenderError::WrongType { place, field: field.to_owned(), found: node.what(), wanted });
    }

    pub(crate) fn refuse(&mut self, field: &str, node: &Node, reason: impl Into<String>) {
        let place = self.place(node);
        self.errors.push(RenderError::Field { place, field: field.to_owned(), reason: reason.into() });
    }

    /// The fields of a map; the case of their names does not matter, but each must be
    /// known. Where one stands in several spellings, the last in the order of the
    /// alphabet holds, as in the JSON that the tools go through.
    pub(crate) fn fields<'n>(&mut self, path: &str, node: &'n Node, known: &[&str]) -> Option<Fields<'n>> {
        let fields = self.loose_fields(path, node)?;
        let Kind::Map(entries) = &node.kind else { return None };
        for entry in entries {
            if known.iter().all(|name| !name.eq_ignore_ascii_case(&entry.key)) {
                self.errors.push(RenderError::UnknownField {
                    place: Place::new(self.file, entry.at),
                    field: fields.name(&entry.key),
                    nearest: nearest(&entry.key, known),
                });
            }
        }
        Some(fields)
    }

    /// The fields of a map, whatever they are called.
    pub(crate) fn loose_fields<'n>(&mut self, path: &str, node: &'n Node) -> Option<Fields<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong(path, node, "a map");
            return None;
        };
        let mut sorted: Vec<_> = entries.iter().collect();
        sorted.sort_by(|a, b| a.key.cmp(&b.key));
        let known = sorted.into_iter().map(|entry| (entry.key.to_ascii_lowercase(), &entry.value)).collect();
        Some(Fields { path: path.to_owned(), known })
    }

    /// Text; null is no text.
    pub(crate) fn text(&mut self, field: &str, node: &Node) -> Option<String> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Null => None,
            Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Map(_) => {
                self.wrong(field, node, "text");
                None
            }
        }
    }

    /// A truth value.
    pub(crate) fn bool(&mut self, field: &str, node: &Node) -> Option<bool> {
        match node.kind {
            Kind::Bool(value) => Some(value),
            Kind::Null => None,
            Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => {
                self.wrong(field, node, "true or false");
                None
            }
        }
    }

    /// A whole number.
    pub(crate) fn int(&mut self, field: &str, node: &Node) -> Option<i64> {
        let value = match &node.kind {
            Kind::Number(number) => number.as_i64(),
            Kind::Null => return None,
            Kind::Bool(_) | Kind::Text(_) | Kind::List(_) | Kind::Map(_) => None,
        };
        if value.is_none() {
            self.wrong(field, node, "a whole number");
        }
        value
    }

    /// The elements of a list, read one by one.
    pub(crate) fn items<T>(
        &mut self,
        field: &str,
        node: &Node,
        mut read: impl FnMut(String, &Node, &mut Self) -> Option<T>,
    ) -> Vec<T> {
        match &node.kind {
            Kind::List(items) => {
                let indexed = items.iter().enumerate();
                indexed.filter_map(|(place, item)| read(format!("{field}[{place}]"), item, self)).collect()
            }
            Kind::Null => Vec::new(),
            Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::Map(_) => {
                self.wrong(field, node, "a list");
                Vec::new()
            }
        }
    }

    /// A map of texts.
    pub(crate) fn texts(&mut self, field: &str, node: &Node) -> Option<BTreeMap<String, String>> {
        match &node.kind {
            Kind::Map(entries) => {
                let mut map = BTreeMap::new();
                for entry in entries {
                    let text = self.text(&format!("{field}.{}", entry.key), &entry.value);
                    map.insert(entry.key.clone(), text.unwrap_or_default());
                }
                Some(map)
            }
            Kind::Null => None,
            Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => {
                self.wrong(field, node, "a map");
                None
            }
        }
    }
}

/// The known name that differs from a name in no more than two letters.
fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let lower = name.to_lowercase();
    let distances = known.iter().map(|candidate| (distance(&lower, &candidate.to_lowercase()), *candidate));
    let (away, candidate) = distances.min()?;
    (away <= 2 && away < candidate.len()).then(|| candidate.to_owned())
}

/// How many letters must be added, taken away or exchanged.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, letter) in a.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (other, above) in b.iter().zip(row.iter().skip(1)) {
            let exchanged = diagonal + usize::from(*other != letter);
            left = exchanged.min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
