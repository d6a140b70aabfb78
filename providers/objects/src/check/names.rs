//! Names, labels and annotations.
//!
//! Source: `apimachinery/pkg/util/validation` of Kubernetes 1.34.

use kfplan_model::Path;
use kfplan_plan::ObjectLocator;
use serde_json::Value as Json;

use super::Findings;
use crate::identity::{at, name_of};

/// The largest size of all annotations of an object together.
const ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check(findings: &mut Findings<'_>, place: &ObjectLocator) {
    let body = &findings.desired.body;
    let name = name_of(body);
    if let Some(rule) = wrong_name(place, name) {
        findings.wrong(Path::keys(["metadata", "name"]), format!("`{name}` {rule}"));
    }
    if let Some(namespace) = place.namespace.as_deref().filter(|it| !is_label(it)) {
        let message = format!("`{namespace}` must be lower-case letters, digits and `-`, at most 63 of them");
        findings.wrong(Path::keys(["metadata", "namespace"]), message);
    }
    for field in ["labels", "annotations"] {
        let Some(found) = at(&findings.desired.body, &["metadata", field]) else { continue };
        let path = Path::keys(["metadata", field]);
        match found {
            Json::Object(map) => map.iter().for_each(|(key, value)| pair(findings, field, &path.key(key), key, value)),
            Json::Null => {}
            _ => findings.wrong(path.clone(), "it must be a map of texts"),
        }
        let size: usize = found
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
            .sum();
        if field == "annotations" && size > ANNOTATIONS {
            findings.wrong(path, format!("annotations take {size} bytes, and may take {ANNOTATIONS}"));
        }
    }
}

fn pair(findings: &mut Findings<'_>, field: &str, path: &Path, key: &str, value: &Json) {
    if !is_qualified(key) {
        findings.wrong(
            path.clone(),
            "the key must be `NAME` or `DNS.NAME/NAME`, the name at most 63 letters, digits, `-`, `_` and `.`",
        );
    }
    match value {
        Json::String(text) if field == "labels" && !is_label_value(text) => {
            let said = findings.quoted(path, value);
            findings.wrong(path.clone(), format!("{said} must be at most 63 letters, digits, `-`, `_` and `.`, and begin and end with a letter or digit"));
        }
        Json::String(_) => {}
        Json::Null if findings.is_late(path) => {}
        other => {
            let said = findings.quoted(path, other);
            findings.wrong(path.clone(), format!("{said} must be text: put it into quotes"));
        }
    }
}

fn wrong_name(place: &ObjectLocator, name: &str) -> Option<&'static str> {
    let is_fine = match (place.group.as_str(), place.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) => {
            return (matches!(name, "." | "..") || name.contains(['/', '%']))
                .then_some("must not hold `/` or `%`, nor be `.` or `..`");
        }
        ("", "Namespace") => is_label(name),
        ("", "Service") => is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        _ => {
            return (!is_subdomain(name)).then_some(
                "must be lower-case letters, digits, `-` and `.`, and begin and end with a letter or digit",
            );
        }
    };
    (!is_fine).then_some("must be at most 63 lower-case letters, digits and `-`, and begin with a letter")
}

fn ends_well(text: &str, plain: fn(char) -> bool) -> bool {
    text.starts_with(plain) && text.ends_with(plain)
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63 && ends_well(text, is_lower) && text.chars().all(|c| is_lower(c) || c == '-')
}

pub(super) fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| ends_well(part, is_lower) && part.chars().all(|c| is_lower(c) || c == '-');
    text.len() <= 253 && text.split('.').all(part)
}

fn is_label_value(text: &str) -> bool {
    text.is_empty()
        || (text.len() <= 63
            && ends_well(text, is_alphanumeric)
            && text.chars().all(|c| is_alphanumeric(c) || matches!(c, '-' | '_' | '.')))
}

fn is_qualified(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(&prefix.to_lowercase()) && !name.is_empty() && is_label_value(name),
        None => !key.is_empty() && is_label_value(key),
    }
}
