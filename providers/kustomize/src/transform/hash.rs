//! Suffixes that follow from the content.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::render::Renderer;
use crate::resource::{Resource, Resources};
use crate::scalar;

/// Adds the suffix to the name of every generated object that wants one.
pub(crate) fn run(renderer: &mut Renderer<'_>, resources: &mut Resources, place: &Place) {
    for resource in &mut resources.0 {
        if !resource.generated.is_some_and(|generated| generated.needs_hash) {
            continue;
        }
        match suffix(resource, Dialect::V3_2) {
            Ok(suffix) => {
                let name = format!("{}-{suffix}", resource.name());
                resource.set_name(&name);
            }
            Err(reason) => renderer.errors.push(RenderError::Transform {
                place: place.clone(),
                field: "generatorOptions.disableNameSuffixHash".to_owned(),
                object: resource.current_id().to_string(),
                reason,
            }),
        }
    }
}

/// As [`run`], in dialect 5: the object remembers the name it had.
///
/// # Errors
///
/// The place of the object that has no suffix, and why.
pub(crate) fn rename(resources: &mut Resources) -> Result<(), (usize, String)> {
    for (place, resource) in resources.0.iter_mut().enumerate() {
        if resource.generated.is_some_and(|generated| generated.needs_hash) {
            let suffix = suffix(resource, Dialect::V5).map_err(|reason| (place, reason))?;
            let name = format!("{}-{suffix}", resource.name());
            resource.remember(Dialect::V5);
            resource.set_name(&name);
        }
    }
    Ok(())
}

/// The first ten digits of the SHA-256 of what the object says, spelt without vowels
/// and the digits that look like them.
fn suffix(resource: &Resource, dialect: Dialect) -> Result<String, String> {
    let kind = resource.gvk().kind;
    if !dialect.hashes_names() {
        return Ok(digits(&content(resource, &kind)));
    }
    let data = texts(resource, "data")?;
    let content = match kind.as_str() {
        "ConfigMap" => {
            let mut content = json!({"kind": kind, "name": resource.name(), "data": data});
            let binary = texts(resource, "binaryData")?;
            if let (Some(content), Some(binary)) = (content.as_object_mut(), binary.filter(|map| !map.is_empty())) {
                content.insert("binaryData".to_owned(), Value::Object(binary));
            }
            content
        }
        "Secret" => {
            let secret_type = resource.value.get("type").and_then(Value::as_str).unwrap_or_default();
            json!({"kind": kind, "type": secret_type, "name": resource.name(), "data": data})
        }
        other => return Err(format!("a {other} has no hash")),
    };
    Ok(digits(&content))
}

fn digits(content: &Value) -> String {
    let digest = Sha256::digest(go_json(content).as_bytes());
    let digits = digest.iter().take(5).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| "gh2k456789mbcdtf".chars().nth(usize::from(digit))).collect()
}

/// What counts in dialect 5: the data, but no name.
fn content(resource: &Resource, kind: &str) -> Value {
    let field = |key: &str| match resource.value.get(key) {
        Some(value @ Value::Object(_)) => {
            let mut value = value.clone();
            scalar::settle(&mut value);
            value
        }
        Some(value) if !value.is_array() => scalar::text(value).into(),
        _ => "".into(),
    };
    let mut content = json!({"kind": kind, "name": "", "data": field("data")});
    let (more, is_secret) = if kind == "Secret" { ("stringData", true) } else { ("binaryData", false) };
    if let Some(map) = content.as_object_mut() {
        if is_secret {
            map.insert("type".to_owned(), field("type"));
        }
        if resource.value.get(more).is_some_and(Value::is_object) {
            map.insert(more.to_owned(), field(more));
        }
    }
    content
}

/// A map of texts; `None` where there is none.
fn texts(resource: &Resource, key: &str) -> Result<Option<Map<String, Value>>, String> {
    match resource.value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => {
            let mut texts = Map::new();
            for (name, value) in map {
                let text = match value {
                    Value::String(_) => value.clone(),
                    Value::Null => "".into(),
                    _ => return Err(format!("`{key}.{name}` is not text")),
                };
                texts.insert(name.clone(), text);
            }
            Ok(Some(texts))
        }
        Some(_) => Err(format!("`{key}` is not a map")),
    }
}

/// JSON as Go writes it: with escapes for what HTML might take for its own.
fn go_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", go_string(key), go_json(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_json).collect();
            format!("[{}]", items.join(","))
        }
        Value::String(text) => go_string(text),
        other => other.to_string(),
    }
}

fn go_string(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for c in text.chars() {
        match c {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\u{0}'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                written.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => written.push(c),
        }
    }
    written.push('"');
    written
}
