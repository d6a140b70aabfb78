//! Field changes as lines.

use kfplan_plan::{FieldChange, Shown};
use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

/// The longest value that is shown on one line, in characters.
const LONGEST: usize = 120;
/// The most lines of one text difference.
const MOST_LINES: usize = 40;

/// A value in a few words. Control characters are escaped, so that a hostile value cannot move a terminal's cursor.
pub(crate) fn value(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "(none)".to_owned(),
        Shown::Value(Json::String(text)) if !text.is_empty() && text.len() <= LONGEST && is_plain(text) => text.clone(),
        Shown::Value(json) => cut(&json.to_string()),
        Shown::Secret(tag) => format!("(secret {tag})"),
        Shown::Late(late) => format!("(known after apply: {})", cut(&clean(&late.template))),
        Shown::Unknown => "(not recorded)".to_owned(),
    }
}

/// The lines of one field: `path: old → new`, or a text difference for texts of several lines.
pub(crate) fn lines(field: &FieldChange) -> Vec<String> {
    let path = if field.path.segments().is_empty() { "(all of it)".to_owned() } else { clean(&field.path.to_string()) };
    let mut lines = match (&field.old, &field.new) {
        (Shown::Value(Json::String(old)), Shown::Value(Json::String(new)))
            if old.contains('\n') || new.contains('\n') =>
        {
            let mut lines = vec![format!("{path}:")];
            lines.extend(text_difference(old, new));
            lines
        }
        (Shown::Absent, new) => vec![format!("{path}: {}", value(new))],
        (old, Shown::Absent) => vec![format!("{path}: {} → (removed)", value(old))],
        (old, new) => vec![format!("{path}: {} → {}", value(old), value(new))],
    };
    if let (Some(last), Some(reason)) = (lines.last_mut(), &field.replaces) {
        last.push_str(&format!("   (replaces: {reason})"));
    }
    lines
}

fn text_difference(old: &str, new: &str) -> Vec<String> {
    let difference = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for group in difference.grouped_ops(1) {
        for operation in group {
            for change in difference.iter_changes(&operation) {
                let sign = match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                };
                lines.push(format!("  {sign} {}", cut(&clean(change.value().trim_end_matches('\n')))));
            }
        }
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(format!("  … and {more} more lines"));
    }
    lines
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_invisible(c)) && text.trim() == text && !text.starts_with('(')
}

/// Characters that reorder or hide text: those of Unicode's bidirectional algorithm, and zero-width ones.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() || is_invisible(c) { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
}

fn cut(text: &str) -> String {
    let text = clean(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", text.get(..end).unwrap_or_default(), text.chars().count()),
        None => text,
    }
}
