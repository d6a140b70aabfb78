//! Reads the tables and values of a resource against its schema.

use std::collections::BTreeMap;

use kfplan_model::{Path, Position, Value};
use kfplan_plan::{Field, Shape};

use crate::checker::{Checker, Phase};
use crate::document::{Entry, Form, Node, Raw, Span, Table};
use crate::error::ConfigError;
use crate::nearest::nearest;
use crate::strings::waits;

/// A table that is being read, and those around it.
pub(crate) struct Inside<'o> {
    /// As errors name it, such as `kubeflow.main.dashboard`.
    pub(crate) name: String,
    /// The names that it takes beside its fields.
    pub(crate) also: &'static [&'static str],
    /// Its fields.
    pub(crate) fields: &'o [Field],
    /// The table around it.
    pub(crate) outer: Option<&'o Inside<'o>>,
    /// Where it is, from the resource.
    pub(crate) path: Path,
    /// Where its header or its key stands.
    pub(crate) at: Span,
    /// Whether it is a resource that is only read: then most fields need not be stated, and none has a default.
    pub(crate) existing: bool,
}

/// What reading a resource's table gave.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// Where each stated field stands.
    pub(crate) positions: BTreeMap<Path, Position>,
    /// A list of resources of which not one is enabled.
    pub(crate) emptied: Option<String>,
}

impl Inside<'_> {
    fn has(&self, key: &str) -> bool {
        self.also.contains(&key) || self.fields.iter().any(|field| field.name == key)
    }

    /// The table around this one that has the field.
    fn owner_of(&self, key: &str) -> Option<&Inside<'_>> {
        let outer = self.outer?;
        if outer.has(key) { Some(outer) } else { outer.owner_of(key) }
    }
}

/// The fields that an `existing` resource needs: those that say which one it is.
fn identifies(field: &Field) -> bool {
    matches!(field.shape, Shape::Handle(_)) || matches!(field.name, "name" | "type" | "api_version" | "parent")
}

