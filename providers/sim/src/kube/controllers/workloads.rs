//! Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs make pods, and say how many are ready.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{MANAGER, Step, is_ending, is_owned, list, nodes, number, owner, pods, text};
use crate::kube::cluster::Cluster;

/// Wakes the controller of the owner of an object.
pub(super) fn wake_owner(cluster: &mut Cluster, now: u64, object: &Value, kind: &str, what: &str) {
    let namespace = text(object, "/metadata/namespace").to_owned();
    for owner in list(object, "/metadata/ownerReferences") {
        if text(owner, "/kind") == kind {
            cluster.schedule(now, &format!("{what}/{namespace}/{}", text(owner, "/name")));
        }
    }
}

/// Ten letters that stand for a template.
fn template_hash(template: &Value) -> String {
    const LETTERS: &[u8] = b"bcdf456789";
    let digest = Sha256::digest(template.to_string().as_bytes());
    digest.iter().take(10).map(|byte| LETTERS.get(usize::from(byte % 10)).copied().map_or('b', char::from)).collect()
}

fn owned(cluster: &Cluster, store: &str, namespace: &str, uid: &str) -> Vec<Arc<Value>> {
    cluster
        .objects(store, namespace, None)
        .filter(|(_, object)| is_owned(object, uid))
        .map(|(_, object)| object.clone())
        .collect()
}

pub(super) fn deployment(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(object) = cluster.object("apps/deployments", namespace, name).filter(|object| !is_ending(object)).cloned()
    else {
        return;
    };
    let uid = text(&object, "/metadata/uid").to_owned();
    let template = object.pointer("/spec/template").cloned().unwrap_or_default();
    let hash = template_hash(&template);
    let set_name = format!("{name}-{hash}");
    let wanted = number(&object, "/spec/replicas");
    let sets = owned(cluster, "apps/replicasets", namespace, &uid);
    let revision = sets
        .iter()
        .filter_map(|set| text(set, "/metadata/annotations/deployment.kubernetes.io~1revision").parse::<u64>().ok())
        .max();
    let current = sets.iter().find(|set| text(set, "/metadata/name") == set_name).cloned();
    let current = match current {
        Some(current) => current,
        None => {
            let set = replica_set_of(&object, &template, &hash, &set_name, wanted, revision.unwrap_or(0) + 1);
            let Some(made) = step.by(MANAGER, "").create(cluster, "apps/replicasets", set) else { return };
            step.by(MANAGER, "status").modify(cluster, "apps/deployments", namespace, name, |object| {
                crate::kube::admission::annotate(
                    object,
                    "deployment.kubernetes.io/revision",
                    &(revision.unwrap_or(0) + 1).to_string(),
                );
            });
            made
        }
    };
    if number(&current, "/spec/replicas") != wanted {
        scale(step, cluster, namespace, &set_name, wanted);
    }
    let ready = number(&current, "/status/readyReplicas");
    // The old pods go when the new ones are ready.
    for old in sets.iter().filter(|set| text(set, "/metadata/name") != set_name && number(set, "/spec/replicas") > 0) {
        if ready >= wanted {
            scale(step, cluster, namespace, text(old, "/metadata/name"), 0);
        }
    }
    let Some(object) = cluster.object("apps/deployments", namespace, name).cloned() else { return };
    let old_replicas: i64 = sets
        .iter()
        .filter(|set| text(set, "/metadata/name") != set_name)
        .map(|set| number(set, "/status/replicas"))
        .sum();
    let old_ready: i64 = sets
        .iter()
        .filter(|set| text(set, "/metadata/name") != set_name)
        .map(|set| number(set, "/status/readyReplicas"))
        .sum();
    let status = deployment_status(step, &object, &current, (old_replicas, old_ready), &set_name);
    step.set_status(cluster, MANAGER, "apps/deployments", &object, status);
}

