//! The rules: who gains and who loses fields by a write, and what an apply makes of an object.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compare::{Comparison, compare, equal};
use super::fields::{Element, Set, field_set};
use super::managed::{Managed, Manager, Owned, Writer, never_owned, shown};
use super::merge::merge;
use super::remove::remove;
use super::validate::{joined, validate};
use crate::kube::schema::{Ref, Relation, Schema};

/// A shape: a schema and the place of the kind in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) at: Ref,
}

/// How objects of a kind go from version to version.
pub(crate) trait Conversion {
    /// The shape of a version; none where it is not known (any more).
    fn shape(&self, version: &str) -> Option<Shape<'_>>;
    /// The object in a version; none where it is not known (any more).
    fn convert(&self, object: &Value, version: &str) -> Option<Value>;
    /// Fields that a writer of this version cannot set here.
    fn reset(&self, version: &str) -> Set;
}

/// Why an apply came to nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ApplyError {
    /// Others own what would change: who, and the path.
    Conflicts(Vec<(String, String)>),
    /// The patch or the object does not fit its kind.
    Typed(String),
}

impl ApplyError {
    /// The words of a conflict.
    pub(crate) fn conflict_message(conflicts: &[(String, String)]) -> String {
        if let [(manager, path)] = conflicts {
            return format!("Apply failed with 1 conflict: conflict with {manager}: {path}");
        }
        let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (manager, path) in conflicts {
            by.entry(manager).or_default().push(path);
        }
        let mut lines = Vec::new();
        for (manager, paths) in by {
            lines.push(format!("conflicts with {manager}:"));
            lines.extend(paths.into_iter().map(|path| format!("- {path}")));
        }
        format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
    }
}

/// One running operation on one object.
struct Operation<'a> {
    conversion: &'a dyn Conversion,
    version: &'a str,
}

/// Who owns what after `live` became `new` by an update. `live` is an empty object at a create.
pub(crate) fn update(
    conversion: &dyn Conversion,
    (live, new): (&Value, &Value),
    before: &Managed,
    writer: &Writer<'_>,
) -> Managed {
    let Some(shape) = conversion.shape(writer.version) else { return before.clone() };
    let operation = Operation { conversion, version: writer.version };
    let mut managed = operation.reconcile(before);
    let changed = compare(shape.schema, shape.at, live, new).without(&conversion.reset(writer.version));
    // All others lose what changed; the writer's own entry is treated like another's, and merged with afterwards.
    let lost = operation.losses(&changed, (live, new), &mut managed, None);
    operation.take_away(&mut managed, lost);
    let set = changed.modified.union(&changed.added).difference(&never_owned());
    if !set.is_empty() {
        let manager = writer.manager(false);
        let set = match managed.entries.get(&manager) {
            Some(owned) => set.union(&owned.set),
            None => set,
        };
        let owned = Owned { set, version: writer.version.to_owned(), time: Some(writer.time.to_owned()) };
        managed.entries.insert(manager, owned);
    }
    managed.cap();
    managed
}

