//! From the fields of a kustomization of dialect 5 to the steps that they mean.

use kfplan_objects::yaml::{self, Kind};

use super::patches5;
use super::steps::{Action, Step, Subjects};
use crate::config::{self, Config};
use crate::decode::Decoder;
use crate::error::{Place, RenderError};
use crate::fieldspec::FieldSpec;
use crate::kustomization::read5::read_replacement;
use crate::kustomization::{Kustomization, LabelSet, Named, Replacement, ReplacementEntry};
use crate::load::YAML;
use crate::provenance::Configured;
use crate::render::Renderer;

/// The steps of a kustomization, in their order. What is wrong goes to the renderer's errors.
pub(super) fn steps(renderer: &mut Renderer<'_>, kustomization: &Kustomization, config: &Config) -> Vec<Step> {
    let mut plan = Plan { kustomization, steps: Vec::new() };
    plan.patches(renderer);
    plan.metadata(renderer, config);
    plan.operations(renderer);
    for replica in &kustomization.replicas {
        let (name, count) = (replica.name.clone(), replica.count);
        let action = Action::Replicas { name, count, table: config.replicas.clone() };
        plan.add(Place::new(&kustomization.file, replica.at), &replica.field, action);
    }
    for image in &kustomization.images {
        plan.add(kustomization.place(&image.field), &image.field, Action::Image(image.clone(), config.images.clone()));
    }
    let replacements = replacements(renderer, kustomization);
    if !replacements.is_empty() {
        plan.add(kustomization.place("replacements"), "replacements", Action::Replace(replacements));
    }
    let mut steps = plan.steps;
    steps.extend(crate::plugins::transformers(renderer, kustomization));
    steps
}

struct Plan<'a> {
    kustomization: &'a Kustomization,
    steps: Vec<Step>,
}

impl Plan<'_> {
    fn add(&mut self, place: Place, field: &str, action: Action) {
        let kind = if field == "commonAnnotations" { "AnnotationsTransformer" } else { action.kind() };
        let configured = Configured::by(&self.kustomization.file, kind);
        self.steps.push(Step { place, field: field.to_owned(), action, configured });
    }

    fn patches(&mut self, renderer: &mut Renderer<'_>) {
        let kustomization = self.kustomization;
        let merged = patches5::load_strategic(renderer, &kustomization.file, &kustomization.patches_strategic_merge);
        if !merged.is_empty() {
            self.add(kustomization.place("patchesStrategicMerge"), "patchesStrategicMerge", Action::Merge(merged));
        }
        for patch in &kustomization.patches {
            if let Some(change) = patches5::load_general(renderer, &kustomization.file, patch) {
                let place = Place::new(&kustomization.file, patch.at);
                self.add(place, &patch.field, Action::Patch(patch.clone(), change));
            }
        }
    }

    fn metadata(&mut self, renderer: &mut Renderer<'_>, config: &Config) {
        let kustomization = self.kustomization;
        if !kustomization.namespace.is_empty() {
            let action = Action::Namespace {
                namespace: kustomization.namespace.clone(),
                table: config.namespace.clone(),
                subjects: Subjects::Default,
                unset_only: false,
            };
            self.add(kustomization.place("namespace"), "namespace", action);
        }
        if !kustomization.name_prefix.is_empty() {
            let action = Action::Prefix(kustomization.name_prefix.clone(), config.name_prefix.clone());
            self.add(kustomization.place("namePrefix"), "namePrefix", action);
        }
        if !kustomization.name_suffix.is_empty() {
            let action = Action::Suffix(kustomization.name_suffix.clone(), config.name_suffix.clone());
            self.add(kustomization.place("nameSuffix"), "nameSuffix", action);
        }
        for set in &kustomization.labels {
            match reach(set, config) {
                Ok(table) => {
                    self.add(kustomization.place("labels"), &set.field, Action::Entries(set.pairs.clone(), table));
                }
                Err(reason) => renderer.errors.push(RenderError::Field {
                    place: kustomization.place("labels"),
                    field: set.field.clone(),
                    reason,
                }),
            }
        }
        // With other labels there are always common ones, though they may be none.
        let common = kustomization.common_labels.clone().unwrap_or_default();
        if !common.is_empty() || !kustomization.labels.is_empty() {
            let action = Action::Entries(common, config.common_labels.clone());
            self.add(kustomization.place("commonLabels"), "commonLabels", action);
        }
        if let Some(annotations) = kustomization.common_annotations.as_ref().filter(|map| !map.is_empty()) {
            let action = Action::Entries(annotations.clone(), config.common_annotations.clone());
            self.add(kustomization.place("commonAnnotations"), "commonAnnotations", action);
        }
    }

    fn operations(&mut self, renderer: &mut Renderer<'_>) {
        let kustomization = self.kustomization;
        for patch in &kustomization.patches_json {
            if let Some(operations) = patches5::load_json(renderer, kustomization, patch) {
                let place = Place::new(&kustomization.file, patch.at);
                self.add(place, &patch.field, Action::Operate(patch.selector.clone(), operations));
            }
        }
    }
}

/// The fields that a set of labels reaches.
fn reach(set: &LabelSet, config: &Config) -> Result<Vec<FieldSpec>, String> {
    let mut table = set.fields.clone();
    config::merge(&mut table, &config.labels)?;
    if set.include_selectors {
        config::merge(&mut table, &config.common_labels)?;
        return Ok(table);
    }
    if set.include_templates {
        config::merge(&mut table, &config.template_labels)?;
    }
    config::merge(&mut table, &[FieldSpec::new(crate::gvk::Gvk::default(), "metadata/labels", true)])?;
    Ok(table)
}

fn replacements(renderer: &mut Renderer<'_>, kustomization: &Kustomization) -> Vec<Replacement> {
    let mut all = Vec::new();
    for entry in &kustomization.replacements {
        match entry {
            ReplacementEntry::Inline(replacement) => all.push((**replacement).clone()),
            ReplacementEntry::File(path) => all.extend(from_file(renderer, &kustomization.file, path)),
        }
    }
    all
}

/// The replacements of a file: one, or a list of them.
pub(crate) fn from_file(renderer: &mut Renderer<'_>, file: &str, entry: &Named) -> Vec<Replacement> {
    let Some((path, content)) = renderer.load(file, entry, &entry.value) else { return Vec::new() };
    let Some(text) = renderer.text(&path, &content) else { return Vec::new() };
    let documents = match yaml::parse(text, YAML) {
        Ok(documents) => documents,
        Err(source) => {
            renderer.errors.push(RenderError::Yaml { place: Place::new(&path, source.at()), source });
            return Vec::new();
        }
    };
    let Some(document) = documents.first() else { return Vec::new() };
    let dialect = renderer.dialect;
    let decoder = &mut Decoder { file: &path, dialect, errors: &mut renderer.errors };
    match &document.root.kind {
        Kind::List(_) => decoder.items("", &document.root, read_replacement),
        _ => read_replacement("replacement".to_owned(), &document.root, decoder).into_iter().collect(),
    }
}
