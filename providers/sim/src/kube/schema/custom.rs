//! Shapes of custom kinds, from the schemas that their definitions bring.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Coding, DEDUCED, Field, List, Map, Node, Ref, Relation, Scalar, Schema, builtin};

/// The deepest schema that is read.
const DEEPEST: usize = 100;

/// The shape of a custom kind. Without a schema it is deduced from values; metadata is that of all objects.
pub(crate) fn custom(schema: Option<&Value>) -> (Schema, Ref) {
    let mut out = Schema::new();
    let text = out.add(Node { scalar: Some(Scalar::Text), ..Node::default() });
    let metadata = metadata(&mut out);
    let whole = [("apiVersion", text), ("kind", text), ("metadata", metadata)];
    let preserved = schema.is_none();
    let mut root = match schema {
        Some(schema) => shape(&mut out, schema, &whole, 0),
        None => out.node(DEDUCED).clone(),
    };
    let map = root.map.get_or_insert_with(Map::default);
    if preserved {
        map.element = Some(DEDUCED);
    }
    map.fields.extend(whole.map(|(name, node)| (name.to_owned(), plain(node))));
    root.scalar = None;
    root.list = None;
    let root = out.add(root);
    (out, root)
}

fn plain(node: Ref) -> Field {
    Field { node, omit_empty: true, omit_zero: false, pointer: false, always: false, default: None, patch: None }
}

/// Copies the type of metadata over from the built-in table.
fn metadata(out: &mut Schema) -> Ref {
    fn copy(out: &mut Schema, from: &Schema, at: Ref, depth: usize) -> Ref {
        if at == DEDUCED || at == super::ATOMIC || depth > 20 {
            return at;
        }
        let mut node = from.node(at).clone();
        if let Some(list) = &mut node.list {
            list.element = copy(out, from, list.element, depth + 1);
        }
        if let Some(map) = &mut node.map {
            map.element = map.element.map(|element| copy(out, from, element, depth + 1));
            for field in map.fields.values_mut() {
                field.node = copy(out, from, field.node, depth + 1);
            }
        }
        out.add(node)
    }
    let from = builtin();
    from.named("meta.v1.ObjectMeta").map_or(DEDUCED, |at| copy(out, from, at, 0))
}

/// Reads one level of a schema. Also takes what whole objects have.
fn shape(out: &mut Schema, schema: &Value, whole: &[(&str, Ref); 3], depth: usize) -> Node {
    let flag = |key: &str| schema.get(key).and_then(Value::as_bool) == Some(true);
    let text = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default();
    let preserve = flag("x-kubernetes-preserve-unknown-fields");
    if depth > DEEPEST {
        return out.node(DEDUCED).clone();
    }
    if flag("x-kubernetes-int-or-string") {
        return Node { scalar: Some(Scalar::Any), ..Node::default() };
    }
    match text("type") {
        "object" => {
            let mut fields = BTreeMap::new();
            for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let node = shape(out, property, whole, depth + 1);
                let node = out.add(node);
                let default =
                    property.get("default").filter(|default| !default.is_object() && !default.is_array()).cloned();
                fields.insert(name.clone(), Field { default, ..plain(node) });
            }
            let element = match schema.get("additionalProperties") {
                Some(inner @ Value::Object(_)) => {
                    let node = shape(out, inner, whole, depth + 1);
                    Some(out.add(node))
                }
                Some(Value::Bool(true)) => Some(DEDUCED),
                _ => None,
            };
            let embedded = flag("x-kubernetes-embedded-resource");
            // An object about which nothing is said keeps what it is given only where told so.
            let element = if preserve || (embedded && fields.is_empty()) { element.or(Some(DEDUCED)) } else { element };
            if embedded {
                fields.extend(whole.iter().map(|(name, node)| ((*name).to_owned(), plain(*node))));
            }
            let map = Map { atomic: text("x-kubernetes-map-type") == "atomic", fields, element };
            let mut node = Node { map: Some(map), ..Node::default() };
            node.coding = Coding::Verbatim;
            node
        }
        "array" => {
            let element = match schema.get("items") {
                Some(items @ Value::Object(_)) => {
                    let node = shape(out, items, whole, depth + 1);
                    out.add(node)
                }
                _ => DEDUCED,
            };
            let keys = || {
                let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let relation = match text("x-kubernetes-list-type") {
                "set" => Relation::Set,
                "map" => Relation::Keys(keys()),
                _ => Relation::Atomic,
            };
            Node { list: Some(List { relation, element }), ..Node::default() }
        }
        // A text with a format may come as anything.
        "string" if !matches!(text("format"), "" | "byte") => Node { scalar: Some(Scalar::Any), ..Node::default() },
        "string" => Node { scalar: Some(Scalar::Text), ..Node::default() },
        "integer" | "number" => Node { scalar: Some(Scalar::Number), ..Node::default() },
        "boolean" => Node { scalar: Some(Scalar::Boolean), ..Node::default() },
        _ => out.node(DEDUCED).clone(),
    }
}
