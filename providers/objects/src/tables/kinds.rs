//! The kinds that every cluster serves, and the custom ones that are known to be cluster-scoped.
//!
//! Source: the OpenAPI documents of Kubernetes 1.21 and 1.34 (`kubectl api-resources`).

/// Group, kind, the name in URLs, and whether it lives in namespaces.
pub(crate) type Row = (&'static str, &'static str, &'static str, bool);

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const RESOURCE: &str = "resource.k8s.io";

/// The built-in kinds.
pub(crate) const BUILT_IN: &[Row] = &[
    ("", "Binding", "bindings", true),
    ("", "ConfigMap", "configmaps", true),
    ("", "Endpoints", "endpoints", true),
    ("", "Event", "events", true),
    ("", "LimitRange", "limitranges", true),
    ("", "Namespace", "namespaces", false),
    ("", "Node", "nodes", false),
    ("", "PersistentVolume", "persistentvolumes", false),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("", "Pod", "pods", true),
    ("", "PodTemplate", "podtemplates", true),
    ("", "ReplicationController", "replicationcontrollers", true),
    ("", "ResourceQuota", "resourcequotas", true),
    ("", "Secret", "secrets", true),
    ("", "Service", "services", true),
    ("", "ServiceAccount", "serviceaccounts", true),
    (ADMISSION, "MutatingAdmissionPolicy", "mutatingadmissionpolicies", false),
    (ADMISSION, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings", false),
    (ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", false),
    (ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
    (ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", false),
    (ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", false),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions", false),
    ("apiregistration.k8s.io", "APIService", "apiservices", false),
    ("apps", "ControllerRevision", "controllerrevisions", true),
    ("apps", "DaemonSet", "daemonsets", true),
    ("apps", "Deployment", "deployments", true),
    ("apps", "ReplicaSet", "replicasets", true),
    ("apps", "StatefulSet", "statefulsets", true),
    ("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("batch", "CronJob", "cronjobs", true),
    ("batch", "Job", "jobs", true),
    ("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests", false),
    ("certificates.k8s.io", "ClusterTrustBundle", "clustertrustbundles", false),
    ("coordination.k8s.io", "Lease", "leases", true),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices", true),
    ("events.k8s.io", "Event", "events", true),
    ("extensions", "DaemonSet", "daemonsets", true),
    ("extensions", "Deployment", "deployments", true),
    ("extensions", "Ingress", "ingresses", true),
    ("extensions", "NetworkPolicy", "networkpolicies", true),
    ("extensions", "PodSecurityPolicy", "podsecuritypolicies", false),
    ("extensions", "ReplicaSet", "replicasets", true),
    (FLOW, "FlowSchema", "flowschemas", false),
    (FLOW, "PriorityLevelConfiguration", "prioritylevelconfigurations", false),
    (NETWORKING, "IPAddress", "ipaddresses", false),
    (NETWORKING, "Ingress", "ingresses", true),
    (NETWORKING, "IngressClass", "ingressclasses", false),
    (NETWORKING, "NetworkPolicy", "networkpolicies", true),
    (NETWORKING, "ServiceCIDR", "servicecidrs", false),
    ("node.k8s.io", "RuntimeClass", "runtimeclasses", false),
    ("policy", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("policy", "PodSecurityPolicy", "podsecuritypolicies", false),
    (RBAC, "ClusterRole", "clusterroles", false),
    (RBAC, "ClusterRoleBinding", "clusterrolebindings", false),
    (RBAC, "Role", "roles", true),
    (RBAC, "RoleBinding", "rolebindings", true),
    (RESOURCE, "DeviceClass", "deviceclasses", false),
    (RESOURCE, "ResourceClaim", "resourceclaims", true),
    (RESOURCE, "ResourceClaimTemplate", "resourceclaimtemplates", true),
    (RESOURCE, "ResourceSlice", "resourceslices", false),
    ("scheduling.k8s.io", "PriorityClass", "priorityclasses", false),
    (STORAGE, "CSIDriver", "csidrivers", false),
    (STORAGE, "CSINode", "csinodes", false),
    (STORAGE, "CSIStorageCapacity", "csistoragecapacities", true),
    (STORAGE, "StorageClass", "storageclasses", false),
    (STORAGE, "VolumeAttachment", "volumeattachments", false),
    (STORAGE, "VolumeAttributesClass", "volumeattributesclasses", false),
];

/// Custom kinds of Kubeflow and of what it brings along that are cluster-scoped. Several of them are written with a
/// namespace in Kubeflow's own manifests, which the server ignores or refuses.
pub(crate) const CUSTOM: &[Row] = &[
    ("cert-manager.io", "ClusterIssuer", "clusterissuers", false),
    ("cert-manager.io", "Certificate", "certificates", true),
    ("cert-manager.io", "Issuer", "issuers", true),
    ("caching.internal.knative.dev", "Image", "images", true),
    ("gateway.networking.k8s.io", "GatewayClass", "gatewayclasses", false),
    ("kubeflow.org", "Notebook", "notebooks", true),
    ("kubeflow.org", "Profile", "profiles", false),
    ("metacontroller.k8s.io", "CompositeController", "compositecontrollers", false),
    ("metacontroller.k8s.io", "DecoratorController", "decoratorcontrollers", false),
    ("networking.istio.io", "DestinationRule", "destinationrules", true),
    ("networking.istio.io", "EnvoyFilter", "envoyfilters", true),
    ("networking.istio.io", "Gateway", "gateways", true),
    ("networking.istio.io", "ServiceEntry", "serviceentries", true),
    ("networking.istio.io", "VirtualService", "virtualservices", true),
    ("rbac.istio.io", "ClusterRbacConfig", "clusterrbacconfigs", false),
    ("security.istio.io", "AuthorizationPolicy", "authorizationpolicies", true),
    ("security.istio.io", "PeerAuthentication", "peerauthentications", true),
    ("security.istio.io", "RequestAuthentication", "requestauthentications", true),
    ("serving.kserve.io", "ClusterServingRuntime", "clusterservingruntimes", false),
    ("serving.kserve.io", "ClusterStorageContainer", "clusterstoragecontainers", false),
    ("trainer.kubeflow.org", "ClusterTrainingRuntime", "clustertrainingruntimes", false),
];

/// The row of a built-in kind.
pub(crate) fn built_in(group: &str, kind: &str) -> Option<&'static Row> {
    // The table is in the order of its first two columns, so that this is a binary search.
    BUILT_IN.binary_search_by(|row| (row.0, row.1).cmp(&(group, kind))).ok().and_then(|place| BUILT_IN.get(place))
}

/// The row of a built-in or well-known custom kind.
pub(crate) fn known(group: &str, kind: &str) -> Option<&'static Row> {
    built_in(group, kind).or_else(|| CUSTOM.iter().find(|row| row.0 == group && row.1 == kind))
}

/// The version of a built-in group that is stable for longest.
pub(crate) fn version_of(group: &str) -> Option<&'static str> {
    match group {
        "autoscaling" => Some("v2"),
        _ => BUILT_IN.iter().any(|row| row.0 == group && group != "extensions").then_some("v1"),
    }
}

/// The name in URLs that a kind most likely has, as the API machinery guesses it.
pub(crate) fn guessed_plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.as_str() {
        _ if lower.ends_with('s') || lower.ends_with('x') || lower.ends_with("ch") || lower.ends_with("sh") => {
            lower + "es"
        }
        _ if lower.ends_with('y') && !lower.ends_with("ay") && !lower.ends_with("ey") => {
            lower.get(..lower.len() - 1).unwrap_or_default().to_owned() + "ies"
        }
        _ => lower + "s",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_it_can_be_searched() {
        let sorted = BUILT_IN.windows(2).all(|pair| match pair {
            [a, b] => (a.0, a.1) < (b.0, b.1),
            _ => true,
        });
        assert!(sorted);
        assert_eq!(built_in("apps", "Deployment").map(|row| row.2), Some("deployments"));
        assert_eq!(built_in("", "Nothing"), None);
    }

    #[test]
    fn plurals_are_guessed_as_the_api_machinery_does() {
        for row in BUILT_IN.iter().chain(CUSTOM).filter(|row| row.1 != "Endpoints") {
            assert_eq!(guessed_plural(row.1), row.2);
        }
    }
}
