//! What happens in a cluster by itself.
//!
//! Controllers here look at the state and bring it one step nearer to what it asks for; they may be
//! called at any time and any number of times. What is to be looked at later is a timer.

mod aggregation;
mod autoscalers;
mod bootstrap;
mod certificates;
mod collection;
mod definitions;
mod enforcer;
mod injection;
mod namespaces;
mod nodes;
mod notebooks;
mod pods;
mod profiles;
mod services;
mod volumes;
mod workloads;

use std::sync::Arc;

use serde_json::{Value, json};

use super::Settings;
use super::cluster::{Cluster, Event, place};
use super::server::Internal;
use super::time;

pub(crate) use bootstrap::{bootstrap, upgraded};
pub(crate) use services::{Answering, service_answers};

/// The manager of most controllers.
const MANAGER: &str = "kube-controller-manager";

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_ending(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// One step of a controller.
pub(super) struct Step<'a> {
    pub(super) now: u64,
    pub(super) settings: &'a Settings,
}

impl Step<'_> {
    fn by<'m>(&'m self, manager: &'m str, subresource: &'m str) -> Internal<'m> {
        Internal { now: self.now, settings: self.settings, manager, subresource }
    }

    fn stamp(&self) -> String {
        time::rfc3339(self.now)
    }

    /// Sets the status of an object; the change of a condition is dated.
    fn set_status(&self, cluster: &mut Cluster, manager: &str, store: &str, object: &Value, status: Value) {
        let (namespace, name) = place(object);
        self.by(manager, "status").modify(cluster, store, &namespace, &name, |object| {
            if let Some(map) = object.as_object_mut() {
                map.insert("status".into(), status);
            }
        });
    }

    /// A condition, with the date of the one before where its status is the same.
    fn condition(&self, object: &Value, kind: &str, status: bool, reason: &str, message: &str) -> Value {
        let word = if status { "True" } else { "False" };
        let before = list(object, "/status/conditions").iter().find(|one| text(one, "/type") == kind);
        let since = match before.filter(|before| text(before, "/status") == word) {
            Some(before) => text(before, "/lastTransitionTime").to_owned(),
            None => self.stamp(),
        };
        json!({"type": kind, "status": word, "reason": reason, "message": message, "lastTransitionTime": since})
    }
}

/// Something changed: what has to look at it is woken.
pub(crate) fn noticed(cluster: &mut Cluster, now: u64, settings: &Settings, event: &Event) {
    collection::noticed(cluster, now, settings, event);
    let Some(object) = event.after.as_ref().or(event.before.as_ref()).cloned() else { return };
    let key = event.key.clone();
    let wake = |cluster: &mut Cluster, what: &str, delay: Option<u64>| {
        if let Some(delay) = settings.delay(delay) {
            cluster.schedule(now + delay, &format!("{what}/{key}"));
        }
    };
    let controllers = &settings.controllers;
    // A controller is not woken by the status that it wrote itself.
    let at_once = controllers.workloads.filter(|_| wants_changed(event)).map(|_| 0);
    match event.store.as_str() {
        "apps/deployments" => wake(cluster, "deployment", at_once),
        "apps/replicasets" => {
            wake(cluster, "replicaset", at_once);
            workloads::wake_owner(cluster, now, &object, "Deployment", "deployment");
        }
        "apps/statefulsets" => wake(cluster, "statefulset", at_once),
        "apps/daemonsets" => wake(cluster, "daemonset", at_once),
        "batch/jobs" => wake(cluster, "job", at_once),
        "/pods" => pods::noticed(cluster, now, settings, event),
        "/services" => {
            wake(cluster, "endpoints", at_once);
            if text(&object, "/spec/type") == "LoadBalancer" || !list(&object, "/metadata/finalizers").is_empty() {
                wake(cluster, "balancer", controllers.load_balancers);
            }
        }
        "/namespaces" => {
            wake(cluster, "namespace", controllers.collection.map(|delay| if is_ending(&object) { delay } else { 0 }));
        }
        "/serviceaccounts" => wake(cluster, "account", controllers.collection.map(|_| 0)),
        "/nodes" => nodes::noticed(cluster, now, settings, event),
        "/persistentvolumeclaims" => wake(cluster, "claim", controllers.volumes),
        "apiextensions.k8s.io/customresourcedefinitions" => definitions::noticed(cluster, now, settings, event),
        "apiregistration.k8s.io/apiservices" => {
            if wants_changed(event) {
                wake(cluster, "apiservice", controllers.webhooks);
                wake(cluster, &format!("inject/{}", event.store), controllers.injection);
            }
        }
        "admissionregistration.k8s.io/mutatingwebhookconfigurations"
        | "admissionregistration.k8s.io/validatingwebhookconfigurations" => {
            let what = format!("enforce/{}", event.store);
            wake(cluster, &what, controllers.enforcer);
            wake(cluster, &format!("inject/{}", event.store), controllers.injection);
        }
        "rbac.authorization.k8s.io/clusterroles" => {
            if let Some(delay) = settings.delay(controllers.aggregation) {
                cluster.schedule(now + delay, "aggregate/all");
            }
        }
        "autoscaling/horizontalpodautoscalers" => wake(cluster, "autoscaler", controllers.autoscalers),
        store => custom(cluster, now, settings, store, &key),
    }
}

