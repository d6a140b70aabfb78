//! A custom resource against the schema of its CRD.
//!
//! Structural schemas of Kubernetes, as its API server reads them: unknown fields are refused by a server-side apply
//! unless they are to be kept, a default stands in for what is missing, and nothing that is null counts as stated.

use kfplan_model::Path;
use regex::Regex;
use serde_json::{Map, Value as Json};

use super::{Findings, element};
use crate::identity::{at, list, text};

/// Deeper bodies and schemas are left to the server.
const MAX_DEPTH: usize = 100;

/// What every object has beside what its schema says.
const IDENTITY: [&str; 3] = ["apiVersion", "kind", "metadata"];

pub(super) fn check(findings: &mut Findings<'_>, schema: &Json, keeps_unknown: bool) {
    let desired = findings.desired;
    let Some(body) = desired.body.as_object() else { return };
    let mut checking = Checking { findings, keeps_unknown };
    let root = Path::root();
    checking.required(schema, body, &root);
    for (key, value) in body.iter().filter(|(key, _)| !IDENTITY.contains(&key.as_str())) {
        checking.field(schema, key, value, &root, 0);
    }
    checking.combined(schema, &desired.body, &root, 0);
    checking.rules(schema);
}

struct Checking<'f, 'a> {
    findings: &'f mut Findings<'a>,
    keeps_unknown: bool,
}

fn is(schema: &Json, mark: &str) -> bool {
    schema.get(mark) == Some(&Json::Bool(true))
}

impl Checking<'_, '_> {
    fn value(&mut self, schema: &Json, value: &Json, path: &Path, depth: usize) {
        if value.is_null() || self.findings.is_late(path) {
            return;
        }
        if depth > MAX_DEPTH {
            self.findings.unchecked("it is nested too deep to be checked");
            return;
        }
        self.rules(schema);
        if !self.typed(schema, value, path) {
            return;
        }
        self.chosen(schema, value, path);
        match value {
            Json::Object(map) => {
                self.sized(schema, map.len(), path, ("minProperties", "maxProperties"), "fields");
                self.required(schema, map, path);
                for (key, value) in map {
                    if !(is(schema, "x-kubernetes-embedded-resource") && IDENTITY.contains(&key.as_str())) {
                        self.field(schema, key, value, path, depth);
                    }
                }
            }
            Json::Array(items) => self.items(schema, items, path, depth),
            Json::String(text) => {
                self.sized(schema, text.chars().count(), path, ("minLength", "maxLength"), "characters");
                self.pattern(schema, text, path);
            }
            Json::Number(number) => self.number(schema, number.as_f64().unwrap_or_default(), path),
            Json::Null | Json::Bool(_) => {}
        }
        self.combined(schema, value, path, depth);
    }

    fn field(&mut self, schema: &Json, key: &str, value: &Json, path: &Path, depth: usize) {
        let inside = path.key(key);
        if let Some(schema) = at(schema, &["properties", key]) {
            return self.value(schema, value, &inside, depth + 1);
        }
        match schema.get("additionalProperties") {
            Some(schema @ Json::Object(_)) => self.value(schema, value, &inside, depth + 1),
            Some(Json::Bool(true)) => {}
            _ if self.keeps_unknown || is(schema, "x-kubernetes-preserve-unknown-fields") => {}
            // A schema that says nothing about its fields is not the one that lists them.
            _ if schema.get("type").is_none() && schema.get("properties").is_none() => {}
            _ => {
                let known: Vec<&str> = schema
                    .get("properties")
                    .and_then(Json::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| key.as_str())
                    .collect();
                let hint = known
                    .iter()
                    .find(|it| it.eq_ignore_ascii_case(key))
                    .map(|it| format!(": `{it}` is"))
                    .unwrap_or_default();
                self.findings.wrong(inside, format!("its CRD does not know this field{hint}"));
            }
        }
    }

    fn required(&mut self, schema: &Json, map: &Map<String, Json>, path: &Path) {
        for key in list(schema, &["required"]).iter().filter_map(Json::as_str) {
            let is_stated = map.get(key).is_some_and(|it| !it.is_null());
            let has_default = at(schema, &["properties", key, "default"]).is_some();
            let inside = path.key(key);
            let is_identity = path.segments().is_empty() && IDENTITY.contains(&key);
            if !(is_stated || has_default || is_identity || self.findings.is_late(&inside)) {
                self.findings.wrong(inside, "its CRD requires it");
            }
        }
    }

    fn items(&mut self, schema: &Json, items: &[Json], path: &Path, depth: usize) {
        self.sized(schema, items.len(), path, ("minItems", "maxItems"), "items");
        if let Some(of_item) = schema.get("items").filter(|it| it.is_object()) {
            for (place, item) in items.iter().enumerate() {
                self.value(of_item, item, &element(path, place), depth + 1);
            }
        }
        let keys: Vec<&str> = match text(schema, &["x-kubernetes-list-type"]) {
            "map" => list(schema, &["x-kubernetes-list-map-keys"]).iter().filter_map(Json::as_str).collect(),
            "set" => Vec::new(),
            _ if is(schema, "uniqueItems") => Vec::new(),
            _ => return,
        };
        let mut seen = std::collections::BTreeSet::new();
        for (place, item) in items.iter().enumerate() {
            let key = match keys.as_slice() {
                [] => item.to_string(),
                keys => keys.iter().map(|key| self.key_of(schema, item, key)).collect::<Vec<_>>().join(", "),
            };
            if !seen.insert(key.clone()) {
                let at = element(path, place);
                let said = if self.findings.is_secret(&at) { String::new() } else { format!(" ({key})") };
                self.findings.wrong(at, format!("an item like it is in the list already{said}"));
            }
        }
    }

