//! What built-in kinds require.
//!
//! Source: `pkg/apis/*/validation` of Kubernetes 1.34; only what is required whatever else is stated.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kfplan_model::{Path, Segment};
use kfplan_plan::ObjectLocator;
use serde_json::Value as Json;

use super::{Findings, element};
use crate::identity::{at, list, name_of, text};
use crate::pods::pod_template;
use crate::values::Quantity;

/// Group, kind, and the fields that must be there, dotted by `/`.
const REQUIRED: &[(&str, &str, &[&str])] = &[
    ("", "PersistentVolumeClaim", &["spec/accessModes", "spec/resources/requests/storage"]),
    ("", "PersistentVolume", &["spec/capacity", "spec/accessModes"]),
    ("apps", "Deployment", &["spec/selector", "spec/template"]),
    ("apps", "DaemonSet", &["spec/selector", "spec/template"]),
    ("apps", "ReplicaSet", &["spec/selector"]),
    ("apps", "StatefulSet", &["spec/selector", "spec/template"]),
    ("batch", "Job", &["spec/template"]),
    ("batch", "CronJob", &["spec/schedule", "spec/jobTemplate/spec/template"]),
    ("rbac.authorization.k8s.io", "RoleBinding", &["roleRef/kind", "roleRef/name"]),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", &["roleRef/kind", "roleRef/name"]),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        &["spec/group", "spec/names/kind", "spec/names/plural", "spec/scope"],
    ),
    (
        "apiregistration.k8s.io",
        "APIService",
        &["spec/group", "spec/version", "spec/groupPriorityMinimum", "spec/versionPriority"],
    ),
    ("storage.k8s.io", "StorageClass", &["provisioner"]),
    ("scheduling.k8s.io", "PriorityClass", &["value"]),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        &["spec/scaleTargetRef/kind", "spec/scaleTargetRef/name", "spec/maxReplicas"],
    ),
    ("networking.k8s.io", "NetworkPolicy", &["spec/podSelector"]),
    ("node.k8s.io", "RuntimeClass", &["handler"]),
];

pub(super) fn check(findings: &mut Findings<'_>, place: &ObjectLocator) {
    let desired = findings.desired;
    let body = &desired.body;
    let row = REQUIRED.iter().find(|row| row.0 == place.group && row.1 == place.kind);
    for field in row.map_or(&[][..], |row| row.2) {
        let keys: Vec<&str> = field.split('/').collect();
        let path = Path::keys(keys.iter().copied());
        let is_there = at(body, &keys).is_some_and(|it| !it.is_null()) || findings.is_late(&path);
        if !is_there {
            findings.wrong(path, "it is required");
        }
    }
    match (place.group.as_str(), place.kind.as_str()) {
        ("", "ConfigMap") => texts(findings, "data"),
        ("", "Secret") => secret(findings),
        ("", "Service") => service(findings),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(findings, place),
        ("admissionregistration.k8s.io", kind) if kind.ends_with("WebhookConfiguration") => webhooks(findings, place),
        _ => {}
    }
    if let Some(template) = pod_template(body) {
        pods(findings, place, template);
    }
}

fn texts(findings: &mut Findings<'_>, field: &str) {
    let desired = findings.desired;
    for (key, value) in at(&desired.body, &[field]).and_then(Json::as_object).into_iter().flatten() {
        let path = Path::keys([field, key.as_str()]);
        if !value.is_string() && !findings.is_late(&path) {
            let said = findings.quoted(&path, value);
            findings.wrong(path, format!("{said} must be text: put it into quotes"));
        }
    }
}

fn secret(findings: &mut Findings<'_>) {
    let desired = findings.desired;
    texts(findings, "stringData");
    for (key, value) in at(&desired.body, &["data"]).and_then(Json::as_object).into_iter().flatten() {
        let path = Path::keys(["data", key.as_str()]);
        let is_fine = value.as_str().is_some_and(|text| STANDARD.decode(text.replace(['\n', '\r'], "")).is_ok());
        if !is_fine && !findings.is_late(&path) {
            findings.wrong(path, "it must be base64; text goes into `stringData`");
        }
    }
}

fn service(findings: &mut Findings<'_>) {
    let desired = findings.desired;
    let spec = |key: &str| text(&desired.body, &["spec", key]);
    let ports = list(&desired.body, &["spec", "ports"]);
    match spec("type") {
        "ExternalName" => {
            let path = Path::keys(["spec", "externalName"]);
            if spec("externalName").is_empty() && !findings.is_late(&path) {
                findings.wrong(path, "a Service of type `ExternalName` requires it");
            }
        }
        _ if ports.is_empty() && spec("clusterIP") != "None" => {
            findings.wrong(Path::keys(["spec", "ports"]), "it is required")
        }
        _ => {}
    }
    for (place, port) in ports.iter().enumerate() {
        let path = element(&Path::keys(["spec", "ports"]), place);
        if ports.len() > 1 && text(port, &["name"]).is_empty() {
            findings.wrong(path.key("name"), "each of several ports must be named");
        }
        let number = at(port, &["port"]).and_then(Json::as_i64);
        if !number.is_some_and(|it| (1..=65535).contains(&it)) && !findings.is_late(&path.key("port")) {
            findings.wrong(path.key("port"), "it must be a number from 1 to 65535");
        }
    }
}

