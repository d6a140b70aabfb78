//! Which lists of the built-in kinds are merged, and by which key.
//!
//! This is Kubernetes 1.14, the version whose types kustomize 3.2 was built with.
//! A type stands for all versions of it that are alike in this respect.

/// A type of the Kubernetes API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// Nothing in it is merged by key.
    Plain,
    /// An object of which only the metadata matter.
    Object,
    Metadata,
    Initializers,
    Workload,
    WorkloadSpec,
    CronJob,
    CronJobSpec,
    JobTemplate,
    JobTemplateSpec,
    PodTemplate,
    PodTemplateSpec,
    Pod,
    PodSpec,
    Container,
    Service,
    ServiceSpec,
    ServiceAccount,
    Webhooks,
    Claim,
    Node,
    NodeStatus,
    CsiNode,
    CsiNodeSpec,
    ComponentStatus,
    /// A status with conditions.
    Status,
}

/// How a field is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    /// What it, or an element of it, is.
    pub(crate) inner: Type,
    /// How a list is merged.
    pub(crate) list: List,
}

/// How a list is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// It is replaced as a whole.
    Replaced,
    /// Its elements are the members of a set.
    Set,
    /// Its elements are maps that this key identifies.
    ByKey(&'static str),
}

const fn plain(inner: Type) -> Field {
    Field { inner, list: List::Replaced }
}

const fn by_key(key: &'static str, inner: Type) -> Field {
    Field { inner, list: List::ByKey(key) }
}

impl Type {
    /// What a field of this type is.
    pub(crate) fn field(self, name: &str) -> Field {
        match (self, name) {
            (
                Self::Object
                | Self::Workload
                | Self::CronJob
                | Self::JobTemplate
                | Self::JobTemplateSpec
                | Self::PodTemplate
                | Self::PodTemplateSpec
                | Self::Pod
                | Self::Service
                | Self::ServiceAccount
                | Self::Webhooks
                | Self::Claim
                | Self::Node
                | Self::CsiNode
                | Self::ComponentStatus,
                "metadata",
            ) => plain(Self::Metadata),
            (Self::Metadata, "ownerReferences") => by_key("uid", Self::Plain),
            (Self::Metadata, "finalizers") => Field { inner: Self::Plain, list: List::Set },
            (Self::Metadata, "initializers") => plain(Self::Initializers),
            (Self::Initializers, "pending") => by_key("name", Self::Plain),
            (Self::Workload | Self::JobTemplateSpec, "spec") => plain(Self::WorkloadSpec),
            (Self::Workload | Self::Pod | Self::Claim, "status") => plain(Self::Status),
            (Self::Status | Self::NodeStatus | Self::ComponentStatus, "conditions") => by_key("type", Self::Plain),
            (Self::NodeStatus, "addresses") => by_key("type", Self::Plain),
            (Self::WorkloadSpec | Self::PodTemplate, "template") => plain(Self::PodTemplateSpec),
            (Self::CronJob, "spec") => plain(Self::CronJobSpec),
            (Self::CronJobSpec, "jobTemplate") | (Self::JobTemplate, "template") => plain(Self::JobTemplateSpec),
            (Self::PodTemplateSpec | Self::Pod, "spec") => plain(Self::PodSpec),
            (Self::PodSpec, "containers" | "initContainers") => by_key("name", Self::Container),
            (Self::PodSpec, "volumes" | "imagePullSecrets") => by_key("name", Self::Plain),
            (Self::PodSpec, "hostAliases") => by_key("ip", Self::Plain),
            (Self::Container, "ports") => by_key("containerPort", Self::Plain),
            (Self::Container, "env") => by_key("name", Self::Plain),
            (Self::Container, "volumeMounts") => by_key("mountPath", Self::Plain),
            (Self::Container, "volumeDevices") => by_key("devicePath", Self::Plain),
            (Self::Service, "spec") => plain(Self::ServiceSpec),
            (Self::ServiceSpec, "ports") => by_key("port", Self::Plain),
            (Self::ServiceAccount, "secrets") => by_key("name", Self::Plain),
            (Self::Webhooks, "webhooks") => by_key("name", Self::Plain),
            (Self::Node, "status") => plain(Self::NodeStatus),
            (Self::CsiNode, "spec") => plain(Self::CsiNodeSpec),
            (Self::CsiNodeSpec, "drivers") => by_key("name", Self::Plain),
            _ => plain(Self::Plain),
        }
    }
}

