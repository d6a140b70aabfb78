//! Mistakes of the TOML itself, in the words of a person.

use std::ops::Range;

use crate::checker::Checker;
use crate::document::SyntaxError;
use crate::error::ConfigError;

/// What is wrong with the TOML of a line, and what to write instead.
fn explain(line: &str, before: &str, rest: &str, message: &str) -> (String, String) {
    let trimmed = line.trim();
    let (key, value) = trimmed.split_once('=').map_or((trimmed, ""), |(key, value)| (key.trim(), value.trim()));
    let is_open = |quote: char| before.matches(quote).count() % 2 == 1;
    let in_text = is_open('"') || is_open('\'');
    if !trimmed.starts_with('[') && key.contains('/') && !key.contains(['"', '\'']) && !in_text {
        return (
            format!("`{key}` is no key, because it holds a `/`"),
            format!("quote the key: `\"{key}\" = {}`", if value.is_empty() { "…" } else { value }),
        );
    }
    if trimmed.starts_with('[') && !trimmed.contains('=') && !message.contains("cannot extend value") {
        return (
            "this header is not closed, or its name is none".to_owned(),
            "write `[TYPE.NAME]`, or `[[TYPE.NAME.FIELD]]` for one of a list".to_owned(),
        );
    }
    if !trimmed.contains('=') && trimmed.contains(": ") && !trimmed.starts_with(['[', '"', '#']) {
        let (key, value) = trimmed.split_once(": ").unwrap_or((trimmed, ""));
        return ("a key and its value are joined by `=`".to_owned(), format!("write `{key} = {value}`"));
    }
    let word = value.trim_end_matches(',').trim();
    let is_word = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '{' | '}' | '@' | '/' | ':'));
    if matches!(word, "True" | "False" | "yes" | "no" | "on" | "off" | "TRUE" | "FALSE") {
        let means = if matches!(word, "True" | "yes" | "on" | "TRUE") { "true" } else { "false" };
        return (format!("`{word}` is no value"), format!("write `{key} = {means}`, or quote it: `\"{word}\"`"));
    }
    if matches!(word, "null" | "nil" | "None" | "~") {
        return ("there is no null".to_owned(), "leave the key out".to_owned());
    }
    if is_word && word.starts_with(|c: char| c.is_alphabetic() || c == '$' || c == '@') && !in_text {
        return (format!("`{word}` is no value"), format!("quote it: `{key} = \"{word}\"`"));
    }
    if is_word && word.matches('.').count() > 1 {
        return (format!("`{word}` is no number"), format!("quote it: `{key} = \"{word}\"`"));
    }
    if message.contains("invalid basic string")
        || message.contains("invalid literal string")
        || message.contains("nclosed")
    {
        if rest.starts_with('\\') || message.contains("escape") {
            return (
                "this escape is not known".to_owned(),
                "write `\\\\` for a backslash, or use single quotes, in which it stands for itself".to_owned(),
            );
        }
        return (
            "this text is not closed".to_owned(),
            "close the quote on the same line; text of several lines stands in `\"\"\"`".to_owned(),
        );
    }
    if message.contains("escape") {
        return (
            "this escape is not known".to_owned(),
            "write `\\\\` for a backslash, or use single quotes, in which it stands for itself".to_owned(),
        );
    }
    if message.contains("values must be quoted") {
        let word = rest.split([',', '}', ']', '#', '\n']).next().unwrap_or_default().trim();
        return (format!("`{word}` is no value"), format!("quote it: `\"{word}\"`"));
    }
    if message.contains("cannot extend value") {
        return (
            "a value cannot be made a table".to_owned(),
            "keep the value or the table, not both; a `{ … }` is whole where it stands".to_owned(),
        );
    }
    (
        format!("this is no TOML: {}", message.lines().next().unwrap_or_default()),
        "a line is `key = value` or `[header]`; text stands in quotes, lists in `[…]`, tables in `{…}`".to_owned(),
    )
}