impl Checker<'_> {
    /// Reads a table with these fields. Errors are noted; what is wrong is left out.
    pub(crate) fn table(&mut self, table: &Table, inside: &Inside<'_>, made: &mut Made) -> BTreeMap<String, Value> {
        let mut values = BTreeMap::new();
        for entry in &table.entries {
            if inside.also.contains(&entry.key.as_str()) {
                continue;
            }
            let Some(field) = inside.fields.iter().find(|field| field.name == entry.key) else {
                self.unknown_field(entry, table, inside);
                continue;
            };
            let before = self.report.len();
            let opt_in = field.verbatim_unless.map(|name| table.get(name));
            self.verbatim =
                opt_in.is_some_and(|entry| !entry.is_some_and(|entry| self.is_opted_in(entry, &inside.name)));
            let value = self.field(entry, field, inside, made);
            self.verbatim = false;
            if self.report.len() > before && table.form == Form::Header {
                self.hint_misplaced(&entry.key, inside);
            }
            if let Some(value) = value {
                values.insert(entry.key.clone(), value);
            }
        }
        self.required(table, inside);
        if !inside.existing {
            for field in inside.fields.iter().filter(|field| table.get(field.name).is_none()) {
                if let Some(default) = &field.default {
                    values.insert(field.name.to_owned(), Self::marked(Value::from(default), field.sensitive));
                }
            }
        }
        values
    }

    /// Whether a truth value is `true`. In the text alone, an expression counts as such.
    fn is_opted_in(&mut self, entry: &Entry, owner: &str) -> bool {
        match (&entry.node.raw, self.phase) {
            (Raw::Bool(value), _) => *value,
            (Raw::String(_), Phase::Text) => true,
            (Raw::String(_), Phase::Values) => {
                self.single(entry, &Shape::Bool, owner).is_some_and(|value| value.as_bool() != Some(false))
            }
            _ => false,
        }
    }

    fn field(&mut self, entry: &Entry, field: &Field, inside: &Inside<'_>, made: &mut Made) -> Option<Value> {
        if field.sensitive {
            self.hide(&entry.node);
        }
        let name = format!("{}.{}", inside.name, entry.key);
        let path = inside.path.key(&entry.key);
        made.positions.insert(path.clone(), self.source.position(entry.key_span.start));
        let value = self.value(&entry.node, &field.shape, &name, &path, inside, made)?;
        let waits = waits(&value);
        if field.decides && !waits.is_empty() {
            let error = ConfigError::UnknownAtPlan { what: format!("`{name}`"), waits };
            self.report.error(error, &entry.node.span);
        }
        Some(Self::marked(value, field.sensitive))
    }

    /// Has every literal of a value never shown.
    pub(crate) fn hide(&mut self, node: &Node) {
        match &node.raw {
            Raw::List(list) => list.iter().for_each(|node| self.hide(node)),
            Raw::Table(table) => table.entries.iter().for_each(|entry| self.hide(&entry.node)),
            // A reference alone says nothing that is secret, and its errors should be seen.
            Raw::String(text) if text.starts_with("${") && text.ends_with('}') && !text.contains(['\'', '"']) => {}
            Raw::String(_) | Raw::Int(_) | Raw::Float(_) | Raw::Bool(_) | Raw::Time => self.source.hide(&node.span),
        }
    }

    fn unknown_field(&mut self, entry: &Entry, table: &Table, inside: &Inside<'_>) {
        if table.form == Form::Header
            && let Some(owner) = inside.owner_of(&entry.key)
        {
            let error = ConfigError::Misplaced {
                field: entry.key.clone(),
                owner: owner.name.clone(),
                table: inside.name.clone(),
                line: self.source.line(inside.at.start),
            };
            self.report.error(error, &entry.key_span);
            return;
        }
        let known: Vec<String> = inside
            .fields
            .iter()
            .map(|field| field.name)
            .chain(inside.also.iter().copied())
            .map(str::to_owned)
            .collect();
        let near = nearest(&entry.key, known.iter().map(String::as_str));
        let error =
            ConfigError::UnknownField { inside: inside.name.clone(), field: entry.key.clone(), nearest: near, known };
        self.report.error(error, &entry.key_span);
    }

    /// A wrong value under a key that a table further out has as well was perhaps meant for that one.
    fn hint_misplaced(&mut self, key: &str, inside: &Inside<'_>) {
        if let Some(owner) = inside.owner_of(key) {
            let line = self.source.line(inside.at.start);
            self.report.add_help(&format!("; if `{key}` is meant for `{}`, move it above line {line}", owner.name));
        }
    }

    fn required(&mut self, table: &Table, inside: &Inside<'_>) {
        let is_there = |name: &str| table.get(name).is_some();
        for field in inside.fields {
            if let (true, Some(other)) = (is_there(field.name), field.excludes.iter().find(|name| is_there(name))) {
                self.excluded(field.name, other, table);
            }
            let needed = field.required || !field.unless.is_empty();
            let spared = field.unless.iter().any(|name| is_there(name)) || (inside.existing && !identifies(field));
            if needed && !spared && !is_there(field.name) {
                // Of several that stand in for each other, the first says so for all.
                let said = inside.fields.iter().take_while(|other| other.name != field.name);
                if said
                    .into_iter()
                    .any(|other| field.unless.contains(&other.name) && other.unless.contains(&field.name))
                {
                    continue;
                }
                let error = ConfigError::MissingField {
                    inside: inside.name.clone(),
                    field: field.name.to_owned(),
                    instead: field.unless.iter().map(|name| (*name).to_owned()).collect(),
                    summary: field.summary.to_owned(),
                };
                self.report.error(error, &inside.at);
            }
        }
    }

    fn excluded(&mut self, field: &str, other: &str, table: &Table) {
        let (Some(one), Some(two)) = (table.get(field), table.get(other)) else { return };
        let (first, second) = if one.key_span.start < two.key_span.start { (one, two) } else { (two, one) };
        let error = ConfigError::Excluded { field: first.key.clone(), other: second.key.clone() };
        let labels =
            vec![("this".to_owned(), second.key_span.clone()), ("and this".to_owned(), first.key_span.clone())];
        self.report.labelled(error, labels);
    }
}
