//! Says every difference between a recorded answer and the world's.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::replay::Played;

/// One place where they differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// `status`, `header:NAME`, or a JSON pointer into the body.
    pub(crate) path: String,
    /// What was recorded; nothing where it is not in the recording.
    pub(crate) recorded: Option<Value>,
    /// What the world answered.
    pub(crate) answered: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "absent".to_owned(), short);
        write!(out, "{}: recorded {}, answered {}", self.path, show(&self.recorded), show(&self.answered))
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(160).collect()
}

/// All differences of one exchange.
pub(crate) fn differences(played: &Played) -> Vec<Difference> {
    let mut found = Vec::new();
    let (recorded, answered) = (&played.recorded, &played.answered);
    if recorded.status != answered.status {
        let status = |status: u16| Some(Value::from(status));
        found.push(Difference {
            path: "status".into(),
            recorded: status(recorded.status),
            answered: status(answered.status),
        });
    }
    let kept = ["location", "azure-asyncoperation", "retry-after", "etag", "date"];
    let own = answered.headers.iter().map(|(name, _)| name.as_str());
    let own = own.filter(|name| kept.contains(name) || name.starts_with("x-ms-ratelimit-remaining-"));
    let names: BTreeSet<&str> = recorded.response_headers.keys().map(String::as_str).chain(own).collect();
    for name in names {
        let one = recorded.response_headers.get(name).map(|value| Value::from(value.as_str()));
        let other = answered.header(name).map(Value::from);
        if one != other {
            found.push(Difference { path: format!("header:{name}"), recorded: one, answered: other });
        }
    }
    walk("", Some(&opened(recorded.response_body.clone())), Some(&opened(answered.value())), &mut found);
    found
}

/// The same body with its kubeconfig, if it has one, as a list of lines.
fn opened(mut body: Value) -> Value {
    if let Some(value) = body.pointer_mut("/kubeconfigs/0/value") {
        let text = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
        *value = String::from_utf8_lossy(&text).lines().map(Value::from).collect();
    }
    body
}

fn walk(path: &str, recorded: Option<&Value>, answered: Option<&Value>, found: &mut Vec<Difference>) {
    match (recorded, answered) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let step = key.replace('~', "~0").replace('/', "~1");
                walk(&format!("{path}/{step}"), one.get(key), other.get(key), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                walk(&format!("{path}/{index}"), Some(one), Some(other), found);
            }
        }
        (one, other) if one == other => {}
        (one, other) => {
            found.push(Difference { path: path.to_owned(), recorded: one.cloned(), answered: other.cloned() });
        }
    }
}
