//! Reads an object as the server's own types do, and writes it as they do.
//!
//! Unknown fields are dropped and told, nulls are absent, empty things that the type leaves out
//! are left out, and those that it writes are written; amounts and times take their one form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as Object, Value};

use super::quantity;
use super::{Coding, Field, Node, Ref, Schema};

/// The deepest nesting that is read.
const DEEPEST: usize = 200;

/// An object as the server keeps it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    /// Paths of fields that the type does not have, in the order found.
    pub(crate) unknown: Vec<String>,
}

/// Reads objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoder<'a> {
    pub(crate) schema: &'a Schema,
    /// Whether zero times are written as null, as servers before 1.34 do.
    pub(crate) null_times: bool,
    /// Whether the kind is stored in binary.
    pub(crate) binary: bool,
}

/// Where the reader is.
struct Place<'a> {
    decoder: Decoder<'a>,
    path: Vec<String>,
    owner: String,
    unknown: Vec<String>,
}

impl Decoder<'_> {
    /// Reads an object of a type.
    ///
    /// # Errors
    ///
    /// What the JSON reader of the server says about a value of the wrong type.
    pub(crate) fn decode(&self, kind: Ref, value: &Value) -> Result<Decoded, String> {
        let mut place = Place { decoder: *self, path: Vec::new(), owner: String::new(), unknown: Vec::new() };
        let value = place.read(kind, value)?.unwrap_or(Value::Null);
        Ok(Decoded { value, unknown: place.unknown })
    }
}

