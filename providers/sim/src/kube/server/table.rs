//! Objects as tables, for people.

use serde_json::{Value, json};

use super::call::Call;
use super::{read, text};
use crate::kube::kinds::Resource;

/// One column: its name, its type, and what stands in it.
type Column = (&'static str, &'static str, fn(&Value) -> Value);

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn length(object: &Value, pointer: &str) -> usize {
    match object.pointer(pointer) {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(items)) => items.len(),
        _ => 0,
    }
}

fn of_total(object: &Value, ready: &str, total: &str) -> Value {
    json!(format!("{}/{}", number(object, ready), number(object, total)))
}

/// The columns of a built-in kind behind its name.
fn columns(kind: &str) -> Vec<Column> {
    match kind {
        "Pod" => vec![
            ("Ready", "string", pod_ready),
            ("Status", "string", pod_status),
            ("Restarts", "string", |_| json!("0")),
        ],
        "Deployment" => vec![
            ("Ready", "string", |object| of_total(object, "/status/readyReplicas", "/spec/replicas")),
            ("Up-to-date", "integer", |object| json!(number(object, "/status/updatedReplicas"))),
            ("Available", "integer", |object| json!(number(object, "/status/availableReplicas"))),
        ],
        "StatefulSet" => {
            vec![("Ready", "string", |object| of_total(object, "/status/readyReplicas", "/spec/replicas"))]
        }
        "DaemonSet" => vec![
            ("Desired", "integer", |object| json!(number(object, "/status/desiredNumberScheduled"))),
            ("Current", "integer", |object| json!(number(object, "/status/currentNumberScheduled"))),
            ("Ready", "integer", |object| json!(number(object, "/status/numberReady"))),
            ("Up-to-date", "integer", |object| json!(number(object, "/status/updatedNumberScheduled"))),
            ("Available", "integer", |object| json!(number(object, "/status/numberAvailable"))),
        ],
        "ReplicaSet" => vec![
            ("Desired", "integer", |object| json!(number(object, "/spec/replicas"))),
            ("Current", "integer", |object| json!(number(object, "/status/replicas"))),
            ("Ready", "integer", |object| json!(number(object, "/status/readyReplicas"))),
        ],
        "Service" => vec![
            ("Type", "string", |object| json!(text(object, "/spec/type"))),
            ("Cluster-IP", "string", |object| json!(text(object, "/spec/clusterIP"))),
            ("External-IP", "string", external),
            ("Port(s)", "string", ports),
        ],
        "Namespace" => vec![("Status", "string", |object| json!(text(object, "/status/phase")))],
        "Node" => vec![
            ("Status", "string", |object| json!(if condition(object, "Ready") { "Ready" } else { "NotReady" })),
            ("Roles", "string", |_| json!("<none>")),
            ("Version", "string", |object| json!(text(object, "/status/nodeInfo/kubeletVersion"))),
        ],
        "ConfigMap" => {
            vec![("Data", "integer", |object| json!(length(object, "/data") + length(object, "/binaryData")))]
        }
        "Secret" => vec![
            ("Type", "string", |object| json!(text(object, "/type"))),
            ("Data", "integer", |object| json!(length(object, "/data"))),
        ],
        "ServiceAccount" => vec![("Secrets", "integer", |object| json!(length(object, "/secrets")))],
        "PersistentVolumeClaim" => vec![
            ("Status", "string", |object| json!(text(object, "/status/phase"))),
            ("Volume", "string", |object| json!(text(object, "/spec/volumeName"))),
            ("Capacity", "string", |object| json!(text(object, "/status/capacity/storage"))),
            ("StorageClass", "string", |object| json!(text(object, "/spec/storageClassName"))),
        ],
        "Job" => vec![
            ("Status", "string", |object| json!(if condition(object, "Complete") { "Complete" } else { "Running" })),
            ("Completions", "string", |object| of_total(object, "/status/succeeded", "/spec/completions")),
        ],
        "RoleBinding" | "ClusterRoleBinding" => {
            vec![("Role", "string", |object| {
                json!(format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name")))
            })]
        }
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            vec![("Webhooks", "integer", |object| json!(length(object, "/webhooks")))]
        }
        "CustomResourceDefinition" => vec![],
        _ => vec![],
    }
}

fn condition(object: &Value, kind: &str) -> bool {
    crate::kube::definitions::is(object, kind)
}

fn pod_ready(pod: &Value) -> Value {
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let ready = statuses.map_or(0, |all| all.iter().filter(|one| one.get("ready") == Some(&Value::Bool(true))).count());
    json!(format!("{ready}/{}", length(pod, "/spec/containers")))
}

fn pod_status(pod: &Value) -> Value {
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return json!("Terminating");
    }
    let waiting = pod.pointer("/status/containerStatuses/0/state/waiting/reason").and_then(Value::as_str);
    json!(waiting.unwrap_or_else(|| text(pod, "/status/phase")))
}

fn external(service: &Value) -> Value {
    match text(service, "/spec/type") {
        "LoadBalancer" => {
            json!(service.pointer("/status/loadBalancer/ingress/0/ip").and_then(Value::as_str).unwrap_or("<pending>"))
        }
        "ExternalName" => json!(text(service, "/spec/externalName")),
        _ => json!("<none>"),
    }
}

