//! Environments: `[env.NAME]`, and which of them is chosen.

use std::collections::BTreeMap;

use kfplan_model::Value;

use crate::checker::Checker;
use crate::document::{Node, Raw, Span, Table};
use crate::error::ConfigError;
use crate::nearest::nearest;

impl Checker<'_> {
    /// Reads every `[env.NAME]`, and gives the variables of the chosen one.
    pub(crate) fn environments(&mut self, document: &Table, chosen: Option<&str>) -> BTreeMap<String, (Value, Span)> {
        let mut values = BTreeMap::new();
        let mut known = vec!["default".to_owned()];
        if let Some(entry) = document.get("env") {
            match &entry.node.raw {
                Raw::Table(table) => {
                    for entry in &table.entries {
                        let of_one = self.environment(&entry.key, &entry.key_span, &entry.node);
                        if entry.key == chosen.unwrap_or("default") {
                            values = of_one;
                        }
                        known.push(entry.key.clone());
                    }
                }
                _ => self.not_a_table("env", &entry.key_span),
            }
        }
        if let Some(name) = chosen.filter(|name| !known.iter().any(|known| known == name)) {
            let near = nearest(name, known.iter().map(String::as_str));
            self.report.outside(ConfigError::UnknownEnvironment { name: name.to_owned(), nearest: near, known });
        }
        values
    }

    fn environment(&mut self, name: &str, at: &Span, node: &Node) -> BTreeMap<String, (Value, Span)> {
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
        if !plain || name.is_empty() || name.len() > 25 || name.starts_with("sandbox") {
            let rule = "write up to 25 of `a`-`z`, `0`-`9`, `-`, and `_`; `sandbox` is kept for `--sandbox`";
            self.report.error(ConfigError::BadName { what: "an environment", name: name.to_owned(), rule }, at);
        }
        let Raw::Table(table) = &node.raw else {
            self.not_a_table(&format!("env.{name}"), at);
            return BTreeMap::new();
        };
        for entry in table.entries.iter().filter(|entry| entry.key != "vars") {
            let near = if self.variables.contains_key(&entry.key) {
                Some(format!("vars.{}", entry.key))
            } else {
                nearest(&entry.key, ["vars"])
            };
            let (inside, known) = (format!("env.{name}"), vec!["vars".to_owned()]);
            self.report.error(
                ConfigError::UnknownField { inside, field: entry.key.clone(), nearest: near, known },
                &entry.key_span,
            );
        }
        let Some(entry) = table.get("vars") else { return BTreeMap::new() };
        let Raw::Table(table) = &entry.node.raw else {
            self.not_a_table(&format!("env.{name}.vars"), &entry.key_span);
            return BTreeMap::new();
        };
        let mut values = BTreeMap::new();
        for entry in &table.entries {
            let Some(variable) = self.variables.get(&entry.key).cloned() else {
                let known: Vec<String> = self.variables.keys().cloned().collect();
                let near = nearest(&entry.key, known.iter().map(String::as_str));
                self.report.error(
                    ConfigError::UnknownVariable { name: entry.key.clone(), nearest: near, known },
                    &entry.key_span,
                );
                continue;
            };
            if variable.sensitive {
                self.hide(&entry.node);
            }
            let value = self.variable_literal(&entry.node);
            if let Some(value) = value.and_then(|value| self.typed(&entry.key, &variable, value, &entry.node.span)) {
                values.insert(entry.key.clone(), (value, entry.node.span.clone()));
            }
        }
        values
    }
}
