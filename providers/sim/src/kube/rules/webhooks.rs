//! Defaults and rules of webhook configurations.

use serde_json::{Value, json};

use super::{default, items, list, text};
use crate::kube::kinds::Resource;
use crate::kube::status::FieldError;

pub(crate) fn defaults(resource: &Resource, version: &str, object: &mut Value) {
    let old = version == "v1beta1";
    let mutating = resource.kind.starts_with("Mutating");
    for webhook in items(object, "webhooks") {
        default(webhook, "failurePolicy", if old { "Ignore" } else { "Fail" });
        default(webhook, "matchPolicy", if old { "Exact" } else { "Equivalent" });
        default(webhook, "namespaceSelector", json!({}));
        default(webhook, "objectSelector", json!({}));
        default(webhook, "timeoutSeconds", if old { 30 } else { 10 });
        if mutating {
            default(webhook, "reinvocationPolicy", "Never");
        }
        if old {
            default(webhook, "sideEffects", "Unknown");
            if list(webhook, "/admissionReviewVersions").is_empty()
                && let Some(map) = webhook.as_object_mut()
            {
                map.insert("admissionReviewVersions".into(), json!(["v1beta1"]));
            }
        }
        if let Some(service) = webhook.pointer_mut("/clientConfig/service") {
            default(service, "port", 443);
        }
        items(webhook, "rules").for_each(|rule| default(rule, "scope", "*"));
    }
}

pub(crate) fn check(version: &str, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for (index, webhook) in list(object, "/webhooks").iter().enumerate() {
        let field = format!("webhooks[{index}]");
        let name = text(webhook, "/name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        } else if version != "v1beta1" && name.split('.').count() < 3 {
            errors.push(FieldError::invalid(
                format!("{field}.name"),
                name,
                "should be a domain with at least three segments separated by dots",
            ));
        }
        if version != "v1beta1" && !names.insert(name) {
            errors.push(FieldError::duplicate(format!("{field}.name"), name));
        }
        if version != "v1beta1" {
            match text(webhook, "/sideEffects") {
                "None" | "NoneOnDryRun" => {}
                "" => errors.push(FieldError::required(
                    format!("{field}.sideEffects"),
                    "must specify one of None, NoneOnDryRun",
                )),
                other => errors.push(FieldError::not_supported(
                    format!("{field}.sideEffects"),
                    other,
                    &["None", "NoneOnDryRun"],
                )),
            }
            let versions = list(webhook, "/admissionReviewVersions");
            if versions.is_empty() {
                let detail = "must specify one of v1, v1beta1";
                errors.push(FieldError::required(format!("{field}.admissionReviewVersions"), detail));
            } else if !versions.iter().any(|version| matches!(version.as_str(), Some("v1" | "v1beta1"))) {
                errors.push(FieldError::invalid(
                    format!("{field}.admissionReviewVersions"),
                    Value::Array(versions.to_vec()),
                    "must include at least one of v1, v1beta1",
                ));
            }
        }
        for (key, allowed) in [("failurePolicy", ["Fail", "Ignore"]), ("matchPolicy", ["Equivalent", "Exact"])] {
            let value = text(webhook, &format!("/{key}"));
            if !value.is_empty() && !allowed.contains(&value) {
                errors.push(FieldError::not_supported(format!("{field}.{key}"), value, &allowed));
            }
        }
        client_config(&field, webhook, &mut errors);
        rules(&field, webhook, &mut errors);
    }
    errors
}

fn client_config(field: &str, webhook: &Value, errors: &mut Vec<FieldError>) {
    let config = webhook.get("clientConfig");
    let url = config.is_some_and(|config| config.get("url").is_some_and(Value::is_string));
    let service = config.is_some_and(|config| config.get("service").is_some_and(Value::is_object));
    if url == service {
        errors.push(FieldError::required(format!("{field}.clientConfig"), "exactly one of url or service is required"));
    }
    if service {
        for key in ["name", "namespace"] {
            if text(webhook, &format!("/clientConfig/service/{key}")).is_empty() {
                let what = format!("service {key} is required");
                errors.push(FieldError::required(format!("{field}.clientConfig.service.{key}"), what));
            }
        }
    }
}

fn rules(field: &str, webhook: &Value, errors: &mut Vec<FieldError>) {
    for (index, rule) in list(webhook, "/rules").iter().enumerate() {
        for key in ["operations", "apiGroups", "apiVersions", "resources"] {
            if list(rule, &format!("/{key}")).is_empty() {
                errors.push(FieldError::required(format!("{field}.rules[{index}].{key}"), ""));
            }
        }
    }
}