/// What `live` becomes when `patch` is applied, and who owns what then. None for the object: nothing changes.
pub(crate) fn apply(
    conversion: &dyn Conversion,
    (live, patch): (&Value, &Value),
    before: &Managed,
    writer: &Writer<'_>,
    force: bool,
) -> Result<(Option<Value>, Managed), ApplyError> {
    let Some(shape) = conversion.shape(writer.version) else {
        return Err(ApplyError::Typed(format!("no corresponding type for {}", writer.version)));
    };
    let Shape { schema, at } = shape;
    let errors = validate(schema, at, patch, false);
    if !errors.is_empty() {
        return Err(ApplyError::Typed(format!(
            "failed to create typed patch object ({}): {}",
            named(patch),
            joined(&errors)
        )));
    }
    let errors = validate(schema, at, live, true);
    if !errors.is_empty() {
        return Err(ApplyError::Typed(format!(
            "failed to create typed live object ({}): {}",
            named(live),
            joined(&errors)
        )));
    }
    let operation = Operation { conversion, version: writer.version };
    let mut managed = operation.reconcile(before);
    let merged = merge(schema, at, Some(live), Some(patch)).unwrap_or_else(|| json!({}));
    let manager = writer.manager(true);
    let last = managed.entries.get(&manager).cloned();
    let set = field_set(schema, at, patch).recursive_difference(&conversion.reset(writer.version));
    let time = last.as_ref().and_then(|last| last.time.clone());
    managed.entries.insert(manager.clone(), Owned { set, version: writer.version.to_owned(), time });
    let new = match &last {
        Some(last) if !last.set.is_empty() => operation.prune(merged, &managed, last),
        _ => merged,
    };
    let changed = compare(schema, at, live, &new).without(&conversion.reset(writer.version));
    let lost = operation.losses(&changed, (live, &new), &mut managed, Some(&manager));
    if !force {
        let conflicts = operation.conflicts(&managed, &lost);
        if !conflicts.is_empty() {
            return Err(ApplyError::Conflicts(conflicts));
        }
    }
    operation.take_away(&mut managed, lost);
    let object = (!equal(live, &new)).then_some(new);
    if let Some(owned) = managed.entries.get_mut(&manager) {
        owned.set = owned.set.difference(&never_owned());
        if object.is_some() {
            owned.time = Some(writer.time.to_owned());
        }
        if owned.set.is_empty() {
            managed.entries.remove(&manager);
        }
    }
    Ok((object, managed))
}

/// What one manager loses: what others changed, and what is gone.
struct Loss {
    changed: Set,
    removed: Set,
}

impl Operation<'_> {
    /// What each manager loses. Entries of versions that are not known any more go.
    fn losses(
        &self,
        changed: &Comparison,
        (live, new): (&Value, &Value),
        managed: &mut Managed,
        except: Option<&Manager>,
    ) -> BTreeMap<Manager, Loss> {
        let mut by_version: BTreeMap<String, Option<Comparison>> = BTreeMap::new();
        by_version.insert(self.version.to_owned(), Some(changed.clone()));
        let mut out = BTreeMap::new();
        let mut unknown = Vec::new();
        for (manager, owned) in &managed.entries {
            if Some(manager) == except {
                continue;
            }
            let changed = by_version.entry(owned.version.clone()).or_insert_with(|| {
                let shape = self.conversion.shape(&owned.version)?;
                let live = self.conversion.convert(live, &owned.version)?;
                let new = self.conversion.convert(new, &owned.version)?;
                Some(compare(shape.schema, shape.at, &live, &new).without(&self.conversion.reset(&owned.version)))
            });
            match changed {
                None => unknown.push(manager.clone()),
                Some(changed) => {
                    let loss = Loss {
                        changed: owned.set.intersection(&changed.modified.union(&changed.added)),
                        removed: changed.removed.clone(),
                    };
                    out.insert(manager.clone(), loss);
                }
            }
        }
        for manager in unknown {
            managed.entries.remove(&manager);
        }
        out
    }

    fn conflicts(&self, managed: &Managed, losses: &BTreeMap<Manager, Loss>) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (manager, loss) in losses {
            let Some(owned) = managed.entries.get(manager) else { continue };
            for path in loss.changed.paths() {
                let path: String = path.iter().map(Element::shown).collect();
                out.push((shown(manager, owned), path));
            }
        }
        out
    }

    fn take_away(&self, managed: &mut Managed, losses: BTreeMap<Manager, Loss>) {
        for (manager, loss) in losses {
            if let Some(owned) = managed.entries.get_mut(&manager) {
                owned.set = owned.set.difference(&loss.changed).difference(&loss.removed);
            }
        }
        managed.entries.retain(|_, owned| !owned.set.is_empty());
    }

    /// Takes out what the manager applied last time, not this time, and nobody else owns.
    fn prune(&self, merged: Value, managed: &Managed, last: &Owned) -> Value {
        let (Some(shape), Some(converted)) =
            (self.conversion.shape(&last.version), self.conversion.convert(&merged, &last.version))
        else {
            return merged;
        };
        let Shape { schema, at } = shape;
        let last_set = last.set.with_named_fields(schema, Some(at));
        let pruned = emptied(remove(schema, Some(at), &converted, &last_set));
        let pruned = self.add_back_owned(converted.clone(), pruned, &last.version, managed);
        let pruned = self.conversion.convert(&pruned, &last.version).unwrap_or(pruned);
        let kept = field_set(schema, at, &pruned).with_named_fields(schema, Some(at));
        let all = field_set(schema, at, &converted).with_named_fields(schema, Some(at));
        let gone = all.difference(&kept).intersection(&last_set);
        let pruned = emptied(remove(schema, Some(at), &converted, &gone));
        self.conversion.convert(&pruned, self.version).unwrap_or(pruned)
    }

    /// Puts back what the pruning took and anybody, the manager itself included, still owns.
    fn add_back_owned(&self, merged: Value, pruned: Value, first: &str, managed: &Managed) -> Value {
        let mut by_version: BTreeMap<&str, Set> = BTreeMap::new();
        for owned in managed.entries.values() {
            let set = by_version.entry(&owned.version).or_default();
            *set = set.union(&owned.set);
        }
        let mut order: Vec<(&str, Set)> = Vec::new();
        order.extend(by_version.remove(first).map(|set| (first, set)));
        order.extend(by_version);
        let (mut merged, mut pruned) = (merged, pruned);
        for (version, owned) in order {
            let (Some(shape), Some(all), Some(rest)) = (
                self.conversion.shape(version),
                self.conversion.convert(&merged, version),
                self.conversion.convert(&pruned, version),
            ) else {
                continue;
            };
            let Shape { schema, at } = shape;
            let named = |set: &Set| set.with_named_fields(schema, Some(at));
            let all_set = named(&field_set(schema, at, &all));
            let keep = named(&field_set(schema, at, &rest)).union(&named(&owned));
            pruned = emptied(remove(schema, Some(at), &all, &all_set.difference(&keep)));
            merged = all;
        }
        pruned
    }

    /// Adapts entries to shapes that have become atomic since they were written.
    fn reconcile(&self, managed: &Managed) -> Managed {
        let mut out = managed.clone();
        for owned in out.entries.values_mut() {
            let Some(shape) = self.conversion.shape(&owned.version) else { continue };
            let mut changed = Set::default();
            stale(shape.schema, Some(shape.at), &owned.set, false, &mut Vec::new(), &mut changed);
            if !changed.is_empty() {
                owned.set = owned.set.recursive_difference(&changed).union(&changed);
            }
        }
        out
    }
}

