//! What went wrong with a call, in words that a person can act on.

use serde::{Deserialize, Serialize};

/// Whether trying again can help, and who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The request will never be accepted as it is.
    Permanent,
    /// The same request may succeed later.
    Retryable,
    /// Another writer owns or changed what the request is about.
    Conflict,
    /// A limit of the subscription or the cluster is reached.
    Quota,
    /// Not signed in, or not allowed.
    Auth,
}

/// A failed call. Holds no secret: providers redact before they make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// Whether trying again can help.
    pub class: Class,
    /// The service's own code or reason, such as `OperationNotAllowed`.
    pub code: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do next.
    pub help: String,
}

impl Trouble {
    /// A failure with what to do about it.
    pub fn new(class: Class, code: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { class, code: code.into(), message: message.into(), help: help.into() }
    }
}
