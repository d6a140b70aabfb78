//! Reads the values of fields: tables, lists, texts, and the rest.

use std::collections::BTreeMap;

use kfplan_expression::{Root, Use};
use kfplan_model::{Path, Value};
use kfplan_plan::{Field, Shape};

use crate::checker::{Checker, Declared, Phase};
use crate::conform::{Offer, may_be, target_fields, wanted};
use crate::document::{Entry, Form, Node, Raw, Table};
use crate::error::ConfigError;
use crate::strings::Outcome;
use crate::tables::{Inside, Made};

impl Checker<'_> {
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
        let handles = references.iter().filter(|reference| reference.used_as == Use::Handle);
        let before = self.report.len();
        let mut is_handle = false;
        for reference in handles {
            let Some(address) = reference.resource() else { continue };
            let is_keyed = self.declared.get(address).is_some_and(Declared::is_keyed);
            if !reference.path.is_empty() && !is_keyed {
                continue;
            }
            is_handle = true;
            let address =
                if is_keyed && !reference.path.is_empty() { address.with_key("…") } else { address.clone() };
            self.conform(Value::Handle(address), shape, &Offer { field: name, literal: None, at: &node.span });
        }
        if let (Shape::Handle(_), false) = (shape, is_handle)
            && !references.iter().any(|reference| matches!(reference.root, Root::EachValue | Root::EachKey))
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
