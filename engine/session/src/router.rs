//! Several services behind one face: each question goes to the provider of its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_contract::{Call, Progress, Provider, Ticket};
use kfplan_model::ResourceAddress;
use kfplan_plan::{
    Class, Container, Discovery, DryRun, DryRunAnswer, Gate, GateState, Live, Locator, Observation, Trouble,
};

/// Azure, if the stack needs it, and the clusters.
pub(crate) struct Router {
    pub(crate) azure: Option<Arc<dyn Provider>>,
    pub(crate) clusters: Arc<dyn Provider>,
}

fn no_azure() -> Trouble {
    Trouble::new(
        Class::Permanent,
        "no_azure",
        "this is an Azure resource, and the stack has no `[azure]`",
        "add `[azure]` with `subscription` to the stack file",
    )
}

impl Router {
    fn of(&self, locator: &Locator) -> Result<&Arc<dyn Provider>, Trouble> {
        match locator {
            Locator::Arm(_) => self.azure.as_ref().ok_or_else(no_azure),
            Locator::Object(_) => Ok(&self.clusters),
        }
    }
}

/// The questions for Azure, and those for clusters.
fn parted<Q: Clone>(questions: &[Q], is_arm: impl Fn(&Q) -> bool) -> (Vec<Q>, Vec<Q>) {
    questions.iter().cloned().partition(is_arm)
}

/// The answers of both, in the order of the questions.
fn joined<Q, A>(questions: &[Q], is_arm: impl Fn(&Q) -> bool, arm: Vec<A>, clusters: Vec<A>) -> Vec<A> {
    let (mut arm, mut clusters) = (arm.into_iter(), clusters.into_iter());
    questions.iter().filter_map(|question| if is_arm(question) { arm.next() } else { clusters.next() }).collect()
}

fn is_arm_place(place: &Locator) -> bool {
    matches!(place, Locator::Arm(_))
}

fn is_arm_container(container: &Container) -> bool {
    matches!(container, Container::Group(_))
}

impl Router {
    async fn observe_azure(&self, places: &[Locator]) -> Vec<Observation> {
        match &self.azure {
            _ if places.is_empty() => Vec::new(),
            Some(azure) => azure.observe(places).await,
            None => places.iter().map(|_| Observation::Failed(no_azure())).collect(),
        }
    }

    async fn survey_azure(&self, containers: &[Container]) -> Vec<Result<Vec<(Locator, Live)>, Trouble>> {
        match &self.azure {
            _ if containers.is_empty() => Vec::new(),
            Some(azure) => azure.survey(containers).await,
            None => containers.iter().map(|_| Err(no_azure())).collect(),
        }
    }
}

#[async_trait::async_trait]
impl Provider for Router {
    async fn observe(&self, places: &[Locator]) -> Vec<Observation> {
        let (azure, clusters) = parted(places, is_arm_place);
        let (azure, clusters) = futures::join!(self.observe_azure(&azure), self.clusters.observe(&clusters));
        joined(places, is_arm_place, azure, clusters)
    }

    async fn dry_run(&self, questions: &[DryRun]) -> Vec<DryRunAnswer> {
        self.clusters.dry_run(questions).await
    }

    async fn discover(&self, clusters: &[ResourceAddress]) -> BTreeMap<ResourceAddress, Result<Discovery, Trouble>> {
        self.clusters.discover(clusters).await
    }

    async fn survey(&self, containers: &[Container]) -> Vec<Result<Vec<(Locator, Live)>, Trouble>> {
        let (azure, clusters) = parted(containers, is_arm_container);
        let (azure, clusters) = futures::join!(self.survey_azure(&azure), self.clusters.survey(&clusters));
        joined(containers, is_arm_container, azure, clusters)
    }

    async fn begin(&self, call: &Call) -> Progress {
        match self.of(&call.locator) {
            Ok(provider) => provider.begin(call).await,
            Err(trouble) => Progress::Failed(trouble),
        }
    }

    async fn progress(&self, ticket: &Ticket) -> Progress {
        match self.of(&ticket.locator) {
            Ok(provider) => provider.progress(ticket).await,
            Err(trouble) => Progress::Failed(trouble),
        }
    }

    async fn probe(&self, gate: &Gate) -> Result<GateState, Trouble> {
        self.of(&gate.locator)?.probe(gate).await
    }
}
