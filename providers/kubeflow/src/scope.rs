//! Which objects live in a namespace.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::applications::Application;

/// The built-in kinds that do not, with their groups.
const CLUSTER: [(&str, &[&str]); 17] = [
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("auditregistration.k8s.io", &["AuditSink"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("extensions", &["PodSecurityPolicy"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
];

/// Groups that Kubernetes itself serves; of these all other kinds live in a namespace.
const BUILT_IN: [&str; 12] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
];

/// What is known about scopes: the built-in kinds and the definitions of an installation.
pub(crate) struct Scopes {
    custom: BTreeMap<(String, String), bool>,
}

impl Scopes {
    pub(crate) fn of(applications: &[Application]) -> Self {
        let mut custom = BTreeMap::new();
        for object in applications.iter().flat_map(|application| &application.objects) {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            if text("/kind") == "CustomResourceDefinition" {
                let key = (text("/spec/group").to_owned(), text("/spec/names/kind").to_owned());
                custom.insert(key, text("/spec/scope") != "Cluster");
            }
        }
        Self { custom }
    }

    /// Whether an object lives in a namespace; `None` when its kind is unknown.
    pub(crate) fn is_namespaced(&self, object: &Value) -> Option<bool> {
        let (group, kind) = group_kind(object);
        if let Some(known) = self.custom.get(&(group.to_owned(), kind.to_owned())) {
            return Some(*known);
        }
        let is_cluster = CLUSTER.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind));
        match is_cluster {
            true => Some(false),
            false => BUILT_IN.contains(&group).then_some(true),
        }
    }
}

/// Group and kind of an object.
pub(crate) fn group_kind(object: &Value) -> (&str, &str) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let api_version = text("apiVersion");
    (api_version.split_once('/').map_or("", |(group, _)| group), text("kind"))
}

/// A text of an object's metadata; empty where there is none.
pub(crate) fn metadata<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// An object as people name it: `Deployment.apps kubeflow/web`.
pub(crate) fn name_of(object: &Value) -> String {
    let (group, kind) = group_kind(object);
    let kind = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    match metadata(object, "namespace") {
        "" => format!("{kind} {}", metadata(object, "name")),
        namespace => format!("{kind} {namespace}/{}", metadata(object, "name")),
    }
}
