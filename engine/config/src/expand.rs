//! From declared resources to instances: the order, `for_each`, `enabled`, and the values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kfplan_expression::{Known, Roots, Step, Template, Use};
use kfplan_graph::{Dag, DagError};
use kfplan_model::{Each, Late, Resource, ResourceAddress, Value};
use kfplan_plan::{Field, Shape};

use crate::checker::{Checker, Declared, Phase};
use crate::document::{Node, Raw, Table};
use crate::error::ConfigError;
use crate::meta::{Meta, READ_FIRST, meta_fields};
use crate::strings::{unknown, waits};
use crate::tables::{Inside, Made};

/// What `for_each` gives.
enum Keys {
    /// These instances; one without a key where there is no `for_each`.
    Known(Vec<Option<Each>>),
    /// Nothing that is known.
    Unknown,
}

impl<'a> Checker<'a> {
    fn types(&self) -> Vec<&'static str> {
        self.schemas.iter().map(|schema| schema.type_name).collect()
    }

    fn fields_of(&mut self, declared: &Declared<'_>) -> Arc<[Field]> {
        let types = self.types();
        let schema = declared.schema;
        let fields = self.fields.entry(schema.type_name).or_insert_with(|| {
            let meta = meta_fields(schema, &types).into_iter().filter(|field| !READ_FIRST.contains(&field.name));
            schema.fields.iter().cloned().chain(meta).collect()
        });
        fields.clone()
    }

    fn inside<'f>(declared: &Declared<'_>, fields: &'f [Field], existing: bool) -> Inside<'f> {
        Inside {
            name: declared.address.to_string(),
            also: &READ_FIRST,
            fields,
            outer: None,
            path: Default::default(),
            at: declared.span.clone(),
            existing,
        }
    }

    /// Checks the text of every resource: types, fields, literals, and references.
    pub(crate) fn check_texts(&mut self) {
        self.phase = Phase::Text;
        for declared in self.declared.values().cloned().collect::<Vec<_>>() {
            self.owner = Some(declared.address.clone());
            let owner = declared.address.to_string();
            if let Some(entry) = declared.table.get("for_each") {
                self.each = false;
                match &entry.node.raw {
                    Raw::Table(_) | Raw::List(_) | Raw::String(_) => {
                        drop(self.any(&entry.node, &format!("{owner}.for_each"), true))
                    }
                    _ => self
                        .report
                        .error(ConfigError::BadEach { found: entry.node.kind().to_owned() }, &entry.node.span),
                }
            }
            self.each = declared.is_keyed();
            if let Some(entry) = declared.table.get("enabled") {
                self.single(entry, &Shape::Bool, &owner);
            }
            if let Some(entry) = declared.table.get("existing").filter(|_| !declared.schema.existing) {
                let known =
                    self.schemas.iter().filter(|schema| schema.existing).map(|schema| schema.type_name.to_owned());
                let error = ConfigError::NeverExisting {
                    type_name: declared.schema.type_name.to_owned(),
                    known: known.collect(),
                };
                self.report.error(error, &entry.key_span);
            }
            let fields = self.fields_of(&declared);
            let existing = self.existing(&declared);
            let inside = Self::inside(&declared, &fields, existing);
            let table = Self::without_refused(&declared);
            self.table(&table, &inside, &mut Made::default());
        }
        self.owner = None;
        self.each = false;
    }

    /// The table without an `existing` that its type does not take: that is said already.
    fn without_refused(declared: &Declared<'_>) -> Table {
        let mut table = (*declared.table).clone();
        if !declared.schema.existing {
            table.entries.retain(|entry| entry.key != "existing");
        }
        table
    }

    /// Whether `existing = true`, as far as it stands in the text.
    fn existing(&self, declared: &Declared<'_>) -> bool {
        let entry = declared.table.get("existing").filter(|_| declared.schema.existing);
        entry.is_some_and(|entry| matches!(entry.node.raw, Raw::Bool(true) | Raw::String(_)))
    }

    /// The order in which resources can be evaluated; nothing when there is none, and that is said.
    pub(crate) fn order(&mut self) -> Option<Vec<Declared<'a>>> {
        let nodes: Vec<Declared<'a>> = self.declared.values().cloned().collect();
        let index: BTreeMap<&ResourceAddress, usize> =
            nodes.iter().enumerate().map(|(index, declared)| (&declared.address, index)).collect();
        let links = self.links.iter().filter_map(|link| Some((*index.get(&link.to)?, *index.get(&link.from)?)));
        match Dag::new(nodes.len(), links) {
            Ok(dag) => Some(dag.order().filter_map(|index| nodes.get(index).cloned()).collect()),
            Err(DagError::Rings { rings }) => {
                for ring in rings {
                    // The graph says who comes before whom; people read who refers to whom.
                    let ring = ring
                        .iter()
                        .rev()
                        .filter_map(|index| nodes.get(*index).map(|declared| declared.address.clone()));
                    self.ring(ring.collect());
                }
                None
            }
            Err(DagError::NoSuchNode { .. }) => None,
        }
    }

    fn ring(&mut self, mut addresses: Vec<ResourceAddress>) {
        let first =
            addresses.iter().enumerate().min_by_key(|(_, address)| (*address).clone()).map_or(0, |(index, _)| index);
        addresses.rotate_left(first);
        let mut labels = Vec::new();
        for (from, to) in addresses.iter().zip(addresses.iter().cycle().skip(1)) {
            if let Some(link) = self.links.iter().find(|link| link.from == *from && link.to == *to) {
                labels.push((format!("`{from}` refers to `{to}`"), link.at.clone()));
            }
        }
        self.report.labelled(ConfigError::Ring { addresses }, labels);
    }

    /// Evaluates every resource in order.
    pub(crate) fn expand(&mut self, order: &[Declared<'a>]) -> BTreeMap<ResourceAddress, Resource> {
        self.phase = Phase::Values;
        let mut resources = BTreeMap::new();
        for declared in order {
            self.owner = Some(declared.address.clone());
            let base = &declared.address;
            match self.keys(declared) {
                Keys::Unknown => self.names.insert(base.clone(), unknown("")),
                Keys::Known(keys) => {
                    if declared.is_keyed() {
                        self.names.declare_keyed(base.clone());
                    }
                    for each in keys {
                        let address = each.as_ref().map_or_else(|| base.clone(), |each| base.with_key(&each.key));
                        self.each = each.is_some();
                        self.names.each = each;
                        self.owner = Some(address.clone());
                        match self.instance(declared, &address) {
                            Some(resource) => drop(resources.insert(address, resource)),
                            None => drop(self.disabled.insert(address)),
                        }
                    }
                }
            }
            self.each = false;
            self.names.each = None;
        }
        self.owner = None;
        resources
    }

    fn keys(&mut self, declared: &Declared<'_>) -> Keys {
        self.each = false;
        self.names.each = None;
        let Some(entry) = declared.table.get("for_each") else { return Keys::Known(vec![None]) };
        let name = format!("{}.for_each", declared.address);
        let at = &entry.node.span;
        if !matches!(entry.node.raw, Raw::Table(_) | Raw::List(_) | Raw::String(_)) {
            return Keys::Unknown;
        }
        let Some(value) = self.any(&entry.node, &name, true) else { return Keys::Unknown };
        let found = match value {
            Value::Map(map) => map.into_iter().map(|(key, value)| Some(Each { key: key.into(), value })).collect(),
            Value::List(list) => return self.keys_of_list(list, entry.node.span.clone(), &entry.node),
            late if !late.is_known() => {
                self.unknown_choice(&late, "`for_each`", at);
                return Keys::Unknown;
            }
            other if other.is_sensitive() => {
                self.report.error(ConfigError::SensitiveChoice { what: "`for_each`".to_owned() }, at);
                return Keys::Unknown;
            }
            other => {
                let found = if other.as_str().is_some() { "text" } else { "a single value" };
                self.report.error(ConfigError::BadEach { found: found.to_owned() }, at);
                return Keys::Unknown;
            }
        };
        Keys::Known(found)
    }

    fn keys_of_list(&mut self, list: Vec<Value>, at: std::ops::Range<usize>, node: &Node) -> Keys {
        let mut seen: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut keys = Vec::new();
        for (index, value) in list.into_iter().enumerate() {
            // An element that stands in the file is shown itself; others where the list comes from.
            let at = match &node.raw {
                Raw::List(nodes) => nodes.get(index).map_or_else(|| at.clone(), |node| node.span.clone()),
                _ => at.clone(),
            };
            match &value {
                Value::String(key) if seen.insert(key.clone()) => {
                    keys.push(Some(Each { key: key.clone(), value: value.clone() }));
                }
                Value::String(key) => self.report.error(ConfigError::DuplicateEach { key: key.to_string() }, &at),
                late if !late.is_known() => {
                    self.unknown_choice(late, "a key of `for_each`", &at);
                    return Keys::Unknown;
                }
                sensitive if sensitive.is_sensitive() => {
                    self.report.error(ConfigError::SensitiveChoice { what: "a key of `for_each`".to_owned() }, &at);
                }
                _ => self.report.error(ConfigError::BadEach { found: "a list with other values".to_owned() }, &at),
            }
        }
        Keys::Known(keys)
    }

    fn unknown_choice(&mut self, value: &Value, what: &str, at: &std::ops::Range<usize>) {
        let waits = waits(value);
        if !waits.is_empty() {
            self.report.error(ConfigError::UnknownAtPlan { what: what.to_owned(), waits }, at);
        }
    }

    fn enabled(&mut self, declared: &Declared<'_>) -> bool {
        let Some(entry) = declared.table.get("enabled") else { return true };
        let Some(value) = self.single(entry, &Shape::Bool, &declared.address.to_string()) else { return true };
        if value.is_sensitive() {
            self.report.error(ConfigError::SensitiveChoice { what: "`enabled`".to_owned() }, &entry.node.span);
        }
        self.unknown_choice(&value, "`enabled`", &entry.node.span);
        value.as_bool().unwrap_or(true)
    }

    fn instance(&mut self, declared: &Declared<'_>, address: &ResourceAddress) -> Option<Resource> {
        if !self.enabled(declared) {
            return None;
        }
        let existing = match declared.table.get("existing").filter(|_| declared.schema.existing) {
            Some(entry) => self.single(entry, &Shape::Bool, &declared.address.to_string()),
            None => None,
        };
        let existing = existing.and_then(|value| value.as_bool()).unwrap_or_default();
        let fields = self.fields_of(declared);
        let inside = Self::inside(declared, &fields, existing);
        let mut made = Made::default();
        let mut values = self.table(&Self::without_refused(declared), &inside, &mut made);
        let meta = Meta::take(&mut values);
        let is_meta = |name: &String| name.ends_with(".depends_on") || name.ends_with(".replace_triggered_by");
        if let Some(name) = made.emptied.filter(|name| !is_meta(name)) {
            let warning = format!("`{address}` is not enabled, because none of the resources that `{name}` names is.");
            self.report.warnings.push(warning);
            return None;
        }
        let values = Value::Map(values);
        let mut depends_on: BTreeSet<ResourceAddress> = meta.depends_on.iter().cloned().collect();
        depends_on.extend(meta.lifecycle.replace_triggered_by.iter().cloned());
        handles(&values, &mut depends_on);
        values.visit_late(&mut |late| depends_on.extend(late.waits.iter().cloned()));
        for entry in &declared.table.entries {
            // Text that is taken as it is reads nothing.
            let field = declared.schema.fields.iter().find(|field| field.name == entry.key);
            let opt_in = field.and_then(|field| field.verbatim_unless);
            if opt_in.is_none_or(|name| declared.table.get(name).is_some()) {
                self.reads(&entry.node, &mut depends_on);
            }
        }
        depends_on.remove(address);
        self.names.insert(address.clone(), self.readable(declared, address, &values, meta.existing));
        Some(Resource {
            address: address.clone(),
            fields: values,
            existing: meta.existing,
            depends_on,
            each: self.names.each.clone(),
            lifecycle: meta.lifecycle,
            timeouts: meta.timeouts,
            conflicts: meta.conflicts,
            readiness: meta.readiness,
            at: self.source.position(declared.span.start),
            positions: made.positions,
        })
    }

    /// What other resources can read: the fields as stated, and all else late.
    fn readable(&self, declared: &Declared<'_>, address: &ResourceAddress, fields: &Value, existing: bool) -> Value {
        let mut readable = fields.as_map().cloned().unwrap_or_default();
        let late = |name: &str, sensitive: bool| {
            let template = format!("${{{address}.{name}}}").into();
            Self::marked(Value::Late(Late { template, waits: [address.clone()].into() }), sensitive)
        };
        for field in &declared.schema.fields {
            // What the file leaves open, the service decides; so it does for all of what is only read but its name.
            if !readable.contains_key(field.name) || (existing && declared.table.get(field.name).is_none()) {
                readable.insert(field.name.to_owned(), late(field.name, field.sensitive));
            }
        }
        for output in &declared.schema.outputs {
            readable.entry(output.name.to_owned()).or_insert_with(|| late(output.name, output.sensitive));
        }
        Value::Map(readable)
    }

    /// The instances that the expressions of a value read.
    fn reads(&self, node: &Node, found: &mut BTreeSet<ResourceAddress>) {
        match &node.raw {
            Raw::String(text) => {
                if let Ok(template) = Template::parse(text) {
                    for reference in template.references() {
                        let is_read = reference.used_as == Use::Read || !reference.path.is_empty();
                        let is_handle = reference.used_as == Use::Handle;
                        if let Some(address) = reference.resource().filter(|_| is_read && !is_handle) {
                            let key = match reference.path.first() {
                                Some(Step::Key(key) | Step::Field(key)) => Some(key.as_str()),
                                _ => None,
                            };
                            self.instances_read(address, key, found);
                        }
                    }
                }
            }
            Raw::List(list) => list.iter().for_each(|node| self.reads(node, found)),
            Raw::Table(table) => table.entries.iter().for_each(|entry| self.reads(&entry.node, found)),
            _ => {}
        }
    }

    fn instances_read(&self, address: &ResourceAddress, key: Option<&str>, found: &mut BTreeSet<ResourceAddress>) {
        match self.names.resource(address) {
            Some(Known::Single(_)) => drop(found.insert(address.clone())),
            Some(Known::Keyed(keys)) => {
                let wanted = keys.iter().filter(|known| key.is_none_or(|key| key == known.as_ref()));
                found.extend(wanted.map(|key| address.with_key(key)));
            }
            None => {}
        }
    }
}

fn handles(value: &Value, found: &mut BTreeSet<ResourceAddress>) {
    match value {
        Value::Handle(address) => drop(found.insert(address.clone())),
        Value::List(list) => list.iter().for_each(|value| handles(value, found)),
        Value::Map(map) => map.values().for_each(|value| handles(value, found)),
        _ => {}
    }
}