fn replica_set_of(deployment: &Value, template: &Value, hash: &str, name: &str, replicas: i64, revision: u64) -> Value {
    let mut template = template.clone();
    let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or_default();
    for place in [template.pointer_mut("/metadata/labels"), selector.pointer_mut("/matchLabels")] {
        if let Some(labels) = place.and_then(Value::as_object_mut) {
            labels.insert("pod-template-hash".into(), json!(hash));
        }
    }
    let labels = template.pointer("/metadata/labels").cloned().unwrap_or_default();
    json!({
        "metadata": {
            "name": name, "namespace": text(deployment, "/metadata/namespace"), "labels": labels,
            "annotations": {
                "deployment.kubernetes.io/desired-replicas": replicas.to_string(),
                "deployment.kubernetes.io/max-replicas": (replicas + 1).to_string(),
                "deployment.kubernetes.io/revision": revision.to_string(),
            },
            "ownerReferences": [owner(deployment)],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    })
}

fn scale(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str, replicas: i64) {
    step.by(MANAGER, "").modify(cluster, "apps/replicasets", namespace, name, |set| {
        if let Some(spec) = set.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("replicas".into(), json!(replicas));
        }
    });
}

fn deployment_status(
    step: &Step<'_>,
    object: &Value,
    set: &Value,
    (old, old_ready): (i64, i64),
    set_name: &str,
) -> Value {
    let wanted = number(object, "/spec/replicas");
    let updated = number(set, "/status/replicas");
    let ready = number(set, "/status/readyReplicas") + old_ready;
    let total = updated + old;
    let mut conditions = Vec::new();
    let available = ready >= wanted;
    let mut dated = |mut condition: Value| {
        let kind = text(&condition, "/type").to_owned();
        let before = list(object, "/status/conditions").iter().find(|one| text(one, "/type") == kind);
        let same = before.filter(|before| {
            text(before, "/reason") == text(&condition, "/reason")
                && text(before, "/status") == text(&condition, "/status")
        });
        let since = same.map_or_else(|| step.stamp(), |before| text(before, "/lastUpdateTime").to_owned());
        if let Some(map) = condition.as_object_mut() {
            map.insert("lastUpdateTime".into(), json!(since));
        }
        conditions.push(condition);
    };
    if available {
        dated(step.condition(
            object,
            "Available",
            true,
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        ));
    } else {
        dated(step.condition(
            object,
            "Available",
            false,
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        ));
    }
    if number(set, "/status/readyReplicas") >= wanted && old == 0 {
        let message = format!("ReplicaSet \"{set_name}\" has successfully progressed.");
        dated(step.condition(object, "Progressing", true, "NewReplicaSetAvailable", &message));
    } else {
        let message = format!("ReplicaSet \"{set_name}\" is progressing.");
        dated(step.condition(object, "Progressing", true, "ReplicaSetUpdated", &message));
    }
    let blocked = list(set, "/status/conditions").iter().find(|one| text(one, "/type") == "ReplicaFailure");
    if let Some(blocked) = blocked {
        dated(step.condition(object, "ReplicaFailure", true, "FailedCreate", text(blocked, "/message")));
    }
    let mut status = json!({"observedGeneration": number(object, "/metadata/generation"), "conditions": conditions});
    put_counts(
        &mut status,
        &[
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", ready),
            ("unavailableReplicas", (wanted.max(total) - ready).max(0)),
        ],
    );
    status
}

/// Counts that are nought are left out.
fn put_counts(status: &mut Value, counts: &[(&str, i64)]) {
    if let Some(map) = status.as_object_mut() {
        for (key, count) in counts.iter().filter(|(_, count)| *count != 0) {
            map.insert((*key).to_owned(), json!(count));
        }
    }
}

/// Pods that still count.
fn living(all: &[Arc<Value>]) -> Vec<Arc<Value>> {
    all.iter().filter(|pod| !is_ending(pod)).cloned().collect()
}

