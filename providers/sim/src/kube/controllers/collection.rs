//! The garbage collector: what belongs to something that is gone goes too.

use serde_json::{Value, json};

use super::{MANAGER, Step, is_ending, list, text};
use crate::kube::Settings;
use crate::kube::cluster::{Cluster, Event, place};
use crate::kube::rules;

/// An object is gone, or waits for its dependents to go or to be let go.
pub(super) fn noticed(cluster: &mut Cluster, now: u64, settings: &Settings, event: &Event) {
    let Some(delay) = settings.delay(settings.controllers.collection) else { return };
    match (&event.before, &event.after) {
        (Some(before), None) => {
            let uid = text(before, "/metadata/uid");
            if !cluster.dependents(uid).is_empty() {
                cluster.schedule(now + delay, &format!("collect/{uid}"));
            }
            for owner in list(before, "/metadata/ownerReferences") {
                if let Some((store, key)) = cluster.whereabouts(text(owner, "/uid")) {
                    cluster.schedule(now + delay, &format!("held/{store}|{key}"));
                }
            }
        }
        (_, Some(after)) if is_ending(after) => {
            let waits =
                list(after, "/metadata/finalizers").iter().any(|one| one == "foregroundDeletion" || one == "orphan");
            let guarded = list(after, "/metadata/finalizers")
                .iter()
                .any(|one| one == "kubernetes.io/pvc-protection" || one == "kubernetes.io/pv-protection");
            if waits || guarded {
                cluster.schedule(now + delay, &format!("held/{}|{}", event.store, event.key));
            }
        }
        (None, Some(after)) => {
            // An owner that was gone before its dependent came.
            for owner in list(after, "/metadata/ownerReferences") {
                let uid = text(owner, "/uid");
                if cluster.whereabouts(uid).is_none() {
                    cluster.schedule(now + delay, &format!("collect/{uid}"));
                }
            }
        }
        _ => {}
    }
}

/// Deletes what only belonged to an object that is gone.
pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, uid: &str) {
    if cluster.whereabouts(uid).is_some() {
        return;
    }
    for (store, key) in cluster.dependents(uid) {
        let (namespace, name) = key.split_once('/').unwrap_or(("", &key));
        let Some(object) = cluster.object(&store, namespace, name).cloned() else { continue };
        let living = list(&object, "/metadata/ownerReferences")
            .iter()
            .any(|owner| cluster.whereabouts(text(owner, "/uid")).is_some());
        if living {
            step.by(MANAGER, "").modify(cluster, &store, namespace, name, |object| {
                let rest: Vec<Value> = list(object, "/metadata/ownerReferences")
                    .iter()
                    .filter(|owner| text(owner, "/uid") != uid)
                    .cloned()
                    .collect();
                rules::metadata::set(object, "ownerReferences", Some(Value::Array(rest)));
            });
        } else if !is_ending(&object) {
            step.by(MANAGER, "").delete(cluster, &store, namespace, name);
        }
    }
}

/// Lets go of an object that waited for its dependents.
pub(super) fn held(step: &Step<'_>, cluster: &mut Cluster, what: &str) {
    let Some((store, key)) = what.split_once('|') else { return };
    let (namespace, name) = key.split_once('/').unwrap_or(("", key));
    let Some(object) = cluster.object(store, namespace, name).filter(|object| is_ending(object)).cloned() else {
        return;
    };
    let uid = text(&object, "/metadata/uid").to_owned();
    let dependents = cluster.dependents(&uid);
    let has = |finalizer: &str| list(&object, "/metadata/finalizers").iter().any(|one| one == finalizer);
    if has("orphan") {
        for (store, key) in &dependents {
            let (namespace, name) = key.split_once('/').unwrap_or(("", key));
            step.by(MANAGER, "").modify(cluster, store, namespace, name, |object| {
                let rest: Vec<Value> = list(object, "/metadata/ownerReferences")
                    .iter()
                    .filter(|owner| text(owner, "/uid") != uid)
                    .cloned()
                    .collect();
                rules::metadata::set(object, "ownerReferences", (!rest.is_empty()).then_some(Value::Array(rest)));
            });
        }
        release(step, cluster, store, &object, "orphan");
    } else if has("foregroundDeletion") {
        let mut blocking = false;
        for (store, key) in &dependents {
            let (namespace, name) = key.split_once('/').unwrap_or(("", key));
            let Some(dependent) = cluster.object(store, namespace, name).cloned() else { continue };
            let blocks = list(&dependent, "/metadata/ownerReferences")
                .iter()
                .any(|owner| text(owner, "/uid") == uid && owner.get("blockOwnerDeletion") == Some(&json!(true)));
            blocking |= blocks;
            if !is_ending(&dependent) {
                step.by(MANAGER, "").delete(cluster, store, namespace, name);
            }
        }
        let left = cluster.dependents(&uid);
        if !blocking || left.is_empty() {
            release(step, cluster, store, &object, "foregroundDeletion");
        }
    } else if has("kubernetes.io/pvc-protection") {
        if !is_used(cluster, namespace, name) {
            release(step, cluster, store, &object, "kubernetes.io/pvc-protection");
        } else {
            super::pods::try_again(step, cluster, &format!("held/{what}"));
        }
    } else if has("kubernetes.io/pv-protection") {
        let claim = (text(&object, "/spec/claimRef/namespace"), text(&object, "/spec/claimRef/name"));
        let bound = cluster.object("/persistentvolumeclaims", claim.0, claim.1);
        if bound.is_none_or(|bound| text(bound, "/metadata/uid") != text(&object, "/spec/claimRef/uid")) {
            release(step, cluster, store, &object, "kubernetes.io/pv-protection");
        }
    }
}

/// Whether a pod uses a claim.
fn is_used(cluster: &Cluster, namespace: &str, claim: &str) -> bool {
    cluster.objects("/pods", namespace, None).any(|(_, pod)| {
        list(pod, "/spec/volumes").iter().any(|volume| text(volume, "/persistentVolumeClaim/claimName") == claim)
            && text(pod, "/status/phase") != "Succeeded"
    })
}

fn release(step: &Step<'_>, cluster: &mut Cluster, store: &str, object: &Value, finalizer: &str) {
    let (namespace, name) = place(object);
    step.by(MANAGER, "").modify(cluster, store, &namespace, &name, |object| {
        let rest: Vec<Value> =
            list(object, "/metadata/finalizers").iter().filter(|one| *one != finalizer).cloned().collect();
        rules::metadata::set(object, "finalizers", (!rest.is_empty()).then_some(Value::Array(rest)));
    });
}
