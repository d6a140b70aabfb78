//! The resource types of Azure: their fields, the bodies they become, and what can be read from them.

mod cluster;
mod generic;
mod group;
mod pool;
mod reader;
mod shapes;

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{Address, Path, Resource};
use kfplan_plan::{
    ArmLocator, Desired, Draft, EdgeKind, Expansion, Kind, Locator, OutputField, Problem, Protection, Scene,
};
use serde_json::Value as Json;

use crate::id::{ArmId, Family};
#[cfg(test)]
pub(crate) use reader::merge_at;
use reader::problem;
pub(crate) use shapes::taint_parts;

pub use generic::body_of_file;

/// The api-version that AKS is asked with: the newest generally available one when this was written.
pub const AKS_API_VERSION: &str = "2026-08-01";
/// The api-version that resource groups are asked with.
pub const GROUP_API_VERSION: &str = "2024-11-01";

/// The resource types of Azure, for config and planner.
#[must_use]
pub fn kinds() -> Vec<Arc<dyn Kind>> {
    vec![
        Arc::new(group::ResourceGroup::new()),
        Arc::new(cluster::AksCluster::new()),
        Arc::new(pool::AksNodePool::new()),
        Arc::new(generic::AzureResource::new()),
    ]
}

/// The outputs that a live body gives, by the type that its id names.
#[must_use]
pub fn outputs_of(id: &ArmId, live: &Json) -> BTreeMap<String, Json> {
    match id.family() {
        Family::Group => group::outputs(live),
        Family::Cluster => cluster::outputs(live),
        Family::Pool => pool::outputs(live),
        Family::Other => generic::outputs(live),
    }
}

/// How long things of a type take.
struct Pace {
    /// A create, in milliseconds.
    expected: u64,
    /// Limits for create, update and delete, in seconds.
    timeouts: (u64, u64, u64),
}

/// The one thing that an Azure resource is.
struct One<'a> {
    resource: &'a Resource,
    id: ArmId,
    api_version: &'a str,
    desired: Option<Desired>,
    container: Option<Address>,
    protection: Protection,
    pace: Pace,
}

impl One<'_> {
    fn expansion(self) -> Expansion {
        let timeouts = &self.resource.timeouts;
        let (create, update, delete) = self.pace.timeouts;
        let exclusive = self.id.cluster_id().map(|cluster| cluster.key().to_owned());
        let draft = Draft {
            address: Address::from(self.resource.address.clone()),
            locator: Locator::Arm(ArmLocator {
                id: self.id.as_str().to_owned(),
                api_version: self.api_version.to_owned(),
            }),
            desired: self.desired,
            application: None,
            after: self.container.iter().map(|container| (container.clone(), EdgeKind::ContainedIn)).collect(),
            container: self.container,
            exclusive,
            protection: self.protection,
            expected: self.pace.expected,
            timeouts: (
                timeouts.create.unwrap_or(create),
                timeouts.update.unwrap_or(update),
                timeouts.delete.unwrap_or(delete),
            ),
            gate: true,
        };
        Expansion::Nodes { drafts: vec![draft], notes: Vec::new(), inputs: Vec::new() }
    }
}

/// The text of a field that must be known at plan.
fn deciding<'a>(resource: &'a Resource, field: &str, problems: &mut Vec<Problem>) -> Option<&'a str> {
    let text = resource.fields.get(field).and_then(|value| value.as_str());
    if text.is_none() {
        problems.push(problem(
            resource,
            Some(Path::root().key(field)),
            "azure::unknowable",
            format!("`{field}` of `{}` is not known at plan", resource.address),
            format!("state `{field}` as text, or by variables: it decides which resource this is"),
        ));
    }
    text
}

/// The id of the resource that a handle field names.
fn place_of(
    resource: &Resource,
    field: &str,
    scene: &Scene<'_>,
    problems: &mut Vec<Problem>,
) -> Option<(ArmId, Address)> {
    let at = Some(Path::root().key(field));
    let Some(handle) = resource.fields.get(field).and_then(|value| value.as_handle()) else {
        problems.push(problem(
            resource,
            at,
            "azure::no_handle",
            format!("`{field}` of `{}` names no resource", resource.address),
            format!("write {field} = \"${{TYPE.NAME}}\""),
        ));
        return None;
    };
    match scene.places.get(handle) {
        Some(Locator::Arm(arm)) => Some((ArmId::new(arm.id.as_str()), Address::from(handle.clone()))),
        Some(Locator::Object(_)) | None => {
            problems.push(problem(
                resource,
                at,
                "azure::no_place",
                format!("`{handle}` is not in Azure, so `{}` cannot be in it", resource.address),
                "name a resource of an Azure type",
            ));
            None
        }
    }
}

/// The subscription of the stack.
fn subscription<'a>(resource: &Resource, scene: &Scene<'a>, problems: &mut Vec<Problem>) -> Option<&'a str> {
    if scene.subscription.is_none() {
        problems.push(problem(
            resource,
            None,
            "azure::no_subscription",
            format!("`{}` needs a subscription, and the stack has no `[azure]`", resource.address),
            "add [azure] with subscription = \"ID OR NAME\"",
        ));
    }
    scene.subscription
}

/// An output that is not secret.
const fn output(name: &'static str, summary: &'static str) -> OutputField {
    OutputField { name, summary, sensitive: false }
}

/// Outputs that stand at these places of a body; what is not there is late.
fn picked(live: &Json, places: &[(&str, &str)]) -> BTreeMap<String, Json> {
    places
        .iter()
        .filter_map(|(name, pointer)| {
            Some(((*name).to_owned(), live.pointer(pointer).filter(|at| !at.is_null())?.clone()))
        })
        .collect()
}

/// The live body of a resource that is one thing.
fn own<'a>(resource: &Resource, seen: &BTreeMap<&Address, &'a Json>) -> Option<&'a Json> {
    seen.get(&Address::from(resource.address.clone())).copied()
}

#[cfg(test)]
pub(crate) mod tests;
