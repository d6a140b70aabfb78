//! Strings of the file: where their bytes stand, and what their expressions are.

use std::ops::Range;
use std::sync::Arc;

use kfplan_expression::{ExpressionError, Known, Reference, Root, Roots, Step, Template, Use, evaluate};
use kfplan_model::{Late, ResourceAddress, Value};
use kfplan_plan::Schema;

use crate::checker::{Checker, Link, Phase};
use crate::document::Span;
use crate::error::ConfigError;
use crate::nearest::nearest;
use crate::source::Source;

/// What a string gave.
pub(crate) enum Outcome {
    /// A value. What is wrong or unknown is late and waits for nothing.
    Value(Value),
    /// A handle of something that is not enabled.
    Disabled(ResourceAddress),
}

/// A value about which nothing more is to be said.
pub(crate) fn unknown(text: &str) -> Value {
    Value::Late(Late { template: text.into(), waits: Default::default() })
}

/// Whether a value waits for a resource, beyond what is wrong or unknown anyway.
pub(crate) fn waits(value: &Value) -> Vec<String> {
    let mut waits = std::collections::BTreeSet::new();
    value.visit_late(&mut |late| waits.extend(late.waits.iter().map(ToString::to_string)));
    waits.into_iter().collect()
}

/// The bytes of the file that a part of a string's value stands for.
pub(crate) fn inside(source: &Source, node: &Span, value: &str, part: &Range<usize>) -> Span {
    let raw = source.slice(node);
    let place = |at| offset(raw, value.len(), at);
    match (place(part.start), place(part.end)) {
        (Some(start), Some(end)) if start <= end => node.start + start..node.start + end,
        _ => node.clone(),
    }
}

/// The byte of a TOML string at which byte `wanted` of its value stands.
fn offset(raw: &str, length: usize, wanted: usize) -> Option<usize> {
    let fence = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|fence| raw.starts_with(fence))?;
    let mut at = fence.len();
    if fence.len() == 3 {
        at += raw
            .get(at..)
            .map_or(0, |rest| if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) });
    }
    let mut made = 0;
    while made < wanted {
        let rest = raw.get(at..)?;
        let first = rest.chars().next()?;
        if first != '\\' || fence.starts_with('\'') {
            at += first.len_utf8();
            made += first.len_utf8();
            continue;
        }
        let (read, gives) = escape(rest)?;
        at += read;
        made += gives;
    }
    (made == wanted && wanted <= length).then_some(at)
}

/// How many bytes an escape takes, and how many it gives.
fn escape(rest: &str) -> Option<(usize, usize)> {
    let digits = match rest.chars().nth(1)? {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c if c.is_whitespace() => {
            let body = rest.get(1..)?;
            return Some((1 + body.len() - body.trim_start().len(), 0));
        }
        _ => return Some((2, 1)),
    };
    let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((2 + digits, char::from_u32(code)?.len_utf8()))
}

