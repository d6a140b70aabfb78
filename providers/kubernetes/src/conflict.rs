//! The conflicts that server-side apply reports.

use kfplan_model::{Path, Scalar, Segment};
use serde_json::Value as Json;

/// Manager and path of each conflict in a 409 answer; empty when it is another 409.
pub(crate) fn conflicts(status: &Json) -> Vec<(String, Path)> {
    let causes = status.pointer("/details/causes").and_then(Json::as_array);
    causes
        .into_iter()
        .flatten()
        .filter(|cause| cause.get("reason").and_then(Json::as_str) == Some("FieldManagerConflict"))
        .map(|cause| {
            let text = |key: &str| cause.get(key).and_then(Json::as_str).unwrap_or_default();
            // `conflict with "kubectl-edit" using apps/v1 at 2026-…`
            let manager = text("message").split('"').nth(1).unwrap_or("unknown").to_owned();
            (manager, path(text("field")))
        })
        .collect()
}

/// Reads a field path as the server writes it: `.spec.containers[name="main"].image`, `.metadata.finalizers[="x"]`,
/// `.data.config\.yaml`. What cannot be read is left out of the path, so that it names the nearest parent.
pub(crate) fn path(text: &str) -> Path {
    let mut path = Path::root();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        match first {
            '.' => {
                let (key, next) = key(after);
                path.push(Segment::Key(key.into()));
                rest = next;
            }
            '[' => match bracket(after) {
                Some((segment, next)) => {
                    path.push(segment);
                    rest = next;
                }
                None => break,
            },
            _ => break,
        }
    }
    path
}

fn key(text: &str) -> (String, &str) {
    let mut key = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => key.extend(characters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (key, text.get(at..).unwrap_or_default()),
            plain => key.push(plain),
        }
    }
    (key, "")
}

fn bracket(text: &str) -> Option<(Segment, &str)> {
    let mut keys = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once('=').filter(|(name, _)| !name.contains(']')).or_else(|| {
            let (index, after) = text.split_once(']')?;
            rest = after;
            Some((index, ""))
        })?;
        if after.is_empty() && !name.is_empty() {
            return Some((Segment::Key(name.into()), rest));
        }
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Json>();
        let value = Scalar::of(&values.next()?.ok()?)?;
        keys.push((std::sync::Arc::<str>::from(name), value));
        let after = after.get(values.byte_offset()..)?;
        match after.split_at_checked(1)? {
            (",", more) => rest = more,
            ("]", more) => {
                let segment = match keys.as_slice() {
                    [(name, value)] if name.is_empty() => Segment::Element(value.clone()),
                    _ => Segment::Item(keys),
                };
                return Some((segment, more));
            }
            _ => return None,
        }
    }
}
