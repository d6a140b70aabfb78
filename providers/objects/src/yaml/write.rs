//! From JSON values to text that every dialect reads back as the same value.
//!
//! Keys are sorted, so equal values give equal bytes. Text of several lines becomes
//! a `|` block where that is exact, and quotes are put around whatever any reader
//! would take for something else.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::node::Kind;
use super::resolve::{self, Dialect, Resolved};

/// Writes one value as a block-style document, with a newline at the end.
#[must_use]
pub fn to_text(value: &Value) -> String {
    let mut text = String::new();
    write_document(&mut text, value);
    text
}

/// Writes values as one stream, with `---` between them.
pub fn to_stream<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let mut text = String::new();
    for value in values {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        write_document(&mut text, value);
    }
    text
}

fn write_document(text: &mut String, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => write_map(text, map, 0),
        Value::Array(items) if !items.is_empty() => write_list(text, items, 0),
        value => {
            text.push_str(&to_flow(value, false));
            text.push('\n');
        }
    }
}

/// Writes the entries of a map; the first one continues the line, which is indented already.
fn write_map(text: &mut String, map: &Map<String, Value>, indent: usize) {
    for (place, (key, value)) in map.iter().enumerate() {
        if place > 0 {
            push_spaces(text, indent);
        }
        text.push_str(&key_text(key, false));
        text.push(':');
        write_after_key(text, value, indent);
    }
}

/// Writes what stands behind `key:` in a map of this indentation, to the end of the line.
pub(super) fn write_after_key(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            push_spaces(text, indent + 2);
            write_map(text, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            push_spaces(text, indent);
            write_list(text, items, indent);
        }
        value => {
            text.push(' ');
            write_scalar(text, value, indent);
        }
    }
}

fn write_list(text: &mut String, items: &[Value], indent: usize) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            push_spaces(text, indent);
        }
        text.push_str("- ");
        write_item(text, item, indent);
    }
}

/// Writes what stands behind `- ` in a list of this indentation, to the end of the line.
pub(super) fn write_item(text: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => write_map(text, map, indent + 2),
        Value::Array(items) if !items.is_empty() => write_list(text, items, indent + 2),
        value => write_scalar(text, value, indent),
    }
}

/// Writes a scalar, or an empty map or list, and ends the line.
fn write_scalar(text: &mut String, value: &Value, indent: usize) {
    if let Value::String(content) = value
        && can_be_literal(content)
    {
        write_literal(text, content, indent + 2);
        return;
    }
    text.push_str(&to_flow(value, false));
    text.push('\n');
}

/// Whether a `|` block says exactly this.
fn can_be_literal(content: &str) -> bool {
    content.contains('\n')
        && content.chars().any(|c| c != '\n')
        && content.chars().all(|c| matches!(c, '\n' | '\t') || is_printable(c))
        && !content.trim_start_matches('\n').starts_with('\t')
}

fn write_literal(text: &mut String, content: &str, indent: usize) {
    text.push('|');
    if content.starts_with([' ', '\n']) {
        text.push('2');
    }
    let body = content.trim_end_matches('\n');
    let (lines, kept) = match content.len() - body.len() {
        0 => {
            text.push('-');
            (body, 0)
        }
        1 => (body, 0),
        more => {
            text.push('+');
            (body, more - 1)
        }
    };
    text.push('\n');
    for line in lines.split('\n') {
        if !line.is_empty() {
            push_spaces(text, indent);
            text.push_str(line);
        }
        text.push('\n');
    }
    for _ in 0..kept {
        text.push('\n');
    }
}

pub(super) fn push_spaces(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n(' ', count));
}

/// Writes a value within the line. With `is_json`, as JSON.
pub(super) fn to_flow(value: &Value, is_json: bool) -> String {
    if is_json {
        return value.to_string();
    }
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(content) => string_text(content),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| to_flow(item, false)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", key_text(key, false), to_flow(value, false))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Writes a key. With `is_json`, as JSON.
pub(super) fn key_text(key: &str, is_json: bool) -> String {
    if is_json { Value::from(key).to_string() } else { string_text(key) }
}

fn string_text(content: &str) -> String {
    if is_plain(content) { content.to_owned() } else { quoted(content) }
}

/// Whether a text may stand without quotes, in block and flow context, for every reader.
fn is_plain(content: &str) -> bool {
    let (Some(first), Some(last)) = (content.chars().next(), content.chars().next_back()) else { return false };
    let starts_well = match first {
        '-' => {
            content.chars().nth(1).is_some_and(|c| c.is_ascii_alphanumeric() || c == '-') && !content.starts_with("---")
        }
        '.' => !content.starts_with("..."),
        c => !"?:,[]{}#&*!|>'\"%@`= ".contains(c),
    };
    starts_well
        && !matches!(last, ':' | ' ')
        && content.chars().all(|c| is_printable(c) && !",[]{}".contains(c))
        && !content.contains(": ")
        && !content.contains(" #")
        && !is_sexagesimal(content)
        && resolve::timestamp(content).is_none()
        && [Dialect::Kustomize3, Dialect::Kustomize5].into_iter().all(
            |dialect| matches!(resolve::plain(content, dialect), Resolved::Value(Kind::Text(text)) if text == content),
        )
}

/// `12:30:45` is a number of base 60 to some readers of YAML 1.1.
fn is_sexagesimal(content: &str) -> bool {
    content.contains(':') && content.bytes().all(|byte| byte.is_ascii_digit() || b":+-._".contains(&byte))
}

/// Printable, and no line break of any YAML version.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn quoted(content: &str) -> String {
    let mut text = String::with_capacity(content.len() + 2);
    text.push('"');
    for c in content.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if is_printable(c) => text.push(c),
            c => {
                // Writing into a string cannot fail.
                let _ = match u32::from(c) {
                    code @ 0..=0xff => write!(text, "\\x{code:02x}"),
                    code @ 0x100..=0xffff => write!(text, "\\u{code:04x}"),
                    code => write!(text, "\\U{code:08x}"),
                };
            }
        }
    }
    text.push('"');
    text
}
