//! When Kubernetes began and stopped to serve its own APIs.
//!
//! Source: the deprecation guide of Kubernetes (`reference/using-api/deprecation-guide`) and the release notes up to 1.36.

/// The life of some kinds in one version of an API.
pub(crate) struct Api {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    /// Empty for every kind of the group.
    pub(crate) kinds: &'static [&'static str],
    /// The minor of Kubernetes 1.x that served it first.
    pub(crate) since: Option<u32>,
    /// The minor that called it deprecated.
    pub(crate) deprecated: Option<u32>,
    /// The minor that no longer serves it.
    pub(crate) removed: Option<u32>,
    /// What serves the same.
    pub(crate) instead: &'static str,
}

const fn gone(
    group: &'static str,
    version: &'static str,
    kinds: &'static [&'static str],
    deprecated: u32,
    removed: u32,
    instead: &'static str,
) -> Api {
    Api { group, version, kinds, since: None, deprecated: Some(deprecated), removed: Some(removed), instead }
}

const fn new(
    group: &'static str,
    version: &'static str,
    kinds: &'static [&'static str],
    since: u32,
    before: &'static str,
) -> Api {
    Api { group, version, kinds, since: Some(since), deprecated: None, removed: None, instead: before }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const STORAGE: &str = "storage.k8s.io";

const TABLE: &[Api] = &[
    gone("extensions", "v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], 9, 16, "apps/v1"),
    gone("extensions", "v1beta1", &["NetworkPolicy"], 9, 16, "networking.k8s.io/v1"),
    gone("extensions", "v1beta1", &["PodSecurityPolicy"], 10, 16, "Pod Security Admission"),
    gone("extensions", "v1beta1", &["Ingress"], 14, 22, "networking.k8s.io/v1"),
    gone("apps", "v1beta1", &[], 9, 16, "apps/v1"),
    gone("apps", "v1beta2", &[], 9, 16, "apps/v1"),
    gone(
        ADMISSION,
        "v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        16,
        22,
        "admissionregistration.k8s.io/v1",
    ),
    gone("apiextensions.k8s.io", "v1beta1", &[], 16, 22, "apiextensions.k8s.io/v1"),
    gone("apiregistration.k8s.io", "v1beta1", &[], 19, 22, "apiregistration.k8s.io/v1"),
    gone("authentication.k8s.io", "v1beta1", &["TokenReview"], 19, 22, "authentication.k8s.io/v1"),
    gone("authorization.k8s.io", "v1beta1", &[], 19, 22, "authorization.k8s.io/v1"),
    gone("certificates.k8s.io", "v1beta1", &["CertificateSigningRequest"], 19, 22, "certificates.k8s.io/v1"),
    gone("coordination.k8s.io", "v1beta1", &["Lease"], 19, 22, "coordination.k8s.io/v1"),
    gone(NETWORKING, "v1beta1", &["Ingress", "IngressClass"], 19, 22, "networking.k8s.io/v1"),
    gone("rbac.authorization.k8s.io", "v1beta1", &[], 17, 22, "rbac.authorization.k8s.io/v1"),
    gone("rbac.authorization.k8s.io", "v1alpha1", &[], 17, 23, "rbac.authorization.k8s.io/v1"),
    gone("scheduling.k8s.io", "v1beta1", &["PriorityClass"], 14, 22, "scheduling.k8s.io/v1"),
    gone(
        STORAGE,
        "v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        19,
        22,
        "storage.k8s.io/v1",
    ),
    gone("batch", "v1beta1", &["CronJob"], 21, 25, "batch/v1"),
    gone("discovery.k8s.io", "v1beta1", &["EndpointSlice"], 21, 25, "discovery.k8s.io/v1"),
    gone("events.k8s.io", "v1beta1", &["Event"], 19, 25, "events.k8s.io/v1"),
    gone("autoscaling", "v2beta1", &["HorizontalPodAutoscaler"], 23, 25, "autoscaling/v2"),
    gone("policy", "v1beta1", &["PodDisruptionBudget"], 21, 25, "policy/v1"),
    gone("policy", "v1beta1", &["PodSecurityPolicy"], 21, 25, "Pod Security Admission"),
    gone("node.k8s.io", "v1beta1", &["RuntimeClass"], 20, 25, "node.k8s.io/v1"),
    gone("autoscaling", "v2beta2", &["HorizontalPodAutoscaler"], 23, 26, "autoscaling/v2"),
    gone(FLOW, "v1beta1", &[], 23, 26, "flowcontrol.apiserver.k8s.io/v1"),
    gone(STORAGE, "v1beta1", &["CSIStorageCapacity"], 24, 27, "storage.k8s.io/v1"),
    gone(FLOW, "v1beta2", &[], 26, 29, "flowcontrol.apiserver.k8s.io/v1"),
    gone(FLOW, "v1beta3", &[], 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    gone(
        ADMISSION,
        "v1beta1",
        &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
        30,
        34,
        "admissionregistration.k8s.io/v1",
    ),
    new(NETWORKING, "v1", &["Ingress", "IngressClass"], 19, "networking.k8s.io/v1beta1"),
    new("batch", "v1", &["CronJob"], 21, "batch/v1beta1"),
    new("policy", "v1", &["PodDisruptionBudget"], 21, "policy/v1beta1"),
    new("discovery.k8s.io", "v1", &["EndpointSlice"], 21, "discovery.k8s.io/v1beta1"),
    new("autoscaling", "v2", &["HorizontalPodAutoscaler"], 23, "autoscaling/v2beta2"),
    new("node.k8s.io", "v1", &["RuntimeClass"], 20, "node.k8s.io/v1beta1"),
    new(STORAGE, "v1", &["CSIStorageCapacity"], 24, "storage.k8s.io/v1beta1"),
    new(STORAGE, "v1", &["VolumeAttributesClass"], 34, "storage.k8s.io/v1beta1"),
    new(FLOW, "v1", &[], 29, "flowcontrol.apiserver.k8s.io/v1beta3"),
    new(
        ADMISSION,
        "v1",
        &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
        30,
        "admissionregistration.k8s.io/v1beta1",
    ),
    new("resource.k8s.io", "v1", &[], 34, "resource.k8s.io/v1beta2"),
    new(NETWORKING, "v1", &["IPAddress", "ServiceCIDR"], 33, "networking.k8s.io/v1beta1"),
];

/// What is known of the life of a kind in one version of its API.
pub(crate) fn api(group: &str, version: &str, kind: &str) -> Option<&'static Api> {
    TABLE
        .iter()
        .find(|it| it.group == group && it.version == version && (it.kinds.is_empty() || it.kinds.contains(&kind)))
}
