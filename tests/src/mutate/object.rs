//! The objects of a stack, as the server has them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::fields::Owned;
use crate::cloud::Cluster;

/// One object that the stack applied.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) kind: String,
    /// Where it is in the API, in the version in which it was applied.
    pub(super) path: String,
    /// Where its kind is listed and created.
    pub(super) collection: String,
    /// In the version in which it was applied, since `managedFields` is in that version.
    pub(super) body: Json,
    pub(super) owned: Owned,
    /// Whether an autoscaler sets its replicas.
    pub(super) is_scaled: bool,
}

/// The objects of a stack by address, in the version in which each was applied.
pub(super) fn objects(cluster: &Cluster, stack: &str) -> BTreeMap<String, Object> {
    let mut found = BTreeMap::new();
    for kind in cluster.kinds() {
        let (status, list) = cluster.ask(
            "GET",
            &format!("{}/{}?labelSelector=kfplan.dev/stack%3D{stack}", kind.base, kind.plural),
            "",
            None,
        );
        if status != 200 {
            // A version that needs a conversion which nobody serves: the object was applied in another one.
            continue;
        }
        for item in list["items"].as_array().into_iter().flatten() {
            let Some(entry) = applied(item, stack) else { continue };
            let address = text(&item["metadata"]["annotations"]["kfplan.dev/address"]);
            if text(&entry["apiVersion"]) != kind.version || address.is_empty() {
                continue;
            }
            let mut body = item.clone();
            body["apiVersion"] = json!(kind.version);
            body["kind"] = json!(kind.kind);
            let metadata = &item["metadata"];
            let namespace = metadata["namespace"].as_str().map(|name| format!("/namespaces/{name}"));
            let collection = format!("{}{}/{}", kind.base, namespace.unwrap_or_default(), kind.plural);
            let object = Object {
                path: format!("{collection}/{}", text(&metadata["name"])),
                collection,
                kind: kind.kind.clone(),
                owned: Owned::read(&entry["fieldsV1"]),
                body,
                is_scaled: false,
            };
            found.insert(address, object);
        }
    }
    mark_scaled(&mut found);
    found
}

fn mark_scaled(objects: &mut BTreeMap<String, Object>) {
    let place = |body: &Json, kind: &Json, name: &Json| (text(&body["metadata"]["namespace"]), text(kind), text(name));
    let scalers = objects.values().filter(|object| object.kind == "HorizontalPodAutoscaler");
    let targets: Vec<_> = scalers
        .map(|scaler| {
            let target = &scaler.body["spec"]["scaleTargetRef"];
            place(&scaler.body, &target["kind"], &target["name"])
        })
        .collect();
    for object in objects.values_mut() {
        let body = &object.body;
        object.is_scaled = targets.contains(&place(body, &body["kind"], &body["metadata"]["name"]));
    }
}

/// kfplan's entry in `managedFields`.
pub(super) fn applied<'a>(body: &'a Json, stack: &str) -> Option<&'a Json> {
    let manager = format!("kfplan:{stack}");
    entries(body).find(|entry| entry["manager"] == manager && entry["operation"] == "Apply")
}

/// The entries of `managedFields` for the object itself.
pub(super) fn entries(body: &Json) -> impl Iterator<Item = &Json> {
    let all = body["metadata"]["managedFields"].as_array().into_iter().flatten();
    all.filter(|entry| text(&entry["subresource"]).is_empty())
}

pub(super) fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
