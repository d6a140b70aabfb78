//! An object on its way through a render, and the list of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::error::{Place, RenderError};
use crate::gvk::{Gvk, Id, IdKey};

/// What a generator says about an object of the same name that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    /// There must be none.
    #[default]
    Create,
    /// It is replaced.
    Replace,
    /// Its data are merged with the new ones.
    Merge,
}

/// What the renderer must remember of a generated object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generated {
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
}

/// An object and what happened to it.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) value: Map<String, Value>,
    pub(crate) original_name: String,
    pub(crate) original_namespace: String,
    pub(crate) generated: Option<Generated>,
    /// One entry, maybe empty, for each kustomization it went through.
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    /// The names of the vars that read from it.
    pub(crate) variables: Vec<String>,
    pub(crate) origin: Rc<Place>,
    /// Which entry of the outermost kustomization brought it; none for what that one generates.
    pub(crate) entry: Option<usize>,
}

impl Resource {
    pub(crate) fn new(value: Map<String, Value>, generated: Option<Generated>, origin: Rc<Place>) -> Self {
        let original_name = metadata_text(&value, "name").to_owned();
        let original_namespace = metadata_text(&value, "namespace").to_owned();
        Self {
            value,
            original_name,
            original_namespace,
            generated,
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            variables: Vec::new(),
            origin,
            entry: None,
        }
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::of(&self.value)
    }

    pub(crate) fn name(&self) -> &str {
        metadata_text(&self.value, "name")
    }

    pub(crate) fn namespace(&self) -> &str {
        metadata_text(&self.value, "namespace")
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        set_metadata(&mut self.value, "name", (!name.is_empty()).then(|| name.into()));
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        set_metadata(&mut self.value, "namespace", (!namespace.is_empty()).then(|| namespace.into()));
    }

    /// The identity it was read with. Not unique: a base can be included twice.
    pub(crate) fn original_id(&self) -> Id {
        Id { gvk: self.gvk(), namespace: self.original_namespace.clone(), name: self.original_name.clone() }
    }

    /// The identity it has now.
    pub(crate) fn current_id(&self) -> Id {
        Id { gvk: self.gvk(), namespace: self.namespace().to_owned(), name: self.name().to_owned() }
    }

    /// Whether both went through the same kustomizations, as far as both went.
    pub(crate) fn is_in_context_of(&self, other: &Self) -> bool {
        let ends_alike = |a: &[String], b: &[String]| a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a == b);
        ends_alike(&self.prefixes, &other.prefixes) && ends_alike(&self.suffixes, &other.suffixes)
    }

    /// Takes the place of another object: its name, its history, and under its own
    /// labels and annotations those of the other.
    pub(crate) fn replace(&mut self, other: &Self) {
        for key in ["labels", "annotations"] {
            let mut merged = string_map(&other.value, key);
            merged.extend(string_map(&self.value, key));
            let merged = merged.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
            set_metadata(&mut self.value, key, Some(Value::Object(merged)));
        }
        self.set_name(other.name());
        self.set_namespace(other.namespace());
        self.original_name.clone_from(&other.original_name);
        self.original_namespace.clone_from(&other.original_namespace);
        self.generated = other.generated;
        self.prefixes.clone_from(&other.prefixes);
        self.suffixes.clone_from(&other.suffixes);
        self.variables.clone_from(&other.variables);
        self.entry = other.entry;
    }

    /// Takes the place of another object and keeps the other's data where it has none itself.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.replace(other);
        let mut data = Map::new();
        for source in [&other.value, &self.value] {
            if let Some(Value::Object(map)) = source.get("data") {
                data.extend(map.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
        }
        self.value.insert("data".to_owned(), Value::Object(data));
    }
}

pub(crate) fn metadata_text<'a>(object: &'a Map<String, Value>, key: &str) -> &'a str {
    object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// Sets a field of the metadata, or takes it away.
pub(crate) fn set_metadata(object: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    let metadata = match value {
        Some(_) => object.entry("metadata").or_insert_with(|| Value::Object(Map::new())),
        None => match object.get_mut("metadata") {
            Some(metadata) => metadata,
            None => return,
        },
    };
    if let Value::Object(metadata) = metadata {
        match value {
            Some(value) => metadata.insert(key.to_owned(), value),
            None => metadata.remove(key),
        };
    }
}

/// A map of the metadata, when all its values are text.
pub(crate) fn string_map(object: &Map<String, Value>, key: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(map)) = object.get("metadata").and_then(|metadata| metadata.get(key)) else {
        return BTreeMap::new();
    };
    let entries: Option<BTreeMap<_, _>> =
        map.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    entries.unwrap_or_default()
}

/// The objects of a kustomization, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Resources(pub(crate) Vec<Resource>);

impl Resources {
    /// Adds objects; two of the same identity are an error.
    pub(crate) fn append_all(&mut self, place: &Place, more: Vec<Resource>, errors: &mut Vec<RenderError>) {
        let mut seen: BTreeMap<IdKey, Rc<Place>> =
            self.0.iter().map(|resource| (resource.current_id().key(), Rc::clone(&resource.origin))).collect();
        for resource in more {
            let id = resource.current_id();
            match seen.insert(id.key(), Rc::clone(&resource.origin)) {
                None => self.0.push(resource),
                Some(other) => errors.push(RenderError::Twice {
                    place: if *resource.origin == *other { place.clone() } else { (*resource.origin).clone() },
                    object: id.to_string(),
                    other: other.to_string(),
                }),
            }
        }
    }

    /// Adds a generated object, or lets it take the place of the one it is meant for.
    pub(crate) fn absorb(&mut self, mut resource: Resource) -> Result<(), String> {
        let id = resource.current_id();
        let behavior = resource.generated.map(|generated| generated.behavior).unwrap_or_default();
        let matches = match self.matching(|other| other.original_id().is_same(&id)) {
            none if none.is_empty() => self.matching(|other| other.current_id().is_same(&id)),
            some => some,
        };
        match (matches.as_slice(), behavior) {
            ([], Behavior::Create) => self.0.push(resource),
            ([], Behavior::Merge | Behavior::Replace) => {
                return Err(format!("{id} is not there, so it can be neither merged nor replaced"));
            }
            ([_], Behavior::Create) => {
                return Err(format!("{id} is there already; say `behavior: merge` or `behavior: replace`"));
            }
            ([place], Behavior::Merge | Behavior::Replace) => {
                if let Some(old) = self.0.get_mut(*place) {
                    match behavior {
                        Behavior::Merge => resource.merge(old),
                        Behavior::Replace | Behavior::Create => resource.replace(old),
                    }
                    *old = resource;
                }
            }
            (many, _) => return Err(format!("{} objects could be meant by {id}", many.len())),
        }
        Ok(())
    }

    pub(crate) fn matching(&self, is_match: impl Fn(&Resource) -> bool) -> Vec<usize> {
        self.0.iter().enumerate().filter(|(_, resource)| is_match(resource)).map(|(place, _)| place).collect()
    }

    /// The one object that was read with an identity, else the one that has it now.
    pub(crate) fn find(&self, id: &Id) -> Result<usize, String> {
        let original = self.matching(|resource| resource.original_id().is_same(id));
        if let [place] = original.as_slice() {
            return Ok(*place);
        }
        let current = self.matching(|resource| resource.current_id().is_same(id));
        match (original.len(), current.as_slice()) {
            (_, [place]) => Ok(*place),
            (0, []) => Err("there is no such object".to_owned()),
            (many, _) => Err(format!("{} objects could be meant", many.max(current.len()))),
        }
    }
}
