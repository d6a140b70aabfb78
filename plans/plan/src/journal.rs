//! The journal: what is appended, durably, before anybody hears of it.

use kfplan_model::Address;
use serde::{Deserialize, Serialize};

use crate::change::Action;
use crate::digest::{Digest, Sealed};
use crate::locator::Locator;
use crate::record::Record;
use crate::run::{Event, RunId};

/// A call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What is done.
    pub action: Action,
    /// Where.
    pub locator: Locator,
    /// The plan it is part of.
    pub plan: String,
    /// The step's place in that plan.
    pub step: u32,
    /// Digest of the sealed body, so that what is found can be recognised.
    pub sent: Option<Digest>,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
}

/// One entry of the journal. Replaying entries in order gives the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// A run of a plan began.
    RunBegan {
        /// The run.
        run: RunId,
        /// The plan's id.
        plan: String,
        /// Who runs it, as `user@host`.
        who: String,
        /// Milliseconds since the Unix epoch.
        at: u64,
        /// The command: `apply` or `destroy`.
        command: String,
        /// How many steps the plan has.
        steps: u32,
    },
    /// A call is about to be made. Creates or marks the record of `record.address` as in doubt.
    Intended {
        /// The record as it is while in doubt.
        record: Box<Record>,
        /// The sealed body that is about to be sent (S), stored by its digest.
        sent: Option<Sealed>,
    },
    /// A call's outcome, with the record as it is now.
    Settled {
        /// The record.
        record: Box<Record>,
    },
    /// The thing is gone, or is to be forgotten.
    Removed {
        /// Whose record is dropped.
        address: Address,
    },
    /// A record has another address now (`[[moved]]`, `state mv`).
    Moved {
        /// The old address.
        from: Address,
        /// The new one.
        to: Address,
    },
    /// Something happened to a step.
    Happened {
        /// The run.
        run: RunId,
        /// What happened.
        event: Event,
    },
    /// Identities that state is bound to.
    Bound {
        /// What, such as `tenant`, `subscription`, or `cluster:aks_cluster.main`.
        what: String,
        /// Its identity.
        identity: String,
    },
    /// Outputs of the stack after a run. Sensitive ones are left out.
    Outputs {
        /// Name and value.
        values: std::collections::BTreeMap<String, serde_json::Value>,
    },
    /// The run ended.
    RunEnded {
        /// The run.
        run: RunId,
        /// Milliseconds since the Unix epoch.
        at: u64,
        /// The exit code that it computed.
        exit: u8,
        /// Whether every step of the plan is done: a finished plan is refused a second time.
        finished: bool,
    },
}

/// Where entries are appended.
pub trait Journal: Send {
    /// Appends all entries as one batch: after a crash either all or none of them is there. Durable on return.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when the batch is not durable; the caller must then start nothing new.
    fn append(&mut self, entries: &[Entry]) -> Result<(), JournalError>;
}

/// A journal that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot record in the state at `{place}`: {reason}")]
pub struct JournalError {
    /// Where.
    pub place: String,
    /// What the system said.
    pub reason: String,
}
