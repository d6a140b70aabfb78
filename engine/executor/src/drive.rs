//! Drives the core with tokio and a real provider.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use kfplan_contract::{Progress, Provider};
use kfplan_plan::{Class, Event, Journal, Trouble};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

use crate::core::Core;
use crate::message::{Answer, Ask, Effects, Input, Request};
use crate::outcome::Outcome;

/// How many answers that are there already are taken into one batch.
const BATCH: usize = 512;

/// What a run needs beside its core.
pub struct Journey<'a> {
    /// Who is asked.
    pub provider: Arc<dyn Provider>,
    /// Where entries are appended.
    pub journal: &'a mut dyn Journal,
    /// Who hears of events, once they are durable.
    pub events: &'a mut (dyn FnMut(&Event) + Send),
    /// Rung once for each interrupt.
    pub interrupt: Arc<Notify>,
    /// The time at which the run begins, in milliseconds since the Unix epoch. From there on only the
    /// monotonic clock counts, so that a clock that is set moves no deadline.
    pub began: u64,
}

/// Runs a core to its end. Calls that are still in flight at an interrupt's end are dropped; their
/// records are in doubt.
pub async fn run(mut core: Core, journey: Journey<'_>) -> Outcome {
    let Journey { provider, journal, events, interrupt, began } = journey;
    let start = Instant::now();
    let now = || began + u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX / 2);
    let mut calls: JoinSet<(usize, Answer)> = JoinSet::new();
    let mut effects = core.handle(Input::Begin, now());
    loop {
        if !effects.append.is_empty()
            && let Err(error) = journal.append(&effects.append)
        {
            let _ = core.handle(effects.unrecorded(&error), now());
            break;
        }
        effects.events().for_each(&mut *events);
        let Effects { calls: requests, wake_at, .. } = effects;
        for request in requests {
            calls.spawn(ask(Arc::clone(&provider), request));
        }
        if core.is_over() {
            break;
        }
        let wake = wake_at.map(|at| start + Duration::from_millis(at.saturating_sub(began)));
        effects = tokio::select! {
            biased;
            () = interrupt.notified() => core.handle(Input::Interrupted, now()),
            Some(answer) = calls.join_next() => {
                let more = std::iter::from_fn(|| calls.try_join_next()).take(BATCH);
                let answers: Vec<_> = std::iter::once(answer).chain(more).map(input).collect();
                core.handle_all(answers, now())
            }
            () = sleep_until(wake) => core.handle(Input::Woken, now()),
        };
    }
    calls.abort_all();
    core.into_outcome()
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn input(answer: Result<(usize, Answer), tokio::task::JoinError>) -> Input {
    match answer {
        Ok((step, answer)) => Input::Answered { step, answer },
        // Only an aborted call ends so, and none is aborted before the end.
        Err(_) => Input::Woken,
    }
}

/// Makes one call. A provider that panics has failed, and what it did is in doubt.
async fn ask(provider: Arc<dyn Provider>, request: Request) -> (usize, Answer) {
    let Request { step, ask } = request;
    let is_gate = matches!(ask, Ask::Probe(_));
    let call = async {
        match ask {
            Ask::Begin(call) => Answer::Progress(provider.begin(&call).await),
            Ask::Progress(ticket) => Answer::Progress(provider.progress(&ticket).await),
            Ask::Probe(gate) => Answer::Gate(provider.probe(&gate).await),
        }
    };
    let answer = AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| {
        let trouble = Trouble::new(
            Class::Retryable,
            "Panic",
            "the provider panicked",
            "report this as a bug of kfplan, with what was printed above",
        );
        if is_gate { Answer::Gate(Err(trouble)) } else { Answer::Progress(Progress::Failed(trouble)) }
    });
    (step, answer)
}
