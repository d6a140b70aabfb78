//! Where a call is on its way: what is being waited for, and what comes after it.

use std::time::Duration;

use kfplan_contract::{Progress, Ticket};
use kfplan_plan::{Action, Locator, Payload, Precondition};
use serde::{Deserialize, Serialize};

use crate::client::Answer;

/// How often the state of things is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first pause; later ones grow from it.
    pub first: Duration,
    /// The longest pause of our own.
    pub longest: Duration,
    /// The longest pause that Azure may ask for; a simulated cloud whose clock runs faster asks for too much.
    pub heed: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), longest: Duration::from_secs(15), heed: Duration::from_secs(300) }
    }
}

impl Pace {
    /// The pace for a cloud whose things get done so many times faster.
    #[must_use]
    pub fn faster(self, times: u32) -> Self {
        let times = times.max(1);
        let shorter = |pause: Duration| (pause / times).max(Duration::from_millis(20));
        Self { first: shorter(self.first), longest: shorter(self.longest), heed: shorter(self.heed) }
    }

    /// The pause before the next look.
    pub(super) fn pause(&self, looks: u32, asked: Option<Duration>) -> Duration {
        match asked {
            Some(asked) => asked.min(self.heed),
            None => self.first.saturating_mul(looks.saturating_add(1)).min(self.longest),
        }
    }
}

/// How one learns that it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Watch {
    /// The status of an operation, at the URL that Azure gave.
    Operation(String),
    /// Its result, which is there when it ended.
    Result(String),
    /// The resource's own state.
    Resource,
    /// Another operation is in the way: ask again for the same thing.
    Again,
}

/// Which part of a call is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Nothing of ours yet: what was found under way has to end first.
    Before,
    /// A pool is added to a cluster.
    AddPool(String),
    /// The resource is written.
    Write,
    /// A pool of a cluster is drained and deleted.
    DropPool(String),
    /// The resource is deleted.
    Delete,
}

/// A call under way. It is the token of a ticket: in memory only, never shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Course {
    pub(super) stage: Stage,
    pub(super) watch: Watch,
    /// What must hold when nothing of ours has been done yet.
    pub(super) precondition: Precondition,
    /// How often it was looked at since the stage began.
    pub(super) looks: u32,
    /// How often a condition of a write failed though its fields had not moved.
    pub(super) tries: u32,
}

impl Course {
    pub(super) fn new(stage: Stage, watch: Watch, precondition: Precondition) -> Self {
        Self { stage, watch, precondition, looks: 0, tries: 0 }
    }

    /// The watch that an accepted answer asks for.
    pub(super) fn watch_of(answer: &Answer) -> Watch {
        match (answer.header("azure-asyncoperation"), answer.header("location")) {
            (Some(url), _) => Watch::Operation(url.to_owned()),
            (None, Some(url)) if answer.status == 202 || answer.body.is_null() => Watch::Result(url.to_owned()),
            (None, _) => Watch::Resource,
        }
    }
}

/// What a call is about, from its beginning to its end.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) action: Action,
    pub(super) locator: Locator,
    pub(super) payload: Option<Payload>,
}

impl Job {
    /// The answer "not yet".
    pub(super) fn waiting(&self, on: impl Into<String>, course: &Course, pause: Duration) -> Progress {
        Progress::Waiting {
            on: on.into(),
            after: pause,
            ticket: Box::new(Ticket {
                locator: self.locator.clone(),
                action: self.action,
                // Holds only texts and numbers, so it can be written.
                token: serde_json::to_string(course).unwrap_or_default(),
                payload: self.payload.clone(),
            }),
        }
    }
}
