//! The tokio driver, on a provider in memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use kfplan_contract::{Call, Provider};
use kfplan_model::ResourceAddress;
use kfplan_plan::{Discovery, DryRun, DryRunAnswer, Observation};
use tokio::sync::Notify;

use super::*;

#[derive(Default)]
struct Instant {
    begun: AtomicUsize,
    hangs: bool,
    panics: bool,
}

#[async_trait]
impl Provider for Instant {
    async fn observe(&self, _: &[Locator]) -> Vec<Observation> {
        Vec::new()
    }
    async fn dry_run(&self, _: &[DryRun]) -> Vec<DryRunAnswer> {
        Vec::new()
    }
    async fn discover(&self, _: &[ResourceAddress]) -> BTreeMap<ResourceAddress, Result<Discovery, Trouble>> {
        BTreeMap::new()
    }
    async fn begin(&self, call: &Call) -> Progress {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        assert!(!(self.panics && number == 0), "the provider panics");
        if self.hangs {
            std::future::pending::<()>().await;
        }
        if call.action == Action::Delete { Progress::Gone } else { Progress::Done(Box::new(applied(number))) }
    }
    async fn progress(&self, _: &Ticket) -> Progress {
        Progress::Gone
    }
    async fn probe(&self, _: &Gate) -> Result<GateState, Trouble> {
        Ok(GateState::Open)
    }
}

async fn driven(job: Job, provider: Instant, journal: &mut Entries, interrupt: Arc<Notify>) -> (Outcome, Vec<String>) {
    let mut events = Vec::new();
    let mut hear = |event: &Event| events.push(format!("s{} {}", event.step, what(&event.kind)));
    let limits = Limits { grace: 20, backoff: (1, 2), ..Limits::default() };
    let core = Core::new(job, limits).expect("the job fits its plan");
    let journey = Journey { provider: Arc::new(provider), journal, events: &mut hear, interrupt, began: 1_000 };
    let outcome = run(core, journey).await;
    (outcome, events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_carried_out_in_order() {
    let mut journal = Entries::default();
    let steps = vec![
        Work::Change(Box::new(change(Action::Create, 0))),
        gate(5),
        Work::Change(Box::new(change(Action::Delete, 2))),
    ];
    let (outcome, events) =
        driven(works(steps, &[(0, 1), (1, 2)]), Instant::default(), &mut journal, Arc::default()).await;
    assert_eq!(events, ["s0 started Create", "s0 done", "s1 started", "s1 done", "s2 started Delete", "s2 done"]);
    assert_eq!(outcome.exit(), 0);
    assert!(journal.text().contains("intended Create of /s0 with a body"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_does_not_wait_for_a_provider_that_hangs() {
    let interrupt = Arc::new(Notify::new());
    interrupt.notify_one();
    let mut journal = Entries::default();
    let provider = Instant { hangs: true, ..Instant::default() };
    let (outcome, _) = driven(creates(3, &[(0, 1)]), provider, &mut journal, interrupt).await;
    assert_eq!((outcome.exit(), outcome.in_doubt), (130, vec![0, 2]));
    assert!(journal.intends(0, Action::Create));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_panics_has_failed_and_is_asked_again() {
    let mut journal = Entries::default();
    let provider = Instant { panics: true, ..Instant::default() };
    let (outcome, events) = driven(creates(1, &[]), provider, &mut journal, Arc::default()).await;
    assert_eq!(events, ["s0 started Create", "s0 waits: another try after: the provider panicked", "s0 done"]);
    assert_eq!(outcome.exit(), 0);
}
