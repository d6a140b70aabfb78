//! What comes of an answer.

use std::time::Duration;

use kfplan_contract::Progress;
use kfplan_plan::{Action, Applied, Class, Entry, EventKind, GateState, Intent, Record, RecordState, Status, Trouble};

use crate::core::{Core, Course};
use crate::message::Answer;
use crate::step::{Doing, Next};

/// Progress is asked for at most this often, whatever a service says, in milliseconds.
const SHORTEST_WAIT: u64 = 50;

/// After so many failed questions in a row about an operation it is begun again, in case it is gone.
const LOST_AFTER: u32 = 4;

impl Core {
    /// A call came back.
    pub(crate) fn answered(&mut self, step: usize, answer: Answer, now: u64) {
        let Some(state) = self.steps.get(step) else { return };
        let (lane, doing) = (state.lane, state.doing);
        self.lanes[lane].returned();
        let Doing::Calling(next) = doing else {
            return self.late(step, answer);
        };
        match (next, answer) {
            (Next::Probe, Answer::Gate(answer)) => self.probed(step, answer, now),
            (Next::Begin | Next::Progress, Answer::Progress(progress)) => self.progressed(step, next, progress, now),
            (Next::Probe, Answer::Progress(_)) | (Next::Begin | Next::Progress, Answer::Gate(_)) => {
                let trouble = Trouble::new(
                    Class::Permanent,
                    "WrongAnswer",
                    "the provider answered another question than it was asked",
                    "report this as a bug of kfplan",
                );
                self.steps[step].in_doubt |= next != Next::Probe;
                self.fail(step, trouble, now);
            }
        }
        if !matches!(self.course, Course::Running) && !self.steps[step].has_ended() {
            self.cut_short(step, now);
        }
    }

    /// A call came back after its step had ended: what it says is recorded all the same.
    fn late(&mut self, step: usize, answer: Answer) {
        let state = &self.steps[step];
        // What is left of a replacement is more than this answer tells.
        if !state.in_doubt || state.stage + 1 < state.stages.len() || (state.stages.len() > 1 && self.is_delete(step)) {
            return;
        }
        match answer {
            Answer::Progress(Progress::Done(applied)) if !self.is_delete(step) => {
                let record = self.applied(step, &applied).map(Box::new);
                self.effects.append.extend(record.map(|record| Entry::Settled { record }));
                self.steps[step].in_doubt = false;
            }
            Answer::Progress(Progress::Done(_) | Progress::Gone) if self.is_delete(step) => {
                self.forget(step);
                self.steps[step].in_doubt = false;
            }
            Answer::Progress(_) | Answer::Gate(_) => {}
        }
    }

    fn probed(&mut self, step: usize, answer: Result<GateState, Trouble>, now: u64) {
        let lane = self.steps[step].lane;
        match answer {
            Ok(GateState::Open) => {
                self.lanes[lane].took();
                self.complete(step, None, now);
            }
            Ok(GateState::OpenUnverified(why)) => {
                self.lanes[lane].took();
                self.complete(step, Some(why), now);
            }
            Ok(GateState::Broken(why)) => {
                let trouble = Trouble::new(Class::Permanent, "NeverReady", why, "repair it, then apply again");
                self.fail(step, trouble, now);
            }
            Ok(GateState::Closed(on)) => {
                self.lanes[lane].took();
                self.waiting(step, on, now);
                let wait = self.limits.poll_after(self.steps[step].tries);
                self.steps[step].tries += 1;
                self.sleep(step, Next::Probe, now + wait);
            }
            Err(trouble) => self.try_again(step, Next::Probe, trouble, now),
        }
    }

    fn progressed(&mut self, step: usize, next: Next, progress: Progress, now: u64) {
        let lane = self.steps[step].lane;
        match progress {
            Progress::Done(applied) => {
                self.lanes[lane].took();
                self.stage_done(step, Some(*applied), now);
            }
            Progress::Gone if self.is_delete(step) => {
                self.lanes[lane].took();
                self.stage_done(step, None, now);
            }
            Progress::Gone => {
                self.steps[step].in_doubt = true;
                let message = "it was gone before it was ready";
                let help = "look who deleted it, then apply again";
                self.fail(step, Trouble::new(Class::Conflict, "Gone", message, help), now);
            }
            Progress::Waiting { on, after, ticket } => {
                self.lanes[lane].took();
                let state = &mut self.steps[step];
                state.ticket = Some(ticket);
                state.in_doubt = true;
                state.tries = 0;
                self.waiting(step, on, now);
                self.sleep(step, Next::Progress, now + milliseconds(after).max(SHORTEST_WAIT));
            }
            Progress::Throttled { after } => {
                let after = milliseconds(after);
                self.lanes[lane].throttled(now, after);
                self.happen(step, EventKind::Throttled { after }, now);
                if next == Next::Begin && self.steps[step].ticket.is_none() {
                    self.free_slot(step);
                }
                self.queue(step, next);
            }
            Progress::Stale { moved } => {
                let back = self.take_back(step);
                self.effects.append.extend(back);
                self.outcome.stale.insert(step, moved.clone());
                self.happen(step, EventKind::Stale { moved }, now);
                self.end(step);
                self.skip_after(step, now);
            }
            Progress::Failed(trouble) => {
                if trouble.class == Class::Retryable {
                    // The request may have arrived, whatever became of its answer.
                    self.steps[step].in_doubt = true;
                }
                self.try_again(step, next, trouble, now);
            }
        }
    }

    fn is_delete(&self, step: usize) -> bool {
        let state = &self.steps[step];
        state.stages.get(state.stage).is_some_and(|stage| stage.action == Action::Delete)
    }

