//! Objects to try a webhook on: the smallest ones that it intercepts. They are sent as a dry run; where a webhook takes
//! none, as all of Kubeflow 1.2, one is created and taken away again: a canary.

use serde_json::{Map, Value as Json, json};

use crate::identity::{at, kind_of, list, name_of, text};
use crate::order::{label_of, selects};
use crate::ready::WebhookOutcome;

/// Schemas that want deeper objects are left alone.
const MAX_DEPTH: usize = 16;
/// The name of what is tried. A canary that a killed run left behind is found by it.
pub const NAME: &str = "kfplan-probe";

/// A kind that a webhook intercepts, as the cluster serves it.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// The API group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The name in URLs.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// `openAPIV3Schema` of a custom kind.
    pub schema: Option<Json>,
}

/// What a webhook intercepts when it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The API group.
    pub group: String,
    /// The versions; `*` for any.
    pub versions: Vec<String>,
    /// The name in URLs; `*` for any.
    pub plural: String,
    /// Whether the API server calls the webhook in a dry run: it says so by `sideEffects`.
    pub takes_dry_runs: bool,
}

/// What to try a webhook on, in the order of its rules. `Err` says why nothing can be tried.
///
/// # Errors
///
/// A sentence without a full stop that says why the webhook cannot be tried.
pub fn subjects(webhook: &Json) -> Result<Vec<Subject>, String> {
    let takes_dry_runs = matches!(text(webhook, &["sideEffects"]), "None" | "NoneOnDryRun");
    if text(webhook, &["failurePolicy"]) == "Ignore" {
        return Err("it may fail unnoticed (`failurePolicy: Ignore`)".to_owned());
    }
    let words = |rule: &Json, key: &str| -> Vec<String> {
        list(rule, &[key]).iter().filter_map(Json::as_str).map(ToOwned::to_owned).collect()
    };
    let mut subjects = Vec::new();
    for rule in list(webhook, &["rules"]) {
        if !words(rule, "operations").iter().any(|it| it == "CREATE" || it == "*") {
            continue;
        }
        for group in words(rule, "apiGroups").into_iter().filter(|it| it != "*") {
            for plural in words(rule, "resources").into_iter().filter(|it| !it.contains('/') || it == "*/*") {
                let plural = if plural == "*/*" { "*".to_owned() } else { plural };
                let versions = words(rule, "apiVersions");
                subjects.push(Subject { group: group.clone(), versions, plural, takes_dry_runs });
            }
        }
    }
    if subjects.is_empty() { Err("nothing is known that it intercepts".to_owned()) } else { Ok(subjects) }
}

/// The smallest object of a kind that a webhook intercepts. A pod is for a scheduler that is not there, so that none runs.
///
/// # Errors
///
/// A sentence without a full stop that says why there is none.
pub fn trial(webhook: &Json, served: &Served, namespaces: &[Json]) -> Result<Json, String> {
    let mut metadata = json!({ "name": NAME });
    let labels = labels(webhook.get("objectSelector"))?;
    if !labels.is_empty() {
        metadata["labels"] = Json::Object(labels);
    }
    if served.namespaced {
        let fits = |namespace: &&Json| {
            let labels = at(namespace, &["metadata", "labels"]);
            let is_there = at(namespace, &["metadata", "deletionTimestamp"]).is_none();
            is_there && selects(webhook.get("namespaceSelector"), &|key| label_of(labels, key))
        };
        let namespace = namespaces.iter().find(fits).ok_or("no namespace is there that it looks at")?;
        metadata["namespace"] = json!(name_of(namespace));
    }
    let mut body = match (&served.schema, served.group.as_str(), served.kind.as_str()) {
        (Some(schema), _, _) => smallest(schema, 0),
        (None, "", "Pod") => {
            json!({"spec": {"schedulerName": NAME, "containers": [{"name": "probe", "image": "probe"}]}})
        }
        (None, "", "ConfigMap" | "Secret" | "ServiceAccount" | "Namespace") => json!({}),
        (None, "", "Service") => json!({"spec": {"ports": [{"port": 80}]}}),
        _ => return Err(format!("there is no trial object for `{}`", served.kind)),
    };
    if !body.is_object() {
        body = json!({});
    }
    let version =
        if served.group.is_empty() { served.version.clone() } else { format!("{}/{}", served.group, served.version) };
    body["apiVersion"] = json!(version);
    body["kind"] = json!(served.kind);
    body["metadata"] = metadata;
    Ok(body)
}

