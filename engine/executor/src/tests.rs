//! What the executor promises, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kfplan_contract::{Progress, Ticket};
use kfplan_model::Address;
use kfplan_plan::{
    Action, Applied, ArmLocator, Change, Class, Desired, Difference, Edge, EdgeKind, Endpoint, Entry, Event, EventKind,
    Gate, GateState, Group, Header, Hole, Intent, Journal, JournalError, Locator, Mode, PLAN_FORMAT, Payload, Plan,
    Precondition, Probe, Protection, RECORD_FORMAT, Record, RecordState, RunId, StackKey, Status, Step, Trouble,
    Verified, Work,
};
use serde_json::json;

use super::*;

mod journal;
mod order;
mod random;
mod real;
mod trouble;

fn name(step: usize) -> Address {
    format!("azure_resource.s{step}").parse().expect("an address")
}

fn locator(text: &str) -> Locator {
    Locator::Arm(ArmLocator { id: format!("/{text}"), api_version: "1".to_owned() })
}

fn change(action: Action, step: usize) -> Change {
    Change {
        action,
        locator: locator(&format!("s{step}")),
        endpoint: Endpoint::Arm,
        exclusive: None,
        fields: Vec::new(),
        verified: Verified::Server,
        precondition: Precondition::Anything,
        replaced: None,
        payload: None,
        force: Vec::new(),
        waits: Vec::new(),
        container: None,
        protection: Protection::None,
        expected: 100,
        timeout: 3_600,
        reasons: Vec::new(),
    }
}

fn record(step: usize, uid: Option<&str>) -> Record {
    Record {
        format: RECORD_FORMAT,
        address: name(step),
        locator: locator(&format!("s{step}")),
        cluster: None,
        state: RecordState::Settled,
        uid: uid.map(str::to_owned),
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
        run: RunId("before".to_owned()),
        sequence: 0,
    }
}

fn payload(step: usize) -> Payload {
    let body = json!({ "number": step, "secret": "hunter2" });
    let desired = Desired { body, holes: Vec::new(), sensitive: vec!["/secret".parse().expect("a path")] };
    Payload { desired, force: Vec::new(), remove: Vec::new() }
}

/// Fills a hole with the output `id` of the resource that it waits for.
struct Filler;

impl Fill for Filler {
    fn fill(&self, _: usize, payload: &Payload, done: &Outputs) -> Result<Payload, Trouble> {
        let mut filled = payload.clone();
        for hole in std::mem::take(&mut filled.desired.holes) {
            let waits = hole.late.waits.first().cloned().expect("a hole waits for something");
            let value = done.get(&waits.into()).and_then(|outputs| outputs.get("id"));
            let missing = || Trouble::new(Class::Permanent, "Missing", "the output `id` is missing", "state it");
            *hole.path.get_mut(&mut filled.desired.body).expect("a hole is in its body") =
                value.ok_or_else(missing)?.clone();
        }
        Ok(filled)
    }
}

fn works(steps: Vec<Work>, edges: &[(u32, u32)]) -> Job {
    let prepared = steps
        .iter()
        .enumerate()
        .map(|(place, work)| match work {
            Work::Gate(_) => Prepared::default(),
            Work::Change(change) => {
                let exists = !matches!(change.action, Action::Create | Action::Adopt);
                Prepared {
                    payload: (change.action != Action::Delete).then(|| payload(place)),
                    before: exists.then(|| Box::new(record(place, Some("old")))),
                    after: (change.action != Action::Delete).then(|| Box::new(record(place, None))),
                    ..Prepared::default()
                }
            }
        })
        .collect();
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
    let group = Group { resource: name(0).resource().clone(), application: None, unchanged: 0 };
    let steps = steps.into_iter().enumerate().map(|(place, work)| Step { address: name(place), group: 0, work });
    let edge = |&(from, to): &(u32, u32)| Edge { from, to, kind: EdgeKind::AfterApplied };
    let plan = Plan {
        header,
        groups: vec![group],
        steps: steps.collect(),
        edges: edges.iter().map(edge).collect(),
        kept: Vec::new(),
        drift: Vec::new(),
        notes: Vec::new(),
        outputs: [].into(),
    };
    Job {
        plan: Arc::new(plan),
        steps: prepared,
        key: StackKey::from_bytes([3; 32]),
        run: RunId("run".to_owned()),
        fill: Arc::new(Filler),
        outputs: Outputs::new(),
    }
}

fn creates(count: usize, edges: &[(u32, u32)]) -> Job {
    works((0..count).map(|step| Work::Change(Box::new(change(Action::Create, step)))).collect(), edges)
}

fn gate(timeout: u64) -> Work {
    let gate = Gate { locator: locator("gate"), probe: Probe::Ready, timeout, why: "something waits".to_owned() };
    Work::Gate(Box::new(gate))
}

fn alter(job: &mut Job, step: usize, with: impl FnOnce(&mut Change)) {
    let plan = Arc::make_mut(&mut job.plan);
    match &mut plan.steps[step].work {
        Work::Change(change) => with(change),
        Work::Gate(_) => panic!("step {step} is a gate"),
    }
}

fn applied(step: usize) -> Applied {
    Applied {
        uid: Some(format!("uid{step}")),
        version: Some("7".to_owned()),
        outputs: [("id".to_owned(), json!(format!("/s{step}")))].into(),
        ..Applied::default()
    }
}

fn done(step: usize) -> Answer {
    Answer::Progress(Progress::Done(Box::new(applied(step))))
}

fn failed(class: Class) -> Answer {
    Answer::Progress(Progress::Failed(Trouble::new(class, "Code", "it did not work", "do better")))
}

fn throttled(after: u64) -> Answer {
    Answer::Progress(Progress::Throttled { after: Duration::from_millis(after) })
}

