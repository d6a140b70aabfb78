//! What objects look like: for merging, for decoding, for patching.
//!
//! The built-in kinds stand in a table, one type a line, in a notation of its own:
//! `Type[!] field[?][0][*]:[!]type[=default][~strategy:key] …`. `!` marks what has one owner as a
//! whole, `?` what is left out when empty, `0` also when it is a zero struct, `*` what is a pointer.
//! Types are letters for scalars, `[keys|type` for lists (`=` for sets, nothing for
//! atomic ones), `{type`-like maps, and names. Custom kinds bring their own.

mod custom;
mod decode;
mod quantity;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub(crate) use custom::custom;
pub(crate) use decode::Decoder;
pub(crate) use quantity::compare as compare_quantities;

/// The place of a node in its schema.
pub(crate) type Ref = u32;

/// All shapes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    nodes: Vec<Node>,
    names: BTreeMap<String, Ref>,
}

/// What may stand in one place. Several at once where the type is only known from the value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) scalar: Option<Scalar>,
    pub(crate) list: Option<List>,
    pub(crate) map: Option<Map>,
    pub(crate) coding: Coding,
}

/// What a scalar must be for merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    Number,
    Boolean,
    Any,
}

#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) relation: Relation,
    pub(crate) element: Ref,
}

/// How the items of a list relate to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The list is one value.
    Atomic,
    /// Each item is its own key.
    Set,
    /// Items are known by these fields.
    Keys(Vec<String>),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Map {
    pub(crate) atomic: bool,
    pub(crate) fields: BTreeMap<String, Field>,
    /// What stands under any other key; none where there may be no other.
    pub(crate) element: Option<Ref>,
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) node: Ref,
    pub(crate) omit_empty: bool,
    pub(crate) omit_zero: bool,
    pub(crate) pointer: bool,
    /// Whether it is written even when it was never stated.
    pub(crate) always: bool,
    pub(crate) default: Option<Value>,
    pub(crate) patch: Option<Patch>,
}

/// How a strategic merge patch treats a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) merge: bool,
    pub(crate) retain_keys: bool,
    pub(crate) key: String,
}

/// How the server's own types read and write a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Coding {
    /// As it is.
    #[default]
    Verbatim,
    Text,
    Integer32,
    Integer64,
    Float,
    Boolean,
    Bytes,
    Quantity,
    Time,
    MicroTime,
    IntOrString,
    /// An embedded object.
    Raw,
    List,
    Map,
    Struct,
}

/// The node for what is only known from its value: maps granular, lists atomic.
pub(crate) const DEDUCED: Ref = 0;
/// The node for what is one value whatever it is.
pub(crate) const ATOMIC: Ref = 1;

impl Schema {
    /// A schema with nothing but the two nodes for what has none.
    pub(crate) fn new() -> Schema {
        let list = Some(List { relation: Relation::Atomic, element: ATOMIC });
        let map = |atomic, element| Some(Map { atomic, fields: BTreeMap::new(), element: Some(element) });
        let node = |name: &str, map| Node {
            name: name.into(),
            scalar: Some(Scalar::Any),
            list: list.clone(),
            map,
            coding: Coding::Verbatim,
        };
        let nodes = vec![node("deduced", map(false, DEDUCED)), node("atomic", map(true, ATOMIC))];
        Schema { nodes, names: BTreeMap::new() }
    }

    pub(crate) fn node(&self, at: Ref) -> &Node {
        // Refs are only made by this module, and always in range; the deduced node is first.
        self.nodes.get(at as usize).or_else(|| self.nodes.first()).unwrap_or(&EMPTY)
    }

    fn add(&mut self, node: Node) -> Ref {
        self.nodes.push(node);
        u32::try_from(self.nodes.len() - 1).unwrap_or(DEDUCED)
    }

    fn set(&mut self, at: Ref, node: Node) {
        if let Some(slot) = self.nodes.get_mut(at as usize) {
            *slot = node;
        }
    }

    /// A type by name.
    pub(crate) fn named(&self, name: &str) -> Option<Ref> {
        self.names.get(name).copied()
    }
}

static EMPTY: Node =
    Node { name: String::new(), scalar: Some(Scalar::Any), list: None, map: None, coding: Coding::Verbatim };

/// The shapes of all built-in kinds.
pub(crate) fn builtin() -> &'static Arc<Schema> {
    static TABLE: OnceLock<Arc<Schema>> = OnceLock::new();
    TABLE.get_or_init(|| Arc::new(parse(include_str!("builtin.txt"))))
}