pub(super) fn replica_set(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(object) = cluster.object("apps/replicasets", namespace, name).filter(|object| !is_ending(object)).cloned()
    else {
        return;
    };
    let wanted = usize::try_from(number(&object, "/spec/replicas")).unwrap_or(0);
    let pods = living(&owned(cluster, "/pods", namespace, text(&object, "/metadata/uid")));
    let mut blocked = None;
    for _ in pods.len()..wanted {
        let suffix = cluster.fresh_suffix(step.settings);
        if let Err(why) = pods::make(step, cluster, &object, &format!("{name}-{suffix}"), Some(format!("{name}-"))) {
            blocked = Some(why);
            break;
        }
    }
    for pod in pods.iter().skip(wanted) {
        step.by(MANAGER, "").delete(cluster, "/pods", namespace, text(pod, "/metadata/name"));
    }
    let pods = living(&owned(cluster, "/pods", namespace, text(&object, "/metadata/uid")));
    let ready = i64::try_from(pods.iter().filter(|pod| pods::is_ready(pod)).count()).unwrap_or(0);
    let total = i64::try_from(pods.len()).unwrap_or(0);
    let mut status = json!({"replicas": total, "observedGeneration": number(&object, "/metadata/generation")});
    put_counts(&mut status, &[("fullyLabeledReplicas", total), ("readyReplicas", ready), ("availableReplicas", ready)]);
    if let Some(why) = blocked {
        let condition = step.condition(&object, "ReplicaFailure", true, "FailedCreate", &why);
        if let Some(map) = status.as_object_mut() {
            map.insert("conditions".into(), json!([condition]));
        }
        pods::try_again(step, cluster, &format!("replicaset/{namespace}/{name}"));
    }
    step.set_status(cluster, MANAGER, "apps/replicasets", &object, status);
}

pub(super) fn stateful_set(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(object) =
        cluster.object("apps/statefulsets", namespace, name).filter(|object| !is_ending(object)).cloned()
    else {
        return;
    };
    let wanted = usize::try_from(number(&object, "/spec/replicas")).unwrap_or(0);
    let pods = living(&owned(cluster, "/pods", namespace, text(&object, "/metadata/uid")));
    for index in 0..wanted {
        let pod = format!("{name}-{index}");
        if cluster.object("/pods", namespace, &pod).is_some() {
            continue;
        }
        for template in list(&object, "/spec/volumeClaimTemplates") {
            let claim = format!("{}-{pod}", text(template, "/metadata/name"));
            let labels = object.pointer("/spec/selector/matchLabels").cloned().unwrap_or_default();
            let made = json!({"metadata": {"name": claim, "namespace": namespace, "labels": labels}, "spec": template.get("spec")});
            step.by(MANAGER, "").create(cluster, "/persistentvolumeclaims", made);
        }
        if pods::make(step, cluster, &object, &pod, None).is_err() {
            pods::try_again(step, cluster, &format!("statefulset/{namespace}/{name}"));
            break;
        }
    }
    for pod in &pods {
        let index = text(pod, "/metadata/name").rsplit('-').next().and_then(|index| index.parse::<usize>().ok());
        if index.is_none_or(|index| index >= wanted) {
            step.by(MANAGER, "").delete(cluster, "/pods", namespace, text(pod, "/metadata/name"));
        }
    }
    let pods = living(&owned(cluster, "/pods", namespace, text(&object, "/metadata/uid")));
    let ready = i64::try_from(pods.iter().filter(|pod| pods::is_ready(pod)).count()).unwrap_or(0);
    let total = i64::try_from(pods.len()).unwrap_or(0);
    let hash = template_hash(object.pointer("/spec/template").unwrap_or(&Value::Null));
    let mut status = json!({
        "replicas": total, "availableReplicas": ready, "observedGeneration": number(&object, "/metadata/generation"),
        "currentRevision": format!("{name}-{hash}"), "updateRevision": format!("{name}-{hash}"), "collisionCount": 0,
    });
    put_counts(&mut status, &[("readyReplicas", ready), ("currentReplicas", total), ("updatedReplicas", total)]);
    step.set_status(cluster, MANAGER, "apps/statefulsets", &object, status);
}

