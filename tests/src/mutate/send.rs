//! Making a change through the API, as somebody else would.

use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::draft::{Act, Draft};
use super::edit;
use super::fields::{Step, without};
use super::object::{Object, applied, text};
use crate::cloud::Cluster;
use crate::shared::until;

const MANAGERS: &[&str] = &["kubectl-edit", "helm", "some-controller", "terraform", "argocd", "dashboard"];
const MERGE: &str = "application/merge-patch+json";
const PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Who made a change, and how.
#[derive(Debug, Clone)]
pub(super) struct Maker {
    pub(super) manager: &'static str,
    pub(super) operation: &'static str,
    pub(super) way: &'static str,
}

/// Makes the change; the server's refusal otherwise.
pub(super) fn send(
    cluster: &Cluster,
    stack: &str,
    object: &Object,
    draft: &Draft,
    chance: &mut Chance,
) -> Result<Maker, String> {
    let manager = chance.pick(MANAGERS).copied().unwrap_or("kubectl-edit");
    let update = |way| Maker { manager, operation: "Update", way };
    let path = format!("{}?fieldManager={manager}", object.path);
    match &draft.act {
        Act::Edit(edits, value) => {
            let patch = edit::as_json_patch(edits);
            let mut ways = vec![("JSON patch", "PATCH", PATCH, patch)];
            if let Some(body) = edit::edited(&object.body, edits) {
                ways.push(("PUT", "PUT", "application/json", body));
            }
            if let Some(patch) = edit::as_merge_patch(&object.body, edits) {
                ways.push(("merge patch", "PATCH", MERGE, patch));
            }
            if let Some((place, value)) = value.as_ref().filter(|_| chance.once_in(3)) {
                apply(cluster, object, manager, place, value)?;
                return Ok(Maker { manager, operation: "Apply", way: "forced apply" });
            }
            let (way, method, form, body) = chance.pick(&ways).ok_or("no way to make it")?;
            accepted(cluster.ask(method, &path, form, Some(body)))?;
            Ok(update(way))
        }
        Act::Share(place, value) => {
            apply(cluster, object, manager, place, value)?;
            Ok(Maker { manager, operation: "Apply", way: "forced apply" })
        }
        Act::Take(place, value) => {
            let after = apply(cluster, object, manager, place, value)?;
            let patch = disowning(&after, stack, place).ok_or("kfplan has no entry to take it from")?;
            accepted(cluster.ask("PATCH", &path, PATCH, Some(&patch)))?;
            Ok(Maker { manager, operation: "Apply", way: "forced apply and edited managedFields" })
        }
        Act::Delete => {
            delete(cluster, object)?;
            Ok(update("DELETE"))
        }
        Act::Replace => {
            delete(cluster, object)?;
            let path = format!("{}?fieldManager={manager}", object.collection);
            accepted(cluster.ask("POST", &path, "application/json", Some(&made_again(&object.body))))?;
            Ok(update("DELETE and POST"))
        }
    }
}

fn accepted((status, body): (u16, Json)) -> Result<Json, String> {
    if (200..300).contains(&status) { Ok(body) } else { Err(format!("{status} {}", text(&body["message"]))) }
}

fn apply(cluster: &Cluster, object: &Object, manager: &str, place: &[Step], value: &Json) -> Result<Json, String> {
    let body = only(object, place, value);
    let path = format!("{}?fieldManager={manager}&force=true", object.path);
    accepted(cluster.ask("PATCH", &path, APPLY, Some(&body)))
}

/// The object with nothing but this place, and the keys of the items on the way.
fn only(object: &Object, place: &[Step], value: &Json) -> Json {
    let mut body = place.iter().rev().fold(value.clone(), |inner, step| match step {
        Step::Field(name) => json!({ name: inner }),
        Step::Element(value) => json!([value]),
        Step::Index(_) => json!([inner]),
        Step::Item(keys) => {
            let mut item = inner.as_object().cloned().unwrap_or_default();
            item.extend(keys.iter().cloned());
            json!([item])
        }
    });
    body["apiVersion"] = object.body["apiVersion"].clone();
    body["kind"] = object.body["kind"].clone();
    for name in ["name", "namespace"] {
        if let Some(value) = object.body["metadata"].get(name) {
            body["metadata"][name] = value.clone();
        }
    }
    body
}

/// Takes one place out of kfplan's entry in `managedFields`.
fn disowning(body: &Json, stack: &str, place: &[Step]) -> Option<Json> {
    let ours = applied(body, stack)?;
    let entries = body["metadata"]["managedFields"].as_array()?;
    let number = entries.iter().position(|entry| entry == ours)?;
    let rest = without(&ours["fieldsV1"], place);
    let path = format!("/metadata/managedFields/{number}/fieldsV1");
    Some(json!([{"op": "replace", "path": path, "value": rest}]))
}

fn delete(cluster: &Cluster, object: &Object) -> Result<(), String> {
    accepted(cluster.ask("DELETE", &object.path, "", None))?;
    until("the end of an object", || cluster.get(&object.path).is_none().then_some(()));
    Ok(())
}

/// The object as somebody would make it again, from a copy.
fn made_again(body: &Json) -> Json {
    let mut copy = body.clone();
    for key in ["managedFields", "uid", "resourceVersion", "creationTimestamp", "generation"] {
        copy["metadata"].as_object_mut().map(|metadata| metadata.remove(key));
    }
    copy.as_object_mut().map(|copy| copy.remove("status"));
    copy
}
