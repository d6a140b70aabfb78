//! What a provider promises: it looks, asks, and reports.
//!
//! Asking twice does no more than asking once. "Not there" is an answer, not an
//! error; neither is "not allowed to look". A provider never sleeps and never
//! retries: it says how long it was told to wait, and the executor decides.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use kfplan_model::ResourceAddress;
use kfplan_plan::{
    Action, Applied, Container, Discovery, DryRun, DryRunAnswer, Gate, GateState, Live, Locator, Observation, Payload,
    Precondition, Trouble,
};

/// One call that changes something.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is done. [`Action::Replace`] never arrives here: the executor asks for a delete and a create.
    pub action: Action,
    /// Where.
    pub locator: Locator,
    /// The body; `None` for a delete. A delete with a body lets go of some fields of somebody else's thing
    /// ([`kfplan_plan::Rules::release`]): the body says which, and the thing stays.
    pub payload: Option<Payload>,
    /// What must still hold; judged from a fresh read by the provider just before it writes.
    pub precondition: Precondition,
}

/// How far a call is.
#[derive(Debug, Clone)]
pub enum Progress {
    /// The service took it, and it is as asked.
    Done(Box<Applied>),
    /// It is gone, or was never there (deletes).
    Gone,
    /// The service is busy with it.
    Waiting {
        /// What it is busy with, for the person.
        on: String,
        /// When to ask again.
        after: Duration,
        /// What to ask about.
        ticket: Box<Ticket>,
    },
    /// The service asks for patience; nothing was changed.
    Throttled {
        /// How long.
        after: Duration,
    },
    /// The precondition does not hold; nothing was changed. Old and new, a line each.
    Stale {
        /// What moved.
        moved: Vec<String>,
    },
    /// It failed.
    Failed(Trouble),
}

/// An operation under way. It lives in memory only: after a crash the thing itself is looked at.
#[derive(Clone)]
pub struct Ticket {
    /// Where.
    pub locator: Locator,
    /// What is done.
    pub action: Action,
    /// The provider's own words, such as an operation URL. Signed, so never shown.
    pub token: String,
    /// The body that was sent, to tell what the service made of it.
    pub payload: Option<Payload>,
}

/// Never shows the token.
impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket").field("locator", &self.locator).field("action", &self.action).finish_non_exhaustive()
    }
}

/// One service, or several behind one face.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What is at these places: one answer each, in the same order. Objects cost one LIST per kind and scope.
    async fn observe(&self, places: &[Locator]) -> Vec<Observation>;

    /// What the server would make of these: one answer each, in the same order. Writes nothing.
    async fn dry_run(&self, questions: &[DryRun]) -> Vec<DryRunAnswer>;

    /// What these clusters serve and who they are.
    async fn discover(&self, clusters: &[ResourceAddress]) -> BTreeMap<ResourceAddress, Result<Discovery, Trouble>>;

    /// What these containers hold that may be user data or somebody else's, recorded or not: one answer each, in
    /// the same order. Asked before a container is deleted. For a cluster: its claims, profiles, notebooks and the
    /// like; for a namespace or a definition: all objects; for a group: all resources. Writes nothing.
    async fn survey(&self, containers: &[Container]) -> Vec<Result<Vec<(Locator, Live)>, Trouble>> {
        containers.iter().map(|_| Ok(Vec::new())).collect()
    }

    /// Asks for a change.
    async fn begin(&self, call: &Call) -> Progress;

    /// Asks how far it is.
    async fn progress(&self, ticket: &Ticket) -> Progress;

    /// Looks whether a gate is open. A failure to look is an error, not a closed gate.
    async fn probe(&self, gate: &Gate) -> Result<GateState, Trouble>;
}
