//! Whether drift said what it must of one object, and nothing else.

use serde_json::Value as Json;

use super::expect::{Expected, Old};
use super::fields::lookup;

/// What is wrong with what drift said of an object, in words; empty when nothing is.
pub(super) fn faults(expected: &[Expected], said: &[&Json]) -> Vec<String> {
    let mut faults = Vec::new();
    for one in expected {
        match said.iter().filter(|drift| drift["path"] == one.path).collect::<Vec<_>>().as_slice() {
            [] => faults.push(format!("`{}` is not named", one.path)),
            [drift] => faults.extend(differences(one, drift)),
            [_, _, ..] => faults.push(format!("`{}` is named twice", one.path)),
        }
    }
    for drift in said {
        if expected.iter().all(|one| drift["path"] != one.path) {
            faults.push(format!("`{}` is named, and is as applied", drift["path"].as_str().unwrap_or_default()));
        }
    }
    faults
}

fn differences(one: &Expected, drift: &Json) -> Vec<String> {
    let mut wrong = Vec::new();
    if !is_old(one, &drift["old"]) {
        wrong.push(format!("`{}`: the old value is not {}", one.path, brief(&format!("{:?}", one.old))));
    }
    let is_new = match &one.new {
        None => drift["new"] == "absent",
        Some(_) if one.is_secret => drift["new"].get("secret").is_some(),
        Some(new) => drift["new"].get("value") == Some(new),
    };
    if !is_new {
        wrong.push(format!("`{}`: the new value is not {}", one.path, brief(&format!("{:?}", one.new))));
    }
    let is_witness =
        if one.witnesses.is_empty() { drift["witness"].is_null() } else { one.witnesses.contains(&drift["witness"]) };
    if !is_witness {
        let witness = Json::from(one.witnesses.clone());
        wrong.push(format!("`{}`: the witness is one of {witness}, not {}", one.path, drift["witness"]));
    }
    wrong
}

fn is_old(one: &Expected, said: &Json) -> bool {
    match &one.old {
        // What is gone is not repeated.
        Old::Object => said == "unknown",
        Old::Value(_) | Old::Inside(..) if one.is_secret => said.get("secret").is_some(),
        Old::Value(old) => said.get("value") == Some(old),
        Old::Inside(whole, leaves) => said.get("value").is_some_and(|said| {
            is_part(said, whole)
                && leaves.iter().all(|(path, value)| lookup(said, path).is_some_and(|it| is_part(it, value)))
        }),
    }
}

/// Whether all of `part` is in `whole`.
fn is_part(part: &Json, whole: &Json) -> bool {
    match (part, whole) {
        (Json::Object(part), Json::Object(whole)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| is_part(part, whole)))
        }
        (Json::Array(part), Json::Array(whole)) => {
            part.len() <= whole.len() && part.iter().all(|part| whole.iter().any(|whole| is_part(part, whole)))
        }
        _ => part == whole,
    }
}

/// Long values are cut.
pub(super) fn brief(text: &str) -> String {
    let mut brief: String = text.chars().take(300).collect();
    if brief.len() < text.len() {
        brief.push('…');
    }
    brief
}
