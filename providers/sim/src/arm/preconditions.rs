//! `If-Match` and `If-None-Match`.

use super::faults::{AzureFault, Stage};
use super::state::Arm;
use crate::wire::Request;

/// What came of a precondition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// It holds, or there is none.
    Holds,
    /// It does not hold: 412.
    Failed,
    /// It does not hold, and the request is accepted all the same: its operation will fail.
    FailsLater,
}

impl Arm {
    /// Compares the preconditions of a request with what is there: nothing, or something with an eTag or without.
    pub(crate) fn precondition(&mut self, request: &Request, there: Option<Option<&str>>) -> Precondition {
        let bare = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
        let matches = match request.header("if-match").map(bare).as_deref() {
            None | Some("") => true,
            Some("*") => there.is_some(),
            Some(wanted) => there.flatten().is_some_and(|tag| bare(tag) == wanted),
        };
        let absent = match request.header("if-none-match").map(bare).as_deref() {
            None | Some("") => true,
            Some("*") => there.is_none(),
            Some(unwanted) => there.flatten().is_none_or(|tag| bare(tag) != unwanted),
        };
        if matches && absent {
            return Precondition::Holds;
        }
        match self.struck(Stage::Precondition) {
            Some(AzureFault::LatePrecondition) => Precondition::FailsLater,
            _ => Precondition::Failed,
        }
    }
}
