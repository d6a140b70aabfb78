//! Deletes: preconditions, finalizers, dependents.

use std::sync::Arc;

use serde_json::{Value, json};

use super::body::json_document;
use super::call::Call;
use super::select::Selection;
use super::{read, text, webhooks};
use crate::kube::cluster::{Cluster, place};
use crate::kube::kinds::Resource;
use crate::kube::rules::metadata;
use crate::kube::status::{FieldError, Outcome, Refusal};
use crate::kube::{Settings, time};
use crate::wire::Response;

/// What a delete was asked with.
#[derive(Debug, Default)]
struct Options {
    uid: String,
    version: String,
    policy: String,
    grace: Option<i64>,
    dry_run: bool,
}

fn options(call: &Call<'_>) -> Outcome<Options> {
    let mut out = Options { dry_run: call.dry_run, ..Options::default() };
    if let Some(policy) = call.parameter("propagationPolicy") {
        out.policy = policy.to_owned();
    }
    out.grace = call.parameter("gracePeriodSeconds").and_then(|grace| grace.parse().ok());
    if !call.request.body.is_empty() {
        let given = json_document(&call.request.body).map_err(Refusal::bad)?.value;
        out.uid = text(&given, "/preconditions/uid").to_owned();
        out.version = text(&given, "/preconditions/resourceVersion").to_owned();
        if let Some(policy) = given.get("propagationPolicy").and_then(Value::as_str) {
            out.policy = policy.to_owned();
        }
        out.grace = given.get("gracePeriodSeconds").and_then(Value::as_i64).or(out.grace);
        if given.get("orphanDependents") == Some(&Value::Bool(true)) {
            out.policy = "Orphan".into();
        }
        for flag in given.get("dryRun").and_then(Value::as_array).into_iter().flatten() {
            match flag.as_str() {
                Some("All") => out.dry_run = true,
                other => {
                    let error = FieldError::not_supported("dryRun", json!([other]), &["All"]);
                    return Err(Refusal::invalid_as(
                        "DeleteOptions.meta.k8s.io",
                        "meta.k8s.io",
                        "DeleteOptions",
                        "",
                        &[error],
                    ));
                }
            }
        }
    }
    if !matches!(out.policy.as_str(), "" | "Foreground" | "Background" | "Orphan") {
        let error = FieldError::not_supported(
            "propagationPolicy",
            out.policy.as_str(),
            &["Foreground", "Background", "Orphan", "nil"],
        );
        return Err(Refusal::invalid_as("DeleteOptions.meta.k8s.io", "meta.k8s.io", "DeleteOptions", "", &[error]));
    }
    Ok(out)
}

/// `DELETE` of an object.
pub(crate) fn delete(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    let options = options(call)?;
    let live = super::write::live(cluster, call)?;
    preconditions(call, &options, &live)?;
    protect(call)?;
    webhooks::validate(cluster, call, &live, "DELETE")?;
    let (object, gone) = take(cluster, (call.now, call.settings), &call.resource, &live, &options);
    let shown = !gone || is_shown(&call.resource);
    Ok(if shown { read::rendered(call, 200, &object) } else { success(call, &live) })
}

/// Kinds whose objects are shown as they were when they went.
fn is_shown(resource: &Resource) -> bool {
    !resource.custom
        && matches!(
            resource.kind.as_str(),
            "Pod"
                | "Service"
                | "ServiceAccount"
                | "Namespace"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "PodTemplate"
                | "ResourceQuota"
                | "StorageClass"
                | "CSIDriver"
                | "CSINode"
                | "VolumeAttachment"
                | "VolumeAttributesClass"
        )
}

/// Namespaces without which a cluster is none.
fn protect(call: &Call<'_>) -> Outcome<()> {
    let protected = ["default", "kube-system", "kube-public"];
    if call.resource.kind == "Namespace" && !call.resource.custom && protected.contains(&call.path.name.as_str()) {
        return Err(Refusal::forbidden(&call.resource, &call.path.name, "this namespace may not be deleted"));
    }
    Ok(())
}

fn preconditions(call: &Call<'_>, options: &Options, live: &Value) -> Outcome<()> {
    let name = text(live, "/metadata/name");
    let conflict = |what: &str, wanted: &str, found: &str, perhaps: &str| {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {perhaps}"
        );
        Refusal::conflict_of_kind(&call.resource, name, &why)
    };
    let uid = text(live, "/metadata/uid");
    if !options.uid.is_empty() && options.uid != uid {
        return Err(conflict("UID", &options.uid, uid, "deleted and then recreated"));
    }
    let version = text(live, "/metadata/resourceVersion");
    if !options.version.is_empty() && options.version != version {
        return Err(conflict("ResourceVersion", &options.version, version, "modified"));
    }
    Ok(())
}

/// What is said of an object that is gone.
fn success(call: &Call<'_>, live: &Value) -> Response {
    let mut details =
        json!({"name": text(live, "/metadata/name"), "kind": call.resource.plural, "uid": text(live, "/metadata/uid")});
    if let (false, Some(map)) = (call.resource.group.is_empty(), details.as_object_mut()) {
        map.insert("group".into(), json!(call.resource.group));
    }
    Response::json(
        200,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
    )
}

