//! Where a path leads.

use kfplan_model::{Path, Scalar, Segment};

use super::EditError;
use crate::yaml::node::{Kind, Node, Style};

/// What the path leads to: the deepest node that is there, and what of the path is left.
pub(super) struct Found<'n, 'p> {
    pub(super) node: &'n Node,
    pub(super) parent: Option<(&'n Node, usize)>,
    pub(super) rest: &'p [Segment],
}

pub(super) fn find<'n, 'p>(root: &'n Node, path: &'p Path) -> Result<Found<'n, 'p>, EditError> {
    let mut found = Found { node: root, parent: None, rest: path.segments() };
    while let Some((segment, rest)) = found.rest.split_first() {
        if found.node.style == Style::Alias {
            return Err(EditError::Shared { path: path.clone() });
        }
        let place = match (&found.node.kind, segment) {
            (Kind::Map(entries), Segment::Key(key)) => {
                entries.iter().position(|entry| *entry.key == **key && !entry.is_merged)
            }
            (Kind::List(items), segment) => place_in_list(items, segment),
            (Kind::Null, _) => None,
            _ => return Err(EditError::Through { path: path.clone(), found: found.node.what() }),
        };
        let child = place.and_then(|place| Some((child(found.node, place)?, place)));
        let Some((node, place)) = child else { return Ok(found) };
        found = Found { node, parent: Some((found.node, place)), rest };
    }
    Ok(found)
}

pub(super) fn child(node: &Node, place: usize) -> Option<&Node> {
    match &node.kind {
        Kind::Map(entries) => entries.get(place).map(|entry| &entry.value),
        Kind::List(items) => items.get(place),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => None,
    }
}

pub(super) fn place_in_list(items: &[Node], segment: &Segment) -> Option<usize> {
    let scalar = |node: &Node| Scalar::of(&node.clone().into_value());
    match segment {
        Segment::Key(key) => key.parse::<usize>().ok().filter(|index| *index < items.len()),
        Segment::Element(wanted) => items.iter().position(|item| scalar(item).as_ref() == Some(wanted)),
        Segment::Item(keys) => items
            .iter()
            .position(|item| keys.iter().all(|(key, wanted)| item.get(key).and_then(scalar).as_ref() == Some(wanted))),
    }
}
