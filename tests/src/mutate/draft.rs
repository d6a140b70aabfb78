//! One change as it was thought of, before a server said what it thinks of it.

use serde_json::Value as Json;

use super::edit::Edit;
use super::fields::{Step, text};

/// A change that may be tried.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// In words, for the report.
    pub(super) what: &'static str,
    /// Where, in the words of kfplan's documentation.
    pub(super) place: String,
    pub(super) act: Act,
}

/// What is done.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// The body is edited; what stands there then is a value that another manager could apply, too.
    Edit(Vec<Edit>, Option<(Vec<Step>, Json)>),
    /// Another manager applies the value that is there, too.
    Share(Vec<Step>, Json),
    /// Another manager applies the value that is there, and kfplan's entry loses it.
    Take(Vec<Step>, Json),
    /// The whole object is deleted.
    Delete,
    /// The whole object is deleted and made again.
    Replace,
}

impl Draft {
    pub(super) fn edit(what: &'static str, path: &[Step], edit: Edit) -> Self {
        Self { what, place: text(path), act: Act::Edit(vec![edit], None) }
    }

    /// An edit after which `value` stands at an owned place.
    pub(super) fn set(what: &'static str, path: &[Step], at: &[String], value: Json) -> Self {
        let applied = Some((path.to_vec(), value.clone()));
        Self { what, place: text(path), act: Act::Edit(vec![Edit::Set(at.to_vec(), value)], applied) }
    }
}