    /// What a step waits for, told when it is something new.
    fn waiting(&mut self, step: usize, on: String, now: u64) {
        if self.steps[step].on != on {
            self.steps[step].on.clone_from(&on);
            self.happen(step, EventKind::Waiting { on }, now);
        }
    }

    /// Tries again when that can help and there is time.
    fn try_again(&mut self, step: usize, next: Next, trouble: Trouble, now: u64) {
        let tries = self.steps[step].tries + 1;
        let until = now + self.limits.retry_after(step, tries);
        if trouble.class != Class::Retryable || until >= self.steps[step].deadline {
            return self.fail(step, trouble, now);
        }
        self.steps[step].tries = tries;
        self.waiting(step, format!("another try after: {}", trouble.message), now);
        let next = match next {
            Next::Progress if tries.is_multiple_of(LOST_AFTER) => {
                self.steps[step].ticket = None;
                Next::Begin
            }
            next => next,
        };
        if next == Next::Begin {
            self.free_slot(step);
        }
        self.sleep(step, next, until);
    }

    /// A service did what a stage asked of it.
    fn stage_done(&mut self, step: usize, applied: Option<Applied>, now: u64) {
        let is_delete = self.is_delete(step);
        let state = &mut self.steps[step];
        state.changed = true;
        state.in_doubt = false;
        state.ticket = None;
        state.tries = 0;
        let is_last = state.stage + 1 >= state.stages.len();
        let record = applied.filter(|_| !is_delete).and_then(|applied| {
            let record = self.applied(step, &applied);
            if !applied.outputs.is_empty() {
                self.outcome.outputs.insert(self.job.plan.steps[step].address.clone(), applied.outputs);
            }
            record
        });
        match (record, is_last) {
            (Some(record), true) => self.effects.append.push(Entry::Settled { record: Box::new(record) }),
            (Some(record), false) => return self.old_one_goes(step, record, now),
            // The last stage of a replacement that was created first: the new thing stays.
            (None, true) if is_delete && self.steps[step].stages.len() > 1 => {
                if let Some(record) = self.steps[step].settled.take() {
                    let record = Box::new(Record { state: RecordState::Settled, ..*record });
                    let contents = std::mem::take(&mut self.job.steps[step].contents);
                    self.effects.append.extend(contents.into_iter().map(|address| Entry::Removed { address }));
                    self.effects.append.push(Entry::Settled { record });
                }
            }
            (None, true) => {
                self.forget(step);
            }
            (None, false) => {
                self.forget(step);
                let state = &mut self.steps[step];
                state.settled = None;
                state.intended = false;
                return self.next_stage(step, now);
            }
        }
        self.complete(step, None, now);
    }

    /// The new thing of a replacement is there, and the old one is to go. One entry says both, so that at
    /// no moment only one of them is recorded: the record is of the new one, in doubt about the old one.
    fn old_one_goes(&mut self, step: usize, record: Record, now: u64) {
        let state = &mut self.steps[step];
        if let Some(old) = state.stages.get(state.stage + 1) {
            let intent = Intent {
                action: Action::Delete,
                locator: old.locator.clone(),
                plan: self.plan_id.clone(),
                step: u32::try_from(step).unwrap_or(u32::MAX),
                sent: None,
                at: now,
            };
            let record = Record { state: RecordState::InDoubt(Box::new(intent)), ..record };
            state.settled = Some(Box::new(record.clone()));
            state.intended = true;
            state.in_doubt = true;
            self.effects.append.push(Entry::Intended { record: Box::new(record), sent: None });
        }
        self.next_stage(step, now);
    }

    /// A thing is gone, and all that was in it: one batch says both.
    fn forget(&mut self, step: usize) {
        let contents = std::mem::take(&mut self.job.steps[step].contents);
        let address = self.job.plan.steps[step].address.clone();
        let gone = contents.into_iter().chain([address]);
        self.effects.append.extend(gone.map(|address| Entry::Removed { address }));
    }

    fn next_stage(&mut self, step: usize, now: u64) {
        let state = &mut self.steps[step];
        state.stage += 1;
        state.on.clear();
        let action = state.stages.get(state.stage).map(|stage| stage.action);
        self.happen(step, EventKind::Started { action }, now);
        self.queue(step, Next::Begin);
    }

    /// A step is done: whoever waited only for it is free.
    pub(crate) fn complete(&mut self, step: usize, remark: Option<String>, now: u64) {
        self.happen(step, EventKind::Done { remark }, now);
        self.end(step);
        let Self { dag, steps, free, .. } = self;
        for next in dag.successors(step) {
            let state = &mut steps[next];
            state.waits -= 1;
            if state.waits == 0 && state.status == Status::Pending {
                free.push_back(next);
            }
        }
    }

    /// A step failed for good: whoever waited for it is skipped.
    pub(crate) fn fail(&mut self, step: usize, trouble: Trouble, now: u64) {
        if self.steps[step].status == Status::Pending {
            let action = self.job.plan.steps[step].work.change().map(|change| change.action);
            self.happen(step, EventKind::Started { action }, now);
        }
        let back = self.take_back(step);
        self.effects.append.extend(back);
        self.outcome.troubles.insert(step, trouble.clone());
        self.happen(step, EventKind::Failed { trouble }, now);
        self.end(step);
        self.skip_after(step, now);
    }

    /// Skips all that waits for a step, directly or not, and was not skipped before.
    fn skip_after(&mut self, step: usize, now: u64) {
        let cause = self.job.plan.steps[step].address.clone();
        let mut open: Vec<usize> = self.dag.successors(step).collect();
        while let Some(next) = open.pop() {
            if self.steps[next].status == Status::Pending {
                self.happen(next, EventKind::Skipped { cause: cause.clone() }, now);
                self.open -= 1;
                open.extend(self.dag.successors(next));
            }
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}
