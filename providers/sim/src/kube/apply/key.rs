//! What an item of a list is known by.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::fields::{Element, number_order};
use crate::kube::schema::{Coding, List, Node, Relation, Schema};

/// A value that can be part of a path.
#[derive(Debug, Clone)]
pub(crate) enum Scalar {
    Number(Number),
    Text(String),
    Boolean(bool),
}

impl Scalar {
    pub(crate) fn of(value: &Value) -> Option<Scalar> {
        match value {
            Value::Number(number) => Some(Scalar::Number(number.clone())),
            Value::String(text) => Some(Scalar::Text(text.clone())),
            Value::Bool(flag) => Some(Scalar::Boolean(*flag)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Scalar::Number(_) => 0,
            Scalar::Text(_) => 1,
            Scalar::Boolean(_) => 2,
        }
    }

    /// As a path shows it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => quoted(text),
            Scalar::Boolean(flag) => flag.to_string(),
        }
    }

    pub(crate) fn json(&self) -> String {
        match self {
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => json(&Value::from(text.as_str())),
            Scalar::Boolean(flag) => flag.to_string(),
        }
    }
}

impl Ord for Scalar {
    fn cmp(&self, other: &Scalar) -> Ordering {
        match (self, other) {
            (Scalar::Number(left), Scalar::Number(right)) => number_order(left, right),
            (Scalar::Text(left), Scalar::Text(right)) => left.cmp(right),
            (Scalar::Boolean(left), Scalar::Boolean(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Scalar) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Scalar) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scalar {}

/// JSON as the server writes it in keys: with `<`, `>` and `&` escaped.
pub(crate) fn json(value: &Value) -> String {
    value.to_string().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

/// Text as `%q` shows it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if u32::from(letter) < 0x20 || letter == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(letter)))
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// The node as far as it is for this value. Null, and nothing, may be anything.
pub(crate) fn deduce<'a>(node: &'a Node, value: Option<&Value>) -> Cow<'a, Node> {
    let only = |scalar: bool, list: bool, map: bool| {
        Cow::Owned(Node {
            name: String::new(),
            scalar: node.scalar.filter(|_| scalar),
            list: node.list.clone().filter(|_| list),
            map: node.map.clone().filter(|_| map),
            coding: node.coding,
        })
    };
    let kinds = usize::from(node.scalar.is_some()) + usize::from(node.list.is_some()) + usize::from(node.map.is_some());
    if kinds <= 1 {
        return Cow::Borrowed(node);
    }
    match value {
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) if node.scalar.is_some() => only(true, false, false),
        Some(Value::Array(_)) if node.list.is_some() => only(false, true, false),
        Some(Value::Object(_)) if node.map.is_some() => only(false, false, true),
        _ => Cow::Borrowed(node),
    }
}

/// The element by which an item of a list is known.
pub(crate) fn element(schema: &Schema, list: &List, item: &Value) -> Result<Element, String> {
    match &list.relation {
        Relation::Atomic => Err("invalid indexing of non-associative list".into()),
        Relation::Keys(keys) => keyed(schema, list, keys, item),
        Relation::Set => match item {
            Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
            Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
            Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
            scalar => Scalar::of(scalar).map(Element::Value).ok_or_else(|| "not a scalar".into()),
        },
    }
}

fn keyed(schema: &Schema, list: &List, keys: &[String], item: &Value) -> Result<Element, String> {
    let map = match item {
        Value::Null => return Err("associative list with keys may not have a null element".into()),
        Value::Object(map) => map,
        _ => return Err("associative list with keys may not have non-map elements".into()),
    };
    let fields = schema.node(list.element).map.as_ref().map(|map| &map.fields);
    let mut found = Vec::new();
    for name in keys {
        let field = fields.and_then(|fields| fields.get(name));
        let empty = Value::from("");
        // A name that is always written is empty where it is not stated.
        let written =
            || field.filter(|field| field.always && schema.node(field.node).coding == Coding::Text).map(|_| &empty);
        let default = || field.and_then(|field| field.default.as_ref()).or_else(written);
        if let Some(value) = map.get(name).or_else(default).and_then(Scalar::of) {
            found.push((name.clone(), value));
        }
    }
    if found.is_empty() && !keys.is_empty() {
        let names: Vec<String> = keys.iter().map(|name| quoted(name)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            names.join(" ")
        ));
    }
    found.sort();
    Ok(Element::Key(found))
}
