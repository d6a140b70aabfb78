//! AKS's admissions enforcer: keeps webhooks away from AKS's own namespaces by rewriting their selectors.

use serde_json::{Value, json};

use super::{Step, list, text};
use crate::kube::cluster::Cluster;

const DISABLED: &str = "admissions.enforcer/disabled";

pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, store: &str, name: &str) {
    let Some(configuration) = cluster.object(store, "", name).cloned() else { return };
    let opted_out = ["annotations", "labels"].iter().any(|place| {
        let value = configuration.pointer(&format!("/metadata/{place}")).and_then(|all| all.get(DISABLED));
        value.and_then(Value::as_str) == Some("true")
    });
    if opted_out || name.starts_with("aks-") {
        return;
    }
    let wanted = if step.settings.controllers.enforcer_historic {
        vec![json!({"key": "control-plane", "operator": "DoesNotExist"})]
    } else {
        vec![
            json!({"key": "control-plane", "operator": "NotIn", "values": ["true"]}),
            json!({"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]}),
        ]
    };
    step.by("admissionsenforcer", "").modify(cluster, store, "", name, |configuration| {
        for webhook in configuration.get_mut("webhooks").and_then(Value::as_array_mut).into_iter().flatten() {
            let mut expressions = list(webhook, "/namespaceSelector/matchExpressions").to_vec();
            for one in &wanted {
                if !expressions.iter().any(|other| {
                    text(other, "/key") == text(one, "/key") && text(other, "/operator") == text(one, "/operator")
                }) {
                    expressions.push(one.clone());
                }
            }
            if let Some(map) = webhook.as_object_mut() {
                let selector = map.entry("namespaceSelector").or_insert_with(|| json!({}));
                if let Some(selector) = selector.as_object_mut() {
                    selector.insert("matchExpressions".into(), Value::Array(expressions));
                }
            }
        }
    });
}
