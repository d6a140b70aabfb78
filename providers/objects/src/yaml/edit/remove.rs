//! Takes a value out of a text.

use kfplan_model::Path;
use serde_json::{Map, Value};

use super::EditError;
use super::find::find;
use super::layout::{Layout, Splice};
use super::set::{dash_of, replace};
use crate::yaml::node::{Kind, Node, Style};

pub(super) fn remove(layout: &Layout<'_>, root: &Node, path: &Path) -> Result<Splice, EditError> {
    let found = find(root, path)?;
    let Some((parent, place)) = found.parent.filter(|_| found.rest.is_empty()) else {
        return Err(EditError::Missing { path: path.clone() });
    };
    let start = match &parent.kind {
        Kind::Map(entries) => entries.get(place).map(|entry| layout.byte(entry.start)),
        Kind::List(_) if parent.style == Style::Block => dash_of(layout, found.node),
        _ => Some(layout.byte(found.node.span.start)),
    };
    let start = start.ok_or_else(|| EditError::Layout { path: path.clone() })?;
    let end = layout.end(found.node).max(start);
    if parent.style == Style::Flow {
        return Ok(remove_flow(layout, start, end));
    }
    let splice = if count(parent) == 1 { empty(layout, root, path, parent) } else { remove_lines(layout, start, end) };
    splice.ok_or_else(|| EditError::Layout { path: path.clone() })
}

pub(super) fn count(node: &Node) -> usize {
    match &node.kind {
        Kind::Map(entries) => entries.len(),
        Kind::List(items) => items.len(),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => 0,
    }
}

/// Writes `{}` or `[]` for a map or list that loses its only entry.
pub(super) fn empty(layout: &Layout<'_>, root: &Node, path: &Path, parent: &Node) -> Option<Splice> {
    let value = match parent.kind {
        Kind::List(_) => Value::Array(Vec::new()),
        _ => Value::Object(Map::new()),
    };
    let mut outer = path.clone();
    outer.pop()?;
    replace(layout, &find(root, &outer).ok()?, &value)
}

/// Takes out the lines of an entry, or what is its own of a shared line.
pub(super) fn remove_lines(layout: &Layout<'_>, start: usize, end: usize) -> Option<Splice> {
    let next = layout.line_end(end);
    if layout.indent(start).is_some() {
        return Some(Splice { range: layout.line_start(start)..next, with: String::new() });
    }
    // The first key behind `- `: the next key moves up to its place.
    let follower = layout.skip_blank(next);
    (layout.column(follower) == layout.column(start)).then(|| Splice { range: start..follower, with: String::new() })
}

pub(super) fn remove_flow(layout: &Layout<'_>, start: usize, end: usize) -> Splice {
    let mut start = start;
    let mut end = end;
    let comma = layout.skip_blank(end);
    if layout.after(comma).starts_with(',') {
        end = comma + 1;
        let rest = layout.after(end);
        let blank = rest.len() - rest.trim_start_matches(' ').len();
        // A line of its own goes as a whole, with the comment behind it.
        let is_line = layout.indent(start).is_some();
        if is_line && layout.after(end + blank).starts_with(['\n', '#']) {
            return Splice { range: layout.line_start(start)..layout.line_end(end), with: String::new() };
        }
        return Splice { range: start..end + blank, with: String::new() };
    }
    let before = layout.before(start).trim_end();
    if let Some(before) = before.strip_suffix(',') {
        start = before.len();
    }
    Splice { range: start..end, with: String::new() }
}
