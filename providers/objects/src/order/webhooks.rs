//! Admission webhooks: who serves them, and what they intercept.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::index::{Index, Item};
use super::selectors::{label, selects};
use crate::identity::{at, list, text};
use crate::pods;

pub(super) const GROUP: &str = "admissionregistration.k8s.io";

/// The label that the API server puts on every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Whether an item configures admission webhooks.
pub(super) fn is_configuration(item: &Item<'_>) -> bool {
    item.locator.group == GROUP && item.locator.kind.ends_with("WebhookConfiguration")
}

/// The Service and the workloads behind a webhook. One that goes by way of the API server is served by an aggregated API.
pub(super) fn serving(index: &Index<'_>, webhook: &Json) -> Vec<usize> {
    let service = |key: &str| text(webhook, &["clientConfig", "service", key]);
    if let Some(api) = aggregated(index, webhook) {
        let mut behind = index.item(api).map(|it| serving_api(index, it.body)).unwrap_or_default();
        behind.push(api);
        return behind;
    }
    index.behind(service("namespace"), service("name"))
}

/// The Service and the workloads behind an aggregated API.
pub(super) fn serving_api(index: &Index<'_>, body: &Json) -> Vec<usize> {
    let service = |key: &str| text(body, &["spec", "service", key]);
    index.behind(service("namespace"), service("name"))
}

fn aggregated(index: &Index<'_>, webhook: &Json) -> Option<usize> {
    let service = |key: &str| text(webhook, &["clientConfig", "service", key]);
    if (service("namespace"), service("name")) != ("default", "kubernetes") {
        return None;
    }
    let mut parts = service("path").trim_start_matches('/').split('/');
    let (Some("apis"), Some(group), Some(version)) = (parts.next(), parts.next(), parts.next()) else { return None };
    index.find("apiregistration.k8s.io", "APIService", "", &format!("{version}.{group}"))
}

/// Everything that must be there for a webhook to answer, beyond who serves it: rights, certificates, and who signs them.
pub(super) fn supporting(index: &Index<'_>, configuration: &Item<'_>, served_by: &[usize]) -> Vec<usize> {
    let mut needed = BTreeSet::new();
    for workload in served_by.iter().filter_map(|place| index.item(*place)) {
        let Some(template) = workload.template else { continue };
        for binding in index.bindings_of(workload.namespace(), pods::service_account(template)) {
            needed.insert(*binding);
            needed.extend(index.role_of(*binding));
        }
        for secret in pods::mounted_secrets(template) {
            needed.extend(index.certificate_of(workload.namespace(), secret));
        }
    }
    let annotations = at(configuration.body, &["metadata", "annotations"]);
    for key in ["cert-manager.io/inject-ca-from", "certmanager.k8s.io/inject-ca-from"] {
        let named = label(annotations, key);
        if let Some((namespace, name)) = named.as_deref().and_then(|named| named.split_once('/')) {
            needed.extend(
                ["cert-manager.io", "certmanager.k8s.io"]
                    .iter()
                    .filter_map(|group| index.find(group, "Certificate", namespace, name)),
            );
        }
    }
    let issuers: Vec<usize> = needed.iter().filter_map(|place| issuer_of(index, *place)).collect();
    needed.extend(issuers);
    needed.into_iter().collect()
}

fn issuer_of(index: &Index<'_>, certificate: usize) -> Option<usize> {
    let item = index.item(certificate).filter(|it| it.locator.kind == "Certificate")?;
    let issuer = |key: &str| text(item.body, &["spec", "issuerRef", key]);
    let kind = if issuer("kind").is_empty() { "Issuer" } else { issuer("kind") };
    let namespace = if kind == "Issuer" { item.namespace() } else { "" };
    index.find(&item.locator.group, kind, namespace, issuer("name"))
}

/// Whether a webhook that does not answer stops what it intercepts, or leaves pods without what they need.
pub(super) fn is_awaited(configuration: &Item<'_>, webhook: &Json) -> bool {
    let default = if configuration.locator.version == "v1beta1" { "Ignore" } else { "Fail" };
    let policy = match text(webhook, &["failurePolicy"]) {
        "" => default,
        stated => stated,
    };
    policy != "Ignore" || is_injector(configuration, webhook)
}

/// Whether a webhook puts sidecars into pods: without it they start, and never work.
fn is_injector(configuration: &Item<'_>, webhook: &Json) -> bool {
    configuration.locator.kind == "MutatingWebhookConfiguration"
        && (text(webhook, &["clientConfig", "service", "path"]).starts_with("/inject")
            || text(webhook, &["name"]).contains("sidecar-injector"))
}

