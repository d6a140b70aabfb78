//! Pods come, are placed, run, and go.

use serde_json::{Value, json};

use super::{MANAGER, Step, is_ending, list, nodes, owner, text, workloads};
use crate::kube::Settings;
use crate::kube::admission;
use crate::kube::cluster::{Cluster, Event, place};
use crate::kube::rules;
use crate::kube::server::{self, Labels};

/// How soon a refused creation is tried again, in milliseconds of real life.
const PATIENCE: u64 = 5_000;

pub(super) fn is_ready(pod: &Value) -> bool {
    !is_ending(pod) && crate::kube::definitions::is(pod, "Ready")
}

/// Tries something again after a while.
pub(super) fn try_again(step: &Step<'_>, cluster: &mut Cluster, what: &str) {
    let delay = step.settings.delay(Some(PATIENCE)).unwrap_or(PATIENCE).max(1);
    cluster.schedule(step.now + delay, what);
}

/// Makes a pod from the template of its owner; says why where it is refused.
pub(super) fn make(
    step: &Step<'_>,
    cluster: &mut Cluster,
    from: &Value,
    name: &str,
    stem: Option<String>,
) -> Result<(), String> {
    let namespace = text(from, "/metadata/namespace").to_owned();
    let template = from.pointer("/spec/template").cloned().unwrap_or_default();
    let mut metadata = json!({
        "name": name, "namespace": namespace, "ownerReferences": [owner(from)],
        "labels": template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({})),
    });
    if let Some(map) = metadata.as_object_mut() {
        if let Some(annotations) = template.pointer("/metadata/annotations") {
            map.insert("annotations".into(), annotations.clone());
        }
        if let Some(stem) = &stem {
            map.insert("generateName".into(), json!(stem));
        }
        if text(from, "/kind") == "StatefulSet"
            && let Some(labels) = map.get_mut("labels").and_then(Value::as_object_mut)
        {
            labels.insert("statefulset.kubernetes.io/pod-name".into(), json!(name));
        }
    }
    let mut pod = json!({"metadata": metadata, "spec": template.get("spec").cloned().unwrap_or_default()});
    server::internal_webhooks(cluster, step.now, step.settings, &pod)?;
    let account = match text(&pod, "/spec/serviceAccountName") {
        "" => "default",
        account => account,
    };
    if cluster.object("/serviceaccounts", &namespace, account).is_none() {
        let shown = stem.as_deref().unwrap_or(name);
        return Err(format!(
            "pods {shown:?} is forbidden: error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        ));
    }
    admission::complete_pod(cluster, &mut pod);
    for template in list(from, "/spec/volumeClaimTemplates") {
        let volume = text(template, "/metadata/name");
        let claim = json!({"name": volume, "persistentVolumeClaim": {"claimName": format!("{volume}-{name}")}});
        if let Some(volumes) = pod.pointer_mut("/spec/volumes").and_then(Value::as_array_mut) {
            volumes.push(claim);
        }
    }
    step.by(MANAGER, "").create(cluster, "/pods", pod);
    Ok(())
}

/// A pod changed: it is moved on, and all that counts it is woken.
pub(super) fn noticed(cluster: &mut Cluster, now: u64, settings: &Settings, event: &Event) {
    let Some(pod) = event.after.as_ref().or(event.before.as_ref()) else { return };
    if settings.controllers.workloads.is_none() {
        return;
    }
    let (namespace, name) = place(pod);
    for (kind, what) in
        [("ReplicaSet", "replicaset"), ("StatefulSet", "statefulset"), ("DaemonSet", "daemonset"), ("Job", "job")]
    {
        workloads::wake_owner(cluster, now, pod, kind, what);
    }
    let ready = |pod: Option<&std::sync::Arc<Value>>| pod.is_some_and(|pod| is_ready(pod));
    if ready(event.before.as_ref()) != ready(event.after.as_ref()) {
        wake_services(cluster, now, &namespace, pod);
    }
    if event.after.is_some() {
        let phase = text(pod, "/status/phase");
        if phase == "Pending" || is_ending(pod) {
            cluster.schedule(now, &format!("pod/{namespace}/{name}"));
        }
    }
}

fn wake_services(cluster: &mut Cluster, now: u64, namespace: &str, pod: &Value) {
    let labels = pod.pointer("/metadata/labels").and_then(Value::as_object);
    let names: Vec<String> = cluster
        .objects("/services", namespace, None)
        .filter(|(_, service)| {
            let selector = service.pointer("/spec/selector").cloned().unwrap_or_default();
            selector.as_object().is_some_and(|map| !map.is_empty())
                && Labels::of_selector(&json!({"matchLabels": selector})).matches(labels)
        })
        .map(|(_, service)| text(service, "/metadata/name").to_owned())
        .collect();
    for name in names {
        cluster.schedule(now, &format!("endpoints/{namespace}/{name}"));
    }
}

/// Moves a pod on: placed, started, ready; or gone.
pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(pod) = cluster.object("/pods", namespace, name).cloned() else { return };
    let settings = step.settings;
    if is_ending(&pod) {
        // The kubelet has stopped the containers.
        step.by("kubelet", "").modify(cluster, "/pods", namespace, name, |pod| {
            rules::metadata::set(pod, "deletionGracePeriodSeconds", Some(json!(0)));
        });
        return;
    }
    if text(&pod, "/status/phase") != "Pending" {
        return;
    }
    if text(&pod, "/spec/nodeName").is_empty() {
        place_pod(step, cluster, &pod);
        return;
    }
    if let Some(missing) = unbound_claim(cluster, &pod) {
        cluster.schedule(step.now, &format!("claim/{namespace}/{missing}"));
        try_again(step, cluster, &format!("pod/{namespace}/{name}"));
        return;
    }
    let Some(delay) = settings.delay(settings.controllers.workloads) else { return };
    let started = cluster.note(&format!("start/{namespace}/{name}")).and_then(|at| at.as_u64());
    match started {
        None => {
            cluster.set_note(&format!("start/{namespace}/{name}"), Some(json!(step.now + delay)));
            cluster.schedule(step.now + delay, &format!("pod/{namespace}/{name}"));
        }
        Some(at) if at > step.now => cluster.schedule(at, &format!("pod/{namespace}/{name}")),
        Some(_) => {
            cluster.set_note(&format!("start/{namespace}/{name}"), None);
            run(step, cluster, &pod);
        }
    }
}

