//! Kubeflow's notebooks become StatefulSets while their controller runs.

use serde_json::json;

use super::{Step, is_ending, number, owner, pods, ready_deployment};
use crate::kube::cluster::Cluster;

const STORE: &str = "kubeflow.org/notebooks";
const MANAGER: &str = "manager";

pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(notebook) = cluster.object(STORE, namespace, name).filter(|notebook| !is_ending(notebook)).cloned() else {
        return;
    };
    if ready_deployment(cluster, |name| name == "notebook-controller-deployment").is_none() {
        pods::try_again(step, cluster, &format!("notebook/{namespace}/{name}"));
        return;
    }
    let by = step.by(MANAGER, "");
    let spec = notebook.pointer("/spec/template/spec").cloned().unwrap_or_default();
    let labels = json!({"notebook-name": name, "statefulset": name});
    by.create(cluster, "apps/statefulsets", json!({
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner(&notebook)]},
        "spec": {"replicas": 1, "serviceName": "", "selector": {"matchLabels": {"statefulset": name}}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }));
    by.create(cluster, "/services", json!({
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": [owner(&notebook)]},
        "spec": {"type": "ClusterIP", "selector": {"statefulset": name}, "ports": [{"name": "http-notebook", "port": 80, "targetPort": 8888, "protocol": "TCP"}]},
    }));
    let ready =
        cluster.object("apps/statefulsets", namespace, name).map_or(0, |set| number(set, "/status/readyReplicas"));
    let before = number(&notebook, "/status/readyReplicas");
    if ready != before || notebook.get("status").is_none() {
        let state = if ready > 0 { json!({"running": {"startedAt": step.stamp()}}) } else { json!({}) };
        step.set_status(
            cluster,
            MANAGER,
            STORE,
            &notebook,
            json!({"readyReplicas": ready, "conditions": [], "containerState": state}),
        );
    }
    if ready == 0 {
        pods::try_again(step, cluster, &format!("notebook/{namespace}/{name}"));
    }
}
