//! What a cluster has before anybody asks for anything.

use serde_json::{Value, json};

use super::Step;
use crate::kube::Settings;
use crate::kube::cluster::Cluster;

/// A new control plane.
pub(crate) fn bootstrap(cluster: &mut Cluster, now: u64, settings: &Settings) {
    let step = Step { now, settings };
    let by = step.by("kube-apiserver", "");
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let mut metadata = json!({"name": name});
        if name == "kube-system" {
            metadata = json!({"name": name, "labels": {
                "control-plane": "true", "kubernetes.azure.com/managedby": "aks", "kubernetes.io/cluster-service": "true"}});
        }
        by.create(cluster, "/namespaces", json!({"metadata": metadata}));
    }
    by.create(cluster, "/services", json!({
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}]},
    }));
    by.create(cluster, "/endpoints", json!({
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": "10.224.0.1"}], "ports": [{"name": "https", "port": 443, "protocol": "TCP"}]}],
    }));
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
        by.create(
            cluster,
            "scheduling.k8s.io/priorityclasses",
            json!({
                "metadata": {"name": name}, "value": value, "description": "Used for system critical pods.",
            }),
        );
    }
    roles(&step, cluster);
    classes(&step, cluster);
}

fn roles(step: &Step<'_>, cluster: &mut Cluster) {
    const ROLES: &str = "rbac.authorization.k8s.io/clusterroles";
    let by = step.by("kube-apiserver", "");
    let labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    let annotations = json!({"rbac.authorization.kubernetes.io/autoupdate": "true"});
    by.create(cluster, ROLES, json!({
        "metadata": {"name": "cluster-admin", "labels": labels, "annotations": annotations},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}],
    }));
    by.create(
        cluster,
        "rbac.authorization.k8s.io/clusterrolebindings",
        json!({
            "metadata": {"name": "cluster-admin", "labels": labels, "annotations": annotations},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"}],
        }),
    );
    let read = ["get", "list", "watch"];
    let write = ["create", "delete", "deletecollection", "patch", "update"];
    let workloads = [
        "configmaps",
        "endpoints",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "serviceaccounts",
        "services",
    ];
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| json!({"apiGroups": groups, "resources": resources, "verbs": verbs});
    let apps = ["daemonsets", "deployments", "replicasets", "statefulsets"];
    let each = [
        ("view", vec![rule(&[""], &workloads, &read), rule(&["apps"], &apps, &read)]),
        (
            "edit",
            vec![rule(&[""], &workloads, &write), rule(&[""], &["secrets"], &read), rule(&["apps"], &apps, &write)],
        ),
        (
            "admin",
            vec![rule(
                &["rbac.authorization.k8s.io"],
                &["rolebindings", "roles"],
                &[read.as_slice(), write.as_slice()].concat(),
            )],
        ),
    ];
    for (name, rules) in each {
        let to = |target: &str| format!("rbac.authorization.k8s.io/aggregate-to-{target}");
        let mut part = labels.clone();
        if let Some(map) = part.as_object_mut() {
            map.insert(to(name), json!("true"));
        }
        by.create(cluster, ROLES, json!({"metadata": {"name": format!("system:aggregate-to-{name}"), "labels": part, "annotations": annotations}, "rules": rules}));
        let mut whole = labels.clone();
        let above = match name {
            "view" => Some("edit"),
            "edit" => Some("admin"),
            _ => None,
        };
        if let (Some(above), Some(map)) = (above, whole.as_object_mut()) {
            map.insert(to(above), json!("true"));
        }
        by.create(
            cluster,
            ROLES,
            json!({
                "metadata": {"name": name, "labels": whole, "annotations": annotations},
                "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {to(name): "true"}}]}, "rules": [],
            }),
        );
    }
}

/// The storage classes that AKS comes with.
fn classes(step: &Step<'_>, cluster: &mut Cluster) {
    let new = cluster.release.minor >= 21;
    let disk = if new { "disk.csi.azure.com" } else { "kubernetes.io/azure-disk" };
    let file = if new { "file.csi.azure.com" } else { "kubernetes.io/azure-file" };
    let mut all = vec![
        ("default", disk, "StandardSSD_LRS", true),
        ("azurefile", file, "Standard_LRS", false),
        ("managed-premium", disk, "Premium_LRS", false),
    ];
    if new {
        all.extend([
            ("managed-csi", disk, "StandardSSD_LRS", false),
            ("managed-csi-premium", disk, "Premium_LRS", false),
            ("azurefile-csi", file, "Standard_LRS", false),
        ]);
    }
    for (name, provisioner, sku, default) in all {
        let mut metadata = json!({"name": name, "labels": {"addonmanager.kubernetes.io/mode": "EnsureExists", "kubernetes.io/cluster-service": "true"}});
        if let (true, Some(map)) = (default, metadata.as_object_mut()) {
            map.insert("annotations".into(), json!({"storageclass.kubernetes.io/is-default-class": "true"}));
        }
        let mode = if provisioner == disk { "WaitForFirstConsumer" } else { "Immediate" };
        let class: Value = json!({
            "metadata": metadata, "provisioner": provisioner, "parameters": {"skuname": sku}, "reclaimPolicy": "Delete",
            "allowVolumeExpansion": true, "volumeBindingMode": mode,
        });
        step.by("kubectl-create", "").create(cluster, "storage.k8s.io/storageclasses", class);
    }
}

/// The control plane has another version: nothing of what is kept changes.
pub(crate) fn upgraded(cluster: &mut Cluster, now: u64, settings: &Settings) {
    bootstrap(cluster, now, settings);
}
