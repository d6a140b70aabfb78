//! Names in other objects follow the names they mean, in dialect 5.
//!
//! A name means an object that had it once and lost it. Which of several is found by the
//! kind, by the role that a binding names, by the namespace, and by the prefixes and
//! suffixes that both objects took on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::config::Backreference;
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::fieldspec::what;
use crate::gvk::{Gvk, Id};
use crate::render::Renderer;
use crate::resource::{NO_NAMESPACE, Resource, Resources};
use crate::scalar::{self, is_null};

/// What a reference must know of an object.
struct Referral {
    gvk: Gvk,
    past: Vec<Id>,
    first_namespace: String,
    name: String,
    namespace: String,
    effective: String,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Referral {
    fn of(resource: &Resource) -> Self {
        let mut past = resource.identities(Dialect::V5);
        let current = past.pop().unwrap_or_default();
        Self {
            first_namespace: past.first().map_or(&current, |first| first).namespace.clone(),
            past,
            name: current.name,
            namespace: resource.namespace().to_owned(),
            effective: current.namespace,
            gvk: current.gvk,
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
        }
    }

    fn is_cluster_scoped(&self) -> bool {
        !self.gvk.is_namespaced(Dialect::V5)
    }
}

/// Updates every name that stands in a field of the table and means an object whose name
/// was changed.
pub(crate) fn run(renderer: &mut Renderer<'_>, table: &[Backreference], resources: &mut Resources, place: &Place) {
    let all: Vec<Referral> = resources.0.iter().map(Referral::of).collect();
    let mut by_name: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (place, referral) in all.iter().enumerate() {
        for past in &referral.past {
            by_name.entry(&past.name).or_default().insert(place);
        }
    }
    if by_name.is_empty() {
        return;
    }
    for (own, resource) in all.iter().zip(&mut resources.0) {
        let first = own.past.first().map_or(&own.gvk, |past| &past.gvk);
        let role = role_of(&resource.value);
        let namespaces = account_namespaces(&resource.value);
        for reference in table {
            for spec in reference.fields.iter().filter(|spec| first.is_selected(&spec.gvk)) {
                let role = role.as_ref().filter(|_| spec.path.ends_with("roleRef/name"));
                let search = Search {
                    all: &all,
                    by_name: &by_name,
                    own,
                    role,
                    namespaces: &namespaces,
                    target: &reference.target,
                };
                if let Err(reason) = spec.visit(&mut resource.value, None, &mut |value| search.update(value)) {
                    renderer.errors.push(RenderError::Transform {
                        place: place.clone(),
                        field: "nameReference".to_owned(),
                        object: resource.current_id().to_string(),
                        reason,
                    });
                }
            }
        }
    }
}

/// The kind of role that a binding names.
fn role_of(object: &Map<String, Value>) -> Option<Gvk> {
    let role = object.get("roleRef")?;
    let text = |key: &str| role.get(key).filter(|value| !is_null(value)).map(scalar::text);
    Some(Gvk { group: text("apiGroup")?, version: String::new(), kind: text("kind")? })
}

/// The namespaces of the service accounts that a role is bound to.
fn account_namespaces(object: &Map<String, Value>) -> BTreeSet<String> {
    if object.get("kind").is_none_or(|kind| kind != "RoleBinding") {
        return BTreeSet::new();
    }
    let subjects = object.get("subjects").and_then(Value::as_array).into_iter().flatten();
    let accounts = subjects.filter(|subject| subject.get("kind").is_some_and(|kind| kind == "ServiceAccount"));
    accounts.filter_map(|subject| subject.get("namespace")?.as_str()).map(str::to_owned).collect()
}

/// One look for what one object means by a name.
struct Search<'a> {
    all: &'a [Referral],
    by_name: &'a BTreeMap<&'a str, BTreeSet<usize>>,
    own: &'a Referral,
    role: Option<&'a Gvk>,
    namespaces: &'a BTreeSet<String>,
    target: &'a Gvk,
}

