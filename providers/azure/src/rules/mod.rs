//! How ARM resources are compared, ordered, protected and checked, from values alone.

mod check;
mod compare;
mod drift;
mod marks;
mod order;
mod shown;

use kfplan_model::{Address, Conflict, Path};
use kfplan_plan::{
    ClusterFacts, Comparison, Desired, Digest, Discovery, Drift, DryRunAnswer, FieldChange, Gate, GateState, Live,
    Locator, Note, ObjectView, Ordering, Ownership, Probe, Protection, Recorded, Rules, StackKey,
};
use serde_json::Value as Json;

use crate::id::{ArmId, Family};

pub(crate) use compare::fingerprint;
pub(crate) use marks::{family_of, has_same_marks};

/// The rules for everything of Azure Resource Manager.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArmRules;

/// The state that ARM gives a resource; `None` where its type has none.
pub(crate) fn provisioning_state(body: &Json) -> Option<&str> {
    body.pointer("/properties/provisioningState").and_then(Json::as_str)
}

impl Rules for ArmRules {
    fn mark(&self, desired: &mut Desired, address: &Address, ownership: &Ownership) {
        marks::mark(desired, address, ownership);
    }

    fn is_ours(&self, live: &Live, ownership: &Ownership) -> bool {
        marks::is_ours(&live.body, ownership)
    }

    fn is_going(&self, live: &Live) -> bool {
        provisioning_state(&live.body) == Some("Deleting")
    }

    fn is_coming(&self, live: &Live) -> bool {
        provisioning_state(&live.body) == Some("Creating")
    }

    fn fingerprint(
        &self,
        desired: Option<&Desired>,
        live: &Live,
        _ownership: &Ownership,
        key: &StackKey,
    ) -> Option<Digest> {
        Some(compare::fingerprint(desired, &live.body, key))
    }

    fn compare(
        &self,
        desired: &Desired,
        recorded: Option<&Recorded>,
        live: &Live,
        _ownership: &Ownership,
        ignore: &[Path],
        _conflicts: &[Conflict],
        key: &StackKey,
    ) -> Comparison {
        compare::Comparing::new(desired, recorded, &live.body, key).compare(ignore)
    }

    fn preview(&self, _live: &Live, _after: &DryRunAnswer, _desired: &Desired, _key: &StackKey) -> Vec<FieldChange> {
        // ARM has no dry run of one resource: comparing has said it already.
        Vec::new()
    }

    fn creation(&self, desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
        shown::creation(desired, key)
    }

    fn drift(&self, recorded: &Recorded, live: &Live, _ownership: &Ownership, key: &StackKey) -> Vec<Drift> {
        drift::drift(recorded, &live.body, key)
    }

    fn order(&self, objects: &[ObjectView<'_>], _facts: &ClusterFacts) -> Ordering {
        order::order(objects)
    }

    fn check(&self, desired: &Desired, locator: &Locator, objects: &[ObjectView<'_>]) -> Vec<Note> {
        check::check(desired, locator, objects)
    }

    fn preflight(
        &self,
        _objects: &[ObjectView<'_>],
        _facts: &ClusterFacts,
        _discovery: Option<&Discovery>,
    ) -> Vec<Note> {
        // What Azure has to be asked for is in `preflight_azure`.
        Vec::new()
    }

    fn protection(&self, body: &Json, locator: &Locator, adopted: bool) -> (Protection, Option<String>) {
        let Locator::Arm(arm) = locator else { return (Protection::None, None) };
        match ArmId::new(arm.id.as_str()).family() {
            Family::Group => (Protection::Container, None),
            Family::Cluster => (Protection::Container, pools_and_nodes(body)),
            Family::Pool => (Protection::None, None),
            Family::Other if adopted => (Protection::Adopted, None),
            Family::Other => (Protection::None, None),
        }
    }

    fn gate(&self, gate: &Gate, seen: &[Json]) -> GateState {
        let state = seen.first().map(|body| provisioning_state(body).unwrap_or("Succeeded"));
        match (&gate.probe, state) {
            (Probe::Gone, None) | (Probe::Joined, _) => GateState::Open,
            (Probe::Gone, Some(state)) => GateState::Closed(format!("it is still there ({state})")),
            (_, None) => GateState::Closed("it is not there yet".to_owned()),
            (_, Some("Succeeded")) => GateState::Open,
            (_, Some(state @ ("Failed" | "Canceled"))) => {
                GateState::Broken(format!("its last operation ended `{state}`"))
            }
            (_, Some(state)) => GateState::Closed(format!("it is in state `{state}`")),
        }
    }
}

/// What would be lost with a cluster.
fn pools_and_nodes(body: &Json) -> Option<String> {
    let pools = body.pointer("/properties/agentPoolProfiles")?.as_array()?;
    let nodes: i64 = pools.iter().filter_map(|pool| pool.get("count").and_then(Json::as_i64)).sum();
    Some(format!("{} node pools with {nodes} nodes", pools.len()))
}

#[cfg(test)]
mod tests;
