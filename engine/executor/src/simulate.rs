//! Drives the core in virtual time, on one thread, so that millions of histories can be tried.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use kfplan_plan::{Event, Journal};

use crate::core::Core;
use crate::message::{Answer, Effects, Input, Request};

/// A provider that answers at once and says when the answer arrives.
pub trait World {
    /// Takes a call that goes out at `now`, in milliseconds since the Unix epoch.
    fn call(&mut self, request: &Request, now: u64) -> Reply;
}

/// What becomes of a call.
#[derive(Debug)]
pub enum Reply {
    /// The answer arrives after so many milliseconds.
    In(u64, Answer),
    /// No answer ever arrives; whether the call did is the world's to know.
    Never,
    /// The process dies here.
    Dies,
}

/// What happens to a simulated run from outside.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// When it begins, in milliseconds since the Unix epoch.
    pub begins: u64,
    /// When it is interrupted, in milliseconds after that.
    pub interrupts: Vec<u64>,
}

/// How a simulated run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The core was over, at this time.
    Over(u64),
    /// The process died, at this time: what the journal has is all that is left.
    Died(u64),
    /// Nothing will ever happen again and the core is not over, which is a bug of it.
    Stuck(u64),
}

/// Runs a core to its end.
pub fn simulate(
    core: &mut Core,
    world: &mut dyn World,
    journal: &mut dyn Journal,
    script: &Script,
    events: &mut dyn FnMut(&Event),
) -> End {
    let mut run = Run { now: script.begins, answers: BinaryHeap::new(), kept: BTreeMap::new(), sent: 0, wake_at: None };
    let mut interrupts: Vec<u64> = script.interrupts.iter().map(|after| script.begins + after).collect();
    interrupts.sort_unstable_by_key(|at| Reverse(*at));
    let effects = core.handle(Input::Begin, run.now);
    if run.carry_out(core, effects, world, journal, events).is_err() {
        return End::Died(run.now);
    }
    while !core.is_over() {
        let answer = run.answers.peek().map(|Reverse((at, _))| *at);
        let Some(next) = [answer, run.wake_at, interrupts.last().copied()].into_iter().flatten().min() else {
            return End::Stuck(run.now);
        };
        run.now = run.now.max(next);
        let mut inputs = Vec::new();
        while interrupts.last().is_some_and(|at| *at <= run.now) {
            interrupts.pop();
            inputs.push(Input::Interrupted);
        }
        while let Some((step, answer)) = run.arrived() {
            inputs.push(Input::Answered { step, answer });
        }
        let effects = core.handle_all(inputs, run.now);
        if run.carry_out(core, effects, world, journal, events).is_err() {
            return End::Died(run.now);
        }
    }
    End::Over(run.now)
}

/// The process died.
struct Death;

struct Run {
    now: u64,
    /// When each answer arrives, and in which order those of one moment do.
    answers: BinaryHeap<Reverse<(u64, u64)>>,
    kept: BTreeMap<u64, (usize, Answer)>,
    sent: u64,
    wake_at: Option<u64>,
}

impl Run {
    /// The next answer that is there by now.
    fn arrived(&mut self) -> Option<(usize, Answer)> {
        let Reverse((at, number)) = *self.answers.peek()?;
        if at > self.now {
            return None;
        }
        self.answers.pop();
        self.kept.remove(&number)
    }

    fn carry_out(
        &mut self,
        core: &mut Core,
        effects: Effects,
        world: &mut dyn World,
        journal: &mut dyn Journal,
        events: &mut dyn FnMut(&Event),
    ) -> Result<(), Death> {
        if !effects.append.is_empty()
            && let Err(error) = journal.append(&effects.append)
        {
            let effects = core.handle(effects.unrecorded(&error), self.now);
            self.wake_at = effects.wake_at;
            return Ok(());
        }
        effects.events().for_each(&mut *events);
        self.wake_at = effects.wake_at;
        for request in &effects.calls {
            match world.call(request, self.now) {
                Reply::In(after, answer) => {
                    self.sent += 1;
                    self.kept.insert(self.sent, (request.step, answer));
                    self.answers.push(Reverse((self.now + after, self.sent)));
                }
                Reply::Never => {}
                Reply::Dies => return Err(Death),
            }
        }
        Ok(())
    }
}