impl<'a> Search<'a> {
    /// A field may hold a name, a list of names, or maps with name and namespace.
    fn update(&self, value: &mut Value) -> Result<(), String> {
        match value {
            null if is_null(null) => Ok(()),
            Value::Object(map) => self.update_map(map),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                null if is_null(null) => Ok(()),
                Value::Object(map) => self.update_map(map),
                Value::Array(_) => Err("it holds a list, not names".to_owned()),
                scalar => self.update_scalar(scalar),
            }),
            scalar => self.update_scalar(scalar),
        }
    }

    fn update_scalar(&self, value: &mut Value) -> Result<(), String> {
        let name = scalar::text(value);
        if let Some(referral) = self.select(&name, None, false)?
            && referral.name != name
        {
            *value = referral.name.as_str().into();
        }
        Ok(())
    }

    fn update_map(&self, map: &mut Map<String, Value>) -> Result<(), String> {
        let name = match map.get("name") {
            Some(value @ (Value::Object(_) | Value::Array(_))) => {
                return Err(format!("`name` is {}, not text", what(value)));
            }
            Some(value) => scalar::text(value),
            None => return Err("`name` is missing".to_owned()),
        };
        let namespace =
            map.get("namespace").map(|value| if is_null(value) { String::new() } else { scalar::text(value) });
        if let Some(referral) = self.select(&name, namespace.as_deref(), true)? {
            if referral.name == name && referral.namespace.is_empty() {
                return Ok(());
            }
            map.insert("name".to_owned(), referral.name.as_str().into());
            if !referral.namespace.is_empty() {
                map.insert("namespace".to_owned(), referral.namespace.as_str().into());
            }
        }
        Ok(())
    }

    /// The object that a name means.
    fn select(&self, name: &str, namespace: Option<&str>, by_namespace: bool) -> Result<Option<&'a Referral>, String> {
        let Some(places) = self.by_name.get(name) else { return Ok(None) };
        let mut found: Vec<&Referral> = places.iter().filter_map(|place| self.all.get(*place)).collect();
        found.retain(|referral| self.is_in_reach(referral));
        if let Some(namespace) = namespace {
            found = self.in_namespace(found, namespace);
        }
        let had = |referral: &Referral, gvk: &Gvk| referral.past.iter().any(|past| past.gvk.is_selected(gvk));
        found.retain(|referral| had(referral, self.target));
        if let Some(role) = self.role {
            found.retain(|referral| had(referral, role));
        }
        found.retain(|referral| self.is_near(referral));
        if let [one] = found.as_slice() {
            return Ok(Some(one));
        }
        found.retain(|referral| is_alike(referral, self.own, true));
        if found.len() > 1 {
            found.retain(|referral| is_alike(referral, self.own, false));
        }
        let Some(first) = found.first().copied() else { return Ok(None) };
        let is_same =
            |other: &&Referral| other.name == first.name && (!by_namespace || other.namespace == first.namespace);
        if found.iter().all(is_same) {
            return Ok(Some(first));
        }
        Err(format!("`{name}` could mean {} objects named {}", found.len(), first.gvk))
    }

    /// Whether an object is cluster-scoped, lives where this one does, or where a service
    /// account lives that this one binds.
    fn is_in_reach(&self, referral: &Referral) -> bool {
        self.own.is_cluster_scoped()
            || referral.is_cluster_scoped()
            || referral.effective == self.own.effective
            || self.namespaces.contains(&referral.namespace)
    }

    fn is_near(&self, referral: &Referral) -> bool {
        self.own.is_cluster_scoped()
            || referral.is_cluster_scoped()
            || referral.gvk.kind == "ServiceAccount"
            || referral.effective == self.own.effective
    }

    /// Those that were read in a namespace if any object in reach was; else those that are in it now.
    fn in_namespace(&self, found: Vec<&'a Referral>, namespace: &str) -> Vec<&'a Referral> {
        let is_known = namespace != NO_NAMESPACE
            && self.all.iter().any(|referral| self.is_in_reach(referral) && referral.first_namespace == namespace);
        let own = |referral: &&Referral| {
            let lives = if is_known { &referral.first_namespace } else { &referral.effective };
            lives == namespace && namespace != NO_NAMESPACE
        };
        found.into_iter().filter(own).collect()
    }
}

/// Whether two objects took on the same prefixes and suffixes, as far as both took on any.
fn is_alike(one: &Referral, other: &Referral, allows_none: bool) -> bool {
    let alike = |one: &[String], other: &[String]| {
        if one.is_empty() || other.is_empty() {
            return allows_none || one.len() == other.len();
        }
        one.iter().rev().zip(other.iter().rev()).all(|(one, other)| one == other)
    };
    alike(&one.prefixes, &other.prefixes) && alike(&one.suffixes, &other.suffixes)
}