/// The objects that a webhook intercepts when they are created or changed, themselves or by their pods.
pub(super) fn intercepted(index: &Index<'_>, webhook: &Json) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let rules = list(webhook, &["rules"]);
    if rules.is_empty() {
        found.extend(by_domain(index, text(webhook, &["name"])));
        found.extend(settings(index, webhook));
        return found;
    }
    for rule in rules {
        let words = |key: &str| list(rule, &[key]).iter().filter_map(Json::as_str);
        if !words("operations").any(|it| matches!(it, "CREATE" | "UPDATE" | "*")) {
            continue;
        }
        let resources: Vec<&str> = words("resources").collect();
        let is_any = resources.iter().any(|it| matches!(*it, "*" | "*/*"));
        let mut look_at = |place: &usize| {
            let Some(item) = index.item(*place) else { return };
            let fits = is_any || resources.contains(&index.plural(item).as_str());
            if fits && in_scope(text(rule, &["scope"]), item) && is_selected(index, webhook, item, item.body) {
                found.insert(*place);
            }
        };
        for group in words("apiGroups") {
            match group {
                "*" => index.by_group.values().flatten().for_each(&mut look_at),
                group => index.by_group.get(group).into_iter().flatten().for_each(&mut look_at),
            }
        }
        let is_for_pods =
            words("apiGroups").any(|it| matches!(it, "" | "*")) && (is_any || resources.contains(&"pods"));
        if is_for_pods && text(rule, &["scope"]) != "Cluster" {
            found.extend(index.workloads().filter(|place| {
                index.item(*place).is_some_and(|it| it.template.is_some_and(|pod| is_selected(index, webhook, it, pod)))
            }));
        }
    }
    found
}

/// Webhooks without rules fill them in when they run (Knative's do). Their names end in the domain of what they watch.
fn by_domain<'i>(index: &'i Index<'_>, name: &str) -> impl Iterator<Item = usize> + 'i {
    let mut labels = name.rsplit('.');
    let domain = match (labels.next(), labels.next(), labels.next()) {
        (Some(top), Some(second), Some(_)) => format!("{second}.{top}"),
        _ => String::new(),
    };
    index
        .by_group
        .iter()
        .filter(move |(group, _)| !domain.is_empty() && group.strip_suffix(&domain).is_some_and(|it| it.ends_with('.')))
        .flat_map(|(_, places)| places.iter().copied())
        .filter(|place| index.item(*place).is_some_and(Item::is_custom))
}

/// The ConfigMaps of its own namespace that one of Knative's `config.` webhooks checks once it has written its rules.
/// Source: `knative.dev/pkg/webhook/configmaps`.
pub(super) fn settings(index: &Index<'_>, webhook: &Json) -> Vec<usize> {
    let namespace = text(webhook, &["clientConfig", "service", "namespace"]);
    if !text(webhook, &["name"]).starts_with("config.") || !list(webhook, &["rules"]).is_empty() {
        return Vec::new();
    }
    let is_checked = |place: &&usize| {
        index.item(**place).is_some_and(|it| it.namespace() == namespace && is_selected(index, webhook, it, it.body))
    };
    index.of_kind("", "ConfigMap").iter().filter(is_checked).copied().collect()
}

fn in_scope(scope: &str, item: &Item<'_>) -> bool {
    match scope {
        "Namespaced" => item.locator.namespace.is_some(),
        "Cluster" => item.locator.namespace.is_none(),
        _ => true,
    }
}

/// Whether the selectors of a webhook select `subject`, which is `item` itself or its pod template.
fn is_selected(index: &Index<'_>, webhook: &Json, item: &Item<'_>, subject: &Json) -> bool {
    let own = at(subject, &["metadata", "labels"]);
    selects(webhook.get("objectSelector"), &|key| label(own, key)) && in_namespace(index, webhook, item)
}

fn in_namespace(index: &Index<'_>, webhook: &Json, item: &Item<'_>) -> bool {
    let selector = webhook.get("namespaceSelector");
    let name = match (&item.locator.namespace, item.is("", "Namespace")) {
        (Some(namespace), _) => namespace.as_str(),
        (None, true) => &item.locator.name,
        // What is cluster-scoped is never left out by a namespaceSelector.
        (None, false) => return true,
    };
    let place = index.find("", "Namespace", "", name);
    let labels = place.and_then(|it| index.item(it)).and_then(|it| at(it.body, &["metadata", "labels"]));
    selects(selector, &|key| if key == NAMESPACE_NAME { Some(name.to_owned()) } else { label(labels, key) })
}
