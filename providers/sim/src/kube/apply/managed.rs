//! `managedFields`: who owns what, read and written.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::Set;
use super::key::quoted;

/// Who writes: what tells one entry from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) applies: bool,
    /// Only those who update are told apart by version.
    pub(crate) version: String,
    pub(crate) subresource: String,
}

/// Who writes, and when.
#[derive(Debug, Clone)]
pub(crate) struct Writer<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) subresource: &'a str,
    /// The time as it is written.
    pub(crate) time: &'a str,
}

impl Writer<'_> {
    pub(crate) fn manager(&self, applies: bool) -> Manager {
        Manager {
            name: if self.name.is_empty() { "unknown".into() } else { self.name.to_owned() },
            applies,
            version: if applies { String::new() } else { self.version.to_owned() },
            subresource: self.subresource.to_owned(),
        }
    }
}

/// What one manager owns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Owned {
    pub(crate) set: Set,
    pub(crate) version: String,
    pub(crate) time: Option<String>,
}

/// All entries of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Managed {
    pub(crate) entries: BTreeMap<Manager, Owned>,
}

/// How many entries of updates an object keeps.
const MOST_UPDATERS: usize = 10;

impl Managed {
    /// Reads `managedFields`. Entries that make no sense make the whole nothing, as in the original.
    pub(crate) fn parse(value: Option<&Value>) -> Result<Managed, String> {
        let mut out = Managed::default();
        for (index, entry) in value.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let applies = match text("operation").as_str() {
                "Apply" => true,
                "Update" => false,
                _ => return Err("operation must be `Apply` or `Update`".into()),
            };
            let version = text("apiVersion");
            if version.is_empty() {
                return Err("apiVersion must not be empty".into());
            }
            match text("fieldsType").as_str() {
                "FieldsV1" => {}
                "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
                other => return Err(format!("invalid fieldsType {} in managed fields entry {index}", quoted(other))),
            }
            let empty = json!({});
            let set = Set::parse(entry.get("fieldsV1").unwrap_or(&empty))
                .ok_or_else(|| format!("error decoding versioned set from managed fields entry {index}"))?;
            let manager = Manager {
                name: text("manager"),
                applies,
                version: if applies { String::new() } else { version.clone() },
                subresource: text("subresource"),
            };
            let time = entry.get("time").and_then(Value::as_str).map(str::to_owned);
            out.entries.insert(manager, Owned { set, version, time });
        }
        Ok(out)
    }

    /// The entries as they stand in an object: appliers first, then by time and name.
    pub(crate) fn written(&self) -> Option<Value> {
        if self.entries.is_empty() {
            return None;
        }
        let mut entries: Vec<(&Manager, &Owned)> = self.entries.iter().collect();
        entries.sort_by(|(left, left_owned), (right, right_owned)| {
            right
                .applies
                .cmp(&left.applies)
                .then_with(|| left_owned.time.cmp(&right_owned.time))
                .then_with(|| left.name.cmp(&right.name))
                .then_with(|| left_owned.version.cmp(&right_owned.version))
                .then_with(|| left.subresource.cmp(&right.subresource))
        });
        let written = entries.into_iter().map(|(manager, owned)| {
            let mut entry = json!({
                "manager": manager.name, "operation": if manager.applies { "Apply" } else { "Update" },
                "apiVersion": owned.version, "fieldsType": "FieldsV1", "fieldsV1": owned.set.written(),
            });
            if let Some(map) = entry.as_object_mut() {
                if let Some(time) = &owned.time {
                    map.insert("time".into(), json!(time));
                }
                if !manager.subresource.is_empty() {
                    map.insert("subresource".into(), json!(manager.subresource));
                }
            }
            entry
        });
        Some(written.collect())
    }

    /// Merges the oldest entries of updates until no more than ten are left.
    pub(crate) fn cap(&mut self) {
        let mut updaters: Vec<Manager> = self.entries.keys().filter(|manager| !manager.applies).cloned().collect();
        if updaters.len() <= MOST_UPDATERS {
            return;
        }
        let time = |manager: &Manager| self.entries.get(manager).and_then(|owned| owned.time.clone());
        updaters.sort_by_key(|manager| (time(manager), manager.clone()));
        let mut left = updaters.len();
        let mut first: BTreeMap<String, Manager> = BTreeMap::new();
        for manager in updaters {
            if left <= MOST_UPDATERS {
                break;
            }
            let Some(version) = self.entries.get(&manager).map(|owned| owned.version.clone()) else { continue };
            let bucket = Manager {
                name: "ancient-changes".into(),
                applies: false,
                version: version.clone(),
                subresource: String::new(),
            };
            let Some(earlier) = first.get(&version).cloned() else {
                first.insert(version, manager);
                continue;
            };
            if !self.entries.contains_key(&bucket)
                && let Some(moved) = self.entries.remove(&earlier)
            {
                self.entries.insert(bucket.clone(), moved);
            }
            let Some(gone) = self.entries.remove(&manager) else { continue };
            if let Some(kept) = self.entries.get_mut(&bucket) {
                kept.set = gone.set.union(&kept.set);
                kept.time = gone.time;
            }
            left -= 1;
        }
    }
}

/// Fields that nobody owns.
pub(crate) fn never_owned() -> Set {
    Set::of(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
}

/// A manager as a conflict names it.
pub(crate) fn shown(manager: &Manager, owned: &Owned) -> String {
    let mut out = quoted(&manager.name);
    if !manager.subresource.is_empty() {
        out.push_str(&format!(" with subresource {}", quoted(&manager.subresource)));
    }
    if !manager.applies {
        out.push_str(&format!(" using {}", owned.version));
    }
    out
}
