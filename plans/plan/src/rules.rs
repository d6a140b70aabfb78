//! The pure half of what a family of APIs knows: comparing, ordering, readiness.

use kfplan_model::{Address, Conflict, Path};
use serde_json::Value as Json;

use crate::change::{Drift, FieldChange, Protection, Witness};
use crate::desired::{Desired, Payload};
use crate::digest::{Digest, StackKey};
use crate::gate::{Gate, GateState};
use crate::kind::ClusterFacts;
use crate::locator::Locator;
use crate::note::Note;
use crate::observation::{Discovery, DryRunAnswer, Live};
use crate::plan::EdgeKind;
use crate::record::Recorded;

/// Whose marks are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ownership {
    /// The stack's name.
    pub stack: String,
    /// The environment.
    pub environment: String,
    /// The state's lineage.
    pub lineage: String,
    /// The field manager for Kubernetes: `kfplan:STACK`.
    pub manager: String,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Comparison {
    /// The fields that would change: empty means nothing to do.
    pub changes: Vec<FieldChange>,
    /// What changed behind our back, at paths that were applied.
    pub drift: Vec<Drift>,
    /// Why the thing must be replaced, if it must.
    pub replace: Vec<String>,
    /// Fields of the desired body that other managers own.
    pub conflicts: Vec<Conflicting>,
    /// Paths to take from other managers by policy.
    pub force: Vec<Path>,
    /// Paths that were sent last time and are not wanted now. The planner hands them on in [`crate::Payload::remove`]: an
    /// ARM body is the live one with the stated paths merged in, so what is no longer stated has to be named.
    pub remove: Vec<Path>,
    /// Paths that are yielded: not sent.
    pub yielded: Vec<Path>,
    /// Whether only a server-side dry run can decide (no record).
    pub wants_dry_run: bool,
    /// Keyed digest of values and owners at the paths that are read or written.
    pub fields: Option<Digest>,
    /// What is to be said.
    pub notes: Vec<Note>,
}

/// A field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicting {
    /// Where.
    pub path: Path,
    /// Who.
    pub witness: Witness,
}

/// One object as ordering sees it.
pub struct ObjectView<'a> {
    /// Its address.
    pub address: &'a Address,
    /// Where it is.
    pub locator: &'a Locator,
    /// Its body: desired, or live for what is recorded and not desired.
    pub body: &'a Json,
    /// Whether a step changes it.
    pub changing: bool,
    /// Whether it is going away.
    pub going: bool,
}

/// What [`Rules::order`] found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ordering {
    /// Edges between objects, by place in the given slice.
    pub edges: Vec<OrderEdge>,
    /// Gates, each on one object of the slice.
    pub gates: Vec<OrderGate>,
}

/// `to` comes after `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderEdge {
    /// Place of the first.
    pub from: usize,
    /// Place of the second.
    pub to: usize,
    /// Why.
    pub kind: EdgeKind,
}

/// A gate on one object, and who waits for it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderGate {
    /// Place of the object that the gate looks at; the gate comes after its step.
    pub on: usize,
    /// The gate's name, such as `established`.
    pub name: &'static str,
    /// The gate.
    pub gate: Gate,
    /// Further places that must be applied before the gate can open (the Deployment behind a webhook).
    pub after: Vec<usize>,
    /// Places of the objects that wait for it.
    pub waiters: Vec<usize>,
}

/// What a family of APIs knows, without any I/O.
pub trait Rules: Send + Sync {
    /// Adds our marks (labels, annotations, tags) to a desired body, after rendering.
    fn mark(&self, desired: &mut Desired, address: &Address, ownership: &Ownership);

    /// Whether `live` carries the marks of this stack, environment and lineage.
    fn is_ours(&self, live: &Live, ownership: &Ownership) -> bool;

    /// Whether `live` is going away by itself (deletionTimestamp, `Deleting`).
    fn is_going(&self, live: &Live) -> bool;

    /// Whether `live` is still being made, so that nothing in it can be asked or changed yet (a cluster in `Creating`).
    fn is_coming(&self, live: &Live) -> bool {
        let _ = live;
        false
    }

    /// Whether `desired` states only some fields of a thing that somebody else makes (a `patch`): it is never created,
    /// adopted, or deleted. Where the thing is absent, the plan is blocked; when it shall go, [`Rules::release`] says what is sent.
    fn is_part(&self, desired: &Desired) -> bool {
        let _ = desired;
        false
    }

    /// What is sent with [`crate::Action::Delete`] for what was only part of somebody else's thing: the provider then
    /// puts the earlier values back and lets the fields go. `None` for what is deleted as a whole.
    fn release(&self, recorded: &Recorded) -> Option<Payload> {
        let _ = recorded;
        None
    }

    /// Keyed digest of the values and owners at the paths that a step reads or writes, as in [`Comparison::fields`]; for
    /// preconditions of deletes (`desired` is `None`) and for whoever checks a precondition against a fresh read.
    fn fingerprint(
        &self,
        desired: Option<&Desired>,
        live: &Live,
        ownership: &Ownership,
        key: &StackKey,
    ) -> Option<Digest> {
        let _ = (desired, live, ownership, key);
        None
    }

    /// Compares what is desired with what was sent and what is there: R, S, A, O and L of the architecture page.
    /// `desired` is marked already. `ignore` are the `ignore_changes` paths, `conflicts` the policies.
    #[expect(clippy::too_many_arguments, reason = "the five letters of comparing, and the policies")]
    fn compare(
        &self,
        desired: &Desired,
        recorded: Option<&Recorded>,
        live: &Live,
        ownership: &Ownership,
        ignore: &[Path],
        conflicts: &[Conflict],
        key: &StackKey,
    ) -> Comparison;

    /// What an accepted dry run would change, field by field.
    fn preview(&self, live: &Live, after: &DryRunAnswer, desired: &Desired, key: &StackKey) -> Vec<FieldChange>;

    /// The fields of a create, for the reader.
    fn creation(&self, desired: &Desired, key: &StackKey) -> Vec<FieldChange>;

    /// Only drift: what of S differs from A in the live thing. Needs neither rendering nor the stack file.
    fn drift(&self, recorded: &Recorded, live: &Live, ownership: &Ownership, key: &StackKey) -> Vec<Drift>;

    /// Edges and gates among all objects of one cluster, across resources, planned and live.
    fn order(&self, objects: &[ObjectView<'_>], facts: &ClusterFacts) -> Ordering;

    /// Checks a body that cannot be dry-run: structure, names, and custom resources against the CRDs among `objects`.
    fn check(&self, desired: &Desired, locator: &Locator, objects: &[ObjectView<'_>]) -> Vec<Note>;

    /// What the cluster will not serve, deprecated or floating things, and the like, for all objects of one cluster at once.
    fn preflight(&self, objects: &[ObjectView<'_>], facts: &ClusterFacts, discovery: Option<&Discovery>) -> Vec<Note>;

    /// What protects this thing from an implied delete, with what would be lost, from the live thing and its contents.
    fn protection(&self, body: &Json, locator: &Locator, adopted: bool) -> (Protection, Option<String>);

    /// Judges a gate from what was seen; `seen` holds the gate's own object first, then what the provider added to it
    /// (pods, nodes, endpoints, webhook probes).
    fn gate(&self, gate: &Gate, seen: &[Json]) -> GateState;
}
