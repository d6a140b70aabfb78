//! What can be wrong with a YAML text.

use super::node::Position;

/// A text that is not YAML, or holds what JSON cannot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// The text does not follow the grammar.
    #[error("not valid YAML at {at}: {message}")]
    Syntax {
        /// What the scanner expected.
        message: String,
        /// Where it gave up.
        at: Position,
    },
    /// Maps and lists are nested too deeply to be meant.
    #[error("nested more than {limit} levels deep at {at}")]
    TooDeep {
        /// The depth that is allowed.
        limit: usize,
        /// Where it is exceeded.
        at: Position,
    },
    /// Aliases stand for more than the text could reasonably mean.
    #[error("aliases stand for more than {limit} values at {at}")]
    TooManyAliases {
        /// How many values aliases may add.
        limit: usize,
        /// The alias that went over.
        at: Position,
    },
    /// An alias to an anchor that is not defined above it, or that contains it.
    #[error("an alias at {at} names no anchor that is complete above it")]
    UnknownAnchor {
        /// The alias.
        at: Position,
    },
    /// A key that JSON cannot have.
    #[error("a key at {at} is {found}; keys are text")]
    Key {
        /// What stands there: a map, a list, null.
        found: &'static str,
        /// Where.
        at: Position,
    },
    /// `.nan` and `.inf` have no form in JSON.
    #[error("`{text}` at {at} is no number that JSON can hold")]
    Number {
        /// The scalar.
        text: String,
        /// Where.
        at: Position,
    },
    /// A scalar does not fit the tag in front of it.
    #[error("`{text}` at {at} cannot be read as `{tag}`")]
    Tag {
        /// The tag.
        tag: String,
        /// The scalar.
        text: String,
        /// Where.
        at: Position,
    },
    /// A merge key (`<<`) with something else than maps.
    #[error("a merge key (`<<`) at {at} needs a map, or a list of maps")]
    Merge {
        /// Where.
        at: Position,
    },
    /// A key stands twice in a map, in a dialect that refuses this.
    #[error("the key `{key}` at {at} is already set at {first}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The second one.
        at: Position,
        /// The first one.
        first: Position,
    },
}

impl YamlError {
    /// Where the error is.
    #[must_use]
    pub const fn at(&self) -> Position {
        match self {
            Self::Syntax { at, .. }
            | Self::TooDeep { at, .. }
            | Self::TooManyAliases { at, .. }
            | Self::UnknownAnchor { at }
            | Self::Key { at, .. }
            | Self::Number { at, .. }
            | Self::Tag { at, .. }
            | Self::Merge { at }
            | Self::DuplicateKey { at, .. } => *at,
        }
    }
}
