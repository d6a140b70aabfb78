//! A change within a document that is the text of a field.

use kfplan_model::Path;
use kfplan_objects::yaml::{self, Dialect, Edit};
use serde_json::Value;

/// The one document in a text.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut documents = yaml::parse_documents(text, Dialect::Kustomize3).map_err(|error| error.to_string())?;
    match (documents.len(), documents.pop()) {
        (1, Some(document)) => Ok(document),
        (count, _) => Err(format!("the text holds {count} documents")),
    }
}

/// The text with a document in the place of the one it holds; whatever does not
/// differ stays as it is written.
pub(super) fn write(text: &str, before: &Value, after: &Value) -> Result<String, String> {
    let mut edits = Vec::new();
    differences(&Path::root(), before, after, &mut edits);
    yaml::edit(text, Dialect::Kustomize3, &edits).map_err(|error| error.to_string())
}

fn differences(path: &Path, before: &Value, after: &Value, edits: &mut Vec<Edit>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for key in before.keys().filter(|key| !after.contains_key(*key)) {
                edits.push(Edit::Remove { path: path.key(key) });
            }
            for (key, value) in after {
                match before.get(key) {
                    Some(earlier) => differences(&path.key(key), earlier, value, edits),
                    None => edits.push(Edit::Set { path: path.key(key), value: value.clone() }),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (place, (before, after)) in before.iter().zip(after).enumerate() {
                differences(&path.key(&place.to_string()), before, after, edits);
            }
        }
        (before, after) if before == after => {}
        (_, after) => edits.push(Edit::Set { path: path.clone(), value: after.clone() }),
    }
}
