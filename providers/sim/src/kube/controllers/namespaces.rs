//! Namespaces begin with an account and a root certificate, and end with all that is in them.

use serde_json::{Value, json};

use super::{MANAGER, Step, is_ending, list, pods, text};
use crate::kube::cluster::Cluster;

pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    let Some(namespace) = cluster.object("/namespaces", "", name).cloned() else { return };
    if is_ending(&namespace) {
        end(step, cluster, name);
        return;
    }
    let by = step.by(MANAGER, "");
    by.create(cluster, "/serviceaccounts", json!({"metadata": {"name": "default", "namespace": name}}));
    if cluster.release.minor >= 20 {
        let root = json!({
            "metadata": {"name": "kube-root-ca.crt", "namespace": name},
            "data": {"ca.crt": cluster.access().ca_pem},
        });
        by.create(cluster, "/configmaps", root);
    }
}

/// Before 1.24 every account gets a secret with a token.
pub(super) fn account(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    if cluster.release.minor >= 24 {
        return;
    }
    let Some(account) =
        cluster.object("/serviceaccounts", namespace, name).filter(|account| !is_ending(account)).cloned()
    else {
        return;
    };
    let stem = format!("{name}-token-");
    if list(&account, "/secrets").iter().any(|secret| text(secret, "/name").starts_with(&stem)) {
        return;
    }
    let secret = format!("{stem}{}", cluster.fresh_suffix(step.settings));
    let token = cluster.fresh_uid(step.settings);
    let by = step.by(MANAGER, "");
    by.create(cluster, "/secrets", json!({
        "metadata": {"name": secret, "namespace": namespace, "annotations": {
            "kubernetes.io/service-account.name": name, "kubernetes.io/service-account.uid": text(&account, "/metadata/uid")}},
        "type": "kubernetes.io/service-account-token",
        "stringData": {"token": token, "namespace": namespace, "ca.crt": cluster.access().ca_pem},
    }));
    by.modify(cluster, "/serviceaccounts", namespace, name, |account| {
        if let Some(map) = account.as_object_mut()
            && let Some(secrets) = map.entry("secrets").or_insert_with(|| json!([])).as_array_mut()
        {
            secrets.push(json!({"name": secret}));
        }
    });
}

/// Takes away what is in a namespace, then the namespace; says what holds it.
fn end(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    let broken: Vec<String> = cluster
        .objects("apiregistration.k8s.io/apiservices", "", None)
        .filter(|(_, service)| {
            service.pointer("/spec/service").is_some_and(Value::is_object)
                && !crate::kube::definitions::is(service, "Available")
        })
        .map(|(_, service)| format!("{}/{}", text(service, "/spec/group"), text(service, "/spec/version")))
        .collect();
    let stores: Vec<String> = cluster.stores().map(str::to_owned).collect();
    for store in &stores {
        let keys: Vec<String> = cluster
            .objects(store, name, None)
            .filter(|(_, object)| !is_ending(object))
            .map(|(_, object)| text(object, "/metadata/name").to_owned())
            .collect();
        for object in keys {
            step.by(MANAGER, "").delete(cluster, store, name, &object);
        }
    }
    let mut remaining = Vec::new();
    let mut finalizers: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for store in &stores {
        let mut count = 0;
        for (_, object) in cluster.objects(store, name, None) {
            count += 1;
            for finalizer in list(object, "/metadata/finalizers").iter().filter_map(Value::as_str) {
                *finalizers.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
        if count > 0 {
            let (group, plural) = store.split_once('/').unwrap_or(("", store));
            remaining.push(format!("{plural}.{group} has {count} resource instances"));
        }
    }
    let Some(namespace) = cluster.object("/namespaces", "", name).cloned() else { return };
    if remaining.is_empty() && broken.is_empty() {
        step.by(MANAGER, "finalize").modify(cluster, "/namespaces", "", name, |namespace| {
            if let Some(spec) = namespace.get_mut("spec").and_then(Value::as_object_mut) {
                spec.remove("finalizers");
            }
        });
        return;
    }
    let discovery = if broken.is_empty() {
        step.condition(
            &namespace,
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered",
        )
    } else {
        let each: Vec<String> =
            broken.iter().map(|version| format!("{version}: stale GroupVersion discovery: {version}")).collect();
        let message = format!(
            "Discovery failed for some groups, {} failing: unable to retrieve the complete list of server APIs: {}",
            broken.len(),
            each.join(", ")
        );
        step.condition(&namespace, "NamespaceDeletionDiscoveryFailure", true, "DiscoveryFailed", &message)
    };
    let content = if remaining.is_empty() {
        step.condition(
            &namespace,
            "NamespaceContentRemaining",
            false,
            "ContentRemoved",
            "All content successfully removed",
        )
    } else {
        let message = format!("Some resources are remaining: {}", remaining.join(", "));
        step.condition(&namespace, "NamespaceContentRemaining", true, "SomeResourcesRemain", &message)
    };
    let held = if finalizers.is_empty() {
        step.condition(
            &namespace,
            "NamespaceFinalizersRemaining",
            false,
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        )
    } else {
        let each: Vec<String> =
            finalizers.iter().map(|(finalizer, count)| format!("{finalizer} in {count} resource instances")).collect();
        let message = format!("Some content in the namespace has finalizers remaining: {}", each.join(", "));
        step.condition(&namespace, "NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", &message)
    };
    let parsed = step.condition(
        &namespace,
        "NamespaceDeletionGroupVersionParsingFailure",
        false,
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    );
    let deleted = step.condition(
        &namespace,
        "NamespaceDeletionContentFailure",
        false,
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    );
    let status = json!({"phase": "Terminating", "conditions": [discovery, parsed, deleted, content, held]});
    step.set_status(cluster, MANAGER, "/namespaces", &namespace, status);
    pods::try_again(step, cluster, &format!("namespace//{name}"));
}
