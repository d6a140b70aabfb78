//! The file `kustomization.yaml`, read strictly.

use std::collections::BTreeMap;

use kfplan_objects::yaml::{Kind, Node, Position};

use crate::decode::{Decoder, Fields};
use crate::dialect::{Dialect, Order};
use crate::error::Place;
use crate::fieldspec::FieldSpec;
use crate::gvk::{Gvk, Id};
use crate::resource::Behavior;

mod fields;
pub(crate) mod read;
pub(crate) mod read5;

use fields::{check_kind, check_names};
use read::{
    has_legacy_patches, list, names, read_generator, read_image, read_json_patch, read_options, read_patch,
    read_replica, read_variable, text, texts,
};

/// The names that a kustomization file may have.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A text and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) field: String,
    pub(crate) at: Position,
    pub(crate) value: String,
}

/// A ConfigMap or Secret to be generated.
#[derive(Debug, Clone)]
pub(crate) struct Generator {
    pub(crate) field: String,
    pub(crate) at: Position,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) behavior: Behavior,
    /// Of Secrets only.
    pub(crate) secret_type: String,
    pub(crate) literals: Vec<Named>,
    pub(crate) files: Vec<Named>,
    pub(crate) envs: Vec<Named>,
    /// Of this generator only.
    pub(crate) options: GeneratorOptions,
}

/// What all generators of a kustomization do.
#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

impl GeneratorOptions {
    /// The options of one generator with those of all: its own labels and annotations win.
    pub(crate) fn with(&self, all: &Self) -> Self {
        let merged = |own: &Option<BTreeMap<String, String>>, all: &Option<BTreeMap<String, String>>| match (own, all) {
            (own, None) => own.clone(),
            (None, all) => all.clone(),
            (Some(own), Some(all)) => {
                let mut merged = all.clone();
                merged.extend(own.clone());
                Some(merged)
            }
        };
        Self {
            labels: merged(&self.labels, &all.labels),
            annotations: merged(&self.annotations, &all.annotations),
            disable_name_suffix_hash: self.disable_name_suffix_hash || all.disable_name_suffix_hash,
            immutable: self.immutable || all.immutable,
        }
    }
}

/// A patch by JSON operations for one object.
#[derive(Debug, Clone)]
pub(crate) struct JsonPatch {
    pub(crate) field: String,
    pub(crate) at: Position,
    pub(crate) target: Id,
    /// Dialect 5: the target as a selector.
    pub(crate) selector: Selector,
    pub(crate) path: Option<Named>,
    pub(crate) patch: Option<Named>,
}

/// A patch of either kind, for one object or for all that a selector picks.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub(crate) field: String,
    pub(crate) at: Position,
    pub(crate) path: Option<Named>,
    pub(crate) patch: Option<Named>,
    pub(crate) target: Option<Selector>,
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// Labels that are added, and the fields that they are added to.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabelSet {
    pub(crate) field: String,
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) fields: Vec<FieldSpec>,
}

/// A value of one object that is copied to fields of others.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    pub(crate) place: Place,
    pub(crate) field: String,
    pub(crate) source: Source,
    pub(crate) targets: Vec<ReplacementTarget>,
}

/// An entry of `replacements`: what is to be replaced, or a file that says so.
#[derive(Debug, Clone)]
pub(crate) enum ReplacementEntry {
    Inline(Box<Replacement>),
    File(Named),
}

/// Where a value comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) object: Id,
    pub(crate) path: String,
    pub(crate) options: FieldOptions,
}

/// Where a value goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplacementTarget {
    pub(crate) select: Selector,
    pub(crate) reject: Vec<Selector>,
    pub(crate) paths: Vec<String>,
    pub(crate) options: FieldOptions,
}

/// Which part of a text is meant, and whether a field is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: String,
    pub(crate) index: i64,
    pub(crate) create: bool,
}

/// The order of the output, as a kustomization says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sorting {
    /// As the objects came.
    Fifo,
    /// By kind.
    Legacy(Order),
}

/// What kustomize notes about itself on the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BuildMetadata {
    pub(crate) origin: bool,
    pub(crate) transformations: bool,
    pub(crate) managed_by: bool,
}

/// Picks objects; empty parts pick all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    pub(crate) gvk: Gvk,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) labels: String,
    pub(crate) annotations: String,
}

/// An image to be renamed or given another tag or digest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) new_tag: String,
    pub(crate) digest: String,
    pub(crate) tag_suffix: String,
}

/// A number of replicas for the workloads of a name.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub(crate) field: String,
    pub(crate) at: Position,
    pub(crate) name: String,
    pub(crate) count: i64,
}

