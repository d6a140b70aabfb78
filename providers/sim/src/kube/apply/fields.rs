//! Sets of fields, as `managedFields` writes them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map as Object, Number, Value};

use super::key::{self, Scalar};
use crate::kube::schema::{Ref, Relation, Schema};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A field of a map.
    Field(String),
    /// The item of a list that has these fields.
    Key(Vec<(String, Scalar)>),
    /// The item of a set.
    Value(Scalar),
    /// The item at a position.
    Index(i64),
}

impl Element {
    /// As a path shows it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Element::Field(name) => format!(".{name}"),
            Element::Key(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}={}", value.shown())).collect();
                format!("[{}]", fields.join(","))
            }
            Element::Value(value) => format!("[={}]", value.shown()),
            Element::Index(index) => format!("[{index}]"),
        }
    }

    /// As a key of `fieldsV1`.
    fn written(&self) -> String {
        match self {
            Element::Field(name) => format!("f:{name}"),
            Element::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{}:{}", key::json(&Value::from(name.as_str())), value.json()))
                    .collect();
                format!("k:{{{}}}", fields.join(","))
            }
            Element::Value(value) => format!("v:{}", value.json()),
            Element::Index(index) => format!("i:{index}"),
        }
    }

    fn parse(text: &str) -> Option<Element> {
        let (kind, rest) = text.split_once(':')?;
        Some(match kind {
            "f" => Element::Field(rest.to_owned()),
            "v" => Element::Value(Scalar::of(&serde_json::from_str(rest).ok()?)?),
            "i" => Element::Index(rest.parse().ok()?),
            "k" => {
                let fields: Object<String, Value> = serde_json::from_str(rest).ok()?;
                let mut fields: Vec<(String, Scalar)> =
                    fields.into_iter().map(|(name, value)| Some((name, Scalar::of(&value)?))).collect::<Option<_>>()?;
                fields.sort();
                Element::Key(fields)
            }
            _ => return None,
        })
    }
}

/// Fields, as a tree. A field that is in it says nothing about those below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Set {
    below: BTreeMap<Element, Entry>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    member: bool,
    set: Set,
}

impl Entry {
    fn is_empty(&self) -> bool {
        !self.member && self.set.is_empty()
    }
}

/// The deepest set that is read.
const DEEPEST: usize = 200;

impl Set {
    pub(crate) fn is_empty(&self) -> bool {
        self.below.values().all(Entry::is_empty)
    }

