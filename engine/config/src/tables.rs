//! Reads the tables and values of a resource against its schema.

use std::collections::BTreeMap;

use kfplan_model::{Path, Position, Value};
use kfplan_plan::{Field, Shape};

use crate::checker::{Checker, Phase};
use crate::conform::{Offer, may_be, target_fields, wanted};
use crate::document::{Entry, Form, Node, Raw, Span, Table};
use crate::error::ConfigError;
use crate::nearest::nearest;
use crate::strings::{Outcome, waits};

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

    /// Reads a value of this shape.
    pub(crate) fn value(
        &mut self,
        node: &Node,
        shape: &Shape,
        name: &str,
        path: &Path,
        inside: &Inside<'_>,
        made: &mut Made,
    ) -> Option<Value> {
        let shape = self.fitting(node, shape);
        match (&node.raw, shape) {
            (Raw::Table(table), Shape::Table(fields)) => self.sub_table(node, table, fields, name, path, inside, made),
            (Raw::Table(table), Shape::Target) => {
                self.sub_table(node, table, &target_fields(), name, path, inside, made)
            }
            (Raw::Table(table), Shape::Map(inner)) => self.map(table, inner, name, path, inside, made),
            (Raw::List(list), Shape::List(inner)) => self.list(list, inner, name, path, inside, made),
            (Raw::String(text), shape) => self.text(text, node, shape, name),
            (_, Shape::Any) => self.any(node, name, false),
            (raw, shape) => {
                let value = self.scalar(raw, node, shape, name)?;
                let literal = (!self.source.hides(&node.span)).then(|| self.source.slice(&node.span).to_owned());
                self.conform(value, shape, &Offer { field: name, literal: literal.as_deref(), at: &node.span })
            }
        }
    }

    /// The one alternative that a value of this kind can be, where there are several.
    fn fitting<'s>(&self, node: &Node, shape: &'s Shape) -> &'s Shape {
        let Shape::Either(shapes) = shape else { return shape };
        let fits = |shape: &&Shape| {
            matches!(
                (&node.raw, shape),
                (Raw::Table(_), Shape::Table(_) | Shape::Map(_) | Shape::Target | Shape::Any)
                    | (Raw::List(_), Shape::List(_) | Shape::Any)
            )
        };
        shapes.iter().find(fits).unwrap_or(shape)
    }

    #[expect(clippy::too_many_arguments, reason = "the table, its shape, and its place are three things each")]
    fn sub_table(
        &mut self,
        node: &Node,
        table: &Table,
        fields: &[Field],
        name: &str,
        path: &Path,
        inside: &Inside<'_>,
        made: &mut Made,
    ) -> Option<Value> {
        let inner = Inside {
            name: name.to_owned(),
            also: &[],
            fields,
            outer: Some(inside),
            path: path.clone(),
            at: node.span.clone(),
            existing: inside.existing,
        };
        self.warn_of_lines(node, name);
        Some(Value::Map(self.table(table, &inner, made)))
    }

    /// TOML 1.0 has no inline table over several lines, and editors still say so.
    fn warn_of_lines(&mut self, node: &Node, name: &str) {
        let is_inline = node.table().is_some_and(|table| table.form == Form::Inline);
        if self.phase == Phase::Text && is_inline && self.source.slice(&node.span).contains('\n') {
            let line = self.source.line(node.span.start);
            let warning = format!(
                "line {line}: the inline table `{name}` spans several lines, which tools of TOML 1.0 refuse; write it under a header `[{name}]`."
            );
            self.report.warnings.push(warning);
        }
    }

    fn map(
        &mut self,
        table: &Table,
        shape: &Shape,
        name: &str,
        path: &Path,
        inside: &Inside<'_>,
        made: &mut Made,
    ) -> Option<Value> {
        let takes_tables = may_be(&Value::Map(BTreeMap::new()), shape);
        let mut values = BTreeMap::new();
        for entry in &table.entries {
            if let (Raw::Table(inner), false) = (&entry.node.raw, takes_tables)
                && inner.form != Form::Inline
            {
                let (key, leaf, end) = dotted(entry, inner);
                let value = leaf.map_or("…", |leaf| self.source.slice(&leaf.span)).to_owned();
                let at = entry.key_span.start..leaf.map_or(entry.key_span.end, |leaf| leaf.span.end);
                let value = if self.source.hides(&at) { "…".to_owned() } else { value };
                self.report.error(ConfigError::DottedKey { key, value }, &(entry.key_span.start..end));
                continue;
            }
            let name = format!("{name}.{}", entry.key);
            let path = path.key(&entry.key);
            made.positions.insert(path.clone(), self.source.position(entry.key_span.start));
            if let Some(value) = self.value(&entry.node, shape, &name, &path, inside, made) {
                values.insert(entry.key.clone(), value);
            }
        }
        Some(Value::Map(values))
    }

    fn list(
        &mut self,
        list: &[Node],
        shape: &Shape,
        name: &str,
        path: &Path,
        inside: &Inside<'_>,
        made: &mut Made,
    ) -> Option<Value> {
        let mut values = Vec::new();
        let mut dropped = 0;
        for (index, node) in list.iter().enumerate() {
            if let (Raw::String(text), Shape::Handle(types)) = (&node.raw, shape)
                && self.phase == Phase::Values
            {
                match self.string(text, &node.span) {
                    Outcome::Disabled(_) => dropped += 1,
                    Outcome::Value(Value::Handle(address))
                        if address.key().is_none() && types.contains(&address.type_name()) =>
                    {
                        match self.instances(&address) {
                            Some(instances) => values.extend(instances.into_iter().map(Value::Handle)),
                            None => values.push(Value::Handle(address)),
                        }
                    }
                    Outcome::Value(value) => {
                        values.extend(self.conform(
                            value,
                            shape,
                            &Offer { field: name, literal: None, at: &node.span },
                        ));
                    }
                }
                continue;
            }
            let path = path.key(&index.to_string());
            made.positions.insert(path.clone(), self.source.position(node.span.start));
            values.extend(self.value(node, shape, name, &path, inside, made));
        }
        if dropped > 0 && values.is_empty() {
            made.emptied = Some(name.to_owned());
        }
        Some(Value::List(values))
    }

    fn text(&mut self, text: &str, node: &Node, shape: &Shape, name: &str) -> Option<Value> {
        let value = match self.string(text, &node.span) {
            Outcome::Value(value) => value,
            Outcome::Disabled(address) => {
                let error = self.not_enabled(&address);
                self.report.error(error, &node.span);
                return None;
            }
        };
        if self.phase == Phase::Text && matches!(value, Value::Late(_)) {
            return self.handle_in_text(text, node, shape, name).then_some(value);
        }
        let is_literal = !text.contains("${") && !self.source.hides(&node.span);
        let literal = is_literal.then(|| self.source.slice(&node.span).to_owned());
        self.conform(value, shape, &Offer { field: name, literal: literal.as_deref(), at: &node.span })
    }

    /// Checks what can be told of a handle from the text alone, so that it is told of
    /// what is not enabled, too.
    fn handle_in_text(&mut self, text: &str, node: &Node, shape: &Shape, name: &str) -> bool {
        if self.poisoned.contains(&node.span.start) {
            return true;
        }
        let references = kfplan_expression::references(text).unwrap_or_default();
        let handles = references.iter().filter(|reference| reference.used_as == kfplan_expression::Use::Handle);
        let before = self.report.len();
        let mut is_handle = false;
        for reference in handles {
            let Some(address) = reference.resource() else { continue };
            let is_keyed = self.declared.get(address).is_some_and(crate::checker::Declared::is_keyed);
            if !reference.path.is_empty() && !is_keyed {
                continue;
            }
            is_handle = true;
            let address =
                if is_keyed && !reference.path.is_empty() { address.with_key("…") } else { address.clone() };
            self.conform(Value::Handle(address), shape, &Offer { field: name, literal: None, at: &node.span });
        }
        if let (Shape::Handle(_), false) = (shape, is_handle)
            && !references.iter().any(|reference| {
                matches!(reference.root, kfplan_expression::Root::EachValue | kfplan_expression::Root::EachKey)
            })
        {
            self.conform(Value::from(""), shape, &Offer { field: name, literal: Some("${"), at: &node.span });
        }
        if self.report.len() > before {
            self.poisoned.insert(node.span.start);
        }
        true
    }

    fn scalar(&mut self, raw: &Raw, node: &Node, shape: &Shape, name: &str) -> Option<Value> {
        Some(match raw {
            Raw::Int(Some(number)) => Value::Int(*number),
            Raw::Float(number) if number.is_finite() => Value::Float(*number),
            Raw::Bool(value) => Value::Bool(*value),
            Raw::List(_) => Value::List(Vec::new()),
            Raw::Table(_) => Value::Map(BTreeMap::new()),
            Raw::Int(None) | Raw::Float(_) | Raw::Time | Raw::String(_) => {
                let literal = self.source.slice(&node.span).to_owned();
                let found = if matches!(raw, Raw::Time) { node.kind() } else { "a number that is too large" };
                let help = if matches!(raw, Raw::Time) {
                    format!("quote it: `\"{literal}\"`")
                } else {
                    "write a smaller number, or quote it".to_owned()
                };
                let help = if self.source.hides(&node.span) { "quote it".to_owned() } else { help };
                let error = ConfigError::WrongType {
                    field: name.to_owned(),
                    wanted: wanted(shape),
                    found: found.to_owned(),
                    help,
                };
                self.report.error(error, &node.span);
                return None;
            }
        })
    }

    /// Reads any value; whether it may hold handles is for the caller to say.
    pub(crate) fn any(&mut self, node: &Node, name: &str, handles: bool) -> Option<Value> {
        match &node.raw {
            Raw::String(text) if !handles => self.text(text, node, &Shape::Any, name),
            Raw::String(text) => match self.string(text, &node.span) {
                Outcome::Value(value) => Some(value),
                Outcome::Disabled(address) => {
                    let error = self.not_enabled(&address);
                    self.report.error(error, &node.span);
                    None
                }
            },
            Raw::List(list) => {
                let list: Vec<_> = list.iter().map(|node| self.any(node, name, handles)).collect();
                list.into_iter().collect::<Option<_>>().map(Value::List)
            }
            Raw::Table(table) => {
                self.warn_of_lines(node, name);
                let entries = table.entries.iter();
                let map: Vec<_> = entries
                    .map(|entry| {
                        Some((entry.key.clone(), self.any(&entry.node, &format!("{name}.{}", entry.key), handles)?))
                    })
                    .collect();
                map.into_iter().collect::<Option<_>>().map(Value::Map)
            }
            raw => self.scalar(raw, node, &Shape::Any, name),
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

/// The key that was meant by tables inside each other, the value at their end, and where the key ends.
fn dotted<'t>(entry: &'t Entry, table: &'t Table) -> (String, Option<&'t Node>, usize) {
    let mut key = entry.key.clone();
    let mut end = entry.key_span.end;
    let mut at = table;
    loop {
        let Some(entry) = at.entries.first() else { return (key, None, end) };
        key.push('.');
        key.push_str(&entry.key);
        if table.form == Form::Implied {
            end = end.max(entry.key_span.end);
        }
        match &entry.node.raw {
            Raw::Table(inner) => at = inner,
            _ => return (key, Some(&entry.node), end),
        }
    }
}
