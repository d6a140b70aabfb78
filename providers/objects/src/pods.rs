//! What a workload's pods are made from, and what they need.

use serde_json::Value as Json;

use crate::identity::{at, group_of, kind_of, list, text};

/// The pod template of a workload (metadata and spec), or the Pod itself.
#[must_use]
pub fn pod_template(body: &Json) -> Option<&Json> {
    match (group_of(body), kind_of(body)) {
        ("", "Pod") => Some(body),
        ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
        | ("batch", "Job")
        | ("", "ReplicationController") => at(body, &["spec", "template"]),
        ("batch", "CronJob") => at(body, &["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

/// Every container of a pod template, init containers first.
pub(crate) fn containers(template: &Json) -> impl Iterator<Item = &Json> {
    list(template, &["spec", "initContainers"]).iter().chain(list(template, &["spec", "containers"]))
}

/// Something that a pod template names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need<'a> {
    pub(crate) group: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) name: &'a str,
    /// Whether it is in the workload's own namespace.
    pub(crate) namespaced: bool,
}

/// Everything that the pods of a template need to start.
pub(crate) fn needs(template: &Json) -> Vec<Need<'_>> {
    let mut needs = Vec::new();
    let own = |kind, name| Need { group: "", kind, name, namespaced: true };
    let spec = |key: &str| text(template, &["spec", key]);
    needs.push(own("ServiceAccount", service_account(template)));
    needs.push(Need {
        group: "scheduling.k8s.io",
        kind: "PriorityClass",
        name: spec("priorityClassName"),
        namespaced: false,
    });
    needs.push(Need { group: "node.k8s.io", kind: "RuntimeClass", name: spec("runtimeClassName"), namespaced: false });
    needs.extend(list(template, &["spec", "imagePullSecrets"]).iter().map(|it| own("Secret", text(it, &["name"]))));
    for volume in list(template, &["spec", "volumes"]) {
        needs.push(own("ConfigMap", text(volume, &["configMap", "name"])));
        needs.push(own("Secret", text(volume, &["secret", "secretName"])));
        needs.push(own("PersistentVolumeClaim", text(volume, &["persistentVolumeClaim", "claimName"])));
        for source in list(volume, &["projected", "sources"]) {
            needs.push(own("ConfigMap", text(source, &["configMap", "name"])));
            needs.push(own("Secret", text(source, &["secret", "name"])));
        }
    }
    for container in containers(template) {
        for variable in list(container, &["env"]) {
            needs.push(own("ConfigMap", text(variable, &["valueFrom", "configMapKeyRef", "name"])));
            needs.push(own("Secret", text(variable, &["valueFrom", "secretKeyRef", "name"])));
        }
        for source in list(container, &["envFrom"]) {
            needs.push(own("ConfigMap", text(source, &["configMapRef", "name"])));
            needs.push(own("Secret", text(source, &["secretRef", "name"])));
        }
    }
    needs.retain(|need| !need.name.is_empty());
    needs
}

/// The service account that the pods run as.
pub(crate) fn service_account(template: &Json) -> &str {
    let name = |key: &str| text(template, &["spec", key]);
    match (name("serviceAccountName"), name("serviceAccount")) {
        ("", "") => "default",
        ("", name) | (name, _) => name,
    }
}

/// The names of the Secrets that the pods mount.
pub(crate) fn mounted_secrets(template: &Json) -> impl Iterator<Item = &str> {
    list(template, &["spec", "volumes"])
        .iter()
        .map(|it| text(it, &["secret", "secretName"]))
        .filter(|it| !it.is_empty())
}

/// Whether a container asks for an extended resource such as `nvidia.com/gpu`.
pub(crate) fn asks_for(template: &Json, resource: &str) -> bool {
    containers(template).any(|container| {
        ["limits", "requests"].iter().any(|kind| at(container, &["resources", kind, resource]).is_some())
    })
}
