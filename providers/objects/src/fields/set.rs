//! A set of field paths: the `fieldsV1` of one manager.
//!
//! In `fieldsV1`, `f:NAME` is a field, `k:{…}` an element of a list by its keys, `v:…` an element of a set by its
//! value, `i:N` an element by its place, and `.` says that the thing itself is a member beside what is inside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{Path, Scalar, Segment};
use serde_json::{Map, Value as Json};

/// Deeper sets are cut: no API nests as deep, and text from a cluster must not exhaust the stack.
const MAX_DEPTH: usize = 100;

/// A set of field paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet {
    member: bool,
    inside: BTreeMap<Segment, FieldSet>,
}

impl FieldSet {
    /// Reads `fieldsV1`. What has none of the known forms is left out: a newer server may have more of them.
    #[must_use]
    pub fn from_fields_v1(json: &Json) -> Self {
        let mut set = Self::read(json, 0);
        set.member = false;
        set
    }

    fn read(json: &Json, depth: usize) -> Self {
        let Some(map) = json.as_object().filter(|map| !map.is_empty() && depth < MAX_DEPTH) else {
            return Self { member: true, inside: BTreeMap::new() };
        };
        let mut set = Self::default();
        for (key, inside) in map {
            if key == "." {
                set.member = true;
            } else if let Some(segment) = segment(key) {
                set.inside.insert(segment, Self::read(inside, depth + 1));
            }
        }
        set
    }

    /// The set as `fieldsV1`.
    #[must_use]
    pub fn to_fields_v1(&self) -> Json {
        let mut map = Map::new();
        if self.member && !self.inside.is_empty() {
            map.insert(".".to_owned(), Json::Object(Map::new()));
        }
        for (segment, inside) in &self.inside {
            map.insert(key(segment), inside.to_fields_v1());
        }
        Json::Object(map)
    }

    /// The set of these paths.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut set = Self::default();
        paths.into_iter().for_each(|path| set.insert(path));
        set
    }

    /// Adds a path.
    pub fn insert(&mut self, path: &Path) {
        let mut node = self;
        for segment in path.segments() {
            node = node.inside.entry(segment.clone()).or_default();
        }
        node.member = true;
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.member && self.inside.is_empty()
    }

    /// Whether the thing itself is a member and nothing inside it is: it was written as a whole, or empty.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.member && self.inside.is_empty()
    }

    /// What the set holds below one segment.
    #[must_use]
    pub fn below(&self, segment: &Segment) -> Option<&Self> {
        self.inside.get(segment)
    }

    /// The segments right below, in order, with what is inside each.
    pub fn children(&self) -> impl Iterator<Item = (&Segment, &Self)> {
        self.inside.iter()
    }

    /// What the set holds below a path.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<&Self> {
        path.segments().iter().try_fold(self, |set, segment| set.inside.get(segment))
    }

    /// Whether the path itself is a member.
    #[must_use]
    pub fn contains(&self, path: &Path) -> bool {
        self.at(path).is_some_and(|set| set.member)
    }

    /// Whether the path is a member, or stands inside something that was written as a whole.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        let mut node = self;
        for segment in path.segments() {
            match node.inside.get(segment) {
                Some(inside) => node = inside,
                None => return node.is_leaf(),
            }
        }
        node.member
    }

    /// Whether writing the path touches a member: the path itself, something inside it, or a whole that it is part of.
    #[must_use]
    pub fn touches(&self, path: &Path) -> bool {
        self.covers(path) || self.at(path).is_some_and(|set| !set.is_empty())
    }

    /// What is in either.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.extend(other);
        self
    }

    /// Adds what is in `other`.
    pub fn extend(&mut self, other: &Self) {
        self.member |= other.member;
        for (segment, inside) in &other.inside {
            self.inside.entry(segment.clone()).or_default().extend(inside);
        }
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let inside = self.inside.iter().filter_map(|(segment, set)| {
            let rest = other.inside.get(segment).map_or_else(|| set.clone(), |other| set.difference(other));
            (!rest.is_empty()).then(|| (segment.clone(), rest))
        });
        Self { member: self.member && !other.member, inside: inside.collect() }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let inside = self.inside.iter().filter_map(|(segment, set)| {
            let both = set.intersection(other.inside.get(segment)?);
            (!both.is_empty()).then(|| (segment.clone(), both))
        });
        Self { member: self.member && other.member, inside: inside.collect() }
    }

    /// Every member, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<Path> {
        self.collect(false)
    }

    /// Every member that has no member inside it, in order.
    #[must_use]
    pub fn leaves(&self) -> Vec<Path> {
        self.collect(true)
    }

    fn collect(&self, only_leaves: bool) -> Vec<Path> {
        let mut paths = Vec::new();
        self.visit(&mut Path::root(), &mut |path, set| {
            if set.member && (!only_leaves || set.inside.is_empty()) {
                paths.push(path.clone());
            }
        });
        paths
    }

    /// Calls `visit` with every path that is in the tree, member or not, outermost first.
    pub(crate) fn visit(&self, path: &mut Path, visit: &mut impl FnMut(&Path, &Self)) {
        visit(path, self);
        for (segment, inside) in &self.inside {
            path.push(segment.clone());
            inside.visit(path, visit);
            path.pop();
        }
    }

    /// How a list here is merged, as far as its members show.
    pub(crate) fn keys(&self) -> Option<ListKeys> {
        match self.inside.keys().next()? {
            Segment::Item(keys) => Some(ListKeys::Map(keys.iter().map(|(key, _)| key.clone()).collect())),
            Segment::Element(_) => Some(ListKeys::Set),
            Segment::Key(_) => None,
        }
    }
}

/// How the elements of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListKeys {
    /// By the values of these fields.
    Map(Vec<Arc<str>>),
    /// By their own value.
    Set,
}

/// Reads one key of `fieldsV1`.
pub(crate) fn segment(key: &str) -> Option<Segment> {
    let (form, rest) = key.split_once(':')?;
    match form {
        "f" | "i" => Some(Segment::Key(rest.into())),
        "v" => Some(Segment::Element(Scalar::of(&serde_json::from_str(rest).ok()?)?)),
        "k" => {
            let keys: Map<String, Json> = serde_json::from_str(rest).ok()?;
            let keys: Option<Vec<(Arc<str>, Scalar)>> =
                keys.iter().map(|(key, value)| Some((key.as_str().into(), Scalar::of(value)?))).collect();
            keys.filter(|keys| !keys.is_empty()).map(Segment::Item)
        }
        _ => None,
    }
}

fn key(segment: &Segment) -> String {
    match segment {
        Segment::Key(key) => format!("f:{key}"),
        Segment::Item(keys) => {
            let keys: Map<String, Json> = keys.iter().map(|(key, value)| (key.to_string(), json(value))).collect();
            format!("k:{}", Json::Object(keys))
        }
        Segment::Element(value) => format!("v:{}", json(value)),
    }
}

/// A scalar as JSON.
pub(crate) fn json(scalar: &Scalar) -> Json {
    match scalar {
        Scalar::Bool(value) => Json::from(*value),
        Scalar::Int(value) => Json::from(*value),
        Scalar::Text(text) => Json::from(&**text),
    }
}
