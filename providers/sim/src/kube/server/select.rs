//! Selectors of labels and fields.

use serde_json::{Map, Value};

use super::call::Call;
use super::text;
use crate::kube::status::{Outcome, Refusal};

/// What labels must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Greater,
    Less,
}

impl Labels {
    /// Reads `a=b,c!=d,e in (f,g),h,!i`.
    pub(crate) fn parse(selector: &str) -> Result<Labels, String> {
        let mut out = Vec::new();
        for part in split(selector) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            if part.starts_with("!!") {
                return Err("unable to parse requirement: found '!', expected: identifier".into());
            }
            out.push(
                requirement(part)
                    .ok_or_else(|| format!("unable to parse requirement: found '{part}', expected: a selector"))?,
            );
        }
        Ok(Labels(out))
    }

    /// The selector of an object: `matchLabels` and `matchExpressions`.
    pub(crate) fn of_selector(selector: &Value) -> Labels {
        let mut out = Vec::new();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            out.push(Requirement {
                key: key.clone(),
                operator: Operator::In,
                values: vec![value.as_str().unwrap_or_default().to_owned()],
            });
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let operator = match text(expression, "/operator") {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                _ => Operator::DoesNotExist,
            };
            let values =
                expression.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            out.push(Requirement {
                key: text(expression, "/key").to_owned(),
                operator,
                values: values.map(str::to_owned).collect(),
            });
        }
        Labels(out)
    }

    pub(crate) fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.0.iter().all(|one| {
            let value = labels.and_then(|labels| labels.get(&one.key)).and_then(Value::as_str);
            let number = |text: &str| text.parse::<i64>().ok();
            let compared = || Some((number(value?)?, number(one.values.first()?)?));
            match one.operator {
                Operator::In => value.is_some_and(|value| one.values.iter().any(|one| one == value)),
                Operator::NotIn => value.is_none_or(|value| one.values.iter().all(|one| one != value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
                Operator::Greater => compared().is_some_and(|(value, bound)| value > bound),
                Operator::Less => compared().is_some_and(|(value, bound)| value < bound),
            }
        })
    }
}

/// Splits at commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                out.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    out.extend(text.get(start..));
    out
}

fn requirement(part: &str) -> Option<Requirement> {
    let make = |key: &str, operator, values: Vec<String>| {
        let key = key.trim();
        (!key.is_empty() && !key.contains(char::is_whitespace)).then(|| Requirement {
            key: key.to_owned(),
            operator,
            values,
        })
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, value)) = part.split_once("!=") {
        return make(key, Operator::NotIn, one(value));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return make(key, Operator::In, one(value));
    }
    if let Some((head, list)) = part.split_once('(') {
        let values = list.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        let (key, word) = (words.next()?, words.next()?);
        return match word {
            "in" => make(key, Operator::In, values),
            "notin" => make(key, Operator::NotIn, values),
            _ => None,
        };
    }
    for (sign, operator) in [('>', Operator::Greater), ('<', Operator::Less)] {
        if let Some((key, value)) = part.split_once(sign) {
            return make(key, operator, one(value));
        }
    }
    match part.strip_prefix('!') {
        Some(key) => make(key, Operator::DoesNotExist, Vec::new()),
        None => make(part, Operator::Exists, Vec::new()),
    }
}

/// What a list, a watch, or a delete of many is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    labels: Labels,
    /// Pointer, value, and whether it must be equal.
    fields: Vec<(String, String, bool)>,
}

impl Selection {
    pub(crate) fn of(call: &Call<'_>) -> Outcome<Selection> {
        let labels = Labels::parse(call.parameter("labelSelector").unwrap_or_default()).map_err(Refusal::bad)?;
        let mut fields = Vec::new();
        for part in call.parameter("fieldSelector").unwrap_or_default().split(',').filter(|part| !part.is_empty()) {
            let (key, value, equal) = match part.split_once("!=") {
                Some((key, value)) => (key, value, false),
                None => match part.split_once("==").or_else(|| part.split_once('=')) {
                    Some((key, value)) => (key, value, true),
                    None => return Err(Refusal::bad(format!("invalid selector: '{part}'; can't understand '{part}'"))),
                },
            };
            if !is_known(call, key) {
                return Err(Refusal::bad(unknown_field(call, key)));
            }
            let pointer = format!("/{}", key.replace('.', "/"));
            fields.push((pointer, value.to_owned(), equal));
        }
        if !call.path.name.is_empty() {
            fields.push(("/metadata/name".into(), call.path.name.clone(), true));
        }
        Ok(Selection { labels, fields })
    }

    pub(crate) fn takes(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
        self.labels.matches(labels)
            && self.fields.iter().all(|(pointer, wanted, equal)| {
                let found = match object.pointer(pointer) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Null) | None => String::new(),
                    Some(other) => other.to_string(),
                };
                (found == *wanted) == *equal
            })
    }
}

/// What is said of a field by which a kind cannot be selected.
fn unknown_field(call: &Call<'_>, key: &str) -> String {
    let listed = matches!(
        call.resource.kind.as_str(),
        "Pod"
            | "Event"
            | "Secret"
            | "Namespace"
            | "Node"
            | "Job"
            | "Service"
            | "ReplicaSet"
            | "ReplicationController"
            | "CertificateSigningRequest"
    );
    if call.resource.custom || listed {
        return format!("field label not supported: {key}");
    }
    format!("{key:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
}

/// Fields by which a kind can be selected.
fn is_known(call: &Call<'_>, key: &str) -> bool {
    if matches!(key, "metadata.name" | "metadata.namespace") {
        return true;
    }
    if call.resource.custom {
        return false;
    }
    let known: &[&str] = match call.resource.kind.as_str() {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Secret" => &["type"],
        "Namespace" => &["status.phase"],
        "Node" => &["spec.unschedulable"],
        "Job" => &["status.successful"],
        "Service" => &["spec.clusterIP", "spec.type"],
        "ReplicaSet" | "ReplicationController" => &["status.replicas"],
        "CertificateSigningRequest" => &["spec.signerName"],
        _ => &[],
    };
    known.contains(&key)
}
