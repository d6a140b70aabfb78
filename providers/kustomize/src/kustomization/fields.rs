//! The fields that a kustomization file may have, and those that are refused by name.

use kfplan_objects::yaml::{Kind, Node};

use crate::decode::{Decoder, Fields};
use crate::dialect::Dialect;
use crate::error::{Place, RenderError};

/// The fields of dialect 3.2.
const FIELDS: [&str; 26] = [
    "apiVersion",
    "kind",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replicas",
    "vars",
    "resources",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "inventory",
    "metadata",
    "openapi",
];

const PLUGINS: &str = "it runs plugins, and kfplan runs none";
const NO_CHARTS: &str = "charts are not rendered";
const CHARTS: &str = "render the chart once, and list the result under `resources`";
const TOO_NEW: &str = "dialect 3.2 has no such field";
const DIALECT_5: &str = "it belongs to dialect 5: say the same with fields of dialect 3.2, or render in dialect 5";

/// The fields of dialect 5.
const FIELDS_5: [&str; 34] = [
    "apiVersion",
    "kind",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "helmCharts",
    "helmChartInflationGenerator",
    "helmGlobals",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
    "openapi",
];

/// What dialect 5 has and this renderer refuses.
const REFUSED_5: [Refused; 4] = [
    ("crds", "OpenAPI definitions are not read", "name the fields in a file under `configurations`"),
    ("helmCharts", NO_CHARTS, CHARTS),
    ("helmChartInflationGenerator", NO_CHARTS, CHARTS),
    ("helmGlobals", NO_CHARTS, CHARTS),
];

/// A field, why it is refused, and what to do instead.
type Refused = (&'static str, &'static str, &'static str);

/// Fields that this renderer knows by name and refuses, each with the reason and what to do instead.
const REFUSED: [Refused; 14] = [
    ("generators", PLUGINS, "render them once, and list the result under `resources`"),
    ("transformers", PLUGINS, "say the same with patches"),
    ("validators", PLUGINS, "take the field out, and check the result of `kfplan render`"),
    ("inventory", "kfplan keeps its own inventory of what it applied", "take the field out"),
    ("crds", "OpenAPI definitions are not read", "name the fields in a file under `configurations`"),
    ("openapi", TOO_NEW, "take it out: lists of custom kinds are replaced, not merged"),
    ("helmCharts", NO_CHARTS, CHARTS),
    ("helmChartInflationGenerator", NO_CHARTS, CHARTS),
    ("helmGlobals", NO_CHARTS, CHARTS),
    ("components", TOO_NEW, DIALECT_5),
    ("labels", TOO_NEW, DIALECT_5),
    ("replacements", TOO_NEW, DIALECT_5),
    ("sortOptions", TOO_NEW, DIALECT_5),
    ("buildMetadata", TOO_NEW, DIALECT_5),
];

/// Reports every field that the dialect does not have, and those that are not rendered.
pub(super) fn check_names(root: &Node, decoder: &mut Decoder<'_>) {
    let Kind::Map(entries) = &root.kind else { return };
    let (fields, refused): (&[&str], &[Refused]) = match decoder.dialect {
        Dialect::V3_2 => (&FIELDS, &REFUSED),
        Dialect::V5 => (&FIELDS_5, &REFUSED_5),
    };
    for entry in entries {
        let place = Place::new(decoder.file, entry.at);
        let known = refused;
        let refused = known.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&entry.key));
        if let Some((_, reason, help)) = refused {
            let is_empty = match &entry.value.kind {
                Kind::Null => true,
                Kind::List(items) => items.is_empty(),
                _ => false,
            };
            let is_known = fields.iter().any(|name| name.eq_ignore_ascii_case(&entry.key));
            if !(is_empty && is_known) {
                decoder.errors.push(RenderError::Unsupported { place, field: entry.key.clone(), reason, help });
            }
        }
    }
    let has_metadata = decoder.dialect == Dialect::V5;
    let known = fields.iter().copied().filter(|name| has_metadata || *name != "metadata");
    let all: Vec<&str> = known.chain(refused.iter().map(|(name, ..)| *name)).collect();
    decoder.fields("", root, &all);
}

pub(super) fn check_kind(fields: &Fields<'_>, decoder: &mut Decoder<'_>) {
    if decoder.dialect == Dialect::V5 {
        return super::read5::check_kind(fields, decoder);
    }
    let wanted = [("apiVersion", "kustomize.config.k8s.io/v1beta1"), ("kind", "Kustomization")];
    for (name, wanted) in wanted {
        if let Some((field, node)) = fields.get(name)
            && let Some(found) = decoder.text(&field, node)
            && !found.is_empty()
            && found != wanted
        {
            decoder.refuse(&field, node, format!("`{found}` is not `{wanted}`, the only one that dialect 3.2 knows"));
        }
    }
}
