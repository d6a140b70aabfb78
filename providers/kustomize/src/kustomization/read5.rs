//! The parts of a kustomization file that dialect 5 has more.

use kfplan_objects::yaml::{Kind, Node};

use super::read::{SELECTOR, flag, list, names, read_gvk, read_selector, text, texts};
use super::{
    BuildMetadata, FieldOptions, Kustomization, LabelSet, Named, Replacement, ReplacementEntry, ReplacementTarget,
    Sorting, Source,
};
use crate::config::read_specs;
use crate::decode::{Decoder, Fields};
use crate::dialect::{Dialect, Order};
use crate::gvk::Id;

const COMPONENT: &str = "Component";

/// A kustomization, or a component, which has a version of its own.
pub(super) fn check_kind(fields: &Fields<'_>, decoder: &mut Decoder<'_>) {
    let kind = text(fields, "kind", decoder);
    if let (Some((field, node)), false) =
        (fields.get("kind"), matches!(kind.as_str(), "" | "Kustomization" | COMPONENT))
    {
        decoder.refuse(&field, node, format!("`{kind}` is neither `Kustomization` nor `{COMPONENT}`"));
    }
    let version = if kind == COMPONENT { "v1alpha1" } else { "v1beta1" };
    let wanted = format!("kustomize.config.k8s.io/{version}");
    if let Some((field, node)) = fields.get("apiVersion")
        && let Some(found) = decoder.text(&field, node)
        && !found.is_empty()
        && found != wanted
    {
        let kind = if kind.is_empty() { "Kustomization" } else { &kind };
        decoder.refuse(&field, node, format!("`{found}` is not `{wanted}`, the one of a {kind}"));
    }
}

impl Kustomization {
    /// Reads what only dialect 5 has.
    pub(super) fn read_new(&mut self, fields: &Fields<'_>, decoder: &mut Decoder<'_>) {
        self.is_component = text(fields, "kind", decoder) == COMPONENT;
        self.components = names(fields, "components", decoder);
        self.labels = list(fields, "labels", decoder, read_labels);
        self.replacements = list(fields, "replacements", decoder, read_entry);
        self.sorting = fields.get("sortOptions").and_then(|(field, node)| read_sorting(&field, node, decoder));
        self.build_metadata = read_build_metadata(fields, decoder);
        self.generators = names(fields, "generators", decoder);
        self.transformers = names(fields, "transformers", decoder);
        self.validators = names(fields, "validators", decoder);
        if let Some((field, node)) = fields.get("openapi")
            && let Some(inner) = decoder.fields(&field, node, &["path", "version"])
        {
            self.openapi = super::read::named(&inner, "path", decoder);
            let version = text(&inner, "version", decoder);
            if let Some((field, node)) = inner.get("version")
                && !matches!(version.as_str(), "" | "v1.21.2")
            {
                decoder.refuse(&field, node, format!("`{version}` is not built in; there is `v1.21.2`"));
            }
            if let (Some((field, node)), Some(_)) = (inner.get("version"), &self.openapi) {
                decoder.refuse(&field, node, "`path` and `version` cannot both be given");
            }
        }
    }
}

fn read_build_metadata(fields: &Fields<'_>, decoder: &mut Decoder<'_>) -> BuildMetadata {
    let mut build = BuildMetadata::default();
    for option in names(fields, "buildMetadata", decoder) {
        match option.value.as_str() {
            "originAnnotations" => build.origin = true,
            "transformerAnnotations" => build.transformations = true,
            "managedByLabel" => build.managed_by = true,
            // kustomize takes no notice of other words.
            _ => {}
        }
    }
    build
}

