//! Which lists of built-in kinds are merged by keys, and which maps are replaced as a whole.
//!
//! Only used where nobody has written the field yet: once somebody has, `managedFields` shows how the server merges it.
//! Source: `x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type` in the OpenAPI document of Kubernetes 1.34.

/// How the server merges a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListType {
    /// As a whole.
    Atomic,
    /// By the values of these fields.
    Map(&'static [&'static str]),
    /// By its values.
    Set,
}

const BY_NAME: ListType = ListType::Map(&["name"]);

/// How the server merges the list `field` of a built-in kind, inside the field `parent`.
pub(crate) fn list_type(kind: &str, parent: &str, field: &str) -> ListType {
    match (kind, parent, field) {
        ("ServiceAccount", "", "imagePullSecrets") => ListType::Atomic,
        ("ServiceAccount", "", "secrets") => BY_NAME,
        ("Service", "spec", "ports") => ListType::Map(&["port", "protocol"]),
        (_, "containers" | "initContainers" | "ephemeralContainers", "ports") => {
            ListType::Map(&["containerPort", "protocol"])
        }
        (_, "containers" | "initContainers" | "ephemeralContainers", "volumeMounts") => ListType::Map(&["mountPath"]),
        (_, "containers" | "initContainers" | "ephemeralContainers", "volumeDevices") => ListType::Map(&["devicePath"]),
        (_, "containers" | "initContainers" | "ephemeralContainers", "env") => BY_NAME,
        (_, "spec", "containers" | "initContainers" | "ephemeralContainers" | "volumes" | "imagePullSecrets") => {
            BY_NAME
        }
        (_, "spec", "resourceClaims" | "schedulingGates") => BY_NAME,
        (_, "spec", "hostAliases") => ListType::Map(&["ip"]),
        (_, "spec", "topologySpreadConstraints") => ListType::Map(&["topologyKey", "whenUnsatisfiable"]),
        (_, "metadata", "ownerReferences") => ListType::Map(&["uid"]),
        (_, "metadata", "finalizers") => ListType::Set,
        ("MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration", "", "webhooks") => BY_NAME,
        _ => ListType::Atomic,
    }
}

/// What a key of a list is when an item does not state it.
pub(crate) fn default_key(key: &str) -> Option<&'static str> {
    match key {
        "protocol" => Some("TCP"),
        _ => None,
    }
}

/// Whether the server replaces the map `field` of a built-in kind as a whole.
pub(crate) fn is_atomic_map(field: &str) -> bool {
    matches!(
        field,
        "selector"
            | "labelSelector"
            | "namespaceSelector"
            | "objectSelector"
            | "podSelector"
            | "nodeSelector"
            | "fieldRef"
            | "resourceFieldRef"
            | "configMapKeyRef"
            | "secretKeyRef"
            | "roleRef"
            | "secretRef"
            | "localObjectReference"
    )
}
