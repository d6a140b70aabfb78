//! What state remembers beside records: identities, outputs, runs.

use std::collections::BTreeMap;

use kfplan_plan::{Digest, RunId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How many runs are remembered.
const RUNS_KEPT: usize = 50;

/// Everything but records, bodies and events: small, whatever the size of the stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The random name of this state; labels and tags carry it.
    pub lineage: String,
    /// How many runs and state commands there were: whoever holds an older serial planned on another state.
    pub serial: u64,
    /// The place in the journal of the last entry that is in here.
    pub sequence: u64,
    /// The key's digest of the lineage, so that another key is noticed.
    pub key_check: Digest,
    /// Identities that this state is bound to, such as `tenant`.
    pub bindings: BTreeMap<String, String>,
    /// The stack's outputs after the last run that finished.
    pub outputs: BTreeMap<String, Json>,
    /// The last runs, oldest first.
    pub runs: Vec<Run>,
}

/// One run, or one command that changed the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which.
    pub run: RunId,
    /// The plan's id; empty for a state command.
    pub plan: String,
    /// Who, as `user@host`.
    pub who: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub began: u64,
    /// The command.
    pub command: String,
    /// How many steps its plan had.
    pub steps: u32,
    /// How it ended; `None` while it runs, or when it was killed.
    pub ended: Option<Ended>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The exit code.
    pub exit: u8,
    /// Whether every step of its plan was done.
    pub finished: bool,
}

impl Ledger {
    /// The ledger of a state in which nothing happened yet.
    pub(crate) fn new(lineage: String, key_check: Digest) -> Self {
        Self {
            lineage,
            serial: 0,
            sequence: 0,
            key_check,
            bindings: BTreeMap::new(),
            outputs: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    /// Adds a run and forgets the oldest ones.
    pub(crate) fn begin(&mut self, run: Run) {
        self.serial += 1;
        self.runs.push(run);
        let surplus = self.runs.len().saturating_sub(RUNS_KEPT);
        self.runs.drain(..surplus);
    }

    /// Whether the run is still remembered.
    pub(crate) fn remembers(&self, run: &RunId) -> bool {
        self.runs.iter().any(|known| known.run == *run)
    }
}