/// A name for the value of a field of an object.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) place: Place,
    pub(crate) field: String,
    pub(crate) name: String,
    pub(crate) object: Id,
    pub(crate) path: String,
}

/// One kustomization file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kustomization {
    pub(crate) file: String,
    /// Where each field stands, by its name in lower case.
    positions: BTreeMap<String, Position>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: Option<BTreeMap<String, String>>,
    pub(crate) common_annotations: Option<BTreeMap<String, String>>,
    pub(crate) patches_strategic_merge: Vec<Named>,
    pub(crate) patches_json: Vec<JsonPatch>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) variables: Vec<Variable>,
    /// The resources, then the bases.
    pub(crate) resources: Vec<Named>,
    pub(crate) config_maps: Vec<Generator>,
    pub(crate) secrets: Vec<Generator>,
    pub(crate) options: GeneratorOptions,
    pub(crate) configurations: Vec<Named>,
    pub(crate) is_component: bool,
    pub(crate) components: Vec<Named>,
    pub(crate) labels: Vec<LabelSet>,
    pub(crate) replacements: Vec<ReplacementEntry>,
    pub(crate) sorting: Option<Sorting>,
    pub(crate) build_metadata: BuildMetadata,
    /// The file with the definitions to merge by.
    pub(crate) openapi: Option<Named>,
    pub(crate) generators: Vec<Named>,
    pub(crate) transformers: Vec<Named>,
    pub(crate) validators: Vec<Named>,
}

impl Kustomization {
    /// A kustomization that says nothing.
    pub(crate) fn empty(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// Reads the one document of a kustomization file.
    pub(crate) fn read(root: &Node, decoder: &mut Decoder<'_>) -> Self {
        let mut kustomization = Self::empty(decoder.file);
        if matches!(root.kind, Kind::Null) {
            return kustomization;
        }
        let Some(fields) = decoder.loose_fields("", root) else { return kustomization };
        if let Kind::Map(entries) = &root.kind {
            kustomization.positions = entries.iter().map(|entry| (entry.key.to_ascii_lowercase(), entry.at)).collect();
        }
        check_names(root, decoder);
        check_kind(&fields, decoder);
        kustomization.read_values(&fields, decoder);
        kustomization.read_operands(&fields, decoder);
        kustomization.read_operators(&fields, decoder);
        if decoder.dialect == Dialect::V5 {
            kustomization.read_new(&fields, decoder);
        }
        kustomization
    }

    /// Where a field stands; of `images[0]` the place of `images`.
    pub(crate) fn place(&self, field: &str) -> Place {
        let name = field.split(['[', '.']).next().unwrap_or_default();
        Place { file: self.file.clone(), at: self.positions.get(&name.to_ascii_lowercase()).copied() }
    }

    fn read_values(&mut self, fields: &Fields<'_>, decoder: &mut Decoder<'_>) {
        self.name_prefix = text(fields, "namePrefix", decoder);
        self.name_suffix = text(fields, "nameSuffix", decoder);
        self.namespace = text(fields, "namespace", decoder);
        self.common_labels = texts(fields, "commonLabels", decoder);
        self.common_annotations = texts(fields, "commonAnnotations", decoder);
        if let Some((field, node)) = fields.get("generatorOptions") {
            self.options = read_options(&field, node, decoder);
        }
    }

    fn read_operands(&mut self, fields: &Fields<'_>, decoder: &mut Decoder<'_>) {
        self.resources = names(fields, "resources", decoder);
        self.resources.extend(names(fields, "bases", decoder));
        self.configurations = names(fields, "configurations", decoder);
        self.config_maps = list(fields, "configMapGenerator", decoder, |field, node, decoder| {
            read_generator(field, node, false, decoder)
        });
        self.secrets =
            list(fields, "secretGenerator", decoder, |field, node, decoder| read_generator(field, node, true, decoder));
    }

    fn read_operators(&mut self, fields: &Fields<'_>, decoder: &mut Decoder<'_>) {
        self.patches_strategic_merge = names(fields, "patchesStrategicMerge", decoder);
        if decoder.dialect == Dialect::V3_2 && has_legacy_patches(fields) {
            self.patches_strategic_merge.extend(names(fields, "patches", decoder));
        } else {
            self.patches = list(fields, "patches", decoder, read_patch);
        }
        self.patches_json = list(fields, "patchesJson6902", decoder, read_json_patch);
        self.images = list(fields, "images", decoder, read_image);
        self.images.extend(list(fields, "imageTags", decoder, read_image));
        self.replicas = list(fields, "replicas", decoder, read_replica);
        self.variables = list(fields, "vars", decoder, read_variable);
    }
}
