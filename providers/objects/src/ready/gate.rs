//! Whether a gate is open, from its object and what the provider saw around it.

use kfplan_plan::{Gate, GateState, Probe};
use serde_json::{Value as Json, json};

use super::kinds::{closed, held_by, is_ready};
use super::workloads::trouble_of;
use crate::identity::{at, group_of, kind_of, list, name_of, namespace_of, text};
use crate::order::matches_labels;
use crate::pods;
use crate::values::Quantity;

/// What came of asking a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// A dry run or a canary of something that it intercepts passed, or was refused by the webhook itself: it answers.
    Answered,
    /// The API server could not reach it.
    Unreachable,
    /// What it could be tried on is still to come.
    Early,
    /// Nothing that it intercepts is there to try.
    Impossible,
}

const PROBE_GROUP: &str = "probe.kfplan.dev/v1";

/// What came of asking a webhook, as `gate` takes it beside the objects that were seen.
#[must_use]
pub fn webhook_probe(webhook: &str, outcome: WebhookOutcome, message: &str) -> Json {
    let outcome = match outcome {
        WebhookOutcome::Answered => "answered",
        WebhookOutcome::Unreachable => "unreachable",
        WebhookOutcome::Early => "early",
        WebhookOutcome::Impossible => "impossible",
    };
    let metadata = json!({ "name": webhook });
    json!({ "apiVersion": PROBE_GROUP, "kind": "Webhook", "metadata": metadata, "outcome": outcome, "message": message })
}

/// Judges a gate. `seen` holds its own object first, then what was seen around it: pods, nodes, endpoints, and what came
/// of asking webhooks.
pub(crate) fn gate(gate: &Gate, seen: &[Json]) -> GateState {
    if gate.probe == Probe::Joined {
        return GateState::Open;
    }
    let Some((object, around)) = seen.split_first().filter(|(object, _)| !object.is_null()) else {
        return match gate.probe {
            Probe::Gone => GateState::Open,
            _ => closed("it is not there yet".to_owned()),
        };
    };
    match &gate.probe {
        Probe::Ready => ready(object, around),
        Probe::Established { versions } => established(object, versions),
        Probe::WebhookAnswers { webhook } => webhooks(object, webhook.as_deref(), around),
        Probe::Allocatable { resource, pools } => allocatable(object, resource, pools, around),
        Probe::Gone => closed(held_by(object)),
        Probe::Joined => GateState::Open,
    }
}

fn ready(object: &Json, around: &[Json]) -> GateState {
    match is_ready(object) {
        GateState::Closed(why) => {
            let pods = around.iter().filter(|it| kind_of(it) == "Pod" && is_pod_of(object, it));
            let troubles: Vec<String> =
                pods.filter_map(|pod| Some(format!("pod `{}`: {}", name_of(pod), trouble_of(pod)?))).collect();
            match troubles.first() {
                Some(first) => closed(format!("{why}; {first}")),
                None => closed(why),
            }
        }
        GateState::Open if kind_of(object) == "Service" && text(object, &["spec", "type"]) == "LoadBalancer" => {
            let (namespace, name) = (namespace_of(object).unwrap_or_default(), name_of(object));
            match endpoints_of(namespace, name, around) {
                Some(0) => closed("it has an address, and no ready pod behind it".to_owned()),
                _ => GateState::Open,
            }
        }
        state => state,
    }
}

fn is_pod_of(workload: &Json, pod: &Json) -> bool {
    let labels = at(pod, &["metadata", "labels"]);
    let wanted = at(workload, &["spec", "selector", "matchLabels"])
        .or_else(|| pods::pod_template(workload).and_then(|it| at(it, &["metadata", "labels"])));
    namespace_of(workload) == namespace_of(pod) && matches_labels(wanted, labels)
}

fn established(object: &Json, versions: &[String]) -> GateState {
    let served = |version: &&String| {
        let listed = list(object, &["spec", "versions"]);
        let by_list = listed
            .iter()
            .any(|it| text(it, &["name"]) == version.as_str() && at(it, &["served"]) != Some(&Json::Bool(false)));
        by_list || (listed.is_empty() && text(object, &["spec", "version"]) == version.as_str())
    };
    match (is_ready(object), versions.iter().find(|version| !served(version))) {
        (GateState::Open, Some(missing)) => GateState::Broken(format!("it does not serve version `{missing}`")),
        (state, _) => state,
    }
}

