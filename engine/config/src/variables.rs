//! Variables: their declarations, and the values that they get.

use std::collections::BTreeMap;

use kfplan_model::{Value, is_identifier};

use crate::checker::Checker;
use crate::document::{self, Node, Raw, Span, Table};
use crate::error::ConfigError;
use crate::gather::NAME_RULE;
use crate::nearest::{listed, nearest};
use crate::options::Mode;
use crate::strings::unknown;

/// The types that a variable may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    String,
    Int,
    Float,
    Bool,
    List,
    Map,
}

const TYPES: [(&str, Type); 6] = [
    ("string", Type::String),
    ("int", Type::Int),
    ("float", Type::Float),
    ("bool", Type::Bool),
    ("list", Type::List),
    ("map", Type::Map),
];

const KEYS: [&str; 5] = ["type", "default", "description", "sensitive", "allowed"];

/// A declared variable.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    type_: Type,
    default: Option<Value>,
    pub(crate) sensitive: bool,
    allowed: Vec<Value>,
    span: Span,
    /// Whether its declaration is wrong, and that is said.
    faulty: bool,
}

impl Type {
    fn of(value: &Value) -> Self {
        match value {
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Bool(_) => Self::Bool,
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Map,
            _ => Self::String,
        }
    }

    fn wanted(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Int => "whole number",
            Self::Float => "number",
            Self::Bool => "truth value",
            Self::List => "list",
            Self::Map => "table",
        }
    }

    /// The value as one of this type, if it is one.
    fn take(self, value: Value) -> Option<Value> {
        match (self, value) {
            #[expect(clippy::cast_precision_loss, reason = "a number that is written whole is meant as one")]
            (Self::Float, Value::Int(number)) => Some(Value::Float(number as f64)),
            (wanted, value) if Self::of(&value) == wanted => Some(value),
            _ => None,
        }
    }

    /// The value that a text from outside of the file gives.
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(Value::from(text)),
            Self::Int => text.trim().parse().ok().map(Value::Int),
            Self::Float => text.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
            Self::Bool => text.trim().parse().ok().map(Value::Bool),
            Self::List | Self::Map => {
                let (table, errors) = document::parse(&format!("value = {}", text.trim()));
                let value = table.get("value").and_then(|entry| literal(&entry.node).ok())?;
                self.take(value).filter(|_| errors.is_empty())
            }
        }
    }
}

/// A value that holds no expression, or the first place that is none.
pub(crate) fn literal(node: &Node) -> Result<Value, Span> {
    match &node.raw {
        Raw::String(text) => Ok(Value::from(text.as_str())),
        Raw::Int(Some(number)) => Ok(Value::Int(*number)),
        Raw::Float(number) if number.is_finite() => Ok(Value::Float(*number)),
        Raw::Bool(value) => Ok(Value::Bool(*value)),
        Raw::List(list) => list.iter().map(literal).collect::<Result<_, _>>().map(Value::List),
        Raw::Table(table) => {
            let entries = table.entries.iter();
            entries
                .map(|entry| Ok((entry.key.clone(), literal(&entry.node)?)))
                .collect::<Result<_, _>>()
                .map(Value::Map)
        }
        Raw::Int(None) | Raw::Float(_) | Raw::Time => Err(node.span.clone()),
    }
}

/// The first string of a value that holds `${`.
fn expression(node: &Node) -> Option<&Span> {
    match &node.raw {
        Raw::String(text) => text.replace("$${", "").contains("${").then_some(&node.span),
        Raw::List(list) => list.iter().find_map(expression),
        Raw::Table(table) => table.entries.iter().find_map(|entry| expression(&entry.node)),
        _ => None,
    }
}

fn unescaped(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("$${", "${").into()),
        Value::List(list) => Value::List(list.into_iter().map(unescaped).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(key, value)| (key, unescaped(value))).collect()),
        other => other,
    }
}

