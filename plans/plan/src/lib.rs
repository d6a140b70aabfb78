//! What is decided and what is recorded, as values.
//!
//! A [`Plan`] is all that a reviewer, a view, and the executor see: it can be
//! stored, and it never holds a secret. A [`Payload`] holds the bodies that are
//! sent; it lives in memory only. [`Record`]s are what state remembers, [`Entry`]s
//! what the journal appends, [`Event`]s what a run tells.
//!
//! The pure half of what a resource type knows is a [`Kind`], and of what a
//! family of APIs knows (comparing, ordering, readiness) [`Rules`]. Providers
//! implement them, the session hands them to config and planner. Nothing here
//! does I/O, reads a clock, or makes a choice.

mod change;
mod desired;
mod digest;
mod gate;
mod journal;
mod kind;
mod locator;
mod note;
mod observation;
mod plan;
mod record;
mod rules;
mod run;
mod schema;
mod trouble;

pub use change::{
    Action, Change, Drift, FieldChange, Kept, Precondition, Protection, Replaced, Shown, Verified, Witness,
};
pub use desired::{Desired, Hole, Payload};
pub use digest::{Digest, Sealed, StackKey};
pub use gate::{Gate, GateState, Probe};
pub use journal::{Entry, Intent, Journal, JournalError};
pub use kind::{ClusterFacts, Draft, Expansion, Kind, Kinds, Problem, RenderRequest, Rendered, RenderedObject, Scene};
pub use locator::{ArmLocator, Container, Endpoint, Locator, ObjectLocator};
pub use note::{Note, Severity};
pub use observation::{Applied, DeadWebhook, Discovery, DryRun, DryRunAnswer, Live, Observation, ServedKind};
pub use plan::{Edge, EdgeKind, Group, Header, InputDigest, Mode, PLAN_FORMAT, Plan, PlanFileError, Step, Work};
pub use record::{Difference, RECORD_FORMAT, Record, RecordState, Recorded};
pub use rules::{Comparison, Conflicting, ObjectView, OrderEdge, OrderGate, Ordering, Ownership, Rules};
pub use run::{Event, EventKind, RunId, Status};
pub use schema::{Field, OnChange, OutputField, Schema, Shape};
pub use trouble::{Class, Trouble};

#[cfg(test)]
mod tests;
