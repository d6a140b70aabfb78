//! Writes by the cluster's own controllers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::write::keep;
use crate::kube::apply::{Managed, Writer, update as own};
use crate::kube::cluster::Cluster;
use crate::kube::kinds::{Resource, Version, Versions, convert, is_binary};
use crate::kube::rules::{self, metadata};
use crate::kube::{Settings, admission, time};

/// A write by one of the cluster's own controllers: nothing is asked of webhooks, and it is never refused.
pub(crate) struct Internal<'a> {
    pub(crate) now: u64,
    pub(crate) settings: &'a Settings,
    /// The field manager.
    pub(crate) manager: &'a str,
    pub(crate) subresource: &'a str,
}

impl Internal<'_> {
    /// The resource of a table, and the served version in which fields are owned.
    fn resource(&self, cluster: &Cluster, store: &str) -> Option<Arc<Resource>> {
        let (group, plural) = store.split_once('/')?;
        cluster.kinds.get(group, plural).cloned()
    }

    /// Makes an object that is not there; gives the one that is.
    pub(crate) fn create(&self, cluster: &mut Cluster, store: &str, mut object: Value) -> Option<Arc<Value>> {
        let resource = self.resource(cluster, store)?;
        let (namespace, name) = crate::kube::cluster::place(&object);
        if let Some(found) = cluster.object(store, &namespace, &name) {
            return Some(found.clone());
        }
        let version = resource.versions.first()?;
        let minor = cluster.release.minor;
        let api_version = resource.api_version(&version.name);
        if let Some(map) = object.as_object_mut() {
            map.insert("apiVersion".into(), json!(api_version));
            map.insert("kind".into(), json!(resource.kind));
        }
        let wanted_status = object.get("status").cloned();
        let mut object = settle(&resource, version, minor, object)?;
        let uid = cluster.fresh_uid(self.settings);
        metadata::set(&mut object, "uid", Some(json!(uid)));
        metadata::set(&mut object, "creationTimestamp", Some(json!(time::rfc3339(self.now))));
        if !resource.custom {
            admission::complete(cluster, &resource.kind, &mut object);
        }
        let versions = Versions { resource: &resource, subresource: "" };
        let now = time::rfc3339(self.now);
        let writer = Writer { name: self.manager, version: &api_version, subresource: "", time: &now };
        let managed = own(&versions, (&json!({}), &object), &Managed::default(), &writer);
        let mut object = convert(&resource, &object, &resource.hub);
        rules::prepare::create(&resource, version, minor, &mut object);
        if resource.kind == "Service" && !resource.custom {
            rules::Allocator::of(cluster, ("", "")).allocate(&mut object, minor);
        }
        if let (Some(status), true, Some(map)) = (wanted_status, version.status, object.as_object_mut()) {
            map.insert("status".into(), status);
        }
        metadata::set(&mut object, "managedFields", managed.written());
        Some(cluster.put(self.now, self.settings, store, object))
    }

    /// Changes an object that is there; nothing where it is not, or nothing changes.
    pub(crate) fn modify(
        &self,
        cluster: &mut Cluster,
        store: &str,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let (Some(resource), Some(live)) =
            (self.resource(cluster, store), cluster.object(store, namespace, name).cloned())
        else {
            return;
        };
        let mut object = (*live).clone();
        change(&mut object);
        if object == *live {
            return;
        }
        let Some(version) = resource.versions.first() else { return };
        let api_version = resource.api_version(&version.name);
        let before = Managed::parse(live.pointer("/metadata/managedFields")).unwrap_or_default();
        if !before.entries.is_empty() {
            let now = time::rfc3339(self.now);
            let writer =
                Writer { name: self.manager, version: &api_version, subresource: self.subresource, time: &now };
            let versions = Versions { resource: &resource, subresource: self.subresource };
            let (old, new) = (convert(&resource, &live, &version.name), convert(&resource, &object, &version.name));
            let (old, new) = (without_managed(old), without_managed(new));
            let managed = own(&versions, (&old, &new), &before, &writer);
            metadata::set(&mut object, "managedFields", managed.written());
        }
        if self.subresource.is_empty() {
            let status = object.get("status").cloned();
            rules::prepare::update(&resource, version, cluster.release.minor, "", &mut object, &live);
            if let (Some(status), Some(map)) = (status, object.as_object_mut()) {
                map.insert("status".into(), status);
            }
        }
        keep(cluster, self.now, self.settings, &resource, &live, object);
    }

    /// Applies a patch, and takes what it states from whoever has it.
    pub(crate) fn apply(&self, cluster: &mut Cluster, store: &str, mut patch: Value) {
        let (namespace, name) = crate::kube::cluster::place(&patch);
        let (Some(resource), Some(live)) =
            (self.resource(cluster, store), cluster.object(store, &namespace, &name).cloned())
        else {
            return;
        };
        let Some(version) = resource.versions.first() else { return };
        let api_version = resource.api_version(&version.name);
        if let Some(map) = patch.as_object_mut() {
            map.insert("apiVersion".into(), json!(api_version));
            map.insert("kind".into(), json!(resource.kind));
        }
        let before = Managed::parse(live.pointer("/metadata/managedFields")).unwrap_or_default();
        let now = time::rfc3339(self.now);
        let writer = Writer { name: self.manager, version: &api_version, subresource: self.subresource, time: &now };
        let versions = Versions { resource: &resource, subresource: self.subresource };
        let current = without_managed(convert(&resource, &live, &version.name));
        let Ok((Some(object), managed)) =
            crate::kube::apply::apply(&versions, (&current, &patch), &before, &writer, true)
        else {
            return;
        };
        let mut object = convert(&resource, &object, &resource.hub);
        metadata::set(&mut object, "managedFields", managed.written());
        rules::prepare::update(&resource, version, cluster.release.minor, self.subresource, &mut object, &live);
        keep(cluster, self.now, self.settings, &resource, &live, object);
    }

    /// Takes an object away as its owner's controller does: finalizers still hold it.
    pub(crate) fn delete(&self, cluster: &mut Cluster, store: &str, namespace: &str, name: &str) {
        super::delete::remove(cluster, self.now, self.settings, store, namespace, name);
    }
}

fn without_managed(mut object: Value) -> Value {
    metadata::set(&mut object, "managedFields", None);
    object
}

/// An object of a controller, as its kind keeps it.
fn settle(resource: &Resource, version: &Version, minor: u32, mut object: Value) -> Option<Value> {
    if resource.custom {
        metadata::settle(&mut object).ok()?;
        if let Some(structural) = &version.structural {
            structural.prune(&mut object, false).ok()?;
            structural.default(&mut object);
        }
        return Some(object);
    }
    let decoder =
        crate::kube::schema::Decoder { schema: &version.schema, null_times: minor < 34, binary: is_binary(resource) };
    let mut object = decoder.decode(version.at, &object).ok()?.value;
    rules::defaults::apply(resource, &version.name, &mut object, minor);
    Some(object)
}