/// Takes an object away, or begins to. Gives its state, and whether it is gone.
fn take(
    cluster: &mut Cluster,
    (now, settings): (u64, &Settings),
    resource: &Resource,
    live: &Arc<Value>,
    options: &Options,
) -> (Arc<Value>, bool) {
    let mut object = (**live).clone();
    let mut finalizers: Vec<Value> =
        live.pointer("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    match options.policy.as_str() {
        "Foreground" => {
            finalizers.retain(|one| one != "orphan");
            if !finalizers.iter().any(|one| one == "foregroundDeletion") {
                finalizers.push(json!("foregroundDeletion"));
            }
        }
        "Orphan" => {
            finalizers.retain(|one| one != "foregroundDeletion");
            if !finalizers.iter().any(|one| one == "orphan") {
                finalizers.push(json!("orphan"));
            }
        }
        _ => {}
    }
    let is_namespace = resource.kind == "Namespace" && !resource.custom;
    let graceful = resource.kind == "Pod"
        && !resource.custom
        && options.grace != Some(0)
        && !text(live, "/spec/nodeName").is_empty()
        && text(live, "/status/phase") == "Running";
    let held_by_crd = resource.kind == "CustomResourceDefinition" && !resource.custom;
    if held_by_crd && !finalizers.iter().any(|one| one == "customresourcecleanup.apiextensions.k8s.io") {
        finalizers.push(json!("customresourcecleanup.apiextensions.k8s.io"));
    }
    let held = !finalizers.is_empty() || is_namespace || graceful;
    metadata::set(&mut object, "finalizers", (!finalizers.is_empty()).then_some(Value::Array(finalizers)));
    if !held {
        if resource.kind == "Pod" && !resource.custom {
            // A pod that never ran ends at once, but it does end.
            metadata::set(&mut object, "deletionTimestamp", Some(json!(time::rfc3339(now))));
            metadata::set(&mut object, "deletionGracePeriodSeconds", Some(json!(0)));
            if let Some(generation) = object.pointer("/metadata/generation").and_then(Value::as_i64) {
                metadata::set(&mut object, "generation", Some(json!(generation + 1)));
            }
        }
        if !options.dry_run {
            let (namespace, name) = place(&object);
            cluster.erase(now, settings, &resource.store, &namespace, &name);
        }
        return (Arc::new(object), true);
    }
    if live.pointer("/metadata/deletionTimestamp").is_none() {
        let grace = if graceful {
            options
                .grace
                .or_else(|| live.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64))
                .unwrap_or(30)
        } else {
            0
        };
        metadata::set(&mut object, "deletionTimestamp", Some(json!(time::rfc3339(now))));
        if !is_namespace || graceful {
            metadata::set(&mut object, "deletionGracePeriodSeconds", Some(json!(grace)));
        }
        if let Some(generation) = object.pointer("/metadata/generation").and_then(Value::as_i64) {
            metadata::set(&mut object, "generation", Some(json!(generation + 1)));
        }
    }
    if is_namespace && let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.insert("phase".into(), json!("Terminating"));
    }
    if options.dry_run || object == **live {
        return (Arc::new(object), false);
    }
    (cluster.put(now, settings, &resource.store, object), false)
}

/// A delete by one of the cluster's own controllers.
pub(crate) fn remove(cluster: &mut Cluster, now: u64, settings: &Settings, store: &str, namespace: &str, name: &str) {
    let Some((group, plural)) = store.split_once('/') else { return };
    let (Some(resource), Some(live)) =
        (cluster.kinds.get(group, plural).cloned(), cluster.object(store, namespace, name).cloned())
    else {
        return;
    };
    let options = Options { grace: Some(0), ..Options::default() };
    take(cluster, (now, settings), &resource, &live, &options);
}

/// `DELETE` of all that a selection finds.
pub(crate) fn collection(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    if call.resource.abilities.no_collection {
        return Err(Refusal::method_not_allowed());
    }
    let options = options(call)?;
    let selection = Selection::of(call)?;
    let found: Vec<Arc<Value>> = cluster
        .objects(&call.resource.store, &call.path.namespace, None)
        .map(|(_, object)| object.clone())
        .filter(|object| selection.takes(object))
        .collect();
    let mut last = Vec::new();
    for live in found {
        webhooks::validate(cluster, call, &live, "DELETE")?;
        let (object, _) = take(cluster, (call.now, call.settings), &call.resource, &live, &options);
        last.push(object);
    }
    Ok(super::list::rendered(call, &last, cluster.revision(), None, None))
}

/// `POST` of an eviction.
pub(crate) fn evict(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    let live = super::write::live(cluster, call)?;
    let options = Options { dry_run: call.dry_run, ..Options::default() };
    take(cluster, (call.now, call.settings), &call.resource, &live, &options);
    Ok(Response::json(
        201,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}),
    ))
}
