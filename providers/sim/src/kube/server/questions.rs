//! Kinds that are only asked, never kept: who am I, may I.

use serde_json::{Value, json};

use super::access::{User, Wish, may};
use super::body::{self, Body};
use super::call::Call;
use super::text;
use crate::kube::apply::{Managed, update as own};
use crate::kube::cluster::Cluster;
use crate::kube::kinds::Versions;
use crate::kube::status::{Outcome, Refusal};
use crate::kube::time;
use crate::wire::Response;

/// Answers a question.
pub(crate) fn answer(cluster: &Cluster, call: &Call<'_>) -> Outcome<Response> {
    if call.verb != "create" {
        return Err(Refusal::method_not_allowed());
    }
    let Body { mut object, .. } = body::object(call)?;
    let status = match call.resource.kind.as_str() {
        "SelfSubjectReview" => json!({"userInfo": {"username": call.user.name, "groups": call.user.groups}}),
        "TokenReview" => review(cluster, &object),
        "SelfSubjectAccessReview" => allowed(cluster, &call.user, &object),
        "SelfSubjectRulesReview" => {
            let all = call.user.groups.iter().any(|group| group == "system:masters");
            let rules = if all { json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]) } else { json!([]) };
            json!({"resourceRules": rules, "nonResourceRules": [], "incomplete": !all})
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            let groups = object.pointer("/spec/groups").and_then(Value::as_array).into_iter().flatten();
            let groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
            allowed(cluster, &User { name: text(&object, "/spec/user").to_owned(), groups }, &object)
        }
        _ => return Err(Refusal::method_not_allowed()),
    };
    let (version, name, now) = (call.api_version(), call.manager(), time::rfc3339(call.now));
    let versions = Versions { resource: &call.resource, subresource: "" };
    let writer = super::write::writer(call, &version, &name, &now);
    let managed = own(&versions, (&super::write::empty(call), &object), &Managed::default(), &writer);
    crate::kube::rules::metadata::set(&mut object, "managedFields", managed.written());
    if let Some(map) = object.as_object_mut() {
        map.insert("status".into(), status);
    }
    Ok(Response::json(201, &object))
}

fn allowed(cluster: &Cluster, user: &User, object: &Value) -> Value {
    let at = |key: &str| text(object, &format!("/spec/resourceAttributes/{key}")).to_owned();
    let resource = match at("subresource") {
        part if part.is_empty() => at("resource"),
        part => format!("{}/{part}", at("resource")),
    };
    let (verb, group, name, namespace) = (at("verb"), at("group"), at("name"), at("namespace"));
    let asks_path = object.pointer("/spec/nonResourceAttributes").is_some_and(Value::is_object);
    let wish = Wish { verb: &verb, group: &group, resource: &resource, name: &name, namespace: &namespace };
    json!({"allowed": asks_path || may(cluster, user, &wish)})
}

fn review(cluster: &Cluster, object: &Value) -> Value {
    let token = text(object, "/spec/token");
    let known = token == cluster.token(true) || token == cluster.token(false);
    match cluster.note(&format!("token/{token}")) {
        _ if known => {
            json!({"authenticated": true, "user": {"username": "masterclient", "groups": ["system:masters", "system:authenticated"]}})
        }
        Some(user) => {
            json!({"authenticated": true, "user": {"username": text(user, "/name"), "groups": user.get("groups")}})
        }
        None => json!({"user": {}, "error": "[invalid bearer token, unknown]"}),
    }
}

/// A token for a service account.
pub(crate) fn token(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    super::write::live(cluster, call)?;
    let user = format!("system:serviceaccount:{}:{}", call.path.namespace, call.path.name);
    let groups = json!(["system:serviceaccounts", format!("system:serviceaccounts:{}", call.path.namespace)]);
    let token = format!("{}{}", cluster.fresh_uid(call.settings), cluster.fresh_uid(call.settings)).replace('-', "");
    let seconds = 3_600;
    cluster.set_note(&format!("token/{token}"), Some(json!({"name": user, "groups": groups})));
    Ok(Response::json(
        201,
        &json!({
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {"name": call.path.name, "namespace": call.path.namespace},
            "spec": {"audiences": ["https://kubernetes.default.svc"], "expirationSeconds": seconds, "boundObjectRef": null},
            "status": {"token": token, "expirationTimestamp": time::rfc3339(call.now + seconds * 1_000)},
        }),
    ))
}
