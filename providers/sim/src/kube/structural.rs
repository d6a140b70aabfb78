//! What the schema of a custom kind does to its objects: prunes, fills in defaults, and checks.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::apply::quoted;
use super::status::FieldError;

/// The deepest nesting that is followed.
const DEEPEST: usize = 100;

/// The schema of one version of a custom kind.
#[derive(Debug)]
pub(crate) struct Structural {
    schema: Value,
    /// Whether nothing is pruned at all.
    preserve: bool,
}

/// A flag of a schema.
fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Structural {
    pub(crate) fn new(schema: Value, preserve: bool) -> Structural {
        Structural { schema, preserve }
    }

    /// Takes out what the schema does not name; tells the paths.
    pub(crate) fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut gone = Vec::new();
        if !self.preserve {
            prune(&self.schema, object, "", true, 0, &mut gone);
        }
        gone
    }

    /// Fills in what is missing.
    pub(crate) fn default(&self, object: &mut Value) {
        fill(&self.schema, object, 0);
    }

    /// What is wrong with an object.
    pub(crate) fn check(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        check(&self.schema, object, "", true, 0, &mut errors);
        errors
    }
}

/// Fields of any object, of which the schema need not speak.
fn is_known_to_all(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

fn prune(schema: &Value, value: &mut Value, path: &str, root: bool, depth: usize, gone: &mut Vec<String>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(map) => {
            let keep_all = flag(schema, "x-kubernetes-preserve-unknown-fields");
            let properties = schema.get("properties").and_then(Value::as_object);
            let additional = schema.get("additionalProperties");
            let embedded = flag(schema, "x-kubernetes-embedded-resource");
            let mut unknown = Vec::new();
            for (key, inner) in map.iter_mut() {
                let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if (root || embedded) && is_known_to_all(key) {
                    continue;
                }
                match (properties.and_then(|properties| properties.get(key)), additional) {
                    (Some(inner_schema), _) => prune(inner_schema, inner, &here, false, depth + 1, gone),
                    (None, Some(inner_schema @ Value::Object(_))) => {
                        prune(inner_schema, inner, &here, false, depth + 1, gone)
                    }
                    (None, Some(Value::Bool(true))) => {}
                    _ if keep_all => {}
                    _ => {
                        unknown.push(key.clone());
                        gone.push(here);
                    }
                }
            }
            for key in unknown {
                map.remove(&key);
            }
        }
        Value::Array(items) => {
            let Some(inner) = schema.get("items") else {
                return;
            };
            for (index, item) in items.iter_mut().enumerate() {
                prune(inner, item, &format!("{path}[{index}]"), false, depth + 1, gone);
            }
        }
        _ => {}
    }
}

fn fill(schema: &Value, value: &mut Value, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let nullable = flag(inner, "nullable");
                let missing = match map.get(key) {
                    None => true,
                    Some(Value::Null) => !nullable && inner.get("default").is_some(),
                    Some(_) => false,
                };
                if let (true, Some(default)) = (missing, inner.get("default")) {
                    map.insert(key.clone(), default.clone());
                }
                if let Some(value) = map.get_mut(key) {
                    fill(inner, value, depth + 1);
                }
            }
            if let Some(inner @ Value::Object(_)) = schema.get("additionalProperties") {
                for value in map.values_mut() {
                    fill(inner, value, depth + 1);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                items.iter_mut().for_each(|item| fill(inner, item, depth + 1));
            }
        }
        _ => {}
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
            "number"
        }
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn fits(kind: &str, value: &Value) -> bool {
    let given = type_of(value);
    kind == given || (kind == "number" && given == "integer")
}

fn check(schema: &Value, value: &Value, path: &str, root: bool, depth: usize, errors: &mut Vec<FieldError>) {
    if depth > DEEPEST {
        return;
    }
    if value.is_null() && flag(schema, "nullable") {
        return;
    }
    let shown = || if path.is_empty() { "<nil>" } else { path }.to_owned();
    let invalid = |detail: String| FieldError::invalid(shown(), value.clone(), detail);
    let kind = text(schema, "type");
    let either = flag(schema, "x-kubernetes-int-or-string");
    if either && !matches!(type_of(value), "integer" | "string") {
        errors.push(FieldError::of(
            "FieldValueTypeInvalid",
            shown(),
            Some(json!(type_of(value))),
            format!("{path} in body must be of type integer,string: {}", quoted(type_of(value))),
        ));
        return;
    }
    if !kind.is_empty() && !either && !fits(kind, value) {
        let given = type_of(value);
        let detail = format!("{path} in body must be of type {kind}: {}", quoted(given));
        errors.push(FieldError::of("FieldValueTypeInvalid", shown(), Some(json!(given)), detail));
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let list: Vec<String> =
            allowed.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), quoted)).collect();
        errors.push(FieldError::of(
            "FieldValueNotSupported",
            shown(),
            Some(value.clone()),
            format!("supported values: {}", list.join(", ")),
        ));
    }
    match value {
        Value::String(string) => strings(schema, string, path, &invalid, errors),
        Value::Number(number) => numbers(schema, number.as_f64().unwrap_or(0.0), path, &invalid, errors),
        Value::Array(items) => arrays(schema, items, path, depth, errors),
        Value::Object(map) => objects(schema, map, path, root, depth, errors),
        Value::Null | Value::Bool(_) => {}
    }
    combinations(schema, value, path, depth, errors);
}

fn limit(schema: &Value, key: &str) -> Option<usize> {
    schema.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
}

