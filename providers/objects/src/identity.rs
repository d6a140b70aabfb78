//! Which object a body is, and where its kind lives.

use std::collections::BTreeMap;

use kfplan_model::{ObjectId, ResourceAddress};
use kfplan_plan::{Discovery, ObjectLocator};
use serde_json::Value as Json;

use crate::error::ObjectError;
use crate::tables::kinds;

/// The group and version that `apiVersion` names; the core group is empty.
#[must_use]
pub fn split_api_version(text: &str) -> (&str, &str) {
    text.split_once('/').unwrap_or(("", text))
}

/// The group of a body, empty where it has none.
#[must_use]
pub fn group_of(body: &Json) -> &str {
    split_api_version(text(body, &["apiVersion"])).0
}

/// The kind of a body, empty where it has none.
#[must_use]
pub fn kind_of(body: &Json) -> &str {
    text(body, &["kind"])
}

/// `metadata.name`, empty where there is none.
#[must_use]
pub fn name_of(body: &Json) -> &str {
    text(body, &["metadata", "name"])
}

/// `metadata.namespace`, where stated.
#[must_use]
pub fn namespace_of(body: &Json) -> Option<&str> {
    Some(text(body, &["metadata", "namespace"])).filter(|text| !text.is_empty())
}

/// The text at a path of keys; empty where there is none.
pub(crate) fn text<'a>(body: &'a Json, keys: &[&str]) -> &'a str {
    at(body, keys).and_then(Json::as_str).unwrap_or_default()
}

/// The value at a path of keys.
pub(crate) fn at<'a>(body: &'a Json, keys: &[&str]) -> Option<&'a Json> {
    keys.iter().try_fold(body, |value, key| value.get(key))
}

/// The list at a path of keys; empty where there is none.
pub(crate) fn list<'a>(body: &'a Json, keys: &[&str]) -> &'a [Json] {
    at(body, keys).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Which kinds live in namespaces: the built-in ones, those of CRDs, and what a cluster serves.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    custom: BTreeMap<(String, String), bool>,
}

impl Scopes {
    /// The built-in and well-known kinds, and those that the CRDs among `bodies` declare.
    pub fn of<'a>(bodies: impl IntoIterator<Item = &'a Json>) -> Self {
        let mut scopes = Self::default();
        for body in bodies.into_iter().filter(|body| is_crd(body)) {
            let (group, kind) = crd_names(body);
            scopes.custom.insert((group.to_owned(), kind.to_owned()), text(body, &["spec", "scope"]) != "Cluster");
        }
        scopes
    }

    /// The same, and what a cluster serves.
    #[must_use]
    pub fn with_discovery(mut self, discovery: &Discovery) -> Self {
        for ((group, _, kind), served) in &discovery.kinds {
            self.custom.entry((group.clone(), kind.clone())).or_insert(served.namespaced);
        }
        self
    }

    /// Whether the kind lives in namespaces; `None` when nothing says so.
    #[must_use]
    pub fn namespaced(&self, group: &str, kind: &str) -> Option<bool> {
        if let Some(row) = kinds::built_in(group, kind) {
            return Some(row.3);
        }
        let declared = self.custom.get(&(group.to_owned(), kind.to_owned())).copied();
        declared.or_else(|| kinds::known(group, kind).map(|row| row.3))
    }
}

/// Whether a body is a CRD.
pub(crate) fn is_crd(body: &Json) -> bool {
    kind_of(body) == "CustomResourceDefinition" && group_of(body) == "apiextensions.k8s.io"
}

/// The group and kind that a CRD declares.
pub(crate) fn crd_names(body: &Json) -> (&str, &str) {
    (text(body, &["spec", "group"]), text(body, &["spec", "names", "kind"]))
}

/// Where a body belongs, and what had to be mended in it to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub locator: ObjectLocator,
    /// What was mended.
    pub mended: Option<Mended>,
}

/// A trap of `metadata.namespace` that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mended {
    /// A cluster-scoped object was written with this namespace.
    NamespaceDropped(String),
    /// A namespaced object was written without one and got the default.
    NamespaceDefaulted(String),
}

/// Finds where an object belongs. An unknown kind with a namespace is taken to live in namespaces, since no server
/// would take it otherwise.
///
/// # Errors
///
/// [`ObjectError`] when it is no object, lacks what every object has, or nothing says whether its kind lives in
/// namespaces.
pub fn place(
    body: &Json,
    cluster: &ResourceAddress,
    scopes: &Scopes,
    default_namespace: &str,
) -> Result<Place, ObjectError> {
    let found = match body {
        Json::Object(_) => None,
        Json::Null => Some("null"),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => Some("a single value"),
        Json::Array(_) => Some("a list"),
    };
    if let Some(found) = found {
        return Err(ObjectError::NotAnObject { found });
    }
    let api_version = required(body, &["apiVersion"], "apiVersion")?;
    let kind = required(body, &["kind"], "kind")?;
    let name = required(body, &["metadata", "name"], "metadata.name")?;
    let (group, version) = split_api_version(api_version);
    if version.is_empty() || version.contains('/') {
        return Err(ObjectError::ApiVersion { text: api_version.to_owned() });
    }
    let stated = match at(body, &["metadata", "namespace"]) {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) if text.is_empty() => None,
        Some(Json::String(text)) => Some(text.as_str()),
        Some(_) => return Err(ObjectError::NotText { field: "metadata.namespace" }),
    };
    let (namespace, mended) = match (scopes.namespaced(group, kind), stated) {
        (Some(true) | None, Some(stated)) => (Some(stated), None),
        (Some(true), None) => (Some(default_namespace), Some(Mended::NamespaceDefaulted(default_namespace.to_owned()))),
        (Some(false), Some(stated)) => (None, Some(Mended::NamespaceDropped(stated.to_owned()))),
        (Some(false), None) => (None, None),
        (None, None) => return Err(ObjectError::UnknownScope { kind: kind_and_group(group, kind) }),
    };
    let locator = ObjectLocator {
        cluster: cluster.clone(),
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(ToOwned::to_owned),
        name: name.to_owned(),
    };
    Ok(Place { locator, mended })
}

fn required<'a>(body: &'a Json, keys: &[&str], field: &'static str) -> Result<&'a str, ObjectError> {
    match at(body, keys) {
        None | Some(Json::Null) => Err(ObjectError::Missing { field }),
        Some(Json::String(text)) if text.is_empty() => Err(ObjectError::Missing { field }),
        Some(Json::String(text)) => Ok(text),
        Some(_) => Err(ObjectError::NotText { field }),
    }
}

/// `Deployment.apps`, or `Service` in the core group.
pub(crate) fn kind_and_group(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}

/// The identity of a body as it stands, with the namespace that it states.
#[must_use]
pub fn stated_id(body: &Json) -> ObjectId {
    ObjectId {
        namespace: namespace_of(body).map(Into::into),
        kind: kind_of(body).into(),
        group: group_of(body).into(),
        name: name_of(body).into(),
    }
}

/// The name in URLs of a kind: from discovery where given, else from the tables, else as the API machinery guesses.
#[must_use]
pub fn plural_of(group: &str, kind: &str) -> String {
    kinds::known(group, kind).map_or_else(|| kinds::guessed_plural(kind), |row| row.2.to_owned())
}

/// Whether every Kubernetes server has the kind, in some version of its life.
#[must_use]
pub fn is_built_in(group: &str, kind: &str) -> bool {
    kinds::built_in(group, kind).is_some()
}
