//! Single objects, as they are shown.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::call::Call;
use super::{table, text};
use crate::kube::cluster::Cluster;
use crate::kube::kinds::convert;
use crate::kube::status::{Outcome, Refusal};
use crate::wire::Response;

/// How the client wants objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Table,
    Metadata,
}

/// What the `Accept` header asks for first that can be given.
pub(crate) fn form(call: &Call<'_>) -> Form {
    let accept = call.request.header("accept").unwrap_or_default();
    for part in accept.split(',') {
        if !part.contains("json") && !part.contains("*/*") {
            continue;
        }
        let is = |what: &str| part.split(';').any(|word| word.trim() == format!("as={what}"));
        if is("Table") {
            return Form::Table;
        }
        if is("PartialObjectMetadata") || is("PartialObjectMetadataList") {
            return Form::Metadata;
        }
        return Form::Whole;
    }
    Form::Whole
}

/// The object in the version asked for.
pub(crate) fn versioned<'a>(call: &Call<'_>, object: &'a Value) -> Cow<'a, Value> {
    if text(object, "/apiVersion") == call.api_version() {
        Cow::Borrowed(object)
    } else {
        Cow::Owned(convert(&call.resource, object, &call.path.version))
    }
}

/// An answer that is an object.
pub(crate) fn rendered(call: &Call<'_>, status: u16, object: &Value) -> Response {
    let object = versioned(call, object);
    match form(call) {
        Form::Whole => Response::json(status, &object),
        Form::Metadata => Response::json(status, &partial(&object)),
        Form::Table => {
            let table = table::table(
                call,
                &[object.as_ref()],
                json!({"resourceVersion": text(&object, "/metadata/resourceVersion")}),
                true,
            );
            Response::json(status, &table)
        }
    }
}

/// Nothing but the metadata.
pub(crate) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.get("metadata").cloned().unwrap_or_default()})
}

/// `GET` of an object.
pub(crate) fn get(cluster: &Cluster, call: &Call<'_>) -> Outcome<Response> {
    let found = cluster.object(&call.resource.store, &call.path.namespace, &call.path.name);
    let found = found.ok_or_else(|| Refusal::not_found(&call.resource, &call.path.name))?;
    if let Some(version) = call.parameter("resourceVersion").and_then(|version| version.parse::<u64>().ok())
        && version > cluster.revision()
    {
        return Err(too_new(version, cluster.revision()));
    }
    Ok(rendered(call, 200, found))
}

/// A revision that has not happened yet.
pub(crate) fn too_new(wanted: u64, current: u64) -> Refusal {
    let mut refusal =
        Refusal::new(504, "Timeout", format!("Timeout: Too large resource version: {wanted}, current: {current}"));
    refusal.details = Some(
        json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1}),
    );
    refusal
}

/// `GET` of the log of a pod.
pub(crate) fn log(cluster: &Cluster, call: &Call<'_>) -> Outcome<Response> {
    let found = cluster.object(&call.resource.store, &call.path.namespace, &call.path.name);
    let pod = found.ok_or_else(|| Refusal::not_found(&call.resource, &call.path.name))?;
    if text(pod, "/status/phase") == "Pending" {
        let container = text(pod, "/spec/containers/0/name");
        return Err(Refusal::bad(format!(
            "container {container:?} in pod {:?} is waiting to start: ContainerCreating",
            call.path.name
        )));
    }
    Ok(Response::bytes(200, "text/plain", format!("{} runs in a simulated cluster\n", call.path.name).into_bytes()))
}

fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |at, part| at.get(part))
}

/// The scale of an object.
pub(crate) fn scale_of(call: &Call<'_>, object: &Value) -> Value {
    let object = versioned(call, object);
    let Some(scale) = &call.version().scale else { return Value::Null };
    let number = |path: &str| at_path(&object, path).and_then(Value::as_i64).unwrap_or(0);
    let selector = match &scale.selector {
        Some(path) if call.resource.custom => {
            at_path(&object, path).and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        Some(_) => selector_text(object.pointer("/spec/selector").unwrap_or(&Value::Null)),
        None => String::new(),
    };
    let mut status = json!({"replicas": number(&scale.status)});
    if let (false, Some(map)) = (selector.is_empty(), status.as_object_mut()) {
        map.insert("selector".into(), json!(selector));
    }
    let meta = |key: &str| object.pointer(&format!("/metadata/{key}")).cloned().unwrap_or_default();
    let mut spec = json!({});
    if let (true, Some(map)) = (number(&scale.spec) != 0, spec.as_object_mut()) {
        map.insert("replicas".into(), json!(number(&scale.spec)));
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": meta("name"), "namespace": meta("namespace"), "uid": meta("uid"),
            "resourceVersion": meta("resourceVersion"), "creationTimestamp": meta("creationTimestamp")},
        "spec": spec, "status": status,
    })
}

/// A selector as text.
fn selector_text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").unwrap_or(selector);
    let pairs =
        labels.as_object().into_iter().flatten().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    pairs.collect::<Vec<_>>().join(",")
}

/// `GET` of a scale.
pub(crate) fn scale(cluster: &Cluster, call: &Call<'_>) -> Outcome<Response> {
    let found = cluster.object(&call.resource.store, &call.path.namespace, &call.path.name);
    let found = found.ok_or_else(|| Refusal::not_found(&call.resource, &call.path.name))?;
    Ok(Response::json(200, &scale_of(call, found)))
}
