//! Runs and their events.

use kfplan_model::Address;
use serde::{Deserialize, Serialize};

use crate::change::Action;
use crate::trouble::Trouble;

/// Which run: the time it began and a random part, such as `20261124T102233-9f3a`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub String);

/// Something that happened to a step of a run. Durable before anybody hears of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// The step's place in the plan.
    pub step: u32,
    /// The step's address.
    pub address: Address,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened to a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The provider was asked. Written before the call, so that after a crash
    /// "started" means "in doubt", never "not done".
    Started {
        /// What is done; `None` for a gate.
        action: Option<Action>,
    },
    /// The provider accepted, and is busy with what `on` says.
    Waiting {
        /// What it waits for.
        on: String,
    },
    /// The service asked for patience.
    Throttled {
        /// How long, in milliseconds.
        after: u64,
    },
    /// The step is done.
    Done {
        /// A remark, such as "ready, not verified: no node".
        remark: Option<String>,
    },
    /// It failed for good.
    Failed {
        /// What went wrong.
        trouble: Trouble,
    },
    /// The world moved where it matters; nothing was changed.
    Stale {
        /// Old and new, one line each.
        moved: Vec<String>,
    },
    /// Not tried, because the step `cause` did not succeed.
    Skipped {
        /// The step that did not succeed.
        cause: Address,
    },
    /// Not tried or not finished, because the run was interrupted.
    Interrupted,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not begun.
    Pending,
    /// Asked, or being waited for.
    Running,
    /// Done.
    Done,
    /// Failed for good.
    Failed,
    /// Refused because the world moved.
    Stale,
    /// Not tried because of another step.
    Skipped,
    /// Cut short by an interrupt.
    Interrupted,
}

impl Status {
    /// The status after `event`, or `None` when that event may not follow.
    #[must_use]
    pub const fn after(self, event: &EventKind) -> Option<Self> {
        match (self, event) {
            (Self::Pending, EventKind::Started { .. }) => Some(Self::Running),
            (Self::Pending, EventKind::Skipped { .. }) => Some(Self::Skipped),
            (Self::Pending | Self::Running, EventKind::Interrupted) => Some(Self::Interrupted),
            (Self::Running, EventKind::Waiting { .. } | EventKind::Throttled { .. } | EventKind::Started { .. }) => {
                Some(Self::Running)
            }
            (Self::Running, EventKind::Done { .. }) => Some(Self::Done),
            (Self::Running, EventKind::Failed { .. }) => Some(Self::Failed),
            (Self::Running, EventKind::Stale { .. }) => Some(Self::Stale),
            _ => None,
        }
    }
}
