//! Definitions that a kustomization brings along with `openapi`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::gvk::Gvk;

/// How many references to other definitions are followed in a row.
const HOPS: usize = 32;

/// The definitions of an OpenAPI document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Custom {
    document: Value,
    /// The name of the definition of each kind.
    kinds: BTreeMap<(String, String, String), String>,
}

impl Custom {
    /// Indexes the definitions of a document by the kinds that they say they are for.
    pub(crate) fn new(document: Value) -> Self {
        let mut kinds = BTreeMap::new();
        for (name, definition) in document.get("definitions").and_then(Value::as_object).into_iter().flatten() {
            let claims = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
            for claim in claims.into_iter().flatten() {
                let text = |key: &str| claim.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                kinds.insert((text("group"), text("version"), text("kind")), name.clone());
            }
        }
        Self { document, kinds }
    }

    pub(super) fn kind(&self, gvk: &Gvk) -> Option<&Value> {
        let name = self.kinds.get(&(gvk.group.clone(), gvk.version.clone(), gvk.kind.clone()))?;
        self.document.get("definitions")?.get(name)
    }

    /// What a field of a definition, or an element of it, is, and the keys of a list that
    /// is merged; `None` where the definition does not know the field.
    pub(super) fn field<'a>(
        &'a self,
        definition: &'a Value,
        name: &str,
    ) -> Option<(Option<&'a Value>, Option<Vec<&'a str>>)> {
        let property = definition.get("properties").and_then(|properties| properties.get(name));
        let field = property.or_else(|| definition.get("additionalProperties").filter(|schema| schema.is_object()))?;
        let field = self.resolved(field)?;
        let strategy = field.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or_default();
        let keys = strategy.split(',').any(|part| part == "merge").then(|| {
            let listed = field.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            match listed {
                Some(keys) => keys.iter().filter_map(Value::as_str).collect(),
                None => field.get("x-kubernetes-patch-merge-key").and_then(Value::as_str).into_iter().collect(),
            }
        });
        let is_list = field.get("type").is_some_and(|kind| kind == "array");
        let inner = if is_list { field.get("items").and_then(|items| self.resolved(items)) } else { Some(field) };
        Some((inner, keys))
    }

    fn resolved<'a>(&'a self, mut schema: &'a Value) -> Option<&'a Value> {
        for _ in 0..HOPS {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
            schema = self.document.pointer(reference.strip_prefix('#')?)?;
        }
        None
    }
}
