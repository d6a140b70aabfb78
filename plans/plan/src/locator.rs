//! Where a resource is: an ARM id, or an object of a cluster.

use std::fmt;

use kfplan_model::{ObjectId, ResourceAddress};
use serde::{Deserialize, Serialize};

/// Where to look for one thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locator {
    /// A resource of Azure Resource Manager.
    Arm(ArmLocator),
    /// A Kubernetes object.
    Object(ObjectLocator),
}

/// An ARM resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ArmLocator {
    /// The whole id, `/subscriptions/…`; compared without case.
    pub id: String,
    /// The api-version to ask with.
    pub api_version: String,
}

/// An object of the Kubernetes API.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectLocator {
    /// The resource that is, or gives access to, the cluster.
    pub cluster: ResourceAddress,
    /// The API group, empty for the core group.
    pub group: String,
    /// The version that is asked for; not part of the object's identity.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// `None` for what is cluster-scoped.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl ObjectLocator {
    /// The object's identity inside its cluster.
    #[must_use]
    pub fn object_id(&self) -> ObjectId {
        ObjectId {
            namespace: self.namespace.as_deref().map(Into::into),
            kind: self.kind.as_str().into(),
            group: self.group.as_str().into(),
            name: self.name.as_str().into(),
        }
    }

    /// `apiVersion` as an object states it.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arm(arm) => f.write_str(&arm.id),
            Self::Object(object) => write!(f, "{} in {}", object.object_id(), object.cluster),
        }
    }
}

/// Something that takes its contents along when it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Container {
    /// A resource group.
    Group(ArmLocator),
    /// A cluster, by the resource that is it or gives access to it.
    Cluster(ResourceAddress),
    /// A namespace.
    Namespace(ObjectLocator),
    /// A CustomResourceDefinition: its objects go with it.
    Definition(ObjectLocator),
}

/// Which service a call goes to: limits and throttling are kept for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Azure Resource Manager.
    Arm,
    /// The API server of a cluster.
    Cluster(ResourceAddress),
}

impl Locator {
    /// The service that answers for this place.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Self::Arm(_) => Endpoint::Arm,
            Self::Object(object) => Endpoint::Cluster(object.cluster.clone()),
        }
    }
}