fn read_labels(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<LabelSet> {
    let fields = decoder.fields(&field, node, &["pairs", "includeSelectors", "includeTemplates", "fields"])?;
    Some(LabelSet {
        pairs: texts(&fields, "pairs", decoder).unwrap_or_default(),
        include_selectors: flag(&fields, "includeSelectors", decoder),
        include_templates: flag(&fields, "includeTemplates", decoder),
        fields: fields.get("fields").map(|(field, node)| read_specs(&field, node, decoder)).unwrap_or_default(),
        field,
    })
}

fn read_sorting(field: &str, node: &Node, decoder: &mut Decoder<'_>) -> Option<Sorting> {
    let fields = decoder.fields(field, node, &["order", "legacySortOptions"])?;
    let order = text(&fields, "order", decoder);
    let legacy = fields.get("legacySortOptions").and_then(|(field, node)| {
        let fields = decoder.fields(&field, node, &["orderFirst", "orderLast"])?;
        let kinds = |name: &str, decoder: &mut Decoder<'_>| {
            names(&fields, name, decoder).into_iter().map(|named| named.value).collect()
        };
        Some(Order { first: kinds("orderFirst", decoder), last: kinds("orderLast", decoder) })
    });
    match (order.as_str(), legacy) {
        ("fifo", None) => Some(Sorting::Fifo),
        ("fifo", Some(_)) => {
            decoder.refuse(field, node, "`legacySortOptions` go with `order: legacy` only");
            None
        }
        ("legacy", legacy) => Some(Sorting::Legacy(legacy.unwrap_or_else(|| Dialect::V5.order()))),
        _ => {
            decoder.refuse(field, node, "`order` must be `fifo` or `legacy`");
            None
        }
    }
}

pub(crate) fn read_entry(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<ReplacementEntry> {
    let fields = decoder.fields(&field, node, &["source", "targets", "path"])?;
    let path = super::read::named(&fields, "path", decoder);
    if let Some(path) = path {
        let has_targets =
            fields.get("targets").is_some_and(|(_, node)| !matches!(&node.kind, Kind::List(items) if items.is_empty()));
        if fields.get("source").is_some() || has_targets {
            decoder.refuse(&field, node, "`path` stands alone: source and targets are in the file");
        }
        return Some(ReplacementEntry::File(path));
    }
    read_replacement(field, node, decoder).map(Box::new).map(ReplacementEntry::Inline)
}

/// Reads one replacement.
pub(crate) fn read_replacement(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<Replacement> {
    let fields = decoder.fields(&field, node, &["source", "targets"])?;
    let place = decoder.place(node);
    let Some((source_field, source_node)) = fields.get("source") else {
        decoder.refuse(&field, node, "a `source` is needed");
        return None;
    };
    if fields.get("targets").is_none() {
        decoder.refuse(&field, node, "`targets` are needed");
        return None;
    }
    let source = read_source(&source_field, source_node, decoder)?;
    let targets = list(&fields, "targets", decoder, read_target);
    Some(Replacement { place, field, source, targets })
}

fn read_source(field: &str, node: &Node, decoder: &mut Decoder<'_>) -> Option<Source> {
    let known = ["group", "version", "kind", "name", "namespace", "fieldPath", "options"];
    let fields = decoder.fields(field, node, &known)?;
    let object = Id {
        gvk: read_gvk(&fields, decoder),
        namespace: text(&fields, "namespace", decoder),
        name: text(&fields, "name", decoder),
    };
    let mut path = text(&fields, "fieldPath", decoder);
    if path.is_empty() {
        path = "metadata.name".to_owned();
    }
    Some(Source { object, path, options: read_field_options(&fields, decoder) })
}

fn read_target(field: String, node: &Node, decoder: &mut Decoder<'_>) -> Option<ReplacementTarget> {
    let fields = decoder.fields(&field, node, &["select", "reject", "fieldPaths", "options"])?;
    let Some((select_field, select_node)) = fields.get("select") else {
        decoder.refuse(&field, node, "`select` is needed");
        return None;
    };
    let select = decoder.fields(&select_field, select_node, &SELECTOR)?;
    let reject = list(&fields, "reject", decoder, |field, node, decoder| {
        let fields = decoder.fields(&field, node, &SELECTOR)?;
        Some(read_selector(&fields, decoder))
    });
    let mut paths: Vec<String> =
        names(&fields, "fieldPaths", decoder).into_iter().map(|named: Named| named.value).collect();
    if paths.is_empty() {
        paths.push("metadata.name".to_owned());
    }
    Some(ReplacementTarget {
        select: read_selector(&select, decoder),
        reject,
        paths,
        options: read_field_options(&fields, decoder),
    })
}

fn read_field_options(fields: &Fields<'_>, decoder: &mut Decoder<'_>) -> FieldOptions {
    let Some((field, node)) = fields.get("options") else { return FieldOptions::default() };
    let Some(fields) = decoder.fields(&field, node, &["delimiter", "index", "encoding", "create"]) else {
        return FieldOptions::default();
    };
    FieldOptions {
        delimiter: text(&fields, "delimiter", decoder),
        index: fields.get("index").and_then(|(field, node)| decoder.int(&field, node)).unwrap_or_default(),
        create: flag(&fields, "create", decoder),
    }
}
