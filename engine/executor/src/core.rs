//! The state machine: what happened goes in, what to do comes out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use kfplan_graph::Dag;
use kfplan_plan::{Class, Endpoint, Entry, Event, EventKind, Status, Trouble, Work};

use crate::error::JobError;
use crate::job::Job;
use crate::lane::{Lane, Place};
use crate::limits::Limits;
use crate::message::{Effects, Input};
use crate::outcome::Outcome;
use crate::step::{Doing, Next, Step};

/// Whether new calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Running,
    /// Calls in flight may answer until a time.
    Stopping(u64),
    Over,
}

/// Why a step is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    Deadline,
    Wake,
}

/// A key that one step at a time may hold.
#[derive(Debug, Default)]
pub(crate) struct Key {
    pub(crate) held: bool,
    pub(crate) waiting: BinaryHeap<Place>,
}

/// Carries out a job, one input after the other.
pub struct Core {
    pub(crate) job: Job,
    pub(crate) plan_id: String,
    pub(crate) dag: Dag,
    pub(crate) limits: Limits,
    /// For each step the longest remaining path.
    pub(crate) remaining: Vec<u64>,
    pub(crate) steps: Vec<Step>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) keys: Vec<Key>,
    pub(crate) alarms: BinaryHeap<Reverse<(u64, usize, Alarm)>>,
    /// Steps that wait for nothing any more and were not looked at yet.
    pub(crate) free: VecDeque<usize>,
    /// How many changes are under way.
    pub(crate) running: usize,
    /// How many steps have not ended.
    pub(crate) open: usize,
    pub(crate) course: Course,
    pub(crate) effects: Effects,
    pub(crate) outcome: Outcome,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("open", &self.open).field("course", &self.course).finish_non_exhaustive()
    }
}

impl Core {
    /// Takes a job.
    ///
    /// # Errors
    ///
    /// [`JobError`] when the job does not fit its plan.
    pub fn new(job: Job, limits: Limits) -> Result<Self, JobError> {
        let dag = job.check()?;
        let weights: Vec<u64> = job.plan.steps.iter().map(|step| weight(&step.work)).collect();
        let (mut lanes, mut keys) = (Vec::new(), Vec::new());
        let mut lane_of: BTreeMap<Endpoint, usize> = BTreeMap::new();
        let mut key_of: BTreeMap<&str, usize> = BTreeMap::new();
        let mut steps = Vec::with_capacity(job.steps.len());
        for (step, prepared) in job.plan.steps.iter().zip(&job.steps) {
            let (endpoint, exclusive) = match &step.work {
                Work::Change(change) => (change.endpoint.clone(), change.exclusive.as_deref()),
                Work::Gate(gate) => (gate.locator.endpoint(), None),
            };
            let lane = *lane_of.entry(endpoint).or_insert_with_key(|endpoint| {
                lanes.push(Lane::new(limits.of(endpoint)));
                lanes.len() - 1
            });
            let key = exclusive.map(|key| {
                *key_of.entry(key).or_insert_with(|| {
                    keys.push(Key::default());
                    keys.len() - 1
                })
            });
            let status = if prepared.is_done { Status::Done } else { Status::Pending };
            steps.push(Step::new(status, lane, key));
        }
        let remaining = dag.remaining(&weights);
        let outcome = Outcome { outputs: job.outputs.clone(), ..Outcome::default() };
        let mut core = Self {
            plan_id: job.plan.id(),
            open: 0,
            job,
            dag,
            limits,
            remaining,
            steps,
            lanes,
            keys,
            alarms: BinaryHeap::new(),
            free: VecDeque::new(),
            running: 0,
            course: Course::Running,
            effects: Effects::default(),
            outcome,
        };
        core.count();
        Ok(core)
    }

    /// Counts what is open, and what each step waits for.
    fn count(&mut self) {
        for (from, to) in self.dag.edges() {
            if !self.steps[from].has_ended() {
                self.steps[to].waits += 1;
            }
        }
        self.open = self.steps.iter().filter(|step| !step.has_ended()).count();
        let free = self.steps.iter().enumerate().filter(|(_, step)| !step.has_ended() && step.waits == 0);
        self.free.extend(free.map(|(place, _)| place));
    }

    /// Takes in what happened, and says what to do. `now` is in milliseconds since the Unix epoch and never goes back.
    pub fn handle(&mut self, input: Input, now: u64) -> Effects {
        self.handle_all([input], now)
    }

    /// As [`Core::handle`], for what happened at the same time: the choice of what goes next knows all of it,
    /// and what is appended is one batch.
    pub fn handle_all(&mut self, inputs: impl IntoIterator<Item = Input>, now: u64) -> Effects {
        for input in inputs {
            match input {
                Input::Unrecorded { reason, dropped, lost } => self.unrecorded(reason, &dropped, &lost),
                _ if self.course == Course::Over => {}
                Input::Begin | Input::Woken => {}
                Input::Answered { step, answer } => self.answered(step, answer, now),
                Input::Interrupted => self.interrupted(now),
            }
        }
        self.fire(now);
        if self.course == Course::Running {
            self.dispatch(now);
        }
        if self.open == 0 {
            self.course = Course::Over;
        }
        let mut effects = std::mem::take(&mut self.effects);
        effects.wake_at = self.wake_at(now);
        effects
    }

