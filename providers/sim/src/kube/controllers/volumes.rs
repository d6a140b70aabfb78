//! Claims get volumes.

use serde_json::{Value, json};

use super::{MANAGER, Step, is_ending, list, text};
use crate::kube::cluster::Cluster;

pub(super) fn claim(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    const STORE: &str = "/persistentvolumeclaims";
    let Some(claim) = cluster.object(STORE, namespace, name).cloned() else {
        return release(step, cluster, namespace, name);
    };
    if text(&claim, "/status/phase") == "Bound" || is_ending(&claim) {
        return;
    }
    let class_name = text(&claim, "/spec/storageClassName");
    let Some(class) = cluster.object("storage.k8s.io/storageclasses", "", class_name).cloned() else { return };
    let waits = text(&class, "/volumeBindingMode") == "WaitForFirstConsumer";
    let used = cluster.objects("/pods", namespace, None).any(|(_, pod)| {
        list(pod, "/spec/volumes").iter().any(|volume| text(volume, "/persistentVolumeClaim/claimName") == name)
            && !text(pod, "/spec/nodeName").is_empty()
    });
    if waits && !used {
        return;
    }
    let uid = text(&claim, "/metadata/uid").to_owned();
    let volume = format!("pvc-{uid}");
    let capacity = json!({"storage": text(&claim, "/spec/resources/requests/storage")});
    let made = json!({
        "metadata": {"name": volume, "annotations": {"pv.kubernetes.io/provisioned-by": text(&class, "/provisioner")}, "finalizers": ["kubernetes.io/pv-protection"]},
        "spec": {
            "capacity": capacity, "accessModes": claim.pointer("/spec/accessModes"), "storageClassName": class_name,
            "persistentVolumeReclaimPolicy": text(&class, "/reclaimPolicy"), "volumeMode": "Filesystem",
            "csi": {"driver": text(&class, "/provisioner"), "volumeHandle": format!("/subscriptions/sandbox/disks/{volume}")},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name, "uid": uid},
        },
        "status": {"phase": "Bound"},
    });
    step.by("csi-provisioner", "").create(cluster, "/persistentvolumes", made);
    let provisioner = text(&class, "/provisioner").to_owned();
    step.by(MANAGER, "").modify(cluster, STORE, namespace, name, |claim| {
        crate::kube::admission::annotate(claim, "pv.kubernetes.io/bind-completed", "yes");
        crate::kube::admission::annotate(claim, "pv.kubernetes.io/bound-by-controller", "yes");
        crate::kube::admission::annotate(claim, "volume.kubernetes.io/storage-provisioner", &provisioner);
        if let Some(spec) = claim.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("volumeName".into(), json!(volume));
        }
    });
    let modes = claim.pointer("/spec/accessModes").cloned().unwrap_or_default();
    let Some(claim) = cluster.object(STORE, namespace, name).cloned() else { return };
    step.set_status(
        cluster,
        MANAGER,
        STORE,
        &claim,
        json!({"phase": "Bound", "accessModes": modes, "capacity": capacity}),
    );
    let waiting: Vec<String> = cluster
        .objects("/pods", namespace, None)
        .filter(|(_, pod)| text(pod, "/status/phase") == "Pending")
        .map(|(key, _)| format!("pod/{key}"))
        .collect();
    for what in waiting {
        cluster.schedule(step.now, &what);
    }
}

/// The claim is gone: its volume goes, unless it is to be kept.
fn release(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let of_claim = |volume: &Value| {
        text(volume, "/spec/claimRef/namespace") == namespace && text(volume, "/spec/claimRef/name") == name
    };
    let found = cluster
        .objects("/persistentvolumes", "", None)
        .find(|(_, volume)| of_claim(volume))
        .map(|(_, volume)| volume.clone());
    let Some(volume) = found else { return };
    if text(&volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
        step.by(MANAGER, "").delete(cluster, "/persistentvolumes", "", text(&volume, "/metadata/name"));
    } else {
        step.set_status(cluster, MANAGER, "/persistentvolumes", &volume, json!({"phase": "Released"}));
    }
}
