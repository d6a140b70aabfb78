//! Gates: what a step waits for beside other steps.

use serde::{Deserialize, Serialize};

use crate::locator::Locator;

/// Waits until something is as it must be. Has no record; stands in a plan only
/// when a changing step waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// What is looked at.
    pub locator: Locator,
    /// What must hold.
    pub probe: Probe,
    /// How long to wait, in seconds.
    pub timeout: u64,
    /// Why somebody waits, as a sentence without a full stop.
    pub why: String,
}

/// What must hold for a gate to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// The object is ready by the rules of its kind.
    Ready,
    /// The CRD is established and its kind is served in these versions.
    Established {
        /// The versions that the plan uses.
        versions: Vec<String>,
    },
    /// The admission webhook answers: endpoints are ready, its CA bundle is there, and a dry run of an
    /// intercepted object passes where side effects allow one.
    WebhookAnswers {
        /// The name of the webhook inside its configuration; `None` for all of them.
        webhook: Option<String>,
    },
    /// The nodes of these pools offer the resource, such as `nvidia.com/gpu`.
    Allocatable {
        /// The extended resource.
        resource: String,
        /// The agent pools whose nodes must have it; empty: every node that the DaemonSet selects.
        pools: Vec<String>,
    },
    /// The object is gone.
    Gone,
    /// Nothing beyond the steps that it comes after: it joins the steps of a resource, so that each step that
    /// waits for the whole of it waits for one. Opens at once; nobody is asked.
    Joined,
}

/// The answer of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// What must hold holds.
    Open,
    /// It holds, but proves little: such as a DaemonSet with no nodes. With the reason.
    OpenUnverified(String),
    /// Not yet, and what it waits for.
    Closed(String),
    /// It will never open by waiting, and why.
    Broken(String),
}
