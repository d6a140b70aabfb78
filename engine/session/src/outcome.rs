//! How a run or a look ended, in the words of exits.

use std::collections::BTreeMap;

use kfplan_plan::{Note, Plan, Severity, Status};
use kfplan_planner::Drifted;
use serde_json::Value as Json;

use crate::exit::Exit;
use crate::session::Found;

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Where each step stands.
    pub status: Vec<Status>,
    /// What went wrong, by step.
    pub troubles: BTreeMap<u32, String>,
    /// The stack's outputs, secrets left out.
    pub outputs: BTreeMap<String, String>,
    /// The exit that it means.
    pub exit: Exit,
    /// The next line to type, when there is one.
    pub next: Option<String>,
}

/// The exit that the statuses of a plan's steps mean. Computed from the same list that is printed.
pub(crate) fn exit_of(plan: &Plan, status: &[Status], keep_protected: bool) -> Exit {
    let has = |wanted: Status| status.contains(&wanted);
    let changed =
        plan.steps.iter().zip(status).any(|(step, status)| step.work.change().is_some() && *status == Status::Done);
    let mut exit = Exit::Done;
    if has(Status::Interrupted) || has(Status::Pending) {
        exit = exit.worst(Exit::Interrupted);
    }
    if has(Status::Failed) || has(Status::Skipped) {
        exit = exit.worst(if changed { Exit::Partial } else { Exit::Failed });
    }
    if has(Status::Stale) {
        exit = exit.worst(if changed { Exit::Partial } else { Exit::Stale });
    }
    if !plan.kept.is_empty() && !keep_protected {
        exit = exit.worst(Exit::Partial);
    }
    exit
}

/// A value as `output` prints it.
pub(crate) fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) fn found(drifted: Drifted, recorded: usize) -> Found {
    let undecided: Vec<Note> = drifted
        .undecided
        .into_iter()
        .map(|undecided| Note {
            severity: Severity::Warning,
            code: "drift::undecided".to_owned(),
            address: Some(undecided.address),
            message: undecided.why,
            help: None,
        })
        .collect();
    Found { drift: drifted.drift, checked: recorded.saturating_sub(undecided.len()), undecided }
}
