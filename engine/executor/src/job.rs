//! What the core is given: a plan, and for each step what the plan may not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kfplan_graph::Dag;
use kfplan_model::{Address, ResourceAddress};
use kfplan_plan::{Action, Payload, Plan, Record, RunId, StackKey, Trouble, Work};
use serde_json::Value as Json;

use crate::error::JobError;

/// Outputs by address and name, sensitive ones included: memory only.
pub type Outputs = BTreeMap<Address, BTreeMap<String, Json>>;

/// A plan that is to be carried out.
pub struct Job {
    /// The plan.
    pub plan: Arc<Plan>,
    /// For each step what it needs, in the plan's order.
    pub steps: Vec<Prepared>,
    /// The key that seals bodies for the record.
    pub key: StackKey,
    /// The run.
    pub run: RunId,
    /// Fills the holes of payloads.
    pub fill: Arc<dyn Fill>,
    /// Outputs that are known from before: of what the plan leaves alone, and of steps done earlier.
    pub outputs: Outputs,
}

/// What a step needs beside its place in the plan.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// What is sent.
    pub payload: Option<Payload>,
    /// The record as it is now.
    pub before: Option<Box<Record>>,
    /// The record as it shall be. What the service answers (uid, version, differences, owned
    /// fields, outputs), what was sent, run and state are filled in.
    pub after: Option<Box<Record>>,
    /// Outputs that never reach a record, since they are secret.
    pub secret_outputs: BTreeSet<String>,
    /// Records that go with the thing when it is deleted: the contents of a container.
    pub contents: Vec<Address>,
    /// Whether an earlier run of the same plan did it.
    pub is_done: bool,
}

/// Fills what is known only when other steps are done.
pub trait Fill: Send + Sync {
    /// The payload of a step, with nothing late in it. Called once, when all that the step waits for is done.
    ///
    /// # Errors
    ///
    /// [`Trouble`] when a value is missing, or would alter what the plan said of the step.
    fn fill(&self, step: usize, payload: &Payload, done: &Outputs) -> Result<Payload, Trouble>;

    /// The identity of a cluster, if it became known meanwhile.
    fn identity(&self, cluster: &ResourceAddress) -> Option<String> {
        let _ = cluster;
        None
    }
}

impl Job {
    /// Checks that every step has what it needs, and gives the order of the steps.
    pub(crate) fn check(&self) -> Result<Dag, JobError> {
        let (steps, prepared) = (self.plan.steps.len(), self.steps.len());
        if steps != prepared {
            return Err(JobError::Count { steps, prepared });
        }
        for (step, prepared) in self.plan.steps.iter().zip(&self.steps) {
            if let Some(lacks) = lacks(&step.work, prepared) {
                return Err(JobError::Unprepared { address: Box::new(step.address.clone()), lacks });
            }
        }
        let edges = self.plan.edges.iter().map(|edge| (edge.from as usize, edge.to as usize));
        Dag::new(steps, edges).map_err(JobError::Edges)
    }
}

/// What a step lacks to be carried out.
fn lacks(work: &Work, prepared: &Prepared) -> Option<&'static str> {
    let change = work.change()?;
    if prepared.is_done {
        return None;
    }
    let (payload, before, after) = (prepared.payload.is_some(), prepared.before.is_some(), prepared.after.is_some());
    match change.action {
        Action::Create | Action::Adopt | Action::Update if !payload => Some("its body is missing"),
        Action::Create | Action::Adopt | Action::Update if !after => Some("its record is missing"),
        Action::Replace if !payload => Some("its body is missing"),
        Action::Replace if !after || !before => Some("its records are missing"),
        Action::Delete if !before => Some("its record is missing"),
        Action::Refresh if !after => Some("its record is missing"),
        Action::Create
        | Action::Adopt
        | Action::Update
        | Action::Replace
        | Action::Delete
        | Action::Forget
        | Action::Refresh => None,
    }
}
