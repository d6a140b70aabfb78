//! Plain edges: what must have been accepted before.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_plan::{EdgeKind, OrderEdge};
use serde_json::Value as Json;

use super::index::{Index, Item, RBAC};
use super::webhooks;
use crate::identity::{list, text};
use crate::pods;

pub(super) fn edges(index: &Index<'_>) -> Vec<OrderEdge> {
    let controllers = controllers(index);
    let mut edges = BTreeSet::new();
    for (place, item) in index.all() {
        let mut after = |from: Option<usize>, kind: EdgeKind| {
            if let Some(from) = from.filter(|from| *from != place) {
                edges.insert(OrderEdge { from, to: place, kind });
            }
        };
        if let Some(namespace) = &item.locator.namespace {
            // Custom resources may have finalizers, so they are deleted while their controllers live and not left to
            // the end of their namespace.
            let kind = if item.is_custom() { EdgeKind::AfterApplied } else { EdgeKind::ContainedIn };
            after(index.find("", "Namespace", "", namespace), kind);
        }
        for from in needed(index, item) {
            after(Some(from), EdgeKind::AfterApplied);
        }
        if item.is_custom() {
            let names = (item.locator.group.as_str(), item.locator.kind.as_str());
            after(index.crds.get(&names).copied(), EdgeKind::AfterReady);
            let key = (item.locator.group.clone(), index.plural(item));
            for controller in controllers.get(&key).into_iter().flatten() {
                after(Some(*controller), EdgeKind::AfterApplied);
            }
        }
    }
    edges.into_iter().collect()
}

/// What one object names.
fn needed(index: &Index<'_>, item: &Item<'_>) -> Vec<usize> {
    let (group, kind, namespace) = (item.locator.group.as_str(), item.locator.kind.as_str(), item.namespace());
    let mut needed = Vec::new();
    if let Some(template) = item.template {
        for need in pods::needs(template) {
            let namespace = if need.namespaced { namespace } else { "" };
            needed.extend(index.find(need.group, need.kind, namespace, need.name));
        }
    }
    match (group, kind) {
        ("apps", "StatefulSet") => {
            needed.extend(index.find("", "Service", namespace, text(item.body, &["spec", "serviceName"])));
        }
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => {
            let kind = text(item.body, &["roleRef", "kind"]);
            let of = if kind == "Role" { namespace } else { "" };
            needed.extend(index.find(RBAC, kind, of, text(item.body, &["roleRef", "name"])));
        }
        ("", "PersistentVolumeClaim") => {
            let class = text(item.body, &["spec", "storageClassName"]);
            needed.extend(index.find("storage.k8s.io", "StorageClass", "", class));
        }
        // Deleting goes the other way round: what intercepts goes before what serves it, or nothing could be written.
        (webhooks::GROUP, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => {
            for webhook in list(item.body, &["webhooks"]) {
                needed.extend(webhooks::serving(index, webhook));
            }
        }
        ("apiregistration.k8s.io", "APIService") => needed.extend(webhooks::serving_api(index, item.body)),
        _ => {}
    }
    needed
}

/// Who reconciles a kind: the workloads whose service account may write its status or finalizers. Custom resources come
/// after them, so that they go before them.
fn controllers(index: &Index<'_>) -> BTreeMap<(String, String), Vec<usize>> {
    let mut controllers: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let mut reconciled: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
    for place in index.workloads() {
        let Some(item) = index.item(place) else { continue };
        let Some(template) = item.template else { continue };
        let mut kinds = BTreeSet::new();
        for binding in index.bindings_of(item.namespace(), pods::service_account(template)) {
            let Some(role) = index.role_of(*binding) else { continue };
            let of_role = reconciled.entry(role).or_insert_with(|| index.item(role).map_or_else(Vec::new, reconciles));
            kinds.extend(of_role.iter().cloned());
        }
        for kind in kinds {
            controllers.entry(kind).or_default().push(place);
        }
    }
    controllers
}

/// Groups and plurals whose status or finalizers a role may write.
fn reconciles(role: &Item<'_>) -> Vec<(String, String)> {
    let mut kinds = Vec::new();
    for rule in list(role.body, &["rules"]) {
        let words = |key: &str| list(rule, &[key]).iter().filter_map(Json::as_str);
        if !words("verbs").any(|verb| matches!(verb, "update" | "patch" | "*")) {
            continue;
        }
        for resource in words("resources") {
            let Some(plural) = resource.strip_suffix("/status").or_else(|| resource.strip_suffix("/finalizers")) else {
                continue;
            };
            let groups = words("apiGroups").filter(|group| *group != "*");
            kinds.extend(groups.map(|group| (group.to_owned(), plural.to_owned())));
        }
    }
    kinds
}