impl Checker<'_> {
    /// Reads a string: as text, or by evaluating what it holds.
    pub(crate) fn string(&mut self, text: &str, span: &Span) -> Outcome {
        if self.verbatim {
            return Outcome::Value(Value::from(text));
        }
        match self.phase {
            Phase::Text => Outcome::Value(self.string_as_text(text, span)),
            Phase::Values if self.poisoned.contains(&span.start) => Outcome::Value(unknown(text)),
            Phase::Values => self.string_as_value(text, span),
        }
    }

    fn string_as_text(&mut self, text: &str, span: &Span) -> Value {
        if self.poisoned.contains(&span.start) {
            return unknown(text);
        }
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(errors) => {
                self.poisoned.insert(span.start);
                for error in errors {
                    let at = inside(&self.source, span, text, &error.span());
                    self.report.error(error.into(), &at);
                }
                return unknown(text);
            }
        };
        if !template.has_expressions() {
            return Value::String(text.replace("$${", "${").into());
        }
        for reference in template.references() {
            let at = inside(&self.source, span, text, &reference.span);
            if let Err(error) = self.check_reference(reference, &at) {
                self.poisoned.insert(span.start);
                self.report.error(error, &at);
            }
        }
        unknown(text)
    }

    fn string_as_value(&mut self, text: &str, span: &Span) -> Outcome {
        let errors = match evaluate(text, &self.names) {
            Ok(value) => return Outcome::Value(value),
            Err(errors) => errors,
        };
        if let [ExpressionError::Absent { address, .. }] = errors.as_slice()
            && self.is_disabled(address)
            && Template::parse(text)
                .is_ok_and(|template| template.references().any(|reference| reference.used_as == Use::Handle))
        {
            return Outcome::Disabled(address.clone());
        }
        for error in errors {
            let at = inside(&self.source, span, text, &error.span());
            let error = self.evaluated(error);
            self.report.error(error, &at);
        }
        Outcome::Value(unknown(text))
    }

    pub(crate) fn is_disabled(&self, address: &ResourceAddress) -> bool {
        self.disabled.contains(address) || self.disabled.contains(&address.without_key())
    }

    /// What went wrong while evaluating, in the words of the file.
    fn evaluated(&self, error: ExpressionError) -> ConfigError {
        match error {
            ExpressionError::Absent { address, .. } if self.is_disabled(&address) => self.not_enabled(&address),
            ExpressionError::Absent { address, .. } if address.key().is_some() => self.unknown_key(&address),
            other => other.into(),
        }
    }

    pub(crate) fn not_enabled(&self, address: &ResourceAddress) -> ConfigError {
        ConfigError::NotEnabled {
            from: self.owner.as_ref().map_or_else(|| "outputs".to_owned(), ToString::to_string),
            to: address.to_string(),
            environment: self.names.environment.clone(),
        }
    }

    pub(crate) fn unknown_key(&self, address: &ResourceAddress) -> ConfigError {
        let key = address.key().unwrap_or_default().to_owned();
        let known: Vec<String> = match self.names.resource(&address.without_key()) {
            Some(Known::Keyed(keys)) => keys.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        let nearest = nearest(&key, known.iter().map(String::as_str));
        ConfigError::UnknownKey { address: address.without_key().to_string(), key, nearest, known }
    }

    /// Checks that what a reference names is declared, and notes the order that it asks for.
    fn check_reference(&mut self, reference: &Reference, at: &Span) -> Result<(), ConfigError> {
        let address = match &reference.root {
            Root::Variable(name) if self.variables.contains_key(name) => return Ok(()),
            Root::Variable(name) => {
                let known: Vec<String> = self.variables.keys().cloned().collect();
                let nearest = nearest(name, known.iter().map(String::as_str));
                return Err(ConfigError::UnknownVariable { name: name.clone(), nearest, known });
            }
            Root::EachKey | Root::EachValue if self.each => return Ok(()),
            Root::EachKey | Root::EachValue => {
                return Err(ExpressionError::NoEach { span: reference.span.clone() }.into());
            }
            Root::EnvironmentName => return Ok(()),
            Root::Resource(address) => address,
        };
        let Some(schema) = self.schema(address.type_name()) else {
            let known: Vec<String> = self.schemas.iter().map(|schema| schema.type_name.to_owned()).collect();
            let roots = ["vars", "env", "each"].into_iter();
            let near = nearest(address.type_name(), known.iter().map(String::as_str).chain(roots));
            return Err(ConfigError::UnknownType { name: address.type_name().to_owned(), nearest: near, known });
        };
        let Some(declared) = self.declared.get(address) else {
            let (nearest, known) = self.probably(address);
            return Err(ConfigError::UnknownReference { address: address.to_string(), nearest, known });
        };
        let is_keyed = declared.is_keyed();
        if let Some(owner) = &self.owner {
            self.links.push(Link { from: owner.clone(), to: address.clone(), at: at.clone() });
        }
        check_steps(address, &reference.path, is_keyed, schema)
    }

    /// The instances that a handle without a key stands for in a list.
    pub(crate) fn instances(&self, address: &ResourceAddress) -> Option<Vec<ResourceAddress>> {
        match self.names.resource(address) {
            Some(Known::Keyed(keys)) => Some(keys.iter().map(|key: &Arc<str>| address.with_key(key)).collect()),
            _ => None,
        }
    }
}

/// Checks the steps of a reference into a resource, as far as its type tells.
fn check_steps(address: &ResourceAddress, path: &[Step], is_keyed: bool, schema: &Schema) -> Result<(), ConfigError> {
    let mut fields: Vec<String> = schema.fields.iter().map(|field| field.name.to_owned()).collect();
    fields.extend(schema.outputs.iter().map(|output| output.name.to_owned()));
    let has = |name: &String| fields.contains(name);
    let field = match (path, is_keyed) {
        ([], _) | ([Step::Computed, ..], _) => return Ok(()),
        ([Step::Key(_)], true) => return Ok(()),
        ([Step::Field(name)], true) if has(name) => {
            return Err(ConfigError::KeyNeeded { address: address.to_string() });
        }
        ([Step::Field(_)], true) => return Ok(()),
        ([Step::Field(name), Step::Field(_), ..], true) if has(name) => {
            return Err(ConfigError::KeyNeeded { address: address.to_string() });
        }
        ([_, Step::Field(name) | Step::Key(name), ..], true) => name,
        ([_, ..], true) => return Ok(()),
        ([Step::Field(name), ..], false) => name,
        ([Step::Key(name), ..], false) if has(name) => name,
        ([step, ..], false) => {
            let key = step.to_string().trim_matches(['[', ']']).to_owned();
            return Err(ConfigError::NotKeyed { address: address.to_string(), key });
        }
    };
    if has(field) {
        return Ok(());
    }
    let nearest = nearest(field, fields.iter().map(String::as_str));
    Err(ConfigError::UnknownOutput { address: address.to_string(), field: field.clone(), nearest, known: fields })
}
