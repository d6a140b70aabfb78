//! The provider: looks at ARM resources, and asks for changes of them.

mod course;
mod look;
mod progress;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _};
use kfplan_contract::{Call, Progress, Provider, Ticket};
use kfplan_model::ResourceAddress;
use kfplan_plan::{
    Action, Applied, Class, Container, Discovery, DryRun, DryRunAnswer, Gate, GateState, Live, Locator, Observation,
    Probe, Rules as _, StackKey, Trouble,
};

use crate::client::ArmClient;
use crate::id::ArmId;
use crate::rules::ArmRules;
pub use course::Pace;
use course::{Course, Job};

/// How many resources are asked for at once.
const ABREAST: usize = 16;
/// The api-version that the resources of a group are listed with.
const LIST_VERSION: &str = "2021-04-01";

/// Azure Resource Manager as a provider.
pub struct Azure {
    client: Arc<ArmClient>,
    key: StackKey,
    pace: Pace,
}

impl std::fmt::Debug for Azure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Azure").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Azure {
    /// A provider over this client. `key` is the stack's: preconditions are digests under it.
    #[must_use]
    pub fn new(client: Arc<ArmClient>, key: StackKey) -> Self {
        Self { client, key, pace: Pace::default() }
    }

    /// The same provider, looking at another pace.
    #[must_use]
    pub fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The client beneath.
    #[must_use]
    pub const fn client(&self) -> &Arc<ArmClient> {
        &self.client
    }
}

/// The id and api-version of a place; objects of clusters are somebody else's.
fn place(locator: &Locator) -> Result<(ArmId, &str), Trouble> {
    match locator {
        Locator::Arm(arm) => Ok((ArmId::new(arm.id.as_str()), &arm.api_version)),
        Locator::Object(_) => Err(Trouble::new(
            Class::Permanent,
            "NotArm",
            format!("`{locator}` is not in Azure Resource Manager"),
            "report this: the wrong provider was asked",
        )),
    }
}

#[async_trait]
impl Provider for Azure {
    async fn observe(&self, places: &[Locator]) -> Vec<Observation> {
        let looks: Vec<_> = places.iter().map(|place| self.look(place).boxed()).collect();
        futures::stream::iter(looks).buffered(ABREAST).collect().await
    }

    async fn dry_run(&self, questions: &[DryRun]) -> Vec<DryRunAnswer> {
        let why = "Azure Resource Manager has no dry run of an object";
        questions.iter().map(|_| DryRunAnswer::NotPossible(why.to_owned())).collect()
    }

    async fn discover(&self, _clusters: &[ResourceAddress]) -> BTreeMap<ResourceAddress, Result<Discovery, Trouble>> {
        BTreeMap::new()
    }

    async fn survey(&self, containers: &[Container]) -> Vec<Result<Vec<(Locator, Live)>, Trouble>> {
        let asked: Vec<_> = containers.iter().map(|container| self.contents(container).boxed()).collect();
        futures::stream::iter(asked).buffered(ABREAST).collect().await
    }

    async fn begin(&self, call: &Call) -> Progress {
        let job = Job { action: call.action, locator: call.locator.clone(), payload: call.payload.clone() };
        let begun = match call.action {
            Action::Forget => return Progress::Done(Box::default()),
            Action::Delete => self.delete(&job, &call.precondition).await,
            Action::Create | Action::Adopt | Action::Update | Action::Replace | Action::Refresh => {
                self.write(&job, &call.precondition, 0).await
            }
        };
        begun.unwrap_or_else(Progress::Failed)
    }

    async fn progress(&self, ticket: &Ticket) -> Progress {
        let job = Job { action: ticket.action, locator: ticket.locator.clone(), payload: ticket.payload.clone() };
        let Ok(course) = serde_json::from_str::<Course>(&ticket.token) else {
            let help = "run the same command again: what runs in Azure is found there";
            return Progress::Failed(Trouble::new(
                Class::Permanent,
                "BadTicket",
                "the ticket is none of Azure's",
                help,
            ));
        };
        self.go_on(&job, course).await.unwrap_or_else(Progress::Failed)
    }

    async fn probe(&self, gate: &Gate) -> Result<GateState, Trouble> {
        if gate.probe == Probe::Joined {
            return Ok(GateState::Open);
        }
        let seen = match self.look(&gate.locator).await {
            Observation::Absent => Vec::new(),
            Observation::Present(live) => vec![live.body],
            Observation::Failed(trouble) => return Err(trouble),
            Observation::Denied(why) | Observation::Unreachable(why) => {
                return Err(Trouble::new(Class::Auth, "Denied", why, "give the signed-in principal the role Reader"));
            }
            Observation::NotServed => Vec::new(),
        };
        Ok(ArmRules.gate(gate, &seen))
    }
}

/// What an accepted write has become.
fn applied(id: &ArmId, job: &Job, live: &Live) -> Progress {
    let sent = job.payload.as_ref().map(|payload| &payload.desired.body);
    Progress::Done(Box::new(Applied {
        uid: live.uid.clone(),
        version: live.version.clone(),
        differences: sent.map(|sent| crate::bodies::differences(sent, &live.body)).unwrap_or_default(),
        owned: None,
        outputs: crate::kinds::outputs_of(id, &live.body),
    }))
}

#[cfg(test)]
mod tests;
