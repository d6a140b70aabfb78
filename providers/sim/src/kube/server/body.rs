//! Reads bodies: JSON with the duplicates it holds, YAML, and objects of a kind.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::call::{Call, Validation};
use super::text;
use crate::kube::kinds::is_binary;
use crate::kube::rules;
use crate::kube::schema::Decoder;
use crate::kube::status::{Outcome, Refusal};

/// A document, and the paths of keys that stand in it twice.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// A value with the duplicates below it, as paths from it.
struct Counted(Value, Vec<String>);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Counted, D::Error> {
        deserializer.deserialize_any(Counting)
    }
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Counted;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Counted, E> {
        Ok(Counted(Value::from(value), Vec::new()))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Counted, E> {
        Ok(Counted(Value::from(value), Vec::new()))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Counted, E> {
        Ok(Counted(Value::from(value), Vec::new()))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Counted, E> {
        // A whole number is written without a point, however it came.
        let whole = value.fract() == 0.0 && value.abs() < 1e15;
        Ok(Counted(if whole { Value::from(value as i64) } else { Value::from(value) }, Vec::new()))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Counted, E> {
        Ok(Counted(Value::from(value), Vec::new()))
    }
    fn visit_string<E: Error>(self, value: String) -> Result<Counted, E> {
        Ok(Counted(Value::from(value), Vec::new()))
    }
    fn visit_unit<E: Error>(self) -> Result<Counted, E> {
        Ok(Counted(Value::Null, Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Counted, A::Error> {
        let (mut out, mut duplicates) = (Vec::new(), Vec::new());
        while let Some(Counted(value, below)) = access.next_element()? {
            duplicates.extend(below.into_iter().map(|path| format!("[{}]{}{path}", out.len(), dot(&path))));
            out.push(value);
        }
        Ok(Counted(Value::Array(out), duplicates))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Counted, A::Error> {
        let (mut out, mut duplicates) = (Map::new(), Vec::new());
        while let Some((key, Counted(value, below))) = access.next_entry::<String, Counted>()? {
            duplicates.extend(below.into_iter().map(|path| format!("{key}{}{path}", dot(&path))));
            if out.insert(key.clone(), value).is_some() {
                duplicates.push(key);
            }
        }
        Ok(Counted(Value::Object(out), duplicates))
    }
}

fn dot(path: &str) -> &'static str {
    if path.starts_with('[') { "" } else { "." }
}

/// Reads JSON.
pub(crate) fn json_document(bytes: &[u8]) -> Result<Document, String> {
    let Counted(value, duplicates) = serde_json::from_slice(bytes).map_err(|error| go_syntax(bytes, &error))?;
    Ok(Document { value, duplicates })
}

/// A syntax error in the words of the server.
fn go_syntax(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".into();
    }
    let line = error.line().saturating_sub(1);
    let start: usize = bytes.split(|byte| *byte == b'\n').take(line).map(|line| line.len() + 1).sum();
    let at = start + error.column().saturating_sub(1);
    let letter = bytes.get(at).copied().map_or(' ', char::from);
    let what = if error.to_string().starts_with("key must be a string") { "object key string" } else { "value" };
    format!("invalid character '{letter}' looking for beginning of {what}")
}

/// Reads YAML, or JSON as the YAML it is.
pub(crate) fn yaml_document(bytes: &[u8]) -> Result<Document, String> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        && let Ok(document) = json_document(bytes)
    {
        return Ok(document);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "yaml: control characters are not allowed".to_owned())?;
    super::super::yaml::read(text)
}

/// The object in a body.
#[derive(Debug)]
pub(crate) struct Body {
    /// As its version keeps it, with defaults.
    pub(crate) object: Value,
    /// What the client is warned of.
    pub(crate) warnings: Vec<String>,
    /// Whether it asks to forget who owns what.
    pub(crate) reset: bool,
}

/// Whether an object asks to forget who owns what: by an empty list, or a list of one empty entry.
pub(crate) fn resets(object: &Value) -> bool {
    match object.pointer("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([one]) => one.as_object().is_some_and(Map::is_empty),
        _ => false,
    }
}

/// Reads the object in the body of a create or an update.
pub(crate) fn object(call: &Call<'_>) -> Outcome<Body> {
    let request = call.request;
    let kind =
        request.header("content-type").unwrap_or("application/json").split(';').next().unwrap_or_default().trim();
    let document = match kind {
        "application/json" | "" => json_document(&request.body),
        "application/yaml" | "application/x-yaml" | "text/yaml" => yaml_document(&request.body),
        _ => {
            return Err(Refusal::unsupported_media(&[
                "application/json",
                "application/yaml",
                "application/vnd.kubernetes.protobuf",
            ]));
        }
    };
    let document = document.map_err(|error| unrecognized(call, &error))?;
    let mut value = document.value;
    if !value.is_object() {
        let what = match &value {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            Value::Null | Value::Object(_) => "null",
        };
        let kind = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }";
        return Err(unrecognized(call, &format!("json: cannot unmarshal {what} into Go value of type {kind}")));
    }
    check_kind(call, &mut value)?;
    let reset = resets(&value);
    let (object, mut strict) = decode(call, value)?;
    let duplicates = document.duplicates.iter().map(|path| format!("duplicate field {path:?}"));
    strict.splice(0..0, duplicates);
    let warnings = settle_strictness(call, strict)?;
    Ok(Body { object, warnings, reset })
}

/// A body that is no object at all.
fn unrecognized(call: &Call<'_>, why: &str) -> Refusal {
    let body = &call.request.body;
    let shown = if body.first() == Some(&b'{') {
        let cut: Vec<u8> = body.iter().copied().take(30).collect();
        let more = if body.len() > 30 { " ..." } else { "" };
        format!("{}{more}", String::from_utf8_lossy(&cut))
    } else {
        let cut: String = body.iter().take(30).map(|byte| format!("{byte:02x}")).collect();
        if body.len() > 30 { format!("{cut} ...") } else { cut }
    };
    Refusal::bad(format!(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: {why} ({shown})",
        call.resource.kind
    ))
}

/// The kind and version of a body are those of the request; where they are not stated they are filled in.
fn check_kind(call: &Call<'_>, value: &mut Value) -> Outcome<()> {
    let (expected_version, expected_kind) = (call.api_version(), &call.resource.kind);
    if let Some(map) = value.as_object_mut() {
        for (key, expected) in [("apiVersion", &expected_version), ("kind", expected_kind)] {
            if map.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
                map.insert(key.into(), json!(expected));
            }
        }
    }
    let (given_version, given_kind) = (text(value, "/apiVersion"), text(value, "/kind"));
    if given_version == expected_version && given_kind == *expected_kind {
        return Ok(());
    }
    let (group, version) = given_version.rsplit_once('/').unwrap_or(("", given_version));
    let known = schema_of(group, version, given_kind);
    let why = if call.resource.custom || !known {
        format!(
            "no kind {given_kind:?} is registered for version {given_version:?} in scheme \"pkg/runtime/scheme.go:110\""
        )
    } else {
        let inner =
            if call.path.group.is_empty() { "core" } else { call.path.group.split('.').next().unwrap_or_default() };
        format!("converting ({version}.{given_kind}) to ({inner}.{expected_kind}): unknown conversion")
    };
    if given_kind == *expected_kind && known {
        return Err(Refusal::bad(format!(
            "the API version in the data ({given_version}) does not match the expected API version ({expected_version})"
        )));
    }
    Err(Refusal::bad(format!("{given_kind} in version {version:?} cannot be handled as a {expected_kind}: {why}")))
}

/// Whether a kind is one of the server's own.
fn schema_of(group: &str, version: &str, kind: &str) -> bool {
    let first = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
    crate::kube::schema::builtin().named(&format!("{first}.{version}.{kind}")).is_some()
}

/// What is told of unknown and duplicate fields: a refusal, warnings, or nothing.
pub(crate) fn settle_strictness(call: &Call<'_>, strict: Vec<String>) -> Outcome<Vec<String>> {
    // Servers before 1.25 know nothing of strictness.
    match call.validation {
        _ if strict.is_empty() => Ok(strict),
        Validation::Strict => Err(cannot_be_handled(call, &format!("strict decoding error: {}", strict.join(", ")))),
        Validation::Warn => Ok(strict),
        Validation::Ignore => Ok(Vec::new()),
    }
}

pub(crate) fn cannot_be_handled(call: &Call<'_>, why: &str) -> Refusal {
    let kind = &call.resource.kind;
    Refusal::bad(format!("{kind} in version {:?} cannot be handled as a {kind}: {why}", call.path.version))
}

/// Brings an object of the call's version into the form in which that version is kept, with defaults.
/// Also tells which of its fields the kind does not have.
pub(crate) fn decode(call: &Call<'_>, value: Value) -> Outcome<(Value, Vec<String>)> {
    let (value, unknown) = settle(call.version(), call, value).map_err(|error| cannot_be_handled(call, &error))?;
    Ok((value, unknown.iter().map(|path| format!("unknown field {path:?}")).collect()))
}

fn settle(
    version: &crate::kube::kinds::Version,
    call: &Call<'_>,
    mut value: Value,
) -> Result<(Value, Vec<String>), String> {
    if call.resource.custom {
        let mut unknown = rules::metadata::settle(&mut value)?;
        if let Some(structural) = &version.structural {
            // An apply is merged as it stands: what is null in it is seen by the checks.
            unknown.extend(structural.prune(&mut value, call.applies())?);
            structural.default(&mut value);
        }
        return Ok((value, unknown));
    }
    let decoder = Decoder { schema: &version.schema, null_times: call.minor < 34, binary: is_binary(&call.resource) };
    let decoded = decoder.decode(version.at, &value)?;
    let mut value = decoded.value;
    rules::defaults::apply(&call.resource, &call.path.version, &mut value, call.minor);
    Ok((value, decoded.unknown))
}
