//! Creates and updates, from the body to the table.

use std::sync::Arc;

use serde_json::{Value, json};

use super::body::{self, Body};
use super::call::Call;
use super::{text, webhooks};
use crate::kube::admission;
use crate::kube::apply::{Managed, Writer, update as own};
use crate::kube::cluster::Cluster;
use crate::kube::kinds::{Resource, Versions, convert, is_binary};
use crate::kube::rules::{self, metadata};
use crate::kube::status::{FieldError, Outcome, Refusal};
use crate::kube::{Settings, time};
use crate::wire::Response;

const CHANGED_MEANWHILE: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Answers with an object in the version asked for, and with what the client is warned of.
pub(crate) fn answer(call: &Call<'_>, status: u16, object: &Value, warnings: &[String]) -> Response {
    let mut response = super::read::rendered(call, status, object);
    for warning in warnings {
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
        response = response.with("warning", format!("299 - \"{text}\""));
    }
    response
}

/// Who the fields belong to that this call changes.
pub(crate) fn writer<'a>(call: &'a Call<'_>, version: &'a str, name: &'a str, time: &'a str) -> Writer<'a> {
    Writer { name, version, subresource: &call.path.subresource, time }
}

/// `POST` of an object.
pub(crate) fn create(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    if !call.path.name.is_empty() || (call.resource.namespaced && call.path.namespace.is_empty()) {
        return Err(Refusal::method_not_allowed());
    }
    let Body { mut object, warnings, .. } = body::object(call)?;
    name_new(cluster, call, &mut object)?;
    created(cluster, call, object, warnings)
}

/// Keeps an object that comes whole and is new.
fn created(cluster: &mut Cluster, call: &Call<'_>, mut object: Value, mut warnings: Vec<String>) -> Outcome<Response> {
    let (version, name, now) = (call.api_version(), call.manager(), time::rfc3339(call.now));
    let versions = Versions { resource: &call.resource, subresource: "" };
    let given = Managed::parse(object.pointer("/metadata/managedFields")).unwrap_or_default();
    metadata::set(&mut object, "managedFields", None);
    let managed = own(&versions, (&empty(call), &object), &given, &writer(call, &version, &name, &now));
    let stored = store_new(cluster, call, object, &managed)?;
    warnings.extend(rules::warnings::of(&call.resource, call.minor, &stored, None));
    Ok(answer(call, 201, &stored, &warnings))
}

/// The object before there was one.
pub(crate) fn empty(call: &Call<'_>) -> Value {
    if call.resource.custom {
        return json!({"apiVersion": call.api_version(), "kind": call.resource.kind});
    }
    // What a kind always writes is there before anybody set it.
    let decoder = crate::kube::schema::Decoder {
        schema: &call.version().schema,
        null_times: call.minor < 34,
        binary: is_binary(&call.resource),
    };
    decoder.decode(call.version().at, &json!({})).map_or_else(|_| json!({}), |decoded| decoded.value)
}

/// Puts a new object where the request says, and gives it a name where it only has the beginning of one.
fn name_new(cluster: &mut Cluster, call: &Call<'_>, object: &mut Value) -> Outcome<()> {
    settle_namespace(call, object)?;
    let generated = text(object, "/metadata/generateName").to_owned();
    if text(object, "/metadata/name").is_empty() && !generated.is_empty() {
        let stem: String = generated.chars().take(58).collect();
        let name = format!("{stem}{}", cluster.fresh_suffix(call.settings));
        metadata::set(object, "name", Some(json!(name)));
    }
    Ok(())
}

