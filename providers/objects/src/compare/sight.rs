//! A live object as comparing looks at it.

use std::borrow::Cow;

use kfplan_model::{Late, Path, Segment};
use kfplan_plan::{Sealed, Shown, StackKey};
use serde_json::Value as Json;

use crate::fields::{FieldSet, Managed, Manager};
use crate::identity::{group_of, kind_of};
use crate::structure::{Structure, lookup};
use crate::values;

pub(crate) struct Sight<'a> {
    pub(crate) live: &'a Json,
    pub(crate) managed: Managed,
    pub(crate) manager: String,
    sensitive: &'a [Path],
    key: &'a StackKey,
    is_secret: bool,
}

impl<'a> Sight<'a> {
    pub(crate) fn new(live: &'a Json, manager: String, sensitive: &'a [Path], key: &'a StackKey) -> Self {
        let is_secret = is_secret(live);
        Self { live, managed: Managed::of(live), manager, sensitive, key, is_secret }
    }

    /// The fields that we own: O.
    pub(crate) fn ours(&self) -> Option<&FieldSet> {
        self.managed.applied_by(&self.manager).map(|entry| &entry.fields)
    }

    pub(crate) fn owns(&self, path: &Path) -> bool {
        self.ours().is_some_and(|ours| ours.touches(path))
    }

    /// Everybody else who owns the path, something inside it, or a whole that it is part of.
    pub(crate) fn others_at<'s>(&'s self, path: &'s Path) -> impl Iterator<Item = &'s Manager> + 's {
        self.managed.others(&self.manager).filter(move |entry| entry.fields.touches(path))
    }

    /// The structure of the live object as everybody wrote it.
    pub(crate) fn structure(&self) -> Structure {
        Structure::new(self.live, self.managed.union())
    }

    /// Where the server keeps what is sent at `path`: `stringData` of Secrets goes into `data`.
    pub(crate) fn alias(&self, path: &Path) -> Path {
        match path.segments() {
            [Segment::Key(first), rest @ ..] if self.is_secret && &**first == "stringData" => {
                let mut alias = Path::keys(["data"]);
                rest.iter().for_each(|segment| alias.push(segment.clone()));
                alias
            }
            _ => path.clone(),
        }
    }

    /// The live value at a path; at a path of `stringData` the text that was meant.
    pub(crate) fn live_at(&self, path: &Path) -> Option<Cow<'a, Json>> {
        let alias = self.alias(path);
        let value = lookup(&alias, self.live)?;
        if alias == *path {
            return Some(Cow::Borrowed(value));
        }
        values::decoded(value).map(|text| Cow::Owned(Json::String(text)))
    }

    /// Whether a value that may hold seals is what a plain value is.
    pub(crate) fn matches(&self, sealed: &Json, plain: &Json) -> bool {
        matches(sealed, plain, self.key)
    }

    fn hides(&self, path: &Path) -> bool {
        let data = |path: &Path| matches!(path.segments().first(), Some(Segment::Key(key)) if matches!(&**key, "data" | "stringData"));
        (self.is_secret && data(path))
            || self.sensitive.iter().any(|secret| path.starts_with(secret) || secret.starts_with(path))
    }

    /// A value as a plan may show it. `beside` is what it is compared with: where that holds a seal, this is secret too.
    pub(crate) fn shown(&self, path: &Path, value: Option<&Json>, beside: Option<&Json>) -> Shown {
        let Some(value) = value else { return Shown::Absent };
        if self.hides(path) || has_seal(value) || beside.is_some_and(has_seal) {
            return Shown::Secret(tag(value, self.key));
        }
        Shown::Value(value.clone())
    }
}

/// A late value, as a plan shows it.
pub(crate) fn late(late: &Late) -> Shown {
    Shown::Late(late.clone())
}

/// Whether a body is a Secret of the core group.
pub(crate) fn is_secret(body: &Json) -> bool {
    kind_of(body) == "Secret" && group_of(body).is_empty()
}

/// Whether `sealed`, in which secrets are seals, is what `plain` is.
pub(crate) fn matches(sealed: &Json, plain: &Json, key: &StackKey) -> bool {
    if Sealed::is_sealed(sealed) {
        return sealed == plain || key.sealed_leaf(plain) == *sealed;
    }
    match (sealed, plain) {
        (Json::Object(sealed), Json::Object(plain)) => {
            sealed.len() == plain.len()
                && sealed.iter().zip(plain).all(|((a, sealed), (b, plain))| a == b && matches(sealed, plain, key))
        }
        (Json::Array(sealed), Json::Array(plain)) => {
            sealed.len() == plain.len() && sealed.iter().zip(plain).all(|(sealed, plain)| matches(sealed, plain, key))
        }
        _ => sealed == plain,
    }
}

pub(crate) fn has_seal(value: &Json) -> bool {
    Sealed::is_sealed(value)
        || match value {
            Json::Object(map) => map.values().any(has_seal),
            Json::Array(list) => list.iter().any(has_seal),
            _ => false,
        }
}

/// Eight digits that tell equal secrets of one stack.
pub(crate) fn tag(value: &Json, key: &StackKey) -> String {
    let seal = if Sealed::is_sealed(value) || value.is_object() || value.is_array() {
        value.clone()
    } else {
        key.sealed_leaf(value)
    };
    let hash = match seal.as_object().filter(|_| Sealed::is_sealed(&seal)).and_then(|map| map.values().next()) {
        Some(Json::String(hash)) => hash.clone(),
        _ => key.digest("secret", seal.to_string().as_bytes()).as_str().to_owned(),
    };
    hash.chars().take(8).collect()
}
