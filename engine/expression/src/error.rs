//! What can be wrong with an expression, and what to write instead.

use std::ops::Range;

use kfplan_model::ResourceAddress;

/// A string that cannot be read or evaluated. Every variant knows the bytes of the
/// string that it is about, and none shows a value that is sensitive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// `${` without its `}`.
    #[error("the expression is not closed by `}}`")]
    Unclosed {
        /// From `${` to the end of the string.
        span: Range<usize>,
    },
    /// A quote without its partner, inside an expression.
    #[error("the text that begins here is not closed by {quote}")]
    UnclosedText {
        /// From the quote to the end of the string.
        span: Range<usize>,
        /// The quote that is missing.
        quote: String,
    },
    /// Nothing between `${` and `}`.
    #[error("the expression is empty")]
    Empty {
        /// From `${` to `}`.
        span: Range<usize>,
    },
    /// More than a person could read, or than can be evaluated safely.
    #[error("the expression is too large: {limit}")]
    TooLarge {
        /// The expression.
        span: Range<usize>,
        /// Which bound it passes.
        limit: &'static str,
    },
    /// Not CEL.
    #[error("{message}")]
    Syntax {
        /// Where reading stopped.
        span: Range<usize>,
        /// What stands there.
        message: String,
    },
    /// A word that CEL keeps for itself.
    #[error("`{word}` is a reserved word")]
    Reserved {
        /// The word.
        span: Range<usize>,
        /// The word.
        word: String,
        /// What to write instead.
        instead: String,
    },
    /// `my-name`, which reads as a subtraction.
    #[error("`{text}` reads as a subtraction: no name holds a `-`")]
    Dash {
        /// Both sides.
        span: Range<usize>,
        /// Both sides, as written.
        text: String,
    },
    /// An identifier that is neither a root nor a variable of a comprehension.
    #[error("`{name}` is not known here")]
    UnknownName {
        /// The name.
        span: Range<usize>,
        /// The name.
        name: String,
        /// What to write instead.
        instead: String,
    },
    /// A call of a function that there is none of.
    #[error("there is no function `{name}`")]
    UnknownFunction {
        /// The call.
        span: Range<usize>,
        /// The name.
        name: String,
        /// The nearest name that there is.
        nearest: Option<&'static str>,
    },
    /// A part of CEL that stack files do without.
    #[error("{what} cannot be used in a stack file")]
    Unsupported {
        /// Where it stands.
        span: Range<usize>,
        /// What it is.
        what: &'static str,
    },
    /// `vars.x` where there is no variable `x`.
    #[error("there is no variable `{name}`")]
    UnknownVariable {
        /// The reference.
        span: Range<usize>,
        /// The name.
        name: String,
    },
    /// `each` outside of `for_each`.
    #[error("`each` is only known under `for_each`")]
    NoEach {
        /// The reference.
        span: Range<usize>,
    },
    /// A resource that is not there: not declared, or not enabled.
    #[error("`{address}` is not there")]
    Absent {
        /// The reference.
        span: Range<usize>,
        /// The resource.
        address: ResourceAddress,
    },
    /// A field that what is referred to does not have.
    #[error("`{inside}` has no `{field}`")]
    NoField {
        /// The reference.
        span: Range<usize>,
        /// What was reached.
        inside: String,
        /// What it lacks.
        field: String,
    },
    /// A list or table inside of text.
    #[error("a {kind} cannot stand inside text")]
    NotText {
        /// The expression.
        span: Range<usize>,
        /// What it gave.
        kind: &'static str,
    },
    /// A resource where a value is asked for.
    #[error("`{address}` is a resource, not a value")]
    HandleAsValue {
        /// The expression.
        span: Range<usize>,
        /// The resource.
        address: ResourceAddress,
    },
    /// A result that no field can hold.
    #[error("the expression gives a {kind}, which no field can hold")]
    NoValue {
        /// The expression.
        span: Range<usize>,
        /// What it gave.
        kind: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// Evaluating it failed.
    #[error("the expression fails: {reason}")]
    Failed {
        /// The expression.
        span: Range<usize>,
        /// Why, without any sensitive value.
        reason: String,
    },
}

