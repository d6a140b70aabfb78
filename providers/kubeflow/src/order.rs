//! The order in which `kfctl` applied the objects of an application.

use serde_json::Value;

/// What comes first. Kinds that are not in the list follow, in the order of the alphabet.
const INSTALL: [&str; 28] = [
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ServiceAccount",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "Job",
    "CronJob",
    "Ingress",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "APIService",
];

/// Sorts objects by kind. Objects of one kind keep their order.
pub(crate) fn sort(objects: &mut [Value]) {
    objects.sort_by_cached_key(|object| {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
        match INSTALL.iter().position(|known| *known == kind) {
            Some(place) => (place, String::new()),
            None => (INSTALL.len(), kind.to_owned()),
        }
    });
}
