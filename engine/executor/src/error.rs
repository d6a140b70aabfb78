//! Why a job cannot be begun.

use kfplan_model::Address;

/// A job that does not fit its plan. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Not every step has its preparation.
    #[error("the plan has {steps} steps, and {prepared} are prepared")]
    Count {
        /// How many steps the plan has.
        steps: usize,
        /// How many are prepared.
        prepared: usize,
    },
    /// The plan's edges close a ring, or name a step that is not there.
    #[error("the plan's edges are no order")]
    Edges(#[source] kfplan_graph::DagError),
    /// A step lacks what it needs.
    #[error("the step for `{address}` is not prepared: {lacks}")]
    Unprepared {
        /// What the step is about.
        address: Box<Address>,
        /// What is missing.
        lacks: &'static str,
    },
}
