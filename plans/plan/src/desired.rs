//! What a resource shall be, and the body that is sent for it.

use std::fmt;

use kfplan_model::{Late, Path};
use serde_json::Value as Json;

/// What one node of the plan shall be. Holds secrets: memory only, never shown by `Debug`.
#[derive(Clone, PartialEq, Default)]
pub struct Desired {
    /// The body, with `null` where a hole is.
    pub body: Json,
    /// The leaves that are known only after other steps are done.
    pub holes: Vec<Hole>,
    /// Paths whose values, and all below them, are never printed or stored.
    pub sensitive: Vec<Path>,
}

/// A leaf of a body that is filled when what it waits for is done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hole {
    /// Where in the body.
    pub path: Path,
    /// What fills it.
    pub late: Late,
}

/// The body of one step, in memory only: a plan holds its keyed digest.
#[derive(Clone, PartialEq)]
pub struct Payload {
    /// What is sent, and what of it is secret or late.
    pub desired: Desired,
    /// Field paths that are taken from other managers: planned takes, the only reason to force.
    pub force: Vec<Path>,
    /// Paths that were sent last time and are not wanted now, for services that merge ([`crate::Comparison::remove`]).
    pub remove: Vec<Path>,
}

impl fmt::Debug for Desired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desired")
            .field("holes", &self.holes)
            .field("sensitive", &self.sensitive)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("desired", &self.desired)
            .field("force", &self.force)
            .field("remove", &self.remove)
            .finish()
    }
}
