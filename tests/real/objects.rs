//! The objects that these tests put on a cluster, as short as the server takes them.

use kfplan_tests::Cluster;
use serde_json::{Value as Json, json};

/// Where Deployments of a namespace are.
pub(crate) fn deployments(namespace: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}

/// A Deployment whose pods have the label `app: NAME`.
pub(crate) fn deployment(name: &str, replicas: u32) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "example.com/none:1"}]},
            },
        },
    })
}

/// A Service for those pods, at port 443.
pub(crate) fn service(name: &str) -> Json {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 443, "targetPort": 9443}]},
    })
}

/// A CRD that takes any object, with these versions, of which the last is stored.
pub(crate) fn definition(group: &str, kind: &str, scope: &str, versions: &[&str]) -> Json {
    let plural = format!("{}s", kind.to_lowercase());
    let last = versions.last().copied().unwrap_or_default();
    let versions: Vec<Json> = versions
        .iter()
        .map(|version| {
            json!({
                "name": version, "served": true, "storage": *version == last, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            })
        })
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": scope, "versions": versions,
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")},
        },
    })
}

/// Where CRDs are.
pub(crate) const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Whether a condition of an object is `True`.
pub(crate) fn is_true(object: &Json, condition: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|one| one["type"] == condition && one["status"] == "True")
}

/// The managers of an object.
pub(crate) fn managers(object: &Json) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array();
    entries.into_iter().flatten().filter_map(|entry| Some(entry["manager"].as_str()?.to_owned())).collect()
}

/// Creates a CRD and waits until it is established.
pub(crate) fn define(api: &Cluster, definition: &Json) {
    api.create(DEFINITIONS, definition);
    let path = format!("{DEFINITIONS}/{}", definition["metadata"]["name"].as_str().unwrap_or_default());
    kfplan_tests::until("an established CRD", || is_true(&api.get(&path)?, "Established").then_some(()));
}

/// Waits until a path has an object for which this holds.
pub(crate) fn until(api: &Cluster, path: &str, what: &str, holds: impl Fn(&Json) -> bool) -> Json {
    kfplan_tests::until(what, || api.get(path).filter(|object| holds(object)))
}