impl Checker<'_> {
    /// Reads `[vars]`.
    pub(crate) fn declare_variables(&mut self, document: &Table) {
        let Some(entry) = document.get("vars") else { return };
        let Raw::Table(table) = &entry.node.raw else {
            self.not_a_table("vars", &entry.key_span);
            return;
        };
        for entry in &table.entries {
            if !is_identifier(&entry.key) {
                let error = ConfigError::BadName { what: "a variable", name: entry.key.clone(), rule: NAME_RULE };
                self.report.error(error, &entry.key_span);
            }
            let variable = match &entry.node.raw {
                Raw::Table(table) => self.declare(&entry.key, table, &entry.key_span),
                _ => {
                    let text = self.source.slice(&entry.node.span);
                    let help = if text.contains('\n') {
                        "write `{ default = … }`".to_owned()
                    } else {
                        format!("write `{} = {{ default = {text} }}`", entry.key)
                    };
                    let error = ConfigError::BadTable { name: format!("vars.{}", entry.key), wanted: "a table", help };
                    self.report.error(error, &entry.node.span);
                    let default = literal(&entry.node).ok();
                    let type_ = default.as_ref().map_or(Type::String, Type::of);
                    Variable {
                        type_,
                        default,
                        sensitive: false,
                        allowed: Vec::new(),
                        span: entry.key_span.clone(),
                        faulty: false,
                    }
                }
            };
            self.variables.insert(entry.key.clone(), variable);
        }
    }

    pub(crate) fn not_a_table(&mut self, name: &str, at: &Span) {
        let help = format!("write `[{name}]`, and its keys below it");
        self.report.error(ConfigError::BadTable { name: name.to_owned(), wanted: "a table", help }, at);
    }

    fn declare(&mut self, name: &str, table: &Table, span: &Span) -> Variable {
        let before = self.report.len();
        let sensitive = matches!(table.get("sensitive").map(|entry| &entry.node.raw), Some(Raw::Bool(true)));
        for entry in &table.entries {
            if sensitive && matches!(entry.key.as_str(), "default" | "allowed") {
                self.hide(&entry.node);
            }
            if !KEYS.contains(&entry.key.as_str()) {
                let near = nearest(&entry.key, KEYS);
                let known = KEYS.map(str::to_owned).into();
                let inside = format!("vars.{name}");
                self.report.error(
                    ConfigError::UnknownField { inside, field: entry.key.clone(), nearest: near, known },
                    &entry.key_span,
                );
            }
        }
        let stated = table.get("type").and_then(|entry| self.variable_type(name, &entry.node));
        let default = table.get("default").and_then(|entry| self.variable_literal(&entry.node));
        let type_ = stated.unwrap_or_else(|| default.as_ref().map_or(Type::String, Type::of));
        let mut variable =
            Variable { type_, default: None, sensitive, allowed: Vec::new(), span: span.clone(), faulty: false };
        if let Some(entry) = table.get("allowed") {
            match self.variable_literal(&entry.node) {
                Some(Value::List(list)) => {
                    variable.allowed = list
                        .into_iter()
                        .filter_map(|value| self.typed(name, &variable, value, &entry.node.span))
                        .collect();
                }
                Some(_) => self.variable_part(name, "allowed", "a list", &entry.node),
                None => {}
            }
        }
        if let (Some(value), Some(entry)) = (default, table.get("default")) {
            variable.default = self.typed(name, &variable, value, &entry.node.span);
        }
        if let Some(entry) = table.get("sensitive").filter(|entry| !matches!(entry.node.raw, Raw::Bool(_))) {
            self.variable_part(name, "sensitive", "`true` or `false`", &entry.node);
        }
        if let Some(entry) = table.get("description").filter(|entry| entry.node.text().is_none()) {
            self.variable_part(name, "description", "text", &entry.node);
        }
        variable.faulty = self.report.len() > before;
        variable
    }

    fn variable_part(&mut self, name: &str, key: &str, wanted: &str, node: &Node) {
        let error = ConfigError::WrongType {
            field: format!("vars.{name}.{key}"),
            wanted: wanted.to_owned(),
            found: node.kind().to_owned(),
            help: format!("write {wanted}"),
        };
        self.report.error(error, &node.span);
    }

    fn variable_type(&mut self, name: &str, node: &Node) -> Option<Type> {
        let text = node.text().unwrap_or_default();
        let known = TYPES.iter().find(|(word, _)| *word == text).map(|(_, type_)| *type_);
        if known.is_none() {
            let words = TYPES.map(|(word, _)| word.to_owned());
            let near = match text {
                "number" | "integer" => Some("int".to_owned()),
                "boolean" => Some("bool".to_owned()),
                "object" | "table" => Some("map".to_owned()),
                _ => nearest(text, words.iter().map(String::as_str)),
            };
            let help = crate::nearest::advice(near.as_deref(), &words, "");
            let error = ConfigError::BadValue {
                field: format!("vars.{name}.type"),
                rule: "is no type of a variable".to_owned(),
                help,
            };
            self.report.error(error, &node.span);
        }
        known
    }

    pub(crate) fn variable_literal(&mut self, node: &Node) -> Option<Value> {
        if let Some(at) = expression(node) {
            self.report.error(ConfigError::NoExpressions { place: "a variable" }, &at.clone());
            return None;
        }
        match literal(node) {
            Ok(value) => Some(unescaped(value)),
            Err(at) => {
                let help = if self.source.hides(&at) {
                    "quote it".to_owned()
                } else {
                    format!("quote it: `\"{}\"`", self.source.slice(&at))
                };
                let (field, wanted) =
                    ("a variable".to_owned(), "text, a number, a truth value, a list, or a table".to_owned());
                self.report
                    .error(ConfigError::WrongType { field, wanted, found: "no such value".to_owned(), help }, &at);
                None
            }
        }
    }

    /// A value that stands in the file, as one of the variable's type.
    pub(crate) fn typed(&mut self, name: &str, variable: &Variable, value: Value, at: &Span) -> Option<Value> {
        let Some(value) = variable.type_.take(value) else {
            let error = ConfigError::BadVariable {
                name: name.to_owned(),
                origin: "the stack file".to_owned(),
                verdict: format!("is no {}", variable.type_.wanted()),
                help: format!("write a {}, or change its `type`", variable.type_.wanted()),
            };
            self.report.error(error, at);
            return None;
        };
        if let Some(help) = disallowed(variable, &value) {
            let (origin, verdict) = ("the stack file".to_owned(), "is not allowed".to_owned());
            self.report.error(ConfigError::BadVariable { name: name.to_owned(), origin, verdict, help }, at);
        }
        Some(value)
    }

    /// Gives every variable its value: `--var` over `--var-file` over `[env.NAME]` over the
    /// process's environment over the default.
    pub(crate) fn give_values(&mut self, chosen: BTreeMap<String, (Value, Span)>) {
        let mut values: BTreeMap<String, Value> = BTreeMap::new();
        let options = self.options;
        for (name, variable) in &self.variables {
            values.extend(variable.default.clone().map(|value| (name.clone(), value)));
        }
        for name in self.variables.keys().cloned().collect::<Vec<_>>() {
            let key = format!("KFPLAN_VAR_{name}");
            if let Some(text) = options.process.get(&key) {
                values.extend(
                    self.outside_text(&name, text, &format!("the environment variable `{key}`"))
                        .map(|value| (name, value)),
                );
            }
        }
        values.extend(chosen.into_iter().map(|(name, (value, _))| (name, value)));
        for (file, text) in &options.variable_files {
            values.extend(self.variable_file(file, text));
        }
        for (name, text) in &options.variables {
            let origin = "`--var`";
            if self.is_declared_variable(name, origin) {
                values.extend(self.outside_text(name, text, origin).map(|value| (name.clone(), value)));
            }
        }
        let missing: Vec<String> = self.variables.keys().filter(|name| !values.contains_key(*name)).cloned().collect();
        for name in &missing {
            values.insert(name.clone(), unknown(&format!("${{vars.{name}}}")));
        }
        let unsaid: Vec<String> = missing.into_iter().filter(|name| !self.is_faulty(name)).collect();
        if let (Mode::Plan, false) = (self.options.mode, unsaid.is_empty()) {
            let at =
                |name: &String| self.variables.get(name).map(|variable| ("no value".to_owned(), variable.span.clone()));
            let labels = unsaid.iter().filter_map(at).collect();
            self.report.labelled(ConfigError::MissingVariables { names: unsaid }, labels);
        }
        for (name, value) in values {
            let sensitive = self.variables.get(&name).is_some_and(|variable| variable.sensitive);
            self.names.variables.insert(name, Self::marked(value, sensitive));
        }
    }

    fn is_faulty(&self, name: &str) -> bool {
        self.variables.get(name).is_some_and(|variable| variable.faulty)
    }

    fn is_declared_variable(&mut self, name: &str, origin: &str) -> bool {
        if self.variables.contains_key(name) {
            return true;
        }
        let known: Vec<String> = self.variables.keys().cloned().collect();
        let near = nearest(name, known.iter().map(String::as_str));
        self.report.outside(ConfigError::UndeclaredVariable {
            name: name.to_owned(),
            origin: origin.to_owned(),
            nearest: near,
            known,
        });
        false
    }

    /// A text from outside of the file, as a value of the variable's type.
    fn outside_text(&mut self, name: &str, text: &str, origin: &str) -> Option<Value> {
        let variable = self.variables.get(name)?.clone();
        let value = variable.type_.read(text);
        self.outside_value(name, &variable, value, origin)
    }

    fn outside_value(&mut self, name: &str, variable: &Variable, value: Option<Value>, origin: &str) -> Option<Value> {
        let bad = |verdict: String, help: String| ConfigError::BadVariable {
            name: name.to_owned(),
            origin: origin.to_owned(),
            verdict,
            help,
        };
        let Some(value) = value else {
            let help = match variable.type_ {
                Type::List => "write a list as in the stack file: `[\"a\", \"b\"]`".to_owned(),
                Type::Map => "write a table as in the stack file: `{ a = 1 }`".to_owned(),
                Type::Bool => "write `true` or `false`".to_owned(),
                _ => format!("write a {}", variable.type_.wanted()),
            };
            self.report.outside(bad(format!("is no {}", variable.type_.wanted()), help));
            return Some(unknown(&format!("${{vars.{name}}}")));
        };
        if let Some(help) = disallowed(variable, &value) {
            self.report.outside(bad("is not allowed".to_owned(), help));
        }
        Some(value)
    }

    fn variable_file(&mut self, file: &str, text: &str) -> BTreeMap<String, Value> {
        let (table, errors) = document::parse(text);
        if let Some(error) = errors.first() {
            let line = text.get(..error.span.start).map_or(1, |before| before.matches('\n').count() + 1);
            // The message of the parser names signs, never a value.
            let message = format!("line {line}: {}", error.message);
            self.report.outside(ConfigError::BadVariableFile { name: file.to_owned(), message });
        }
        let mut values = BTreeMap::new();
        for entry in &table.entries {
            let origin = format!("the variable file `{file}`");
            if !self.is_declared_variable(&entry.key, &origin) {
                continue;
            }
            let Some(variable) = self.variables.get(&entry.key).cloned() else { continue };
            let value = literal(&entry.node).ok().and_then(|value| variable.type_.take(value));
            values.extend(
                self.outside_value(&entry.key, &variable, value, &origin).map(|value| (entry.key.clone(), value)),
            );
        }
        values
    }
}

/// What to write instead of a value that is not allowed. Never shows a sensitive one.
fn disallowed(variable: &Variable, value: &Value) -> Option<String> {
    if variable.allowed.is_empty() || variable.allowed.contains(value) {
        return None;
    }
    if variable.sensitive {
        return Some("give one of the values that its `allowed` lists".to_owned());
    }
    let allowed = variable.allowed.iter().map(|value| format!("{value:?}").trim_matches('"').to_owned());
    Some(format!("allowed are {}", listed(allowed)))
}