fn ports(service: &Value) -> Value {
    let all = service.pointer("/spec/ports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let shown = all.iter().map(|port| {
        let node = number(port, "/nodePort");
        let node = if node == 0 { String::new() } else { format!(":{node}") };
        format!("{}{node}/{}", number(port, "/port"), text(port, "/protocol"))
    });
    let shown: Vec<String> = shown.collect();
    json!(if shown.is_empty() { "<none>".to_owned() } else { shown.join(",") })
}

/// How long ago, as people say it.
fn age(time: &str, now: u64) -> String {
    let Some(then) = crate::kube::time::parse(time) else { return "<unknown>".into() };
    let seconds = now.saturating_sub(then) / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if seconds % 60 != 0 => format!("{minutes}m{}s", seconds % 60),
        120..10_800 => format!("{minutes}m"),
        10_800..28_800 if minutes % 60 != 0 => format!("{hours}h{}m", minutes % 60),
        10_800..172_800 => format!("{hours}h"),
        172_800..691_200 if hours % 24 != 0 => format!("{days}d{}h", hours % 24),
        _ => format!("{days}d"),
    }
}

/// The table of some objects.
pub(crate) fn table(call: &Call<'_>, objects: &[&Value], meta: Value, with_columns: bool) -> Value {
    let mut out = of(&call.resource, &call.path.version, objects, (meta, with_columns), call.now);
    if call.parameter("includeObject") == Some("Object") {
        let rows = out.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten();
        for (row, object) in rows.zip(objects) {
            if let Some(row) = row.as_object_mut() {
                row.insert("object".into(), (*object).clone());
            }
        }
    }
    out
}

/// The table of some objects of a kind.
pub(crate) fn of(
    resource: &Resource,
    version: &str,
    objects: &[&Value],
    (meta, with_columns): (Value, bool),
    now: u64,
) -> Value {
    let own = if resource.custom { Vec::new() } else { columns(&resource.kind) };
    let printed = resource.version(version).map(|version| version.columns.as_slice()).unwrap_or_default();
    let mut definitions = vec![
        json!({"name": "Name", "type": "string", "format": "name", "description": "Name of the object.", "priority": 0}),
    ];
    definitions
        .extend(own.iter().map(
            |(name, kind, _)| json!({"name": name, "type": kind, "format": "", "description": "", "priority": 0}),
        ));
    for column in printed {
        definitions.push(json!({
            "name": text(column, "/name"), "type": text(column, "/type"), "format": text(column, "/format"),
            "description": text(column, "/description"), "priority": number(column, "/priority"),
        }));
    }
    let stated_age = printed.iter().any(|column| text(column, "/name").eq_ignore_ascii_case("age"));
    let created = matches!(resource.kind.as_str(), "CustomResourceDefinition" | "Role" | "ClusterRole");
    if !stated_age {
        let name = if created && !resource.custom { "Created At" } else { "Age" };
        let kind = if created && !resource.custom { "date" } else { "string" };
        definitions.push(json!({"name": name, "type": kind, "format": "", "description": "", "priority": 0}));
    }
    let rows = objects.iter().map(|object| {
        let mut cells = vec![json!(text(object, "/metadata/name"))];
        cells.extend(own.iter().map(|(_, _, cell)| cell(object)));
        cells.extend(printed.iter().map(|column| {
            let value = at_path(object, text(column, "/jsonPath"));
            match (text(column, "/type"), value) {
                ("date", Some(Value::String(time))) => json!(age(time, now)),
                (_, value) => value.cloned().unwrap_or_default(),
            }
        }));
        if !stated_age {
            let time = text(object, "/metadata/creationTimestamp");
            cells.push(json!(if created && !resource.custom { time.to_owned() } else { age(time, now) }));
        }
        json!({"cells": cells, "object": read::partial(object)})
    });
    let mut out =
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "rows": rows.collect::<Vec<_>>()});
    if let Some(map) = out.as_object_mut() {
        map.insert("columnDefinitions".into(), if with_columns { Value::Array(definitions) } else { Value::Null });
    }
    out
}

/// Follows `.spec.a.b[0]` and `.status.conditions[?(@.type=="Ready")].status`.
pub(crate) fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = object;
    let mut rest = path.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (filter, after) = inner.split_once(']')?;
            let items = at.as_array()?;
            at = match filter.strip_prefix("?(@.").and_then(|filter| filter.strip_suffix(')')) {
                Some(condition) => {
                    let (key, wanted) = condition.split_once("==")?;
                    let wanted = wanted.trim().trim_matches(['"', '\'']);
                    items.iter().find(|item| item.get(key.trim()).and_then(Value::as_str) == Some(wanted))?
                }
                None => items.get(filter.parse::<usize>().ok()?)?,
            };
            rest = after.trim_start_matches('.');
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, after) = rest.split_at_checked(end)?;
        at = at.get(key)?;
        rest = after.trim_start_matches('.');
    }
    Some(at)
}
