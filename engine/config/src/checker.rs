//! What is known while a file is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kfplan_expression::Names;
use kfplan_model::{ResourceAddress, Value};
use kfplan_plan::{Field, Schema};

use crate::document::{Span, Table};
use crate::nearest::nearest;
use crate::options::Options;
use crate::report::Report;
use crate::source::Source;
use crate::variables::Variable;

/// A resource as the file declares it, before `for_each` and `enabled`.
#[derive(Debug, Clone)]
pub(crate) struct Declared<'a> {
    pub(crate) address: ResourceAddress,
    pub(crate) schema: &'a Schema,
    pub(crate) table: Arc<Table>,
    /// Where `[TYPE.NAME]` stands.
    pub(crate) span: Span,
}

impl Declared<'_> {
    /// Whether it has a `for_each`.
    pub(crate) fn is_keyed(&self) -> bool {
        self.table.get("for_each").is_some()
    }
}

/// Which of the two times a resource is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The text alone: every expression stands for something unknown.
    Text,
    /// With all that is known: expressions are evaluated.
    Values,
}

/// A reference from one resource to another, for the order.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) from: ResourceAddress,
    pub(crate) to: ResourceAddress,
    pub(crate) at: Span,
}

/// What is known while a file is checked.
pub(crate) struct Checker<'a> {
    pub(crate) source: Source,
    pub(crate) report: Report,
    pub(crate) options: &'a Options<'a>,
    pub(crate) schemas: &'a [Schema],
    pub(crate) variables: BTreeMap<String, Variable>,
    /// The repos that the file declares.
    pub(crate) repos: BTreeSet<String>,
    pub(crate) declared: BTreeMap<ResourceAddress, Declared<'a>>,
    /// What is known of variables and resources so far.
    pub(crate) names: Names,
    /// What is declared and not enabled, with and without keys.
    pub(crate) disabled: BTreeSet<ResourceAddress>,
    /// Strings that are known to be wrong, by where they begin. Nothing more is said about them.
    pub(crate) poisoned: BTreeSet<usize>,
    pub(crate) links: Vec<Link>,
    /// The fields of each type, meta fields included.
    pub(crate) fields: BTreeMap<&'static str, Arc<[Field]>>,
    pub(crate) phase: Phase,
    /// The resource that is being read.
    pub(crate) owner: Option<ResourceAddress>,
    /// Whether `each` may be read.
    pub(crate) each: bool,
    /// Whether text is taken as it is, `${…}` included.
    pub(crate) verbatim: bool,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(source: Source, options: &'a Options<'a>, schemas: &'a [Schema]) -> Self {
        Self {
            source,
            report: Report::default(),
            options,
            schemas,
            variables: BTreeMap::new(),
            repos: BTreeSet::new(),
            declared: BTreeMap::new(),
            names: Names::default(),
            disabled: BTreeSet::new(),
            poisoned: BTreeSet::new(),
            links: Vec::new(),
            fields: BTreeMap::new(),
            phase: Phase::Text,
            owner: None,
            each: false,
            verbatim: false,
        }
    }

    pub(crate) fn schema(&self, type_name: &str) -> Option<&'a Schema> {
        self.schemas.iter().find(|schema| schema.type_name == type_name)
    }

    /// The declared resources of these types, as text.
    pub(crate) fn declared_of(&self, types: &[&str]) -> Vec<String> {
        let addresses = self.declared.keys().filter(|address| types.contains(&address.type_name()));
        addresses.map(ToString::to_string).collect()
    }

    /// The declared resource that was probably meant, and those of the same type.
    pub(crate) fn probably(&self, address: &ResourceAddress) -> (Option<String>, Vec<String>) {
        let same = self.declared_of(&[address.type_name()]);
        let all: Vec<String> = self.declared.keys().map(ToString::to_string).collect();
        let text = address.without_key().to_string();
        let near = nearest(&text, same.iter().map(String::as_str)).or_else(|| {
            // The same name under another type is a likelier mistake than a near spelling.
            let same_name = self.declared.keys().find(|known| known.name() == address.name());
            same_name.filter(|_| same.is_empty()).map(ToString::to_string)
        });
        let near = near.or_else(|| nearest(&text, all.iter().map(String::as_str)).filter(|_| same.is_empty()));
        (near, same)
    }

    /// The value of a sensitive place as its marks say.
    pub(crate) fn marked(value: Value, sensitive: bool) -> Value {
        if sensitive { value.into_sensitive() } else { value }
    }
}
