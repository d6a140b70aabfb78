//! `generators`, `transformers` and `validators`: the builtin ones become what a
//! kustomization says in its own fields; all others would be run, and are refused by name.

use std::rc::Rc;

use kfplan_objects::yaml::{self, Document, Node};
use serde_json::Value;

use crate::config::read_specs;
use crate::decode::{Decoder, Fields};
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::fieldspec::FieldSpec;
use crate::files::join;
use crate::generate::{self, Target};
use crate::kustomization::read::{
    SELECTOR, flag, list, named, names, read_generator_with, read_image, read_patch_with, read_replica, read_selector,
    text, texts,
};
use crate::kustomization::read5::read_entry;
use crate::kustomization::{GeneratorOptions, Kustomization, Named, ReplacementEntry};
use crate::provenance::Configured;
use crate::render::Renderer;
use crate::resource::Resources;
use crate::transform::patches5;
use crate::transform::steps::{Action, Step, Subjects};

/// What every configuration of a plugin has.
const HEAD: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// How configurations are read: as objects.
const YAML: yaml::Dialect = yaml::Dialect::Kustomize5;

const HELP: &str =
    "say the same with fields of the kustomization, or render it once and list the result under `resources`";
const RUNS: &str = "it would run a plugin, and kfplan runs none";
const RUNS_CONTAINER: &str = "it would run a container, and kfplan runs none";
const UNKNOWN: &str = "kfplan does not have this builtin plugin";
const VALIDATES: &str = "validators run plugins, and kfplan runs none";

/// The configuration of a plugin, and where it comes from.
struct Configuration {
    file: String,
    document: Document,
    is_inline: bool,
}

/// Makes what the builtin generators of a kustomization make.
pub(crate) fn generate(renderer: &mut Renderer<'_>, kustomization: &Kustomization, resources: &mut Resources) {
    for entry in &kustomization.generators {
        for configuration in configurations(renderer, &kustomization.file, entry) {
            let Some(kind) = builtin(renderer, &configuration, entry) else { continue };
            let target = match kind.as_str() {
                "ConfigMapGenerator" => Target::ConfigMap,
                "SecretGenerator" => Target::Secret,
                _ => {
                    refuse(renderer, &configuration, entry, &kind, UNKNOWN);
                    continue;
                }
            };
            let node = &configuration.document.root;
            let decoder =
                &mut Decoder { file: &configuration.file, dialect: Dialect::V5, errors: &mut renderer.errors };
            let read = read_generator_with(entry.field.clone(), node, target == Target::Secret, &HEAD, decoder);
            let Some(mut generator) = read else { continue };
            let metadata = node.get("metadata");
            let from_metadata =
                |key: &str| metadata.and_then(|it| it.get(key)?.as_text()).unwrap_or_default().to_owned();
            if generator.name.is_empty() {
                generator.name = from_metadata("name");
            }
            if generator.namespace.is_empty() {
                generator.namespace = from_metadata("namespace");
            }
            let options = GeneratorOptions::default();
            let made = generate::generate(renderer, &kustomization.file, &generator, &options, target);
            let noted = configured(&configuration, &kustomization.file);
            let made = made.map(|mut made| {
                made.configured = Some(noted);
                resources.absorb(made)
            });
            if let Some(Err(reason)) = made {
                let (place, field) = (Place::new(&configuration.file, node.at), entry.field.clone());
                renderer.errors.push(RenderError::Field { place, field, reason });
            }
        }
    }
    for entry in &kustomization.validators {
        for configuration in configurations(renderer, &kustomization.file, entry) {
            let kind = configuration.document.root.get("kind").and_then(Node::as_text).unwrap_or_default().to_owned();
            refuse(renderer, &configuration, entry, &kind, VALIDATES);
        }
    }
}

/// The steps that the builtin transformers of a kustomization mean.
pub(crate) fn transformers(renderer: &mut Renderer<'_>, kustomization: &Kustomization) -> Vec<Step> {
    let mut steps = Vec::new();
    for entry in &kustomization.transformers {
        for configuration in configurations(renderer, &kustomization.file, entry) {
            let Some(kind) = builtin(renderer, &configuration, entry) else { continue };
            let place = Place::new(&configuration.file, configuration.document.root.at);
            match actions(renderer, &kustomization.file, &configuration, entry, &kind) {
                Some(actions) => steps.extend(actions.into_iter().map(|action| Step {
                    place: place.clone(),
                    field: entry.field.clone(),
                    action,
                    configured: configured(&configuration, &kustomization.file),
                })),
                None => refuse(renderer, &configuration, entry, &kind, UNKNOWN),
            }
        }
    }
    steps
}

