//! Who wrote which field of a live object.

use kfplan_model::Path;
use kfplan_plan::Witness;
use serde_json::Value as Json;

use super::set::FieldSet;
use crate::identity::{list, text};

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// The field manager.
    pub name: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// The subresource that was written through, empty for the object itself.
    pub subresource: String,
    /// The version that the paths are in.
    pub api_version: String,
    /// When it last changed something, RFC 3339.
    pub time: Option<String>,
    /// The fields.
    pub fields: FieldSet,
}

impl Manager {
    fn witness(&self) -> Witness {
        Witness { manager: self.name.clone(), operation: self.operation.clone(), time: self.time.clone() }
    }
}

/// All entries of `managedFields`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Managed {
    /// In the server's order.
    pub managers: Vec<Manager>,
}

impl Managed {
    /// Reads `metadata.managedFields`; empty where there is none.
    #[must_use]
    pub fn of(body: &Json) -> Self {
        let read = |entry: &Json| Manager {
            name: text(entry, &["manager"]).to_owned(),
            operation: text(entry, &["operation"]).to_owned(),
            subresource: text(entry, &["subresource"]).to_owned(),
            api_version: text(entry, &["apiVersion"]).to_owned(),
            time: entry.get("time").and_then(Json::as_str).map(ToOwned::to_owned),
            fields: entry.get("fieldsV1").map(FieldSet::from_fields_v1).unwrap_or_default(),
        };
        Self { managers: list(body, &["metadata", "managedFields"]).iter().map(read).collect() }
    }

    /// What `manager` applied to the object itself.
    #[must_use]
    pub fn applied_by(&self, manager: &str) -> Option<&Manager> {
        self.managers.iter().find(|entry| is_applied_by(&entry.name, &entry.operation, &entry.subresource, manager))
    }

    /// Everybody else.
    pub fn others<'a>(&'a self, manager: &'a str) -> impl Iterator<Item = &'a Manager> {
        self.managers
            .iter()
            .filter(move |entry| !is_applied_by(&entry.name, &entry.operation, &entry.subresource, manager))
    }

    /// Whoever of the others wrote at `path` last.
    #[must_use]
    pub fn witness(&self, path: &Path, manager: &str) -> Option<Witness> {
        let writers = self.others(manager).filter(|entry| entry.fields.touches(path));
        writers.max_by(|a, b| a.time.cmp(&b.time)).map(Manager::witness)
    }

    /// What anybody wrote.
    #[must_use]
    pub fn union(&self) -> FieldSet {
        let mut union = FieldSet::default();
        self.managers.iter().for_each(|entry| union.extend(&entry.fields));
        union
    }
}

fn is_applied_by(name: &str, operation: &str, subresource: &str, manager: &str) -> bool {
    name == manager && operation == "Apply" && subresource.is_empty()
}

/// The `fieldsV1` of what `manager` applied, as the server wrote it.
#[must_use]
pub(crate) fn raw_fields<'a>(body: &'a Json, manager: &str) -> Option<&'a Json> {
    list(body, &["metadata", "managedFields"])
        .iter()
        .find(|entry| {
            let of = |key: &str| text(entry, &[key]);
            is_applied_by(of("manager"), of("operation"), of("subresource"), manager)
        })
        .and_then(|entry| entry.get("fieldsV1"))
}
