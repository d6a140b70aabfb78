//! How the planner compares, orders and checks objects.

use kfplan_model::{Address, Conflict, Path};
use kfplan_plan::{
    ClusterFacts, Comparison, Desired, Digest, Discovery, Drift, DryRunAnswer, FieldChange, Gate, GateState, Live,
    Locator, Note, ObjectView, Ordering, Ownership, Payload, Protection, Recorded, Rules, StackKey,
};
use serde_json::Value as Json;

use crate::compare::{self, Question};
use crate::identity::at;
use crate::{check, guard, marks, order, preflight, ready};

/// The rules of Kubernetes objects.
#[derive(Debug, Clone, Copy, Default)]
pub struct ObjectRules;

impl Rules for ObjectRules {
    fn mark(&self, desired: &mut Desired, address: &Address, ownership: &Ownership) {
        marks::mark(desired, address, ownership);
    }

    fn is_ours(&self, live: &Live, ownership: &Ownership) -> bool {
        marks::is_ours(live, ownership)
    }

    fn is_going(&self, live: &Live) -> bool {
        at(&live.body, &["metadata", "deletionTimestamp"]).is_some_and(Json::is_string)
    }

    fn is_part(&self, desired: &Desired) -> bool {
        marks::patch_name(&desired.body).is_some()
    }

    fn release(&self, recorded: &Recorded) -> Option<Payload> {
        let body = recorded.sent.as_ref()?.body();
        marks::patch_name(body)?;
        let desired = Desired { body: body.clone(), ..Desired::default() };
        Some(Payload { desired, force: Vec::new(), remove: Vec::new() })
    }

    fn fingerprint(
        &self,
        desired: Option<&Desired>,
        live: &Live,
        ownership: &Ownership,
        key: &StackKey,
    ) -> Option<Digest> {
        Some(compare::fingerprint(desired, live, ownership, key))
    }

    fn compare(
        &self,
        desired: &Desired,
        recorded: Option<&Recorded>,
        live: &Live,
        ownership: &Ownership,
        ignore: &[Path],
        conflicts: &[Conflict],
        key: &StackKey,
    ) -> Comparison {
        compare::compare(&Question { desired, recorded, live, ownership, ignore, conflicts, key })
    }

    fn preview(&self, live: &Live, after: &DryRunAnswer, desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
        compare::preview(live, after, desired, key)
    }

    fn creation(&self, desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
        compare::creation(desired, key)
    }

    fn drift(&self, recorded: &Recorded, live: &Live, ownership: &Ownership, key: &StackKey) -> Vec<Drift> {
        compare::drift_only(recorded, live, ownership, key)
    }

    fn order(&self, objects: &[ObjectView<'_>], facts: &ClusterFacts) -> Ordering {
        // What AKS rewrites in webhooks lets fewer objects be intercepted, never more, so facts change nothing here.
        let _ = facts;
        order::order(objects)
    }

    fn check(&self, desired: &Desired, locator: &Locator, objects: &[ObjectView<'_>]) -> Vec<Note> {
        check::check(desired, locator, objects)
    }

    fn preflight(&self, objects: &[ObjectView<'_>], facts: &ClusterFacts, discovery: Option<&Discovery>) -> Vec<Note> {
        preflight::preflight(objects, facts, discovery)
    }

    fn protection(&self, body: &Json, locator: &Locator, adopted: bool) -> (Protection, Option<String>) {
        guard::protection(body, locator, adopted)
    }

    fn gate(&self, gate: &Gate, seen: &[Json]) -> GateState {
        ready::gate(gate, seen)
    }
}
