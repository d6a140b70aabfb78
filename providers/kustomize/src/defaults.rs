//! The fields that dialect 3.2 knows without being told.
//!
//! Group, version and kind select the objects; the order of the entries decides
//! nothing but the order of errors.

use crate::config::{Backreference, Config};
use crate::fieldspec::FieldSpec;
use crate::gvk::Gvk;

/// The table of the dialect.
pub(crate) fn config() -> Config {
    let mut config = Config {
        name_prefix: specs(false, &[("", "", "", "metadata/name")]),
        namespace: [
            specs(true, &[("", "", "", "metadata/namespace")]),
            specs(false, &[("", "", "RoleBinding", "subjects"), ("", "", "ClusterRoleBinding", "subjects")]),
        ]
        .concat(),
        name_suffix: Vec::new(),
        labels: Vec::new(),
        template_labels: Vec::new(),
        common_labels: labels(),
        common_annotations: annotations(),
        name_reference: references(),
        var_reference: variables(),
        images: Vec::new(),
        replicas: ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
            .into_iter()
            .map(|kind| spec(("", "", kind, "spec/replicas"), true))
            .collect(),
    };
    config.sort();
    config
}

pub(crate) type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

pub(crate) fn spec((group, version, kind, path): Row<'_>, create: bool) -> FieldSpec {
    FieldSpec::new(gvk(group, version, kind), path, create)
}

