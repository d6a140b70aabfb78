//! Whether an object fits the shape of its kind.

use std::collections::BTreeSet;

use serde_json::Value;

use super::key;
use crate::kube::schema::{List, Ref, Relation, Scalar, Schema};

/// What does not fit, each with its path, in the words of the server.
pub(crate) fn validate(schema: &Schema, at: Ref, value: &Value, duplicates_allowed: bool) -> Vec<String> {
    let mut walker = Walker { schema, duplicates_allowed, found: Vec::new() };
    walker.walk(Some(at), value, "");
    walker.found
}

/// The errors as one text.
pub(crate) fn joined(errors: &[String]) -> String {
    match errors {
        [one] => one.clone(),
        many => format!("errors:\n{}", many.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n")),
    }
}

struct Walker<'a> {
    schema: &'a Schema,
    duplicates_allowed: bool,
    found: Vec<String>,
}

impl Walker<'_> {
    fn tell(&mut self, path: &str, what: &str) {
        self.found.push(if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") });
    }

    fn walk(&mut self, at: Option<Ref>, value: &Value, path: &str) {
        let Some(node) = at.map(|at| key::deduce(self.schema.node(at), Some(value))) else { return };
        if let Some(map) = &node.map {
            let members = match value {
                Value::Null => return,
                Value::Object(members) => members,
                other => return self.tell(path, &format!("expected map, got &{{{}}}", shown(other))),
            };
            for (name, inner) in members {
                let here = format!("{path}.{name}");
                match map.fields.get(name).map(|field| field.node).or(map.element) {
                    Some(next) => self.walk(Some(next), inner, &here),
                    None => {
                        self.tell(&here, "field not declared in schema");
                        // The first of a map ends the search in it.
                        return;
                    }
                }
            }
        } else if let Some(scalar) = node.scalar {
            self.scalar(scalar, value, path);
        } else if let Some(list) = &node.list {
            match value {
                Value::Null => {}
                Value::Array(items) => self.items(list, items, path),
                other => self.tell(path, &format!("expected list, got &{{{}}}", shown(other))),
            }
        }
    }

    fn items(&mut self, list: &List, items: &[Value], path: &str) {
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let here = if list.relation == Relation::Atomic {
                format!("{path}[{index}]")
            } else {
                match key::element(self.schema, list, item) {
                    Err(error) => return self.tell(path, &format!("element {index}: {error}")),
                    Ok(element) => {
                        let shown = element.shown();
                        if !seen.insert(element) && !self.duplicates_allowed {
                            self.tell(path, &format!("duplicate entries for key {shown}"));
                        }
                        format!("{path}{shown}")
                    }
                }
            };
            self.walk(Some(list.element), item, &here);
        }
    }

    fn scalar(&mut self, scalar: Scalar, value: &Value, path: &str) {
        let what = match (scalar, value) {
            (_, Value::Null)
            | (Scalar::Number, Value::Number(_))
            | (Scalar::Text, Value::String(_))
            | (Scalar::Boolean, Value::Bool(_))
            | (Scalar::Any, Value::Number(_) | Value::String(_) | Value::Bool(_)) => return,
            (Scalar::Number, other) => format!("expected numeric (int or float), got {}", go_type(other)),
            (Scalar::Text, other) => {
                format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_value(other))
            }
            (Scalar::Boolean, other) => format!("expected boolean, got &{{{}}}", shown(other)),
            (Scalar::Any, other) => format!("expected any scalar, got &{{{}}}", shown(other)),
        };
        self.tell(path, &what);
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// As `%#v` shows it.
fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::String(text) => key::quoted(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(go_value).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}:{}", key::quoted(name), go_value(value))).collect();
            format!("map[string]interface {{}}{{{}}}", members.join(", "))
        }
    }
}

/// As `%v` shows it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let members: Vec<String> = members.iter().map(|(name, value)| format!("{name}:{}", shown(value))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}
