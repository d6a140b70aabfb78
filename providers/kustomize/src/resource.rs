//! An object on its way through a render, and the list of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::dialect::Dialect;
use crate::error::{Place, RenderError};
use crate::gvk::{Gvk, Id, IdKey};
use crate::provenance::Configured;

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

/// An identity that an object had once: group and version are those that it has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The namespace it was in, in effect.
    pub(crate) namespace: String,
}

/// What stands for the namespace of an object that lives in none.
pub(crate) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// An object and what happened to it.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) value: Map<String, Value>,
    pub(crate) original_name: String,
    pub(crate) original_namespace: String,
    pub(crate) generated: Option<Generated>,
    /// Dialect 5: the identities it had, in the order in which it lost them.
    pub(crate) previous: Vec<Past>,
    /// One entry for each kustomization it went through, in dialect 3.2 maybe an empty one.
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    /// The names of the vars that read from it.
    pub(crate) variables: Vec<String>,
    pub(crate) origin: Rc<Place>,
    /// Dialect 5: the generator that made it.
    pub(crate) configured: Option<Rc<Configured>>,
    /// Dialect 5: what has changed it.
    pub(crate) transformations: Vec<Rc<Configured>>,
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
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            variables: Vec::new(),
            origin,
            configured: None,
            transformations: Vec::new(),
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

    /// All identities, the one it has now last, with the namespaces that hold in effect.
    pub(crate) fn identities(&self, dialect: Dialect) -> Vec<Id> {
        let gvk = self.gvk();
        let past = self.previous.iter().map(|past| Id {
            gvk: Gvk { kind: past.kind.clone(), ..gvk.clone() },
            namespace: past.namespace.clone(),
            name: past.name.clone(),
        });
        past.chain([self.effective_id(dialect)]).collect()
    }

    /// The identity it has now, with the namespace that holds in effect.
    pub(crate) fn effective_id(&self, dialect: Dialect) -> Id {
        let mut id = self.current_id();
        id.namespace = id.effective_namespace(dialect).unwrap_or(NO_NAMESPACE).to_owned();
        id
    }

    /// The first identity, with the namespace that holds in effect.
    pub(crate) fn first_id(&self, dialect: Dialect) -> Id {
        self.identities(dialect).into_iter().next().unwrap_or_default()
    }

    /// Remembers the identity it is about to lose.
    pub(crate) fn remember(&mut self, dialect: Dialect) {
        let Id { gvk, namespace, name } = self.effective_id(dialect);
        self.previous.push(Past { kind: gvk.kind, name, namespace });
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
        self.previous.clone_from(&other.previous);
        self.prefixes.clone_from(&other.prefixes);
        self.suffixes.clone_from(&other.suffixes);
        self.variables.clone_from(&other.variables);
        self.transformations.clone_from(&other.transformations);
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

impl Resource {
    /// Takes labels and annotations away where there are none.
    fn drop_empty_maps(&mut self) {
        if let Some(Value::Object(metadata)) = self.value.get_mut("metadata") {
            for key in ["labels", "annotations"] {
                if metadata.get(key).and_then(Value::as_object).is_some_and(Map::is_empty) {
                    metadata.remove(key);
                }
            }
        }
    }

    /// As [`Resource::merge`], but the binary data are merged too, and no data at all leave
    /// no field behind.
    pub(crate) fn merge_all(&mut self, other: &Self) {
        self.replace(other);
        self.origin = Rc::clone(&other.origin);
        self.configured.clone_from(&other.configured);
        for field in ["data", "binaryData"] {
            let mut merged = Map::new();
            for source in [&other.value, &self.value] {
                if let Some(Value::Object(map)) = source.get(field) {
                    merged.extend(map.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
            }
            if merged.is_empty() {
                self.value.remove(field);
            } else {
                self.value.insert(field.to_owned(), Value::Object(merged));
            }
        }
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
pub(crate) struct Resources(pub(crate) Vec<Resource>, pub(crate) Dialect);

impl Resources {
    /// Adds objects; two of the same identity are an error.
    pub(crate) fn append_all(&mut self, place: &Place, more: Vec<Resource>, errors: &mut Vec<RenderError>) {
        let mut seen: BTreeMap<IdKey, Rc<Place>> =
            self.0.iter().map(|resource| (resource.current_id().key(self.1), Rc::clone(&resource.origin))).collect();
        for resource in more {
            let id = resource.current_id();
            match seen.insert(id.key(self.1), Rc::clone(&resource.origin)) {
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
        let matches = match self.1 {
            Dialect::V3_2 => self.originals_or_current(&id),
            Dialect::V5 => self.ever(&id),
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
                    let needs_hash = |resource: &Resource| resource.generated.is_some_and(|it| it.needs_hash);
                    let both = needs_hash(&resource) && needs_hash(old);
                    match behavior {
                        Behavior::Merge if self.1 == Dialect::V5 => resource.merge_all(old),
                        Behavior::Merge => resource.merge(old),
                        Behavior::Replace | Behavior::Create => resource.replace(old),
                    }
                    if let (Dialect::V5, Some(generated)) = (self.1, &mut resource.generated) {
                        generated.needs_hash = both;
                    }
                    if self.1 == Dialect::V5 {
                        resource.drop_empty_maps();
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

    fn originals_or_current(&self, id: &Id) -> Vec<usize> {
        match self.matching(|other| other.original_id().is_same(id, Dialect::V3_2)) {
            none if none.is_empty() => self.matching(|other| other.current_id().is_same(id, Dialect::V3_2)),
            some => some,
        }
    }

    /// The objects that have, or ever had, an identity.
    pub(crate) fn ever(&self, id: &Id) -> Vec<usize> {
        let mut id = id.clone();
        id.namespace = id.effective_namespace(self.1).unwrap_or(NO_NAMESPACE).to_owned();
        self.matching(|resource| resource.identities(self.1).contains(&id))
    }

    /// The one object that has, or ever had, an identity.
    pub(crate) fn find_ever(&self, id: &Id) -> Result<usize, String> {
        match self.ever(id).as_slice() {
            [place] => Ok(*place),
            [] => Err("there is no such object".to_owned()),
            many => Err(format!("{} objects could be meant", many.len())),
        }
    }

    /// The one object that was read with an identity, else the one that has it now.
    pub(crate) fn find(&self, id: &Id) -> Result<usize, String> {
        let original = self.matching(|resource| resource.original_id().is_same(id, Dialect::V3_2));
        if let [place] = original.as_slice() {
            return Ok(*place);
        }
        let current = self.matching(|resource| resource.current_id().is_same(id, Dialect::V3_2));
        match (original.len(), current.as_slice()) {
            (_, [place]) => Ok(*place),
            (0, []) => Err("there is no such object".to_owned()),
            (many, _) => Err(format!("{} objects could be meant", many.max(current.len()))),
        }
    }
}