/// Reads the table.
fn parse(text: &str) -> Schema {
    let mut schema = Schema::new();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    for line in &lines {
        let name = line.split(' ').next().unwrap_or_default().trim_end_matches('!');
        let at = schema.add(Node::default());
        schema.names.insert(name.to_owned(), at);
    }
    for line in &lines {
        let mut words = line.split(' ');
        let head = words.next().unwrap_or_default();
        let name = head.trim_end_matches('!');
        let mut map = Map { atomic: head.ends_with('!'), ..Map::default() };
        for word in words.filter(|word| !word.is_empty()) {
            let (field_name, field) = field(&mut schema, word);
            map.fields.insert(field_name, field);
        }
        if let Some(at) = schema.named(name) {
            schema.set(at, Node { name: name.into(), map: Some(map), coding: Coding::Struct, ..Node::default() });
        }
    }
    schema
}

/// Reads one field.
fn field(schema: &mut Schema, word: &str) -> (String, Field) {
    let (word, patch) = match word.split_once('~') {
        Some((word, patch)) => (word, Some(patch)),
        None => (word, None),
    };
    let (head, kind) = word.split_once(':').unwrap_or((word, "a"));
    let name = head.trim_end_matches(['?', '0', '*']);
    let flags = head.get(name.len()..).unwrap_or_default();
    let (kind, atomic) = match kind.strip_prefix('!') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    // A set is written `[=|`, so that only an `=` behind the type is a default.
    let (kind, default) = match kind.rsplit_once('=') {
        Some((kind, default)) if !default.contains('|') => (kind, Some(default)),
        _ => (kind, None),
    };
    let mut node = node(schema, kind);
    if atomic {
        let mut copy = schema.node(node).clone();
        if let Some(map) = &mut copy.map {
            map.atomic = true;
        }
        node = schema.add(copy);
    }
    let field = Field {
        node,
        omit_empty: flags.contains('?'),
        omit_zero: flags.contains('0'),
        pointer: flags.contains('*'),
        always: flags.is_empty(),
        default: default.map(|text| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)),
        patch: patch.map(|text| {
            let (strategy, key) = text.split_once(':').unwrap_or((text, ""));
            Patch {
                merge: strategy.split('+').any(|word| word == "merge"),
                retain_keys: strategy.split('+').any(|word| word == "retainKeys"),
                key: key.to_owned(),
            }
        }),
    };
    (name.to_owned(), field)
}

/// Reads a type.
fn node(schema: &mut Schema, kind: &str) -> Ref {
    let scalar = |scalar, coding| Node { scalar: Some(scalar), coding, ..Node::default() };
    let made = match kind {
        "s" => scalar(Scalar::Text, Coding::Text),
        "y" => scalar(Scalar::Text, Coding::Bytes),
        "i" => scalar(Scalar::Number, Coding::Integer32),
        "l" => scalar(Scalar::Number, Coding::Integer64),
        "f" => scalar(Scalar::Number, Coding::Float),
        "b" => scalar(Scalar::Boolean, Coding::Boolean),
        "q" => scalar(Scalar::Any, Coding::Quantity),
        "t" => scalar(Scalar::Any, Coding::Time),
        "u" => scalar(Scalar::Any, Coding::MicroTime),
        "x" => scalar(Scalar::Any, Coding::IntOrString),
        "r" => {
            Node { map: Some(Map { element: Some(DEDUCED), ..Map::default() }), coding: Coding::Raw, ..Node::default() }
        }
        _ => {
            if let Some(rest) = kind.strip_prefix('[') {
                let (keys, element) = rest.split_once('|').unwrap_or(("", rest));
                let relation = match keys {
                    "" => Relation::Atomic,
                    "=" => Relation::Set,
                    keys => Relation::Keys(keys.split('&').map(str::to_owned).collect()),
                };
                let element = node(schema, element);
                Node { list: Some(List { relation, element }), coding: Coding::List, ..Node::default() }
            } else if let Some(rest) = kind.strip_prefix('{') {
                let (mark, element) = rest.split_once('|').unwrap_or(("", rest));
                let element = node(schema, element);
                let map = Map { atomic: mark == "!", fields: BTreeMap::new(), element: Some(element) };
                Node { map: Some(map), coding: Coding::Map, ..Node::default() }
            } else {
                // What is in no table, and what may be anything.
                return schema.named(kind).unwrap_or(DEDUCED);
            }
        }
    };
    schema.add(made)
}

#[cfg(test)]
mod tests;
