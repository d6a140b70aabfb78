//! The dialogue with the planner: its questions are answered all at once, until there is a plan.

use std::collections::BTreeMap;
use std::time::Duration;

use kfplan_contract::Provider;
use kfplan_model::{Address, ResourceAddress};
use kfplan_plan::{Container, DryRun, Locator, Observation, RenderRequest};
use kfplan_planner::{Answers, Question};

use crate::error::{Failure, SessionError};
use crate::render::Renderer;

/// More rounds than any stack needs: the depth of its references and one for dry runs.
const MOST_ROUNDS: usize = 100;

/// The questions of one round, by who answers them.
#[derive(Default)]
struct Round {
    places: Vec<Locator>,
    dry_runs: Vec<(Address, DryRun)>,
    clusters: Vec<ResourceAddress>,
    renders: Vec<RenderRequest>,
    containers: Vec<Container>,
}

impl Round {
    fn of(questions: Vec<Question>) -> Self {
        let mut round = Self::default();
        for question in questions {
            match question {
                Question::Observe(place) => round.places.push(place),
                Question::DryRun(address, question) => round.dry_runs.push((address, *question)),
                Question::Discover(cluster) => round.clusters.push(cluster),
                Question::Render(request) => round.renders.push(*request),
                Question::Survey(container) => round.containers.push(container),
            }
        }
        round
    }
}

/// What one round of the dialogue gave: the result, or questions.
pub(crate) enum Turn<T> {
    /// What was wanted.
    End(T),
    /// What must be known first.
    Ask(Vec<Question>),
}

/// Calls `turn` with the answers so far until it ends.
pub(crate) async fn hold<T>(
    answers: &mut Answers,
    provider: &dyn Provider,
    renderer: &Renderer<'_>,
    mut turn: impl FnMut(&Answers) -> Result<Turn<T>, SessionError>,
) -> Result<T, SessionError> {
    for _ in 0..MOST_ROUNDS {
        match turn(answers)? {
            Turn::End(end) => return Ok(end),
            Turn::Ask(questions) => answer(Round::of(questions), answers, provider, renderer).await?,
        }
    }
    Err(Failure::new(
        "dialogue",
        format!("planning did not end after {MOST_ROUNDS} rounds of questions"),
        "this is a bug of kfplan; please report the stack file",
    )
    .into())
}

/// How long to wait before a server that is busy is asked again: a real one says so while it makes ready what CRDs define.
const PATIENCE: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Looks at places; what a busy server could not show is looked at again.
async fn observe(provider: &dyn Provider, places: &[Locator]) -> Vec<Observation> {
    let mut seen = provider.observe(places).await;
    for pause in PATIENCE {
        let busy: Vec<usize> = (0..seen.len()).filter(|at| seen.get(*at).is_some_and(is_busy)).collect();
        if busy.is_empty() {
            break;
        }
        tokio::time::sleep(pause).await;
        let again: Vec<Locator> = busy.iter().filter_map(|at| places.get(*at).cloned()).collect();
        for (at, fresh) in busy.into_iter().zip(provider.observe(&again).await) {
            if let Some(place) = seen.get_mut(at) {
                *place = fresh;
            }
        }
    }
    seen
}

/// Whether a server answered that it would answer later. One that does not answer at all is not asked again.
fn is_busy(observation: &Observation) -> bool {
    matches!(observation, Observation::Failed(trouble) if matches!(trouble.code.as_str(), "TooManyRequests" | "HTTP 429"))
}

async fn answer(
    round: Round,
    answers: &mut Answers,
    provider: &dyn Provider,
    renderer: &Renderer<'_>,
) -> Result<(), SessionError> {
    let dry_runs: Vec<DryRun> = round.dry_runs.iter().map(|(_, question)| question.clone()).collect();
    let (seen, tried, discovered, surveyed, rendered) = futures::join!(
        async { if round.places.is_empty() { Vec::new() } else { observe(provider, &round.places).await } },
        async { if dry_runs.is_empty() { Vec::new() } else { provider.dry_run(&dry_runs).await } },
        async { if round.clusters.is_empty() { BTreeMap::new() } else { provider.discover(&round.clusters).await } },
        async { if round.containers.is_empty() { Vec::new() } else { provider.survey(&round.containers).await } },
        renderer.render_all(&round.renders),
    );
    answers.observations.extend(round.places.into_iter().zip(seen));
    answers.dry_runs.extend(round.dry_runs.into_iter().map(|(address, _)| address).zip(tried));
    answers.discoveries.extend(discovered);
    answers.surveys.extend(round.containers.into_iter().zip(surveyed));
    for (request, rendered) in round.renders.into_iter().zip(rendered?) {
        answers.rendered.insert(request.resource.clone(), (request, rendered));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use kfplan_contract::{Call, Progress, Ticket};
    use kfplan_plan::{ArmLocator, Class, Discovery, DryRunAnswer, Gate, GateState, Trouble};

    use super::*;

    /// A server that is busy with the first place so many times; notes how many places it was asked for each time.
    struct Busy(Mutex<(usize, Vec<usize>)>);

    #[async_trait]
    impl Provider for Busy {
        async fn observe(&self, places: &[Locator]) -> Vec<Observation> {
            let mut state = self.0.lock().expect("no panic holds it");
            state.1.push(places.len());
            let is_busy = state.0 > 0;
            state.0 = state.0.saturating_sub(1);
            let mut seen = vec![Observation::Absent; places.len()];
            if is_busy && let Some(first) = seen.first_mut() {
                *first = Observation::Failed(Trouble::new(Class::Retryable, "TooManyRequests", "busy", "wait"));
            }
            seen
        }

        async fn dry_run(&self, _: &[DryRun]) -> Vec<DryRunAnswer> {
            Vec::new()
        }

        async fn discover(&self, _: &[ResourceAddress]) -> BTreeMap<ResourceAddress, Result<Discovery, Trouble>> {
            BTreeMap::new()
        }

        async fn begin(&self, _: &Call) -> Progress {
            Progress::Gone
        }

        async fn progress(&self, _: &Ticket) -> Progress {
            Progress::Gone
        }

        async fn probe(&self, _: &Gate) -> Result<GateState, Trouble> {
            Ok(GateState::Open)
        }
    }

    fn asked(busy: usize) -> (Vec<Observation>, Vec<usize>) {
        let place = |id: &str| Locator::Arm(ArmLocator { id: id.to_owned(), api_version: "2024-01-01".to_owned() });
        let server = Busy(Mutex::new((busy, Vec::new())));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let seen = runtime.expect("a runtime").block_on(observe(&server, &[place("/a"), place("/b")]));
        (seen, server.0.into_inner().expect("no panic holds it").1)
    }

    #[test]
    fn what_a_busy_server_could_not_show_is_looked_at_again_and_nothing_else() {
        assert_eq!(asked(0), (vec![Observation::Absent; 2], vec![2]));
        assert_eq!(asked(2), (vec![Observation::Absent; 2], vec![2, 1, 1]));
        let (seen, times) = asked(9);
        assert!(is_busy(&seen[0]) && times == [2, 1, 1, 1], "{seen:?} {times:?}");
    }
}
