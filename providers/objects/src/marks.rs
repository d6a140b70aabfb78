//! Our marks on objects: whose they are, and under which address.
//!
//! Labels so that a lost state can be rebuilt by selecting; an annotation for the address, which no label could hold.

use kfplan_model::Address;
use kfplan_plan::{Desired, Live, Ownership};
use serde_json::{Map, Value as Json, json};

use crate::identity::{at, kind_of};

/// The label that tools show as the manager of an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label that holds the stack's name.
pub const STACK: &str = "kfplan.dev/stack";
/// The label that holds the environment.
pub const ENVIRONMENT: &str = "kfplan.dev/environment";
/// The label that holds the state's lineage.
pub const LINEAGE: &str = "kfplan.dev/lineage";
/// The annotation that holds the address.
pub const ADDRESS: &str = "kfplan.dev/address";
/// The prefix of the annotation that a `patch` leaves on an object that is not ours; after it stands the patch's name.
pub const PATCH: &str = "patch.kfplan.dev/";
/// The prefix of the annotation that holds what a `patch` found, so that it can be put back.
pub const EARLIER: &str = "earlier.kfplan.dev/";

/// The longest value of a label.
const LONGEST: usize = 63;

/// A text as the value of a label: what a label cannot hold becomes `-`, and what is too long is cut and told apart
/// by a digest.
#[must_use]
pub fn label_value(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let kept: String = text.chars().map(|c| if plain(c) || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
    let trimmed = kept.trim_matches(|c| !plain(c));
    if trimmed == text && text.len() <= LONGEST {
        return text.to_owned();
    }
    let tail: String = kfplan_plan::Digest::of(text.as_bytes()).as_str().chars().take(10).collect();
    let head: String = trimmed.chars().take(LONGEST - 1 - tail.len()).collect();
    format!("{head}-{tail}").trim_matches(|c| !plain(c)).to_owned()
}

/// The labels that say whose an object is.
#[must_use]
pub fn labels(ownership: &Ownership) -> [(&'static str, String); 3] {
    [
        (STACK, label_value(&ownership.stack)),
        (ENVIRONMENT, label_value(&ownership.environment)),
        (LINEAGE, label_value(&ownership.lineage)),
    ]
}

/// The name of the `patch` resource whose fields a body states, if it is one.
#[must_use]
pub fn patch_name(body: &Json) -> Option<&str> {
    let annotations = at(body, &["metadata", "annotations"])?.as_object()?;
    annotations.keys().find_map(|key| key.strip_prefix(PATCH))
}

/// The field manager that a body is applied under.
#[must_use]
pub fn manager_for(body: &Json, ownership: &Ownership) -> String {
    match patch_name(body) {
        Some(name) => format!("{}/patch.{name}", ownership.manager),
        None => ownership.manager.clone(),
    }
}

/// Adds the marks. A `patch` is marked by its own annotation only: the object is not ours.
pub fn mark(desired: &mut Desired, address: &Address, ownership: &Ownership) {
    let is_patch = patch_name(&desired.body).is_some();
    let keeps_manager = kind_of(&desired.body) == "Pod";
    let Some(metadata) = entry(&mut desired.body, "metadata") else { return };
    if is_patch {
        let owner = json!(format!("{}/{}/{}", ownership.stack, ownership.environment, ownership.lineage));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Json::as_object_mut) {
            annotations
                .iter_mut()
                .filter(|(key, _)| key.starts_with(PATCH))
                .for_each(|(_, value)| *value = owner.clone());
        }
        return;
    }
    if let Some(marked) = map(metadata, "labels") {
        // Services select Pods by labels that Helm charts like to state; what a bare Pod says about itself stays.
        if !keeps_manager || !marked.contains_key(MANAGED_BY) {
            marked.insert(MANAGED_BY.to_owned(), json!("kfplan"));
        }
        for (key, value) in labels(ownership) {
            marked.insert(key.to_owned(), Json::String(value));
        }
    }
    if let Some(annotations) = map(metadata, "annotations") {
        annotations.insert(ADDRESS.to_owned(), json!(address.to_string()));
    }
}

/// Whether an object carries our marks: this stack, this environment, this lineage.
#[must_use]
pub fn is_ours(live: &Live, ownership: &Ownership) -> bool {
    let found = at(&live.body, &["metadata", "labels"]);
    let says = |key: &str, value: &str| found.and_then(|found| found.get(key)).and_then(Json::as_str) == Some(value);
    labels(ownership).iter().all(|(key, value)| says(key, value))
}

fn entry<'a>(body: &'a mut Json, key: &str) -> Option<&'a mut Map<String, Json>> {
    map(body.as_object_mut()?, key)
}

fn map<'a>(parent: &'a mut Map<String, Json>, key: &str) -> Option<&'a mut Map<String, Json>> {
    let value = parent.entry(key.to_owned()).or_insert_with(|| json!({}));
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}