pub(crate) fn specs(create: bool, rows: &[Row<'_>]) -> Vec<FieldSpec> {
    rows.iter().map(|row| spec(*row, create)).collect()
}

pub(crate) fn gvk(group: &str, version: &str, kind: &str) -> Gvk {
    Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
}

fn labels() -> Vec<FieldSpec> {
    const TERM: &str = "labelSelector/matchLabels";
    let mut all = specs(
        true,
        &[
            ("", "", "", "metadata/labels"),
            ("", "v1", "Service", "spec/selector"),
            ("", "v1", "ReplicationController", "spec/selector"),
            ("", "v1", "ReplicationController", "spec/template/metadata/labels"),
            ("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels"),
            ("batch", "", "Job", "spec/template/metadata/labels"),
            ("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
            ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
        ],
    );
    for (group, kind) in [("", "Deployment"), ("", "ReplicaSet"), ("", "DaemonSet"), ("apps", "StatefulSet")] {
        all.push(spec((group, "", kind, "spec/selector/matchLabels"), true));
        all.push(spec((group, "", kind, "spec/template/metadata/labels"), true));
    }
    for kind in ["Deployment", "StatefulSet"] {
        for affinity in ["podAffinity", "podAntiAffinity"] {
            let base = format!("spec/template/spec/affinity/{affinity}");
            let preferred = format!("{base}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/{TERM}");
            let required = format!("{base}/requiredDuringSchedulingIgnoredDuringExecution/{TERM}");
            all.push(spec(("apps", "", kind, &preferred), false));
            all.push(spec(("apps", "", kind, &required), false));
        }
    }
    all.extend(specs(
        false,
        &[
            ("batch", "", "Job", "spec/selector/matchLabels"),
            ("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
            ("policy", "", "PodDisruptionBudget", "spec/selector/matchLabels"),
            ("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels"),
            ("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
            ("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
        ],
    ));
    all
}

pub(crate) fn annotations() -> Vec<FieldSpec> {
    specs(
        true,
        &[
            ("", "", "", "metadata/annotations"),
            ("", "v1", "ReplicationController", "spec/template/metadata/annotations"),
            ("", "", "Deployment", "spec/template/metadata/annotations"),
            ("", "", "ReplicaSet", "spec/template/metadata/annotations"),
            ("", "", "DaemonSet", "spec/template/metadata/annotations"),
            ("", "", "StatefulSet", "spec/template/metadata/annotations"),
            ("batch", "", "Job", "spec/template/metadata/annotations"),
            ("batch", "", "CronJob", "spec/jobTemplate/metadata/annotations"),
            ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/annotations"),
        ],
    )
}

/// Where the kinds that make pods keep the pod's own fields.
pub(crate) const POD: &str = "spec";
pub(crate) const TEMPLATE: &str = "spec/template/spec";
pub(crate) const JOB: &str = "spec/jobTemplate/spec/template/spec";

fn variables() -> Vec<FieldSpec> {
    let kinds = [
        ("CronJob", JOB),
        ("DaemonSet", TEMPLATE),
        ("Deployment", TEMPLATE),
        ("Job", TEMPLATE),
        ("Pod", POD),
        ("ReplicaSet", TEMPLATE),
        ("StatefulSet", TEMPLATE),
    ];
    let mut all = specs(
        false,
        &[
            ("", "", "", "metadata/labels"),
            ("", "", "Ingress", "spec/rules/host"),
            ("", "", "Ingress", "spec/tls/hosts"),
            ("", "", "Ingress", "spec/tls/secretName"),
            ("", "", "Service", "spec/ports/port"),
            ("", "", "Service", "spec/ports/targetPort"),
        ],
    );
    for (kind, base) in kinds {
        for containers in ["containers", "initContainers"] {
            for field in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                all.push(spec(("", "", kind, &format!("{base}/{containers}/{field}")), false));
            }
        }
    }
    all
}

pub(crate) fn reference(group: &str, version: &str, kind: &str, rows: &[Row<'_>]) -> Backreference {
    Backreference { target: gvk(group, version, kind), fields: specs(false, rows) }
}

fn references() -> Vec<Backreference> {
    const RBAC: &str = "rbac.authorization.k8s.io";
    const ADMISSION: &str = "admissionregistration.k8s.io";
    let scaled = [("", "", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")];
    let accounts = [(RBAC, "", "RoleBinding", "subjects"), (RBAC, "", "ClusterRoleBinding", "subjects")];
    vec![
        reference("", "", "Deployment", &scaled),
        reference("", "", "ReplicationController", &scaled),
        reference("", "", "ReplicaSet", &scaled),
        config_maps(),
        secrets(),
        reference(
            "",
            "v1",
            "Service",
            &[
                ("apps", "", "StatefulSet", "spec/serviceName"),
                ("", "", "Ingress", "spec/rules/http/paths/backend/serviceName"),
                ("", "", "Ingress", "spec/backend/serviceName"),
                ("apiregistration.k8s.io", "", "APIService", "spec/service/name"),
                (ADMISSION, "", "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
                (ADMISSION, "", "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
            ],
        ),
        reference(RBAC, "", "Role", &[(RBAC, "", "RoleBinding", "roleRef/name")]),
        reference(
            RBAC,
            "",
            "ClusterRole",
            &[(RBAC, "", "RoleBinding", "roleRef/name"), (RBAC, "", "ClusterRoleBinding", "roleRef/name")],
        ),
        in_pods("ServiceAccount", &accounts, "serviceAccountName"),
        in_pods("PersistentVolumeClaim", &[], "volumes/persistentVolumeClaim/claimName"),
        reference(
            "",
            "v1",
            "PersistentVolume",
            &[("", "", "PersistentVolumeClaim", "spec/volumeName"), ("", "", "ClusterRole", "rules/resourceNames")],
        ),
        reference(
            "storage.k8s.io",
            "v1",
            "StorageClass",
            &[
                ("", "", "PersistentVolume", "spec/storageClassName"),
                ("", "", "PersistentVolumeClaim", "spec/storageClassName"),
                ("", "", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
            ],
        ),
    ]
}

/// A kind of the core that pods name in one field.
fn in_pods(kind: &str, rows: &[Row<'_>], field: &str) -> Backreference {
    let kinds = [
        ("Pod", POD),
        ("StatefulSet", TEMPLATE),
        ("Deployment", TEMPLATE),
        ("ReplicationController", TEMPLATE),
        ("CronJob", JOB),
        ("Job", TEMPLATE),
        ("DaemonSet", TEMPLATE),
    ];
    let mut all = reference("", "v1", kind, rows);
    all.fields.extend(kinds.map(|(kind, base)| spec(("", "", kind, &format!("{base}/{field}")), false)));
    all
}

/// The fields of pods that name a ConfigMap or a Secret.
fn in_containers(fields: &[&str]) -> Vec<FieldSpec> {
    let kinds = [
        ("v1", "Pod", POD),
        ("", "Deployment", TEMPLATE),
        ("", "ReplicaSet", TEMPLATE),
        ("", "DaemonSet", TEMPLATE),
        ("", "StatefulSet", TEMPLATE),
        ("", "Job", TEMPLATE),
        ("", "CronJob", JOB),
    ];
    let each = |(version, kind, base)| {
        fields.iter().map(move |field| spec(("", version, kind, &format!("{base}/{field}")), false))
    };
    kinds.into_iter().flat_map(each).collect()
}

fn config_maps() -> Backreference {
    let fields = in_containers(&[
        "volumes/configMap/name",
        "containers/env/valueFrom/configMapKeyRef/name",
        "initContainers/env/valueFrom/configMapKeyRef/name",
        "containers/envFrom/configMapRef/name",
        "initContainers/envFrom/configMapRef/name",
        "volumes/projected/sources/configMap/name",
    ]);
    Backreference { target: gvk("", "v1", "ConfigMap"), fields }
}

fn secrets() -> Backreference {
    let mut fields = in_containers(&[
        "volumes/secret/secretName",
        "containers/env/valueFrom/secretKeyRef/name",
        "initContainers/env/valueFrom/secretKeyRef/name",
        "containers/envFrom/secretRef/name",
        "initContainers/envFrom/secretRef/name",
        "imagePullSecrets/name",
        "volumes/projected/sources/secret/name",
    ]);
    fields.extend(specs(
        false,
        &[
            ("", "", "Ingress", "spec/tls/secretName"),
            ("", "", "Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
            ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
            ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
            ("", "", "ServiceAccount", "imagePullSecrets/name"),
            ("", "", "StorageClass", "parameters/secretName"),
            ("", "", "StorageClass", "parameters/adminSecretName"),
            ("", "", "StorageClass", "parameters/userSecretName"),
            ("", "", "StorageClass", "parameters/secretRef"),
            ("", "", "Role", "rules/resourceNames"),
            ("", "", "ClusterRole", "rules/resourceNames"),
        ],
    ));
    Backreference { target: gvk("", "v1", "Secret"), fields }
}
