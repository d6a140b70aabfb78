//! What every resource may have beside the fields of its type.

use std::collections::BTreeMap;

use kfplan_model::{
    Conflict, ConflictPolicy, Lifecycle, Moved, Path, Readiness, Removed, ResourceAddress, Target, Timeouts, Value,
};
use kfplan_plan::{Field, Schema, Shape};

use crate::checker::Checker;
use crate::conform::target_fields;
use crate::document::{Raw, Table};
use crate::error::ConfigError;
use crate::nearest::nearest;

/// The meta fields that are read before all others, and not as fields.
pub(crate) const READ_FIRST: [&str; 2] = ["enabled", "for_each"];

/// The other meta fields.
const NAMES: [&str; 6] = ["depends_on", "timeouts", "lifecycle", "existing", "conflict", "readiness"];

/// A span of time in seconds: `90s`, `30m`, `1h30m`.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    let mut units = [("h", 3600_u64), ("m", 60), ("s", 1)].into_iter();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0)?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let after = rest.get(digits..)?;
        let (unit, scale) = units.find(|(unit, _)| after.starts_with(unit))?;
        total = total.checked_add(number.checked_mul(scale)?)?;
        rest = after.get(unit.len()..)?;
    }
    (!text.is_empty() && total > 0).then_some(total)
}

fn duration() -> Shape {
    Shape::Checked {
        pattern: "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
        rule: "write a time with its unit: `\"90s\"`, `\"30m\"`, `\"1h30m\"`",
        check: |text| seconds(text).is_some(),
    }
}

/// The meta fields of a resource of this type, `for_each` and `enabled` included.
pub(crate) fn meta_fields(schema: &Schema, types: &[&'static str]) -> Vec<Field> {
    let resources = || Shape::List(Box::new(Shape::Handle(types.to_vec())));
    let table = Shape::Table;
    let field = Field::optional;
    let lifecycle = vec![
        field(
            "prevent_destroy",
            Shape::Bool,
            "`true`: never deleted, whatever is asked for. `false`: the built-in protection is lifted",
        ),
        field("ignore_changes", Shape::List(Box::new(Shape::Path)), "paths whose difference is never a change"),
        field("create_before_destroy", Shape::Bool, "a replacement is created before the old one goes"),
        field("replace_triggered_by", resources(), "resources whose replacement replaces this one"),
    ];
    let timeouts = [
        ("create", "to create it"),
        ("update", "to change it"),
        ("delete", "to delete it"),
        ("ready", "until it is ready"),
    ];
    let mut fields = vec![
        field("depends_on", resources(), "resources that it waits for, beyond those that its fields refer to"),
        field("enabled", Shape::Bool, "whether it is there at all; known at plan").or(true),
        field(
            "for_each",
            Shape::Either(vec![Shape::Map(Box::new(Shape::Any)), Shape::List(Box::new(Shape::String))]),
            "one instance for each entry, with `each.key` and `each.value`; keys are known at plan",
        ),
        field(
            "timeouts",
            table(timeouts.map(|(name, summary)| field(name, duration(), summary)).into()),
            "how long each action may take",
        ),
        field("lifecycle", table(lifecycle), "what may happen to it"),
    ];
    if schema.existing {
        fields.push(
            field("existing", Shape::Bool, "it is only read, never written or deleted; missing is an error").or(false),
        );
    }
    if schema.objects {
        let target = || field("target", Shape::Target, "the objects it is for; all when not stated");
        let conflict = vec![
            target(),
            Field::required("path", Shape::Path, "the field, and all below it"),
            Field::required(
                "policy",
                Shape::Choice(vec!["take", "yield", "fail"]),
                "what to do when another manager owns it: take it, leave it, or stop",
            ),
        ];
        let readiness = vec![
            target(),
            field("wait", Shape::Bool, "whether to wait for these objects").or(true),
            field("timeout", duration(), "how long to wait"),
        ];
        fields.push(field(
            "conflict",
            Shape::List(Box::new(table(conflict))),
            "who wins where another manager owns a field",
        ));
        fields.push(field(
            "readiness",
            Shape::List(Box::new(table(readiness))),
            "which objects are waited for, and how long",
        ));
    }
    fields
}

/// What a resource says beside the fields of its type.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    pub(crate) existing: bool,
    pub(crate) depends_on: Vec<ResourceAddress>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) timeouts: Timeouts,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) readiness: Vec<Readiness>,
}

