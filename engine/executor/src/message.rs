//! What goes into the core, and what comes out of it.

use std::collections::BTreeSet;

use kfplan_contract::{Call, Progress, Ticket};
use kfplan_plan::{Entry, Event, Gate, GateState, JournalError, Trouble};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The run begins.
    Begin,
    /// A call came back.
    Answered {
        /// The step that made it.
        step: usize,
        /// What came back.
        answer: Answer,
    },
    /// The time that was asked for has come.
    Woken,
    /// Somebody wants it to stop.
    Interrupted,
    /// What was to be appended is not durable.
    Unrecorded {
        /// Why.
        reason: String,
        /// The steps of the calls that came with it, none of which was made.
        dropped: BTreeSet<usize>,
        /// The steps of the events among it, none of which was told.
        lost: BTreeSet<usize>,
    },
}

/// What came back from a call.
#[derive(Debug)]
pub enum Answer {
    /// From a change.
    Progress(Progress),
    /// From a gate.
    Gate(Result<GateState, Trouble>),
}

/// A call that is to be made.
#[derive(Debug, Clone)]
pub struct Request {
    /// The step that makes it; the answer comes back under it.
    pub step: usize,
    /// The call.
    pub ask: Ask,
}

/// What is asked of a provider.
#[derive(Debug, Clone)]
pub enum Ask {
    /// To change something.
    Begin(Box<Call>),
    /// How far it is.
    Progress(Box<Ticket>),
    /// Whether a gate is open.
    Probe(Box<Gate>),
}

/// What is to be done, in this order: append all entries as one batch; tell the events among them;
/// make the calls. When the append fails, nothing else is done, and what [`Effects::unrecorded`] gives is handled.
#[derive(Debug, Default)]
#[must_use = "what the core decided has to be done"]
pub struct Effects {
    /// What must be durable first.
    pub append: Vec<Entry>,
    /// The calls that may go out then.
    pub calls: Vec<Request>,
    /// When to come back at the latest, in milliseconds since the Unix epoch. Replaces what was said before.
    pub wake_at: Option<u64>,
}

impl Effects {
    /// What may be told once the batch is durable.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.append.iter().filter_map(|entry| match entry {
            Entry::Happened { event, .. } => Some(event),
            _ => None,
        })
    }

    /// What the core has to be told when the batch could not be made durable.
    #[must_use]
    pub fn unrecorded(&self, error: &JournalError) -> Input {
        Input::Unrecorded {
            reason: error.to_string(),
            dropped: self.calls.iter().map(|request| request.step).collect(),
            lost: self.events().map(|event| event.step as usize).collect(),
        }
    }
}
