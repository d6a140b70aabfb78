//! The two rules for names that a stack file gives.

/// The words that CEL keeps for itself; none can be a resource type or name.
/// Source: the CEL language definition, "Syntax", production `RESERVED`.
const CEL_RESERVED: [&str; 24] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "type",
    "typeof",
    "var",
    "void",
    "while",
    "each",
];

/// Whether `text` may name a resource or a variable: `^[a-z][a-z0-9_]*$` and no
/// keyword of CEL, so that `${TYPE.NAME}` parses as a selection.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !CEL_RESERVED.contains(&text)
}

/// Whether `text` may name a stack: `^[a-z0-9]([-a-z0-9]{0,23}[a-z0-9])?$`, at
/// most 25 characters, since it becomes part of names that Azure limits.
#[must_use]
pub fn is_stack_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=25).contains(&text.len())
        && text.chars().all(|c| plain(c) || c == '-')
        && text.starts_with(plain)
        && text.ends_with(plain)
}
