//! A tiny world: places with bodies, a state, and a run without any I/O.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::{Address, ResourceAddress, Stack};
use kfplan_plan::{
    Action, Change, Container, Discovery, DryRunAnswer, Kinds, Live, Locator, Mode, Note, Observation, Ownership, Plan,
    Precondition, Probe, Record, RecordState, Recorded, Rendered, RunId, Severity, StackKey, Verified, Work,
};
use serde_json::{Value as Json, json};

use super::kinds::kinds;
use super::stack::stack;
use crate::{
    Answer, Answers, DriftAnswer, Drifted, Input, Options, PlanErrors, Planned, Question, StateIdentity, drift, fill,
    plan,
};

/// A cloud and a state.
#[derive(Clone)]
pub(super) struct World {
    pub(super) places: BTreeMap<String, (Locator, Live)>,
    pub(super) records: BTreeMap<Address, Recorded>,
    pub(super) options: Options,
    pub(super) state: StateIdentity,
    pub(super) kinds: Kinds,
    pub(super) key: StackKey,
    pub(super) subscription: Option<String>,
    /// What is answered instead, by place.
    pub(super) denied: BTreeMap<String, Observation>,
    /// Clusters that do not answer.
    pub(super) silent: BTreeSet<ResourceAddress>,
    /// The rounds of questions that the last dialogue took.
    pub(super) rounds: Vec<Vec<String>>,
    uids: u64,
    runs: u64,
}

