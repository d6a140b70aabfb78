//! Nobody hands out rights that he does not have.

use serde_json::Value;

use super::access::{User, Wish, may};
use super::call::Call;
use super::text;
use crate::kube::cluster::Cluster;
use crate::kube::status::{Outcome, Refusal};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Refuses a role or a binding that would give more than its writer has.
pub(crate) fn check(cluster: &Cluster, call: &Call<'_>, object: &Value, before: Option<&Value>) -> Outcome<()> {
    if call.path.group != GROUP || call.user.groups.iter().any(|group| group == "system:masters") {
        return Ok(());
    }
    let namespace = call.path.namespace.as_str();
    let (rules, verb, plural, name) = match call.resource.kind.as_str() {
        "Role" | "ClusterRole" => {
            if before.is_some_and(|before| before.get("rules") == object.get("rules")) {
                return Ok(());
            }
            (object.get("rules").cloned(), "escalate", call.resource.plural.as_str(), call.path.name.as_str())
        }
        "RoleBinding" | "ClusterRoleBinding" => {
            let name = text(object, "/roleRef/name");
            let (plural, from) = match text(object, "/roleRef/kind") {
                "ClusterRole" => ("clusterroles", ""),
                _ => ("roles", namespace),
            };
            let role = cluster.object(&format!("{GROUP}/{plural}"), from, name);
            if before.is_some_and(|before| before.get("subjects") == object.get("subjects")) {
                return Ok(());
            }
            (role.and_then(|role| role.get("rules")).cloned(), "bind", plural, name)
        }
        _ => return Ok(()),
    };
    if may(cluster, &call.user, &Wish { verb, group: GROUP, resource: plural, name, namespace }) {
        return Ok(());
    }
    let missing: Vec<String> = rules
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|rule| !covers(cluster, &call.user, rule, namespace))
        .map(shown)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = call.user.groups.iter().map(|group| format!("{group:?}")).collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        call.user.name,
        groups.join(" "),
        missing.join("\n")
    );
    Err(Refusal::forbidden(&call.resource, text(object, "/metadata/name"), &why))
}

fn strings<'a>(rule: &'a Value, key: &str) -> Vec<&'a str> {
    rule.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether the user may do all that a rule allows.
fn covers(cluster: &Cluster, user: &User, rule: &Value, namespace: &str) -> bool {
    let names = match strings(rule, "resourceNames") {
        names if names.is_empty() => vec![""],
        names => names,
    };
    strings(rule, "verbs").into_iter().all(|verb| {
        strings(rule, "apiGroups").into_iter().all(|group| {
            strings(rule, "resources").into_iter().all(|resource| {
                names.iter().all(|name| may(cluster, user, &Wish { verb, group, resource, name, namespace }))
            })
        })
    })
}

/// A rule as the refusal shows it.
fn shown(rule: &Value) -> String {
    let mut parts = Vec::new();
    for (key, title) in [
        ("apiGroups", "APIGroups"),
        ("nonResourceURLs", "NonResourceURLs"),
        ("resources", "Resources"),
        ("resourceNames", "ResourceNames"),
        ("verbs", "Verbs"),
    ] {
        let items: Vec<String> = strings(rule, key).into_iter().map(|item| format!("{item:?}")).collect();
        if !items.is_empty() {
            parts.push(format!("{title}:[{}]", items.join(" ")));
        }
    }
    format!("{{{}}}", parts.join(", "))
}
