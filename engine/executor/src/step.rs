//! Where one step stands.

use kfplan_contract::Ticket;
use kfplan_plan::{Action, Change, Digest, Locator, Payload, Precondition, Record, Status};

/// One call that a step makes. A replacement has two.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) action: Action,
    pub(crate) locator: Locator,
    pub(crate) precondition: Precondition,
}

impl Stage {
    /// The calls of a change, in order; none when only the record changes.
    pub(crate) fn of(change: &Change) -> Vec<Self> {
        let stage = |action, locator: &Locator, precondition: &Precondition| Self {
            action,
            locator: locator.clone(),
            precondition: precondition.clone(),
        };
        let Change { action, locator, precondition, .. } = change;
        match (action, &change.replaced) {
            (Action::Forget | Action::Refresh, _) => Vec::new(),
            (Action::Create | Action::Adopt | Action::Update | Action::Delete, _) => {
                vec![stage(*action, locator, precondition)]
            }
            (Action::Replace, None) => {
                vec![
                    stage(Action::Delete, locator, precondition),
                    stage(Action::Create, locator, &Precondition::Absent),
                ]
            }
            (Action::Replace, Some(old)) => {
                let delete = stage(Action::Delete, &old.locator, &old.precondition);
                let create = stage(Action::Create, locator, precondition);
                if old.create_first { vec![create, delete] } else { vec![delete, create] }
            }
        }
    }
}

/// What a step is asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Begin,
    Progress,
    Probe,
}

/// What a step is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It waits for other steps, or has ended.
    Nothing,
    /// It could go on, and waits for its turn.
    Queued(Next),
    /// A call is in flight.
    Calling(Next),
    /// It waits until a time.
    Sleeping { next: Next, until: u64 },
}

/// Where one step stands.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) status: Status,
    pub(crate) doing: Doing,
    /// How many of the steps before it are not done.
    pub(crate) waits: u32,
    /// The service it goes to.
    pub(crate) lane: usize,
    /// The key that it must hold.
    pub(crate) key: Option<usize>,
    pub(crate) holds_key: bool,
    pub(crate) holds_slot: bool,
    /// When it has to be done.
    pub(crate) deadline: u64,
    pub(crate) stages: Vec<Stage>,
    pub(crate) stage: usize,
    /// The body, holes filled.
    pub(crate) payload: Option<Payload>,
    /// The digest of the sealed body.
    pub(crate) sent: Option<Digest>,
    /// The last record that can be believed.
    pub(crate) settled: Option<Box<Record>>,
    /// Whether the intent of this stage is in the journal.
    pub(crate) intended: bool,
    /// Whether the world may have changed in a way that no answer told.
    pub(crate) in_doubt: bool,
    /// Whether anything of the world was changed.
    pub(crate) changed: bool,
    pub(crate) ticket: Option<Box<Ticket>>,
    /// Tries in a row that failed, or looks at a gate.
    pub(crate) tries: u32,
    /// What it waits for, as last told.
    pub(crate) on: String,
}

impl Step {
    pub(crate) fn new(status: Status, lane: usize, key: Option<usize>) -> Self {
        Self {
            status,
            doing: Doing::Nothing,
            waits: 0,
            lane,
            key,
            holds_key: false,
            holds_slot: false,
            deadline: u64::MAX,
            stages: Vec::new(),
            stage: 0,
            payload: None,
            sent: None,
            settled: None,
            intended: false,
            in_doubt: false,
            changed: false,
            ticket: None,
            tries: 0,
            on: String::new(),
        }
    }

    /// Whether nothing can happen to it any more.
    pub(crate) fn has_ended(&self) -> bool {
        !matches!(self.status, Status::Pending | Status::Running)
    }
}
