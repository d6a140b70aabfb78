//! Finds the resources of a file, and what is no resource and no setting.

use std::sync::Arc;

use kfplan_model::{ResourceAddress, is_identifier};

use crate::checker::{Checker, Declared};
use crate::document::{Entry, Form, Raw, Table};
use crate::error::ConfigError;
use crate::nearest::nearest;

/// The tables of a stack file that are no resources.
pub(crate) const SETTINGS: [&str; 9] =
    ["stack", "vars", "env", "azure", "state", "repos", "outputs", "moved", "removed"];

/// What a name of a resource, a variable, or an output must be.
pub(crate) const NAME_RULE: &str =
    "write `a`-`z`, `0`-`9`, and `_`, beginning with a letter, and no word that CEL keeps for itself";

impl Checker<'_> {
    /// Notes every resource that the file declares.
    pub(crate) fn gather(&mut self, document: &Table) {
        for entry in &document.entries {
            match entry.key.as_str() {
                key if SETTINGS.contains(&key) => {}
                "import" => {
                    self.not_yet(entry, "`[[import]]` is", "adopt what exists by applying with `--adopt` for now")
                }
                "check" => self.not_yet(
                    entry,
                    "`check` is",
                    "take it out for now; `apply` waits until everything is ready anyway",
                ),
                key => match self.schema(key) {
                    Some(_) => self.gather_type(entry),
                    None => self.not_a_type(entry),
                },
            }
        }
    }

    fn not_yet(&mut self, entry: &Entry, what: &str, help: &str) {
        let error = ConfigError::NotYet { what: what.to_owned(), help: help.to_owned() };
        self.report.error(error, &entry.key_span);
    }

    fn not_a_type(&mut self, entry: &Entry) {
        let is_table = match &entry.node.raw {
            Raw::Table(_) => true,
            Raw::List(list) => list.iter().any(|node| node.table().is_some()),
            _ => false,
        };
        if !is_table {
            let help = match entry.key.as_str() {
                "name" => "write it under `[stack]`".to_owned(),
                "location" | "subscription" | "tenant" => {
                    "write it under the header of the table that it belongs to, such as `[azure]`".to_owned()
                }
                _ => "write it under the header of the table that it belongs to".to_owned(),
            };
            self.report.error(ConfigError::Stray { key: entry.key.clone(), help }, &entry.key_span);
            return;
        }
        let known: Vec<String> = self.schemas.iter().map(|schema| schema.type_name.to_owned()).collect();
        let all = known.iter().map(String::as_str).chain(SETTINGS);
        let near = nearest(&entry.key, all);
        let error = ConfigError::UnknownType { name: entry.key.clone(), nearest: near, known };
        self.report.error(error, &entry.key_span);
    }

    fn gather_type(&mut self, entry: &Entry) {
        let type_name = &entry.key;
        let help = format!("write `[{type_name}.main]`, where `main` is any name");
        let Raw::Table(table) = &entry.node.raw else {
            let error =
                ConfigError::BadTable { name: type_name.clone(), wanted: "a table with a name of its own", help };
            self.report.error(error, &entry.key_span);
            return;
        };
        if let Some(field) = table.entries.iter().find(|entry| !matches!(entry.node.raw, Raw::Table(_) | Raw::List(_)))
        {
            let error =
                ConfigError::BadTable { name: type_name.clone(), wanted: "a table with a name of its own", help };
            let at = if table.form == Form::Header { &entry.node.span } else { &field.key_span };
            self.report.error(error, at);
            return;
        }
        for entry in &table.entries {
            self.gather_resource(type_name, entry);
        }
    }

    fn gather_resource(&mut self, type_name: &str, entry: &Entry) {
        let Some(schema) = self.schema(type_name) else { return };
        let Raw::Table(table) = &entry.node.raw else {
            let error = ConfigError::BadTable {
                name: format!("{type_name}.{}", entry.key),
                wanted: "one table",
                help: format!(
                    "write `[{type_name}.{}]` with single brackets; for several alike there is `for_each`",
                    entry.key
                ),
            };
            self.report.error(error, &entry.key_span);
            return;
        };
        if !is_identifier(&entry.key) {
            let error = ConfigError::BadName { what: "a resource", name: entry.key.clone(), rule: NAME_RULE };
            self.report.error(error, &entry.key_span);
        }
        let Ok(address) = ResourceAddress::new(type_name, &entry.key) else { return };
        let span = if table.form == Form::Header { entry.node.span.clone() } else { entry.key_span.clone() };
        let declared = Declared { address: address.clone(), schema, table: Arc::new(table.clone()), span };
        self.declared.insert(address, declared);
    }
}