fn strings(
    schema: &Value,
    string: &str,
    path: &str,
    invalid: &dyn Fn(String) -> FieldError,
    errors: &mut Vec<FieldError>,
) {
    let length = string.chars().count();
    if let Some(most) = limit(schema, "maxLength").filter(|most| length > *most) {
        let detail = format!("may not be more than {most} bytes");
        errors.push(FieldError::of("FieldValueTooLong", path, None, detail));
    }
    if let Some(least) = limit(schema, "minLength").filter(|least| length < *least) {
        errors.push(invalid(format!("{path} in body should be at least {least} chars long")));
    }
    let pattern = text(schema, "pattern");
    if !pattern.is_empty() && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(string)) {
        errors.push(invalid(format!("{path} in body should match '{pattern}'")));
    }
}

fn numbers(
    schema: &Value,
    number: f64,
    path: &str,
    invalid: &dyn Fn(String) -> FieldError,
    errors: &mut Vec<FieldError>,
) {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    if let Some(least) = bound("minimum") {
        if flag(schema, "exclusiveMinimum") && number <= least {
            errors.push(invalid(format!("{path} in body should be greater than {least}")));
        } else if number < least {
            errors.push(invalid(format!("{path} in body should be greater than or equal to {least}")));
        }
    }
    if let Some(most) = bound("maximum") {
        if flag(schema, "exclusiveMaximum") && number >= most {
            errors.push(invalid(format!("{path} in body should be less than {most}")));
        } else if number > most {
            errors.push(invalid(format!("{path} in body should be less than or equal to {most}")));
        }
    }
    if let Some(step) = bound("multipleOf").filter(|step| *step != 0.0)
        && (number / step).fract() != 0.0
    {
        errors.push(invalid(format!("{path} in body should be a multiple of {step}")));
    }
}

fn arrays(schema: &Value, items: &[Value], path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    if let Some(most) = limit(schema, "maxItems").filter(|most| items.len() > *most) {
        errors.push(FieldError::of(
            "FieldValueTooMany",
            path,
            Some(json!(items.len())),
            format!("must have at most {most} items"),
        ));
    }
    if let Some(least) = limit(schema, "minItems").filter(|least| items.len() < *least) {
        let detail = format!("{path} in body should have at least {least} items");
        errors.push(FieldError::invalid(path, json!(items.len()), detail));
    }
    let kind = text(schema, "x-kubernetes-list-type");
    let keys: Vec<&str> = schema
        .get("x-kubernetes-list-map-keys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (index, item) in items.iter().enumerate() {
        let earlier = items.iter().take(index);
        let twice = match kind {
            "set" => earlier.into_iter().any(|other| other == item),
            "map" => earlier.into_iter().any(|other| keys.iter().all(|key| other.get(key) == item.get(key))),
            _ => false,
        };
        if twice {
            let value = if kind == "set" {
                item.clone()
            } else {
                let keyed = keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone())));
                Value::Object(keyed.collect())
            };
            errors.push(FieldError::duplicate(format!("{path}[{index}]"), value));
        }
        if let Some(inner) = schema.get("items") {
            check(inner, item, &format!("{path}[{index}]"), false, depth + 1, errors);
        }
    }
}

fn objects(
    schema: &Value,
    map: &Map<String, Value>,
    path: &str,
    root: bool,
    depth: usize,
    errors: &mut Vec<FieldError>,
) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for key in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(key) {
            errors.push(FieldError::required(join(key), ""));
        }
    }
    if let Some(most) = limit(schema, "maxProperties").filter(|most| map.len() > *most) {
        errors.push(FieldError::of(
            "FieldValueTooMany",
            path,
            Some(json!(map.len())),
            format!("must have at most {most} items"),
        ));
    }
    if let Some(least) = limit(schema, "minProperties").filter(|least| map.len() < *least) {
        errors.push(FieldError::invalid(
            path,
            json!(map.len()),
            format!("{path} in body should have at least {least} properties"),
        ));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, value) in map {
        if root && is_known_to_all(key) {
            continue;
        }
        if let Some(inner) = properties.and_then(|properties| properties.get(key)) {
            check(inner, value, &join(key), false, depth + 1, errors);
        } else if let Some(inner @ Value::Object(_)) = schema.get("additionalProperties") {
            check(inner, value, &join(key), false, depth + 1, errors);
        }
    }
}

fn combinations(schema: &Value, value: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let alternatives = |key: &str| schema.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let good = |inner: &Value| {
        let mut found = Vec::new();
        check(inner, value, path, false, depth + 1, &mut found);
        found.is_empty()
    };
    for inner in alternatives("allOf") {
        check(inner, value, path, false, depth + 1, errors);
    }
    let field = if path.is_empty() { "<nil>" } else { path };
    let any = alternatives("anyOf");
    if !any.is_empty() && !any.iter().any(good) {
        errors.push(FieldError::invalid(
            field,
            value.clone(),
            format!("{path} in body must validate at least one schema (anyOf)"),
        ));
    }
    let one = alternatives("oneOf");
    if !one.is_empty() {
        let count = one.iter().filter(|inner| good(inner)).count();
        if count != 1 {
            let found =
                if count == 0 { "Found none valid".to_owned() } else { format!("Found {count} valid alternatives") };
            let detail = format!("{path} in body must validate one and only one schema (oneOf). {found}");
            errors.push(FieldError::invalid(field, value.clone(), detail));
        }
    }
    if let Some(inner) = schema.get("not")
        && good(inner)
    {
        errors.push(FieldError::invalid(
            field,
            value.clone(),
            format!("{path} in body must not validate the schema (not)"),
        ));
    }
}
