//! Notes: what a plan says beside its steps.

use kfplan_model::Address;
use serde::{Deserialize, Serialize};

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Stops `apply` (exit 6); the plan is printed all the same.
    Blocks,
    /// Somebody should read it.
    Warning,
    /// Says why something is as it is.
    Info,
}

/// One thing that a plan has to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Note {
    /// How much it matters.
    pub severity: Severity,
    /// A stable code, such as `preflight::removed_api`; listed in `docs/errors.md`.
    pub code: String,
    /// What it is about, if about one thing.
    pub address: Option<Address>,
    /// What is so: lower case, no full stop.
    pub message: String,
    /// What to do, if anything.
    pub help: Option<String>,
}
