//! Which step goes next.

use std::cmp::Reverse;

use kfplan_contract::Call;
use kfplan_plan::{Action, Entry, EventKind, Probe, Status, Trouble, Work};

use crate::core::{Alarm, Core};
use crate::lane::Place;
use crate::message::{Ask, Request};
use crate::step::{Doing, Next, Stage};

/// What a lane would send next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Something new.
    Begin,
    /// A question about what was begun: it frees what others wait for.
    Ask,
}

impl Core {
    /// Sends whatever may go out now.
    pub(crate) fn dispatch(&mut self, now: u64) {
        self.let_in(now);
        while let Some((turn, lane)) = self.next_turn(now) {
            let queue = match turn {
                Turn::Begin => &mut self.lanes[lane].begins,
                Turn::Ask => &mut self.lanes[lane].asks,
            };
            let Some((_, Reverse(step))) = queue.pop() else { continue };
            if let Doing::Queued(next) = self.steps[step].doing {
                self.issue(step, next, now);
                self.let_in(now);
            }
        }
    }

    /// The best that may go out: questions before new work, then the longest remaining path.
    fn next_turn(&mut self, now: u64) -> Option<(Turn, usize)> {
        let has_slot = self.running < self.limits.parallelism.max(1);
        let mut best: Option<(Turn, Place, usize)> = None;
        for (number, lane) in self.lanes.iter().enumerate() {
            if !lane.is_open(now) {
                continue;
            }
            let ask = lane.asks.peek().map(|place| (Turn::Ask, *place, number));
            let begin = lane.begins.peek().filter(|_| has_slot).map(|place| (Turn::Begin, *place, number));
            best = best.max(ask.or(begin));
        }
        best.map(|(turn, _, lane)| (turn, lane))
    }

    /// Looks at every step that waits for nothing any more.
    fn let_in(&mut self, now: u64) {
        while let Some(step) = self.free.pop_front() {
            let plan = std::sync::Arc::clone(&self.job.plan);
            match &plan.steps[step].work {
                Work::Gate(gate) if gate.probe == Probe::Joined => {
                    self.happen(step, EventKind::Started { action: None }, now);
                    self.complete(step, None, now);
                }
                Work::Gate(gate) => {
                    self.due(step, gate.timeout, now);
                    self.queue(step, Next::Probe);
                }
                Work::Change(change) if matches!(change.action, Action::Forget | Action::Refresh) => {
                    self.record_only(step, change.action, now);
                }
                Work::Change(_) => self.queue(step, Next::Begin),
            }
        }
    }

    /// A step that only changes the record.
    fn record_only(&mut self, step: usize, action: Action, now: u64) {
        self.happen(step, EventKind::Started { action: Some(action) }, now);
        let entry = match (action, self.job.steps[step].after.clone()) {
            (Action::Refresh, Some(record)) => Entry::Settled { record },
            _ => Entry::Removed { address: self.job.plan.steps[step].address.clone() },
        };
        self.effects.append.push(entry);
        self.complete(step, None, now);
    }

    /// Puts a step where it waits for its turn.
    pub(crate) fn queue(&mut self, step: usize, next: Next) {
        let place = (self.remaining[step], Reverse(step));
        let state = &mut self.steps[step];
        state.doing = Doing::Queued(next);
        let lane = &mut self.lanes[state.lane];
        if next == Next::Begin && !state.holds_slot { lane.begins.push(place) } else { lane.asks.push(place) }
    }

    /// Sets the time by which a step has to be done.
    fn due(&mut self, step: usize, seconds: u64, now: u64) {
        let deadline = now.saturating_add(seconds.saturating_mul(1_000));
        self.steps[step].deadline = deadline;
        self.alarms.push(Reverse((deadline, step, Alarm::Deadline)));
    }

