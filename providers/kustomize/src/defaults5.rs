//! The fields that dialect 5 knows without being told.

use crate::config::{Backreference, Config};
use crate::defaults::{JOB, POD, Row, TEMPLATE, gvk, reference, spec, specs};
use crate::fieldspec::FieldSpec;

/// The table of the dialect.
pub(crate) fn config() -> Config {
    let names = || specs(false, &[("", "", "", "metadata/name")]);
    let mut config = Config {
        name_prefix: names(),
        name_suffix: names(),
        namespace: [
            specs(
                true,
                &[
                    ("", "", "Namespace", "metadata/name"),
                    ("apiregistration.k8s.io", "", "APIService", "spec/service/namespace"),
                ],
            ),
            specs(
                false,
                &[(
                    "apiextensions.k8s.io",
                    "",
                    "CustomResourceDefinition",
                    "spec/conversion/webhook/clientConfig/service/namespace",
                )],
            ),
        ]
        .concat(),
        common_labels: [selectors(), templates()].concat(),
        labels: Vec::new(),
        template_labels: templates(),
        common_annotations: crate::defaults::annotations(),
        name_reference: references(),
        var_reference: variables(),
        images: ["spec", "spec/template/spec"]
            .iter()
            .flat_map(|base| ["containers", "initContainers"].map(|list| format!("{base}/{list}[]/image")))
            .map(|path| spec(("", "", "", &path), true))
            .collect(),
        replicas: ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
            .into_iter()
            .map(|kind| spec(("", "", kind, "spec/replicas"), true))
            .collect(),
    };
    config.sort();
    config
}

/// The labels by which objects are selected.
fn selectors() -> Vec<FieldSpec> {
    const TERM: &str = "labelSelector/matchLabels";
    const MATCH: &str = "spec/selector/matchLabels";
    let mut all = specs(
        true,
        &[
            ("", "v1", "Service", "spec/selector"),
            ("", "v1", "ReplicationController", "spec/selector"),
            ("", "", "Deployment", MATCH),
            ("", "", "ReplicaSet", MATCH),
            ("", "", "DaemonSet", MATCH),
            ("apps", "", "StatefulSet", MATCH),
        ],
    );
    for kind in ["Deployment", "StatefulSet"] {
        for affinity in ["podAffinity", "podAntiAffinity"] {
            let base = format!("spec/template/spec/affinity/{affinity}");
            let preferred = format!("{base}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/{TERM}");
            let required = format!("{base}/requiredDuringSchedulingIgnoredDuringExecution/{TERM}");
            all.push(spec(("apps", "", kind, &preferred), false));
            all.push(spec(("apps", "", kind, &required), false));
        }
        let spread = format!("spec/template/spec/topologySpreadConstraints/{TERM}");
        all.push(spec(("apps", "", kind, &spread), false));
    }
    all.extend(specs(
        false,
        &[
            ("batch", "", "Job", MATCH),
            ("batch", "", "CronJob", "spec/jobTemplate/spec/selector/matchLabels"),
            ("policy", "", "PodDisruptionBudget", MATCH),
            ("networking.k8s.io", "", "NetworkPolicy", "spec/podSelector/matchLabels"),
            ("networking.k8s.io", "", "NetworkPolicy", "spec/ingress/from/podSelector/matchLabels"),
            ("networking.k8s.io", "", "NetworkPolicy", "spec/egress/to/podSelector/matchLabels"),
        ],
    ));
    all
}

/// The labels of objects and of what is made of their templates.
fn templates() -> Vec<FieldSpec> {
    const LABELS: &str = "spec/template/metadata/labels";
    specs(
        true,
        &[
            ("", "", "", "metadata/labels"),
            ("", "v1", "ReplicationController", LABELS),
            ("", "", "Deployment", LABELS),
            ("", "", "ReplicaSet", LABELS),
            ("", "", "DaemonSet", LABELS),
            ("apps", "", "StatefulSet", LABELS),
            ("apps", "", "StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels"),
            ("batch", "", "Job", LABELS),
            ("batch", "", "CronJob", "spec/jobTemplate/metadata/labels"),
            ("batch", "", "CronJob", "spec/jobTemplate/spec/template/metadata/labels"),
        ],
    )
}

