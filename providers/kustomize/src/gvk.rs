//! What an object is: its kind, its identity, and its place in the output.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};

use crate::dialect::{Dialect, Order};

/// Group, version and kind. As a selector, empty parts match everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Gvk {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

impl Gvk {
    /// The kind of an object. One whose `apiVersion` has no meaning has none.
    pub(crate) fn of(object: &Map<String, Value>) -> Self {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        match Self::split(text("apiVersion")) {
            Some((group, version)) => {
                Self { group: group.to_owned(), version: version.to_owned(), kind: text("kind").to_owned() }
            }
            None => Self::default(),
        }
    }

    /// Group and version of an `apiVersion`; `None` with more than one `/`.
    pub(crate) fn split(api_version: &str) -> Option<(&str, &str)> {
        match api_version.split_once('/') {
            None => Some(("", api_version)),
            Some((_, version)) if version.contains('/') => None,
            Some(parts) => Some(parts),
        }
    }

    /// Whether a selector picks this kind.
    pub(crate) fn is_selected(&self, selector: &Self) -> bool {
        let fits = |wanted: &str, own: &str| wanted.is_empty() || wanted == own;
        fits(&selector.kind, &self.kind) && fits(&selector.group, &self.group) && fits(&selector.version, &self.version)
    }

    /// Whether objects of this kind live in a namespace.
    pub(crate) fn is_namespaced(&self, dialect: Dialect) -> bool {
        !dialect.is_cluster_scoped(self)
    }

    fn rank(&self, order: &Order) -> usize {
        let middle = order.first.len();
        // Of a kind that stands in both lists the later one counts.
        match (
            order.last.iter().position(|kind| *kind == self.kind),
            order.first.iter().position(|kind| *kind == self.kind),
        ) {
            (Some(place), _) => middle + 1 + place,
            (None, Some(place)) => place,
            (None, None) => middle,
        }
    }

    /// The order in which kinds are put out.
    pub(crate) fn compare(&self, other: &Self, order: &Order) -> Ordering {
        self.rank(order).cmp(&other.rank(order)).then_with(|| self.sort_text().cmp(&other.sort_text()))
    }

    fn sort_text(&self) -> String {
        let or = |text: &str, instead: &str| if text.is_empty() { instead.to_owned() } else { text.to_owned() };
        format!("{}_{}_{}", or(&self.group, "~G"), or(&self.version, "~V"), or(&self.kind, "~K"))
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind.is_empty() { "*" } else { &self.kind };
        match (self.group.is_empty(), self.version.is_empty()) {
            (true, _) => write!(f, "{kind}"),
            (false, _) => write!(f, "{kind}.{}", self.group),
        }
    }
}

/// The identity of an object within a render.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Id {
    pub(crate) gvk: Gvk,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// What makes two identities the same.
pub(crate) type IdKey = (Gvk, String, String);

impl Id {
    /// The namespace an object really lands in: none for cluster-scoped kinds, and
    /// `default` where none is given.
    pub(crate) fn effective_namespace(&self, dialect: Dialect) -> Option<&str> {
        match (self.gvk.is_namespaced(dialect), self.namespace.as_str()) {
            (false, _) => None,
            (true, "") => Some("default"),
            (true, namespace) => Some(namespace),
        }
    }

    /// Whether both name the same object.
    pub(crate) fn is_same(&self, other: &Self, dialect: Dialect) -> bool {
        self.is_same_but_for_namespace(other) && self.effective_namespace(dialect) == other.effective_namespace(dialect)
    }

    /// Whether both have the same kind and name.
    pub(crate) fn is_same_but_for_namespace(&self, other: &Self) -> bool {
        self.name == other.name && self.gvk == other.gvk
    }

    /// The identity as a key for a map.
    pub(crate) fn key(&self, dialect: Dialect) -> IdKey {
        let namespace = self.effective_namespace(dialect).unwrap_or_default().to_owned();
        (self.gvk.clone(), namespace, self.name.clone())
    }

    /// The order in which objects are put out.
    pub(crate) fn compare(&self, other: &Self, order: &Order) -> Ordering {
        let or = |text: &str, instead: &'static str| -> Cow<'static, str> {
            if text.is_empty() { Cow::Borrowed(instead) } else { Cow::Owned(text.to_owned()) }
        };
        let text = |id: &Self| format!("{}|{}", or(&id.namespace, "~X"), or(&id.name, "~N"));
        self.gvk.compare(&other.gvk, order).then_with(|| text(self).cmp(&text(other)))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "*" } else { &self.name };
        match self.namespace.as_str() {
            "" => write!(f, "{} `{name}`", self.gvk),
            namespace => write!(f, "{} `{namespace}/{name}`", self.gvk),
        }
    }
}