    /// Adds the field of a path; the root is nobody's.
    pub(crate) fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else { return };
        let entry = self.below.entry(first.clone()).or_default();
        if rest.is_empty() {
            entry.member = true;
        } else {
            entry.set.insert(rest);
        }
    }

    /// A set of fields given by names.
    pub(crate) fn of(paths: &[&[&str]]) -> Set {
        let mut set = Set::default();
        for path in paths {
            let path: Vec<Element> = path.iter().map(|name| Element::Field((*name).to_owned())).collect();
            set.insert(&path);
        }
        set
    }

    pub(crate) fn has(&self, element: &Element) -> bool {
        self.below.get(element).is_some_and(|entry| entry.member)
    }

    /// Whether the field of a path is in it.
    pub(crate) fn has_path(&self, path: &[Element]) -> bool {
        match path.split_first() {
            None => false,
            Some((first, [])) => self.has(first),
            Some((first, rest)) => self.below.get(first).is_some_and(|entry| entry.set.has_path(rest)),
        }
    }

    /// What is below an element.
    pub(crate) fn under(&self, element: &Element) -> Option<&Set> {
        self.below.get(element).map(|entry| &entry.set).filter(|set| !set.is_empty())
    }

    /// The elements here, whether they are members, and what is below them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Element, bool, &Set)> {
        self.below.iter().map(|(element, entry)| (element, entry.member, &entry.set))
    }

    pub(crate) fn union(&self, other: &Set) -> Set {
        let mut out = self.clone();
        for (element, entry) in &other.below {
            match out.below.get_mut(element) {
                Some(mine) => {
                    mine.member |= entry.member;
                    mine.set = mine.set.union(&entry.set);
                }
                None => {
                    out.below.insert(element.clone(), entry.clone());
                }
            }
        }
        out
    }

    pub(crate) fn intersection(&self, other: &Set) -> Set {
        self.paired(other, |mine, theirs| match theirs {
            Some(theirs) => Entry { member: mine.member && theirs.member, set: mine.set.intersection(&theirs.set) },
            None => Entry::default(),
        })
    }

    /// What is in this and not in the other; the loss of a field is no loss of those below it.
    pub(crate) fn difference(&self, other: &Set) -> Set {
        self.paired(other, |mine, theirs| match theirs {
            Some(theirs) => Entry { member: mine.member && !theirs.member, set: mine.set.difference(&theirs.set) },
            None => mine.clone(),
        })
    }

    /// The same, where the loss of a field is the loss of all below it.
    pub(crate) fn recursive_difference(&self, other: &Set) -> Set {
        self.paired(other, |mine, theirs| match theirs {
            Some(theirs) if theirs.member => Entry::default(),
            Some(theirs) => Entry { member: mine.member, set: mine.set.recursive_difference(&theirs.set) },
            None => mine.clone(),
        })
    }

    fn paired(&self, other: &Set, combine: impl Fn(&Entry, Option<&Entry>) -> Entry) -> Set {
        let mut out = Set::default();
        for (element, mine) in &self.below {
            let entry = combine(mine, other.below.get(element));
            if !entry.is_empty() {
                out.below.insert(element.clone(), entry);
            }
        }
        out
    }

    /// The set with every named field that has something below it.
    pub(crate) fn with_named_fields(&self, schema: &Schema, at: Option<Ref>) -> Set {
        let node = at.map(|at| schema.node(at));
        let map = node.and_then(|node| node.map.as_ref());
        let list = node.and_then(|node| node.list.as_ref());
        let mut out = Set::default();
        for (element, entry) in &self.below {
            let (named, next) = match element {
                Element::Field(name) => {
                    let field = map.and_then(|map| map.fields.get(name));
                    (field.is_some(), field.map(|field| field.node).or_else(|| map.and_then(|map| map.element)))
                }
                Element::Key(_) => (false, list.map(|list| list.element)),
                Element::Value(_) | Element::Index(_) => (false, None),
            };
            let member = entry.member || (named && !entry.set.is_empty());
            out.below.insert(element.clone(), Entry { member, set: entry.set.with_named_fields(schema, next) });
        }
        out
    }

    /// Every path in it: at each level the members first, then what is below.
    pub(crate) fn paths(&self) -> Vec<Vec<Element>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<Element>, out: &mut Vec<Vec<Element>>) {
        for (element, entry) in &self.below {
            if entry.member {
                prefix.push(element.clone());
                out.push(prefix.clone());
                prefix.pop();
            }
        }
        for (element, entry) in &self.below {
            prefix.push(element.clone());
            entry.set.collect(prefix, out);
            prefix.pop();
        }
    }

    /// As `fieldsV1` writes it.
    pub(crate) fn written(&self) -> Value {
        let mut out = Object::new();
        for (element, entry) in &self.below {
            if entry.is_empty() {
                continue;
            }
            let mut inner = entry.set.written();
            if entry.member
                && !entry.set.is_empty()
                && let Some(map) = inner.as_object_mut()
            {
                map.insert(".".into(), Value::Object(Object::new()));
            }
            out.insert(element.written(), inner);
        }
        Value::Object(out)
    }

    /// Reads `fieldsV1`; none where it is none.
    pub(crate) fn parse(value: &Value) -> Option<Set> {
        Set::parse_level(value, 0)
    }

    fn parse_level(value: &Value, depth: usize) -> Option<Set> {
        let mut out = Set::default();
        if depth > DEEPEST {
            return None;
        }
        for (key, inner) in value.as_object()? {
            if key == "." {
                continue;
            }
            let set = Set::parse_level(inner, depth + 1)?;
            let member = inner.as_object().is_some_and(|map| map.is_empty() || map.contains_key("."));
            out.below.insert(Element::parse(key)?, Entry { member, set });
        }
        Some(out)
    }
}

/// All fields of a value.
pub(crate) fn field_set(schema: &Schema, at: Ref, value: &Value) -> Set {
    let mut set = Set::default();
    walk(schema, Some(at), value, &mut Vec::new(), &mut set);
    set
}

fn walk(schema: &Schema, at: Option<Ref>, value: &Value, path: &mut Vec<Element>, set: &mut Set) {
    let Some(node) = at.map(|at| key::deduce(schema.node(at), Some(value))) else { return };
    if let Some(map) = &node.map {
        if map.atomic {
            set.insert(path);
            return;
        }
        for (name, inner) in value.as_object().into_iter().flatten() {
            let field = map.fields.get(name);
            path.push(Element::Field(name.clone()));
            walk(schema, field.map(|field| field.node).or(map.element), inner, path, set);
            let empty = inner.is_null() || inner.as_object().is_some_and(Object::is_empty);
            if empty || field.is_none() {
                set.insert(path);
            }
            path.pop();
        }
    } else if node.scalar.is_some() {
        set.insert(path);
    } else if let Some(list) = &node.list {
        if list.relation == Relation::Atomic {
            set.insert(path);
            return;
        }
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let elements: Vec<Option<Element>> = items.iter().map(|item| key::element(schema, list, item).ok()).collect();
        for (item, element) in items.iter().zip(&elements) {
            let Some(element) = element else { continue };
            path.push(element.clone());
            // Items of one key are owned together, and nothing below them.
            if elements.iter().filter(|other| other.as_ref() == Some(element)).count() == 1 {
                walk(schema, Some(list.element), item, path, set);
            }
            set.insert(path);
            path.pop();
        }
    }
}

/// Orders numbers that may be whole or not.
pub(crate) fn number_order(left: &Number, right: &Number) -> Ordering {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.as_f64().unwrap_or(0.0).total_cmp(&right.as_f64().unwrap_or(0.0)),
    }
}