/// The key of a place, by which it is found whatever version it is asked in.
pub(super) fn key_of(locator: &Locator) -> String {
    locator.to_string().to_lowercase()
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            places: BTreeMap::new(),
            records: BTreeMap::new(),
            options: Options::default(),
            state: StateIdentity { lineage: "l1".to_owned(), serial: 1, bindings: BTreeMap::new() },
            kinds: kinds(),
            key: StackKey::from_bytes([7; 32]),
            subscription: Some("s".to_owned()),
            denied: BTreeMap::new(),
            silent: BTreeSet::new(),
            rounds: Vec::new(),
            uids: 0,
            runs: 0,
        }
    }

    /// A world in which a stack was applied.
    pub(super) fn with(text: &str) -> Self {
        let mut world = Self::new();
        world.apply(text);
        world
    }

    fn ownership(&self) -> Ownership {
        Ownership {
            stack: "test".to_owned(),
            environment: "default".to_owned(),
            lineage: self.state.lineage.clone(),
            manager: "kfplan:test".to_owned(),
        }
    }

    /// Runs the dialogue to its end.
    fn dialogue<T>(
        &mut self,
        mut ask: impl FnMut(&Input<'_>) -> Result<Result<T, Vec<Question>>, PlanErrors>,
        stack: Option<&Stack>,
        mode: Mode,
    ) -> Result<T, PlanErrors> {
        let (ownership, mut answers) = (self.ownership(), Answers::default());
        self.rounds.clear();
        for _ in 0..12 {
            let input = Input {
                stack,
                mode,
                records: &self.records,
                kinds: &self.kinds,
                state: &self.state,
                key: &self.key,
                ownership: &ownership,
                answers: &answers,
                options: &self.options,
                inputs: &[],
                subscription: self.subscription.as_deref(),
                tenant: None,
                kfplan: "0.1.0",
                sandbox: false,
                extra_notes: &[],
            };
            let questions = match ask(&input)? {
                Ok(answer) => return Ok(answer),
                Err(questions) => questions,
            };
            assert!(!questions.is_empty(), "a planner that asks nothing must give a plan");
            self.rounds.push(questions.iter().map(name_of).collect());
            questions.into_iter().for_each(|question| self.answer(question, &mut answers));
        }
        panic!("the dialogue does not end: {:?}", self.rounds);
    }

    pub(super) fn try_plan(&mut self, stack: Option<&Stack>, mode: Mode) -> Result<Planned, PlanErrors> {
        let ask = |input: &Input<'_>| {
            Ok(match plan(input)? {
                Answer::Plan(planned) => Ok(*planned),
                Answer::Ask(questions) => Err(questions),
            })
        };
        self.dialogue(ask, stack, mode)
    }

    pub(super) fn plan(&mut self, text: &str) -> Planned {
        self.try_plan(Some(&stack(text)), Mode::Apply).expect("a plan")
    }

    pub(super) fn errors(&mut self, text: &str) -> String {
        self.try_plan(Some(&stack(text)), Mode::Apply).expect_err("no plan").to_string()
    }

    pub(super) fn plan_destroy(&mut self) -> Planned {
        self.try_plan(None, Mode::Destroy).expect("a plan")
    }

    pub(super) fn drift(&mut self) -> Drifted {
        let ask = |input: &Input<'_>| {
            Ok(match drift(input)? {
                DriftAnswer::Drifted(drifted) => Ok(drifted),
                DriftAnswer::Ask(questions) => Err(questions),
            })
        };
        self.dialogue(ask, None, Mode::Apply).expect("drift")
    }

    fn answer(&self, question: Question, answers: &mut Answers) {
        match question {
            Question::Observe(locator) => {
                let key = key_of(&locator);
                let seen = self.denied.get(&key).cloned().unwrap_or_else(|| self.see(&key));
                assert!(answers.observations.insert(locator, seen).is_none(), "asked twice: {key}");
            }
            Question::Discover(cluster) => {
                let answer = if self.silent.contains(&cluster) {
                    Err(kfplan_plan::Trouble::new(kfplan_plan::Class::Retryable, "Timeout", "no answer", ""))
                } else {
                    Ok(Discovery {
                        version: "1.34".to_owned(),
                        identity: self.identity(&cluster),
                        ..Discovery::default()
                    })
                };
                assert!(answers.discoveries.insert(cluster, answer).is_none(), "asked twice");
            }
            Question::DryRun(address, question) => {
                let live =
                    self.places.get(&key_of(&Locator::Object(question.locator.clone()))).map(|(_, live)| live.clone());
                let after = Live { body: question.desired.body, uid: None, version: None };
                let answer = DryRunAnswer::Accepted(Box::new(live.unwrap_or(after)));
                assert!(answers.dry_runs.insert(address, answer).is_none(), "asked twice");
            }
            Question::Render(request) => {
                let note = Note {
                    severity: Severity::Info,
                    code: "test::rendered".to_owned(),
                    address: None,
                    message: format!(
                        "rendered for {:?}",
                        request.facts.as_ref().and_then(|facts| facts.version.clone())
                    ),
                    help: None,
                };
                let rendered = Rendered { notes: vec![note], ..Rendered::default() };
                answers.rendered.insert(request.resource.clone(), (*request, rendered));
            }
            Question::Survey(container) => {
                let found =
                    self.places.values().filter(|(locator, _)| is_inside(locator, &container)).cloned().collect();
                assert!(answers.surveys.insert(container, Ok(found)).is_none(), "asked twice");
            }
        }
    }

    fn see(&self, key: &str) -> Observation {
        self.places.get(key).map_or(Observation::Absent, |(_, live)| Observation::Present(Box::new(live.clone())))
    }

    /// The identity of a cluster changes when it is made anew.
    pub(super) fn identity(&self, cluster: &ResourceAddress) -> String {
        let locator =
            self.records.get(&Address::from(cluster.clone())).map(|recorded| key_of(&recorded.record.locator));
        let live = locator.and_then(|key| self.places.get(&key)).and_then(|(_, live)| live.uid.clone());
        format!("kube-system of {cluster} {}", live.unwrap_or_default())
    }

    /// Puts something into the world that nobody planned.
    pub(super) fn put(&mut self, locator: Locator, mut body: Json) {
        self.uids += 1;
        body["status"] = json!({ "address": format!("10.0.0.{}", self.uids), "token": format!("t{}", self.uids) });
        let live = Live { body, uid: Some(format!("u{}", self.uids)), version: Some(self.uids.to_string()) };
        self.places.insert(key_of(&locator), (locator, live));
    }

    /// The body of what is recorded at an address, to be changed behind the planner's back.
    pub(super) fn live(&mut self, address: &str) -> &mut Json {
        let address: Address = address.parse().expect("an address");
        let key = key_of(&self.records.get(&address).expect("a record").record.locator);
        &mut self.places.get_mut(&key).expect("it is there").1.body
    }

    pub(super) fn vanish(&mut self, address: &str) {
        let address: Address = address.parse().expect("an address");
        let key = key_of(&self.records.get(&address).expect("a record").record.locator);
        self.places.remove(&key);
    }

    /// Plans and carries out.
    pub(super) fn apply(&mut self, text: &str) {
        let stack = stack(text);
        let planned = self.try_plan(Some(&stack), Mode::Apply).expect("a plan");
        self.carry_out(&planned, Some(&stack), &BTreeSet::new(), usize::MAX);
    }

    pub(super) fn destroy(&mut self) {
        let planned = self.plan_destroy();
        self.carry_out(&planned, None, &BTreeSet::new(), usize::MAX);
    }

    /// Carries out at most `limit` changes of a plan, as the executor would; checks order and preconditions.
    pub(super) fn carry_out(
        &mut self,
        planned: &Planned,
        stack: Option<&Stack>,
        done: &BTreeSet<usize>,
        limit: usize,
    ) -> RunId {
        self.runs += 1;
        let run = RunId(format!("run{}", self.runs));
        for edge in &planned.plan.edges {
            assert!(edge.from < edge.to, "a step waits for a later one");
        }
        for (from, to) in &planned.moved {
            if let Some(recorded) = self.records.remove(from) {
                self.records.insert(to.clone(), recorded);
            }
        }
        let mut left = limit;
        for (place, step) in planned.plan.steps.iter().enumerate() {
            if let (Work::Change(change), false) = (&step.work, done.contains(&place)) {
                if left == 0 {
                    break;
                }
                left -= 1;
                self.carry_out_step(planned, place, change, stack, &run);
            }
        }
        run
    }

    fn carry_out_step(&mut self, planned: &Planned, place: usize, change: &Change, stack: Option<&Stack>, run: &RunId) {
        let address = &planned.plan.steps[place].address;
        let template = planned.templates[place].clone().expect("a template");
        let old = change.replaced.as_ref().map_or(&change.locator, |replaced| &replaced.locator).clone();
        self.check(address, change);
        if matches!(change.action, Action::Delete | Action::Replace) {
            self.remove(&old);
            self.records.remove(address);
            planned.contents.get(&place).into_iter().flatten().for_each(|content| drop(self.records.remove(content)));
        }
        match change.action {
            Action::Delete => {}
            Action::Forget => drop(self.records.remove(address)),
            Action::Refresh => {
                let (uid, sent) = self
                    .places
                    .get(&key_of(&change.locator))
                    .map(|(_, live)| (live.uid.clone(), live.body.clone()))
                    .expect("there");
                let _ = sent;
                self.record(template, planned.payloads[place].clone(), uid, run, stack);
            }
            Action::Create | Action::Adopt | Action::Update | Action::Replace => {
                let payload = planned.payloads[place].clone().expect("a body");
                let payload = self.filled(address, payload, stack);
                self.write(&change.locator, &payload.desired.body);
                let uid = self.places.get(&key_of(&change.locator)).and_then(|(_, live)| live.uid.clone());
                self.record(template, Some(payload), uid, run, stack);
            }
        }
    }

    fn check(&self, address: &Address, change: &Change) {
        let there = self.places.get(&key_of(&change.locator)).map(|(_, live)| live);
        match (&change.precondition, there) {
            (Precondition::Absent, there) => assert!(there.is_none(), "{address} is there already"),
            (Precondition::Present { uid, .. }, there) => {
                assert_eq!(there.and_then(|live| live.uid.as_ref()), uid.as_ref(), "uid of {address}");
            }
            (Precondition::Anything, _) => {}
        }
        if let Locator::Object(object) = &change.locator
            && let Some(namespace) = &object.namespace
            && !matches!(change.action, Action::Delete | Action::Forget)
        {
            let namespace = format!("-/namespace/{namespace} in {}", object.cluster);
            assert!(self.places.contains_key(&namespace.to_lowercase()), "{address} has no namespace");
        }
    }

    fn filled(&self, address: &Address, payload: kfplan_plan::Payload, stack: Option<&Stack>) -> kfplan_plan::Payload {
        let Some(stack) = stack.filter(|_| !payload.desired.holes.is_empty()) else { return payload };
        let mut outputs = BTreeMap::new();
        for resource in stack.resources.values() {
            let kind = &self.kinds.kinds[resource.address.type_name()];
            let seen: BTreeMap<&Address, &Json> = self
                .records
                .iter()
                .filter(|(address, _)| *address.resource() == resource.address)
                .filter_map(|(address, recorded)| {
                    Some((address, &self.places.get(&key_of(&recorded.record.locator))?.1.body))
                })
                .collect();
            outputs.insert(resource.address.clone(), kind.outputs(resource, &seen));
        }
        fill(&payload, address, stack, &self.kinds, &outputs).expect("filled")
    }

    fn write(&mut self, locator: &Locator, body: &Json) {
        match self.places.get_mut(&key_of(locator)) {
            Some((_, live)) => {
                for (key, value) in body.as_object().expect("a map") {
                    live.body[key.as_str()] = value.clone();
                }
            }
            None => self.put(locator.clone(), body.clone()),
        }
    }

    fn remove(&mut self, locator: &Locator) {
        let key = key_of(locator);
        let recorded = self.records.values().find(|recorded| key_of(&recorded.record.locator) == key);
        let cluster = recorded.map(|recorded| recorded.record.address.resource().clone());
        let is_arm = matches!(locator, Locator::Arm(_));
        let namespace = match locator {
            Locator::Object(object) if object.kind == "Namespace" => {
                Some((object.cluster.clone(), object.name.clone()))
            }
            _ => None,
        };
        let clusters: BTreeSet<ResourceAddress> = self
            .records
            .values()
            .filter(|recorded| key_of(&recorded.record.locator).starts_with(&key))
            .map(|recorded| recorded.record.address.resource().clone())
            .chain(cluster)
            .collect();
        self.places.retain(|place, (at, _)| match at {
            Locator::Arm(_) => *place != key && !(is_arm && place.starts_with(&format!("{key}/"))),
            Locator::Object(object) => {
                let in_namespace = namespace.as_ref().is_some_and(|(cluster, name)| {
                    object.cluster == *cluster && object.namespace.as_ref() == Some(name)
                });
                *place != key && !in_namespace && !(is_arm && clusters.contains(&object.cluster))
            }
        });
    }

    fn record(
        &mut self,
        template: Record,
        payload: Option<kfplan_plan::Payload>,
        uid: Option<String>,
        run: &RunId,
        _: Option<&Stack>,
    ) {
        let sent = payload.map(|payload| self.key.seal(payload.desired.body, &payload.desired.sensitive));
        let cluster = match &template.locator {
            Locator::Object(object) => Some(self.identity(&object.cluster)),
            Locator::Arm(_) => None,
        };
        let record = Record { uid, cluster, run: run.clone(), state: RecordState::Settled, ..template };
        self.records.insert(record.address.clone(), Recorded { record, sent });
    }

    /// The plan, a line each.
    pub(super) fn planned(&mut self, text: &str) -> String {
        match self.try_plan(Some(&stack(text)), Mode::Apply) {
            Ok(planned) => lines(&planned.plan),
            Err(errors) => errors.to_string(),
        }
    }

    /// The plan of a destroy, a line each.
    pub(super) fn destroyed(&mut self) -> String {
        lines(&self.plan_destroy().plan)
    }
}

