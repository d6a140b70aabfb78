//! The dialogue with the planner: its questions are answered all at once, until there is a plan.

use std::collections::BTreeMap;

use kfplan_contract::Provider;
use kfplan_model::{Address, ResourceAddress};
use kfplan_plan::{Container, DryRun, Locator, RenderRequest};
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

async fn answer(
    round: Round,
    answers: &mut Answers,
    provider: &dyn Provider,
    renderer: &Renderer<'_>,
) -> Result<(), SessionError> {
    let dry_runs: Vec<DryRun> = round.dry_runs.iter().map(|(_, question)| question.clone()).collect();
    let (seen, tried, discovered, surveyed, rendered) = futures::join!(
        async { if round.places.is_empty() { Vec::new() } else { provider.observe(&round.places).await } },
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
