//! The transformations of dialect 5 as values, and what each does to the objects.
//!
//! A kustomization says some in its fields and others in files under `transformers`; both
//! become [`Step`]s.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::patches5::{self, Change};
use super::{images5, names, replacements};
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::fieldspec::{FieldSpec, Made, what};
use crate::kustomization::{Image, Patch, Replacement, Selector};
use crate::patch::json6902::Operation;
use crate::patch::walk::Definitions;
use crate::provenance::Configured;
use crate::resource::{Resource, Resources};
use crate::scalar::is_null;

/// Which subjects of a binding move along with a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Subjects {
    /// The one named `default`.
    #[default]
    Default,
    /// All service accounts.
    Accounts,
    /// None.
    None,
}

/// What is done to the objects.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Merge(Vec<patches5::ObjectPatch>),
    Patch(Patch, Change),
    Operate(Selector, Vec<Operation>),
    Namespace {
        namespace: String,
        table: Vec<FieldSpec>,
        subjects: Subjects,
        unset_only: bool,
    },
    Prefix(String, Vec<FieldSpec>),
    Suffix(String, Vec<FieldSpec>),
    /// Labels or annotations.
    Entries(BTreeMap<String, String>, Vec<FieldSpec>),
    Replicas {
        name: String,
        count: i64,
        table: Vec<FieldSpec>,
    },
    Image(Image, Vec<FieldSpec>),
    Replace(Vec<Replacement>),
    Hash,
}

/// A transformation, and who asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) place: Place,
    pub(crate) field: String,
    pub(crate) action: Action,
    /// How kustomize calls it, for the notes on the objects.
    pub(crate) configured: Rc<Configured>,
}

/// Where a step reports what it could not do.
pub(crate) struct Report<'a> {
    pub(crate) place: &'a Place,
    pub(crate) field: &'a str,
    pub(crate) errors: &'a mut Vec<RenderError>,
}

impl Report<'_> {
    /// Something that is wrong with the step itself.
    pub(crate) fn refuse(&mut self, reason: impl Into<String>) {
        self.errors.push(RenderError::Field {
            place: self.place.clone(),
            field: self.field.to_owned(),
            reason: reason.into(),
        });
    }

    /// Something that cannot be done to an object.
    pub(crate) fn failed(&mut self, resource: &Resource, reason: String) {
        self.errors.push(RenderError::Transform {
            place: self.place.clone(),
            field: self.field.to_owned(),
            object: format!("{} (from {})", resource.current_id(), resource.origin),
            reason,
        });
    }
}

impl Action {
    /// What kustomize calls it; labels and annotations are called by whoever adds them.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Merge(_) => "PatchStrategicMergeTransformer",
            Self::Patch(..) => "PatchTransformer",
            Self::Operate(..) => "PatchJson6902Transformer",
            Self::Namespace { .. } => "NamespaceTransformer",
            Self::Prefix(..) => "PrefixTransformer",
            Self::Suffix(..) => "SuffixTransformer",
            Self::Entries(..) => "LabelTransformer",
            Self::Replicas { .. } => "ReplicaCountTransformer",
            Self::Image(..) => "ImageTagTransformer",
            Self::Replace(_) => "ReplacementTransformer",
            Self::Hash => "HashTransformer",
        }
    }
}

impl Step {
    /// Carries the step out. Objects that it deletes are gone afterwards.
    pub(crate) fn run(&self, resources: &mut Resources, definitions: Definitions<'_>, errors: &mut Vec<RenderError>) {
        let report = &mut Report { place: &self.place, field: &self.field, errors };
        match &self.action {
            Action::Merge(patches) => patches5::merge(patches, resources, definitions, report.errors),
            Action::Patch(patch, change) => patches5::general(patch, change, resources, definitions, report),
            Action::Operate(selector, operations) => patches5::operate(selector, operations, false, resources, report),
            Action::Namespace { namespace, table, subjects, unset_only } => {
                names::namespace(namespace, table, (*subjects, *unset_only), resources, report);
            }
            Action::Prefix(prefix, table) => names::rename(table, resources, names::Affix::Prefix(prefix), report),
            Action::Suffix(suffix, table) => names::rename(table, resources, names::Affix::Suffix(suffix), report),
            Action::Entries(entries, table) => {
                add_entries(entries, table, resources, report);
            }
            Action::Replicas { name, count, table } => replicas(name, *count, table, resources, report),
            Action::Image(image, table) => images5::run(image, table, resources, report),
            Action::Replace(all) => replacements::run(all, resources, report.errors),
            Action::Hash => {
                if let Err((place, reason)) = super::hash::rename(resources)
                    && let Some(resource) = resources.0.get(place)
                {
                    report.failed(resource, reason);
                }
            }
        }
        resources.0.retain(|resource| !resource.value.is_empty());
        for resource in &mut resources.0 {
            resource.transformations.push(Rc::clone(&self.configured));
        }
    }
}

fn add_entries(
    entries: &BTreeMap<String, String>,
    table: &[FieldSpec],
    resources: &mut Resources,
    report: &mut Report<'_>,
) {
    if entries.is_empty() {
        return;
    }
    for resource in &mut resources.0 {
        let gvk = resource.gvk();
        for spec in table.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
            let changed = spec.visit(&mut resource.value, Some(Made::Map), &mut |value| add(value, entries));
            if let Err(reason) = changed {
                report.failed(resource, reason);
            }
        }
    }
}

fn add(value: &mut Value, entries: &BTreeMap<String, String>) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            map.extend(entries.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
            Ok(())
        }
        null if is_null(null) => Ok(()),
        other => Err(format!("it is {}, not a map", what(other))),
    }
}

fn replicas(name: &str, count: i64, table: &[FieldSpec], resources: &mut Resources, report: &mut Report<'_>) {
    let mut is_found = false;
    for spec in table {
        for resource in &mut resources.0 {
            let is_meant = |id: &crate::gvk::Id| id.name == name && id.gvk.is_selected(&spec.gvk);
            if !resource.identities(Dialect::V5).iter().any(is_meant) {
                continue;
            }
            is_found = true;
            if !resource.gvk().is_selected(&spec.gvk) {
                continue;
            }
            let changed = spec.visit(&mut resource.value, Some(Made::Scalar), &mut |value| match value {
                Value::Object(_) | Value::Array(_) => Err(format!("it is {}, not a number", what(value))),
                scalar => {
                    *scalar = count.into();
                    Ok(())
                }
            });
            if let Err(reason) = changed {
                report.failed(resource, reason);
            }
        }
    }
    if !is_found {
        report.refuse(format!("there is no workload `{name}`"));
    }
}

/// The texts of a map of the metadata, whatever their values were.
pub(super) fn letters(object: &Map<String, Value>, key: &str) -> BTreeMap<String, String> {
    match object.get("metadata").and_then(|metadata| metadata.get(key)) {
        Some(Value::Object(map)) => map.iter().map(|(key, value)| (key.clone(), crate::scalar::text(value))).collect(),
        _ => BTreeMap::new(),
    }
}
