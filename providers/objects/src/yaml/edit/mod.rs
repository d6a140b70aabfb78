//! Changes one value of a YAML text and leaves all the rest as it is.
//!
//! The text is parsed for the places of things, and only the characters of the
//! value in question are exchanged: comments, order, quotes and layout elsewhere
//! stay. What came out is read again and compared with what was asked for, so that
//! a layout this module does not understand is an error and never a wrong text.

mod find;
mod layout;
mod remove;
mod set;

use kfplan_model::{Path, Segment};
use serde_json::Value;

use self::layout::Layout;
use self::set::{nested, new_item};
use super::error::YamlError;
use super::node::Node;
use super::read::parse;
use super::resolve::Dialect;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Put a value at a path; maps on the way are made where they are missing.
    Set {
        /// Where.
        path: Path,
        /// What.
        value: Value,
    },
    /// Take the value at a path away, and its key with it.
    Remove {
        /// Where.
        path: Path,
    },
}

impl Edit {
    /// Where the change is made.
    #[must_use]
    pub const fn path(&self) -> &Path {
        match self {
            Self::Set { path, .. } | Self::Remove { path } => path,
        }
    }
}

/// A text that could not be changed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text cannot be read.
    #[error("the document cannot be read")]
    Unreadable(#[source] YamlError),
    /// The text holds no document, or several.
    #[error("the text holds {count} YAML documents; one is needed")]
    NotOne {
        /// How many there are.
        count: usize,
    },
    /// Nothing stands at the path of a removal.
    #[error("there is nothing at `{path}`")]
    Missing {
        /// The path.
        path: Path,
    },
    /// The path goes through something that is no map or list.
    #[error("`{path}` leads through {found}")]
    Through {
        /// The path.
        path: Path,
        /// What stands in the way.
        found: &'static str,
    },
    /// The value is written at an anchor, and other places share it.
    #[error("`{path}` is an alias or stands behind one, so changing it would change other places too")]
    Shared {
        /// The path.
        path: Path,
    },
    /// The layout around the value is one that cannot be changed in place.
    #[error("the text around `{path}` is laid out in a way that cannot be changed in place")]
    Layout {
        /// The path.
        path: Path,
    },
}

/// Applies changes to the one document in a text, one after the other.
///
/// # Errors
///
/// [`EditError`] when the text cannot be read, or a change cannot be made without
/// touching anything else.
pub fn edit(text: &str, dialect: Dialect, edits: &[Edit]) -> Result<String, EditError> {
    edits.iter().try_fold(text.to_owned(), |text, edit| edit_one(&text, dialect, edit))
}

fn edit_one(text: &str, dialect: Dialect, edit: &Edit) -> Result<String, EditError> {
    let root = read_one(text, dialect)?;
    let layout = Layout::of(text);
    let splice = match edit {
        Edit::Set { path, value } => set::set(&layout, &root, path, value)?,
        Edit::Remove { path } => remove::remove(&layout, &root, path)?,
    };
    let mut wanted = root.into_value();
    apply(&mut wanted, edit);
    let mut changed = String::with_capacity(text.len() + splice.with.len());
    let (Some(before), Some(after)) = (text.get(..splice.range.start), text.get(splice.range.end..)) else {
        return Err(EditError::Layout { path: edit.path().clone() });
    };
    changed.push_str(before);
    changed.push_str(&splice.with);
    changed.push_str(after);
    match read_one(&changed, dialect) {
        Ok(found) if found.clone().into_value() == wanted => Ok(changed),
        _ => Err(EditError::Layout { path: edit.path().clone() }),
    }
}

fn read_one(text: &str, dialect: Dialect) -> Result<Node, EditError> {
    let mut documents = parse(text, dialect).map_err(EditError::Unreadable)?;
    match (documents.len(), documents.pop()) {
        (1, Some(document)) => Ok(document.root),
        (count, _) => Err(EditError::NotOne { count }),
    }
}

/// The same change on the value, to check the text against.
fn apply(value: &mut Value, edit: &Edit) {
    match edit {
        Edit::Set { path, value: new } => put(value, path.segments(), new),
        Edit::Remove { path } => {
            let mut outer = path.clone();
            let last = outer.pop();
            match (outer.get_mut(value), last) {
                (Some(Value::Object(map)), Some(Segment::Key(key))) => {
                    map.remove(&*key);
                }
                (Some(Value::Array(items)), Some(last)) => {
                    let wanted = Path::from_segments(vec![last]);
                    let list = Value::Array(items.clone());
                    let target = wanted.get(&list);
                    if let Some(place) = items.iter().position(|item| Some(item) == target) {
                        items.remove(place);
                    }
                }
                _ => {}
            }
        }
    }
}

fn put(value: &mut Value, path: &[Segment], new: &Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = new.clone();
        return;
    };
    if value.is_null() {
        *value = nested(path, new);
        return;
    }
    let step = Path::from_segments(vec![first.clone()]);
    if let Some(inner) = step.get_mut(value) {
        put(inner, rest, new);
        return;
    }
    match (value, first) {
        (Value::Object(map), Segment::Key(key)) => {
            map.insert(key.to_string(), nested(rest, new));
        }
        (Value::Array(items), first) => items.push(new_item(first, nested(rest, new))),
        _ => {}
    }
}
