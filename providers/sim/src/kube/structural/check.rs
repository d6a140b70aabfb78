//! Whether a value keeps to a schema, in the order and in the words of the server's validator.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::formats;
use super::{DEEPEST, flag, limit, text};
use crate::kube::apply::quoted;
use crate::kube::status::FieldError;

/// What is wrong, and how many rules were looked at: of several alternatives, the one that came furthest is told of.
#[derive(Debug, Default)]
struct Found {
    errors: Vec<FieldError>,
    looked_at: usize,
}

impl Found {
    fn push(&mut self, error: FieldError) {
        if !self.errors.iter().any(|earlier| earlier.field == error.field && earlier.detail == error.detail) {
            self.errors.push(error);
        }
    }

    fn merge(&mut self, other: Found) {
        other.errors.into_iter().for_each(|error| self.push(error));
        self.looked_at += other.looked_at;
    }
}

/// What is checked, and where it is.
#[derive(Clone, Copy)]
struct At<'a> {
    schema: &'a Value,
    /// Where the check began, for the field of an error.
    base: &'a str,
    /// From there on.
    path: &'a str,
    depth: usize,
}

impl At<'_> {
    /// The field that an error names.
    fn field(&self) -> String {
        join(self.base, self.path)
    }

    fn invalid(&self, value: Value, detail: String) -> FieldError {
        FieldError::invalid(self.field(), value, detail)
    }

    fn of_type(&self, wanted: &str, given: &str) -> FieldError {
        let detail = format!("{} in body must be of type {wanted}: {}", self.path, quoted(given));
        FieldError::of("FieldValueTypeInvalid", self.field(), Some(json!(given)), detail)
    }

    /// Of a rule that joins others: the server does not say where.
    fn of_all(&self, detail: &str) -> FieldError {
        let base = if self.base.is_empty() { "<nil>" } else { self.base };
        FieldError::invalid(base, "", format!("{} must {detail}", quoted(self.path)))
    }
}

fn join(base: &str, path: &str) -> String {
    match (base, path.trim_start_matches('.')) {
        ("", "") => "<nil>".to_owned(),
        ("", path) => path.to_owned(),
        (base, "") => base.to_owned(),
        (base, path) => format!("{base}.{path}"),
    }
}

/// What is wrong with a value. Where an older value is given, what did not change is not held against it.
pub(super) fn check(schema: &Value, base: &str, value: &Value, old: Option<&Value>) -> Vec<FieldError> {
    changed(At { schema, base, path: "", depth: 0 }, value, old).errors
}

fn changed(at: At<'_>, value: &Value, old: Option<&Value>) -> Found {
    let mut found = all(at, value, old);
    if old == Some(value) {
        found.errors.clear();
    }
    found
}

/// Goes through all rules of a schema.
fn all(at: At<'_>, value: &Value, old: Option<&Value>) -> Found {
    let mut found = Found::default();
    if at.depth > DEEPEST {
        return found;
    }
    types(at, value, &mut found);
    if !value.is_null() {
        combinations(at, value, old, &mut found);
        found.looked_at += 3;
        match value {
            Value::String(string) => strings(at, string, &mut found),
            Value::Number(number) => numbers(at, number.as_f64().unwrap_or(0.0), value, &mut found),
            Value::Array(items) => arrays(at, items, old, &mut found),
            Value::Object(_) | Value::Null | Value::Bool(_) => {}
        }
    }
    if let Some(allowed) = at.schema.get("enum").and_then(Value::as_array).filter(|allowed| !allowed.is_empty())
        && (value.is_null() || !allowed.contains(value))
    {
        // The values are named in the order of their texts.
        let mut list: Vec<String> = allowed
            .iter()
            .map(|value| quoted(&value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        list.sort();
        let detail = format!("supported values: {}", list.join(", "));
        found.push(FieldError::of("FieldValueNotSupported", at.field(), Some(value.clone()), detail));
    }
    if let Value::Object(map) = value {
        objects(at, map, old, &mut found);
    }
    found
}

fn type_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Number(number) if number.is_f64() => ("number", "double"),
        Value::Number(_) => ("integer", "int64"),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
    }
}