/// The type of a kind, when Kubernetes 1.14 has it.
pub(crate) fn of(group: &str, version: &str, kind: &str) -> Option<Type> {
    let kinds: &[&str] = match (group, version) {
        ("", "v1") => &[
            "Binding",
            "ComponentStatus",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "RangeAllocation",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
        ("admissionregistration.k8s.io", "v1beta1") => {
            &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]
        }
        ("apps", "v1") => &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
        ("apps", "v1beta1") => &["ControllerRevision", "Deployment", "DeploymentRollback", "Scale", "StatefulSet"],
        ("apps", "v1beta2") => &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "Scale", "StatefulSet"],
        ("auditregistration.k8s.io", "v1alpha1") => &["AuditSink"],
        ("authentication.k8s.io", "v1") => &["TokenRequest", "TokenReview"],
        ("authentication.k8s.io", "v1beta1") => &["TokenReview"],
        ("authorization.k8s.io", "v1" | "v1beta1") => {
            &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]
        }
        ("autoscaling", "v1") => &["HorizontalPodAutoscaler", "Scale"],
        ("autoscaling", "v2beta1" | "v2beta2") => &["HorizontalPodAutoscaler"],
        ("batch", "v1") => &["Job"],
        ("batch", "v1beta1" | "v2alpha1") => &["CronJob", "JobTemplate"],
        ("certificates.k8s.io", "v1beta1") => &["CertificateSigningRequest"],
        ("coordination.k8s.io", "v1" | "v1beta1") => &["Lease"],
        ("events.k8s.io", "v1beta1") => &["Event"],
        ("extensions", "v1beta1") => &[
            "DaemonSet",
            "Deployment",
            "DeploymentRollback",
            "Ingress",
            "NetworkPolicy",
            "PodSecurityPolicy",
            "ReplicaSet",
            "Scale",
        ],
        ("networking.k8s.io", "v1") => &["NetworkPolicy"],
        ("networking.k8s.io", "v1beta1") => &["Ingress"],
        ("node.k8s.io", "v1alpha1" | "v1beta1") => &["RuntimeClass"],
        ("policy", "v1beta1") => &["Eviction", "PodDisruptionBudget", "PodSecurityPolicy"],
        ("rbac.authorization.k8s.io", "v1" | "v1alpha1" | "v1beta1") => {
            &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
        }
        ("scheduling.k8s.io", "v1" | "v1alpha1" | "v1beta1") => &["PriorityClass"],
        ("settings.k8s.io", "v1alpha1") => &["PodPreset"],
        ("storage.k8s.io", "v1") => &["StorageClass", "VolumeAttachment"],
        ("storage.k8s.io", "v1alpha1") => &["VolumeAttachment"],
        ("storage.k8s.io", "v1beta1") => &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        _ => return None,
    };
    kinds.contains(&kind).then(|| root(kind))
}

fn root(kind: &str) -> Type {
    match kind {
        "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" | "ReplicationController" | "Job" => Type::Workload,
        "CronJob" => Type::CronJob,
        "JobTemplate" => Type::JobTemplate,
        "PodTemplate" => Type::PodTemplate,
        "Pod" => Type::Pod,
        "Service" => Type::Service,
        "ServiceAccount" => Type::ServiceAccount,
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => Type::Webhooks,
        "PersistentVolumeClaim" => Type::Claim,
        "Node" => Type::Node,
        "CSINode" => Type::CsiNode,
        "ComponentStatus" => Type::ComponentStatus,
        _ => Type::Object,
    }
}
