//! A text with its places in bytes.

use std::ops::Range;

use crate::yaml::node::{Kind, Node, Style};

/// Some bytes of the text, and what comes in their place.
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) with: String,
}

/// The text and its places in bytes; the scanner counts characters.
pub(super) struct Layout<'a> {
    pub(super) text: &'a str,
    /// Byte offset of each character; empty when every character is one byte.
    pub(super) offsets: Vec<usize>,
    pub(super) is_json: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mark = if text.starts_with('\u{feff}') { 1 } else { 0 };
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset).chain([text.len()]).skip(mark).collect()
        };
        Self { text, offsets, is_json: serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() }
    }

    pub(super) fn byte(&self, character: usize) -> usize {
        if self.offsets.is_empty() {
            return character.min(self.text.len());
        }
        self.offsets.get(character).copied().unwrap_or(self.text.len())
    }

    pub(super) fn before(&self, offset: usize) -> &'a str {
        self.text.get(..offset).unwrap_or_default()
    }

    pub(super) fn after(&self, offset: usize) -> &'a str {
        self.text.get(offset..).unwrap_or_default()
    }

    pub(super) fn line_start(&self, offset: usize) -> usize {
        self.before(offset).rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The end of the line, with its newline.
    pub(super) fn line_end(&self, offset: usize) -> usize {
        self.after(offset).find('\n').map_or(self.text.len(), |newline| offset + newline + 1)
    }

    /// How far the line of an offset is indented, when nothing but space stands before it.
    pub(super) fn indent(&self, offset: usize) -> Option<usize> {
        let start = self.line_start(offset);
        let before = self.text.get(start..offset)?;
        before.bytes().all(|byte| byte == b' ').then_some(before.len())
    }

    pub(super) fn column(&self, offset: usize) -> usize {
        offset - self.line_start(offset)
    }

    /// The end of what a node says, without the space the scanner counts to it.
    pub(super) fn end(&self, node: &Node) -> usize {
        let end = self.byte(node.span.end);
        match (&node.kind, node.style) {
            (Kind::Null, Style::Flow) if node.span.is_empty() => end,
            (_, Style::Flow | Style::Alias) => end,
            (Kind::List(items), Style::Block) => items.last().map_or(end, |item| self.end(item)),
            (Kind::Map(entries), Style::Block) => {
                let own = entries.iter().filter(|entry| !entry.is_merged);
                own.map(|entry| self.end(&entry.value)).max().unwrap_or(end)
            }
            (_, Style::Block | Style::Folded) => self.before(end).trim_end().len(),
        }
    }

    /// After blanks, comments and newlines.
    pub(super) fn skip_blank(&self, mut offset: usize) -> usize {
        loop {
            let rest = self.after(offset);
            let text = rest.trim_start();
            offset += rest.len() - text.len();
            if !text.starts_with('#') {
                return offset;
            }
            offset = self.line_end(offset);
        }
    }
}
