//! When an object is ready, by its kind.

use kfplan_plan::GateState;
use serde_json::Value as Json;

use super::workloads;
use crate::identity::{at, group_of, kind_of, list, text};

/// Kinds that are not ready before they say so: without a condition `Ready` nobody has looked at them.
const MUST_SAY_SO: &[(&str, &str)] = &[
    ("cert-manager.io", "Certificate"),
    ("cert-manager.io", "Issuer"),
    ("cert-manager.io", "ClusterIssuer"),
    ("certmanager.k8s.io", "Certificate"),
    ("certmanager.k8s.io", "Issuer"),
    ("certmanager.k8s.io", "ClusterIssuer"),
    ("serving.knative.dev", "Service"),
    ("serving.knative.dev", "Route"),
    ("serving.knative.dev", "Configuration"),
    ("serving.knative.dev", "Revision"),
    ("serving.knative.dev", "DomainMapping"),
    ("serving.kserve.io", "InferenceService"),
    ("serving.kserve.io", "LLMInferenceService"),
    ("serving.kserve.io", "InferenceGraph"),
    ("serving.kubeflow.org", "InferenceService"),
];

/// Kinds whose conditions tell of others, and never become true by waiting.
const SUMMARIES: &[(&str, &str)] = &[("app.k8s.io", "Application")];

/// Kinds that run to an end.
const RUNS: &[(&str, &str)] = &[
    ("kubeflow.org", "TFJob"),
    ("kubeflow.org", "PyTorchJob"),
    ("kubeflow.org", "MPIJob"),
    ("kubeflow.org", "MXJob"),
    ("kubeflow.org", "XGBoostJob"),
    ("kubeflow.org", "PaddleJob"),
    ("kubeflow.org", "JAXJob"),
    ("kubeflow.org", "Experiment"),
    ("kubeflow.org", "Trial"),
    ("trainer.kubeflow.org", "TrainJob"),
    ("jobset.x-k8s.io", "JobSet"),
];

pub(super) fn closed(why: String) -> GateState {
    GateState::Closed(why)
}

/// The condition of a type.
pub(super) fn condition<'a>(body: &'a Json, kind: &str) -> Option<&'a Json> {
    list(body, &["status", "conditions"]).iter().find(|it| text(it, &["type"]) == kind)
}

/// What a condition says, or what is said when it says nothing.
pub(super) fn message_of(condition: &Json, otherwise: &str) -> String {
    match (text(condition, &["message"]), text(condition, &["reason"])) {
        ("", "") => otherwise.to_owned(),
        ("", said) | (said, _) => said.trim_end_matches('.').to_owned(),
    }
}

/// Whether an object is ready, from the object alone.
#[must_use]
pub fn is_ready(body: &Json) -> GateState {
    let (group, kind) = (group_of(body), kind_of(body));
    if at(body, &["metadata", "deletionTimestamp"]).is_some_and(Json::is_string) {
        return closed(held_by(body));
    }
    let generation = at(body, &["metadata", "generation"]).and_then(Json::as_i64);
    let observed = at(body, &["status", "observedGeneration"]).and_then(Json::as_i64);
    if let (Some(generation), Some(observed)) = (generation, observed)
        && observed < generation
    {
        return closed("its controller has not looked at the latest change yet".to_owned());
    }
    match (group, kind) {
        ("apps", "Deployment") => workloads::deployment(body),
        ("apps", "StatefulSet") => workloads::stateful_set(body),
        ("apps", "DaemonSet") => workloads::daemon_set(body),
        ("apps", "ReplicaSet") => workloads::replica_set(body),
        ("batch", "Job") => workloads::job(body),
        ("", "Pod") => workloads::pod(body),
        ("", "PersistentVolumeClaim") => claim(body),
        ("", "Service") => service(body),
        ("", "Namespace") => namespace(body),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(body),
        ("apiregistration.k8s.io", "APIService") => api_service(body),
        ("kubeflow.org", "Notebook") => notebook(body),
        ("kubeflow.org", "Profile") => profile(body),
        _ if SUMMARIES.contains(&(group, kind)) => GateState::Open,
        _ if RUNS.contains(&(group, kind)) => run(body),
        _ => by_conditions(body, MUST_SAY_SO.contains(&(group, kind))),
    }
}

