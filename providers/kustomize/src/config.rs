//! The tables that say which fields a transformation reaches.
//!
//! Each kustomization adds to the table of what it includes; names and vars are
//! resolved at the end with the table of the outermost one.

use kfplan_objects::yaml::{Kind, Node};

use crate::decode::Decoder;
use crate::dialect::Dialect;
use crate::fieldspec::FieldSpec;
use crate::gvk::Gvk;

/// The fields in which the name of a kind of object may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backreference {
    pub(crate) target: Gvk,
    pub(crate) fields: Vec<FieldSpec>,
}

/// All tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Config {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    /// What `labels` reach beside the metadata, whatever they include.
    pub(crate) labels: Vec<FieldSpec>,
    /// What `labels` reach when they include templates.
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<Backreference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

impl Config {
    /// Adds what another table has more.
    ///
    /// # Errors
    ///
    /// When both have a field but differ in whether it is created.
    pub(crate) fn merge(&mut self, incoming: &Self) -> Result<(), String> {
        merge(&mut self.name_prefix, &incoming.name_prefix)?;
        merge(&mut self.name_suffix, &incoming.name_suffix)?;
        merge(&mut self.labels, &incoming.labels)?;
        merge(&mut self.template_labels, &incoming.template_labels)?;
        merge(&mut self.namespace, &incoming.namespace)?;
        merge(&mut self.common_annotations, &incoming.common_annotations)?;
        merge(&mut self.common_labels, &incoming.common_labels)?;
        merge(&mut self.var_reference, &incoming.var_reference)?;
        for reference in &incoming.name_reference {
            match self.name_reference.iter_mut().find(|known| known.target == reference.target) {
                Some(known) => merge(&mut known.fields, &reference.fields)?,
                None => self.name_reference.push(reference.clone()),
            }
        }
        merge(&mut self.images, &incoming.images)?;
        merge(&mut self.replicas, &incoming.replicas)?;
        self.sort();
        Ok(())
    }

    /// Puts every table in the order of the kinds.
    pub(crate) fn sort(&mut self) {
        let tables = [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ];
        for table in tables {
            table.sort_by_cached_key(|spec| Rank(spec.gvk.clone()));
        }
        self.name_reference.sort_by_cached_key(|reference| Rank(reference.target.clone()));
    }

    /// Reads a file of `configurations`. Fields that are no tables mean nothing in dialect
    /// 3.2, and are errors in dialect 5.
    pub(crate) fn read(root: &Node, decoder: &mut Decoder<'_>) -> Self {
        let mut config = Self::default();
        if decoder.dialect == Dialect::V5 && !matches!(root.kind, Kind::Null) {
            decoder.fields("", root, &TABLES);
        }
        let Kind::Map(entries) = &root.kind else { return config };
        for entry in entries {
            let name = entry.key.to_ascii_lowercase();
            let table = match name.as_str() {
                "nameprefix" => &mut config.name_prefix,
                "namesuffix" => &mut config.name_suffix,
                "labels" => &mut config.labels,
                "templatelabels" => &mut config.template_labels,
                "namespace" => &mut config.namespace,
                "commonlabels" => &mut config.common_labels,
                "commonannotations" => &mut config.common_annotations,
                "varreference" => &mut config.var_reference,
                "images" => &mut config.images,
                "replicas" => &mut config.replicas,
                "namereference" => {
                    config.name_reference = read_references(&entry.key, &entry.value, decoder);
                    continue;
                }
                _ => continue,
            };
            *table = read_specs(&entry.key, &entry.value, decoder);
        }
        config.sort();
        config
    }
}

/// The tables of dialect 5.
const TABLES: [&str; 11] = [
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "templateLabels",
    "commonAnnotations",
    "nameReference",
    "varReference",
    "images",
    "replicas",
];

/// Sorts kinds as the output does.
#[derive(PartialEq, Eq)]
struct Rank(Gvk);

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.compare(&other.0, &Dialect::V3_2.order())
    }
}

pub(crate) fn merge(table: &mut Vec<FieldSpec>, incoming: &[FieldSpec]) -> Result<(), String> {
    for spec in incoming {
        match table.iter().find(|known| known.covers(spec)) {
            None => table.push(spec.clone()),
            Some(known) if known.create == spec.create => {}
            Some(known) => {
                return Err(format!(
                    "the field `{}` of {} is declared with `create: {}` and with `create: {}`",
                    spec.path, known.gvk, known.create, spec.create
                ));
            }
        }
    }
    Ok(())
}

pub(crate) fn read_specs(field: &str, node: &Node, decoder: &mut Decoder<'_>) -> Vec<FieldSpec> {
    decoder.items(field, node, |field, item, decoder| {
        let fields = decoder.loose_fields(&field, item)?;
        let text = |name: &str| fields.coerced(name);
        let create = fields.get("create").and_then(|(field, node)| decoder.bool(&field, node)).unwrap_or_default();
        let gvk = Gvk { group: text("group"), version: text("version"), kind: text("kind") };
        Some(FieldSpec::new(gvk, &text("path"), create))
    })
}

fn read_references(field: &str, node: &Node, decoder: &mut Decoder<'_>) -> Vec<Backreference> {
    decoder.items(field, node, |field, item, decoder| {
        let fields = decoder.loose_fields(&field, item)?;
        let text = |name: &str| fields.coerced(name);
        let target = Gvk { group: text("group"), version: text("version"), kind: text("kind") };
        let specs = fields.get("fieldSpecs").map(|(field, node)| read_specs(&field, node, decoder));
        Some(Backreference { target, fields: specs.unwrap_or_default() })
    })
}