    fn key_of(&self, schema: &Json, item: &Json, key: &str) -> String {
        let default = || at(schema, &["items", "properties", key, "default"]);
        let value = item.get(key).filter(|it| !it.is_null()).or_else(default);
        format!("{key}={}", value.map_or_else(String::new, Json::to_string))
    }

    /// Whether the value has the type; only then is it looked at further.
    fn typed(&mut self, schema: &Json, value: &Json, path: &Path) -> bool {
        let (is_fine, wanted) = if is(schema, "x-kubernetes-int-or-string") {
            (value.is_string() || value.is_i64() || value.is_u64(), "a whole number or text")
        } else {
            match text(schema, &["type"]) {
                "object" => (value.is_object(), "a map"),
                "array" => (value.is_array(), "a list"),
                "string" => (value.is_string(), "text: put it into quotes"),
                "boolean" => (value.is_boolean(), "`true` or `false`"),
                "integer" => (
                    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|it| it.fract() == 0.0),
                    "a whole number",
                ),
                "number" => (value.is_number(), "a number"),
                _ => (true, ""),
            }
        };
        if !is_fine {
            let said = self.findings.quoted(path, value);
            self.findings.wrong(path.clone(), format!("{said} must be {wanted}"));
        }
        is_fine
    }

    fn chosen(&mut self, schema: &Json, value: &Json, path: &Path) {
        let Some(words) = schema.get("enum").and_then(Json::as_array) else { return };
        if !words.contains(value) {
            let list: Vec<String> = words.iter().take(12).map(Json::to_string).collect();
            let said = self.findings.quoted(path, value);
            self.findings.wrong(path.clone(), format!("{said} must be one of {}", list.join(", ")));
        }
    }

    fn sized(&mut self, schema: &Json, size: usize, path: &Path, bounds: (&str, &str), what: &str) {
        let bound = |key: &str| schema.get(key).and_then(Json::as_u64).and_then(|it| usize::try_from(it).ok());
        if let Some(least) = bound(bounds.0).filter(|least| size < *least) {
            self.findings.wrong(path.clone(), format!("it has {size} {what}, and must have {least} or more"));
        }
        if let Some(most) = bound(bounds.1).filter(|most| size > *most) {
            self.findings.wrong(path.clone(), format!("it has {size} {what}, and may have {most}"));
        }
    }

    fn pattern(&mut self, schema: &Json, value: &str, path: &Path) {
        let pattern = text(schema, &["pattern"]);
        if pattern.is_empty() {
            return;
        }
        match Regex::new(pattern) {
            Ok(regex) if regex.is_match(value) => {}
            Ok(_) => {
                let said = self.findings.quoted(path, &Json::from(value));
                self.findings.wrong(path.clone(), format!("{said} does not match `{pattern}`"));
            }
            Err(_) => self.findings.unchecked("a pattern of its CRD cannot be checked here"),
        }
    }

    fn number(&mut self, schema: &Json, value: f64, path: &Path) {
        let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
        let low =
            bound("minimum").filter(|least| value < *least || (value <= *least && is(schema, "exclusiveMinimum")));
        let high = bound("maximum").filter(|most| value > *most || (value >= *most && is(schema, "exclusiveMaximum")));
        let off = bound("multipleOf").filter(|it| *it > 0.0 && ((value / it).round() * it - value).abs() > 1e-9);
        if self.findings.is_secret(path) && (low.is_some() || high.is_some() || off.is_some()) {
            self.findings.wrong(path.clone(), "the secret value is out of bounds");
            return;
        }
        if let Some(least) = low {
            self.findings.wrong(path.clone(), format!("{value} is less than {least}"));
        }
        if let Some(most) = high {
            self.findings.wrong(path.clone(), format!("{value} is more than {most}"));
        }
        if let Some(of) = off {
            self.findings.wrong(path.clone(), format!("{value} is no multiple of {of}"));
        }
    }

    /// `allOf`, `anyOf`, `oneOf` and `not`.
    fn combined(&mut self, schema: &Json, value: &Json, path: &Path, depth: usize) {
        for part in list(schema, &["allOf"]) {
            self.value(part, value, path, depth + 1);
        }
        for (word, wanted) in [("anyOf", "at least one"), ("oneOf", "exactly one")] {
            let parts = list(schema, &[word]);
            if parts.is_empty() {
                continue;
            }
            let fitting = parts.iter().filter(|part| self.fits(part, value, path, depth)).count();
            if fitting == 0 || (word == "oneOf" && fitting > 1) {
                self.findings
                    .wrong(path.clone(), format!("it fits {fitting} of {} forms, and must fit {wanted}", parts.len()));
            }
        }
        if schema.get("not").is_some_and(|part| self.fits(part, value, path, depth)) {
            self.findings.wrong(path.clone(), "it has a form that its CRD forbids");
        }
    }

    fn fits(&self, schema: &Json, value: &Json, path: &Path, depth: usize) -> bool {
        let mut findings = Findings { desired: self.findings.desired, wrong: Vec::new(), unchecked: Vec::new() };
        // Forms say nothing of the fields that they do not name.
        Checking { findings: &mut findings, keeps_unknown: true }.value(schema, value, path, depth + 1);
        findings.wrong.is_empty()
    }

    fn rules(&mut self, schema: &Json) {
        if schema.get("x-kubernetes-validations").is_some() {
            self.findings.unchecked("its CRD has rules in CEL, which only the server checks");
        }
    }
}