fn is_inside(locator: &Locator, container: &Container) -> bool {
    match (container, locator) {
        (Container::Cluster(cluster), Locator::Object(object)) => object.cluster == *cluster,
        (Container::Namespace(namespace), Locator::Object(object)) => {
            object.cluster == namespace.cluster && object.namespace.as_ref() == Some(&namespace.name)
        }
        (Container::Group(group), Locator::Arm(arm)) => {
            arm.id.to_lowercase().starts_with(&format!("{}/", group.id.to_lowercase()))
        }
        _ => false,
    }
}

fn name_of(question: &Question) -> String {
    match question {
        Question::Observe(locator) => format!("observe {locator}"),
        Question::DryRun(address, _) => format!("dry run {address}"),
        Question::Discover(cluster) => format!("discover {cluster}"),
        Question::Render(request) => format!("render {}", request.resource),
        Question::Survey(container) => format!("survey {container:?}"),
    }
}

/// A plan, a line for each thing that it says.
pub(super) fn lines(plan: &Plan) -> String {
    let mut lines = Vec::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let mut line = match &step.work {
            Work::Change(change) => format!("{} {}", format!("{:?}", change.action).to_lowercase(), step.address),
            Work::Gate(gate) if gate.probe == Probe::Joined => format!("join {}", step.address),
            Work::Gate(_) => format!("wait {}", step.address),
        };
        let before: Vec<String> = plan
            .edges
            .iter()
            .filter(|edge| edge.to as usize == place)
            .map(|edge| plan.steps[edge.from as usize].address.to_string())
            .collect();
        if !before.is_empty() {
            line += &format!(" after {}", before.join(", "));
        }
        if let Work::Change(change) = &step.work {
            if let Verified::Offline(why) = &change.verified {
                line += &format!(" (unverified: {why})");
            }
            for reason in &change.reasons {
                line += &format!(" [{reason}]");
            }
        }
        lines.push(line);
    }
    for kept in &plan.kept {
        let lift = kept.lift.as_ref().map(|lift| format!(", unless {lift}")).unwrap_or_default();
        lines.push(format!("keep {}: {}{lift}", kept.address, kept.why));
    }
    for drift in &plan.drift {
        lines.push(format!("drift {}{}", drift.address, drift.path));
    }
    for note in plan.notes.iter().filter(|note| note.severity != Severity::Info) {
        let address = note.address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        lines.push(format!("{} {address}{}", format!("{:?}", note.severity).to_lowercase(), note.message));
    }
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("\n") }
}

impl World {
    /// The key of the place that ends like this.
    pub(super) fn key_of_place(&self, end: &str) -> String {
        self.places.keys().find(|key| key.ends_with(end)).cloned().expect("a place")
    }

    pub(super) fn live_of_place(&mut self, end: &str) -> &mut Json {
        let key = self.key_of_place(end);
        &mut self.places.get_mut(&key).expect("a place").1.body
    }

    /// Deletes one thing and its record, as if it never was.
    pub(super) fn destroy_only(&mut self, address: &str) {
        self.vanish(address);
        self.records.remove(&address.parse().expect("an address"));
    }
}

impl World {
    /// Loses a record.
    pub(super) fn destroy_record(&mut self, address: &str) {
        self.records.remove(&address.parse().expect("an address"));
    }
}
