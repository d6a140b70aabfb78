//! What a change looks like to the reader: creations, and what an accepted dry run would change.

use std::collections::BTreeMap;

use kfplan_model::{Path, Segment};
use kfplan_plan::{Desired, DryRunAnswer, FieldChange, Live, Shown, StackKey};
use serde_json::Value as Json;

use super::sight::{Sight, late};
use crate::fields::{FieldSet, Managed};
use crate::identity::{group_of, kind_of};
use crate::structure::Structure;
use crate::tables::immutable;

/// The fields of a create.
pub(crate) fn creation(desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
    let sight = Sight::new(&desired.body, String::new(), &desired.sensitive, key);
    let leaves = Structure::new(&desired.body, FieldSet::default()).leaves(&desired.body);
    let mut fields: Vec<FieldChange> = leaves
        .into_iter()
        .map(|(path, value)| {
            let new = match desired.holes.iter().find(|hole| hole.path == path) {
                Some(hole) => late(&hole.late),
                None => sight.shown(&path, Some(value), None),
            };
            FieldChange { path, old: Shown::Absent, new, replaces: None }
        })
        .collect();
    fields.sort_by(|a, b| a.path.cmp(&b.path));
    fields
}

/// What an accepted dry run would change, field by field; nothing where it was not accepted.
pub(crate) fn preview(live: &Live, after: &DryRunAnswer, desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
    let DryRunAnswer::Accepted(after) = after else { return Vec::new() };
    let (before, after) = (&live.body, &after.body);
    let written = Managed::of(before).union().union(&Managed::of(after).union());
    let structure = Structure::new(after, written);
    let sight = Sight::new(after, String::new(), &desired.sensitive, key);
    let old: BTreeMap<Path, &Json> = leaves(&structure, before);
    let new: BTreeMap<Path, &Json> = leaves(&structure, after);
    let (group, kind) = (group_of(after), kind_of(after));
    let mut fields = Vec::new();
    for (path, value) in &new {
        let before = old.get(path).copied();
        if before != Some(*value) {
            fields.push(FieldChange {
                path: path.clone(),
                old: sight.shown(path, before, None),
                new: sight.shown(path, Some(value), None),
                replaces: before.and_then(|_| immutable::reason(group, kind, path)).map(ToOwned::to_owned),
            });
        }
    }
    for (path, value) in old.iter().filter(|(path, _)| !new.contains_key(path)) {
        fields.push(FieldChange {
            path: path.clone(),
            old: sight.shown(path, Some(value), None),
            new: Shown::Absent,
            replaces: immutable::reason(group, kind, path).map(ToOwned::to_owned),
        });
    }
    fields.sort_by(|a, b| a.path.cmp(&b.path));
    fields
}

fn leaves<'a>(structure: &Structure, body: &'a Json) -> BTreeMap<Path, &'a Json> {
    structure.leaves(body).into_iter().filter(|(path, _)| !is_the_servers(path)).collect()
}

/// What the server keeps for itself.
fn is_the_servers(path: &Path) -> bool {
    match path.segments() {
        [Segment::Key(first), ..] if &**first == "status" => true,
        [Segment::Key(first), Segment::Key(second), ..] if &**first == "metadata" => {
            matches!(&**second, "resourceVersion" | "generation" | "uid" | "creationTimestamp" | "selfLink")
        }
        _ => false,
    }
}