fn by_conditions(body: &Json, must_say_so: bool) -> GateState {
    if let Some(stalled) = condition(body, "Stalled").filter(|it| text(it, &["status"]) == "True") {
        return GateState::Broken(message_of(stalled, "it is stalled"));
    }
    if let Some(busy) = condition(body, "Reconciling").filter(|it| text(it, &["status"]) == "True") {
        return closed(message_of(busy, "it is being worked on"));
    }
    match condition(body, "Ready") {
        Some(ready) if text(ready, &["status"]) == "True" => GateState::Open,
        Some(ready) => closed(message_of(ready, "it is not ready")),
        None if must_say_so => closed("nobody has looked at it yet".to_owned()),
        None => GateState::Open,
    }
}

fn claim(body: &Json) -> GateState {
    match text(body, &["status", "phase"]) {
        "Bound" => GateState::Open,
        "Lost" => GateState::Broken("its volume is lost".to_owned()),
        _ => closed("no volume is bound to it yet".to_owned()),
    }
}

fn service(body: &Json) -> GateState {
    let is_waiting = text(body, &["spec", "type"]) == "LoadBalancer"
        && list(body, &["status", "loadBalancer", "ingress"]).is_empty();
    if is_waiting { closed("it has no address yet".to_owned()) } else { GateState::Open }
}

fn namespace(body: &Json) -> GateState {
    match text(body, &["status", "phase"]) {
        "Terminating" => closed(held_by(body)),
        _ => GateState::Open,
    }
}

fn definition(body: &Json) -> GateState {
    if let Some(refused) = condition(body, "NamesAccepted").filter(|it| text(it, &["status"]) == "False") {
        return GateState::Broken(message_of(refused, "its names are taken by another CRD"));
    }
    match condition(body, "Established").filter(|it| text(it, &["status"]) == "True") {
        Some(_) => GateState::Open,
        None => closed("it is not established yet".to_owned()),
    }
}

fn api_service(body: &Json) -> GateState {
    if !at(body, &["spec", "service"]).is_some_and(Json::is_object) {
        return GateState::Open;
    }
    match condition(body, "Available") {
        Some(found) if text(found, &["status"]) == "True" => GateState::Open,
        Some(found) => closed(message_of(found, "it does not answer")),
        None => closed("nobody has asked it yet".to_owned()),
    }
}

fn notebook(body: &Json) -> GateState {
    if at(body, &["metadata", "annotations", "kubeflow-resource-stopped"]).is_some() {
        return GateState::OpenUnverified("the notebook is stopped".to_owned());
    }
    let runs = at(body, &["status", "containerState", "running"]).is_some();
    let ready = at(body, &["status", "readyReplicas"]).and_then(Json::as_i64).unwrap_or(0);
    match (ready, runs) {
        (1.., true) => GateState::Open,
        _ => {
            let why = text(body, &["status", "containerState", "waiting", "reason"]);
            closed(if why.is_empty() { "its pod is not ready".to_owned() } else { format!("its pod waits: {why}") })
        }
    }
}

fn profile(body: &Json) -> GateState {
    match condition(body, "Failed") {
        Some(failed) if text(failed, &["status"]) != "False" => closed(message_of(failed, "its namespace is not made")),
        _ => GateState::Open,
    }
}

fn run(body: &Json) -> GateState {
    let is_true = |kind: &str| condition(body, kind).filter(|it| text(it, &["status"]) == "True");
    if let Some(failed) = is_true("Failed") {
        return GateState::Broken(message_of(failed, "it failed"));
    }
    let is_over = ["Succeeded", "Complete", "Completed"].iter().any(|kind| is_true(kind).is_some());
    if is_over || is_true("Running").is_some() { GateState::Open } else { closed("it does not run yet".to_owned()) }
}

/// What holds an object that is going away.
pub(super) fn held_by(body: &Json) -> String {
    let mut holders: Vec<&str> = list(body, &["metadata", "finalizers"]).iter().filter_map(Json::as_str).collect();
    holders.extend(list(body, &["spec", "finalizers"]).iter().filter_map(Json::as_str));
    let told = list(body, &["status", "conditions"]).iter().filter(|it| text(it, &["status"]) == "True");
    let told: Vec<String> = told
        .filter(|it| text(it, &["type"]).starts_with("Namespace"))
        .map(|it| message_of(it, text(it, &["type"])))
        .collect();
    match (holders.is_empty(), told.is_empty()) {
        (true, true) => "it is going away".to_owned(),
        (false, true) => format!("it is going away, held by the finalizers {}", holders.join(", ")),
        (_, false) => format!("it is going away: {}", told.join("; ")),
    }
}