/// Finds a node for a pod; where there is none it stays pending.
fn place_pod(step: &Step<'_>, cluster: &mut Cluster, pod: &Value) {
    let (namespace, name) = place(pod);
    let found = nodes::that_take(cluster, pod.get("spec").unwrap_or(&Value::Null), false);
    // Spread by name, so that the same pods always get the same nodes.
    let sum: usize = name.bytes().map(usize::from).sum();
    let node = if found.is_empty() { None } else { found.get(sum % found.len()).cloned() };
    match node {
        Some(node) => {
            let condition = step.condition(pod, "PodScheduled", true, "", "");
            step.by("kube-scheduler", "binding").modify(cluster, "/pods", &namespace, &name, |pod| {
                if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
                    spec.insert("nodeName".into(), json!(node));
                }
                if let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) {
                    status.insert("conditions".into(), json!([without_words(condition)]));
                }
            });
        }
        None => {
            let all = cluster.count("/nodes");
            let message = format!("0/{all} nodes are available.");
            let condition = step.condition(pod, "PodScheduled", false, "Unschedulable", &message);
            step.by("kube-scheduler", "status").modify(cluster, "/pods", &namespace, &name, |pod| {
                if let Some(status) = pod.get_mut("status").and_then(Value::as_object_mut) {
                    status.insert("conditions".into(), json!([condition]));
                }
            });
        }
    }
}

fn without_words(mut condition: Value) -> Value {
    if let Some(map) = condition.as_object_mut() {
        map.retain(|_, value| value.as_str().is_none_or(|text| !text.is_empty()));
        map.insert("lastProbeTime".into(), Value::Null);
    }
    condition
}

/// A claim of the pod that is not bound yet.
fn unbound_claim(cluster: &Cluster, pod: &Value) -> Option<String> {
    let namespace = text(pod, "/metadata/namespace");
    let claims =
        list(pod, "/spec/volumes").iter().filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName"));
    let mut claims = claims.filter_map(Value::as_str);
    claims
        .find(|claim| {
            let found = cluster.object("/persistentvolumeclaims", namespace, claim);
            found.is_none_or(|found| text(found, "/status/phase") != "Bound")
        })
        .map(str::to_owned)
}

/// The containers run; those of a job are done at once.
fn run(step: &Step<'_>, cluster: &mut Cluster, pod: &Value) {
    let (namespace, name) = place(pod);
    let done = list(pod, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/kind") == "Job");
    let stamp = step.stamp();
    let condition = |kind: &str, status: bool, reason: &str| {
        let mut one = step.condition(pod, kind, status, reason, "");
        if let Some(map) = one.as_object_mut() {
            map.retain(|_, value| value.as_str().is_none_or(|text| !text.is_empty()));
            map.insert("lastProbeTime".into(), Value::Null);
        }
        one
    };
    let reason = if done { "PodCompleted" } else { "" };
    let conditions = json!([
        condition("Initialized", true, reason),
        condition("Ready", !done, reason),
        condition("ContainersReady", !done, reason),
        condition("PodScheduled", true, ""),
    ]);
    let sum = name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let address = format!("10.244.{}.{}", sum / 254 % 254 + 1, sum % 254 + 1);
    let containers: Vec<Value> = list(pod, "/spec/containers")
        .iter()
        .map(|container| {
            let state = if done {
                json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": stamp, "finishedAt": stamp}})
            } else {
                json!({"running": {"startedAt": stamp}})
            };
            json!({
                "name": text(container, "/name"), "image": text(container, "/image"), "imageID": "", "ready": !done, "restartCount": 0,
                "started": !done, "state": state, "lastState": {},
            })
        })
        .collect();
    let class = pod.pointer("/status/qosClass").cloned().unwrap_or_default();
    let status = json!({
        "phase": if done { "Succeeded" } else { "Running" }, "conditions": conditions, "podIP": address, "podIPs": [{"ip": address}],
        "hostIP": "10.224.0.4", "startTime": stamp, "containerStatuses": containers, "qosClass": class,
    });
    step.by("kubelet", "status").modify(cluster, "/pods", &namespace, &name, |pod| {
        if let Some(map) = pod.as_object_mut() {
            map.insert("status".into(), status);
        }
    });
    nodes::plugin_runs(step, cluster, pod);
}
