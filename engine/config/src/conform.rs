//! Whether a value is one that a field takes.

use kfplan_model::{Path, ResourceAddress, Value};
use kfplan_plan::{Field, Shape};

use crate::checker::Checker;
use crate::document::Span;
use crate::error::ConfigError;
use crate::nearest::{listed, nearest};
use crate::strings::waits;

/// A value on its way into a field.
pub(crate) struct Offer<'n> {
    /// The field, as errors name it.
    pub(crate) field: &'n str,
    /// The text in the file, if the value stands there literally and may be shown.
    pub(crate) literal: Option<&'n str>,
    /// Where it stands.
    pub(crate) at: &'n Span,
}

/// What a shape asks for, in words.
pub(crate) fn wanted(shape: &Shape) -> String {
    match shape {
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Int { .. } => "a whole number".to_owned(),
        Shape::Float => "a number".to_owned(),
        Shape::String | Shape::Checked { .. } => "text".to_owned(),
        Shape::Choice(words) => format!("one of {}", listed(words)),
        Shape::Handle(types) if types.len() > 4 => "a resource".to_owned(),
        Shape::Handle(types) => {
            let article = |name: &str| if name.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
            types.iter().map(|name| format!("{} `{name}`", article(name))).collect::<Vec<_>>().join(" or ")
        }
        Shape::List(inner) => format!("a list ({} each)", wanted(inner)),
        Shape::Map(_) | Shape::Table(_) => "a table".to_owned(),
        Shape::Target => "a table that selects objects".to_owned(),
        Shape::Either(shapes) => shapes.iter().map(wanted).collect::<Vec<_>>().join(", or "),
        Shape::Any => "any value".to_owned(),
        Shape::File => "the path of a file".to_owned(),
        Shape::Source => "the path of a file or folder".to_owned(),
        Shape::Glob => "a glob of files".to_owned(),
        Shape::Path => "a JSON Pointer".to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value.reveal() {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Int(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::String(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a table",
        Value::Handle(_) => "a resource",
        Value::Late(_) | Value::Sensitive(_) => "known after apply",
    }
}

/// The fields of a target, as a shape.
pub(crate) fn target_fields() -> Vec<Field> {
    let text = |name, summary| Field::optional(name, Shape::String, summary);
    vec![
        text("group", "API group, `\"\"` for the core group"),
        text("version", "API version"),
        text("kind", "kind"),
        text("namespace", "namespace"),
        text("name", "name"),
        Field::optional("labels", Shape::Map(Box::new(Shape::String)), "labels, all of which must be there"),
    ]
}

/// Whether a value of this outer kind can be of that shape at all.
pub(crate) fn may_be(value: &Value, shape: &Shape) -> bool {
    match (value.reveal(), shape) {
        (_, Shape::Any) | (Value::Late(_), _) => true,
        (_, Shape::Either(shapes)) => shapes.iter().any(|shape| may_be(value, shape)),
        (Value::Bool(_), Shape::Bool)
        | (Value::Int(_), Shape::Int { .. } | Shape::Float)
        | (Value::Float(_), Shape::Float)
        | (Value::Handle(_), Shape::Handle(_))
        | (Value::List(_), Shape::List(_))
        | (Value::Map(_), Shape::Map(_) | Shape::Table(_) | Shape::Target) => true,
        (Value::String(_), shape) => is_text(shape),
        _ => false,
    }
}

fn is_text(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::String
            | Shape::Checked { .. }
            | Shape::Choice(_)
            | Shape::File
            | Shape::Source
            | Shape::Glob
            | Shape::Path
    )
}

/// What to write instead of a value of the wrong type.
fn repair(value: &Value, shape: &Shape, literal: Option<&str>) -> String {
    let Some(literal) = literal else {
        return match shape {
            Shape::List(_) => "make the expression give a list: `${[…]}`".to_owned(),
            _ if is_text(shape) => "make it text: `${string(…)}`".to_owned(),
            Shape::Int { .. } => "make it a whole number: `${int(…)}`".to_owned(),
            _ => "change the expression, or the value that it reads".to_owned(),
        };
    };
    let one_line = !literal.contains('\n') && literal.chars().count() <= 60;
    let unquoted = literal.trim_matches(['"', '\'']);
    match (value.reveal(), shape) {
        (Value::Bool(_) | Value::Int(_), Shape::Checked { rule, check, .. }) if !check(literal) => (*rule).to_owned(),
        (_, Shape::Choice(words)) if words.contains(&literal) => format!("quote it: `\"{literal}\"`"),
        (_, Shape::Choice(words)) => {
            format!("write {}", words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or "))
        }
        (Value::Float(number), shape) if is_text(shape) && format!("{number}") != literal => {
            format!("to TOML `{literal}` is the number {number}: quote it: `\"{literal}\"`")
        }
        (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Null, shape) if is_text(shape) => {
            format!("quote it: `\"{literal}\"`")
        }
        (Value::String(text), Shape::Int { .. }) if text.parse::<i64>().is_ok() => {
            format!("take the quotes away: `{unquoted}`")
        }
        (Value::String(text), Shape::Float) if text.parse::<f64>().is_ok() => {
            format!("take the quotes away: `{unquoted}`")
        }
        (Value::String(text), Shape::Bool) if matches!(&**text, "true" | "false") => {
            format!("take the quotes away: `{unquoted}`")
        }
        (Value::List(_), Shape::List(_)) => "write a list".to_owned(),
        (_, Shape::List(inner)) if one_line && may_be(value, inner) => format!("put it in a list: `[{literal}]`"),
        (_, Shape::List(_)) => "write a list: `[…, …]`".to_owned(),
        (_, Shape::Map(_) | Shape::Table(_) | Shape::Target) => {
            "write a table: `{ key = … }`, or a header of its own".to_owned()
        }
        (_, Shape::Bool) => "write `true` or `false`, without quotes".to_owned(),
        (_, Shape::Int { .. } | Shape::Float) => "write a number, without quotes".to_owned(),
        _ => "write it as text, in quotes".to_owned(),
    }
}

impl Checker<'_> {
    /// Checks a value that stands in one place of the file, and notes all that is wrong with it.
    /// What is unknown passes; `config` or the planner looks at it once it is known.
    pub(crate) fn conform(&mut self, value: Value, shape: &Shape, offer: &Offer<'_>) -> Option<Value> {
        if let Value::Late(_) = value.reveal() {
            return self.conform_late(value, shape, offer);
        }
        match shape {
            Shape::Either(shapes) => return self.conform_either(value, shapes, shape, offer),
            Shape::Any => return self.conform_any(value, offer),
            _ => {}
        }
        if let Value::Handle(address) = &value {
            return self.conform_handle(address.clone(), shape, offer);
        }
        if let Shape::Handle(types) = shape {
            let error = self.not_handle(types, shape, offer);
            self.report.error(error, offer.at);
            return None;
        }
        if !may_be(&value, shape) {
            let error = ConfigError::WrongType {
                field: offer.field.to_owned(),
                wanted: wanted(shape),
                found: kind(&value).to_owned(),
                help: repair(&value, shape, offer.literal),
            };
            self.report.error(error, offer.at);
            return None;
        }
        match (value, shape) {
            (Value::List(list), Shape::List(inner)) => {
                let list: Vec<_> = list.into_iter().map(|value| self.conform(value, inner, offer)).collect();
                list.into_iter().collect::<Option<_>>().map(Value::List)
            }
            (Value::Map(map), Shape::Map(inner)) => {
                let map: Vec<_> =
                    map.into_iter().map(|(key, value)| Some((key, self.conform(value, inner, offer)?))).collect();
                map.into_iter().collect::<Option<_>>().map(Value::Map)
            }
            (Value::Map(map), Shape::Table(fields)) => self.conform_map(map, fields, offer),
            (Value::Map(map), Shape::Target) => self.conform_map(map, &target_fields(), offer),
            (value, shape) => self.conform_leaf(value, shape, offer),
        }
    }

    fn conform_late(&mut self, value: Value, shape: &Shape, offer: &Offer<'_>) -> Option<Value> {
        let waits = waits(&value);
        if matches!(shape, Shape::Handle(_)) && !waits.is_empty() {
            self.report.error(ConfigError::UnknownAtPlan { what: format!("`{}`", offer.field), waits }, offer.at);
            return None;
        }
        Some(value)
    }

    fn conform_either(&mut self, value: Value, shapes: &[Shape], whole: &Shape, offer: &Offer<'_>) -> Option<Value> {
        let is_text = matches!(value.reveal(), Value::String(_));
        let mut possible: Vec<&Shape> = shapes.iter().filter(|shape| may_be(&value, shape)).collect();
        if possible.is_empty() && matches!(value, Value::Handle(_)) {
            possible.extend(shapes.iter().filter(|shape| matches!(shape, Shape::Handle(_))));
        }
        let before = self.report.len();
        let mut last = None;
        for shape in &possible {
            self.report.truncate(before);
            if let Some(value) = self.conform(value.clone(), shape, offer) {
                return Some(value);
            }
            last = Some(shape);
        }
        let only_text = last.is_some_and(|_| is_text && possible.len() == shapes.len());
        if possible.len() == 1 || only_text {
            return None;
        }
        self.report.truncate(before);
        let error = ConfigError::WrongType {
            field: offer.field.to_owned(),
            wanted: wanted(whole),
            found: kind(&value).to_owned(),
            help: shapes.first().map_or_else(String::new, |shape| repair(&value, shape, offer.literal)),
        };
        self.report.error(error, offer.at);
        None
    }

    /// Any value, but no resource: a provider would not know what to send.
    fn conform_any(&mut self, value: Value, offer: &Offer<'_>) -> Option<Value> {
        match value {
            Value::Handle(address) => {
                let error = self.handle_as_value(&address, offer);
                self.report.error(error, offer.at);
                None
            }
            Value::List(list) => {
                let list: Vec<_> = list.into_iter().map(|value| self.conform_any(value, offer)).collect();
                list.into_iter().collect::<Option<_>>().map(Value::List)
            }
            Value::Map(map) => {
                let map: Vec<_> =
                    map.into_iter().map(|(key, value)| Some((key, self.conform_any(value, offer)?))).collect();
                map.into_iter().collect::<Option<_>>().map(Value::Map)
            }
            other => Some(other),
        }
    }

    fn conform_handle(&mut self, address: ResourceAddress, shape: &Shape, offer: &Offer<'_>) -> Option<Value> {
        let error = match shape {
            Shape::Handle(types) if types.contains(&address.type_name()) => {
                if address.key().is_none() && self.instances(&address).is_some() {
                    ConfigError::KeyNeeded { address: address.to_string() }
                } else {
                    return Some(Value::Handle(address));
                }
            }
            Shape::Handle(types) => ConfigError::WrongHandle {
                field: offer.field.to_owned(),
                wanted: wanted(shape),
                address: address.to_string(),
                candidates: self.declared_of(types),
            },
            _ => self.handle_as_value(&address, offer),
        };
        self.report.error(error, offer.at);
        None
    }

    fn handle_as_value(&self, address: &ResourceAddress, offer: &Offer<'_>) -> ConfigError {
        let schema = self.schema(address.type_name());
        let known = schema.map_or_else(Vec::new, |schema| {
            let outputs = schema.outputs.iter().map(|output| output.name.to_owned());
            outputs.chain(schema.fields.iter().map(|field| field.name.to_owned())).collect()
        });
        ConfigError::HandleAsValue { field: offer.field.to_owned(), address: address.to_string(), known }
    }

    fn not_handle(&self, types: &[&str], shape: &Shape, offer: &Offer<'_>) -> ConfigError {
        let owner = self.owner.as_ref().map(ToString::to_string);
        let mut candidates = self.declared_of(types);
        candidates.retain(|candidate| Some(candidate) != owner.as_ref());
        let stated = offer.literal.map(|literal| literal.trim_matches(['"', '\'']).to_owned());
        if let Some(meant) = stated.filter(|stated| candidates.contains(stated)) {
            candidates = vec![meant];
        }
        ConfigError::NotHandle {
            field: offer.field.to_owned(),
            wanted: wanted(shape),
            candidates,
            literal: offer.literal.is_some_and(|literal| !literal.contains("${")),
        }
    }

    /// A table that an expression gave.
    fn conform_map(
        &mut self,
        map: std::collections::BTreeMap<String, Value>,
        fields: &[Field],
        offer: &Offer<'_>,
    ) -> Option<Value> {
        let known: Vec<String> = fields.iter().map(|field| field.name.to_owned()).collect();
        let mut made = std::collections::BTreeMap::new();
        let mut whole = true;
        for field in fields.iter().filter(|field| field.required && !map.contains_key(field.name)) {
            whole = false;
            let error = ConfigError::MissingField {
                inside: offer.field.to_owned(),
                field: field.name.to_owned(),
                instead: Vec::new(),
                summary: field.summary.to_owned(),
            };
            self.report.error(error, offer.at);
        }
        for (key, value) in map {
            let Some(field) = fields.iter().find(|field| field.name == key) else {
                whole = false;
                let near = nearest(&key, known.iter().map(String::as_str));
                let error = ConfigError::UnknownField {
                    inside: offer.field.to_owned(),
                    field: key,
                    nearest: near,
                    known: known.clone(),
                };
                self.report.error(error, offer.at);
                continue;
            };
            let name = format!("{}.{key}", offer.field);
            match self.conform(value, &field.shape, &Offer { field: &name, ..*offer }) {
                Some(value) => drop(made.insert(key, Self::marked(value, field.sensitive))),
                None => whole = false,
            }
        }
        whole.then_some(Value::Map(made))
    }

    fn conform_leaf(&mut self, value: Value, shape: &Shape, offer: &Offer<'_>) -> Option<Value> {
        let error = match (value.reveal(), shape) {
            (Value::Int(number), Shape::Int { min, max }) => out_of_bounds(*number, *min, *max, offer),
            (Value::String(text), shape) => {
                let shown = !value.is_sensitive() && !self.source.hides(offer.at);
                self.text_error(text, shape, offer, shown)
            }
            _ => None,
        };
        match error {
            Some(error) => {
                self.report.error(error, offer.at);
                None
            }
            None => Some(value),
        }
    }

    /// What is wrong with a text; `shown` says whether the error may quote it.
    fn text_error(&self, text: &str, shape: &Shape, offer: &Offer<'_>, shown: bool) -> Option<ConfigError> {
        let quoted = || if shown { text } else { "(sensitive)" }.to_owned();
        let refused = |rule: &str, help: String| {
            Some(ConfigError::BadValue { field: offer.field.to_owned(), rule: rule.to_owned(), help })
        };
        match shape {
            Shape::Checked { rule, check, .. } if !check(text) => refused("breaks its rule", (*rule).to_owned()),
            Shape::Choice(words) if !words.contains(&text) => {
                let near = nearest(text, words.iter().copied()).filter(|_| shown);
                let known: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                refused("is none of the words that it takes", crate::nearest::advice(near.as_deref(), &known, ""))
            }
            Shape::Path => match text.parse::<Path>() {
                Ok(_) => None,
                Err(error) => {
                    let why = if shown { format!("{error}; ") } else { String::new() };
                    refused("is no path", format!("{why}write, for example, `/spec/containers[name=main]/image`"))
                }
            },
            Shape::File if !self.options.files.exists(text) => Some(ConfigError::MissingFile { path: quoted() }),
            Shape::Glob if !self.options.files.matches(text) => Some(ConfigError::NoMatch { pattern: quoted() }),
            Shape::Source => self.source_error(text, shown),
            _ => None,
        }
    }

    fn source_error(&self, text: &str, shown: bool) -> Option<ConfigError> {
        let quoted = |text: &str| if shown { text } else { "(sensitive)" }.to_owned();
        let Some(in_repo) = text.strip_prefix('@') else {
            return (!self.options.files.exists(text)).then(|| ConfigError::MissingFile { path: quoted(text) });
        };
        let name = in_repo.split('/').next().unwrap_or_default();
        if self.repos.contains(name) {
            return None;
        }
        let near = nearest(name, self.repos.iter().map(String::as_str)).filter(|_| shown);
        let known = self.repos.iter().cloned().collect();
        Some(ConfigError::UnknownRepo { name: quoted(name), nearest: near, known })
    }
}

fn out_of_bounds(number: i64, min: Option<i64>, max: Option<i64>, offer: &Offer<'_>) -> Option<ConfigError> {
    let too_small = min.is_some_and(|min| number < min);
    let too_large = max.is_some_and(|max| number > max);
    if !too_small && !too_large {
        return None;
    }
    let range = match (min, max) {
        (Some(min), Some(max)) => format!("write a number from {min} to {max}"),
        (Some(min), None) => format!("write a number of at least {min}"),
        (None, Some(max)) => format!("write a number of at most {max}"),
        (None, None) => String::new(),
    };
    let rule = if too_small { "is too small" } else { "is too large" };
    Some(ConfigError::BadValue { field: offer.field.to_owned(), rule: rule.to_owned(), help: range })
}
