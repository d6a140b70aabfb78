//! Values of the stack file: every leaf is known or late, and plain or sensitive.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::address::ResourceAddress;

/// A leaf that is known only after apply: the text that will give it, and the
/// resources it waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Late {
    /// The string as the stack file has it, `${…}` included.
    pub template: Arc<str>,
    /// The resources whose outputs it reads, in order.
    pub waits: BTreeSet<ResourceAddress>,
}

/// A value of the stack file.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Stated as nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number that may have a fraction.
    Float(f64),
    /// Any text.
    String(Arc<str>),
    /// An ordered list.
    List(Vec<Value>),
    /// A table, by key.
    Map(BTreeMap<String, Value>),
    /// A handle: `${TYPE.NAME}` alone. An address, never unknown.
    Handle(ResourceAddress),
    /// A leaf known only after apply, or, in `validate`, a variable without a value.
    Late(Late),
    /// A leaf that must never be printed or stored. Never nested, never a list or map.
    Sensitive(Box<Value>),
}

impl Value {
    /// Marks every leaf of this value as sensitive.
    #[must_use]
    pub fn into_sensitive(self) -> Self {
        match self {
            Self::List(list) => Self::List(list.into_iter().map(Self::into_sensitive).collect()),
            Self::Map(map) => Self::Map(map.into_iter().map(|(key, value)| (key, value.into_sensitive())).collect()),
            Self::Sensitive(_) | Self::Handle(_) => self,
            leaf => Self::Sensitive(Box::new(leaf)),
        }
    }

    /// Whether any leaf is sensitive.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.any(&|value| matches!(value, Self::Sensitive(_)))
    }

    /// Whether every leaf is known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.any(&|value| matches!(value.reveal(), Self::Late(_)))
    }

    /// The value without its sensitive mark. Whoever calls this must not print it.
    #[must_use]
    pub fn reveal(&self) -> &Self {
        match self {
            Self::Sensitive(inner) => inner,
            plain => plain,
        }
    }

    /// The field `key` of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// The text of a string, sensitive or not.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.reveal() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, sensitive or not.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self.reveal() {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, sensitive or not.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.reveal() {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of a list; nothing for what is none.
    #[must_use]
    pub fn as_list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }

    /// The entries of a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The address that a handle holds.
    #[must_use]
    pub fn as_handle(&self) -> Option<&ResourceAddress> {
        match self {
            Self::Handle(address) => Some(address),
            _ => None,
        }
    }

    /// Calls `visit` with every late leaf, in order.
    pub fn visit_late<'a>(&'a self, visit: &mut impl FnMut(&'a Late)) {
        match self.reveal() {
            Self::List(list) => list.iter().for_each(|value| value.visit_late(visit)),
            Self::Map(map) => map.values().for_each(|value| value.visit_late(visit)),
            Self::Late(late) => visit(late),
            _ => {}
        }
    }

    fn any(&self, test: &impl Fn(&Self) -> bool) -> bool {
        test(self)
            || match self {
                Self::List(list) => list.iter().any(|value| value.any(test)),
                Self::Map(map) => map.values().any(|value| value.any(test)),
                Self::Sensitive(inner) => inner.any(test),
                _ => false,
            }
    }
}

/// Never shows what is sensitive, so that no panic or log line can.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::String(text) => write!(f, "{text:?}"),
            Self::List(list) => f.debug_list().entries(list).finish(),
            Self::Map(map) => f.debug_map().entries(map).finish(),
            Self::Handle(address) => write!(f, "{address}"),
            Self::Late(late) => write!(f, "late({:?})", late.template),
            Self::Sensitive(_) => f.write_str("(sensitive)"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::String(text.as_str().into()),
            Json::Array(list) => Self::List(list.iter().map(Self::from).collect()),
            Json::Object(map) => Self::Map(map.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect()),
        }
    }
}
