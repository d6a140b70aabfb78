//! Which lists of the built-in kinds dialect 5 merges, and by which keys.
//!
//! This is Kubernetes 1.21, whose definitions kustomize 5 was built with. A shape stands
//! for all types that are alike in this respect; what is not named here holds no such list.

/// The shape of a type, as far as lists are merged in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No list in it is merged.
    Plain,
    Object,
    Metadata,
    WithConditions,
    Conditions,
    Workload,
    WorkloadSpec,
    StatefulSet,
    StatefulSetSpec,
    CronJob,
    CronJobSpec,
    JobTemplate,
    PodTemplate,
    PodTemplateSpec,
    Pod,
    PodSpec,
    PodStatus,
    Container,
    EphemeralContainer,
    Volume,
    EphemeralVolume,
    Service,
    ServiceSpec,
    ServiceAccount,
    Webhooks,
    Node,
    NodeSpec,
    NodeStatus,
    CsiNode,
    CsiNodeSpec,
    ComponentStatus,
}

/// How a field is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    /// What it, or an element of it, is.
    pub(crate) inner: Shape,
    /// The keys by which a list is merged; none for a list that is replaced, an empty
    /// slice for a set of scalars.
    pub(crate) keys: Option<&'static [&'static str]>,
}

/// Type, field, what is in it, and the keys of a list that is merged.
type Row = (Shape, &'static str, Shape, Option<&'static [&'static str]>);

const NAME: Option<&[&str]> = Some(&["name"]);
const TYPE: Option<&[&str]> = Some(&["type"]);

const FIELDS: &[Row] = &[
    (Shape::Metadata, "finalizers", Shape::Plain, Some(&[])),
    (Shape::Metadata, "ownerReferences", Shape::Plain, Some(&["uid"])),
    (Shape::WithConditions, "status", Shape::Conditions, None),
    (Shape::Conditions, "conditions", Shape::Plain, TYPE),
    (Shape::ComponentStatus, "conditions", Shape::Plain, TYPE),
    (Shape::Workload, "spec", Shape::WorkloadSpec, None),
    (Shape::Workload, "status", Shape::Conditions, None),
    (Shape::WorkloadSpec, "template", Shape::PodTemplateSpec, None),
    (Shape::StatefulSet, "spec", Shape::StatefulSetSpec, None),
    (Shape::StatefulSet, "status", Shape::Conditions, None),
    (Shape::StatefulSetSpec, "template", Shape::PodTemplateSpec, None),
    (Shape::StatefulSetSpec, "volumeClaimTemplates", Shape::WithConditions, None),
    (Shape::CronJob, "spec", Shape::CronJobSpec, None),
    (Shape::CronJobSpec, "jobTemplate", Shape::JobTemplate, None),
    (Shape::JobTemplate, "spec", Shape::WorkloadSpec, None),
    (Shape::PodTemplate, "template", Shape::PodTemplateSpec, None),
    (Shape::PodTemplateSpec, "spec", Shape::PodSpec, None),
    (Shape::Pod, "spec", Shape::PodSpec, None),
    (Shape::Pod, "status", Shape::PodStatus, None),
    (Shape::PodStatus, "conditions", Shape::Plain, TYPE),
    (Shape::PodStatus, "podIPs", Shape::Plain, Some(&["ip"])),
    (Shape::PodSpec, "containers", Shape::Container, NAME),
    (Shape::PodSpec, "initContainers", Shape::Container, NAME),
    (Shape::PodSpec, "ephemeralContainers", Shape::EphemeralContainer, NAME),
    (Shape::PodSpec, "hostAliases", Shape::Plain, Some(&["ip"])),
    (Shape::PodSpec, "imagePullSecrets", Shape::Plain, NAME),
    (Shape::PodSpec, "topologySpreadConstraints", Shape::Plain, Some(&["topologyKey", "whenUnsatisfiable"])),
    (Shape::PodSpec, "volumes", Shape::Volume, NAME),
    (Shape::Container, "env", Shape::Plain, NAME),
    (Shape::Container, "ports", Shape::Plain, Some(&["containerPort", "protocol"])),
    (Shape::Container, "volumeDevices", Shape::Plain, Some(&["devicePath"])),
    (Shape::Container, "volumeMounts", Shape::Plain, Some(&["mountPath"])),
    (Shape::EphemeralContainer, "env", Shape::Plain, NAME),
    (Shape::EphemeralContainer, "volumeDevices", Shape::Plain, Some(&["devicePath"])),
    (Shape::EphemeralContainer, "volumeMounts", Shape::Plain, Some(&["mountPath"])),
    (Shape::Volume, "ephemeral", Shape::EphemeralVolume, None),
    (Shape::EphemeralVolume, "volumeClaimTemplate", Shape::Object, None),
    (Shape::Service, "spec", Shape::ServiceSpec, None),
    (Shape::Service, "status", Shape::Conditions, None),
    (Shape::ServiceSpec, "ports", Shape::Plain, Some(&["port", "protocol"])),
    (Shape::ServiceAccount, "secrets", Shape::Plain, NAME),
    (Shape::Webhooks, "webhooks", Shape::Plain, NAME),
    (Shape::Node, "spec", Shape::NodeSpec, None),
    (Shape::Node, "status", Shape::NodeStatus, None),
    (Shape::NodeSpec, "podCIDRs", Shape::Plain, Some(&[])),
    (Shape::NodeStatus, "addresses", Shape::Plain, TYPE),
    (Shape::NodeStatus, "conditions", Shape::Plain, TYPE),
    (Shape::CsiNode, "spec", Shape::CsiNodeSpec, None),
    (Shape::CsiNodeSpec, "drivers", Shape::Plain, NAME),
];

/// The types whose `metadata` are those of an object.
const WITH_METADATA: &[Shape] = &[
    Shape::Object,
    Shape::WithConditions,
    Shape::Workload,
    Shape::StatefulSet,
    Shape::CronJob,
    Shape::JobTemplate,
    Shape::PodTemplate,
    Shape::PodTemplateSpec,
    Shape::Pod,
    Shape::Service,
    Shape::ServiceAccount,
    Shape::Webhooks,
    Shape::Node,
    Shape::CsiNode,
    Shape::ComponentStatus,
];

/// Group, versions, kinds, and the shape of their objects.
type Kinds = (&'static str, &'static [&'static str], &'static [&'static str], Shape);

const KINDS: &[Kinds] = &[
    ("", &["v1"], &["ComponentStatus"], Shape::ComponentStatus),
    ("", &["v1"], &["Namespace", "PersistentVolumeClaim"], Shape::WithConditions),
    ("", &["v1"], &["Node"], Shape::Node),
    ("", &["v1"], &["Pod"], Shape::Pod),
    ("", &["v1"], &["PodTemplate"], Shape::PodTemplate),
    ("", &["v1"], &["ReplicationController"], Shape::Workload),
    ("", &["v1"], &["Service"], Shape::Service),
    ("", &["v1"], &["ServiceAccount"], Shape::ServiceAccount),
    (
        "",
        &["v1"],
        &["Binding", "ConfigMap", "Endpoints", "Event", "LimitRange", "PersistentVolume", "ResourceQuota", "Secret"],
        Shape::Object,
    ),
    (
        "admissionregistration.k8s.io",
        &["v1", "v1beta1"],
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        Shape::Webhooks,
    ),
    ("apiextensions.k8s.io", &["v1", "v1beta1"], &["CustomResourceDefinition"], Shape::Object),
    ("apiregistration.k8s.io", &["v1", "v1beta1"], &["APIService"], Shape::WithConditions),
    ("apps", &["v1"], &["DaemonSet", "Deployment", "ReplicaSet"], Shape::Workload),
    ("apps", &["v1"], &["StatefulSet"], Shape::StatefulSet),
    ("apps", &["v1"], &["ControllerRevision"], Shape::Object),
    ("authentication.k8s.io", &["v1"], &["TokenRequest", "TokenReview"], Shape::Object),
    ("authentication.k8s.io", &["v1beta1"], &["TokenReview"], Shape::Object),
    (
        "authorization.k8s.io",
        &["v1", "v1beta1"],
        &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
        Shape::Object,
    ),
    ("autoscaling", &["v1"], &["HorizontalPodAutoscaler", "Scale"], Shape::Object),
    ("autoscaling", &["v2beta1", "v2beta2"], &["HorizontalPodAutoscaler"], Shape::Object),
    ("batch", &["v1"], &["Job"], Shape::Workload),
    ("batch", &["v1", "v1beta1"], &["CronJob"], Shape::CronJob),
    ("certificates.k8s.io", &["v1", "v1beta1"], &["CertificateSigningRequest"], Shape::Object),
    ("coordination.k8s.io", &["v1", "v1beta1"], &["Lease"], Shape::Object),
    ("discovery.k8s.io", &["v1", "v1beta1"], &["EndpointSlice"], Shape::Object),
    ("events.k8s.io", &["v1", "v1beta1"], &["Event"], Shape::Object),
    ("extensions", &["v1beta1"], &["Ingress"], Shape::Object),
    ("flowcontrol.apiserver.k8s.io", &["v1beta1"], &["FlowSchema", "PriorityLevelConfiguration"], Shape::Object),
    ("networking.k8s.io", &["v1"], &["Ingress", "IngressClass", "NetworkPolicy"], Shape::Object),
    ("networking.k8s.io", &["v1beta1"], &["Ingress", "IngressClass"], Shape::Object),
    ("node.k8s.io", &["v1", "v1beta1"], &["RuntimeClass"], Shape::Object),
    ("policy", &["v1", "v1beta1"], &["PodDisruptionBudget"], Shape::WithConditions),
    ("policy", &["v1beta1"], &["Eviction", "PodSecurityPolicy"], Shape::Object),
    (
        "rbac.authorization.k8s.io",
        &["v1", "v1beta1"],
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
        Shape::Object,
    ),
    ("scheduling.k8s.io", &["v1", "v1beta1"], &["PriorityClass"], Shape::Object),
    ("storage.k8s.io", &["v1", "v1beta1"], &["CSIDriver", "StorageClass", "VolumeAttachment"], Shape::Object),
    ("storage.k8s.io", &["v1beta1"], &["CSIStorageCapacity"], Shape::Object),
    ("storage.k8s.io", &["v1", "v1beta1"], &["CSINode"], Shape::CsiNode),
];

impl Shape {
    /// The shape of a kind, when Kubernetes 1.21 has it.
    pub(crate) fn of(group: &str, version: &str, kind: &str) -> Option<Self> {
        KINDS
            .iter()
            .find(|(own, versions, kinds, _)| *own == group && versions.contains(&version) && kinds.contains(&kind))
            .map(|(.., shape)| *shape)
    }

    /// What a field of this shape is.
    pub(crate) fn field(self, name: &str) -> Field {
        if name == "metadata" && WITH_METADATA.contains(&self) {
            return Field { inner: Self::Metadata, keys: None };
        }
        FIELDS
            .iter()
            .find(|(own, field, ..)| *own == self && *field == name)
            .map_or(Field { inner: Self::Plain, keys: None }, |(.., inner, keys)| Field { inner: *inner, keys: *keys })
    }
}
