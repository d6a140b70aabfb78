//! Decides what must change. Pure: no clock, network, file, or randomness.
//!
//! [`plan`] is the way in. It takes all that is known as one value, [`Input`],
//! and gives either the whole plan or the questions that stand in its way.
//! Whoever asked answers them and calls again; whatever was decided happens
//! after it returned. [`drift`] is the same dialogue about records alone.
//!
//! Beside these there are two small functions for whoever carries a plan out:
//! [`fill`] puts values that became known into a body, and [`continue_plan`]
//! says whether a saved plan still holds, and which of its steps are done.

mod cluster;
mod contract;
mod decide;
mod drift;
mod error;
mod expand;
mod fill;
mod find;
mod going;
mod groups;
mod input;
mod inventory;
mod kept;
mod late;
mod order;
mod pattern;
mod plan;
mod questions;
mod records;
mod select;
mod stale;
mod steps;
mod verify;

pub use drift::{DriftAnswer, Drifted, Undecided, drift};
pub use error::{PlanError, PlanErrors};
pub use fill::{FillError, fill};
pub use input::{Adoption, Answer, Answers, Input, Options, Planned, Question, StateIdentity, Wait};
pub use plan::plan;
pub use stale::{Continued, PastRuns, continue_plan};

#[cfg(test)]
mod tests;
