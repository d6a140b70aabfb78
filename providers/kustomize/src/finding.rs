//! Errors as they are shown: one by one, each with its code and what to do next.

use std::error::Error;

use crate::error::{RenderError, RenderErrors};

/// One thing that is wrong, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable code.
    pub code: &'static str,
    /// What is wrong, its causes included: lower case, no full stop.
    pub message: String,
    /// What to do next.
    pub help: String,
}

impl Finding {
    /// An error with its causes.
    #[must_use]
    pub fn new(code: &'static str, error: &dyn Error, help: String) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message = format!("{message}: {inner}");
            cause = inner.source();
        }
        Self { code, message, help }
    }
}

impl From<&RenderError> for Finding {
    fn from(error: &RenderError) -> Self {
        Self::new(error.code(), error, error.help())
    }
}

impl RenderErrors {
    /// Each error on its own, in the order in which it was found.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.0.iter().map(Finding::from).collect()
    }
}