    /// Whether nothing more will come of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.course == Course::Over
    }

    /// Where a step stands.
    #[must_use]
    pub fn status(&self, step: usize) -> Option<Status> {
        self.steps.get(step).map(|step| step.status)
    }

    /// How it ended, or how far it is.
    #[must_use]
    pub fn into_outcome(mut self) -> Outcome {
        self.outcome.statuses = self.steps.iter().map(|step| step.status).collect();
        self.outcome.changed = self.steps.iter().any(|step| step.changed || step.in_doubt);
        let in_doubt = self.steps.iter().enumerate().filter(|(_, step)| step.in_doubt);
        self.outcome.in_doubt = in_doubt.map(|(place, _)| place).collect();
        self.outcome
    }

    /// Something happened to a step: it is recorded, and told once that is durable.
    pub(crate) fn happen(&mut self, step: usize, kind: EventKind, now: u64) {
        let state = &mut self.steps[step];
        let Some(status) = state.status.after(&kind) else {
            debug_assert!(false, "{kind:?} cannot follow {:?}", state.status);
            return;
        };
        state.status = status;
        let event = Event {
            at: now,
            step: u32::try_from(step).unwrap_or(u32::MAX),
            address: self.job.plan.steps[step].address.clone(),
            kind,
        };
        self.effects.append.push(Entry::Happened { run: self.job.run.clone(), event });
    }

    /// Looks at every alarm that is due.
    fn fire(&mut self, now: u64) {
        while let Some(Reverse((at, step, alarm))) = self.alarms.peek().copied() {
            if at > now || self.course == Course::Over {
                break;
            }
            self.alarms.pop();
            let state = &self.steps[step];
            match (alarm, state.doing) {
                (Alarm::Wake, Doing::Sleeping { next, until }) if until == at => self.queue(step, next),
                (Alarm::Deadline, _) if state.deadline == at && !state.has_ended() => self.overdue(step, now),
                (Alarm::Wake | Alarm::Deadline, _) => {}
            }
        }
        if let Course::Stopping(until) = self.course
            && until <= now
        {
            self.abandon(now);
        }
    }

    /// When the core has to be asked again at the latest.
    fn wake_at(&self, now: u64) -> Option<u64> {
        let alarm = self.alarms.peek().map(|Reverse((at, ..))| *at);
        match self.course {
            Course::Over => None,
            Course::Stopping(until) => Some(until),
            Course::Running => {
                let lanes = self.lanes.iter().filter_map(|lane| lane.opens_at(now));
                lanes.chain(alarm).min().map(|at| at.max(now))
            }
        }
    }

    /// Sends a step to sleep.
    pub(crate) fn sleep(&mut self, step: usize, next: Next, until: u64) {
        self.steps[step].doing = Doing::Sleeping { next, until };
        self.alarms.push(Reverse((until, step, Alarm::Wake)));
    }

    /// A step was not done in time.
    fn overdue(&mut self, step: usize, now: u64) {
        let (state, work) = (&self.steps[step], &self.job.plan.steps[step].work);
        let (seconds, help) = match work {
            Work::Change(change) => (change.timeout, "look at what keeps it, or raise `timeouts`, then apply again"),
            Work::Gate(gate) => (gate.timeout, "look at what it waits for, then apply again"),
        };
        let waited = if state.on.is_empty() { String::new() } else { format!(": {}", state.on) };
        let message = format!("not done within {seconds} s{waited}");
        // An answer that is still on its way tells what happened; until then nobody knows.
        if matches!(state.doing, Doing::Calling(Next::Begin)) {
            self.steps[step].in_doubt = true;
        }
        self.fail(step, Trouble::new(Class::Retryable, "Timeout", message, help), now);
    }

    /// Stops issuing. What was not begun ends at once; calls that change something may still answer for a moment.
    fn interrupted(&mut self, now: u64) {
        self.outcome.interrupted = true;
        if self.course != Course::Running {
            self.abandon(now);
            return;
        }
        self.course = Course::Stopping(now + self.limits.grace);
        for step in 0..self.steps.len() {
            let state = &self.steps[step];
            if !state.has_ended() && state.doing != Doing::Calling(Next::Begin) {
                self.cut_short(step, now);
            }
        }
    }

    /// Waits for no call any more.
    fn abandon(&mut self, now: u64) {
        for step in 0..self.steps.len() {
            if !self.steps[step].has_ended() {
                self.steps[step].in_doubt |= self.steps[step].doing == Doing::Calling(Next::Begin);
                self.cut_short(step, now);
            }
        }
    }

    /// Ends a step because of an interrupt. What the service is busy with stays in doubt.
    pub(crate) fn cut_short(&mut self, step: usize, now: u64) {
        let back = self.take_back(step);
        self.effects.append.extend(back);
        self.happen(step, EventKind::Interrupted, now);
        self.end(step);
    }

    /// Nothing can be recorded any more, so nothing more is done. What was decided with the batch that is
    /// lost never came to be.
    fn unrecorded(&mut self, reason: String, dropped: &BTreeSet<usize>, lost: &BTreeSet<usize>) {
        self.outcome.unrecorded = Some(reason);
        self.course = Course::Over;
        for (place, step) in self.steps.iter_mut().enumerate() {
            if !step.has_ended() {
                step.in_doubt |= step.doing == Doing::Calling(Next::Begin) && !dropped.contains(&place);
                step.status = Status::Interrupted;
            } else if lost.contains(&place) {
                // Its outcome is known here and nowhere else: the journal's last word is the intent.
                step.in_doubt |= step.intended;
                step.status = Status::Interrupted;
            }
        }
        self.open = 0;
        self.effects = Effects::default();
    }
}

/// How long a step usually takes. Gates open as soon as they can, so that only what comes after counts.
fn weight(work: &Work) -> u64 {
    match work {
        Work::Change(change) => change.expected.max(1),
        Work::Gate(_) => 1,
    }
}
