//! The text of a file: its places, and what of it may be shown.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use kfplan_model::Position;
use miette::NamedSource;

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    text: Arc<str>,
    /// The byte at which each line begins.
    lines: Vec<usize>,
    /// Bytes that are never shown.
    secret: BTreeSet<(usize, usize)>,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name: name.to_owned(), text: text.into(), lines, secret: BTreeSet::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn slice(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).max(1)
    }

    pub(crate) fn position(&self, at: usize) -> Position {
        let line = self.line(at);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..at).map_or(1, |before| before.chars().count() + 1);
        Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
    }

    /// The lines of the text, each with its first byte.
    pub(crate) fn numbered_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.split('\n').zip(&self.lines).map(|(line, start)| (*start, line))
    }

    /// Has these bytes never shown.
    pub(crate) fn hide(&mut self, span: &Range<usize>) {
        self.secret.insert((span.start, span.end));
    }

    /// Whether anything in these bytes is never shown.
    pub(crate) fn hides(&self, span: &Range<usize>) -> bool {
        self.secret.iter().any(|(start, end)| *start < span.end && span.start < *end)
    }

    /// The text as errors quote it: of the same length, with `*` for each byte that is hidden.
    pub(crate) fn shown(&self) -> NamedSource<Arc<str>> {
        let mut shown = self.text.to_string();
        for (start, end) in &self.secret {
            if let Some(secret) = shown.get(*start..*end) {
                let stars: String = secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
                shown.replace_range(*start..*end, &stars);
            }
        }
        NamedSource::new(&self.name, Arc::from(shown)).with_language("TOML")
    }
}