/// How the notes on the objects call a plugin.
fn configured(configuration: &Configuration, kustomization: &str) -> Rc<Configured> {
    let root = &configuration.document.root;
    let text = |node: Option<&Node>| node.and_then(Node::as_text).unwrap_or_default().to_owned();
    let metadata = |key: &str| text(root.get("metadata").and_then(|metadata| metadata.get(key)));
    let file = if configuration.is_inline { kustomization } else { &configuration.file };
    Rc::new(Configured {
        file: file.to_owned(),
        kind: text(root.get("kind")),
        name: metadata("name"),
        namespace: metadata("namespace"),
    })
}

/// What an entry names or holds: a text, a file, or a folder.
fn configurations(renderer: &mut Renderer<'_>, file: &str, entry: &Named) -> Vec<Configuration> {
    let has_kind = |documents: &[Document]| {
        !documents.is_empty() && documents.iter().all(|document| document.root.get("kind").is_some())
    };
    if let Ok(documents) = yaml::parse(&entry.value, YAML)
        && has_kind(&documents)
    {
        let place = |document| Configuration { file: format!("{file}, `{}`", entry.field), document, is_inline: true };
        return documents.into_iter().map(place).collect();
    }
    let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
    if join(directory, &entry.value).is_some_and(|path| renderer.files.is_directory(&path)) {
        let objects = renderer.objects_of_folder(file, entry).unwrap_or_default();
        let documents = objects.into_iter().filter_map(|resource| {
            let text = Value::Object(resource.value).to_string();
            let document = yaml::parse(&text, YAML).ok()?.into_iter().next()?;
            Some(Configuration { file: resource.origin.file.clone(), document, is_inline: false })
        });
        return documents.collect();
    }
    let Some((path, content)) = renderer.load(file, entry, &entry.value) else { return Vec::new() };
    let Some(text) = renderer.text(&path, &content) else { return Vec::new() };
    match yaml::parse(text, YAML) {
        Ok(documents) => {
            let filled = documents.into_iter().filter(|document| document.root.get("kind").is_some());
            filled.map(|document| Configuration { file: path.clone(), document, is_inline: false }).collect()
        }
        Err(source) => {
            renderer.errors.push(RenderError::Yaml { place: Place::new(&path, source.at()), source });
            Vec::new()
        }
    }
}

fn refuse(renderer: &mut Renderer<'_>, configuration: &Configuration, entry: &Named, kind: &str, reason: &'static str) {
    let place = Place::new(&configuration.file, configuration.document.root.at);
    let field = format!("{}: {kind}", entry.field);
    renderer.errors.push(RenderError::Unsupported { place, field, reason, help: HELP });
}

/// The kind of a builtin plugin; any other one is refused.
fn builtin(renderer: &mut Renderer<'_>, configuration: &Configuration, entry: &Named) -> Option<String> {
    let root = &configuration.document.root;
    let text = |key: &str| root.get(key).and_then(Node::as_text).unwrap_or_default().to_owned();
    let kind = text("kind");
    if text("apiVersion") == "builtin" {
        return Some(kind);
    }
    let function = root.get("metadata").and_then(|metadata| {
        let annotations = metadata.get("annotations")?;
        annotations.get("config.kubernetes.io/function")?.as_text()
    });
    let reason = if function.is_some_and(|function| function.contains("container")) { RUNS_CONTAINER } else { RUNS };
    refuse(renderer, configuration, entry, &kind, reason);
    None
}

