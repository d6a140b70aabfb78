//! What the executor itself costs for each step, on a provider that answers at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kfplan_contract::{Call, Progress, Provider, Ticket};
use kfplan_executor::{Core, Fill, Job, Journey, Limits, Outputs, Prepared, run};
use kfplan_model::ResourceAddress;
use kfplan_plan::{
    Action, Applied, ArmLocator, Change, Desired, Discovery, DryRun, DryRunAnswer, Edge, EdgeKind, Endpoint, Entry,
    Gate, GateState, Header, Journal, JournalError, Locator, Mode, Observation, PLAN_FORMAT, Payload, Plan,
    Precondition, Protection, RECORD_FORMAT, Record, RecordState, RunId, StackKey, Step, Trouble, Verified, Work,
};

struct AtOnce;

#[async_trait]
impl Provider for AtOnce {
    async fn observe(&self, _: &[Locator]) -> Vec<Observation> {
        Vec::new()
    }
    async fn dry_run(&self, _: &[DryRun]) -> Vec<DryRunAnswer> {
        Vec::new()
    }
    async fn discover(&self, _: &[ResourceAddress]) -> BTreeMap<ResourceAddress, Result<Discovery, Trouble>> {
        BTreeMap::new()
    }
    async fn begin(&self, _: &Call) -> Progress {
        Progress::Done(Box::<Applied>::default())
    }
    async fn progress(&self, _: &Ticket) -> Progress {
        Progress::Gone
    }
    async fn probe(&self, _: &Gate) -> Result<GateState, Trouble> {
        Ok(GateState::Open)
    }
}

/// Counts and forgets.
struct Nowhere(usize);

impl Journal for Nowhere {
    fn append(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        self.0 += entries.len();
        Ok(())
    }
}

struct NoHoles;

impl Fill for NoHoles {
    fn fill(&self, _: usize, payload: &Payload, _: &Outputs) -> Result<Payload, Trouble> {
        Ok(payload.clone())
    }
}

fn step(number: usize) -> (Step, Prepared) {
    let address: kfplan_model::Address = format!("azure_resource.s{number}").parse().expect("an address");
    let locator = Locator::Arm(ArmLocator { id: format!("/s{number}"), api_version: "1".to_owned() });
    let change = Change {
        action: Action::Create,
        locator: locator.clone(),
        endpoint: Endpoint::Arm,
        exclusive: None,
        fields: Vec::new(),
        verified: Verified::Server,
        precondition: Precondition::Absent,
        replaced: None,
        payload: None,
        force: Vec::new(),
        waits: Vec::new(),
        container: None,
        protection: Protection::None,
        expected: 100,
        timeout: 600,
        reasons: Vec::new(),
    };
    let record = Record {
        format: RECORD_FORMAT,
        address: address.clone(),
        locator,
        cluster: None,
        state: RecordState::Settled,
        uid: None,
        version: None,
        after: Vec::new(),
        container: None,
        application: None,
        protection: Protection::None,
        outputs: BTreeMap::new(),
        sent: None,
        differences: Vec::new(),
        owned: None,
        adopted: false,
        run: RunId("run".to_owned()),
        sequence: 0,
    };
    let desired = Desired { body: serde_json::json!({ "spec": { "number": number } }), ..Desired::default() };
    let prepared = Prepared {
        payload: Some(Payload { desired, force: Vec::new(), remove: Vec::new() }),
        after: Some(Box::new(record)),
        ..Prepared::default()
    };
    (Step { address, group: 0, work: Work::Change(Box::new(change)) }, prepared)
}

fn job(count: usize) -> Job {
    let (steps, prepared) = (0..count).map(step).unzip();
    let edges =
        (2..count).flat_map(|to| [(to / 2, to), (to - 2, to)]).filter(|(from, to)| from < to).map(|(from, to)| {
            let number = |place| u32::try_from(place).expect("few steps");
            Edge { from: number(from), to: number(to), kind: EdgeKind::AfterApplied }
        });
    let header = Header {
        format: PLAN_FORMAT,
        kfplan: "0.1.0".to_owned(),
        stack: "s".to_owned(),
        environment: "default".to_owned(),
        sandbox: true,
        mode: Mode::Apply,
        lineage: "l".to_owned(),
        serial: 0,
        inputs: Vec::new(),
        tenant: None,
        subscription: None,
        clusters: [].into(),
        confirmed: [].into(),
        adopt: [].into(),
        selection: Vec::new(),
        options: Vec::new(),
    };
    let plan = Plan {
        header,
        groups: Vec::new(),
        steps,
        edges: edges.collect(),
        kept: Vec::new(),
        drift: Vec::new(),
        notes: Vec::new(),
        outputs: [].into(),
    };
    Job {
        plan: Arc::new(plan),
        steps: prepared,
        key: StackKey::from_bytes([1; 32]),
        run: RunId("run".to_owned()),
        fill: Arc::new(NoHoles),
        outputs: Outputs::new(),
    }
}

fn overhead(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut group = criterion.benchmark_group("overhead");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for count in [1_000_usize, 10_000] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} steps"), |bencher| {
            bencher.iter_batched(
                || Core::new(job(count), Limits::default()).expect("the job fits its plan"),
                |core| {
                    let mut journal = Nowhere(0);
                    let journey = Journey {
                        provider: Arc::new(AtOnce),
                        journal: &mut journal,
                        events: &mut |_| {},
                        interrupt: Arc::default(),
                        began: 0,
                    };
                    assert!(runtime.block_on(run(core, journey)).is_finished());
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