impl Checker<'_> {
    /// Notes what is wrong with the TOML. Says whether the rest of the file is worth reading.
    pub(crate) fn syntax(&mut self, errors: &[SyntaxError]) -> bool {
        let mut readable = true;
        let mut last_line = 0;
        let mut repeated = 0..0;
        for error in errors {
            let line = self.source.line(error.span.start);
            if error.message == "duplicate key" {
                // The keys of a table that stands twice are told of with it.
                if !repeated.contains(&error.span.start) {
                    repeated = self.duplicate(error);
                }
                continue;
            }
            readable = false;
            // One slip often breaks what follows on the same line; it is told of once.
            if line == last_line {
                continue;
            }
            last_line = line;
            let text = self.source.text().to_owned();
            let start = text.get(..error.span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
            let rest = text.get(error.span.start..).unwrap_or_default();
            let whole = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let before = text.get(start..error.span.start).unwrap_or_default();
            let hides = self.source.hides(&(start..start + whole.len()));
            let (message, help) = explain(if hides { "" } else { whole }, before, rest, &error.message);
            let mut at = error.span.clone();
            if at.is_empty() {
                at.end =
                    (at.start + rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8)).min(text.len());
            }
            self.report.error(ConfigError::Syntax { message, help }, &at);
        }
        readable
    }

    /// Notes what stands twice, and gives the bytes of the table, if it is one.
    fn duplicate(&mut self, error: &SyntaxError) -> Range<usize> {
        let key = self.source.slice(&error.span).to_owned();
        let mut labels = vec![("again here".to_owned(), error.span.clone())];
        let name = match self.first_place(&error.span, &key) {
            Some((name, first)) => {
                labels.push(("first here".to_owned(), first));
                name
            }
            None => key,
        };
        self.report.labelled(ConfigError::Duplicate { key: name }, labels);
        let mut after = self.source.numbered_lines().skip_while(|(start, line)| start + line.len() < error.span.start);
        let is_header = after.next().is_some_and(|(_, line)| line.trim_start().starts_with('['));
        let end = after
            .find(|(_, line)| line.trim_start().starts_with('['))
            .map_or(self.source.text().len(), |(start, _)| start);
        if is_header { error.span.start..end } else { 0..0 }
    }

    /// Where a key or a header stands for the first time.
    fn first_place(&self, again: &Range<usize>, key: &str) -> Option<(String, Range<usize>)> {
        let mut lines: Vec<(usize, &str)> =
            self.source.numbered_lines().take_while(|(start, _)| *start <= again.start).collect();
        let (_, own) = lines.pop()?;
        if own.trim_start().starts_with('[') {
            let header = own.split('#').next().unwrap_or_default().trim();
            let (start, line) =
                lines.into_iter().find(|(_, line)| line.split('#').next().unwrap_or_default().trim() == header)?;
            let at = line.find('[').unwrap_or_default();
            let name = header.trim_matches(['[', ']', ' ']).to_owned();
            return Some((name, start + at..start + at + header.len()));
        }
        let in_table = lines.iter().rev().take_while(|(_, line)| !line.trim_start().starts_with('['));
        let found = in_table.filter(|(_, line)| {
            let name = line.trim_start().strip_prefix(key);
            name.is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
        });
        let (start, line) = found.last()?;
        let at = line.find(key).unwrap_or_default();
        Some((key.to_owned(), start + at..start + at + key.len()))
    }

    /// Hides what may be a secret in a file that cannot be read whole: in its variables,
    /// everything in quotes, if it speaks of sensitive ones at all.
    pub(crate) fn hide_unread(&mut self) {
        if !self.source.text().contains("sensitive") {
            return;
        }
        let mut spans = Vec::new();
        let mut in_variables = false;
        for (start, line) in self.source.numbered_lines() {
            let trimmed = line.trim_start();
            if trimmed.starts_with('[') && !line.contains('=') {
                in_variables = trimmed.starts_with("[vars") || trimmed.starts_with("[env");
            } else if in_variables && let Some(quote) = line.find(['"', '\'']) {
                spans.push(start + quote..start + line.trim_end().len());
            }
        }
        spans.iter().for_each(|span| self.source.hide(span));
    }
}
