//! What the server takes, but warns of.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{list, map, text};
use crate::kube::kinds::Resource;

/// Labels of nodes that have newer names.
const OLD_LABELS: [(&str, &str); 5] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
];

/// What is warned of in an object as it is kept: of a new one, or of one whose wants have changed.
pub(crate) fn of(resource: &Resource, minor: u32, object: &Value, live: Option<&Value>) -> Vec<String> {
    let (field, template) = match resource.kind.as_str() {
        _ if resource.custom => return Vec::new(),
        "Pod" if live.is_none() => ("", Some(object)),
        "Deployment" | "DaemonSet" | "StatefulSet" | "ReplicaSet" | "Job" => {
            ("spec.template.", object.pointer("/spec/template"))
        }
        "CronJob" => ("spec.jobTemplate.spec.template.", object.pointer("/spec/jobTemplate/spec/template")),
        _ => return Vec::new(),
    };
    let generation = |object: &Value| object.pointer("/metadata/generation").cloned();
    if live.is_some_and(|live| generation(live) == generation(object)) {
        return Vec::new();
    }
    template.map(|template| pods(field, template, minor)).unwrap_or_default()
}

fn pods(field: &str, template: &Value, minor: u32) -> Vec<String> {
    let mut out = Vec::new();
    for (label, what) in OLD_LABELS {
        if map(template, "/spec/nodeSelector").is_some_and(|selector| selector.contains_key(label)) {
            out.push(format!("{field}spec.nodeSelector[{label}]: {what}"));
        }
    }
    if minor < 28 {
        return out;
    }
    let containers: Vec<(String, &Value)> = ["initContainers", "containers"]
        .iter()
        .flat_map(|kind| {
            let all = list(template, &format!("/spec/{kind}")).iter().enumerate();
            all.map(move |(index, container)| (format!("{field}spec.{kind}[{index}]"), container))
        })
        .collect();
    for (path, container) in &containers {
        variables(path, container, &mut out);
    }
    ports(&containers, &mut out);
    if minor >= 31 {
        port_names(&containers, &mut out);
    }
    selectors(field, template, &mut out);
    out
}

/// Variables of one name, of which the later hides the earlier.
fn variables(path: &str, container: &Value, out: &mut Vec<String>) {
    let all = list(container, "/env");
    for (index, variable) in all.iter().enumerate() {
        let name = text(variable, "/name");
        let seen = all.iter().take(index).any(|earlier| text(earlier, "/name") == name);
        let (value, own) = (text(variable, "/value"), format!("$({name})"));
        if seen && (variable.get("valueFrom").is_some() || value == own || !value.contains(&own)) {
            let what = "which may be dropped when using apply";
            out.push(format!("{path}.env[{index}]: hides previous definition of {name:?}, {what}"));
        }
    }
}

/// Ports that several containers of a pod open.
fn ports(containers: &[(String, &Value)], out: &mut Vec<String>) {
    let mut seen: BTreeMap<String, Vec<(String, &Value)>> = BTreeMap::new();
    for (path, container) in containers {
        for (index, port) in list(container, "/ports").iter().enumerate() {
            let here = format!("{path}.ports[{index}]");
            let key = json!([port.get("containerPort"), port.get("protocol")]).to_string();
            let address = |port: &Value| text(port, "/hostIP").to_owned();
            let host = |port: &Value| port.get("hostPort").and_then(Value::as_u64).unwrap_or(0);
            for (there, other) in seen.get(&key).into_iter().flatten() {
                let how = if (address(port), host(port)) == (address(other), host(other)) {
                    "duplicate"
                } else if host(port) == 0 || host(other) == 0 {
                    "overlapping"
                } else if host(port) == host(other) && address(port).is_empty() != address(other).is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                out.push(format!("{here}: {how} port definition with {there}"));
            }
            seen.entry(key).or_default().push((here, port));
        }
    }
}

fn port_names(containers: &[(String, &Value)], out: &mut Vec<String>) {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for (path, container) in containers {
        for (index, port) in list(container, "/ports").iter().enumerate() {
            let (name, here) = (text(port, "/name"), format!("{path}.ports[{index}]"));
            if name.is_empty() {
                continue;
            }
            match seen.get(name) {
                Some(there) => out.push(format!(
                    "{here}: duplicate port name {name:?} with {there}, services and probes that select ports by name will use {there}"
                )),
                None => {
                    seen.insert(name, here);
                }
            }
        }
    }
}

/// Terms that choose no pod at all.
fn selectors(field: &str, template: &Value, out: &mut Vec<String>) {
    let mut missing = |path: String, term: Option<&Value>| {
        if term.is_some_and(|term| term.get("labelSelector").is_none_or(Value::is_null)) {
            out.push(format!("{path}.labelSelector: a null labelSelector results in matching no pod"));
        }
    };
    for (index, term) in list(template, "/spec/topologySpreadConstraints").iter().enumerate() {
        missing(format!("{field}spec.topologySpreadConstraints[{index}]"), Some(term));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (must, may) =
            ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
        for (index, term) in list(template, &format!("/spec/affinity/{kind}/{must}")).iter().enumerate() {
            missing(format!("{field}spec.affinity.{kind}.{must}[{index}]"), Some(term));
        }
        for (index, term) in list(template, &format!("/spec/affinity/{kind}/{may}")).iter().enumerate() {
            let path = format!("{field}spec.affinity.{kind}.{may}[{index}].podAffinityTerm");
            missing(path, term.get("podAffinityTerm"));
        }
    }
}
