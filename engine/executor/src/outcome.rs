//! How a job ended.

use std::collections::BTreeMap;

use kfplan_plan::{Status, Trouble};

use crate::job::Outputs;

/// How a job ended.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Where each step stands, in the plan's order.
    pub statuses: Vec<Status>,
    /// What went wrong, by step.
    pub troubles: BTreeMap<usize, Trouble>,
    /// What moved, by step: old and new, a line each.
    pub stale: BTreeMap<usize, Vec<String>>,
    /// The outputs of every step that is done, beside those that were known before.
    pub outputs: Outputs,
    /// The steps whose outcome is not known: their records are in doubt, and the next plan looks.
    pub in_doubt: Vec<usize>,
    /// Whether anything of the world was changed, or may have been.
    pub changed: bool,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// Why the state could not be written, if it could not: nothing was begun after that.
    pub unrecorded: Option<String>,
}

impl Outcome {
    /// Whether every step is done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.statuses.iter().all(|status| *status == Status::Done)
    }

    /// How many steps stand so.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.statuses.iter().filter(|found| **found == status).count()
    }

    /// The exit code that these steps alone would have: 0 done, 130 interrupted, 3 applied in part,
    /// 4 stale, 1 nothing changed.
    #[must_use]
    pub fn exit(&self) -> u8 {
        if self.interrupted {
            130
        } else if self.is_finished() && self.unrecorded.is_none() {
            0
        } else if self.changed {
            3
        } else if !self.stale.is_empty() {
            4
        } else {
            1
        }
    }
}
