//! Admission webhooks: asked in their turn, and what becomes of a request whose webhook does not answer.
//!
//! Behind every webhook stands a stand-in that allows everything, once the pods of its Service
//! have been ready for a while. Until then a call fails as it does in reality.

use serde_json::{Value, json};

use super::call::Call;
use super::select::Labels;
use super::text;
use crate::kube::Settings;
use crate::kube::cluster::Cluster;
use crate::kube::controllers;
use crate::kube::definitions;
use crate::kube::status::{Outcome, Refusal};

const MUTATING: &str = "admissionregistration.k8s.io/mutatingwebhookconfigurations";
const VALIDATING: &str = "admissionregistration.k8s.io/validatingwebhookconfigurations";

/// What webhooks are asked about.
struct Subject<'a> {
    now: u64,
    settings: &'a Settings,
    group: &'a str,
    version: &'a str,
    /// All versions in which the kind is served.
    versions: Vec<&'a str>,
    plural: &'a str,
    kind: &'a str,
    part: &'a str,
    namespace: &'a str,
    namespaced: bool,
    custom: bool,
    dry_run: bool,
    operation: &'a str,
}

impl<'a> Subject<'a> {
    fn of(call: &'a Call<'_>, operation: &'a str) -> Subject<'a> {
        let served = call.resource.versions.iter().filter(|version| version.served);
        Subject {
            now: call.now,
            settings: call.settings,
            group: &call.path.group,
            version: &call.path.version,
            versions: served.map(|version| version.name.as_str()).collect(),
            plural: &call.path.resource,
            kind: &call.resource.kind,
            part: &call.path.subresource,
            namespace: &call.path.namespace,
            namespaced: call.resource.namespaced,
            custom: call.resource.custom,
            dry_run: call.dry_run,
            operation,
        }
    }
}

/// Asks the webhooks that may change an object.
pub(crate) fn mutate(cluster: &Cluster, call: &Call<'_>, object: &Value, operation: &str) -> Outcome<()> {
    ask(cluster, &Subject::of(call, operation), MUTATING, object)
}

/// Asks the webhooks that may refuse an object.
pub(crate) fn validate(cluster: &Cluster, call: &Call<'_>, object: &Value, operation: &str) -> Outcome<()> {
    ask(cluster, &Subject::of(call, operation), VALIDATING, object)
}

/// Asks all webhooks about a pod that a controller makes; says why it is refused.
pub(crate) fn internal(cluster: &Cluster, now: u64, settings: &Settings, pod: &Value) -> Result<(), String> {
    let subject = Subject {
        now,
        settings,
        group: "",
        version: "v1",
        versions: vec!["v1"],
        plural: "pods",
        kind: "Pod",
        part: "",
        namespace: text(pod, "/metadata/namespace"),
        namespaced: true,
        custom: false,
        dry_run: false,
        operation: "CREATE",
    };
    let asked = ask(cluster, &subject, MUTATING, pod).and_then(|()| ask(cluster, &subject, VALIDATING, pod));
    asked.map_err(|refusal| refusal.message)
}

fn ask(cluster: &Cluster, call: &Subject<'_>, store: &str, object: &Value) -> Outcome<()> {
    if cluster.count(store) == 0 || is_exempt(call) {
        return Ok(());
    }
    for (_, configuration) in cluster.objects(store, "", None) {
        for webhook in configuration.get("webhooks").and_then(Value::as_array).into_iter().flatten() {
            if intercepts(cluster, call, webhook, object) {
                one(cluster, call, webhook)?;
            }
        }
    }
    Ok(())
}

/// Webhooks are never asked about webhooks.
fn is_exempt(call: &Subject<'_>) -> bool {
    !call.custom
        && matches!(
            call.kind,
            "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
        )
}

fn intercepts(cluster: &Cluster, call: &Subject<'_>, webhook: &Value, object: &Value) -> bool {
    let rules = webhook.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let equivalent = text(webhook, "/matchPolicy") != "Exact";
    let matched = rules.iter().any(|rule| rule_matches(call, rule, equivalent));
    if !matched {
        return false;
    }
    let selector = webhook.get("objectSelector").map(Labels::of_selector).unwrap_or_default();
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    selector.matches(labels) && namespace_matches(cluster, call, webhook, object)
}

fn rule_matches(call: &Subject<'_>, rule: &Value, equivalent: bool) -> bool {
    let has = |key: &str, wanted: &str| {
        let items = rule.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).any(|item| item == "*" || item == wanted)
    };
    let (part, plural) = (call.part, call.plural);
    let resources = rule.get("resources").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let resource = resources.into_iter().any(|one| match one.split_once('/') {
        None => part.is_empty() && (one == "*" || one == plural),
        Some((main, sub)) => (main == "*" || main == plural) && (sub == "*" || sub == part),
    });
    let scope = match text(rule, "/scope") {
        "Cluster" => !call.namespaced,
        "Namespaced" => call.namespaced,
        _ => true,
    };
    // An equivalent rule names any version of the kind.
    let version = has("apiVersions", call.version)
        || (equivalent && call.versions.iter().any(|version| has("apiVersions", version)));
    has("operations", call.operation) && has("apiGroups", call.group) && version && resource && scope
}

