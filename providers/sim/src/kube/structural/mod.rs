//! What the schema of a custom kind does to its objects: prunes, fills in defaults, and checks.

mod check;
mod formats;
mod lists;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::status::FieldError;

/// The deepest nesting that is followed.
const DEEPEST: usize = 100;

/// The schema of one version of a custom kind.
#[derive(Debug)]
pub(crate) struct Structural {
    schema: Value,
    /// Whether nothing is pruned at all.
    preserve: bool,
    has_rules: bool,
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
        let has_rules = has_rules(&schema, 0);
        Structural { schema, preserve, has_rules }
    }

    /// Takes out what the schema does not name, and members that are null for nothing; tells the paths.
    pub(crate) fn prune(&self, object: &mut Value, keep_nulls: bool) -> Result<Vec<String>, String> {
        let mut gone = Vec::new();
        if !self.preserve {
            prune(&self.schema, object, "", true, 0, &mut gone);
            if !keep_nulls {
                drop_nulls(Some(&self.schema), object, 0);
            }
        }
        let mut inside = Vec::new();
        lists::settle(&self.schema, object, "", 0, &mut inside)?;
        inside.sort();
        gone.extend(inside);
        Ok(gone)
    }

    /// Fills in what is missing.
    pub(crate) fn default(&self, object: &mut Value) {
        fill(&self.schema, object, 0);
    }

    /// What is wrong with an object. What did not change since the older object is not held against it.
    pub(crate) fn check(&self, object: &Value, old: Option<&Value>, subresource: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        match (subresource, self.schema.pointer("/properties/status"), object.get("status")) {
            ("status", Some(schema), Some(status)) => {
                errors.extend(check::check(schema, "status", status, old.and_then(|old| old.get("status"))));
            }
            ("status", _, _) => {}
            _ => errors.extend(check::check(&self.schema, "", object, old)),
        }
        lists::embedded(&self.schema, object, "", 0, &mut errors);
        let twice = |object: &Value| {
            let mut errors = Vec::new();
            lists::twice(&self.schema, object, "", 0, &mut errors);
            errors
        };
        if old.is_none_or(|old| twice(old).is_empty()) {
            errors.extend(twice(object));
        }
        let blocks = |error: &FieldError| {
            matches!(
                error.kind,
                "FieldValueNotSupported"
                    | "FieldValueRequired"
                    | "FieldValueTooLong"
                    | "FieldValueTooMany"
                    | "FieldValueTypeInvalid"
            )
        };
        if self.has_rules && errors.iter().any(blocks) {
            let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
            errors.push(FieldError::invalid("<nil>", Value::Null, detail));
        }
        errors
    }
}

/// What is wrong with the values that a schema fills in.
pub(crate) fn wrong_default(schema: &Value, field: &str) -> Vec<FieldError> {
    let Some(default) = schema.get("default") else { return Vec::new() };
    check::check(schema, field, default, None)
}

fn limit(schema: &Value, key: &str) -> Option<usize> {
    schema.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
}

/// The keys of a list's elements.
fn list_keys(schema: &Value) -> Vec<&str> {
    let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
    keys.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether rules in CEL are anywhere in a schema.
fn has_rules(schema: &Value, depth: usize) -> bool {
    match schema {
        _ if depth > DEEPEST => false,
        Value::Object(map) => {
            map.contains_key("x-kubernetes-validations") || map.values().any(|inner| has_rules(inner, depth + 1))
        }
        Value::Array(items) => items.iter().any(|inner| has_rules(inner, depth + 1)),
        _ => false,
    }
}

/// Takes out members that are null, where null is no value and none is filled in.
fn drop_nulls(schema: Option<&Value>, value: &mut Value, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Object(map) => {
            let of = |key: &str| {
                let schema = schema?;
                let known = schema.get("properties").and_then(|properties| properties.get(key));
                known.or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object()))
            };
            map.retain(|key, inner| {
                let no_value =
                    of(key).is_some_and(|schema| !flag(schema, "nullable") && schema.get("default").is_none());
                !(inner.is_null() && no_value)
            });
            for (key, inner) in map.iter_mut() {
                drop_nulls(of(key), inner, depth + 1);
            }
        }
        Value::Array(items) => {
            let inner = schema.and_then(|schema| schema.get("items"));
            items.iter_mut().for_each(|item| drop_nulls(inner, item, depth + 1));
        }
        _ => {}
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
