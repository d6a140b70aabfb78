//! Paths: JSON Pointers (RFC 6901) with list keys.
//!
//! `/data/config.yaml`, `/spec/containers[name=main]/image`,
//! `/spec/ports[port=80,protocol=TCP]`, and `/metadata/finalizers[="a"]` for an
//! element of a set. `~0` is `~`, `~1` is `/`, `~2` is `[`. What is printed can be
//! parsed back.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use crate::error::ModelError;

/// A list key's value: what identifies one element of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any text. Numbers that are not whole are kept as their text.
    Text(Arc<str>),
}

impl Scalar {
    /// The scalar in a JSON value; `None` for what is neither text, number nor truth value.
    #[must_use]
    pub fn of(value: &Json) -> Option<Self> {
        match value {
            Json::Bool(value) => Some(Self::Bool(*value)),
            Json::Number(number) => {
                Some(number.as_i64().map_or_else(|| Self::Text(number.to_string().into()), Self::Int))
            }
            Json::String(text) => Some(Self::Text(text.as_str().into())),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) => {
                let looks_other = text.is_empty() || text.parse::<i64>().is_ok() || matches!(&**text, "true" | "false");
                if looks_other || text.contains([']', ',', '"', '=']) {
                    write!(f, "{}", Json::from(&**text))
                } else {
                    f.write_str(text)
                }
            }
        }
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of a map; in a JSON Pointer into a list also an index such as `0`.
    Key(Arc<str>),
    /// The element of a list whose fields have these values, by field name.
    Item(Vec<(Arc<str>, Scalar)>),
    /// The element of a set that has this value.
    Element(Scalar),
}

/// Where in a document a value stands. The empty path is the whole document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The whole document.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A path of plain keys.
    pub fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.into())).collect())
    }

    /// The path of its segments.
    #[must_use]
    pub fn from_segments(segments: Vec<Segment>) -> Self {
        Self(segments)
    }

    /// The segments, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// This path and one segment more.
    #[must_use]
    pub fn join(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.join(Segment::Key(key.into()))
    }

    /// Adds a segment at the end.
    pub fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    /// Takes the last segment away.
    pub fn pop(&mut self) -> Option<Segment> {
        self.0.pop()
    }

    /// Whether `self` is `other` or stands inside it.
    #[must_use]
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The value at this path, if there is one.
    #[must_use]
    pub fn get<'a>(&self, document: &'a Json) -> Option<&'a Json> {
        self.0.iter().try_fold(document, |value, segment| match (segment, value) {
            (Segment::Key(key), Json::Object(map)) => map.get(&**key),
            (Segment::Key(key), Json::Array(list)) => list.get(key.parse::<usize>().ok()?),
            (Segment::Item(keys), Json::Array(list)) => list.iter().find(|item| is_item(item, keys)),
            (Segment::Element(scalar), Json::Array(list)) => {
                list.iter().find(|item| Scalar::of(item).as_ref() == Some(scalar))
            }
            _ => None,
        })
    }

    /// The value at this path, to be changed in place.
    pub fn get_mut<'a>(&self, document: &'a mut Json) -> Option<&'a mut Json> {
        self.0.iter().try_fold(document, |value, segment| match (segment, value) {
            (Segment::Key(key), Json::Object(map)) => map.get_mut(&**key),
            (Segment::Key(key), Json::Array(list)) => list.get_mut(key.parse::<usize>().ok()?),
            (Segment::Item(keys), Json::Array(list)) => list.iter_mut().find(|item| is_item(item, keys)),
            (Segment::Element(scalar), Json::Array(list)) => {
                list.iter_mut().find(|item| Scalar::of(item).as_ref() == Some(scalar))
            }
            _ => None,
        })
    }
}

impl Path {
    /// Takes the value at this path out of `document`, and gives it. A list closes up behind it.
    pub fn remove(&self, document: &mut Json) -> Option<Json> {
        let (last, parent) = self.0.split_last()?;
        let parent = Self(parent.to_vec());
        match (last, parent.get_mut(document)?) {
            (Segment::Key(key), Json::Object(map)) => map.remove(&**key),
            (segment, Json::Array(list)) => {
                let place = match segment {
                    Segment::Key(key) => key.parse::<usize>().ok().filter(|place| *place < list.len()),
                    Segment::Item(keys) => list.iter().position(|item| is_item(item, keys)),
                    Segment::Element(scalar) => list.iter().position(|item| Scalar::of(item).as_ref() == Some(scalar)),
                }?;
                Some(list.remove(place))
            }
            _ => None,
        }
    }
}

fn is_item(item: &Json, keys: &[(Arc<str>, Scalar)]) -> bool {
    keys.iter().all(|(key, wanted)| item.get(&**key).and_then(Scalar::of).as_ref() == Some(wanted))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            match segment {
                Segment::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1").replace('[', "~2"))?,
                Segment::Item(keys) => {
                    let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    write!(f, "[{}]", keys.join(","))?;
                }
                Segment::Element(value) => write!(f, "[={value}]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let wrong = |reason| ModelError::Path { text: text.to_owned(), reason };
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match first {
                '/' => {
                    let body = rest.get(1..).unwrap_or_default();
                    let end = body.find(['/', '[']).unwrap_or(body.len());
                    let (key, after) = body.split_at(end);
                    segments.push(Segment::Key(
                        unescape(key)
                            .ok_or_else(|| wrong("`~` must be written `~0`, `/` inside a key `~1`, `[` `~2`"))?
                            .into(),
                    ));
                    rest = after;
                }
                '[' => {
                    let (segment, after) = item(rest.get(1..).unwrap_or_default())
                        .ok_or_else(|| wrong("a list key must be written `[name=main]`, or `[=value]` in a set"))?;
                    segments.push(segment);
                    rest = after;
                }
                _ => return Err(wrong("it must be empty or begin with `/`")),
            }
        }
        Ok(Self(segments))
    }
}

fn unescape(key: &str) -> Option<String> {
    let mut plain = String::with_capacity(key.len());
    let mut characters = key.chars();
    while let Some(c) = characters.next() {
        plain.push(match c {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                '2' => '[',
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}

/// Reads `name=main,port=80]` or `=value]` and gives what follows.
fn item(text: &str) -> Option<(Segment, &str)> {
    let mut keys = Vec::new();
    let mut rest = text;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = scalar(after)?;
        keys.push((Arc::<str>::from(key), value));
        match after.split_at_checked(1)? {
            (",", more) => rest = more,
            ("]", more) => {
                let segment = match keys.as_slice() {
                    [(key, value)] if key.is_empty() => Segment::Element(value.clone()),
                    _ if keys.iter().any(|(key, _)| key.is_empty()) => return None,
                    _ => Segment::Item(keys),
                };
                return Some((segment, more));
            }
            _ => return None,
        }
    }
}

fn scalar(text: &str) -> Option<(Scalar, &str)> {
    if text.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let value = values.next()?.ok()?;
        return Some((Scalar::Text(value.into()), text.get(values.byte_offset()..)?));
    }
    let (word, rest) = text.split_at(text.find([',', ']'])?);
    let value = match (word, word.parse::<i64>()) {
        ("true", _) => Scalar::Bool(true),
        ("false", _) => Scalar::Bool(false),
        (_, Ok(number)) => Scalar::Int(number),
        _ => Scalar::Text(word.into()),
    };
    Some((value, rest))
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