fn variables() -> Vec<FieldSpec> {
    let kinds = [
        ("CronJob", JOB, "spec/jobTemplate/spec/template/volumes/nfs/server"),
        ("DaemonSet", TEMPLATE, "spec/template/spec/volumes/nfs/server"),
        ("Deployment", TEMPLATE, "spec/template/spec/volumes/nfs/server"),
        ("Job", TEMPLATE, "spec/template/spec/volumes/nfs/server"),
        ("Pod", POD, "spec/volumes/nfs/server"),
        ("ReplicaSet", TEMPLATE, "spec/template/spec/volumes/nfs/server"),
        ("StatefulSet", TEMPLATE, "spec/volumeClaimTemplates/spec/nfs/server"),
    ];
    let mut all = specs(
        false,
        &[
            ("", "", "", "metadata/labels"),
            ("", "", "", "metadata/annotations"),
            ("", "", "Deployment", "spec/template/metadata/annotations"),
            ("", "", "Ingress", "spec/rules/host"),
            ("", "", "Ingress", "spec/tls/hosts"),
            ("", "", "Ingress", "spec/tls/secretName"),
            ("", "", "PersistentVolume", "spec/nfs/server"),
            ("", "", "Service", "spec/ports/port"),
            ("", "", "Service", "spec/ports/targetPort"),
        ],
    );
    for (kind, base, server) in kinds {
        for containers in ["containers", "initContainers"] {
            for field in ["args", "command", "env/value", "volumeMounts/mountPath"] {
                all.push(spec(("", "", kind, &format!("{base}/{containers}/{field}")), false));
            }
        }
        all.push(spec(("", "", kind, server), false));
    }
    all
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
        reference("", "", "StatefulSet", &scaled),
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
                ("", "", "Ingress", "spec/rules/http/paths/backend/service/name"),
                ("", "", "Ingress", "spec/defaultBackend/service/name"),
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
        in_pods(("", "v1", "ServiceAccount"), &accounts, "serviceAccountName"),
        in_pods(("", "v1", "PersistentVolumeClaim"), &[], "volumes/persistentVolumeClaim/claimName"),
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
        in_pods(("scheduling.k8s.io", "v1", "PriorityClass"), &[], "priorityClassName"),
        // The group is written with its version there, so that it never matches.
        reference("networking.k8s.io/v1", "v1", "IngressClass", &[("", "", "Ingress", "spec/ingressClassName")]),
        reference(
            ADMISSION,
            "",
            "ValidatingAdmissionPolicy",
            &[(ADMISSION, "", "ValidatingAdmissionPolicyBinding", "spec/policyName")],
        ),
    ]
}

/// A kind that pods name in one field.
fn in_pods((group, version, kind): (&str, &str, &str), rows: &[Row<'_>], field: &str) -> Backreference {
    let kinds = [
        ("Pod", POD),
        ("StatefulSet", TEMPLATE),
        ("Deployment", TEMPLATE),
        ("ReplicationController", TEMPLATE),
        ("CronJob", JOB),
        ("Job", TEMPLATE),
        ("DaemonSet", TEMPLATE),
    ];
    let mut all = reference(group, version, kind, rows);
    all.fields.extend(kinds.map(|(kind, base)| spec(("", "", kind, &format!("{base}/{field}")), false)));
    all
}

/// The fields of pods that name a ConfigMap or a Secret.
fn in_containers(fields: &[&str]) -> Vec<FieldSpec> {
    let kinds = [
        ("v1", "Pod", POD),
        ("", "PodTemplate", "template/spec"),
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
    let mut fields = in_containers(&[
        "volumes/configMap/name",
        "containers/env/valueFrom/configMapKeyRef/name",
        "initContainers/env/valueFrom/configMapKeyRef/name",
        "containers/envFrom/configMapRef/name",
        "initContainers/envFrom/configMapRef/name",
        "volumes/projected/sources/configMap/name",
    ]);
    fields.extend(specs(
        false,
        &[
            ("", "", "Node", "spec/configSource/configMap"),
            ("", "", "Role", "rules/resourceNames"),
            ("", "", "ClusterRole", "rules/resourceNames"),
            ("", "", "Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
        ],
    ));
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
            ("serving.knative.dev", "v1", "Service", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
            ("", "", "PersistentVolume", "spec/azureFile/secretName"),
        ],
    ));
    Backreference { target: gvk("", "v1", "Secret"), fields }
}