impl Meta {
    /// Takes what is meta out of the values of a table that conforms.
    pub(crate) fn take(values: &mut BTreeMap<String, Value>) -> Self {
        let mut taken = BTreeMap::new();
        for name in NAMES {
            if let Some(value) = values.remove(name) {
                taken.insert(name, value);
            }
        }
        let get = |name: &str| taken.get(name);
        let tables = |name: &str| get(name).map_or(&[][..], Value::as_list).iter();
        Self {
            existing: get("existing").and_then(Value::as_bool).unwrap_or_default(),
            depends_on: handles(get("depends_on")),
            lifecycle: get("lifecycle").map(lifecycle).unwrap_or_default(),
            timeouts: get("timeouts").map(timeouts).unwrap_or_default(),
            conflicts: tables("conflict").filter_map(conflict).collect(),
            readiness: tables("readiness").map(readiness).collect(),
        }
    }
}

fn handles(list: Option<&Value>) -> Vec<ResourceAddress> {
    list.map_or(&[][..], Value::as_list).iter().filter_map(Value::as_handle).cloned().collect()
}

fn lifecycle(value: &Value) -> Lifecycle {
    let paths = value.get("ignore_changes").map_or(&[][..], Value::as_list);
    Lifecycle {
        prevent_destroy: value.get("prevent_destroy").and_then(Value::as_bool),
        ignore_changes: paths.iter().filter_map(Value::as_str).filter_map(|text| text.parse::<Path>().ok()).collect(),
        create_before_destroy: value.get("create_before_destroy").and_then(Value::as_bool).unwrap_or_default(),
        replace_triggered_by: handles(value.get("replace_triggered_by")),
    }
}

fn timeouts(value: &Value) -> Timeouts {
    let get = |name: &str| value.get(name).and_then(Value::as_str).and_then(seconds);
    Timeouts { create: get("create"), update: get("update"), delete: get("delete"), ready: get("ready") }
}

fn target(value: &Value) -> Target {
    let Some(target) = value.get("target") else { return Target::default() };
    let text = |name: &str| target.get(name).and_then(Value::as_str).map(str::to_owned);
    let labels = target.get("labels").and_then(Value::as_map).into_iter().flatten();
    debug_assert_eq!(target_fields().len(), 6);
    Target {
        group: text("group"),
        version: text("version"),
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("name"),
        labels: labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect(),
    }
}

fn conflict(value: &Value) -> Option<Conflict> {
    let policy = match value.get("policy")?.as_str()? {
        "take" => ConflictPolicy::Take,
        "yield" => ConflictPolicy::Yield,
        _ => ConflictPolicy::Fail,
    };
    Some(Conflict { target: target(value), path: value.get("path")?.as_str()?.parse().ok()?, policy })
}

fn readiness(value: &Value) -> Readiness {
    Readiness {
        target: target(value),
        wait: value.get("wait").and_then(Value::as_bool).unwrap_or(true),
        timeout: value.get("timeout").and_then(Value::as_str).and_then(seconds),
    }
}

