//! What the dialects of kustomize do differently, as data.
//!
//! A render asks its [`Dialect`] for the tables that differ: which kinds live in no
//! namespace, the order of the output, the fields of a kustomization file, how YAML is
//! read. Where the steps themselves differ, the modules say so by a `match`.

use std::str::FromStr;

use kfplan_objects::yaml;

use crate::gvk::Gvk;

/// Which kustomize is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Dialect {
    /// kustomize 3.2, the version inside `kfctl` 1.2.
    #[default]
    V3_2,
    /// kustomize 5.
    V5,
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "3.2" => Ok(Self::V3_2),
            "5" => Ok(Self::V5),
            other => Err(format!("`{other}` is no dialect of kustomize; there are `3.2` and `5`")),
        }
    }
}

/// The kinds that come first in the output, in this order, and those that come last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) first: Vec<String>,
    pub(crate) last: Vec<String>,
}

impl Dialect {
    /// How objects and patches are read. Kustomization files are read as in 3.2 by both.
    pub(crate) const fn yaml(self) -> yaml::Dialect {
        match self {
            Self::V3_2 => yaml::Dialect::Kustomize3,
            Self::V5 => yaml::Dialect::Kustomize5,
        }
    }

    /// Whether the name of an object counts for the suffix that follows from its content.
    pub(crate) const fn hashes_names(self) -> bool {
        matches!(self, Self::V3_2)
    }

    /// Whether objects of a kind live in no namespace. Neither dialect looks at the
    /// definitions of custom kinds: 3.2 knows kinds by name alone, 5 those of Kubernetes
    /// 1.21 with their versions.
    pub(crate) fn is_cluster_scoped(self, gvk: &Gvk) -> bool {
        match self {
            Self::V3_2 => CLUSTER_SCOPED_3.contains(&gvk.kind.as_str()),
            Self::V5 => CLUSTER_SCOPED_5.iter().any(|(group, versions, kinds)| {
                *group == gvk.group && versions.contains(&gvk.version.as_str()) && kinds.contains(&gvk.kind.as_str())
            }),
        }
    }

    /// The order of the output.
    pub(crate) fn order(self) -> Order {
        let owned = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let (first, last) = match self {
            Self::V3_2 => (owned(&FIRST_3), owned(&LAST_3)),
            Self::V5 => (owned(&FIRST_5), owned(&LAST_5)),
        };
        Order { first, last }
    }
}

const FIRST_3: [&str; 20] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "PriorityClass",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

const LAST_3: [&str; 1] = ["ValidatingWebhookConfiguration"];

const FIRST_5: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

const LAST_5: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

const CLUSTER_SCOPED_3: [&str; 22] = [
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ComponentStatus",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PodSecurityPolicy",
    "PriorityClass",
    "RuntimeClass",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "StorageClass",
    "SubjectAccessReview",
    "TokenReview",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
];

/// Group, versions, kinds.
type Scoped = (&'static str, &'static [&'static str], &'static [&'static str]);

const V1_AND_BETA: &[&str] = &["v1", "v1beta1"];

const CLUSTER_SCOPED_5: [Scoped; 12] = [
    ("", &["v1"], &["ComponentStatus", "Namespace", "Node", "NodeProxyOptions", "PersistentVolume"]),
    ("admissionregistration.k8s.io", V1_AND_BETA, &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]),
    ("apiextensions.k8s.io", V1_AND_BETA, &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", V1_AND_BETA, &["APIService"]),
    ("certificates.k8s.io", V1_AND_BETA, &["CertificateSigningRequest"]),
    ("flowcontrol.apiserver.k8s.io", &["v1beta1"], &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io", V1_AND_BETA, &["IngressClass"]),
    ("node.k8s.io", V1_AND_BETA, &["RuntimeClass"]),
    ("policy", &["v1beta1"], &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", V1_AND_BETA, &["ClusterRole", "ClusterRoleBinding"]),
    ("scheduling.k8s.io", V1_AND_BETA, &["PriorityClass"]),
    ("storage.k8s.io", V1_AND_BETA, &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
];
