//! What holds for every graph, whatever goes wrong.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Shape {
    expected: Vec<u64>,
    edges: Vec<(u32, u32)>,
    parallelism: usize,
}

/// Graphs of some hundred steps, wide and narrow ones.
fn shapes(steps: std::ops::Range<usize>) -> impl Strategy<Value = Shape> {
    (steps, 1_usize..40, 1_usize..6).prop_flat_map(|(count, reach, parallel)| {
        let durations = prop::collection::vec(1_u64..1_000, count);
        let edges = prop::collection::vec((0..count, 1..=reach.max(2) * 8), 0..count * 2);
        (durations, edges, Just(1 << parallel)).prop_map(move |(expected, edges, parallelism)| {
            let forward = edges.into_iter().map(|(from, by)| (from, from + by)).filter(|(_, to)| *to < count);
            let edges =
                forward.map(|(from, to)| (u32::try_from(from).expect("small"), u32::try_from(to).expect("small")));
            Shape { expected, edges: edges.collect(), parallelism }
        })
    })
}

fn job_of(shape: &Shape) -> Job {
    let mut job = creates(shape.expected.len(), &shape.edges);
    for (step, expected) in shape.expected.iter().enumerate() {
        alter(&mut job, step, |change| change.expected = *expected);
    }
    job
}

fn wide() -> Limits {
    Limits { arm: 1_000_000, cluster: 1_000_000, ..Limits::default() }
}

/// A world in which everything takes as long as expected.
struct Punctual(Vec<u64>);

impl World for Punctual {
    fn call(&mut self, request: &Request, _: u64) -> Reply {
        Reply::In(self.0[request.step], done(request.step))
    }
}

/// How long a run of a shape takes, how long it must take at least (the critical path, or all work on all hands), and
/// how long at most: the bound of Graham (1969) for lists, which is the sum of the two.
fn makespan(shape: Shape) -> (u64, u64, u64) {
    let job = job_of(&shape);
    let dag = job.check().expect("no ring");
    let critical = dag.remaining(&shape.expected).into_iter().max().unwrap_or(0);
    let work: u64 = shape.expected.iter().sum();
    let shared = work.div_ceil(shape.parallelism as u64);
    let mut core = Core::new(job, Limits { parallelism: shape.parallelism, ..wide() }).expect("it fits");
    let mut world = Punctual(shape.expected);
    let end = simulate(&mut core, &mut world, &mut Entries::default(), &Script::default(), &mut |_| {});
    let End::Over(took) = end else { panic!("{end:?}") };
    (took, critical.max(shared), critical + shared)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Graphs about as large as the guide's stack.
    #[test]
    fn a_run_is_as_short_as_it_can_be(shape in shapes(300..900)) {
        let (took, least, _) = makespan(shape);
        prop_assert!(took * 100 <= least * 105, "{took}, least {least}");
    }

    /// Small ones, where one step is a large part of the whole.
    #[test]
    fn a_short_run_idles_no_longer_than_it_must(shape in shapes(1..100)) {
        let (took, _, most) = makespan(shape);
        prop_assert!(took <= most, "{took}, most {most}");
    }
}

/// A world in which anything may go wrong, drawn from a seed. Checks what must hold at each call.
struct Hostile {
    seed: u64,
    journal: Entries,
    exclusive: Vec<Option<u32>>,
    /// Steps whose call is in flight or whose operation is under way.
    busy: BTreeSet<usize>,
    in_flight: Vec<(u64, usize)>,
    limit: usize,
    before: Vec<Vec<usize>>,
}

