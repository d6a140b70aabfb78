//! Another value in place of one.

use base64::Engine as _;
use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::edit::{Edit, edited, pointer};

const OTHERS: &[(&str, &str)] = &[
    ("IfNotPresent", "Always"),
    ("Always", "IfNotPresent"),
    ("TCP", "UDP"),
    ("UDP", "TCP"),
    ("Fail", "Ignore"),
    ("Ignore", "Fail"),
    ("None", "NoneOnDryRun"),
    ("NoneOnDryRun", "None"),
    ("Equivalent", "Exact"),
    ("Exact", "Equivalent"),
    ("ClusterFirst", "Default"),
    ("HTTP", "HTTPS"),
    ("HTTPS", "HTTP"),
    ("STRICT", "PERMISSIVE"),
    ("PERMISSIVE", "STRICT"),
    ("ISTIO_MUTUAL", "DISABLE"),
    ("DISABLE", "ISTIO_MUTUAL"),
    ("ALLOW", "DENY"),
    ("DENY", "ALLOW"),
    ("Ingress", "Egress"),
    ("ServiceAccount", "User"),
    ("ClusterIP", "NodePort"),
    ("RuntimeDefault", "Unconfined"),
    ("File", "FallbackToLogsOnError"),
    ("Utilization", "AverageValue"),
    ("Helm", "Kustomize"),
    ("true", "false"),
    ("false", "true"),
];

/// Another value of the same type; `None` for what has no obvious one.
pub(super) fn other(value: &Json, is_base64: bool, chance: &mut Chance) -> Option<Json> {
    match value {
        Json::Bool(value) => Some(json!(!value)),
        Json::Number(number) => {
            let step = [1, 2, -1, 10].get(chance.below(4)).copied().unwrap_or(1);
            let other = number.as_i64().map(|number| json!(number.saturating_add(step)));
            other.or_else(|| number.as_f64().map(|number| json!(number + 0.5)))
        }
        Json::String(_) if is_base64 => {
            let text = format!("changed-{}", chance.below(1000));
            Some(json!(base64::engine::general_purpose::STANDARD.encode(text)))
        }
        Json::String(text) => Some(json!(other_text(text, chance))),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn other_text(text: &str, chance: &mut Chance) -> String {
    let known = OTHERS.iter().find(|(from, _)| *from == text).map(|(_, to)| (*to).to_owned());
    if let Some(known) = known.filter(|_| !chance.once_in(4)) {
        return known;
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if let Ok(number) = digits.parse::<u64>()
        && !chance.once_in(4)
    {
        return format!("{}{rest}", number.saturating_add(1));
    }
    match chance.below(4) {
        0 => format!("{text}x"),
        1 => format!("{text}-changed"),
        2 => format!("changed-{text}"),
        _ => format!("{text}{}", chance.below(100)),
    }
}

/// The pointers of all scalars in a value for which `wanted` holds of their key.
pub(super) fn scalars(value: &Json, wanted: &dyn Fn(&str) -> bool) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut path = Vec::new();
    collect(value, "", wanted, &mut path, &mut found);
    found
}

fn collect(
    value: &Json,
    key: &str,
    wanted: &dyn Fn(&str) -> bool,
    path: &mut Vec<String>,
    found: &mut Vec<Vec<String>>,
) {
    let mut inside = |token: String, key: &str, value: &Json, found: &mut Vec<Vec<String>>| {
        path.push(token);
        collect(value, key, wanted, path, found);
        path.pop();
    };
    match value {
        Json::Object(map) => map.iter().for_each(|(name, value)| inside(name.clone(), name, value, found)),
        Json::Array(list) => {
            list.iter().enumerate().for_each(|(place, value)| inside(place.to_string(), key, value, found));
        }
        Json::Null => {}
        _ if wanted(key) => found.push(path.clone()),
        _ => {}
    }
}

/// The same list or map with one scalar in it changed.
pub(super) fn changed_inside(value: &Json, wanted: &dyn Fn(&str) -> bool, chance: &mut Chance) -> Option<Json> {
    let places = scalars(value, wanted);
    let place = chance.pick(&places)?;
    let other = other(value.pointer(&pointer(place))?, false, chance)?;
    edited(value, &[Edit::Set(place.clone(), other)])
}