    /// Makes a step's next call, unless its key is taken.
    fn issue(&mut self, step: usize, next: Next, now: u64) {
        let ask = match next {
            Next::Begin => {
                if !self.take_key(step) {
                    return;
                }
                match self.begin(step, now) {
                    Ok(call) => Ask::Begin(Box::new(call)),
                    Err(trouble) => return self.fail(step, trouble, now),
                }
            }
            Next::Progress => match &self.steps[step].ticket {
                Some(ticket) => Ask::Progress(ticket.clone()),
                None => return self.queue(step, Next::Begin),
            },
            Next::Probe => {
                let Work::Gate(gate) = &self.job.plan.steps[step].work else { return };
                let gate = gate.clone();
                if self.steps[step].status == Status::Pending {
                    self.happen(step, EventKind::Started { action: None }, now);
                }
                Ask::Probe(gate)
            }
        };
        let state = &mut self.steps[step];
        state.doing = Doing::Calling(next);
        self.lanes[state.lane].sent();
        self.effects.calls.push(Request { step, ask });
    }

    /// Takes the key that a step needs, or lines it up for it.
    fn take_key(&mut self, step: usize) -> bool {
        let state = &mut self.steps[step];
        let Some(number) = state.key.filter(|_| !state.holds_key) else {
            return true;
        };
        let key = &mut self.keys[number];
        if key.held {
            key.waiting.push((self.remaining[step], Reverse(step)));
            return false;
        }
        key.held = true;
        state.holds_key = true;
        true
    }

    /// The call that a step begins with, its intent appended first.
    fn begin(&mut self, step: usize, now: u64) -> Result<Call, Trouble> {
        if !std::mem::replace(&mut self.steps[step].holds_slot, true) {
            self.running += 1;
        }
        if self.steps[step].status == Status::Pending {
            self.start(step, now)?;
        }
        let Some(stage) = self.steps[step].stages.get(self.steps[step].stage).cloned() else {
            unreachable!("a step without a stage is never begun");
        };
        if !self.steps[step].intended {
            let intent = self.intent(step, &stage, now);
            self.effects.append.extend(intent);
            self.steps[step].intended = true;
        }
        let state = &self.steps[step];
        // A delete of a replacement has no body; one alone may release fields of somebody else's thing.
        let bare = stage.action == Action::Delete && state.stages.len() > 1;
        let payload = state.payload.clone().filter(|_| !bare);
        let Stage { action, locator, precondition } = stage;
        Ok(Call { action, locator, payload, precondition })
    }

    /// The first time that a change is begun: its time runs, and its holes are filled.
    fn start(&mut self, step: usize, now: u64) -> Result<(), Trouble> {
        let plan = std::sync::Arc::clone(&self.job.plan);
        let Work::Change(change) = &plan.steps[step].work else {
            return Ok(());
        };
        self.happen(step, EventKind::Started { action: Some(change.action) }, now);
        self.due(step, change.timeout, now);
        let prepared = &mut self.job.steps[step];
        let (payload, before) = (prepared.payload.take(), prepared.before.take());
        let state = &mut self.steps[step];
        state.stages = Stage::of(change);
        state.settled = before;
        state.payload = match payload {
            Some(payload) if payload.desired.holes.is_empty() => Some(payload),
            Some(payload) => Some(self.job.fill.fill(step, &payload, &self.outcome.outputs)?),
            None => None,
        };
        Ok(())
    }

    /// Gives up the slot of a step that waits without anything being under way.
    pub(crate) fn free_slot(&mut self, step: usize) {
        if std::mem::take(&mut self.steps[step].holds_slot) {
            self.running -= 1;
        }
    }

    /// A step has ended: what it held is free.
    pub(crate) fn end(&mut self, step: usize) {
        self.open -= 1;
        self.free_slot(step);
        let state = &mut self.steps[step];
        state.doing = Doing::Nothing;
        state.ticket = None;
        // An answer may still arrive of what is in doubt, and must not be recorded without knowing what is secret.
        if !state.in_doubt {
            state.payload = None;
        }
        if std::mem::take(&mut state.holds_key)
            && let Some(number) = state.key
        {
            let key = &mut self.keys[number];
            key.held = false;
            while let Some((_, Reverse(next))) = key.waiting.pop() {
                if self.steps[next].doing == Doing::Queued(Next::Begin) {
                    self.queue(next, Next::Begin);
                    break;
                }
            }
        }
    }
}
