//! Names in other objects follow the names they mean.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::Backreference;
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::fieldspec::what;
use crate::gvk::{Gvk, Id};
use crate::render::Renderer;
use crate::resource::Resources;

/// What a reference must know of the object it may mean.
struct Referral {
    gvk: Gvk,
    original: Id,
    name: String,
    namespace: String,
    is_namespaced: bool,
    effective_namespace: Option<String>,
}

/// The objects of a render by the name they were read with.
struct Index {
    referrals: Vec<Referral>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// Updates every name that stands in a field of the table and means an object whose
/// name was changed.
pub(crate) fn run(renderer: &mut Renderer<'_>, table: &[Backreference], resources: &mut Resources, place: &Place) {
    let index = Index::of(resources);
    for referrer in 0..resources.0.len() {
        let Some(gvk) = index.referrals.get(referrer).map(|own| own.gvk.clone()) else { continue };
        let Some(mut value) = resources.0.get_mut(referrer).map(|resource| std::mem::take(&mut resource.value)) else {
            continue;
        };
        for reference in table {
            for spec in reference.fields.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
                let search = Search { index: &index, resources, referrer, target: &reference.target };
                if let Err(reason) = spec.mutate(&mut value, &mut |value| search.update(value)) {
                    renderer.errors.push(RenderError::Transform {
                        place: place.clone(),
                        field: "nameReference".to_owned(),
                        object: index.referrals.get(referrer).map(|own| own.original.to_string()).unwrap_or_default(),
                        reason,
                    });
                }
            }
        }
        if let Some(resource) = resources.0.get_mut(referrer) {
            resource.value = value;
        }
    }
}

impl Index {
    fn of(resources: &Resources) -> Self {
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut referrals = Vec::with_capacity(resources.0.len());
        for (place, resource) in resources.0.iter().enumerate() {
            by_name.entry(resource.original_name.clone()).or_default().push(place);
            let current = resource.current_id();
            referrals.push(Referral {
                original: resource.original_id(),
                name: resource.name().to_owned(),
                namespace: resource.namespace().to_owned(),
                is_namespaced: current.gvk.is_namespaced(Dialect::V3_2),
                effective_namespace: current.effective_namespace(Dialect::V3_2).map(str::to_owned),
                gvk: current.gvk,
            });
        }
        Self { referrals, by_name }
    }
}

/// One look for what one object means by a name.
struct Search<'a> {
    index: &'a Index,
    resources: &'a Resources,
    referrer: usize,
    target: &'a Gvk,
}

impl<'a> Search<'a> {
    /// A field may hold a name, a list of names, or maps with name and namespace.
    fn update(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::String(name) => {
                if let Some(referral) = self.select(name, None)? {
                    *name = referral.name.clone();
                }
                Ok(())
            }
            Value::Object(map) => self.update_map(map),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::String(_) => self.update(item),
                Value::Object(map) => self.update_map(map),
                other => Err(format!("it holds {}, not names", what(other))),
            }),
            other => Err(format!("it is {}, not a name", what(other))),
        }
    }

    fn update_map(&self, map: &mut Map<String, Value>) -> Result<(), String> {
        let name = match map.get("name") {
            Some(Value::String(name)) => name.clone(),
            Some(other) => return Err(format!("`name` is {}, not text", what(other))),
            None => return Err("`name` is missing".to_owned()),
        };
        let namespace = match map.get("namespace") {
            None => None,
            Some(Value::String(namespace)) => Some(namespace.as_str()),
            Some(other) => return Err(format!("`namespace` is {}, not text", what(other))),
        };
        if let Some(referral) = self.select(&name, namespace)? {
            map.insert("name".to_owned(), referral.name.as_str().into());
            if !referral.namespace.is_empty() {
                map.insert("namespace".to_owned(), referral.namespace.as_str().into());
            }
        }
        Ok(())
    }

    /// The object that a name means. A namespace is the one it was read with.
    fn select(&self, name: &str, namespace: Option<&str>) -> Result<Option<&'a Referral>, String> {
        let index = self.index;
        let candidates = index.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let reachable = || {
            let named = candidates.iter().filter_map(|place| Some((*place, index.referrals.get(*place)?)));
            named.filter(|(place, referral)| self.is_reachable(*place, referral)).map(|(_, referral)| referral)
        };
        let found = reachable().find(|referral| {
            referral.gvk.is_selected(self.target)
                && namespace
                    .is_none_or(|namespace| referral.original.effective_namespace(Dialect::V3_2) == Some(namespace))
        });
        if let Some(found) = found {
            let same = reachable().filter(|referral| referral.original.is_same(&found.original, Dialect::V3_2)).count();
            if same > 1 {
                return Err(format!("`{name}` could mean {same} objects: {}", found.original));
            }
        }
        Ok(found)
    }

    /// Whether the object is in sight: cluster-scoped or in the same namespace, and
    /// from the same kustomizations.
    fn is_reachable(&self, place: usize, referral: &Referral) -> bool {
        let Some(own) = self.index.referrals.get(self.referrer) else { return false };
        let is_near =
            !own.is_namespaced || !referral.is_namespaced || own.effective_namespace == referral.effective_namespace;
        let resources = (self.resources.0.get(self.referrer), self.resources.0.get(place));
        is_near && matches!(resources, (Some(own), Some(other)) if own.is_in_context_of(other))
    }
}
