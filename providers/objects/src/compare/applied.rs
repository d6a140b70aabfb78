//! What the server made of an apply: A and O.

use kfplan_model::{Path, Segment};
use kfplan_plan::Difference;
use serde_json::Value as Json;

use super::drift::{common, is_bookkeeping, is_empty_map, list_order};
use super::sight::is_secret;
use crate::fields::{FieldSet, raw_fields};
use crate::structure::lookup;
use crate::values;

/// Where the server's value differs from what was sent, at the paths that we own after it, and our `fieldsV1`.
/// The order of a list that is merged by keys is a difference at the list's own path: the keys, in the server's order.
#[must_use]
pub fn applied(sent: &Json, after: &Json, manager: &str) -> (Vec<Difference>, Option<Json>) {
    let Some(owned) = raw_fields(after, manager) else { return (Vec::new(), None) };
    let set = FieldSet::from_fields_v1(owned);
    let mut differences = Vec::new();
    for path in set.leaves().into_iter().filter(|path| !is_bookkeeping(path)) {
        let kept = lookup(&path, after);
        let is_kept = match (lookup(&path, sent), kept) {
            (Some(sent), Some(kept)) => sent == kept || (is_empty_map(sent) && kept.is_object()),
            (Some(Json::Null), None) => true,
            (Some(_), None) => false,
            (None, kept) => is_text_of(sent, &path, kept) || !has_text(sent, &path),
        };
        if !is_kept {
            differences.push(Difference { path, value: kept.cloned() });
        }
    }
    set.visit(&mut Path::root(), &mut |path, node| {
        if node.keys().is_none() {
            return;
        }
        let order = |body| list_order(lookup(path, body)?, node);
        let (Some(before), Some(now)) = (order(sent), order(after)) else { return };
        let (before, now) = common(before, now);
        if before != now {
            differences.push(Difference { path: path.clone(), value: Some(Json::Array(now)) });
        }
    });
    (differences, Some(owned.clone()))
}

fn text_at<'a>(sent: &'a Json, path: &Path) -> Option<&'a Json> {
    match path.segments() {
        [Segment::Key(data), Segment::Key(key)] if is_secret(sent) && &**data == "data" => {
            sent.get("stringData")?.get(&**key)
        }
        _ => None,
    }
}

fn has_text(sent: &Json, path: &Path) -> bool {
    text_at(sent, path).is_some()
}

fn is_text_of(sent: &Json, path: &Path, kept: Option<&Json>) -> bool {
    let text = text_at(sent, path).and_then(Json::as_str);
    text.is_some() && text == kept.and_then(values::decoded).as_deref()
}