/// The namespace of an object is that of the request.
pub(crate) fn settle_namespace(call: &Call<'_>, object: &mut Value) -> Outcome<()> {
    let given = text(object, "/metadata/namespace");
    let asked = call.path.namespace.as_str();
    if !given.is_empty() && given != asked {
        return Err(Refusal::bad(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if object.get("metadata").is_none_or(|metadata| !metadata.is_object())
        && let Some(map) = object.as_object_mut()
    {
        map.insert("metadata".into(), json!({}));
    }
    metadata::set(object, "namespace", (!asked.is_empty()).then(|| json!(asked)));
    Ok(())
}

/// Admits, settles, checks and keeps a new object. It is in the version of the call.
pub(crate) fn store_new(
    cluster: &mut Cluster,
    call: &Call<'_>,
    mut object: Value,
    managed: &Managed,
) -> Outcome<Arc<Value>> {
    let resource = &call.resource;
    let name = text(&object, "/metadata/name").to_owned();
    admission::create(cluster, call, &mut object)?;
    webhooks::mutate(cluster, call, &object, "CREATE")?;
    let mut object = convert(resource, &object, &resource.hub);
    let uid = cluster.fresh_uid(call.settings);
    metadata::set(&mut object, "uid", Some(json!(uid)));
    metadata::set(&mut object, "creationTimestamp", Some(json!(time::rfc3339(call.now))));
    for key in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata::set(&mut object, key, None);
    }
    rules::prepare::create(resource, call.version(), call.minor, &mut object);
    let mut taken = Vec::new();
    if !resource.custom && resource.kind == "Service" {
        let mut allocator = rules::Allocator::of(cluster, ("", ""));
        taken.extend(allocator.allocate(&mut object, call.minor));
    }
    let mut errors: Vec<FieldError> = rules::names_of_definition(resource, &object).into_iter().collect();
    errors.extend(checked(call, &object, None));
    // Addresses and ports are handed out to what is right in all else.
    if errors.is_empty() {
        errors = taken;
    }
    if !errors.is_empty() {
        return Err(Refusal::invalid(resource, &name, &errors));
    }
    super::escalation::check(cluster, call, &object, None)?;
    webhooks::validate(cluster, call, &object, "CREATE")?;
    if cluster.object(&resource.store, &call.path.namespace, &name).is_some() {
        let generated = !text(&object, "/metadata/generateName").is_empty();
        let refusal = Refusal::already_exists(resource, &name);
        return Err(if generated && call.verb == "create" { refusal.generated(&name) } else { refusal });
    }
    metadata::set(&mut object, "managedFields", managed.written());
    if call.dry_run {
        return Ok(Arc::new(object));
    }
    Ok(cluster.put(call.now, call.settings, &resource.store, object))
}

/// What is wrong with an object as it is kept.
fn checked(call: &Call<'_>, object: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let resource = &call.resource;
    let mut errors = rules::check(resource, &call.path.version, object);
    if let Some(structural) = &call.version().structural {
        let (version, subresource) = (&call.path.version, &call.path.subresource);
        // Servers from 1.30 on do not hold against an update what was wrong before.
        let old = live.filter(|_| call.minor >= 30).map(|live| convert(resource, live, version));
        errors.extend(structural.check(&convert(resource, object, version), old.as_ref(), subresource));
    }
    errors
}

/// `PUT` of an object, or of a part of one.
pub(crate) fn update(cluster: &mut Cluster, call: &Call<'_>) -> Outcome<Response> {
    let path = &call.path;
    if path.name.is_empty() {
        return Err(Refusal::method_not_allowed());
    }
    let Body { mut object, mut warnings, reset } = body::object(call)?;
    check_name(call, &object)?;
    settle_namespace(call, &mut object)?;
    let live = match live(cluster, call) {
        Err(refusal) if refusal.code == 404 && path.subresource.is_empty() && comes_by_update(&call.resource) => {
            return created(cluster, call, object, warnings);
        }
        live => live?,
    };
    let uid = text(&object, "/metadata/uid");
    if !uid.is_empty() && uid != text(&live, "/metadata/uid") {
        return Err(uid_conflict(call, uid, text(&live, "/metadata/uid")));
    }
    let managed = managed_after(call, &live, &mut object, reset);
    let stored = store_update(cluster, call, &live, object, &managed)?;
    warnings.extend(rules::warnings::of(&call.resource, call.minor, &stored, Some(&live)));
    Ok(answer(call, 200, &stored, &warnings))
}

/// Kinds of which an update makes an object where there is none.
fn comes_by_update(resource: &Resource) -> bool {
    !resource.custom
        && matches!(
            resource.kind.as_str(),
            "Service"
                | "Endpoints"
                | "Event"
                | "LimitRange"
                | "Lease"
                | "LeaseCandidate"
                | "RuntimeClass"
                | "Role"
                | "RoleBinding"
                | "ClusterRole"
                | "ClusterRoleBinding"
        )
}

/// The live object, as it is kept.
pub(crate) fn live(cluster: &Cluster, call: &Call<'_>) -> Outcome<Arc<Value>> {
    let found = cluster.object(&call.resource.store, &call.path.namespace, &call.path.name).cloned();
    found.ok_or_else(|| Refusal::not_found(&call.resource, &call.path.name))
}

pub(crate) fn check_name(call: &Call<'_>, object: &Value) -> Outcome<()> {
    let (given, asked) = (text(object, "/metadata/name"), call.path.name.as_str());
    if given.is_empty() {
        return Err(Refusal::bad(format!(
            "the name of the object ({asked} based on URL) was undeterminable: name must be provided"
        )));
    }
    if given != asked {
        return Err(Refusal::bad(format!(
            "the name of the object ({given}) does not match the name on the URL ({asked})"
        )));
    }
    Ok(())
}

fn uid_conflict(call: &Call<'_>, wanted: &str, found: &str) -> Refusal {
    let key =
        format!("/registry/{}/{}/{}", call.resource.plural, call.path.namespace, call.path.name).replace("//", "/");
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
    );
    Refusal::conflict(&call.resource, &call.path.name, &why)
}

/// Who owns what after an update or a patch that is no apply. Takes `managedFields` out of the object.
pub(crate) fn managed_after(call: &Call<'_>, live: &Value, object: &mut Value, reset: bool) -> Managed {
    let live_managed = || Managed::parse(live.pointer("/metadata/managedFields")).unwrap_or_default();
    let given = Managed::parse(object.pointer("/metadata/managedFields"));
    let before = match given {
        _ if !call.path.subresource.is_empty() => live_managed(),
        _ if reset => Managed::default(),
        Ok(given) if !given.entries.is_empty() => given,
        _ => live_managed(),
    };
    metadata::set(object, "managedFields", None);
    // Objects that nobody tracks stay so under updates.
    if before.entries.is_empty() {
        return before;
    }
    let (version, name, now) = (call.api_version(), call.manager(), time::rfc3339(call.now));
    let versions = Versions { resource: &call.resource, subresource: &call.path.subresource };
    let live = convert(&call.resource, live, &call.path.version);
    own(&versions, (&live, object), &before, &writer(call, &version, &name, &now))
}

/// Admits, settles, checks and keeps an object that takes the place of another. It is in the version of the call.
pub(crate) fn store_update(
    cluster: &mut Cluster,
    call: &Call<'_>,
    live: &Arc<Value>,
    mut object: Value,
    managed: &Managed,
) -> Outcome<Arc<Value>> {
    let (resource, path) = (&call.resource, &call.path);
    metadata::set(&mut object, "managedFields", managed.written());
    webhooks::mutate(cluster, call, &object, "UPDATE")?;
    let mut object = convert(resource, &object, &resource.hub);
    let version = text(&object, "/metadata/resourceVersion").to_owned();
    let current = text(live, "/metadata/resourceVersion");
    if version.is_empty() && needs_version(resource) {
        let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
        return Err(Refusal::invalid_as(
            &resource.qualified(),
            &resource.group,
            &resource.plural,
            &path.name,
            &[error],
        ));
    }
    if !version.is_empty() && version != current {
        return Err(Refusal::conflict(resource, &path.name, CHANGED_MEANWHILE));
    }
    metadata::set(&mut object, "resourceVersion", Some(json!(current)));
    rules::prepare::update(resource, call.version(), call.minor, &path.subresource, &mut object, live);
    let mut taken = Vec::new();
    let address = |object: &Value| text(object, "/spec/clusterIP").to_owned();
    let moved = !address(live).is_empty() && address(live) != address(&object);
    if !resource.custom && resource.kind == "Service" && path.subresource.is_empty() && !moved {
        let mut allocator = rules::Allocator::of(cluster, (&path.namespace, &path.name));
        taken.extend(allocator.allocate(&mut object, call.minor));
    }
    let mut errors = Vec::new();
    // The metadata of an update is looked at by all kinds and by each.
    let frozen = rules::metadata::check_update(&object, live);
    errors.extend(frozen.iter().cloned().chain(frozen.clone()));
    if path.subresource.is_empty() || resource.custom {
        errors.extend(checked(call, &object, Some(live)));
    }
    errors.extend(rules::check_update(resource, &object, live));
    if errors.is_empty() {
        errors = taken;
    }
    if !errors.is_empty() {
        return Err(Refusal::invalid(resource, &path.name, &errors));
    }
    keep_times(&mut object, live);
    super::escalation::check(cluster, call, &object, Some(live))?;
    webhooks::validate(cluster, call, &object, "UPDATE")?;
    if call.dry_run {
        return Ok(Arc::new(object));
    }
    Ok(keep(cluster, call.now, call.settings, resource, live, object))
}

/// Keeps an object, unless nothing changed; lets it go when it was only held by finalizers.
pub(crate) fn keep(
    cluster: &mut Cluster,
    now: u64,
    settings: &Settings,
    resource: &Resource,
    live: &Arc<Value>,
    object: Value,
) -> Arc<Value> {
    let list = |pointer: &str| object.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let deleting = object.pointer("/metadata/deletionTimestamp").is_some();
    let graceful = object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0) > 0;
    let held_by_spec = resource.kind == "Namespace" && !resource.custom && list("/spec/finalizers");
    if deleting && !graceful && !list("/metadata/finalizers") && !held_by_spec {
        let (namespace, name) = crate::kube::cluster::place(&object);
        cluster.erase(now, settings, &resource.store, &namespace, &name);
        return Arc::new(object);
    }
    if object == **live {
        return live.clone();
    }
    cluster.put(now, settings, &resource.store, object)
}

/// Kinds that are never updated blindly.
fn needs_version(resource: &Resource) -> bool {
    resource.custom
        || matches!(
            resource.kind.as_str(),
            "APIService"
                | "CustomResourceDefinition"
                | "Lease"
                | "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
        )
}

/// Where nothing but times of entries changed, nothing changed.
fn keep_times(object: &mut Value, live: &Value) {
    let without = |object: &Value| {
        let mut object = object.clone();
        for entry in object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            entry.as_object_mut().map(|entry| entry.remove("time"));
        }
        object
    };
    let times = |object: &Value| object.pointer("/metadata/managedFields").cloned();
    if times(object) != times(live) && without(object) == without(live) {
        *object = live.clone();
    }
}
