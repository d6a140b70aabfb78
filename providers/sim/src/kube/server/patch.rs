//! Patches of every type, server-side apply among them.

use serde_json::{Map, Value, json};

use super::body::{self, json_document, yaml_document};
use super::call::Call;
use super::strategic;
use super::text;
use super::write::{answer, check_name, empty, managed_after, settle_namespace, store_new, store_update, writer};
use crate::kube::apply::{Managed, Set, apply, update as own};
use crate::kube::cluster::Cluster;
use crate::kube::kinds::{Versions, convert};
use crate::kube::rules::metadata;
use crate::kube::status::{FieldError, Outcome, Refusal};
use crate::kube::time;
use crate::wire::Response;

/// The types of patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Merge,
    Strategic,
    Apply,
}

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

pub(crate) fn kind(call: &Call<'_>) -> Outcome<Kind> {
    let given = call.request.header("content-type").unwrap_or_default();
    let kind = match given.split(';').next().unwrap_or_default().trim() {
        JSON => Kind::Json,
        MERGE => Kind::Merge,
        STRATEGIC if !call.resource.custom => Kind::Strategic,
        APPLY => Kind::Apply,
        _ => {
            if !call.resource.custom {
                let mut refusal = Refusal::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
                refusal.details = Some(json!({}));
                return Err(refusal);
            }
            let supported: &[&str] = &[JSON, MERGE, APPLY];
            return Err(Refusal::unsupported_media(supported));
        }
    };
    options(call, kind)?;
    Ok(kind)
}

fn options(call: &Call<'_>, kind: Kind) -> Outcome<()> {
    let mut errors = Vec::new();
    if kind == Kind::Apply {
        if call.parameter("fieldManager").is_none_or(str::is_empty) {
            errors.push(FieldError::required("fieldManager", "is required for apply patch"));
        }
    } else if call.parameter("force").is_some_and(|force| !force.is_empty()) {
        errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
    }
    if call.parameter("fieldManager").is_some_and(|name| name.len() > 128) {
        errors.push(FieldError::of("FieldValueTooLong", "fieldManager", None, "may not be more than 128 bytes"));
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid_as("PatchOptions.meta.k8s.io", "meta.k8s.io", "PatchOptions", "", &errors))
}

/// `PATCH` of an object, or of a part of one.
pub(crate) fn patch(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    if call.path.name.is_empty() {
        return Err(Refusal::method_not_allowed());
    }
    let kind = kind(call)?;
    if kind == Kind::Apply {
        return applied(cluster, call);
    }
    let document = json_document(&call.request.body).map_err(Refusal::bad)?;
    let live = super::write::live(cluster, call)?;
    let current = convert(&call.resource, &live, &call.path.version);
    let patched = patched(call, kind, &current, &document.value)?;
    let reset = body::resets(&patched);
    let (mut object, mut strict) = body::decode(call, patched).map_err(|refusal| as_invalid(kind, refusal))?;
    strict.extend(document.duplicates.iter().map(|path| format!("duplicate field {path:?}")));
    let mut warnings = body::settle_strictness(call, strict)?;
    check_name(call, &object)?;
    settle_namespace(call, &mut object)?;
    let managed = managed_after(call, &live, &mut object, reset);
    let stored = store_update(cluster, call, &live, object, &managed)?;
    warnings.extend(crate::kube::rules::warnings::of(&call.resource, call.minor, &stored, Some(&live)));
    Ok(answer(call, 200, &stored, &warnings))
}

/// A strategic patch that makes nonsense of an object is invalid rather than unreadable.
fn as_invalid(kind: Kind, refusal: Refusal) -> Refusal {
    if kind != Kind::Strategic {
        return refusal;
    }
    let detail = refusal.message.split_once(": ").map_or(refusal.message.clone(), |(_, detail)| detail.to_owned());
    Refusal::invalid_as("", "", "", "", &[FieldError::invalid("patch", "", detail)])
}

fn patched(call: &Call<'_>, kind: Kind, current: &Value, patch: &Value) -> Outcome<Value> {
    match kind {
        Kind::Json => json_patch(current, patch),
        Kind::Merge => {
            if !patch.is_object() {
                return Err(Refusal::bad(format!(
                    "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    called(patch)
                )));
            }
            let mut out = current.clone();
            merge_patch(&mut out, patch);
            Ok(out)
        }
        Kind::Strategic | Kind::Apply => {
            let version = call.version();
            strategic::merge(&version.schema, version.at, current, patch).map_err(|error| Refusal::plain(500, error))
        }
    }
}