pub(super) fn daemon_set(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(object) = cluster.object("apps/daemonsets", namespace, name).filter(|object| !is_ending(object)).cloned()
    else {
        return;
    };
    let spec = object.pointer("/spec/template/spec").cloned().unwrap_or_default();
    let nodes: Vec<String> = nodes::that_take(cluster, &spec, true);
    let pods = living(&owned(cluster, "/pods", namespace, text(&object, "/metadata/uid")));
    let mut missing = false;
    for node in &nodes {
        if pods.iter().any(|pod| text(pod, "/spec/nodeName") == node) {
            continue;
        }
        let suffix = cluster.fresh_suffix(step.settings);
        let mut bound = (*object).clone();
        if let Some(spec) = bound.pointer_mut("/spec/template/spec").and_then(Value::as_object_mut) {
            spec.insert("nodeName".into(), json!(node));
        }
        missing |= pods::make(step, cluster, &bound, &format!("{name}-{suffix}"), Some(format!("{name}-"))).is_err();
    }
    if missing {
        pods::try_again(step, cluster, &format!("daemonset/{namespace}/{name}"));
    }
    for pod in pods.iter().filter(|pod| !nodes.iter().any(|node| node == text(pod, "/spec/nodeName"))) {
        step.by(MANAGER, "").delete(cluster, "/pods", namespace, text(pod, "/metadata/name"));
    }
    let pods = living(&owned(cluster, "/pods", namespace, text(&object, "/metadata/uid")));
    let ready = i64::try_from(pods.iter().filter(|pod| pods::is_ready(pod)).count()).unwrap_or(0);
    let (wanted, total) = (i64::try_from(nodes.len()).unwrap_or(0), i64::try_from(pods.len()).unwrap_or(0));
    let mut status = json!({
        "currentNumberScheduled": total, "desiredNumberScheduled": wanted, "numberMisscheduled": 0, "numberReady": ready,
        "observedGeneration": number(&object, "/metadata/generation"),
    });
    put_counts(
        &mut status,
        &[("updatedNumberScheduled", total), ("numberAvailable", ready), ("numberUnavailable", wanted - ready)],
    );
    step.set_status(cluster, MANAGER, "apps/daemonsets", &object, status);
}

pub(super) fn job(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(object) = cluster.object("batch/jobs", namespace, name).filter(|object| !is_ending(object)).cloned()
    else {
        return;
    };
    if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) || object.pointer("/status/completionTime").is_some()
    {
        return;
    }
    let completions = object.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
    let pods = owned(cluster, "/pods", namespace, text(&object, "/metadata/uid"));
    let of_phase =
        |phase: &str| i64::try_from(pods.iter().filter(|pod| text(pod, "/status/phase") == phase).count()).unwrap_or(0);
    let succeeded = of_phase("Succeeded");
    let active = of_phase("Pending") + of_phase("Running");
    let room = number(&object, "/spec/parallelism").min(completions - succeeded) - active;
    let mut made = 0;
    for _ in 0..room {
        let suffix = cluster.fresh_suffix(step.settings);
        if pods::make(step, cluster, &object, &format!("{name}-{suffix}"), Some(format!("{name}-"))).is_err() {
            pods::try_again(step, cluster, &format!("job/{namespace}/{name}"));
            break;
        }
        made += 1;
    }
    let start = match text(&object, "/status/startTime") {
        "" => step.stamp(),
        start => start.to_owned(),
    };
    let mut status = json!({"startTime": start});
    put_counts(&mut status, &[("active", active + made), ("succeeded", succeeded)]);
    if succeeded >= completions {
        let mut condition = step.condition(
            &object,
            "Complete",
            true,
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        );
        if let Some(map) = condition.as_object_mut() {
            map.insert("lastProbeTime".into(), json!(step.stamp()));
        }
        if let Some(map) = status.as_object_mut() {
            map.insert("completionTime".into(), json!(step.stamp()));
            map.insert("conditions".into(), json!([condition]));
        }
    }
    step.set_status(cluster, MANAGER, "batch/jobs", &object, status);
}