impl Checker<'_> {
    /// Reads `[[moved]]`.
    pub(crate) fn moved(&mut self, document: &Table) -> Vec<Moved> {
        let mut moved = Vec::new();
        for (table, at) in self.tables(document, "moved") {
            let [from, to] = self.addresses(&table, &at, "moved", ["from", "to"]);
            let (Some((from, from_at)), Some((to, to_at))) = (from, to) else { continue };
            if from.type_name() != to.type_name() {
                let error = ConfigError::MovedType { from: from.to_string(), to: to.to_string() };
                self.report.error(error, &to_at);
            } else if !self.is_there(&to) {
                let (near, known) = self.probably(&to);
                let error = ConfigError::UnknownReference { address: to.to_string(), nearest: near, known };
                self.report.error(error, &to_at);
            } else if self.is_declared_instance(&from) {
                self.report.error(ConfigError::StillDeclared { address: from.to_string(), table: "moved" }, &from_at);
            }
            moved.push(Moved { from, to, at: self.source.position(at.start) });
        }
        moved
    }

    /// Reads `[[removed]]`.
    pub(crate) fn removed(&mut self, document: &Table) -> Vec<Removed> {
        let mut removed = Vec::new();
        for (table, at) in self.tables(document, "removed") {
            let [from] = self.addresses(&table, &at, "removed", ["from"]);
            let Some((from, from_at)) = from else { continue };
            if self.is_declared_instance(&from) {
                self.report.error(ConfigError::StillDeclared { address: from.to_string(), table: "removed" }, &from_at);
            }
            removed.push(Removed { from, at: self.source.position(at.start) });
        }
        removed
    }

    fn is_there(&self, address: &ResourceAddress) -> bool {
        self.declared.contains_key(&address.without_key())
    }

    /// Whether an address, its key included, can be one that the file makes.
    fn is_declared_instance(&self, address: &ResourceAddress) -> bool {
        let declared = self.declared.get(&address.without_key());
        declared.is_some_and(|declared| match address.key() {
            None => !declared.is_keyed(),
            Some(_) => declared.is_keyed() && kfplan_expression::Roots::resource(&self.names, address).is_some(),
        })
    }

    /// The tables of `[[NAME]]`.
    fn tables(&mut self, document: &Table, name: &'static str) -> Vec<(Table, crate::document::Span)> {
        let Some(entry) = document.get(name) else { return Vec::new() };
        let nodes = match &entry.node.raw {
            Raw::List(list) => list.as_slice(),
            _ => &[],
        };
        if nodes.is_empty() || nodes.iter().any(|node| node.table().is_none()) {
            let help = format!("write `[[{name}]]`, with double brackets, once for each");
            let error = ConfigError::BadTable { name: name.to_owned(), wanted: "a list of tables", help };
            self.report.error(error, &entry.key_span);
        }
        nodes.iter().filter_map(|node| Some((node.table()?.clone(), node.span.clone()))).collect()
    }

    fn addresses<const N: usize>(
        &mut self,
        table: &Table,
        at: &crate::document::Span,
        name: &str,
        keys: [&'static str; N],
    ) -> [Option<(ResourceAddress, crate::document::Span)>; N] {
        for entry in table.entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let known: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            let near = nearest(&entry.key, keys);
            let error =
                ConfigError::UnknownField { inside: name.to_owned(), field: entry.key.clone(), nearest: near, known };
            self.report.error(error, &entry.key_span);
        }
        keys.map(|key| {
            let Some(entry) = table.get(key) else {
                let error = ConfigError::MissingField {
                    inside: name.to_owned(),
                    field: key.to_owned(),
                    instead: Vec::new(),
                    summary: "an address such as `aks_node_pool.gpu`".to_owned(),
                };
                self.report.error(error, at);
                return None;
            };
            let parsed = entry.node.text().map(|text| text.parse::<ResourceAddress>());
            match parsed {
                Some(Ok(address)) => Some((address, entry.node.span.clone())),
                Some(Err(error)) => {
                    let help = format!("{error}; write `\"TYPE.NAME\"`, without `${{}}`");
                    let error = ConfigError::BadValue {
                        field: format!("{name}.{key}"),
                        rule: "is no address".to_owned(),
                        help,
                    };
                    self.report.error(error, &entry.node.span);
                    None
                }
                None => {
                    let error = ConfigError::WrongType {
                        field: format!("{name}.{key}"),
                        wanted: "an address".to_owned(),
                        found: entry.node.kind().to_owned(),
                        help: "write `\"TYPE.NAME\"`".to_owned(),
                    };
                    self.report.error(error, &entry.node.span);
                    None
                }
            }
        })
    }
}
