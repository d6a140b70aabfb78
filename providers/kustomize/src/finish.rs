//! The last steps, done once at the outermost kustomization: suffixes, references, vars,
//! and the order of the output. In dialect 5 what is not meant for the cluster goes, and
//! annotations become text.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::gvk::Id;
use crate::kustomization::Sorting;
use crate::provenance::Notes;
use crate::render::{Accumulated, Renderer, shown};
use crate::resource::{Resource, Resources, metadata_text, set_metadata};
use crate::scalar;
use crate::transform;

impl Renderer<'_> {
    pub(crate) fn finish_5(&mut self, directory: &str, mut accumulated: Accumulated) -> Vec<(Value, Option<usize>)> {
        let place = Place::file(shown(directory));
        let resources = &mut accumulated.resources;
        if let Err((wrong, reason)) = transform::hash::rename(resources)
            && let Some(resource) = resources.0.get(wrong)
        {
            let (field, object) =
                ("generatorOptions.disableNameSuffixHash".to_owned(), resource.current_id().to_string());
            self.errors.push(RenderError::Transform { place: place.clone(), field, object, reason });
        }
        let config = accumulated.config.unwrap_or_else(|| Rc::clone(&self.defaults));
        transform::referrals::run(self, &config.name_reference, resources, &place);
        if self.errors.is_empty() {
            transform::variables::run(self, &config.var_reference, &accumulated.variables, resources);
        }
        let notes = Notes { build: self.build, root: directory, mounts: &self.mounts };
        sorted(resources, self.sorting.as_ref(), &notes, &mut self.errors)
    }

    pub(crate) fn finish_3(&mut self, directory: &str, mut accumulated: Accumulated) -> Vec<(Value, Option<usize>)> {
        let place = Place::file(shown(directory));
        let resources = &mut accumulated.resources;
        transform::hash::run(self, resources, &place);
        let config = accumulated.config.unwrap_or_else(|| Rc::clone(&self.defaults));
        transform::references::run(self, &config.name_reference, resources, &place);
        if self.errors.is_empty() {
            transform::variables::run(self, &config.var_reference, &accumulated.variables, resources);
        }
        let mut seen: BTreeMap<_, String> = BTreeMap::new();
        let mut sorted = Vec::with_capacity(resources.0.len());
        for resource in std::mem::take(&mut resources.0) {
            let id = resource.current_id();
            let other = seen.insert(id.key(Dialect::V3_2), resource.origin.to_string());
            if let Some(other) = other {
                let place = (*resource.origin).clone();
                self.errors.push(RenderError::Twice { place, object: id.to_string(), other });
            }
            sorted.push((id, resource.value, resource.entry));
        }
        let order = Dialect::V3_2.order();
        sorted.sort_by(|(a, ..), (b, ..)| a.compare(b, &order));
        sorted.into_iter().map(|(_, value, entry)| (Value::Object(value), entry)).collect()
    }
}

/// Objects with this annotation are for kustomize alone.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// The version of kustomize that dialect 5 is held to, as it labels objects.
const MANAGED_BY: &str = "kustomize-v5.5.0";

/// The objects in the order of the output, each with the entry that brought it.
fn sorted(
    resources: &mut Resources,
    sorting: Option<&Sorting>,
    notes: &Notes<'_>,
    errors: &mut Vec<RenderError>,
) -> Vec<(Value, Option<usize>)> {
    let mut sorted: Vec<(Id, Resource)> = Vec::with_capacity(resources.0.len());
    for mut resource in std::mem::take(&mut resources.0) {
        if is_local(&resource.value) {
            continue;
        }
        check(&resource, errors);
        tidy(&mut resource.value);
        notes.put(&mut resource);
        if notes.build.managed_by {
            let mut labels = match resource.value.get("metadata").and_then(|metadata| metadata.get("labels")) {
                Some(Value::Object(labels)) => labels.clone(),
                _ => Map::new(),
            };
            labels.insert("app.kubernetes.io/managed-by".to_owned(), MANAGED_BY.into());
            set_metadata(&mut resource.value, "labels", Some(Value::Object(labels)));
        }
        sorted.push((resource.current_id(), resource));
    }
    let legacy = match sorting {
        None => Some(Dialect::V5.order()),
        Some(Sorting::Legacy(order)) => Some(order.clone()),
        Some(Sorting::Fifo) => None,
    };
    if let Some(order) = legacy {
        report_twins(&sorted, errors);
        sorted.sort_by(|(a, _), (b, _)| a.compare(b, &order));
    }
    sorted.into_iter().map(|(_, resource)| (Value::Object(resource.value), resource.entry)).collect()
}

fn is_local(object: &Map<String, Value>) -> bool {
    let annotations = object.get("metadata").and_then(|metadata| metadata.get("annotations"));
    annotations.and_then(|annotations| annotations.get(LOCAL)).is_some_and(|value| scalar::text(value) != "false")
}

/// An object may have lost its name or kind to a patch.
fn check(resource: &Resource, errors: &mut Vec<RenderError>) {
    let kind = resource.gvk().kind;
    let missing = match (kind.as_str(), metadata_text(&resource.value, "name")) {
        ("", _) => "the object has no `kind` any more".to_owned(),
        (kind, "") if !kind.ends_with("List") => format!("the {kind} has no `metadata.name` any more"),
        _ => return,
    };
    errors.push(RenderError::Object { place: (*resource.origin).clone(), reason: missing });
}

fn report_twins(sorted: &[(Id, Resource)], errors: &mut Vec<RenderError>) {
    let mut seen: BTreeMap<_, String> = BTreeMap::new();
    for (id, resource) in sorted {
        if let Some(other) = seen.insert(id.key(Dialect::V5), resource.origin.to_string()) {
            errors.push(RenderError::Twice { place: (*resource.origin).clone(), object: id.to_string(), other });
        }
    }
}

/// Annotations are text in the end, and none leave no field; nulls are just nulls.
fn tidy(object: &mut Map<String, Value>) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        match metadata.get_mut("annotations") {
            Some(Value::Object(annotations)) if !annotations.is_empty() => {
                for value in annotations.values_mut() {
                    if !value.is_string() || scalar::is_blank(value) {
                        *value = scalar::text(value).into();
                    }
                }
            }
            Some(_) => {
                metadata.remove("annotations");
            }
            None => {}
        }
    }
    scalar::settle_map(object);
}