impl ExpressionError {
    /// The bytes of the string that this is about.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::Unclosed { span }
            | Self::UnclosedText { span, .. }
            | Self::Empty { span }
            | Self::TooLarge { span, .. }
            | Self::Syntax { span, .. }
            | Self::Reserved { span, .. }
            | Self::Dash { span, .. }
            | Self::UnknownName { span, .. }
            | Self::UnknownFunction { span, .. }
            | Self::Unsupported { span, .. }
            | Self::UnknownVariable { span, .. }
            | Self::NoEach { span }
            | Self::Absent { span, .. }
            | Self::NoField { span, .. }
            | Self::NotText { span, .. }
            | Self::HandleAsValue { span, .. }
            | Self::NoValue { span, .. }
            | Self::Failed { span, .. } => span.clone(),
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unclosed { .. } => "close it with `}`, or write `$${` for a literal `${`".to_owned(),
            Self::UnclosedText { quote, .. } => format!("close it with {quote}"),
            Self::Empty { .. } => {
                "write an expression such as `${vars.location}`, or `$${}` for a literal `${}`".to_owned()
            }
            Self::TooLarge { .. } => "split it up: give the parts as variables or as fields of their own".to_owned(),
            Self::Syntax { .. } => {
                "expressions are CEL: `${vars.n + 1}`, `${env.name == 'prod' ? 3 : 1}`; `$${` is a literal `${`"
                    .to_owned()
            }
            Self::Reserved { instead, .. } | Self::UnknownName { instead, .. } => instead.clone(),
            Self::Dash { .. } => {
                "rename it with `_` where it is declared; to subtract, put spaces around the `-`".to_owned()
            }
            Self::UnknownFunction { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownFunction { nearest: None, .. } => {
                "docs/reference/stack-file.md lists the functions".to_owned()
            }
            Self::Unsupported { .. } => "write the value as text, number, list or table".to_owned(),
            Self::UnknownVariable { name, .. } => {
                format!("declare it under `[vars]`: `{name} = {{ default = \"…\" }}`")
            }
            Self::NoEach { .. } => "give the resource a `for_each`, or write the value itself".to_owned(),
            Self::Absent { address, .. } if address.key().is_some() => {
                format!("add the key to the `for_each` of `{}`, or refer to one that it has", address.without_key())
            }
            Self::Absent { address, .. } => {
                format!(
                    "declare `[{address}]`, or give what refers to it the same `enabled` as it has; `has({address})` asks whether it is there"
                )
            }
            Self::NoField { .. } => "refer to a field that it has; `has(…)` asks whether one is there".to_owned(),
            Self::NotText { kind: "list", .. } => "join it: `${vars.zones.join(',')}`".to_owned(),
            Self::NotText { .. } => "refer to one of its fields".to_owned(),
            Self::HandleAsValue { address, .. } => format!("refer to one of its fields, such as `${{{address}.name}}`"),
            Self::NoValue { instead, .. } => (*instead).to_owned(),
            Self::Failed { .. } => "change the expression, or the values that it reads".to_owned(),
        }
    }

    /// The same error about a string in which everything stands `by` bytes later.
    #[must_use]
    pub(crate) fn moved(mut self, by: usize) -> Self {
        let (Self::Unclosed { span }
        | Self::UnclosedText { span, .. }
        | Self::Empty { span }
        | Self::TooLarge { span, .. }
        | Self::Syntax { span, .. }
        | Self::Reserved { span, .. }
        | Self::Dash { span, .. }
        | Self::UnknownName { span, .. }
        | Self::UnknownFunction { span, .. }
        | Self::Unsupported { span, .. }
        | Self::UnknownVariable { span, .. }
        | Self::NoEach { span }
        | Self::Absent { span, .. }
        | Self::NoField { span, .. }
        | Self::NotText { span, .. }
        | Self::HandleAsValue { span, .. }
        | Self::NoValue { span, .. }
        | Self::Failed { span, .. }) = &mut self;
        *span = span.start.saturating_add(by)..span.end.saturating_add(by);
        self
    }
}
