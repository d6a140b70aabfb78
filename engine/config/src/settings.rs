//! The tables that are no resources: `[stack]`, `[azure]`, `[state]`, `[repos]`, `[outputs]`.

use std::collections::BTreeMap;

use kfplan_expression::references;
use kfplan_model::{AzureSettings, Output, Repo, RepoSource, Value, is_identifier, is_stack_name};
use kfplan_plan::{Field, Shape};

use crate::checker::{Checker, Phase};
use crate::document::{Entry, Node, Raw, Span, Table};
use crate::error::ConfigError;
use crate::gather::NAME_RULE;
use crate::nearest::nearest;
use crate::options::Mode;
use crate::tables::{Inside, Made};

/// The ways to sign in to Azure.
const CREDENTIALS: [&str; 7] =
    ["auto", "github_oidc", "azure_pipelines", "workload_identity", "client_secret", "managed_identity", "cli"];
const CLOUDS: [&str; 3] = ["public", "china", "usgov"];
const STACK_RULE: &str = "write 1 to 25 of `a`-`z`, `0`-`9`, and `-`, beginning and ending with a letter or digit: it becomes part of names that Azure limits";

fn text(name: &'static str, summary: &'static str) -> Field {
    Field::optional(name, Shape::String, summary)
}

/// Text, or the environment variable that holds it.
fn text_or_env() -> Shape {
    let from = Field::required("env", Shape::String, "the environment variable that holds it");
    Shape::Either(vec![Shape::String, Shape::Table(vec![from])])
}

/// The fields of `[stack]`, `[azure]`, `[state]`, and each `[repos.NAME]`.
pub(crate) fn setting_fields(table: &str) -> Vec<Field> {
    match table {
        "stack" => vec![Field::required(
            "name",
            Shape::Checked { pattern: "^[a-z0-9]([-a-z0-9]{0,23}[a-z0-9])?$", rule: STACK_RULE, check: is_stack_name },
            "the stack's name, part of names and labels",
        )],
        "azure" => vec![
            Field::required(
                "subscription",
                text_or_env(),
                "subscription id or display name; never the CLI's current one",
            ),
            Field::optional("tenant", text_or_env(), "tenant id, where the credential sees several"),
            Field::optional("credential", Shape::Choice(CREDENTIALS.to_vec()), "how to sign in").or("auto"),
            Field::optional("cloud", Shape::Choice(CLOUDS.to_vec()), "which Azure").or("public"),
        ],
        "state" => vec![
            Field::optional("backend", Shape::Choice(vec!["local", "azure_blob"]), "where the state is kept")
                .or("local"),
            text("account", "storage account, with `azure_blob`"),
            text("container", "container, with `azure_blob`"),
            text("resource_group", "resource group of the account, with `azure_blob`"),
        ],
        _ => vec![
            text("url", "an archive behind a URL").not_with(&["path"]).unless(&["path"]),
            Field::optional("path", Shape::Source, "a folder or an archive, relative to the stack file")
                .not_with(&["url"])
                .unless(&["url"]),
        ],
    }
}