/// How many ready addresses a Service has; `None` when nobody looked.
fn endpoints_of(namespace: &str, service: &str, around: &[Json]) -> Option<usize> {
    let mut found = None;
    for it in around.iter().filter(|it| namespace_of(it) == Some(namespace)) {
        let ready = match (group_of(it), kind_of(it)) {
            ("discovery.k8s.io", "EndpointSlice")
                if text(it, &["metadata", "labels", "kubernetes.io/service-name"]) == service =>
            {
                let endpoints = list(it, &["endpoints"]).iter();
                endpoints.filter(|it| at(it, &["conditions", "ready"]) != Some(&Json::Bool(false))).count()
            }
            ("", "Endpoints") if name_of(it) == service => {
                list(it, &["subsets"]).iter().map(|it| list(it, &["addresses"]).len()).sum()
            }
            _ => continue,
        };
        found = Some(found.unwrap_or(0) + ready);
    }
    found
}

fn webhooks(object: &Json, only: Option<&str>, around: &[Json]) -> GateState {
    let asked = list(object, &["webhooks"]).iter().filter(|it| only.is_none_or(|only| text(it, &["name"]) == only));
    let mut unverified = None;
    for webhook in asked {
        match answers(webhook, around) {
            GateState::Open => {}
            GateState::OpenUnverified(why) => unverified = Some(why),
            state => return state,
        }
    }
    unverified.map_or(GateState::Open, GateState::OpenUnverified)
}

fn answers(webhook: &Json, around: &[Json]) -> GateState {
    let name = text(webhook, &["name"]);
    let service = |key: &str| text(webhook, &["clientConfig", "service", key]);
    let is_probe =
        |it: &&Json| kind_of(it) == "Webhook" && text(it, &["apiVersion"]) == PROBE_GROUP && name_of(it) == name;
    let probe = around.iter().find(is_probe);
    let outcome = probe.map(|it| text(it, &["outcome"])).unwrap_or_default();
    let message = probe.map(|it| text(it, &["message"])).unwrap_or_default();
    // A probe that passed proves more than everything else.
    if outcome == "answered" {
        return GateState::Open;
    }
    if outcome == "early" {
        return closed(format!("webhook `{name}` cannot be tried yet: {message}"));
    }
    if outcome == "unreachable" {
        return closed(format!("webhook `{name}` does not answer: {message}"));
    }
    let is_local = !service("name").is_empty() && (service("namespace"), service("name")) != ("default", "kubernetes");
    if is_local && text(webhook, &["clientConfig", "caBundle"]).is_empty() {
        return closed(format!("webhook `{name}` has no CA bundle yet"));
    }
    match endpoints_of(service("namespace"), service("name"), around) {
        Some(0) => closed(format!("no pod behind `{}/{}` is ready", service("namespace"), service("name"))),
        None if is_local => closed(format!("`{}/{}` has no endpoints yet", service("namespace"), service("name"))),
        _ => {
            let because = if message.is_empty() { "nothing could be tried on it" } else { message };
            GateState::OpenUnverified(format!("webhook `{name}` has ready endpoints and a CA bundle; {because}"))
        }
    }
}

fn allocatable(object: &Json, resource: &str, pools: &[String], around: &[Json]) -> GateState {
    match is_ready(object) {
        GateState::Open | GateState::OpenUnverified(_) => {}
        state => return state,
    }
    let pool_of = |node: &Json| {
        let label = |key: &str| text(node, &["metadata", "labels", key]).to_owned();
        let pool = label("kubernetes.azure.com/agentpool");
        if pool.is_empty() { label("agentpool") } else { pool }
    };
    let is_asked = |node: &&Json| match pools {
        [] => {
            at(node, &["metadata", "labels", "kubernetes.azure.com/accelerator"]).and_then(Json::as_str)
                == Some("nvidia")
                || at(node, &["metadata", "labels", "nvidia.com/gpu.present"]).and_then(Json::as_str) == Some("true")
        }
        pools => pools.contains(&pool_of(node)),
    };
    let nodes: Vec<&Json> = around.iter().filter(|it| kind_of(it) == "Node").filter(is_asked).collect();
    if nodes.is_empty() {
        return GateState::OpenUnverified(format!("no node is there that could offer `{resource}`"));
    }
    let offers = |node: &Json| match at(node, &["status", "allocatable", resource]) {
        Some(Json::String(text)) => Quantity::parse(text).is_some_and(|it| it.units() > 0),
        Some(Json::Number(number)) => number.as_i64().is_some_and(|it| it > 0),
        _ => false,
    };
    let without: Vec<&str> = nodes.iter().filter(|node| !offers(node)).map(|node| name_of(node)).collect();
    if without.is_empty() {
        return GateState::Open;
    }
    closed(format!("these nodes do not offer `{resource}` yet: {}", without.join(", ")))
}
