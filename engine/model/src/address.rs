//! Addresses: how a resource, an object inside it, and a gate are named.
//!
//! `kubeflow.main`, `aks_node_pool.gpu["t4"]`,
//! `kubeflow.main/istio-system/Deployment.apps/istiod`,
//! `kubeflow.main/-/ClusterRole.rbac.authorization.k8s.io/x`, and gates as
//! `ADDRESS#established`. What is printed can be parsed back.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::ModelError;
use crate::name::is_identifier;

/// A resource of the stack file, or one instance of it under `for_each`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceAddress {
    type_name: Arc<str>,
    name: Arc<str>,
    key: Option<Arc<str>>,
}

impl ResourceAddress {
    /// The address of `[TYPE.NAME]`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Address`] when either is not an identifier.
    pub fn new(type_name: &str, name: &str) -> Result<Self, ModelError> {
        let wrong = |reason| ModelError::Address { text: format!("{type_name}.{name}"), reason };
        if !is_identifier(type_name) {
            return Err(wrong("the type must match `^[a-z][a-z0-9_]*$` and be no CEL keyword"));
        }
        if !is_identifier(name) {
            return Err(wrong("the name must match `^[a-z][a-z0-9_]*$` and be no CEL keyword"));
        }
        Ok(Self { type_name: type_name.into(), name: name.into(), key: None })
    }

    /// The same resource, at one key of its `for_each`.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.into()), ..self.clone() }
    }

    /// The same resource without its `for_each` key.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// The resource type, such as `aks_cluster`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The name in the stack file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `for_each` key, if the resource has one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.type_name, self.name)?;
        match &self.key {
            Some(key) => write!(f, "[{}]", serde_json::Value::from(&**key)),
            None => Ok(()),
        }
    }
}

/// Which Kubernetes object: its group (not version) and kind, namespace, and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// `None` for what is cluster-scoped, printed as `-`.
    pub namespace: Option<Arc<str>>,
    /// The kind, such as `Deployment`.
    pub kind: Arc<str>,
    /// The API group, empty for the core group.
    pub group: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace.as_deref().unwrap_or("-"), self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        write!(f, "/{}", self.name)
    }
}

/// What a step, a record, or a message is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    resource: ResourceAddress,
    object: Option<ObjectId>,
    gate: Option<Arc<str>>,
}

impl Address {
    /// The address of one object inside a resource.
    #[must_use]
    pub fn object(resource: ResourceAddress, object: ObjectId) -> Self {
        Self { resource, object: Some(object), gate: None }
    }

    /// The gate `name` of this address, such as `#established`.
    #[must_use]
    pub fn gate(&self, name: &str) -> Self {
        Self { gate: Some(name.into()), ..self.clone() }
    }

    /// The resource that this belongs to.
    #[must_use]
    pub fn resource(&self) -> &ResourceAddress {
        &self.resource
    }

    /// The object, if this is not the resource itself.
    #[must_use]
    pub fn object_id(&self) -> Option<&ObjectId> {
        self.object.as_ref()
    }

    /// The name of the gate, if this is one.
    #[must_use]
    pub fn gate_name(&self) -> Option<&str> {
        self.gate.as_deref()
    }
}

impl From<ResourceAddress> for Address {
    fn from(resource: ResourceAddress) -> Self {
        Self { resource, object: None, gate: None }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.resource)?;
        if let Some(object) = &self.object {
            write!(f, "/{object}")?;
        }
        if let Some(gate) = &self.gate {
            write!(f, "#{gate}")?;
        }
        Ok(())
    }
}

impl FromStr for ResourceAddress {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        match resource_prefix(text)? {
            (resource, "") => Ok(resource),
            _ => {
                Err(ModelError::Address { text: text.to_owned(), reason: "expected `TYPE.NAME` and nothing after it" })
            }
        }
    }
}

impl FromStr for Address {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let wrong = |reason| ModelError::Address { text: text.to_owned(), reason };
        let (resource, rest) = resource_prefix(text)?;
        let (rest, gate) = match rest.split_once('#') {
            Some((_, "")) => return Err(wrong("the gate after `#` has no name")),
            Some((rest, gate)) => (rest, Some(Arc::from(gate))),
            None => (rest, None),
        };
        let object = match rest.strip_prefix('/') {
            None if rest.is_empty() => None,
            None => return Err(wrong("expected `/NAMESPACE/KIND.GROUP/NAME` after the resource")),
            Some(object) => Some(object_id(object).ok_or_else(|| {
                wrong("expected `NAMESPACE/KIND.GROUP/NAME`, with `-` as the namespace of what has none")
            })?),
        };
        Ok(Self { resource, object, gate })
    }
}

fn object_id(text: &str) -> Option<ObjectId> {
    let mut parts = text.splitn(3, '/');
    let (namespace, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    if namespace.is_empty() || kind.is_empty() || name.is_empty() {
        return None;
    }
    let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
    Some(ObjectId {
        namespace: (namespace != "-").then(|| namespace.into()),
        kind: kind.into(),
        group: group.into(),
        name: name.into(),
    })
}

/// Reads `TYPE.NAME` or `TYPE.NAME["KEY"]` and gives what follows.
fn resource_prefix(text: &str) -> Result<(ResourceAddress, &str), ModelError> {
    let wrong = |reason| ModelError::Address { text: text.to_owned(), reason };
    let end = text.find(['[', '/', '#']).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let (type_name, name) = head.split_once('.').ok_or_else(|| wrong("expected `TYPE.NAME`"))?;
    let resource = ResourceAddress::new(type_name, name)
        .map_err(|_| wrong("type and name must match `^[a-z][a-z0-9_]*$` and be no CEL keyword"))?;
    let Some(quoted) = rest.strip_prefix('[') else {
        return Ok((resource, rest));
    };
    let mut keys = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
    match keys.next() {
        Some(Ok(key)) => {
            let after = quoted.get(keys.byte_offset()..).and_then(|after| after.strip_prefix(']'));
            Ok((resource.with_key(&key), after.ok_or_else(|| wrong("the key is not closed by `]`"))?))
        }
        _ => Err(wrong("the key must be a string in double quotes")),
    }
}

macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(ResourceAddress);
as_text!(Address);