/// What a value of the wrong type is called.
fn called(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl Place<'_> {
    fn refuse<T>(&self, value: &Value, kind: &str) -> Result<T, String> {
        let value = match value {
            Value::Number(number) if kind != "string" && kind != "bool" => format!("number {number}"),
            other => called(other).to_owned(),
        };
        if self.path.is_empty() {
            return Err(format!("json: cannot unmarshal {value} into Go value of type {kind}"));
        }
        // Positions in lists are no part of the name.
        let field: Vec<&str> =
            self.path.iter().map(String::as_str).filter(|part| !part.starts_with(['[', '\u{0}'])).collect();
        Err(format!(
            "json: cannot unmarshal {value} into Go struct field {}.{} of type {kind}",
            self.owner,
            field.join(".")
        ))
    }

    fn read(&mut self, at: Ref, value: &Value) -> Result<Option<Value>, String> {
        if self.path.len() > DEEPEST {
            return Err("json: exceeded max depth".into());
        }
        let schema = self.decoder.schema;
        let node = schema.node(at);
        if value.is_null() {
            return Ok(None);
        }
        let read = match (node.coding, value) {
            (Coding::Verbatim, value) => without_nulls(value),
            (Coding::Raw, Value::Object(_) | Value::Array(_)) => value.clone(),
            (Coding::Raw, _) => value.clone(),
            (Coding::Text, Value::String(_)) | (Coding::Boolean, Value::Bool(_)) => value.clone(),
            (Coding::Text, _) => return self.refuse(value, "string"),
            (Coding::Boolean, _) => return self.refuse(value, "bool"),
            (Coding::Integer32, Value::Number(number)) => match whole(number).filter(|n| i32::try_from(*n).is_ok()) {
                Some(number) => Value::from(number),
                None => return self.refuse(value, "int32"),
            },
            (Coding::Integer64, Value::Number(number)) => match whole(number) {
                Some(number) => Value::from(number),
                None => return self.refuse(value, "int64"),
            },
            (Coding::Integer32, _) => return self.refuse(value, "int32"),
            (Coding::Integer64, _) => return self.refuse(value, "int64"),
            (Coding::Float, Value::Number(number)) => Value::Number(number.clone()),
            (Coding::Float, _) => return self.refuse(value, "float64"),
            (Coding::Bytes, Value::String(text)) => match STANDARD.decode(text.replace(['\n', '\r'], "")) {
                Ok(bytes) => Value::from(STANDARD.encode(bytes)),
                Err(_) => return Err(illegal_base64(text)),
            },
            (Coding::Bytes, _) => return self.refuse(value, "[]uint8"),
            (Coding::Quantity, Value::String(text)) => match quantity::canonical(text) {
                Some(text) => Value::from(text),
                None => return Err(NO_QUANTITY.into()),
            },
            (Coding::Quantity, Value::Number(number)) => match quantity::canonical(&number.to_string()) {
                Some(text) => Value::from(text),
                None => return Err(NO_QUANTITY.into()),
            },
            (Coding::Quantity, _) => return Err(NO_QUANTITY.into()),
            (Coding::Time, Value::String(text)) => match time(text, 0) {
                Some(text) => Value::from(text),
                None => {
                    return Err(format!(
                        "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
                    ));
                }
            },
            (Coding::MicroTime, Value::String(text)) => match time(text, 6) {
                Some(text) => Value::from(text),
                None => {
                    return Err(format!(
                        "parsing time {text:?} as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse {text:?} as \"2006\""
                    ));
                }
            },
            (Coding::Time | Coding::MicroTime, _) => return self.refuse(value, "string"),
            (Coding::IntOrString, Value::String(_)) => value.clone(),
            (Coding::IntOrString, Value::Number(number)) => match whole(number).filter(|n| i32::try_from(*n).is_ok()) {
                Some(number) => Value::from(number),
                None => return self.refuse(value, "int32"),
            },
            (Coding::IntOrString, _) => return self.refuse(value, "int32"),
            (Coding::List, Value::Array(items)) => {
                let element = node.list.as_ref().map_or(super::DEDUCED, |list| list.element);
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.path.push(format!("[{index}]"));
                    let read = self.read(element, item)?;
                    self.path.pop();
                    out.push(read.unwrap_or_else(|| self.zero(element)));
                }
                Value::Array(out)
            }
            (Coding::List, _) => return self.refuse(value, &go_list(schema, node)),
            (Coding::Map, Value::Object(items)) => {
                let element = node.map.as_ref().and_then(|map| map.element).unwrap_or(super::DEDUCED);
                let mut out = Object::new();
                for (key, item) in items {
                    // A key of a map is a step of the path, but no field.
                    self.path.push(format!("\u{0}{key}"));
                    let read = self.read(element, item)?;
                    self.path.pop();
                    out.insert(key.clone(), read.unwrap_or_else(|| self.zero(element)));
                }
                Value::Object(out)
            }
            (Coding::Map, _) => return self.refuse(value, &go_map(schema, node)),
            (Coding::Struct, Value::Object(items)) => Value::Object(self.read_struct(node, items)?),
            (Coding::Struct, _) => return self.refuse(value, &go_name(&node.name)),
        };
        Ok(Some(read))
    }

    fn read_struct(&mut self, node: &Node, items: &Object<String, Value>) -> Result<Object<String, Value>, String> {
        let mut out = Object::new();
        let Some(map) = &node.map else { return Ok(out) };
        let owner = std::mem::replace(&mut self.owner, node.name.rsplit('.').next().unwrap_or_default().to_owned());
        for (key, item) in items {
            let Some(field) = map.fields.get(key) else {
                self.unknown.push(self.path_to(key));
                continue;
            };
            self.path.push(key.clone());
            let read = self.read(field.node, item)?;
            self.path.pop();
            if let Some(read) = read {
                out.insert(key.clone(), read);
            }
        }
        self.owner = owner;
        for (key, field) in &map.fields {
            self.settle(key, field, &mut out);
        }
        Ok(out)
    }

    fn path_to(&self, key: &str) -> String {
        let mut out = String::new();
        for part in self.path.iter().map(|part| part.trim_start_matches('\u{0}')).chain([key]) {
            if !out.is_empty() && !part.starts_with('[') {
                out.push('.');
            }
            out.push_str(part);
        }
        out
    }

    /// Leaves out what the type leaves out, and adds what it always writes.
    fn settle(&self, key: &str, field: &Field, out: &mut Object<String, Value>) {
        let schema = self.decoder.schema;
        let coding = schema.node(field.node).coding;
        match out.get(key) {
            Some(value) => {
                let dropped = if field.pointer {
                    false
                } else if field.omit_zero && coding == Coding::Struct {
                    *value == self.zero(field.node)
                } else {
                    field.omit_empty && is_empty(coding, value)
                };
                let emptied =
                    self.decoder.binary && coding == Coding::List && value.as_array().is_some_and(Vec::is_empty);
                if dropped {
                    out.remove(key);
                } else if emptied {
                    // What is stored in binary cannot tell an empty list from none.
                    out.insert(key.to_owned(), Value::Null);
                }
            }
            None if field.pointer => {
                if !field.omit_empty {
                    out.insert(key.to_owned(), Value::Null);
                }
            }
            None => {
                let times = matches!(coding, Coding::Time | Coding::MicroTime);
                let written = match coding {
                    // A struct is never empty to the writer, unless it is told that zero is.
                    Coding::Struct => !field.omit_zero,
                    Coding::Time | Coding::MicroTime => !field.omit_zero || self.decoder.null_times,
                    Coding::IntOrString | Coding::Quantity => !field.omit_zero,
                    Coding::Raw | Coding::Verbatim => false,
                    Coding::Text
                    | Coding::Integer32
                    | Coding::Integer64
                    | Coding::Float
                    | Coding::Boolean
                    | Coding::Bytes
                    | Coding::List
                    | Coding::Map => !field.omit_empty,
                };
                if written {
                    let zero = if times { Value::Null } else { self.zero(field.node) };
                    out.insert(key.to_owned(), zero);
                }
            }
        }
    }

    /// What a value is that nobody has set.
    fn zero(&self, at: Ref) -> Value {
        let node = self.decoder.schema.node(at);
        match node.coding {
            Coding::Text => Value::from(""),
            Coding::Integer32 | Coding::Integer64 | Coding::IntOrString => Value::from(0),
            Coding::Float => Value::from(0),
            Coding::Boolean => Value::from(false),
            Coding::Quantity => Value::from("0"),
            Coding::Bytes
            | Coding::Time
            | Coding::MicroTime
            | Coding::Raw
            | Coding::Verbatim
            | Coding::List
            | Coding::Map => Value::Null,
            Coding::Struct => {
                let mut out = Object::new();
                if let Some(map) = &node.map {
                    for (key, field) in &map.fields {
                        // A type that holds itself does so by pointer, list, or map, so this ends.
                        self.settle(key, field, &mut out);
                    }
                }
                Value::Object(out)
            }
        }
    }
}