fn busy(step: usize, after: u64) -> Answer {
    let ticket = Ticket { locator: locator("s"), action: Action::Create, token: format!("t{step}"), payload: None };
    Answer::Progress(Progress::Waiting {
        on: "provisioning".to_owned(),
        after: Duration::from_millis(after),
        ticket: Box::new(ticket),
    })
}

/// A world that answers each step as told, in order, and then with success after the time it should take.
#[derive(Default)]
struct Told {
    answers: BTreeMap<usize, Vec<Reply>>,
    expected: BTreeMap<usize, u64>,
    calls: Vec<(u64, Request)>,
    journal: Entries,
}

impl Told {
    fn answer(mut self, step: usize, answers: impl IntoIterator<Item = Reply>) -> Self {
        self.answers.entry(step).or_default().extend(answers);
        self
    }
}

impl World for Told {
    fn call(&mut self, request: &Request, now: u64) -> Reply {
        let step = request.step;
        if let Ask::Begin(call) = &request.ask {
            assert!(self.journal.intends(step, call.action), "step {step} is called without a durable intent");
        }
        self.calls.push((now, request.clone()));
        match self.answers.get_mut(&step).filter(|answers| !answers.is_empty()) {
            Some(answers) => answers.remove(0),
            None => {
                let after = self.expected.get(&step).copied().unwrap_or(100);
                match &request.ask {
                    Ask::Begin(call) if call.action == Action::Delete => {
                        Reply::In(after, Answer::Progress(Progress::Gone))
                    }
                    Ask::Begin(_) | Ask::Progress(_) => Reply::In(after, done(step)),
                    Ask::Probe(_) => Reply::In(after, Answer::Gate(Ok(GateState::Open))),
                }
            }
        }
    }
}

/// A journal in memory that others may look into.
#[derive(Default, Clone)]
struct Entries(Arc<Mutex<Vec<Entry>>>, Option<usize>);

impl Entries {
    fn all(&self) -> Vec<Entry> {
        self.0.lock().expect("no panic holds it").clone()
    }

    /// Whether the last word on a step's record is that this is intended.
    fn intends(&self, step: usize, action: Action) -> bool {
        let all = self.0.lock().expect("no panic holds it");
        let last = all.iter().rev().find_map(|entry| match entry {
            Entry::Intended { record, .. } | Entry::Settled { record } if record.address == name(step) => {
                Some(matches!(&record.state, RecordState::InDoubt(intent) if intent.action == action))
            }
            Entry::Removed { address } if *address == name(step) => Some(false),
            _ => None,
        });
        last.unwrap_or(false)
    }

    /// Every entry on a line.
    fn text(&self) -> String {
        let mut text = String::new();
        for entry in self.all() {
            let _ = match entry {
                Entry::Intended { record, sent } => {
                    let RecordState::InDoubt(intent) = &record.state else { panic!("an intent is a doubt") };
                    let Intent { action, locator, .. } = &**intent;
                    let uid = record.uid.as_deref().unwrap_or("-");
                    let body = if sent.is_some() { " with a body" } else { "" };
                    writeln!(text, "intended {action:?} of {locator}{body}; record at {} uid {uid}", record.locator)
                }
                Entry::Settled { record } => {
                    writeln!(text, "settled at {} uid {}", record.locator, record.uid.as_deref().unwrap_or("-"))
                }
                Entry::Removed { address } => writeln!(text, "removed {address}"),
                Entry::Happened { event, .. } => writeln!(text, "{} {}", event.address, what(&event.kind)),
                other => writeln!(text, "{other:?}"),
            };
        }
        text
    }
}

impl Journal for Entries {
    fn append(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        let mut all = self.0.lock().expect("no panic holds it");
        if self.1.is_some_and(|full| all.len() >= full) {
            return Err(JournalError { place: "memory".to_owned(), reason: "it is full".to_owned() });
        }
        all.extend_from_slice(entries);
        Ok(())
    }
}

fn what(kind: &EventKind) -> String {
    match kind {
        EventKind::Started { action: Some(action) } => format!("started {action:?}"),
        EventKind::Started { action: None } => "started".to_owned(),
        EventKind::Waiting { on } => format!("waits: {on}"),
        EventKind::Throttled { after } => format!("throttled for {after}"),
        EventKind::Done { remark: None } => "done".to_owned(),
        EventKind::Done { remark: Some(remark) } => format!("done: {remark}"),
        EventKind::Failed { trouble } => format!("failed: {trouble}"),
        EventKind::Stale { moved } => format!("stale: {}", moved.join(", ")),
        EventKind::Skipped { cause } => format!("skipped for {cause}"),
        EventKind::Interrupted => "interrupted".to_owned(),
    }
}

fn told(event: &Event) -> String {
    format!("{} s{} {}", event.at, event.step, what(&event.kind))
}

struct Ran {
    events: Vec<String>,
    outcome: Outcome,
    end: End,
    world: Told,
    journal: Entries,
}

impl Ran {
    fn text(&self) -> String {
        self.events.join("\n")
    }
}

fn ran(job: Job, limits: Limits, world: Told) -> Ran {
    ran_with(job, limits, world, &Script::default(), Entries::default())
}

fn ran_with(job: Job, limits: Limits, mut world: Told, script: &Script, mut journal: Entries) -> Ran {
    let mut core = Core::new(job, limits).expect("the job fits its plan");
    world.journal = journal.clone();
    let mut events = Vec::new();
    let end = simulate(&mut core, &mut world, &mut journal, script, &mut |event| events.push(told(event)));
    Ran { events, outcome: core.into_outcome(), end, world, journal }
}

fn one_at_a_time() -> Limits {
    Limits { parallelism: 1, ..Limits::default() }
}