/// Labels that a selector selects.
fn labels(selector: Option<&Json>) -> Result<Map<String, Json>, String> {
    let mut labels = Map::new();
    let Some(selector) = selector else { return Ok(labels) };
    for (key, value) in selector.get("matchLabels").and_then(Json::as_object).into_iter().flatten() {
        labels.insert(key.clone(), value.clone());
    }
    for rule in list(selector, &["matchExpressions"]) {
        let value = match text(rule, &["operator"]) {
            "In" => list(rule, &["values"]).first().cloned().unwrap_or_else(|| json!("")),
            "Exists" => json!("kfplan"),
            _ => continue,
        };
        labels.entry(text(rule, &["key"]).to_owned()).or_insert(value);
    }
    let found = Json::Object(labels.clone());
    if selects(Some(selector), &|key| label_of(Some(&found), key)) {
        Ok(labels)
    } else {
        Err("no labels are known that it looks at".to_owned())
    }
}

/// The smallest value that a schema takes, as far as it can be told.
fn smallest(schema: &Json, depth: usize) -> Json {
    if let Some(default) = schema.get("default") {
        return default.clone();
    }
    if let Some(first) = list(schema, &["enum"]).first() {
        return first.clone();
    }
    let bound = |key: &str| schema.get(key).and_then(Json::as_u64).and_then(|it| usize::try_from(it).ok()).unwrap_or(0);
    if schema.get("x-kubernetes-int-or-string") == Some(&Json::Bool(true)) {
        return json!(1);
    }
    match text(schema, &["type"]) {
        "string" => json!("x".repeat(bound("minLength").clamp(1, 64))),
        "integer" => json!(schema.get("minimum").and_then(Json::as_i64).unwrap_or(1)),
        "number" => json!(schema.get("minimum").and_then(Json::as_f64).unwrap_or(1.0)),
        "boolean" => json!(false),
        "array" if depth < MAX_DEPTH => {
            let item = schema.get("items").map_or(Json::Null, |items| smallest(items, depth + 1));
            Json::Array(vec![item; bound("minItems").min(4)])
        }
        "object" if depth < MAX_DEPTH => {
            let required = list(schema, &["required"]).iter().filter_map(Json::as_str);
            let inside = required.filter(|key| depth > 0 || !matches!(*key, "apiVersion" | "kind" | "metadata"));
            let field = |key: &str| {
                let schema = at(schema, &["properties", key])?;
                Some((key.to_owned(), smallest(schema, depth + 1)))
            };
            let mut map: Map<String, Json> = inside.filter_map(field).collect();
            // Controllers and webhooks look at `spec` whether it is required or not.
            if depth == 0 && !map.contains_key("spec") {
                map.extend(field("spec"));
            }
            Json::Object(map)
        }
        _ => json!({}),
    }
}

/// Whether the API server refused a dry run because a webhook takes none; it then called none of them.
#[must_use]
pub fn is_no_dry_run(status: u16, message: &str) -> bool {
    status == 400 && message.contains("does not support dry run")
}

/// What the answer to a trial object says of the webhook.
#[must_use]
pub fn outcome(configuration: &Json, webhook: &str, status: u16, message: &str) -> (WebhookOutcome, String) {
    let is_mutating = kind_of(configuration) == "MutatingWebhookConfiguration";
    let named = |before: &str| message.split(before).nth(1).and_then(|rest| rest.split('"').next());
    if status < 300 {
        return (WebhookOutcome::Answered, String::new());
    }
    if is_no_dry_run(status, message) {
        return (WebhookOutcome::Impossible, "it takes no dry runs".to_owned());
    }
    if let Some(failed) = named("failed calling webhook \"") {
        let said = message.rsplit("\": ").next().unwrap_or(message);
        return if failed == webhook {
            (WebhookOutcome::Unreachable, said.to_owned())
        } else {
            (WebhookOutcome::Impossible, format!("webhook `{failed}` comes first and does not answer"))
        };
    }
    if let Some(denied) = named("admission webhook \"") {
        // Those that change objects come before those that only judge them.
        return if denied == webhook || is_mutating {
            (WebhookOutcome::Answered, String::new())
        } else {
            (WebhookOutcome::Impossible, format!("webhook `{denied}` refuses the trial object"))
        };
    }
    match status {
        // That the name is taken is found out when all webhooks have answered.
        409 => (WebhookOutcome::Answered, String::new()),
        // Objects are validated after they were changed, and before they are judged.
        400 | 422 if is_mutating => (WebhookOutcome::Answered, String::new()),
        400 | 422 => (WebhookOutcome::Impossible, "the trial object is not valid".to_owned()),
        401 | 403 => (WebhookOutcome::Impossible, "nothing may be tried on it".to_owned()),
        _ => (WebhookOutcome::Impossible, format!("trying it gave HTTP {status}")),
    }
}

/// The schema of a version of a CRD.
#[must_use]
pub fn schema_of(definition: &Json, version: &str) -> Option<Json> {
    let versions = list(definition, &["spec", "versions"]);
    let own = versions.iter().find(|it| text(it, &["name"]) == version);
    let schema = own.and_then(|it| at(it, &["schema", "openAPIV3Schema"]));
    schema.or_else(|| at(definition, &["spec", "validation", "openAPIV3Schema"])).cloned()
}
