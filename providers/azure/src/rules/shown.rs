//! Values as a plan may show them.

use kfplan_model::Path;
use kfplan_plan::{Desired, FieldChange, Sealed, Shown, StackKey};
use serde_json::Value as Json;

use crate::leaves::leaves;

/// What is secret and what is late in a desired body.
pub(super) struct Veil<'a> {
    pub(super) desired: &'a Desired,
    pub(super) key: &'a StackKey,
}

impl Veil<'_> {
    /// The places that are filled later.
    pub(super) fn holes(&self) -> Vec<Path> {
        self.desired.holes.iter().map(|hole| hole.path.clone()).collect()
    }

    fn is_secret(&self, path: &Path) -> bool {
        self.desired.sensitive.iter().any(|secret| path.starts_with(secret) || secret.starts_with(path))
    }

    /// A stated value.
    pub(super) fn stated(&self, path: &Path, value: &Json) -> Shown {
        let late = self.desired.holes.iter().find(|hole| hole.path.starts_with(path));
        match late {
            Some(hole) => Shown::Late(hole.late.clone()),
            None => self.live(path, Some(value)),
        }
    }

    /// A value that is or was there.
    pub(super) fn live(&self, path: &Path, value: Option<&Json>) -> Shown {
        match value {
            None | Some(Json::Null) => Shown::Absent,
            Some(value) if self.is_secret(path) => secret(value, self.key),
            Some(value) => Shown::Value(value.clone()),
        }
    }
}

/// A secret: equal ones of one stack have equal tags.
pub(super) fn secret(value: &Json, key: &StackKey) -> Shown {
    let sealed = if Sealed::is_sealed(value) { value.clone() } else { key.sealed_leaf(value) };
    let hash = sealed.as_object().and_then(|map| map.values().next()).and_then(Json::as_str).unwrap_or_default();
    Shown::Secret(hash.chars().take(8).collect())
}

/// The fields of a create.
pub(super) fn creation(desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
    let veil = Veil { desired, key };
    leaves(&desired.body, &veil.holes())
        .into_iter()
        .map(|(path, value)| FieldChange { new: veil.stated(&path, value), old: Shown::Absent, replaces: None, path })
        .collect()
}
