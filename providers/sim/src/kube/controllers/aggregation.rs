//! ClusterRoles that are made of others.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Step, list, text};
use crate::kube::cluster::Cluster;
use crate::kube::server::Labels;

const STORE: &str = "rbac.authorization.k8s.io/clusterroles";
const MANAGER: &str = "clusterrole-aggregation-controller";

pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster) {
    let all: Vec<Arc<Value>> = cluster.objects(STORE, "", None).map(|(_, role)| role.clone()).collect();
    for role in all.iter().filter(|role| role.get("aggregationRule").is_some_and(Value::is_object)) {
        let selectors: Vec<Labels> =
            list(role, "/aggregationRule/clusterRoleSelectors").iter().map(Labels::of_selector).collect();
        let mut rules: Vec<Value> = Vec::new();
        for part in &all {
            let labels = part.pointer("/metadata/labels").and_then(Value::as_object);
            if text(part, "/metadata/name") == text(role, "/metadata/name")
                || !selectors.iter().any(|one| one.matches(labels))
            {
                continue;
            }
            for rule in list(part, "/rules") {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
        }
        if list(role, "/rules") == rules.as_slice() {
            continue;
        }
        let name = text(role, "/metadata/name").to_owned();
        if cluster.release.minor >= 22 {
            step.by(MANAGER, "").apply(cluster, STORE, json!({"metadata": {"name": name}, "rules": rules}));
        } else {
            step.by(MANAGER, "").modify(cluster, STORE, "", &name, |role| {
                if let Some(map) = role.as_object_mut() {
                    map.insert("rules".into(), Value::Array(rules));
                }
            });
        }
    }
}