fn namespace_matches(cluster: &Cluster, call: &Subject<'_>, webhook: &Value, object: &Value) -> bool {
    let Some(selector) = webhook.get("namespaceSelector") else { return true };
    let selector = Labels::of_selector(selector);
    let is_namespace = call.kind == "Namespace" && !call.custom;
    if is_namespace {
        return selector.matches(object.pointer("/metadata/labels").and_then(Value::as_object));
    }
    if !call.namespaced {
        return true;
    }
    let namespace = cluster.object("/namespaces", "", call.namespace);
    selector.matches(namespace.and_then(|namespace| namespace.pointer("/metadata/labels")).and_then(Value::as_object))
}

/// Asks one webhook.
fn one(cluster: &Cluster, call: &Subject<'_>, webhook: &Value) -> Outcome<()> {
    let name = text(webhook, "/name");
    let effects = text(webhook, "/sideEffects");
    if call.dry_run && !matches!(effects, "None" | "NoneOnDryRun") {
        return Err(Refusal::bad(format!("admission webhook {name:?} does not support dry run")));
    }
    match answers(cluster, call.now, call.settings, webhook) {
        Err(why) if text(webhook, "/failurePolicy") != "Ignore" => {
            Err(Refusal::internal(&format!("failed calling webhook {name:?}: {why}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether a webhook answers, else why not.
pub(crate) fn answers(cluster: &Cluster, now: u64, settings: &Settings, webhook: &Value) -> Result<(), String> {
    let timeout = webhook.get("timeoutSeconds").and_then(Value::as_i64).unwrap_or(10);
    let config = webhook.get("clientConfig").cloned().unwrap_or_else(|| json!({}));
    let Some(service) = config.get("service").filter(|service| service.is_object()) else {
        let url = text(&config, "/url");
        let host = url.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        return Err(format!(
            "failed to call webhook: Post \"{url}?timeout={timeout}s\": dial tcp: lookup {host}: no such host"
        ));
    };
    let (namespace, name) = (text(service, "/namespace"), text(service, "/name"));
    let port = service.get("port").and_then(Value::as_i64).unwrap_or(443);
    let path = text(service, "/path");
    let url = format!("https://{name}.{namespace}.svc:{port}{path}?timeout={timeout}s");
    // Servers since 1.22 say twice that they failed.
    let twice = if cluster.release.minor >= 22 { "failed to call webhook: " } else { "" };
    let failed = |why: String| Err(format!("{twice}Post {url:?}: {why}"));
    if (namespace, name) == ("default", "kubernetes") {
        return through_the_server(cluster, path).map_err(|why| format!("{twice}{why}"));
    }
    let Some(found) = cluster.object("/services", namespace, name) else {
        return failed(format!("service {name:?} not found"));
    };
    if (namespace, name) == ("default", "kubernetes") {
        return by_way_of_the_server(cluster, path).map_err(|why| format!("{twice}{why}"));
    }
    let listed = found.pointer("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    if !listed.into_iter().any(|one| one.get("port").and_then(Value::as_i64) == Some(port)) {
        return failed(format!("no service port {port} found for service {name:?}"));
    }
    match controllers::service_answers(cluster, now, settings, namespace, name) {
        controllers::Answering::No(address) => {
            return failed(format!("dial tcp {address}:{port}: connect: connection refused"));
        }
        controllers::Answering::Yes => {}
    }
    if text(&config, "/caBundle").is_empty() {
        return failed("tls: failed to verify certificate: x509: certificate signed by unknown authority".into());
    }
    Ok(())
}

/// Some webhooks are reached through the API server itself, as an aggregated API.
fn through_the_server(cluster: &Cluster, path: &str) -> Result<(), String> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (Some("apis"), Some(group), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("the server could not find the requested resource".into());
    };
    match cluster.object("apiregistration.k8s.io/apiservices", "", &format!("{version}.{group}")) {
        None => Err("the server could not find the requested resource".into()),
        Some(service) if crate::kube::definitions::is(service, "Available") => Ok(()),
        Some(_) => Err("the server is currently unable to handle the request".into()),
    }
}

/// A webhook that is reached through the API server itself: an aggregated API answers, when it is available.
fn by_way_of_the_server(cluster: &Cluster, path: &str) -> Result<(), String> {
    let mut parts = path.trim_start_matches('/').split('/');
    let (root, group, version) = (parts.next(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let api = cluster.object("apiregistration.k8s.io/apiservices", "", &format!("{version}.{group}"));
    match api.filter(|_| root == Some("apis")) {
        None => Err("the server could not find the requested resource".to_owned()),
        Some(api) if definitions::is(api, "Available") => Ok(()),
        Some(_) => Err("the server is currently unable to handle the request".to_owned()),
    }
}

/// Whether objects can be brought into the version asked for, where a webhook does that.
pub(crate) fn convertible(cluster: &Cluster, call: &Call<'_>) -> Outcome<()> {
    let Some(config) = &call.resource.converter else { return Ok(()) };
    if call.path.version == call.resource.hub {
        return Ok(());
    }
    answers(cluster, call.now, call.settings, &json!({"clientConfig": config, "timeoutSeconds": 30})).map_err(|why| {
        let from = call.resource.api_version(&call.resource.hub);
        let why = why.trim_start_matches("failed to call webhook: ");
        Refusal::plain(500, format!("conversion webhook for {from}, Kind={} failed: {why}", call.resource.kind))
    })
}
