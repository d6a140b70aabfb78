//! Takes fields out of an object.

use serde_json::{Map as Object, Value};

use super::fields::{Element, Set};
use super::key;
use crate::kube::schema::{Ref, Relation, Schema};

/// The value without these fields; null where nothing is left. What is one value is never taken apart.
pub(crate) fn remove(schema: &Schema, at: Option<Ref>, value: &Value, fields: &Set) -> Value {
    let Some(node) = at.map(|at| key::deduce(schema.node(at), Some(value))) else { return value.clone() };
    if let Some(map) = &node.map {
        let Some(members) = value.as_object().filter(|members| !members.is_empty() && !map.atomic) else {
            // An empty or atomic map comes to nothing here, as in the original.
            return Value::Null;
        };
        let mut out = Object::new();
        for (name, inner) in members {
            let element = Element::Field(name.clone());
            if fields.has(&element) {
                continue;
            }
            let next = map.fields.get(name).map(|field| field.node).or(map.element);
            let kept = match fields.under(&element) {
                Some(below) => remove(schema, next, inner, below),
                None => inner.clone(),
            };
            out.insert(name.clone(), kept);
        }
        if out.is_empty() { Value::Null } else { Value::Object(out) }
    } else if node.scalar.is_some() {
        value.clone()
    } else if let Some(list) = &node.list {
        let Some(items) = value.as_array().filter(|items| !items.is_empty() && list.relation != Relation::Atomic)
        else {
            return Value::Null;
        };
        let mut out = Vec::new();
        for item in items {
            let element = key::element(schema, list, item).ok();
            if element.as_ref().is_some_and(|element| fields.has(element)) {
                continue;
            }
            let kept = match element.as_ref().and_then(|element| fields.under(element)) {
                Some(below) => remove(schema, Some(list.element), item, below),
                None => item.clone(),
            };
            out.push(kept);
        }
        if out.is_empty() { Value::Null } else { Value::Array(out) }
    } else {
        value.clone()
    }
}