/// What the JSON reader calls a value.
fn called(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// RFC 7386.
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(key);
        } else {
            merge_patch(map.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// RFC 6902.
pub(crate) fn json_patch(current: &Value, patch: &Value) -> Outcome<Value> {
    let Some(operations) = patch.as_array() else {
        return Err(Refusal::bad(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
            called(patch)
        )));
    };
    if operations.len() > 10_000 {
        let message = format!("The allowed maximum operations in a JSON patch is 10000, got {}", operations.len());
        return Err(Refusal::new(413, "RequestEntityTooLarge", format!("Request entity too large: {message}")));
    }
    let mut out = current.clone();
    for operation in operations {
        step(&mut out, operation).map_err(|_| {
            let mut refusal =
                Refusal::new(422, "Invalid", "the server rejected our request due to an error in our request");
            refusal.details = Some(json!({}));
            refusal
        })?;
    }
    Ok(out)
}

fn step(object: &mut Value, operation: &Value) -> Result<(), String> {
    let path = text(operation, "/path");
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match text(operation, "/op") {
        "add" => put(object, path, value(), true),
        "replace" => put(object, path, value(), false),
        "remove" => take(object, path).map(|_| ()),
        "move" => {
            let moved = take(object, text(operation, "/from"))?;
            put(object, path, moved, true)
        }
        "copy" => {
            let from = text(operation, "/from");
            let copied = object.pointer(from).cloned().ok_or_else(|| {
                format!("copy operation does not apply: doc is missing from path: {from}: missing value")
            })?;
            put(object, path, copied, true)
        }
        "test" => {
            if object.pointer(path).unwrap_or(&Value::Null) == &value() {
                Ok(())
            } else {
                Err(format!("testing value {path} failed: test failed"))
            }
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn put(object: &mut Value, path: &str, value: Value, insert: bool) -> Result<(), String> {
    let Some((parent, last)) = split(path) else {
        *object = value;
        return Ok(());
    };
    let missing = || format!("add operation does not apply: doc is missing path: {path:?}: missing value");
    match object.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(items) => {
            let at = if last == "-" {
                items.len()
            } else {
                last.parse::<usize>().map_err(|_| format!("value was not a proper array index: {last:?}"))?
            };
            if at > items.len() || (!insert && at >= items.len()) {
                return Err(format!(
                    "add operation does not apply: doc is missing path: {path:?}: Unable to access invalid index: {at}: invalid index referenced"
                ));
            }
            if insert {
                items.insert(at, value);
            } else if let Some(slot) = items.get_mut(at) {
                *slot = value;
            }
        }
        _ => return Err(missing()),
    }
    Ok(())
}

fn take(object: &mut Value, path: &str) -> Result<Value, String> {
    let missing = || format!("remove operation does not apply: doc is missing path: {path:?}: missing value");
    let (parent, last) = split(path).ok_or_else(missing)?;
    match object.pointer_mut(parent).ok_or_else(missing)? {
        Value::Object(map) => map.remove(&last).ok_or_else(missing),
        Value::Array(items) => {
            let at = last.parse::<usize>().ok().filter(|at| *at < items.len()).ok_or_else(missing)?;
            Ok(items.remove(at))
        }
        _ => Err(missing()),
    }
}

/// Server-side apply.
fn applied(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    let document =
        yaml_document(&call.request.body).map_err(|error| Refusal::bad(format!("error decoding YAML: {error}")))?;
    let patch = document.value;
    let (version, kind) = (text(&patch, "/apiVersion"), text(&patch, "/kind"));
    if version != call.api_version() || kind != call.resource.kind {
        let group_version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
        return Err(Refusal::bad(format!("invalid object type: {group_version}, Kind={kind}")));
    }
    if patch.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null()) {
        return Err(Refusal::bad("metadata.managedFields must be nil"));
    }
    let live = cluster.object(&call.resource.store, &call.path.namespace, &call.path.name).cloned();
    if live.is_none() && !call.path.subresource.is_empty() {
        return Err(Refusal::not_found(&call.resource, &call.path.name));
    }
    let before = live.as_ref().map(|live| convert(&call.resource, live, &call.path.version));
    let (object, managed) = merged(call, before.as_ref(), &patch)?;
    let mut strict: Vec<String> =
        document.duplicates.iter().map(|path| format!("key {path:?} already set in map")).collect();
    if !strict.is_empty() && call.validation == super::call::Validation::Strict {
        return Err(Refusal::bad(format!(
            "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  {}",
            strict.join("\n  ")
        )));
    }
    let (mut object, _) = body::decode(call, object).map_err(|refusal| unconvertible(call, &patch, refusal))?;
    sync_last_applied(call, &mut object, &patch);
    if let Some(uid) =
        object.pointer("/metadata/uid").and_then(Value::as_str).filter(|uid| !uid.is_empty() && live.is_none())
    {
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return Err(Refusal::conflict(&call.resource, &call.path.name, &why));
    }
    settle_namespace(call, &mut object)?;
    check_name(call, &object)?;
    let (status, stored) = match &live {
        Some(live) => (200, store_update(cluster, call, live, object, &managed)?),
        None => (201, store_new(cluster, call, object, &managed)?),
    };
    strict.extend(crate::kube::rules::warnings::of(&call.resource, call.minor, &stored, live.as_deref()));
    Ok(answer(call, status, &stored, &strict))
}

/// What is said when the merged object cannot be read as its kind.
fn unconvertible(call: &Call<'_>, patch: &Value, refusal: Refusal) -> Refusal {
    if call.resource.custom {
        return refusal;
    }
    let prefix = format!("{0} in version {1:?} cannot be handled as a {0}: ", call.resource.kind, call.path.version);
    let detail = refusal.message.strip_prefix(&prefix).unwrap_or(&refusal.message);
    let detail = if detail.starts_with("illegal base64") {
        format!("error decoding from json: {detail}")
    } else {
        detail.to_owned()
    };
    let named = crate::kube::apply::named(patch);
    let kind = named.split_once("; ").map_or("", |(_, kind)| kind);
    Refusal::plain(
        500,
        format!(
            "failed to convert new object ({named}) to proper version: unable to convert unstructured object to {kind}: {detail}"
        ),
    )
}

/// What an apply makes of an object, and who owns what then.
fn merged(call: &Call<'_>, live: Option<&Value>, patch: &Value) -> Outcome<(Value, Managed)> {
    let versions = Versions { resource: &call.resource, subresource: &call.path.subresource };
    let (version, name, now) = (call.api_version(), call.manager(), time::rfc3339(call.now));
    let mut managed = Managed::parse(live.and_then(|live| live.pointer("/metadata/managedFields")))
        .map_err(|error| Refusal::plain(500, format!("failed to decode managed fields: {error}")))?;
    let mut live = live.cloned().unwrap_or_else(|| empty(call));
    metadata::set(&mut live, "managedFields", None);
    let live = live;
    let writer = writer(call, &version, &name, &now);
    if managed.entries.is_empty() && live.pointer("/metadata/uid").is_some() {
        // Whoever made the object before it was tracked owns what is in it.
        let first = crate::kube::apply::Writer { name: "before-first-apply", ..writer.clone() };
        managed = own(&versions, (&empty(call), &live), &managed, &first);
    }
    let force = matches!(call.parameter("force"), Some("true" | "1"));
    let result = apply(&versions, (&live, patch), &managed, &writer, force);
    let result = match result {
        Err(crate::kube::apply::ApplyError::Conflicts(conflicts)) if name == "kubectl" => {
            let allowed = last_applied_fields(call, &live);
            let rest: Vec<(String, String)> =
                conflicts.into_iter().filter(|(_, path)| !allowed.contains(path)).collect();
            if rest.is_empty() {
                apply(&versions, (&live, patch), &managed, &writer, true)
            } else {
                Err(crate::kube::apply::ApplyError::Conflicts(rest))
            }
        }
        other => other,
    };
    let (object, managed) = result.map_err(|error| Refusal::apply(&error))?;
    Ok((object.unwrap_or(live), managed))
}

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn last_applied(object: &Value) -> Option<Value> {
    let text = object.pointer("/metadata/annotations")?.get(LAST_APPLIED)?.as_str()?;
    serde_json::from_str(text).ok()
}

/// The paths that client-side apply owned and that still have the values it gave them.
fn last_applied_fields(call: &Call<'_>, live: &Value) -> Vec<String> {
    let Some(last) = last_applied(live).filter(|last| text(last, "/apiVersion") == call.api_version()) else {
        return Vec::new();
    };
    let version = call.version();
    let compared = crate::kube::apply::compare(&version.schema, version.at, &last, live);
    let fields: Set = crate::kube::apply::field_set(&version.schema, version.at, &last);
    let fields = fields.difference(&compared.modified).difference(&compared.added).difference(&compared.removed);
    fields.paths().into_iter().map(|path| path.iter().map(crate::kube::apply::Element::shown).collect()).collect()
}

/// Where client-side apply left its note, kubectl's server-side apply keeps it true.
fn sync_last_applied(call: &Call<'_>, object: &mut Value, patch: &Value) {
    let noted = object.pointer("/metadata/annotations").and_then(|all| all.get(LAST_APPLIED)).and_then(Value::as_str);
    if call.manager() != "kubectl" || noted.is_none_or(str::is_empty) {
        return;
    }
    let mut patch = patch.clone();
    if let Some(annotations) = patch.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    crate::kube::admission::annotate(object, LAST_APPLIED, &format!("{patch}\n"));
}
