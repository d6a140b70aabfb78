//! What differs between two objects of one kind.

use std::collections::BTreeMap;

use serde_json::{Map as Object, Value};

use super::fields::{Element, Set};
use super::key;
use crate::kube::schema::{List, Map, Node, Ref, Relation, Schema};

/// The fields that differ; none is in two of the sets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparison {
    pub(crate) removed: Set,
    pub(crate) modified: Set,
    pub(crate) added: Set,
}

impl Comparison {
    /// Without some fields and all below them.
    pub(crate) fn without(&self, fields: &Set) -> Comparison {
        Comparison {
            removed: self.removed.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            added: self.added.recursive_difference(fields),
        }
    }
}

/// Compares an object before with the same after.
pub(crate) fn compare(schema: &Schema, at: Ref, before: &Value, after: &Value) -> Comparison {
    let mut walker = Walker { schema, path: Vec::new(), found: Comparison::default() };
    walker.walk(Some(at), Some(before), Some(after));
    walker.found
}

/// Equality as the server has it: whole numbers and others by value.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => super::fields::number_order(left, right).is_eq(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        (left, right) => left == right,
    }
}

struct Walker<'a> {
    schema: &'a Schema,
    path: Vec<Element>,
    found: Comparison,
}

impl Walker<'_> {
    fn walk(&mut self, at: Option<Ref>, before: Option<&Value>, after: Option<&Value>) {
        let Some(at) = at else {
            self.leaf(before, after);
            return;
        };
        let node = self.schema.node(at);
        let (old, new) = (key::deduce(node, before), key::deduce(node, after));
        let leaf = if after.is_none() {
            self.handle(&old, before, after)
        } else if before.is_none() || same_kind(&old, &new) {
            self.handle(&new, before, after)
        } else {
            self.handle(&old, before, after);
            self.handle(&new, before, after)
        };
        if !leaf {
            match (before, after) {
                (None, _) => self.found.added.insert(&self.path),
                (_, None) => self.found.removed.insert(&self.path),
                (Some(_), Some(_)) => {}
            }
        }
    }

    /// Returns whether the place is one value.
    fn handle(&mut self, node: &Node, before: Option<&Value>, after: Option<&Value>) -> bool {
        if let Some(map) = &node.map {
            self.maps(map, before, after)
        } else if node.scalar.is_some() {
            self.leaf(before, after);
            true
        } else if let Some(list) = &node.list {
            self.lists(list, before, after)
        } else {
            self.leaf(before, after);
            true
        }
    }

    fn leaf(&mut self, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(before), Some(after)) if !equal(before, after) => self.found.modified.insert(&self.path),
            (Some(_), Some(_)) => {}
        }
    }

    fn maps(&mut self, map: &Map, before: Option<&Value>, after: Option<&Value>) -> bool {
        let (old, new) = (before.and_then(Value::as_object), after.and_then(Value::as_object));
        let empty = old.is_none_or(Object::is_empty) && new.is_none_or(Object::is_empty);
        if map.atomic || empty {
            self.leaf(before, after);
            return true;
        }
        for (name, mine) in old.into_iter().flatten() {
            self.member(map, name, Some(mine), new.and_then(|new| new.get(name)));
        }
        for (name, theirs) in new.into_iter().flatten() {
            if old.is_none_or(|old| !old.contains_key(name)) {
                self.member(map, name, None, Some(theirs));
            }
        }
        false
    }

    fn member(&mut self, map: &Map, name: &str, before: Option<&Value>, after: Option<&Value>) {
        let next = map.fields.get(name).map(|field| field.node).or(map.element);
        self.path.push(Element::Field(name.to_owned()));
        self.walk(next, before, after);
        self.path.pop();
    }

    fn lists(&mut self, list: &List, before: Option<&Value>, after: Option<&Value>) -> bool {
        let items = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
        if list.relation == Relation::Atomic || (items(before) == 0 && items(after) == 0) {
            self.leaf(before, after);
            return true;
        }
        let (old, new) = (self.grouped(list, before), self.grouped(list, after));
        let elements: Vec<Element> =
            old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).cloned().collect();
        for element in elements {
            let mine = old.get(&element).map(Vec::as_slice).unwrap_or_default();
            let theirs = new.get(&element).map(Vec::as_slice).unwrap_or_default();
            self.path.push(element);
            self.items(list, mine, theirs);
            self.path.pop();
        }
        false
    }

    /// Items of one element; several of them are one value.
    fn items(&mut self, list: &List, old: &[&Value], new: &[&Value]) {
        match (old.len(), new.len()) {
            (0 | 1, 0 | 1) => self.walk(Some(list.element), old.first().copied(), new.first().copied()),
            (0 | 1, _) => {
                if let Some(old) = old.first() {
                    self.walk(Some(list.element), Some(old), None);
                }
                self.found.added.insert(&self.path);
            }
            (_, 0 | 1) => {
                if let Some(new) = new.first() {
                    self.walk(Some(list.element), None, Some(new));
                }
                self.found.removed.insert(&self.path);
            }
            (_, _) => {
                let same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| equal(old, new));
                if !same {
                    self.found.modified.insert(&self.path);
                }
            }
        }
    }

    fn grouped<'v>(&self, list: &List, value: Option<&'v Value>) -> BTreeMap<Element, Vec<&'v Value>> {
        let mut out: BTreeMap<Element, Vec<&'v Value>> = BTreeMap::new();
        for item in value.and_then(Value::as_array).into_iter().flatten() {
            if let Ok(element) = key::element(self.schema, list, item) {
                out.entry(element).or_default().push(item);
            }
        }
        out
    }
}

fn same_kind(left: &Node, right: &Node) -> bool {
    (left.map.is_some(), left.list.is_some(), left.scalar.is_some())
        == (right.map.is_some(), right.list.is_some(), right.scalar.is_some())
}
