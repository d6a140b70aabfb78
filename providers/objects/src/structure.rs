//! How a body falls apart into leaves, the way the server merges it.
//!
//! Which lists are merged by keys and which maps as a whole is read off what was written before (`managedFields`);
//! where nobody has written yet, a table for built-in kinds says so; else lists are wholes and maps are not.

use std::sync::Arc;

use kfplan_model::{Path, Scalar, Segment};
use serde_json::Value as Json;

use crate::fields::FieldSet;
use crate::fields::ListKeys;
use crate::identity::{group_of, is_built_in, kind_of};
use crate::tables::lists;

/// Deeper bodies are taken as wholes from there on.
const MAX_DEPTH: usize = 100;

/// How the fields of one object are merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    written: FieldSet,
    built_in_kind: Option<String>,
}

impl Structure {
    /// The structure of a body of which `written` has been written before.
    #[must_use]
    pub fn new(body: &Json, written: FieldSet) -> Self {
        let kind = kind_of(body);
        Self { written, built_in_kind: is_built_in(group_of(body), kind).then(|| kind.to_owned()) }
    }

    /// Every leaf of `body` with its path, in the order of the body. Identity is not among them.
    #[must_use]
    pub fn leaves<'a>(&self, body: &'a Json) -> Vec<(Path, &'a Json)> {
        let mut walk = Walk { structure: self, path: Path::root(), leaves: Vec::new() };
        for (key, value) in body.as_object().into_iter().flatten() {
            let inside = Segment::Key(key.as_str().into());
            match key.as_str() {
                "apiVersion" | "kind" => {}
                "metadata" => walk.metadata(value, &inside),
                _ => walk.step(inside, value, Some(&self.written), "", 0),
            }
        }
        walk.leaves
    }

    fn list(&self, node: Option<&FieldSet>, parent: &str, field: &str) -> Keys {
        match node {
            Some(node) if node.is_leaf() => Keys::Whole,
            Some(node) => match node.keys() {
                Some(ListKeys::Map(keys)) => Keys::Map(keys),
                Some(ListKeys::Set) => Keys::Set,
                None => Keys::Whole,
            },
            None => match self.built_in_kind.as_deref().map(|kind| lists::list_type(kind, parent, field)) {
                Some(lists::ListType::Map(keys)) => Keys::Map(keys.iter().map(|key| Arc::from(*key)).collect()),
                Some(lists::ListType::Set) => Keys::Set,
                Some(lists::ListType::Atomic) | None => Keys::Whole,
            },
        }
    }

    fn is_whole_map(&self, node: Option<&FieldSet>, field: &str) -> bool {
        match node {
            Some(node) => node.is_leaf(),
            None => self.built_in_kind.is_some() && lists::is_atomic_map(field),
        }
    }
}

enum Keys {
    Whole,
    Map(Vec<Arc<str>>),
    Set,
}

struct Walk<'a, 's> {
    structure: &'s Structure,
    path: Path,
    leaves: Vec<(Path, &'a Json)>,
}

impl<'a> Walk<'a, '_> {
    fn metadata(&mut self, metadata: &'a Json, segment: &Segment) {
        let node = self.structure.written.below(segment);
        self.path.push(segment.clone());
        for (key, value) in metadata.as_object().into_iter().flatten() {
            if !matches!(key.as_str(), "name" | "namespace" | "managedFields") {
                self.step(Segment::Key(key.as_str().into()), value, node, "metadata", 1);
            }
        }
        self.path.pop();
    }

    fn step(&mut self, segment: Segment, value: &'a Json, node: Option<&FieldSet>, parent: &str, depth: usize) {
        let inside = node.and_then(|node| node.below(&segment));
        let field: Arc<str> = match &segment {
            Segment::Key(key) => key.clone(),
            Segment::Item(_) | Segment::Element(_) => parent.into(),
        };
        self.path.push(segment);
        match value {
            Json::Object(map)
                if !map.is_empty() && depth < MAX_DEPTH && !self.structure.is_whole_map(inside, &field) =>
            {
                for (key, value) in map {
                    self.step(Segment::Key(key.as_str().into()), value, inside, &field, depth + 1);
                }
            }
            Json::Array(items) if !items.is_empty() && depth < MAX_DEPTH => {
                self.list(items, inside, (parent, &field), value, depth);
            }
            leaf => self.leaves.push((self.path.clone(), leaf)),
        }
        self.path.pop();
    }

