//! Edits of a body, as a JSON patch writes them.

use serde_json::{Value as Json, json};

/// One edit, at the tokens of a JSON Pointer.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    /// Another value at a place that has one, or a new key of a map.
    Set(Vec<String>, Json),
    /// A new item before the one at this place of a list; `-` for the end.
    Insert(Vec<String>, Json),
    /// Nothing any more.
    Remove(Vec<String>),
}

/// A JSON Pointer.
pub(super) fn pointer(tokens: &[String]) -> String {
    tokens.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect()
}

/// The edits as a JSON patch.
pub(super) fn as_json_patch(edits: &[Edit]) -> Json {
    let one = |edit: &Edit| match edit {
        Edit::Set(at, value) | Edit::Insert(at, value) => json!({"op": "add", "path": pointer(at), "value": value}),
        Edit::Remove(at) => json!({"op": "remove", "path": pointer(at)}),
    };
    // On an item of a list `add` would insert.
    let one = |edit: &Edit| match edit {
        Edit::Set(at, value) if at.last().is_some_and(|last| last.parse::<usize>().is_ok()) => {
            json!({"op": "replace", "path": pointer(at), "value": value})
        }
        other => one(other),
    };
    edits.iter().map(one).collect()
}

/// The body after the edits; `None` when one of them does not fit.
pub(super) fn edited(body: &Json, edits: &[Edit]) -> Option<Json> {
    let mut body = body.clone();
    for edit in edits {
        let (Edit::Set(at, _) | Edit::Insert(at, _) | Edit::Remove(at)) = edit;
        let (last, parent) = at.split_last()?;
        match (body.pointer_mut(&pointer(parent))?, edit) {
            (Json::Object(map), Edit::Remove(_)) => {
                map.remove(last)?;
            }
            (Json::Object(map), Edit::Set(_, value) | Edit::Insert(_, value)) => {
                map.insert(last.clone(), value.clone());
            }
            (Json::Array(list), Edit::Insert(_, value)) if last == "-" => list.push(value.clone()),
            (Json::Array(list), edit) => {
                let place = last.parse::<usize>().ok().filter(|place| *place < list.len())?;
                match edit {
                    Edit::Set(_, value) => *list.get_mut(place)? = value.clone(),
                    Edit::Insert(_, value) => list.insert(place, value.clone()),
                    Edit::Remove(_) => {
                        list.remove(place);
                    }
                }
            }
            _ => return None,
        }
    }
    Some(body)
}

/// One edit as a JSON merge patch: a list on the way goes as a whole. `None` where a merge would leave old keys.
pub(super) fn as_merge_patch(body: &Json, edits: &[Edit]) -> Option<Json> {
    let [Edit::Set(at, _) | Edit::Insert(at, _) | Edit::Remove(at)] = edits else { return None };
    let after = edited(body, edits)?;
    let whole = (0..at.len()).find(|depth| {
        let outer = at.get(..*depth).unwrap_or_default();
        body.pointer(&pointer(outer)).is_some_and(Json::is_array)
    });
    let outer = at.get(..whole.unwrap_or(at.len()))?;
    let value = match after.pointer(&pointer(outer)) {
        None => Json::Null,
        Some(Json::Object(_)) => return None,
        Some(value) => value.clone(),
    };
    Some(outer.iter().rev().fold(value, |inner, key| json!({ key: inner })))
}
