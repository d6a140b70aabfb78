//! Errors with their places, gathered and shown.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::error::ConfigError;
use crate::source::Source;

/// How many errors of one file are shown before the rest is only counted.
const SHOWN: usize = 100;

/// One error, with the lines of the file that it is about.
#[derive(Debug, Clone)]
pub struct Located {
    error: ConfigError,
    labels: Vec<(String, Range<usize>)>,
    source: Option<NamedSource<Arc<str>>>,
    line: usize,
}

impl Located {
    /// What is wrong.
    #[must_use]
    pub fn error(&self) -> &ConfigError {
        &self.error
    }

    /// The line of the file, counted from 1; 0 for what stands in no file.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Located {}

impl Diagnostic for Located {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("kfplan::config::{}", self.error.code())))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.error.help()))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        let labels = self.labels.iter().enumerate().map(|(index, (text, span))| {
            let span = (span.start, span.len());
            if index == 0 {
                LabeledSpan::new_primary_with_span(Some(text.clone()), span)
            } else {
                LabeledSpan::new_with_span(Some(text.clone()), span)
            }
        });
        Some(Box::new(labels))
    }
}

/// All that is wrong with a stack file and the variables given to it.
#[derive(Debug, Clone)]
pub struct ConfigErrors {
    name: String,
    errors: Vec<Located>,
    more: usize,
}

impl ConfigErrors {
    /// The errors that are shown, in the order of the file.
    #[must_use]
    pub fn errors(&self) -> &[Located] {
        &self.errors
    }

    /// How many there are, shown or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.errors.len() + self.more
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        write!(f, "`{}` has {count} error{}", self.name, if count == 1 { "" } else { "s" })
    }
}

impl std::error::Error for ConfigErrors {}

impl Diagnostic for ConfigErrors {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("kfplan::config::invalid"))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let more = (self.more > 0).then(|| format!("and {} more: repair these first", self.more))?;
        Some(Box::new(more))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.errors.iter().map(|error| error as &dyn Diagnostic)))
    }
}

/// An error on its way: what is wrong, and the places in the file, the first being where it is.
#[derive(Debug)]
struct Noted {
    error: ConfigError,
    labels: Vec<(String, Range<usize>)>,
    in_file: bool,
}

/// Gathers everything that is wrong, and everything worth saying.
#[derive(Debug, Default)]
pub(crate) struct Report {
    noted: Vec<Noted>,
    pub(crate) warnings: Vec<String>,
}

impl Report {
    /// Notes an error at a place of the file.
    pub(crate) fn error(&mut self, error: ConfigError, at: &Range<usize>) {
        let label = error.label();
        self.labelled(error, vec![(label, at.clone())]);
    }

    /// Notes an error with places of its own, the first being where it is.
    pub(crate) fn labelled(&mut self, error: ConfigError, labels: Vec<(String, Range<usize>)>) {
        let start = |noted: &Noted| noted.labels.first().map(|(_, span)| span.start);
        let new = Noted { error, labels, in_file: true };
        let same = |left: &ConfigError, right: &ConfigError| {
            left.code() == right.code() && left.to_string() == right.to_string()
        };
        let known = |noted: &Noted| noted.in_file && start(noted) == start(&new) && same(&noted.error, &new.error);
        if !self.noted.iter().any(known) {
            self.noted.push(new);
        }
    }

    /// Notes an error that stands in no file.
    pub(crate) fn outside(&mut self, error: ConfigError) {
        self.noted.push(Noted { error, labels: Vec::new(), in_file: false });
    }

    /// Adds to the help of the newest error, if it has a free text.
    pub(crate) fn add_help(&mut self, more: &str) {
        if let Some(
            ConfigError::WrongType { help, .. }
            | ConfigError::BadValue { help, .. }
            | ConfigError::BadTable { help, .. },
        ) = self.noted.last_mut().map(|noted| &mut noted.error)
            && !help.ends_with(more)
        {
            help.push_str(more);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.noted.len()
    }

    /// Forgets what was noted since there were `length` errors.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.noted.truncate(length);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }

    pub(crate) fn finish(mut self, source: &Source) -> ConfigErrors {
        self.noted.sort_by_key(|noted| noted.labels.first().map_or(0, |(_, span)| span.start));
        let shown = source.shown();
        let more = self.noted.len().saturating_sub(SHOWN);
        let errors = self
            .noted
            .into_iter()
            .take(SHOWN)
            .map(|noted| Located {
                line: noted.labels.first().map_or(0, |(_, span)| source.line(span.start)),
                source: noted.in_file.then(|| shown.clone()),
                error: noted.error,
                labels: noted.labels,
            })
            .collect();
        ConfigErrors { name: source.name().to_owned(), errors, more }
    }
}