const NO_QUANTITY: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

fn illegal_base64(text: &str) -> String {
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let at = text.bytes().position(|byte| !good(&byte)).unwrap_or(text.len() / 4 * 4);
    format!("illegal base64 data at input byte {at}")
}

/// A number without a fraction.
fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        // Beyond this a float is no exact whole number.
        (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
    })
}

fn is_empty(coding: Coding, value: &Value) -> bool {
    match (coding, value) {
        // Writers that know nothing of omission write these always.
        (Coding::Struct | Coding::IntOrString | Coding::Quantity | Coding::Time | Coding::MicroTime, _) => false,
        (_, Value::Null) => true,
        (_, Value::Bool(flag)) => !flag,
        (_, Value::Number(number)) => number.as_f64() == Some(0.0),
        (_, Value::String(text)) => text.is_empty(),
        (_, Value::Array(items)) => items.is_empty(),
        (_, Value::Object(items)) => items.is_empty(),
    }
}

/// Nulls in what is kept verbatim stay; only a top-level null is absent.
fn without_nulls(value: &Value) -> Value {
    value.clone()
}

fn go_name(name: &str) -> String {
    let mut parts = name.rsplit('.');
    let (kind, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{version}.{kind}")
}

fn go_element(schema: &Schema, at: Ref) -> String {
    let node = schema.node(at);
    match node.coding {
        Coding::Text => "string".into(),
        Coding::Integer32 => "int32".into(),
        Coding::Integer64 => "int64".into(),
        Coding::Boolean => "bool".into(),
        Coding::Float => "float64".into(),
        Coding::Bytes => "[]uint8".into(),
        Coding::Quantity => "resource.Quantity".into(),
        Coding::List => go_list(schema, node),
        Coding::Map => go_map(schema, node),
        Coding::Struct => go_name(&node.name),
        Coding::Time => "v1.Time".into(),
        Coding::MicroTime => "v1.MicroTime".into(),
        Coding::IntOrString => "intstr.IntOrString".into(),
        Coding::Raw => "runtime.RawExtension".into(),
        Coding::Verbatim => "v1.JSON".into(),
    }
}

fn go_list(schema: &Schema, node: &Node) -> String {
    format!("[]{}", node.list.as_ref().map_or_else(String::new, |list| go_element(schema, list.element)))
}

fn go_map(schema: &Schema, node: &Node) -> String {
    let element = node.map.as_ref().and_then(|map| map.element);
    format!("map[string]{}", element.map_or_else(String::new, |element| go_element(schema, element)))
}

/// A time in UTC, with so many digits of the second; none where it is no RFC 3339 time.
fn time(text: &str, digits: usize) -> Option<String> {
    let (day, clock) = text.split_at_checked(10)?;
    let number = |range: std::ops::Range<usize>| -> Option<i64> { text.get(range)?.parse().ok() };
    let (year, month, date) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if day.as_bytes().get(4) != Some(&b'-') || day.as_bytes().get(7) != Some(&b'-') {
        return None;
    }
    let clock = clock.strip_prefix(['T', 't'])?;
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&date) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = clock.get(8..)?;
    let zone = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone);
    let offset = match zone {
        "Z" | "z" => 0,
        other => {
            let (hours, minutes) = other.get(1..)?.split_once(':')?;
            let minutes: i64 = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if other.starts_with('-') { -minutes } else { minutes }
        }
    };
    let days = super::super::time::days_from_civil(year, month, date);
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset * 60;
    let base = super::super::time::rfc3339(u64::try_from(seconds).ok()? * 1_000);
    if digits == 0 {
        return Some(base);
    }
    let fraction: String =
        fraction.trim_start_matches('.').chars().chain(std::iter::repeat('0')).take(digits).collect();
    Some(format!("{}.{fraction}Z", base.trim_end_matches('Z')))
}
