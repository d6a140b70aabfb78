//! Finds the end of an expression, and its tokens.
//!
//! This reads exactly as much of CEL as it takes to know which `}` closes the
//! expression: strings of every kind, comments, and brackets. Everything else is
//! left to CEL's own parser.

use std::ops::Range;

use crate::error::ExpressionError;

/// The most bytes that one expression may have.
const MAX_LENGTH: usize = 4096;
/// The most tokens that one expression may have. It bounds the depth of the syntax
/// tree, and so the stack that parsing, evaluating, and dropping it take.
const MAX_TOKENS: usize = 300;
/// How deep brackets may nest.
const MAX_DEPTH: usize = 24;
/// How many `!` and `-` may stand before one operand.
const MAX_UNARY: usize = 4;

/// What a token is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// An identifier or keyword.
    Word,
    /// A string, bytes, or quoted identifier.
    Text,
    /// A number.
    Number,
    /// One character of an operator or bracket.
    Sign(char),
}

/// One token, with its bytes in the string.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

/// An expression as found: its bytes without `${` and `}`, and its tokens.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) inner: Range<usize>,
    pub(crate) tokens: Vec<Token>,
}

/// Reads the expression whose `${` stands at `start` of `text`.
pub(crate) fn expression(text: &str, start: usize) -> Result<Found, ExpressionError> {
    let from = start + 2;
    let mut lexer = Lexer { text, at: from, open: Vec::new(), tokens: Vec::new() };
    let end = lexer.run(start)?;
    let found = Found { inner: from..end, tokens: lexer.tokens };
    let span = start..end + 1;
    if found.tokens.is_empty() {
        return Err(ExpressionError::Empty { span });
    }
    bounded(&found, span)?;
    Ok(found)
}

fn bounded(found: &Found, span: Range<usize>) -> Result<(), ExpressionError> {
    let too_large = |limit| Err(ExpressionError::TooLarge { span: span.clone(), limit });
    if found.inner.len() > MAX_LENGTH {
        return too_large("it has more than 4096 bytes");
    }
    if found.tokens.len() > MAX_TOKENS {
        return too_large("it has more than 300 words and signs");
    }
    let mut unary = 0;
    for token in &found.tokens {
        unary = match token.kind {
            TokenKind::Sign('!' | '-') => unary + 1,
            _ => 0,
        };
        if unary > MAX_UNARY {
            return too_large("more than 4 `!` or `-` stand in a row");
        }
    }
    Ok(())
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    open: Vec<char>,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        self.tokens.push(Token { kind, span: self.at..self.at + length });
        self.at += length;
    }

    /// Reads on to the `}` that closes the expression and gives its place.
    fn run(&mut self, start: usize) -> Result<usize, ExpressionError> {
        while let Some(first) = self.rest().chars().next() {
            match first {
                _ if first.is_whitespace() => self.at += first.len_utf8(),
                '/' if self.rest().starts_with("//") => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                '"' | '\'' => self.string(0)?,
                '`' => {
                    let length = self.rest().get(1..).and_then(|rest| rest.find('`')).map_or(1, |end| end + 2);
                    self.push(TokenKind::Text, length);
                }
                '}' if self.open.is_empty() => return Ok(self.at),
                '(' | '[' | '{' => {
                    self.open.push(first);
                    if self.open.len() > MAX_DEPTH {
                        return Err(ExpressionError::TooLarge {
                            span: start..self.at + 1,
                            limit: "its brackets nest more than 24 deep",
                        });
                    }
                    self.push(TokenKind::Sign(first), 1);
                }
                ')' | ']' | '}' => self.close(first)?,
                _ if first.is_ascii_digit() => {
                    let length = self.while_true(|c| c.is_ascii_alphanumeric() || c == '.');
                    self.push(TokenKind::Number, length);
                }
                _ if first.is_alphabetic() || first == '_' => self.word()?,
                _ => self.push(TokenKind::Sign(first), first.len_utf8()),
            }
        }
        Err(ExpressionError::Unclosed { span: start..self.text.len() })
    }

    fn close(&mut self, sign: char) -> Result<(), ExpressionError> {
        let wanted = match sign {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        if self.open.pop() == Some(wanted) {
            self.push(TokenKind::Sign(sign), 1);
            return Ok(());
        }
        let span = self.at..self.at + 1;
        Err(ExpressionError::Syntax { span, message: format!("`{sign}` closes nothing that is open here") })
    }

    fn while_true(&self, test: impl Fn(char) -> bool) -> usize {
        self.rest().find(|c| !test(c)).unwrap_or(self.rest().len())
    }

    fn word(&mut self) -> Result<(), ExpressionError> {
        let length = self.while_true(|c| c.is_alphanumeric() || c == '_');
        let word = self.rest().get(..length).unwrap_or_default();
        let is_prefix = length <= 2 && word.chars().all(|c| matches!(c, 'r' | 'R' | 'b' | 'B'));
        if is_prefix && self.rest().get(length..).is_some_and(|rest| rest.starts_with(['"', '\''])) {
            return self.string(length);
        }
        self.push(TokenKind::Word, length);
        Ok(())
    }

    /// Reads a string whose quote stands after a prefix of `prefix` bytes.
    fn string(&mut self, prefix: usize) -> Result<(), ExpressionError> {
        let raw = self.rest().get(..prefix).unwrap_or_default().contains(['r', 'R']);
        let body = self.rest().get(prefix..).unwrap_or_default();
        let quote = body.chars().next().unwrap_or('"');
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let fence = if body.starts_with(&triple) { triple } else { quote.to_string() };
        let mut at = fence.len();
        while let Some(rest) = body.get(at..) {
            if rest.starts_with(&fence) {
                self.push(TokenKind::Text, prefix + at + fence.len());
                return Ok(());
            }
            let mut characters = rest.chars();
            match characters.next() {
                None => break,
                Some('\\') if !raw => at += 1 + characters.next().map_or(0, char::len_utf8),
                Some('\n') if fence.len() == 1 => break,
                Some(c) => at += c.len_utf8(),
            }
        }
        let quote = if fence.contains('\'') { format!("\"{fence}\"") } else { format!("`{fence}`") };
        Err(ExpressionError::UnclosedText { span: self.at..self.text.len(), quote })
    }
}