fn types(at: At<'_>, value: &Value, found: &mut Found) {
    let either = flag(at.schema, "x-kubernetes-int-or-string");
    let wanted: Vec<&str> = match (either, text(at.schema, "type")) {
        (true, _) => vec!["integer", "string"],
        (false, "") => Vec::new(),
        (false, kind) => vec![kind],
    };
    let format = formats::known(text(at.schema, "format"));
    if wanted.is_empty() && format.is_empty() {
        return;
    }
    let (given, own_format) = type_of(value);
    if value.is_null() {
        if !wanted.is_empty() && !flag(at.schema, "nullable") {
            found.push(at.of_type(&wanted.join(","), "null"));
        }
        return;
    }
    let wants = |kind: &str| wanted.contains(&kind);
    let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
    let fits =
        wants(given) || (given == "number" && whole && wants("integer")) || (given == "integer" && wants("number"));
    let listed = matches!(given, "string" | "array");
    if !listed && !format.is_empty() && !fits && own_format != format {
        found.push(at.of_type(format, own_format));
    } else if fits || (listed && !format.is_empty() && !wants("number") && !wants("integer")) {
        found.looked_at += 1;
    } else {
        found.push(at.of_type(&wanted.join(","), given));
    }
}

/// Texts: only the first rule that is broken is told of.
fn strings(at: At<'_>, string: &str, found: &mut Found) {
    found.looked_at += 1;
    let (length, path) = (string.chars().count(), at.path);
    let pattern = text(at.schema, "pattern");
    if let Some(most) = limit(at.schema, "maxLength").filter(|most| length > *most) {
        let detail = format!("may not be more than {most} bytes");
        found.push(FieldError::of("FieldValueTooLong", at.field(), None, detail));
    } else if let Some(least) = limit(at.schema, "minLength").filter(|least| length < *least) {
        found.push(at.invalid(json!(string), format!("{path} in body should be at least {least} chars long")));
    } else if !pattern.is_empty() && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(string)) {
        found.push(at.invalid(json!(string), format!("{path} in body should match '{pattern}'")));
    }
    let format = formats::known(text(at.schema, "format"));
    if !format.is_empty() {
        found.looked_at += 1;
        if !formats::keeps(format, string) {
            let detail = format!("{path} in body must be of type {}: {}", text(at.schema, "format"), quoted(string));
            found.push(FieldError::of("FieldValueTypeInvalid", at.field(), Some(json!(string)), detail));
        }
    }
}

fn numbers(at: At<'_>, number: f64, value: &Value, found: &mut Found) {
    found.looked_at += 2;
    // Whole numbers are held against whole bounds.
    let fits = |bound: f64| if value.is_f64() { bound } else { bound.trunc() };
    let bound = |key: &str| at.schema.get(key).and_then(Value::as_f64).map(fits);
    let path = at.path;
    let mut wrong =
        |detail: String| found.push(at.invalid(value.clone(), format!("{path} in body should be {detail}")));
    if let Some(step) = bound("multipleOf").filter(|step| *step != 0.0)
        && (number / step).fract() != 0.0
    {
        wrong(format!("a multiple of {step}"));
    }
    if let Some(least) = bound("minimum") {
        if flag(at.schema, "exclusiveMinimum") && number <= least {
            wrong(format!("greater than {least}"));
        } else if number < least {
            wrong(format!("greater than or equal to {least}"));
        }
    }
    if let Some(most) = bound("maximum") {
        if flag(at.schema, "exclusiveMaximum") && number >= most {
            wrong(format!("less than {most}"));
        } else if number > most {
            wrong(format!("less than or equal to {most}"));
        }
    }
}

fn arrays(at: At<'_>, items: &[Value], old: Option<&Value>, found: &mut Found) {
    found.looked_at += 2;
    if let Some(schema) = at.schema.get("items") {
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", at.path);
            let inner = At { schema, path: &path, depth: at.depth + 1, ..at };
            found.merge(changed(inner, item, earlier(at.schema, item, old)));
        }
    }
    if let Some(least) = limit(at.schema, "minItems").filter(|least| items.len() < *least) {
        let detail = format!("{} in body should have at least {least} items", at.path);
        found.push(at.invalid(json!(items.len()), detail));
    }
    if let Some(most) = limit(at.schema, "maxItems").filter(|most| items.len() > *most) {
        let detail = at_most(most);
        found.push(FieldError::of("FieldValueTooMany", at.field(), Some(json!(items.len())), detail));
    }
}