fn definition(findings: &mut Findings<'_>, place: &ObjectLocator) {
    let desired = findings.desired;
    let body = &desired.body;
    let (plural, group) = (text(body, &["spec", "names", "plural"]), text(body, &["spec", "group"]));
    let wanted = format!("{plural}.{group}");
    if !plural.is_empty() && !group.is_empty() && name_of(body) != wanted {
        findings.wrong(Path::keys(["metadata", "name"]), format!("it must be `{wanted}`: the plural and the group"));
    }
    let versions = list(body, &["spec", "versions"]);
    if place.version == "v1" {
        if versions.is_empty() {
            findings.wrong(Path::keys(["spec", "versions"]), "it is required");
        }
        for (number, version) in versions.iter().enumerate() {
            if at(version, &["schema", "openAPIV3Schema"]).is_none() {
                let path = element(&Path::keys(["spec", "versions"]), number).key("schema").key("openAPIV3Schema");
                findings.wrong(path, "every version requires a schema");
            }
        }
    }
    let stored = versions.iter().filter(|it| at(it, &["storage"]) == Some(&Json::Bool(true))).count();
    if !versions.is_empty() && stored != 1 {
        findings.wrong(
            Path::keys(["spec", "versions"]),
            format!("exactly one version must say `storage: true`, and {stored} do"),
        );
    }
}

fn webhooks(findings: &mut Findings<'_>, place: &ObjectLocator) {
    let desired = findings.desired;
    for (number, webhook) in list(&desired.body, &["webhooks"]).iter().enumerate() {
        let path = element(&Path::keys(["webhooks"]), number);
        let mut required = vec!["name", "clientConfig"];
        if place.version == "v1" {
            required.extend(["sideEffects", "admissionReviewVersions"]);
        }
        for field in required {
            if at(webhook, &[field]).is_none_or(Json::is_null) && !findings.is_late(&path.key(field)) {
                findings.wrong(path.key(field), "it is required");
            }
        }
    }
}

fn pods(findings: &mut Findings<'_>, place: &ObjectLocator, template: &Json) {
    let root = match place.kind.as_str() {
        "Pod" => Path::root(),
        "CronJob" => Path::keys(["spec", "jobTemplate", "spec", "template"]),
        _ => Path::keys(["spec", "template"]),
    };
    let is_required = at(template, &["spec"]).is_some() || place.kind == "Pod";
    if is_required && list(template, &["spec", "containers"]).is_empty() {
        findings.wrong(root.key("spec").key("containers"), "it is required");
    }
    for field in ["initContainers", "containers"] {
        let mut names = Vec::new();
        for (number, container) in list(template, &["spec", field]).iter().enumerate() {
            let path = element(&root.key("spec").key(field), number);
            container_of(findings, &path, container);
            let name = text(container, &["name"]);
            if names.contains(&name) {
                findings.wrong(path.key("name"), format!("`{name}` names another container too"));
            }
            names.push(name);
        }
    }
    let desired = findings.desired;
    let wanted = at(&desired.body, &["spec", "selector", "matchLabels"]).and_then(Json::as_object);
    let labels = at(template, &["metadata", "labels"]);
    let is_selecting = place.group == "apps" || place.kind == "Job";
    for (key, value) in wanted.into_iter().flatten().filter(|_| is_selecting) {
        if labels.and_then(|labels| labels.get(key)) != Some(value) {
            let path = Path::keys(["spec", "selector", "matchLabels", key.as_str()]);
            findings.wrong(path, "the pod template does not carry this label");
        }
    }
}

fn container_of(findings: &mut Findings<'_>, path: &Path, container: &Json) {
    for field in ["name", "image"] {
        if text(container, &[field]).is_empty() && !findings.is_late(&path.key(field)) {
            findings.wrong(path.key(field), "it is required");
        }
    }
    for kind in ["limits", "requests"] {
        for (name, value) in at(container, &["resources", kind]).and_then(Json::as_object).into_iter().flatten() {
            let path = path.key("resources").key(kind).key(name);
            let is_fine = match value {
                Json::String(text) => Quantity::parse(text).is_some(),
                Json::Number(_) => true,
                _ => findings.is_late(&path),
            };
            if !is_fine {
                let said = findings.quoted(&path, value);
                findings.wrong(path, format!("{said} is no quantity, such as `500m` or `1Gi`"));
            }
        }
    }
    for (number, variable) in list(container, &["env"]).iter().enumerate() {
        let path = path.key("env").join(Segment::Key(number.to_string().into())).key("value");
        let value = at(variable, &["value"]);
        if let Some(value) = value.filter(|it| !it.is_string() && !it.is_null()) {
            let said = findings.quoted(&path, value);
            findings.wrong(path, format!("{said} must be text: put it into quotes"));
        }
    }
}