    fn list(
        &mut self,
        items: &'a [Json],
        node: Option<&FieldSet>,
        (parent, field): (&str, &str),
        whole: &'a Json,
        depth: usize,
    ) {
        let segments = match self.structure.list(node, parent, field) {
            Keys::Whole => None,
            Keys::Set => items.iter().map(|item| Scalar::of(item).map(Segment::Element)).collect::<Option<Vec<_>>>(),
            Keys::Map(keys) => items.iter().map(|item| item_segment(item, &keys)).collect(),
        };
        // A list whose items cannot be told apart is compared as a whole.
        let Some(segments) = segments else {
            self.leaves.push((self.path.clone(), whole));
            return;
        };
        for (segment, item) in segments.into_iter().zip(items) {
            self.step(segment, item, node, field, depth + 1);
        }
    }
}

/// The segment of a list item by its keys; what it does not state has the key's default, or stays out.
pub(crate) fn item_segment(item: &Json, keys: &[Arc<str>]) -> Option<Segment> {
    let map = item.as_object()?;
    let found: Vec<(Arc<str>, Scalar)> = keys
        .iter()
        .filter_map(|key| {
            let stated = map.get(&**key).and_then(Scalar::of);
            let value = stated.or_else(|| lists::default_key(key).map(|text| Scalar::Text(text.into())))?;
            Some((key.clone(), value))
        })
        .collect();
    (!found.is_empty()).then_some(Segment::Item(found))
}

/// The value at a path. Unlike [`Path::get`] it finds an item also where the item leaves a key to its default.
#[must_use]
pub fn lookup<'a>(path: &Path, document: &'a Json) -> Option<&'a Json> {
    path.segments().iter().try_fold(document, step_into)
}

/// The value one segment further inside.
pub(crate) fn step_into<'a>(value: &'a Json, segment: &Segment) -> Option<&'a Json> {
    match (segment, value) {
        (Segment::Key(key), Json::Object(map)) => map.get(&**key),
        (Segment::Key(key), Json::Array(list)) => list.get(key.parse::<usize>().ok()?),
        (Segment::Item(keys), Json::Array(list)) => find_item(list, keys),
        (Segment::Element(scalar), Json::Array(list)) => {
            list.iter().find(|item| Scalar::of(item).as_ref() == Some(scalar))
        }
        _ => None,
    }
}

fn find_item<'a>(list: &'a [Json], keys: &[(Arc<str>, Scalar)]) -> Option<&'a Json> {
    let states =
        |item: &Json, key: &Arc<str>, value: &Scalar| item.get(&**key).and_then(Scalar::of).as_ref() == Some(value);
    let exact = list.iter().find(|item| keys.iter().all(|(key, value)| states(item, key, value)));
    exact.or_else(|| {
        list.iter().find(|item| {
            let mut hits = 0;
            keys.iter().all(|(key, value)| {
                let hit = states(item, key, value);
                hits += usize::from(hit);
                hit || (item.is_object() && item.get(&**key).is_none())
            }) && hits > 0
        })
    })
}

/// The keys of the items of a list, in the list's order, for those items that `node` knows: how order is compared.
pub(crate) fn order_of(list: &Json, node: &FieldSet) -> Option<Vec<Segment>> {
    let items = list.as_array()?;
    let known = |segment: Segment| node.below(&segment).is_some().then_some(segment);
    match node.keys()? {
        ListKeys::Set => Some(items.iter().filter_map(|item| known(Segment::Element(Scalar::of(item)?))).collect()),
        ListKeys::Map(keys) => Some(items.iter().filter_map(|item| known(item_segment(item, &keys)?)).collect()),
    }
}

/// An order as it is recorded and shown: a list of keys.
pub(crate) fn order_as_json(order: &[Segment]) -> Json {
    let one = |segment: &Segment| match segment {
        Segment::Key(key) => Json::from(&**key),
        Segment::Element(value) => crate::fields::json(value),
        Segment::Item(keys) => {
            Json::Object(keys.iter().map(|(key, value)| (key.to_string(), crate::fields::json(value))).collect())
        }
    };
    Json::Array(order.iter().map(one).collect())
}
