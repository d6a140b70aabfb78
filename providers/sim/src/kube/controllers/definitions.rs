//! Definitions are accepted, established, and end with all objects of their kind.

use serde_json::{Value, json};

use super::{Step, is_ending, list, pods, text};
use crate::kube::Settings;
use crate::kube::cluster::{Cluster, Event};
use crate::kube::definitions::{self, STORE};
use crate::kube::rules;

const HOLD: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(super) fn noticed(cluster: &mut Cluster, now: u64, settings: &Settings, event: &Event) {
    let Some(definition) = &event.after else { return };
    let name = text(definition, "/metadata/name").to_owned();
    if is_ending(definition) {
        if let Some(delay) = settings.delay(settings.controllers.collection) {
            cluster.schedule(now + delay, &format!("definition-end/{name}"));
        }
        return;
    }
    if event.before.as_ref().is_none_or(|before| before.get("spec") != definition.get("spec")) {
        definitions::schedule(cluster, now, settings, &name);
    }
    if let Some(delay) = settings.delay(settings.controllers.injection) {
        cluster.schedule(now + delay, &format!("inject/{STORE}/{}", event.key));
    }
}

/// Accepts the names of a definition, and establishes it.
pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    let Some(definition) = cluster.object(STORE, "", name).filter(|definition| !is_ending(definition)).cloned() else {
        return;
    };
    let status = definitions::status(&definition, &step.stamp(), true);
    step.set_status(cluster, "kube-apiserver", STORE, &definition, status);
}

/// Takes away all objects of the kind, then the definition.
pub(super) fn end(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    let Some(definition) = cluster.object(STORE, "", name).filter(|definition| is_ending(definition)).cloned() else {
        return;
    };
    if !list(&definition, "/metadata/finalizers").iter().any(|one| one == HOLD) {
        return;
    }
    let store = format!("{}/{}", text(&definition, "/spec/group"), text(&definition, "/spec/names/plural"));
    let all: Vec<(String, String)> = cluster
        .objects(&store, "", None)
        .map(|(_, object)| (text(object, "/metadata/namespace").to_owned(), text(object, "/metadata/name").to_owned()))
        .collect();
    for (namespace, object) in &all {
        step.by("kube-apiserver", "").delete(cluster, &store, namespace, object);
    }
    let left = cluster.objects(&store, "", None).count();
    if left > 0 {
        let message = format!("CustomResource deletion is in progress, {left} instances remain");
        let mut status = definition.get("status").cloned().unwrap_or_else(|| json!({}));
        let condition = step.condition(&definition, "Terminating", true, "InstanceDeletionInProgress", &message);
        let mut conditions: Vec<Value> =
            list(&status, "/conditions").iter().filter(|one| text(one, "/type") != "Terminating").cloned().collect();
        conditions.push(condition);
        if let Some(map) = status.as_object_mut() {
            map.insert("conditions".into(), Value::Array(conditions));
        }
        step.set_status(cluster, "kube-apiserver", STORE, &definition, status);
        pods::try_again(step, cluster, &format!("definition-end/{name}"));
        return;
    }
    step.by("kube-apiserver", "").modify(cluster, STORE, "", name, |definition| {
        let rest: Vec<Value> =
            list(definition, "/metadata/finalizers").iter().filter(|one| *one != HOLD).cloned().collect();
        rules::metadata::set(definition, "finalizers", (!rest.is_empty()).then_some(Value::Array(rest)));
    });
}