/// Whether more than the status of an object changed.
fn wants_changed(event: &Event) -> bool {
    let (Some(before), Some(after)) = (&event.before, &event.after) else { return true };
    let same = |pointer: &str| before.pointer(pointer) == after.pointer(pointer);
    !(same("/spec") && same("/metadata/deletionTimestamp") && same("/metadata/labels") && same("/metadata/annotations"))
}

/// Custom kinds whose controllers are played here.
fn custom(cluster: &mut Cluster, now: u64, settings: &Settings, store: &str, key: &str) {
    let controllers = &settings.controllers;
    let (what, delay) = match store {
        "cert-manager.io/certificates" => ("certificate", controllers.certificates),
        "cert-manager.io/issuers" | "cert-manager.io/clusterissuers" => ("issuer", controllers.certificates),
        "kubeflow.org/profiles" => ("profile", controllers.profiles),
        "kubeflow.org/notebooks" => ("notebook", controllers.workloads.map(|_| 0)),
        _ => return,
    };
    if let Some(delay) = settings.delay(delay) {
        let what = if what == "issuer" { format!("issuer/{store}/{key}") } else { format!("{what}/{key}") };
        cluster.schedule(now + delay, &what);
    }
}

/// Does what is due.
pub(crate) fn fire(cluster: &mut Cluster, now: u64, settings: &Settings, what: &str) {
    let step = Step { now, settings };
    let (kind, rest) = what.split_once('/').unwrap_or((what, ""));
    // The rest is `namespace/name`, with a table of two parts before it for some.
    let (namespace, name) = rest.rsplit_once('/').unwrap_or(("", rest));
    match kind {
        "deployment" => workloads::deployment(&step, cluster, namespace, name),
        "replicaset" => workloads::replica_set(&step, cluster, namespace, name),
        "statefulset" => workloads::stateful_set(&step, cluster, namespace, name),
        "daemonset" => workloads::daemon_set(&step, cluster, namespace, name),
        "job" => workloads::job(&step, cluster, namespace, name),
        "pod" => pods::step(&step, cluster, namespace, name),
        "endpoints" => services::endpoints(&step, cluster, namespace, name),
        "balancer" => services::balancer(&step, cluster, namespace, name),
        "apiservice" => services::api_service(&step, cluster, name),
        "namespace" => namespaces::step(&step, cluster, name),
        "account" => namespaces::account(&step, cluster, namespace, name),
        "collect" => collection::step(&step, cluster, rest),
        "held" => collection::held(&step, cluster, rest),
        "node" => nodes::step(&step, cluster, name),
        "claim" => volumes::claim(&step, cluster, namespace, name),
        "definition" => definitions::step(&step, cluster, name),
        "definition-end" => definitions::end(&step, cluster, name),
        "enforce" => enforcer::step(&step, cluster, namespace.trim_end_matches('/'), name),
        "inject" => injection::step(&step, cluster, namespace.trim_end_matches('/'), name),
        "aggregate" => aggregation::step(&step, cluster),
        "autoscaler" => autoscalers::step(&step, cluster, namespace, name),
        "certificate" => certificates::certificate(&step, cluster, namespace, name),
        "issuer" => {
            let mut parts = rest.splitn(3, '/');
            let (group, plural, key) =
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let (namespace, name) = key.rsplit_once('/').unwrap_or(("", key));
            certificates::issuer(&step, cluster, &format!("{group}/{plural}"), namespace, name);
        }
        "profile" => profiles::step(&step, cluster, name),
        "notebook" => notebooks::step(&step, cluster, namespace, name),
        _ => {}
    }
}

/// A Deployment that is ready, by name, wherever it is.
fn ready_deployment(cluster: &Cluster, wanted: impl Fn(&str) -> bool) -> Option<Arc<Value>> {
    let mut all = cluster.objects("apps/deployments", "", None);
    let found =
        all.find(|(_, object)| wanted(text(object, "/metadata/name")) && number(object, "/status/readyReplicas") > 0);
    found.map(|(_, object)| object.clone())
}

/// A reference of an owner that controls.
fn owner(object: &Value) -> Value {
    json!({
        "apiVersion": text(object, "/apiVersion"), "kind": text(object, "/kind"), "name": text(object, "/metadata/name"),
        "uid": text(object, "/metadata/uid"), "controller": true, "blockOwnerDeletion": true,
    })
}

/// Whether an object is controlled by another.
fn is_owned(object: &Value, uid: &str) -> bool {
    list(object, "/metadata/ownerReferences").iter().any(|owner| text(owner, "/uid") == uid)
}
