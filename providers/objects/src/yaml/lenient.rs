//! Lines that stand too far to the left.
//!
//! Within `{…}`, `[…]` and quotes, the space at the beginning of a line means
//! nothing. The grammar asks for some all the same, and the parser insists on it;
//! the tools of Kubernetes never did, and manifests came to rely on that. So such
//! lines are moved to the right, read again, and reported where they really stand.

use super::node::Position;

/// How many times a text is repaired before it is given up.
const ATTEMPTS: usize = 200;

/// No key stands further to the right than this.
const FAR: usize = 400;

/// A text with the spaces that were put into it.
pub(super) struct Repaired {
    pub(super) text: String,
    /// Where spaces stand in the text, in characters, and how many. In order.
    runs: Vec<Run>,
    attempts: usize,
}

struct Run {
    at: usize,
    count: usize,
    /// The spaces of this run and of all before it.
    total: usize,
}

impl Repaired {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), runs: Vec::new(), attempts: 0 }
    }

    /// Mends what the parser complained about at a character; `false` when that is
    /// nothing that can be mended.
    pub(super) fn mend(&mut self, message: &str, character: usize) -> bool {
        self.attempts += 1;
        if self.attempts > ATTEMPTS || !message.starts_with("invalid indentation") {
            return false;
        }
        let Some(offset) = self.offset(character) else { return false };
        let lines = if message.contains("quoted") { self.quoted_lines(offset) } else { self.line(offset) };
        self.indent(&lines)
    }

    fn offset(&self, character: usize) -> Option<usize> {
        if self.text.is_ascii() {
            return (character <= self.text.len()).then_some(character);
        }
        self.text.char_indices().map(|(offset, _)| offset).chain([self.text.len()]).nth(character)
    }

    /// The line in which an offset stands, by its beginning.
    fn line(&self, offset: usize) -> Vec<usize> {
        vec![self.text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)]
    }

    /// The lines after the first one of a quoted text that begins at an offset.
    fn quoted_lines(&self, offset: usize) -> Vec<usize> {
        let mut lines = Vec::new();
        let Some(rest) = self.text.get(offset..) else { return lines };
        let mut bytes = rest.bytes().enumerate();
        let Some((_, quote)) = bytes.next() else { return lines };
        let mut bytes = bytes.peekable();
        while let Some((place, byte)) = bytes.next() {
            match byte {
                b'\n' => lines.push(offset + place + 1),
                b'\\' if quote == b'"' => {
                    let _ = bytes.next_if(|(_, next)| *next != b'\n');
                }
                // In single quotes, a doubled one stands for itself.
                byte if byte == quote && (quote == b'"' || bytes.next_if(|(_, next)| *next == quote).is_none()) => {
                    break;
                }
                _ => {}
            }
        }
        lines
    }

    /// Moves lines to the right; `false` when all of them were moved before.
    fn indent(&mut self, lines: &[usize]) -> bool {
        let is_ascii = self.text.is_ascii();
        let character = |offset: usize| {
            let before = self.text.get(..offset).unwrap_or_default();
            if is_ascii { before.len() } else { before.chars().count() }
        };
        let mut fresh: Vec<(usize, usize)> = Vec::new();
        let mut counted = (0, 0);
        for offset in lines {
            let between = self.text.get(counted.0..*offset).unwrap_or_default();
            let at = match counted.0 {
                0 => character(*offset),
                _ => counted.1 + if is_ascii { between.len() } else { between.chars().count() },
            };
            counted = (*offset, at);
            if self.runs.binary_search_by_key(&at, |run| run.at).is_err() {
                fresh.push((*offset, at));
            }
        }
        let Some((first, _)) = fresh.first() else { return false };
        let above = self.text.get(..*first).unwrap_or_default().trim_end();
        let above = above.rsplit('\n').next().unwrap_or_default();
        let count = above.chars().count().clamp(1, FAR);
        self.insert(&fresh, count);
        true
    }

    fn insert(&mut self, fresh: &[(usize, usize)], count: usize) {
        let mut text = String::with_capacity(self.text.len() + fresh.len() * count);
        let mut copied = 0;
        for (offset, _) in fresh {
            text.push_str(self.text.get(copied..*offset).unwrap_or_default());
            text.extend(std::iter::repeat_n(' ', count));
            copied = *offset;
        }
        text.push_str(self.text.get(copied..).unwrap_or_default());
        self.text = text;
        let mut all: Vec<(usize, usize)> = Vec::with_capacity(self.runs.len() + fresh.len());
        // The places of the older runs move with what is put in before them.
        let moved = |at: usize| at + count * fresh.partition_point(|(_, place)| *place < at);
        all.extend(self.runs.iter().map(|run| (moved(run.at), run.count)));
        all.extend(fresh.iter().map(|(_, at)| (moved(*at), count)));
        all.sort_unstable();
        let mut total = 0;
        self.runs = all
            .into_iter()
            .map(|(at, count)| {
                total += count;
                Run { at, count, total }
            })
            .collect();
    }

    /// Where a character of the repaired text stands in the original one.
    pub(super) fn original(&self, character: usize) -> usize {
        let before = self.runs.partition_point(|run| run.at <= character);
        match before.checked_sub(1).and_then(|last| self.runs.get(last)) {
            None => character,
            Some(run) => character.max(run.at + run.count) - run.total,
        }
    }

    /// The same for a position.
    pub(super) fn original_position(&self, character: usize, line: usize, column: usize) -> Position {
        let start = character.saturating_sub(column);
        let run = self.runs.binary_search_by_key(&start, |run| run.at).ok().and_then(|place| self.runs.get(place));
        let column = column.saturating_sub(run.map_or(0, |run| run.count));
        Position { line, column: column + 1 }
    }
}
