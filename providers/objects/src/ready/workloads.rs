//! When workloads are ready.

use kfplan_plan::GateState;
use serde_json::Value as Json;

use super::kinds::{closed, condition, message_of};
use crate::identity::{at, list, text};

fn count(body: &Json, keys: &[&str]) -> i64 {
    at(body, keys).and_then(Json::as_i64).unwrap_or(0)
}

fn wanted(body: &Json) -> i64 {
    at(body, &["spec", "replicas"]).and_then(Json::as_i64).unwrap_or(1)
}

pub(super) fn deployment(body: &Json) -> GateState {
    let wanted = wanted(body);
    let status = |key: &str| count(body, &["status", key]);
    if at(body, &["spec", "paused"]) == Some(&Json::Bool(true)) {
        return GateState::OpenUnverified("it is paused".to_owned());
    }
    if status("updatedReplicas") < wanted {
        return short(body, status("updatedReplicas"), wanted, "up to date");
    }
    if status("replicas") > status("updatedReplicas") {
        return closed(format!("{} old pods are still there", status("replicas") - status("updatedReplicas")));
    }
    if status("availableReplicas") < wanted {
        return short(body, status("availableReplicas"), wanted, "available");
    }
    match condition(body, "Available") {
        Some(found) if text(found, &["status"]) != "True" => closed(message_of(found, "it is not available")),
        _ => GateState::Open,
    }
}

fn short(body: &Json, found: i64, wanted: i64, what: &str) -> GateState {
    let late = condition(body, "Progressing").filter(|it| text(it, &["reason"]) == "ProgressDeadlineExceeded");
    let failed = condition(body, "ReplicaFailure").filter(|it| text(it, &["status"]) == "True");
    let because = failed.or(late).map(|it| format!(": {}", message_of(it, "it makes no progress"))).unwrap_or_default();
    closed(format!("{found} of {wanted} pods are {what}{because}"))
}

pub(super) fn stateful_set(body: &Json) -> GateState {
    let wanted = wanted(body);
    let status = |key: &str| count(body, &["status", key]);
    if text(body, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return GateState::Open;
    }
    if status("readyReplicas") < wanted {
        return closed(format!("{} of {wanted} pods are ready", status("readyReplicas")));
    }
    let partition = count(body, &["spec", "updateStrategy", "rollingUpdate", "partition"]);
    if partition > 0 {
        let fresh = wanted - partition;
        return if status("updatedReplicas") < fresh {
            closed(format!("{} of {fresh} pods are up to date", status("updatedReplicas")))
        } else {
            GateState::Open
        };
    }
    let revision = |key: &str| text(body, &["status", key]);
    if revision("currentRevision") != revision("updateRevision") {
        return closed("its pods are being replaced".to_owned());
    }
    GateState::Open
}

pub(super) fn daemon_set(body: &Json) -> GateState {
    let status = |key: &str| count(body, &["status", key]);
    let wanted = status("desiredNumberScheduled");
    if at(body, &["status", "observedGeneration"]).is_none() {
        return closed("its controller has not looked at it yet".to_owned());
    }
    if wanted == 0 {
        return GateState::OpenUnverified("no node is there that it would run on".to_owned());
    }
    let is_on_delete = text(body, &["spec", "updateStrategy", "type"]) == "OnDelete";
    for (key, what) in
        [("updatedNumberScheduled", "up to date"), ("numberReady", "ready"), ("numberAvailable", "available")]
    {
        if status(key) < wanted && !(is_on_delete && key == "updatedNumberScheduled") {
            return closed(format!("{} of {wanted} pods are {what}", status(key)));
        }
    }
    GateState::Open
}

pub(super) fn replica_set(body: &Json) -> GateState {
    let (found, wanted) = (count(body, &["status", "availableReplicas"]), wanted(body));
    if found < wanted { closed(format!("{found} of {wanted} pods are available")) } else { GateState::Open }
}

pub(super) fn job(body: &Json) -> GateState {
    let is_true = |kind: &str| condition(body, kind).filter(|it| text(it, &["status"]) == "True");
    if let Some(failed) = is_true("Failed") {
        return GateState::Broken(message_of(failed, "the Job failed"));
    }
    if is_true("Complete").is_some() {
        return GateState::Open;
    }
    if is_true("Suspended").is_some() {
        return GateState::OpenUnverified("the Job is suspended".to_owned());
    }
    let wanted = at(body, &["spec", "completions"]).and_then(Json::as_i64).unwrap_or(1);
    closed(format!("{} of {wanted} pods have succeeded", count(body, &["status", "succeeded"])))
}

pub(super) fn pod(body: &Json) -> GateState {
    match text(body, &["status", "phase"]) {
        "Succeeded" => GateState::Open,
        "Failed" => GateState::Broken(trouble_of(body).unwrap_or_else(|| "the Pod failed".to_owned())),
        _ => match condition(body, "Ready") {
            Some(ready) if text(ready, &["status"]) == "True" => GateState::Open,
            _ => closed(trouble_of(body).unwrap_or_else(|| "the Pod is not ready".to_owned())),
        },
    }
}

/// What keeps a Pod from being ready, in the kubelet's or scheduler's words.
pub(super) fn trouble_of(pod: &Json) -> Option<String> {
    let statuses = ["initContainerStatuses", "containerStatuses"];
    for status in statuses.iter().flat_map(|key| list(pod, &["status", key])) {
        for state in ["waiting", "terminated"] {
            let of = |key: &str| text(status, &["state", state, key]);
            let is_trouble = match state {
                "waiting" => !matches!(of("reason"), "" | "ContainerCreating" | "PodInitializing"),
                _ => at(status, &["state", state, "exitCode"]).and_then(Json::as_i64).is_some_and(|code| code != 0),
            };
            if is_trouble {
                let message = if of("message").is_empty() { String::new() } else { format!(": {}", of("message")) };
                return Some(format!("container `{}` is {}{message}", text(status, &["name"]), of("reason")));
            }
        }
    }
    let unplaced = condition(pod, "PodScheduled").filter(|it| text(it, &["status"]) == "False")?;
    Some(message_of(unplaced, "no node takes the Pod"))
}
