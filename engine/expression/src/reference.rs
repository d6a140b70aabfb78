//! What an expression reads.

use std::fmt;
use std::ops::Range;

use kfplan_model::ResourceAddress;

/// Where a reference begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// `vars.NAME`.
    Variable(String),
    /// `env.name`.
    EnvironmentName,
    /// `each.key`.
    EachKey,
    /// `each.value`.
    EachValue,
    /// `TYPE.NAME`. A key of its `for_each` is the first step of the path.
    Resource(ResourceAddress),
}

/// One step into what a root holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `.field`
    Field(String),
    /// `["key"]`
    Key(String),
    /// `[3]`
    Index(i64),
    /// `[…]` with something that has to be evaluated. The path ends here, and all below is read.
    Computed,
}

/// What a reference is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The value is read.
    Read,
    /// `has(…)`: whether it is there.
    Test,
    /// The resource itself, not a value of it: the string is one whole `${TYPE.NAME}`,
    /// perhaps with a key, or a choice between such.
    Handle,
}

/// One reference of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where it begins.
    pub root: Root,
    /// The steps from there that are written out.
    pub path: Vec<Step>,
    /// What it is for.
    pub used_as: Use,
    /// Its bytes in the string.
    pub span: Range<usize>,
}

impl Reference {
    /// The resource that is referred to, without a key.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceAddress> {
        match &self.root {
            Root::Resource(address) => Some(address),
            Root::Variable(_) | Root::EnvironmentName | Root::EachKey | Root::EachValue => None,
        }
    }

    /// The key, if the first step can be one of a `for_each`.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self.path.first() {
            Some(Step::Key(key) | Step::Field(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "vars.{name}"),
            Self::EnvironmentName => f.write_str("env.name"),
            Self::EachKey => f.write_str("each.key"),
            Self::EachValue => f.write_str("each.value"),
            Self::Resource(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str())),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Computed => f.write_str("[…]"),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)?;
        self.path.iter().try_for_each(|step| write!(f, "{step}"))
    }
}