impl Checker<'_> {
    /// Reads one settings table against its fields, with variables known.
    fn setting(&mut self, name: &str, node: &Node, at: &Span, kind: &str) -> Option<BTreeMap<String, Value>> {
        let Raw::Table(table) = &node.raw else {
            self.not_a_table(name, at);
            return None;
        };
        let fields = setting_fields(kind);
        let inside = Inside {
            name: name.to_owned(),
            also: &[],
            fields: &fields,
            outer: None,
            path: Default::default(),
            at: if node.span.is_empty() { at.clone() } else { node.span.clone() },
            existing: false,
        };
        self.no_resources(node, name);
        self.phase = Phase::Text;
        self.table(table, &inside, &mut Made::default());
        self.phase = Phase::Values;
        let values = self.table(table, &inside, &mut Made::default());
        self.phase = Phase::Text;
        Some(values)
    }

    /// Settings are read before any resource.
    fn no_resources(&mut self, node: &Node, name: &str) {
        match &node.raw {
            Raw::String(text) => {
                let found = references(text).unwrap_or_default();
                let waits: Vec<String> =
                    found.iter().filter_map(|one| one.resource()).map(ToString::to_string).collect();
                if !waits.is_empty() {
                    self.poisoned.insert(node.span.start);
                    self.report.error(ConfigError::UnknownAtPlan { what: format!("`{name}`"), waits }, &node.span);
                }
            }
            Raw::List(list) => list.iter().for_each(|node| self.no_resources(node, name)),
            Raw::Table(table) => {
                for entry in &table.entries {
                    self.no_resources(&entry.node, &format!("{name}.{}", entry.key));
                }
            }
            _ => {}
        }
    }

    /// Reads `[stack]` and gives the stack's name.
    pub(crate) fn stack_name(&mut self, document: &Table) -> String {
        let Some(entry) = document.get("stack") else {
            let help = "begin the file with `[stack]`, then `name = \"kubeflow\"`".to_owned();
            self.report.outside(ConfigError::MissingTable { table: "stack", help });
            return String::new();
        };
        let values = self.setting("stack", &entry.node, &entry.key_span, "stack").unwrap_or_default();
        values.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Reads `[azure]`.
    pub(crate) fn azure(&mut self, document: &Table) -> Option<AzureSettings> {
        let entry = document.get("azure")?;
        let values = self.setting("azure", &entry.node, &entry.key_span, "azure")?;
        let word = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(AzureSettings {
            subscription: self.text_or_environment(entry, "subscription", &values),
            tenant: self.text_or_environment(entry, "tenant", &values),
            credential: word("credential"),
            cloud: word("cloud"),
        })
    }

    /// A text, or the environment variable that `{ env = "NAME" }` names. The sandbox and `validate` do without.
    fn text_or_environment(&mut self, azure: &Entry, field: &str, values: &BTreeMap<String, Value>) -> Option<String> {
        let value = values.get(field)?;
        if let Some(text) = value.as_str() {
            return Some(text.to_owned());
        }
        let name = value.get("env")?.as_str()?;
        let found = self.options.process.get(name).filter(|text| !text.is_empty()).cloned();
        if found.is_none()
            && self.options.mode == Mode::Plan
            && !self.options.sandbox
            && let Some(entry) = azure.node.table().and_then(|table| table.get(field))
        {
            let error = ConfigError::MissingEnvironmentVariable { name: name.to_owned(), field: field.to_owned() };
            self.report.error(error, &entry.node.span);
        }
        found
    }

    /// Reads `[state]`, of which only the local one is there yet.
    pub(crate) fn state(&mut self, document: &Table) {
        let Some(entry) = document.get("state") else { return };
        let Some(values) = self.setting("state", &entry.node, &entry.key_span, "state") else { return };
        if values.get("backend").and_then(Value::as_str) == Some("azure_blob") {
            let at = entry
                .node
                .table()
                .and_then(|table| table.get("backend"))
                .map_or(&entry.key_span, |entry| &entry.node.span);
            let error = ConfigError::NotYet {
                what: "the shared store is".to_owned(),
                help: "take `[state]` out, or write `backend = \"local\"`: the state is then kept in `.kfplan/`"
                    .to_owned(),
            };
            self.report.error(error, at);
        }
    }

    /// Reads `[repos]`; `--repo` has the last word about where each is.
    pub(crate) fn read_repos(&mut self, document: &Table) -> BTreeMap<String, Repo> {
        let mut repos = BTreeMap::new();
        let entries = match document.get("repos").map(|entry| (&entry.node.raw, &entry.key_span)) {
            Some((Raw::Table(table), _)) => table.entries.as_slice(),
            Some((_, at)) => {
                self.not_a_table("repos", &at.clone());
                &[]
            }
            None => &[],
        };
        for entry in entries {
            self.repos.insert(entry.key.clone());
            if !entry.key.starts_with(|c: char| c.is_ascii_lowercase())
                || !entry.key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
            {
                let rule = "write `a`-`z`, `0`-`9`, `_`, and `-`, beginning with a letter";
                self.report
                    .error(ConfigError::BadName { what: "a repo", name: entry.key.clone(), rule }, &entry.key_span);
            }
            let name = format!("repos.{}", entry.key);
            let Some(values) = self.setting(&name, &entry.node, &entry.key_span, "repos") else { continue };
            let get = |field: &str| values.get(field).and_then(Value::as_str).map(str::to_owned);
            let source = get("url").map(RepoSource::Url).or_else(|| get("path").map(RepoSource::Path));
            if let Some(source) = source {
                let at = self.source.position(entry.key_span.start);
                repos.insert(entry.key.clone(), Repo { name: entry.key.clone(), source, at });
            }
        }
        for (name, path) in &self.options.repos {
            match repos.get_mut(name) {
                Some(repo) => repo.source = RepoSource::Path(path.clone()),
                None if self.repos.contains(name) => {}
                None => {
                    let near = nearest(name, self.repos.iter().map(String::as_str));
                    let known = self.repos.iter().cloned().collect();
                    self.report.outside(ConfigError::UnknownRepo { name: name.clone(), nearest: near, known });
                }
            }
        }
        repos
    }

    /// Reads `[outputs]` in the phase that the checker is in.
    pub(crate) fn outputs(&mut self, document: &Table) -> Vec<Output> {
        let Some(entry) = document.get("outputs") else { return Vec::new() };
        let Raw::Table(table) = &entry.node.raw else {
            self.not_a_table("outputs", &entry.key_span);
            return Vec::new();
        };
        self.owner = None;
        self.each = false;
        self.names.each = None;
        let mut outputs = Vec::new();
        for entry in &table.entries {
            if !is_identifier(&entry.key) {
                let error = ConfigError::BadName { what: "an output", name: entry.key.clone(), rule: NAME_RULE };
                self.report.error(error, &entry.key_span);
            }
            let name = format!("outputs.{}", entry.key);
            let inside = Inside {
                name: name.clone(),
                also: &[],
                fields: &[],
                outer: None,
                path: Default::default(),
                at: entry.key_span.clone(),
                existing: false,
            };
            let value = self.value(&entry.node, &Shape::Any, &name, &inside.path, &inside, &mut Made::default());
            if let Some(value) = value {
                outputs.push(Output { name: entry.key.clone(), value, at: self.source.position(entry.key_span.start) });
            }
        }
        outputs.sort_by(|left, right| left.name.cmp(&right.name));
        outputs
    }

    /// Says once that resources of Azure need `[azure]`.
    pub(crate) fn needs_azure(&mut self, document: &Table) {
        if document.get("azure").is_some() {
            return;
        }
        let needing: Vec<_> = self.declared.values().filter(|declared| declared.schema.azure).collect();
        let labels: Vec<(String, Span)> =
            needing.iter().take(3).map(|declared| ("is in Azure".to_owned(), declared.span.clone())).collect();
        if !labels.is_empty() {
            let help = "add `[azure]`, then `subscription = { env = \"AZURE_SUBSCRIPTION_ID\" }`".to_owned();
            self.report.labelled(ConfigError::MissingTable { table: "azure", help }, labels);
        }
    }

    /// Checks `for_each`, `enabled`, or another single value against a shape.
    pub(crate) fn single(&mut self, entry: &Entry, shape: &Shape, owner: &str) -> Option<Value> {
        let name = format!("{owner}.{}", entry.key);
        let inside = Inside {
            name: owner.to_owned(),
            also: &[],
            fields: &[],
            outer: None,
            path: Default::default(),
            at: entry.key_span.clone(),
            existing: false,
        };
        self.value(&entry.node, shape, &name, &inside.path, &inside, &mut Made::default())
    }
}