impl Hostile {
    fn draw(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn is_done(&self, step: usize) -> bool {
        self.journal.0.lock().expect("no panic holds it").iter().any(|entry| {
            matches!(entry, Entry::Happened { event, .. }
                if event.step as usize == step && matches!(event.kind, EventKind::Done { .. }))
        })
    }
}

impl World for Hostile {
    fn call(&mut self, request: &Request, now: u64) -> Reply {
        let step = request.step;
        self.in_flight.retain(|(until, _)| *until > now);
        assert!(self.in_flight.len() < self.limit, "more calls in flight than the limit");
        assert!(self.in_flight.iter().all(|(_, other)| *other != step), "step {step} has two calls in flight");
        for before in self.before[step].clone() {
            assert!(self.is_done(before), "step {step} goes before {before} is done");
        }
        let after = 1 + self.draw(50);
        self.in_flight.push((now + after, step));
        if let Ask::Probe(_) = request.ask {
            let state = match self.draw(6) {
                0 => Err(Trouble::new(Class::Retryable, "Reset", "connection reset", "wait")),
                1 => Ok(GateState::Broken("never".to_owned())),
                2 | 3 => Ok(GateState::Closed("not yet".to_owned())),
                _ => Ok(GateState::Open),
            };
            return Reply::In(after, Answer::Gate(state));
        }
        if let Ask::Begin(call) = &request.ask {
            assert!(self.journal.intends(step, call.action), "step {step} is called without a durable intent");
            for other in &self.busy {
                let clash = *other != step
                    && self.exclusive[*other].is_some()
                    && self.exclusive[*other] == self.exclusive[step];
                assert!(!clash, "steps {step} and {other} hold one key");
            }
        }
        self.busy.insert(step);
        let answer = match self.draw(12) {
            0 => throttled(self.seed % 400),
            1 | 2 => failed(Class::Retryable),
            3 => failed(Class::Permanent),
            4 => Answer::Progress(Progress::Stale { moved: vec!["/a".to_owned()] }),
            5..=7 => busy(step, self.seed % 300),
            _ => match &request.ask {
                Ask::Begin(call) if call.action == Action::Delete => Answer::Progress(Progress::Gone),
                Ask::Progress(ticket) if ticket.action == Action::Delete => Answer::Progress(Progress::Gone),
                _ => done(step),
            },
        };
        if !matches!(&answer, Answer::Progress(Progress::Waiting { .. } | Progress::Throttled { .. }))
            && !matches!(&answer, Answer::Progress(Progress::Failed(trouble)) if trouble.class == Class::Retryable)
        {
            self.busy.remove(&step);
        }
        Reply::In(after, answer)
    }
}

fn hostile_job(shape: &Shape, kinds: &[u8]) -> Job {
    let steps = (0..shape.expected.len()).map(|step| match kinds[step] {
        0 => gate(30),
        1 => Work::Change(Box::new(change(Action::Replace, step))),
        2 => Work::Change(Box::new(change(Action::Forget, step))),
        kind => {
            let mut change = change(if kind == 3 { Action::Update } else { Action::Create }, step);
            change.exclusive = (kind < 6).then(|| format!("key{kind}"));
            change.expected = shape.expected[step];
            Work::Change(Box::new(change))
        }
    });
    works(steps.collect(), &shape.edges)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever goes wrong: no step before its dependencies, no two with one key, no more calls than the
    /// limits, no call without intent; every step ends, and events follow each other as they may.
    #[test]
    fn whatever_goes_wrong_the_rules_hold(
        shape in shapes(5..60),
        kinds in prop::collection::vec(0_u8..9, 60),
        seed in any::<u64>(),
        limit in 1_usize..6,
        interrupt in prop::option::of(0_u64..3_000),
    ) {
        let job = hostile_job(&shape, &kinds);
        let (plan, dag) = (Arc::clone(&job.plan), job.check().expect("no ring"));
        let mut journal = Entries::default();
        let exclusive = |kind: &u8| (3..6).contains(kind).then(|| u32::from(*kind));
        let mut world = Hostile {
            seed,
            journal: journal.clone(),
            exclusive: kinds.iter().map(exclusive).collect(),
            busy: BTreeSet::new(),
            in_flight: Vec::new(),
            limit,
            before: (0..dag.len()).map(|step| dag.predecessors(step).collect()).collect(),
        };
        let limits = Limits { parallelism: shape.parallelism, arm: limit, ..Limits::default() };
        let mut core = Core::new(job, limits).expect("the job fits its plan");
        let script = Script { begins: 5, interrupts: interrupt.into_iter().collect() };
        let mut statuses = vec![Status::Pending; plan.steps.len()];
        let mut heard = 0;
        let end = simulate(&mut core, &mut world, &mut journal, &script, &mut |event| {
            let status = &mut statuses[event.step as usize];
            *status = status.after(&event.kind).expect("the event may follow");
            heard += 1;
        });
        prop_assert!(matches!(end, End::Over(_)), "{end:?}");
        let outcome = core.into_outcome();
        prop_assert_eq!(&outcome.statuses, &statuses, "what was told is what is so");
        for (step, status) in statuses.iter().enumerate() {
            prop_assert!(!matches!(status, Status::Pending | Status::Running), "step {} is {:?}", step, status);
            if *status == Status::Done {
                prop_assert!(dag.predecessors(step).all(|before| statuses[before] == Status::Done));
                prop_assert!(!outcome.in_doubt.contains(&step));
            }
        }
        prop_assert_eq!(journal.all().iter().filter(|entry| matches!(entry, Entry::Happened { .. })).count(), heard);
        // What is done has no doubt in the journal; what is in doubt has.
        for step in 0..statuses.len() {
            let doubted = [Action::Create, Action::Update, Action::Delete].iter().any(|action| journal.intends(step, *action));
            prop_assert_eq!(doubted, outcome.in_doubt.contains(&step), "step {}", step);
        }
    }
}
