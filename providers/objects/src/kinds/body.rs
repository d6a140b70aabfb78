//! Values of the stack file as JSON, with what is late or secret marked by its path.

use std::collections::BTreeMap;

use kfplan_model::{Path, Segment, Value};
use kfplan_plan::{Desired, Hole};
use serde_json::{Map, Value as Json};

/// A value as a body. Elements of lists are named by their place.
pub(super) fn desired_of(value: &Value) -> Desired {
    let mut desired = Desired::default();
    desired.body = convert(value, &mut Path::root(), &mut desired.holes, &mut desired.sensitive);
    desired
}

fn convert(value: &Value, path: &mut Path, holes: &mut Vec<Hole>, sensitive: &mut Vec<Path>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::String(text) => Json::from(&**text),
        Value::List(list) => {
            let mut items = Vec::with_capacity(list.len());
            for (place, item) in list.iter().enumerate() {
                path.push(Segment::Key(place.to_string().into()));
                items.push(convert(item, path, holes, sensitive));
                path.pop();
            }
            Json::Array(items)
        }
        Value::Map(map) => Json::Object(fields(map, path, holes, sensitive)),
        Value::Handle(address) => Json::from(address.to_string()),
        Value::Late(late) => {
            holes.push(Hole { path: path.clone(), late: late.clone() });
            Json::Null
        }
        Value::Sensitive(inner) => {
            sensitive.push(path.clone());
            convert(inner, path, holes, sensitive)
        }
    }
}

fn fields(
    map: &BTreeMap<String, Value>,
    path: &mut Path,
    holes: &mut Vec<Hole>,
    sensitive: &mut Vec<Path>,
) -> Map<String, Json> {
    let mut object = Map::new();
    for (key, value) in map {
        path.push(Segment::Key(key.as_str().into()));
        object.insert(key.clone(), convert(value, path, holes, sensitive));
        path.pop();
    }
    object
}
