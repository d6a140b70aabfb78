//! Our marks: tags that say which stack, environment and lineage a resource belongs to.

use kfplan_model::Address;
use kfplan_plan::{Desired, Ownership};
use serde_json::{Map, Value as Json};

use crate::id::{ArmId, Family};

const STACK: &str = "kfplan-stack";
const ENVIRONMENT: &str = "kfplan-environment";
const LINEAGE: &str = "kfplan-lineage";
const ADDRESS: &str = "kfplan-address";

/// Where a resource of this type carries tags; `None` for types that have none.
fn place(type_name: &str, body: &Json) -> Option<&'static [&'static str]> {
    match type_name {
        "aks_node_pool" => Some(&["properties", "tags"]),
        "resource_group" | "aks_cluster" => Some(&["tags"]),
        // ARM's rule: a resource that has a location has tags; children and extensions have neither.
        _ => body.get("location").is_some().then_some(&["tags"]),
    }
}

/// Puts our marks among the tags.
pub(super) fn mark(desired: &mut Desired, address: &Address, ownership: &Ownership) {
    let Some(path) = place(address.resource().type_name(), &desired.body) else { return };
    let tags = path.iter().fold(&mut desired.body, |at, key| {
        if !at.is_object() {
            *at = Json::Object(Map::new());
        }
        match at {
            Json::Object(map) => map.entry(*key).or_insert(Json::Null),
            other => other,
        }
    });
    if !tags.is_object() {
        *tags = Json::Object(Map::new());
    }
    let address = address.to_string();
    let marks = [
        (STACK, &ownership.stack),
        (ENVIRONMENT, &ownership.environment),
        (LINEAGE, &ownership.lineage),
        (ADDRESS, &address),
    ];
    if let Json::Object(tags) = tags {
        for (name, value) in marks {
            tags.insert(name.to_owned(), Json::from(value.as_str()));
        }
    }
}

fn tag<'a>(body: &'a Json, name: &str) -> Option<&'a str> {
    [body.get("tags"), body.pointer("/properties/tags")]
        .into_iter()
        .flatten()
        .find_map(|tags| tags.get(name))
        .and_then(Json::as_str)
}

/// Whether a body carries all marks of this stack, environment and lineage.
pub(super) fn is_ours(body: &Json, ownership: &Ownership) -> bool {
    tag(body, STACK) == Some(ownership.stack.as_str())
        && tag(body, ENVIRONMENT) == Some(ownership.environment.as_str())
        && tag(body, LINEAGE) == Some(ownership.lineage.as_str())
}

/// Whether a live body carries the marks that a desired one has, down to the address: it is an earlier try of the same thing.
pub(crate) fn has_same_marks(desired: &Json, live: &Json) -> bool {
    let mut marks =
        [STACK, ENVIRONMENT, LINEAGE, ADDRESS].into_iter().map(|name| (tag(desired, name), tag(live, name)));
    marks.all(|(desired, live)| desired.is_some() && desired == live)
}

/// The address that a body is marked with.
pub(super) fn address(body: &Json) -> Option<Address> {
    tag(body, ADDRESS)?.parse().ok()
}

/// What kind of thing a body is: the desired one by where its marks or properties are, the live one by its id.
pub(crate) fn family_of(desired: &Json, live: Option<&Json>) -> Family {
    if let Some(id) = live.and_then(id_of) {
        return id.family();
    }
    match address(desired).as_ref().map(|address| address.resource().type_name().to_owned()).as_deref() {
        Some("resource_group") => Family::Group,
        Some("aks_cluster") => Family::Cluster,
        Some("aks_node_pool") => Family::Pool,
        _ => Family::Other,
    }
}

/// The id that a live body says it has.
pub(crate) fn id_of(live: &Json) -> Option<ArmId> {
    live.get("id").and_then(Json::as_str).map(ArmId::new)
}
