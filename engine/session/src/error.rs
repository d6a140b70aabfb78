//! What stops an operation, with what to do next and the exit that it means.

use std::fmt;

use kfplan_config::ConfigErrors;
use kfplan_plan::{Class, Trouble};
use kfplan_planner::PlanErrors;
use kfplan_store::StoreError;
use miette::Diagnostic;

use crate::exit::Exit;

/// What stops an operation.
#[derive(Debug)]
pub enum SessionError {
    /// The stack file, or what was given to it, is wrong.
    Config(Box<ConfigErrors>),
    /// There can be no plan.
    Plan(Box<Failure>),
    /// The state cannot be used.
    Store(StoreError),
    /// Anything else: a message with its code, help and exit.
    Other(Box<Failure>),
}

/// A message with its code, help and exit. Several of them when several things are wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// A stable code, listed in `docs/errors.md`.
    pub code: String,
    /// What to do next.
    pub help: Option<String>,
    /// The exit that it means.
    pub exit: Exit,
    /// All that is wrong, each on its own.
    pub related: Vec<Failure>,
}

impl Failure {
    /// A failure before anything was changed.
    pub fn new(code: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: code.to_owned(),
            help: Some(help.into()),
            exit: Exit::Failed,
            related: Vec::new(),
        }
    }

    /// The same failure, with another exit.
    #[must_use]
    pub fn exits(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Several failures under one headline; one alone stands for itself.
    pub(crate) fn all(code: &str, headline: impl Into<String>, mut related: Vec<Self>) -> Self {
        if related.len() == 1
            && let Some(only) = related.pop()
        {
            return only;
        }
        Self { message: headline.into(), code: code.to_owned(), help: None, exit: Exit::Failed, related }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("kfplan::{}", self.code)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display + 'a>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.related.is_empty())
            .then(|| Box::new(self.related.iter().map(|failure| failure as &dyn Diagnostic)) as Box<_>)
    }
}

impl SessionError {
    /// The exit that it means.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Failed,
            Self::Plan(failure) | Self::Other(failure) => failure.exit,
            Self::Store(StoreError::Locked { .. }) => Exit::Locked,
            Self::Store(_) => Exit::Failed,
        }
    }

    /// The system refused something.
    #[must_use]
    pub fn system(doing: &str, error: &std::io::Error) -> Self {
        Failure::new(
            "system",
            format!("cannot {doing}: {error}"),
            "check that the path is right, and that you may read and write it",
        )
        .into()
    }

    /// A plan with another id than `--plan-id` names.
    #[must_use]
    pub fn other_plan(wanted: &str, found: &str) -> Self {
        Failure::new(
            "plan_id",
            format!("the plan has the id `{found}`, and `{wanted}` was asked for"),
            "plan again, and review what changed",
        )
        .exits(Exit::Stale)
        .into()
    }
}

impl From<Failure> for SessionError {
    fn from(failure: Failure) -> Self {
        Self::Other(Box::new(failure))
    }
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ConfigErrors> for SessionError {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(Box::new(errors))
    }
}

impl From<Trouble> for SessionError {
    fn from(trouble: Trouble) -> Self {
        let code = match trouble.class {
            Class::Permanent => "service::permanent",
            Class::Retryable => "service::retryable",
            Class::Conflict => "service::conflict",
            Class::Quota => "service::quota",
            Class::Auth => "service::auth",
        };
        let message =
            if trouble.code.is_empty() { trouble.message } else { format!("{} ({})", trouble.message, trouble.code) };
        Failure::new(code, message, trouble.help).into()
    }
}

impl From<PlanErrors> for SessionError {
    fn from(errors: PlanErrors) -> Self {
        let related = errors.iter().map(|error| Failure::new(error.code(), error.to_string(), error.help())).collect();
        Self::Plan(Box::new(Failure::all("plan", "there can be no plan yet", related)))
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(errors) => errors.fmt(f),
            Self::Plan(failure) | Self::Other(failure) => failure.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => std::error::Error::source(error),
            Self::Config(_) | Self::Plan(_) | Self::Other(_) => None,
        }
    }
}

impl Diagnostic for SessionError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self {
            Self::Config(errors) => errors.code(),
            Self::Plan(failure) | Self::Other(failure) => failure.code(),
            Self::Store(error) => Some(Box::new(error.code())),
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self {
            Self::Config(errors) => errors.help(),
            Self::Plan(failure) | Self::Other(failure) => failure.help(),
            Self::Store(error) => Some(Box::new(error.help())),
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self {
            Self::Config(errors) => errors.related(),
            Self::Plan(failure) | Self::Other(failure) => failure.related(),
            Self::Store(_) => None,
        }
    }
}
