//! Fields of built-in kinds that the server refuses to change: the object must be replaced.
//!
//! Source: `pkg/apis/*/validation` of Kubernetes 1.34.

use kfplan_model::{Path, Segment};

struct Row {
    group: &'static str,
    kind: &'static str,
    paths: &'static [&'static str],
    why: &'static str,
}

const APPS_SELECTOR: &str = "the selector of a workload cannot be changed";
const JOB: &str = "the pod template and selector of a Job cannot be changed";
const ROLE_REF: &str = "the role of a binding cannot be changed";
const CLAIM: &str = "a claim can only grow";
const CLASS: &str = "a StorageClass cannot be changed";

const TABLE: &[Row] = &[
    Row { group: "apps", kind: "Deployment", paths: &["spec/selector"], why: APPS_SELECTOR },
    Row { group: "apps", kind: "DaemonSet", paths: &["spec/selector"], why: APPS_SELECTOR },
    Row { group: "apps", kind: "ReplicaSet", paths: &["spec/selector"], why: APPS_SELECTOR },
    Row {
        group: "apps",
        kind: "StatefulSet",
        paths: &["spec/selector", "spec/serviceName", "spec/podManagementPolicy", "spec/volumeClaimTemplates"],
        why: "of a StatefulSet only replicas, template, update strategy, retention and minReadySeconds can be changed",
    },
    Row {
        group: "batch",
        kind: "Job",
        paths: &["spec/selector", "spec/template", "spec/completionMode", "spec/manualSelector"],
        why: JOB,
    },
    Row { group: "rbac.authorization.k8s.io", kind: "RoleBinding", paths: &["roleRef"], why: ROLE_REF },
    Row { group: "rbac.authorization.k8s.io", kind: "ClusterRoleBinding", paths: &["roleRef"], why: ROLE_REF },
    Row {
        group: "",
        kind: "PersistentVolumeClaim",
        paths: &[
            "spec/accessModes",
            "spec/storageClassName",
            "spec/volumeMode",
            "spec/selector",
            "spec/dataSource",
            "spec/volumeName",
        ],
        why: CLAIM,
    },
    Row { group: "", kind: "Secret", paths: &["type"], why: "the type of a Secret cannot be changed" },
    Row {
        group: "storage.k8s.io",
        kind: "StorageClass",
        paths: &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
        why: CLASS,
    },
    Row { group: "scheduling.k8s.io", kind: "PriorityClass", paths: &["value"], why: "a priority cannot be changed" },
    Row { group: "node.k8s.io", kind: "RuntimeClass", paths: &["handler"], why: "a handler cannot be changed" },
    Row {
        group: "apiextensions.k8s.io",
        kind: "CustomResourceDefinition",
        paths: &["spec/group", "spec/scope", "spec/names/kind", "spec/names/plural"],
        why: "what a CRD names and where its objects live cannot be changed",
    },
    Row {
        group: "networking.k8s.io",
        kind: "IngressClass",
        paths: &["spec/controller"],
        why: "the controller of an IngressClass cannot be changed",
    },
];

/// Why a change at `path` makes the object be replaced, if it does.
pub(crate) fn reason(group: &str, kind: &str, path: &Path) -> Option<&'static str> {
    let row = TABLE.iter().find(|row| row.group == group && row.kind == kind)?;
    row.paths.iter().any(|pattern| is_inside(path, pattern)).then_some(row.why)
}

fn is_inside(path: &Path, pattern: &str) -> bool {
    let mut segments = path.segments().iter();
    pattern.split('/').all(|wanted| matches!(segments.next(), Some(Segment::Key(key)) if &**key == wanted))
}