fn at_most(most: usize) -> String {
    format!("must have at most {most} item{}", if most == 1 { "" } else { "s" })
}

/// The element of the older list that has the keys of this one.
fn earlier<'a>(schema: &Value, item: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
    let keys = super::list_keys(schema);
    if text(schema, "x-kubernetes-list-type") != "map" || keys.is_empty() {
        return None;
    }
    old?.as_array()?.iter().find(|other| keys.iter().all(|key| other.get(*key) == item.get(*key)))
}

fn objects(at: At<'_>, map: &Map<String, Value>, old: Option<&Value>, found: &mut Found) {
    found.looked_at += 1;
    let dotted = |key: &str| format!("{}.{key}", at.path);
    if let Some(least) = limit(at.schema, "minProperties").filter(|least| map.len() < *least) {
        let detail = format!("{} in body should have at least {least} properties", at.path);
        found.push(at.invalid(json!(map.len()), detail));
    }
    if let Some(most) = limit(at.schema, "maxProperties").filter(|most| map.len() > *most) {
        let detail = at_most(most);
        found.push(FieldError::of("FieldValueTooMany", at.field(), Some(json!(map.len())), detail));
    }
    let properties = at.schema.get("properties").and_then(Value::as_object);
    let known = |key: &str| properties.and_then(|properties| properties.get(key));
    let inside = |schema: &Value, key: &str, path: &str, value: &Value| {
        let old =
            old.and_then(|old| old.get(key)).filter(|_| !(at.path.is_empty() && matches!(key, "kind" | "apiVersion")));
        changed(At { schema, path, depth: at.depth + 1, ..at }, value, old)
    };
    if let Some(schema @ Value::Object(_)) = at.schema.get("additionalProperties") {
        for (key, value) in map.iter().filter(|(key, _)| known(key).is_none()) {
            found.merge(inside(schema, key, &dotted(key), value));
        }
    }
    for (key, value) in map {
        if let Some(schema) = known(key) {
            let path = if at.path.is_empty() { key.clone() } else { dotted(key) };
            found.merge(inside(schema, key, &path, value));
        }
    }
    for key in at.schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(key) {
            found.push(FieldError::required(join(at.base, &dotted(key)), ""));
        }
    }
}

/// `anyOf`, `oneOf`, `allOf`, `not`.
fn combinations(at: At<'_>, value: &Value, old: Option<&Value>, found: &mut Found) {
    let alternatives = |key: &str| at.schema.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let tried = |schema: &Value| all(At { schema, depth: at.depth + 1, ..at }, value, old);
    found.looked_at += 1;
    let any = alternatives("anyOf");
    if !any.is_empty() {
        let (good, best) = choose(any.iter().map(tried), true);
        if good == 0 {
            found.push(at.of_all("validate at least one schema (anyOf)"));
        }
        found.merge(best);
    }
    let one = alternatives("oneOf");
    if !one.is_empty() {
        let (good, best) = choose(one.iter().map(tried), false);
        let how = match good {
            0 => "Found none valid".to_owned(),
            good => format!("Found {good} valid alternatives"),
        };
        if good != 1 {
            found.push(at.of_all(&format!("validate one and only one schema (oneOf). {how}")));
        }
        if good < 2 {
            found.merge(best);
        }
    }
    let every = alternatives("allOf");
    let mut good = 0;
    for inner in every {
        let one = tried(inner);
        good += usize::from(one.errors.is_empty());
        found.merge(one);
    }
    if good != every.len() {
        let none = if good == 0 { ". None validated" } else { "" };
        found.push(at.of_all(&format!("validate all the schemas (allOf){none}")));
    }
    if let Some(inner) = at.schema.get("not")
        && tried(inner).errors.is_empty()
    {
        found.push(at.of_all("not validate the schema (not)"));
    }
}

/// How many alternatives hold, and what is told of them: the first that holds, else the one that came furthest.
fn choose(tried: impl Iterator<Item = Found>, stop: bool) -> (usize, Found) {
    let (mut good, mut best): (usize, Option<Found>) = (0, None);
    for one in tried {
        if one.errors.is_empty() {
            good += 1;
            if good == 1 {
                best = Some(one);
            }
            if stop {
                break;
            }
        } else if good == 0 && best.as_ref().is_none_or(|best| one.looked_at > best.looked_at) {
            best = Some(one);
        }
    }
    (good, best.unwrap_or_default())
}