/// A root of which nothing is left is an empty object.
fn emptied(value: Value) -> Value {
    if value.is_null() { json!({}) } else { value }
}

/// Finds atomic places whose inside is owned.
fn stale(schema: &Schema, at: Option<Ref>, set: &Set, leaf: bool, path: &mut Vec<Element>, out: &mut Set) {
    let Some(at) = at else { return };
    let node = schema.node(at);
    // What is only known from its value says nothing about how it was owned.
    if at == crate::kube::schema::DEDUCED || (node.scalar.is_some() && node.map.is_some()) {
        return;
    }
    let atomic = node.map.as_ref().is_some_and(|map| map.atomic)
        || node.list.as_ref().is_some_and(|list| list.relation == Relation::Atomic);
    if atomic {
        if !leaf && !set.is_empty() {
            out.insert(path);
        }
        return;
    }
    for (element, member, below) in set.entries() {
        let next = match element {
            Element::Field(name) => {
                node.map.as_ref().and_then(|map| map.fields.get(name).map(|field| field.node).or(map.element))
            }
            Element::Key(_) | Element::Value(_) | Element::Index(_) => node.list.as_ref().map(|list| list.element),
        };
        path.push(element.clone());
        stale(schema, next, below, member && below.is_empty(), path, out);
        path.pop();
    }
}

/// An object as errors name it.
pub(crate) fn named(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let version = text("/apiVersion");
    // The group of the core is empty, and written so.
    let version = if version.contains('/') || version.is_empty() { version.to_owned() } else { format!("/{version}") };
    format!("{}/{}; {version}, Kind={}", text("/metadata/namespace"), text("/metadata/name"), text("/kind"))
}