/// What a builtin transformer does; `None` when there is no such transformer here.
fn actions(
    renderer: &mut Renderer<'_>,
    file: &str,
    configuration: &Configuration,
    entry: &Named,
    kind: &str,
) -> Option<Vec<Action>> {
    let node = &configuration.document.root;
    let decoder = &mut Decoder { file: &configuration.file, dialect: Dialect::V5, errors: &mut renderer.errors };
    let Some(fields) = decoder.loose_fields("", node) else { return Some(Vec::new()) };
    let table = |decoder: &mut Decoder<'_>| table(&fields, decoder);
    let action = match kind {
        "AnnotationsTransformer" => {
            Action::Entries(texts(&fields, "annotations", decoder).unwrap_or_default(), table(decoder))
        }
        "LabelTransformer" => Action::Entries(texts(&fields, "labels", decoder).unwrap_or_default(), table(decoder)),
        "NamespaceTransformer" => namespace(&fields, node, decoder),
        "PrefixTransformer" => Action::Prefix(text(&fields, "prefix", decoder), table(decoder)),
        "SuffixTransformer" => Action::Suffix(text(&fields, "suffix", decoder), table(decoder)),
        "PrefixSuffixTransformer" => {
            return Some(vec![
                Action::Prefix(text(&fields, "prefix", decoder), table(decoder)),
                Action::Suffix(text(&fields, "suffix", decoder), table(decoder)),
            ]);
        }
        "ImageTagTransformer" => {
            let image = fields.get("imageTag").and_then(|(field, node)| read_image(field, node, decoder));
            Action::Image(image.unwrap_or_default(), table(decoder))
        }
        "ReplicaCountTransformer" => {
            let replica = fields.get("replica").and_then(|(field, node)| read_replica(field, node, decoder));
            let (name, count) = replica.map(|replica| (replica.name, replica.count)).unwrap_or_default();
            Action::Replicas { name, count, table: table(decoder) }
        }
        "HashTransformer" => Action::Hash,
        "ReplacementTransformer" => {
            let entries = list(&fields, "replacements", decoder, read_entry);
            let mut all = Vec::new();
            for entry in entries {
                match entry {
                    ReplacementEntry::Inline(replacement) => all.push(*replacement),
                    ReplacementEntry::File(path) => all.extend(crate::transform::from_file(renderer, file, &path)),
                }
            }
            Action::Replace(all)
        }
        "PatchTransformer" | "PatchJson6902Transformer" | "PatchStrategicMergeTransformer" => {
            return Some(patches(renderer, file, configuration, entry, kind).into_iter().collect());
        }
        _ => return None,
    };
    Some(vec![action])
}

fn table(fields: &Fields<'_>, decoder: &mut Decoder<'_>) -> Vec<FieldSpec> {
    fields.get("fieldSpecs").map(|(field, node)| read_specs(&field, node, decoder)).unwrap_or_default()
}

fn namespace(fields: &Fields<'_>, node: &Node, decoder: &mut Decoder<'_>) -> Action {
    let subjects = match text(fields, "setRoleBindingSubjects", decoder).as_str() {
        "" | "defaultOnly" => Subjects::Default,
        "allServiceAccounts" => Subjects::Accounts,
        "none" => Subjects::None,
        _ => {
            decoder.refuse("setRoleBindingSubjects", node, "it must be `defaultOnly`, `allServiceAccounts` or `none`");
            Subjects::Default
        }
    };
    let named = node.get("metadata").and_then(|metadata| metadata.get("namespace")).and_then(Node::as_text);
    Action::Namespace {
        namespace: named.unwrap_or_default().to_owned(),
        table: table(fields, decoder),
        subjects,
        unset_only: flag(fields, "unsetOnly", decoder),
    }
}

fn patches(
    renderer: &mut Renderer<'_>,
    file: &str,
    configuration: &Configuration,
    entry: &Named,
    kind: &str,
) -> Option<Action> {
    let node = &configuration.document.root;
    let decoder = &mut Decoder { file: &configuration.file, dialect: Dialect::V5, errors: &mut renderer.errors };
    let fields = decoder.loose_fields("", node)?;
    match kind {
        "PatchTransformer" => {
            let patch = read_patch_with(entry.field.clone(), node, &HEAD, decoder)?;
            let change = patches5::load_general(renderer, file, &patch)?;
            Some(Action::Patch(patch, change))
        }
        "PatchJson6902Transformer" => {
            let target = fields.get("target").and_then(|(field, node)| {
                let fields = decoder.fields(&field, node, &SELECTOR)?;
                Some(read_selector(&fields, decoder))
            });
            let Some(target) = target else {
                decoder.refuse(&entry.field, node, "a `target` is needed");
                return None;
            };
            let (path, patch) = (named(&fields, "path", decoder), named(&fields, "jsonOp", decoder));
            if path.is_none() && patch.is_none() {
                decoder.refuse(&entry.field, node, "one of `path` and `jsonOp` is needed");
            }
            let (place, text) = patches5::text_of(renderer, file, path.as_ref(), patch.as_ref())?;
            match patches5::operations_of(&text) {
                Ok(operations) => Some(Action::Operate(target, operations)),
                Err(reason) => {
                    renderer.errors.push(RenderError::Field { place, field: entry.field.clone(), reason });
                    None
                }
            }
        }
        _ => {
            let mut entries = names(&fields, "paths", decoder);
            entries.extend(named(&fields, "patches", decoder));
            Some(Action::Merge(patches5::load_strategic(renderer, file, &entries)))
        }
    }
}
