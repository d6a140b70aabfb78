//! Kubeflow's profiles become namespaces with accounts and bindings.

use serde_json::{Value, json};

use super::{Step, is_ending, owner, pods, ready_deployment, text};
use crate::kube::cluster::Cluster;

const STORE: &str = "kubeflow.org/profiles";
const MANAGER: &str = "manager";

pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    let Some(profile) = cluster.object(STORE, "", name).filter(|profile| !is_ending(profile)).cloned() else { return };
    if ready_deployment(cluster, |name| name == "profiles-deployment").is_none() {
        pods::try_again(step, cluster, &format!("profile//{name}"));
        return;
    }
    let person = text(&profile, "/spec/owner/name").to_owned();
    let by = step.by(MANAGER, "");
    by.create(
        cluster,
        "/namespaces",
        json!({"metadata": {
        "name": name, "ownerReferences": [owner(&profile)], "annotations": {"owner": person},
        "labels": {"istio-injection": "enabled", "katib.kubeflow.org/metrics-collector-injection": "enabled",
            "serving.kubeflow.org/inferenceservice": "enabled", "pipelines.kubeflow.org/enabled": "true",
            "app.kubernetes.io/part-of": "kubeflow-profile"}}}),
    );
    for (account, role) in [("default-editor", "kubeflow-edit"), ("default-viewer", "kubeflow-view")] {
        by.create(
            cluster,
            "/serviceaccounts",
            json!({"metadata": {"name": account, "namespace": name, "ownerReferences": [owner(&profile)]}}),
        );
        by.create(
            cluster,
            "rbac.authorization.k8s.io/rolebindings",
            json!({
                "metadata": {"name": account, "namespace": name, "ownerReferences": [owner(&profile)]},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": name}],
            }),
        );
    }
    by.create(cluster, "rbac.authorization.k8s.io/rolebindings", json!({
        "metadata": {"name": "namespaceAdmin", "namespace": name, "ownerReferences": [owner(&profile)], "annotations": {"role": "admin", "user": person}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "kubeflow-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": person}],
    }));
    let condition = json!({"type": "Successful", "status": "True", "message": ""});
    let Some(profile) = cluster.object(STORE, "", name).cloned() else { return };
    if profile
        .get("status")
        .and_then(|status| status.get("conditions"))
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty)
    {
        step.set_status(cluster, MANAGER, STORE, &profile, json!({"conditions": [condition]}));
    }
}
