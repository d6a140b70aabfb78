//! A string of the stack file, split into text and expressions.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cel::{Env, extensions};

use crate::error::ExpressionError;
use crate::lexer::{self, Token, TokenKind};
use crate::reference::Reference;
use crate::syntax::{self, Checked};

/// A string that was read and checked, and holds no `${…}` or several.
#[derive(Debug)]
pub struct Template {
    text: Arc<str>,
    parts: Vec<Part>,
}

/// One part of a template.
#[derive(Debug)]
pub(crate) enum Part {
    /// Text, with `$${` already as `${`.
    Text(String),
    /// What stands between `${` and `}`.
    Expression(Box<Expression>),
}

/// One compiled expression.
#[derive(Debug)]
pub(crate) struct Expression {
    /// From `${` to `}`, both included.
    pub(crate) span: Range<usize>,
    /// The syntax tree, made ready for evaluating.
    pub(crate) checked: Arc<Checked>,
    /// What it reads, in the order of the text.
    pub(crate) references: Vec<Reference>,
}

/// What was compiled before, by its text and whether it was a whole string. A memory of
/// a pure function: it changes no answer, only the time that it takes.
static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);
type Compiled = HashMap<(Arc<str>, bool), Arc<Checked>>;
/// How many expressions are remembered before all are forgotten.
const REMEMBERED: usize = 8192;

/// The language: CEL's standard library and four of its extensions.
pub(crate) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    // With the optional syntax off, the functions that belong to it cannot be called by name
    // either: `syntax` refuses every function that is not listed.
    let mut env = Env::stdlib().with_optional_support(false);
    for extension in [extensions::strings, extensions::lists, extensions::math, extensions::encoders] {
        env.add_extension(extension).expect("the extensions declare no function twice");
    }
    Arc::new(env)
});

impl Template {
    /// Reads and checks a string. Expressions that were compiled before are remembered.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<ExpressionError>> {
        let (pieces, mut errors) = split(text);
        let whole = matches!(pieces.as_slice(), [Piece::Found(_)]);
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => parts.push(Part::Text(text)),
                Piece::Found(found) => match compile(text, &found, whole) {
                    Ok(expression) => parts.push(Part::Expression(Box::new(expression))),
                    Err(found) => errors.extend(found),
                },
            }
        }
        errors.sort_by_key(|error| (error.span().start, error.span().end));
        if errors.is_empty() { Ok(Self { text: text.into(), parts }) } else { Err(errors) }
    }

    /// The string as it was written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether there is any `${…}` in it.
    #[must_use]
    pub fn has_expressions(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Expression(_)))
    }

    /// Every reference of its expressions, in the order of the text.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().flat_map(|part| match part {
            Part::Text(_) => [].iter(),
            Part::Expression(expression) => expression.references.iter(),
        })
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

/// Every reference of a string's expressions, in the order of the text.
///
/// # Errors
///
/// All that is wrong with it, in the order of the text.
pub fn references(text: &str) -> Result<Vec<Reference>, Vec<ExpressionError>> {
    Ok(Template::parse(text)?.references().cloned().collect())
}

enum Piece {
    Text(String),
    Found(lexer::Found),
}

/// Splits a string at its expressions. What follows one that is not closed is lost.
fn split(text: &str) -> (Vec<Piece>, Vec<ExpressionError>) {
    let (mut pieces, mut errors) = (Vec::new(), Vec::new());
    let mut plain = String::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("$${") {
            plain.push_str("${");
            at += 3;
        } else if rest.starts_with("${") {
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            match lexer::expression(text, at) {
                Ok(found) => {
                    at = found.inner.end + 1;
                    pieces.push(Piece::Found(found));
                }
                Err(error) => {
                    errors.push(error);
                    return (pieces, errors);
                }
            }
        } else {
            let next = rest.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(rest.len(), |(next, _)| next);
            plain.push_str(rest.get(..next).unwrap_or_default());
            at += next;
        }
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    (pieces, errors)
}

fn compile(text: &str, found: &lexer::Found, whole: bool) -> Result<Expression, Vec<ExpressionError>> {
    let source = text.get(found.inner.clone()).unwrap_or_default();
    let errors = reserved(text, &found.tokens);
    if !errors.is_empty() {
        return Err(errors);
    }
    let offset = found.inner.start;
    let checked = checked(source, whole)
        .map_err(|errors| errors.into_iter().map(|error| error.moved(offset)).collect::<Vec<_>>())?;
    let mut references = checked.references.clone();
    for reference in &mut references {
        reference.span = reference.span.start + offset..reference.span.end + offset;
    }
    Ok(Expression { span: offset - 2..found.inner.end + 1, checked, references })
}

/// Compiles an expression, or remembers it. Spans are from where it begins.
fn checked(source: &str, whole: bool) -> Result<Arc<Checked>, Vec<ExpressionError>> {
    let key = (Arc::from(source), whole);
    if let Some(found) = COMPILED.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(found.clone());
    }
    // The lexer has bounded length, tokens, and nesting, so the parser's recursion is too.
    let program = ENVIRONMENT.compile(source).map_err(|errors| syntax::parse_errors(source, &errors))?;
    let checked = Arc::new(syntax::check(source, &program, whole)?);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.len() >= REMEMBERED {
        compiled.clear();
    }
    compiled.insert(key, checked.clone());
    Ok(checked)
}

/// The words that CEL keeps for itself and that mean nothing in an expression.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Says of each reserved word what to write instead; CEL's own error names only the sign after it.
fn reserved(text: &str, tokens: &[Token]) -> Vec<ExpressionError> {
    let mut errors = Vec::new();
    let mut before = None;
    for token in tokens {
        let word = text.get(token.span.clone()).unwrap_or_default();
        let after_dot = before == Some(TokenKind::Sign('.'));
        before = Some(token.kind);
        if token.kind != TokenKind::Word {
            continue;
        }
        let instead = match word {
            "var" if !after_dot => "variables are read as `vars.NAME`".to_owned(),
            "if" | "else" if !after_dot => "choose with `condition ? this : that`".to_owned(),
            "for" | "loop" | "while" if !after_dot => "go through a list with `list.map(x, …)`".to_owned(),
            "in" | "true" | "false" | "null" if after_dot => format!("write it as a key: `[\"{word}\"]`"),
            _ if !after_dot && RESERVED.contains(&word) => {
                "no name can begin with it; the roots are `vars`, `env`, `each`, and `TYPE.NAME`".to_owned()
            }
            _ => continue,
        };
        errors.push(ExpressionError::Reserved { span: token.span.clone(), word: word.to_owned(), instead });
    }
    errors
}
