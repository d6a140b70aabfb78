//! The pure half of what a resource type knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{Address, Late, Path, Position, Resource, ResourceAddress, Value};
use serde_json::Value as Json;

use crate::change::Protection;
use crate::desired::Desired;
use crate::digest::Digest;
use crate::locator::Locator;
use crate::note::Note;
use crate::plan::{EdgeKind, InputDigest};
use crate::rules::Rules;
use crate::schema::Schema;

/// What a resource type knows, without any I/O.
pub trait Kind: Send + Sync {
    /// Its fields and outputs.
    fn schema(&self) -> &Schema;

    /// Which things this resource is, each a node of the plan; or what must be rendered first.
    /// `resource.fields` is resolved: what is late in it is known only after apply.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the resource, each with its field.
    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>>;

    /// The outputs that can be told from what was seen of the resource's own nodes, by address.
    /// An output that is not in the answer is late.
    fn outputs(&self, resource: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json>;

    /// What the resource itself tells of the cluster that it is or gives access to, before anybody is asked;
    /// `None` for a type that is no cluster.
    fn cluster(&self, resource: &Resource) -> Option<ClusterFacts> {
        let aks = match self.schema().type_name {
            "aks_cluster" => Some(true),
            "kubernetes_cluster" => None,
            _ => return None,
        };
        let version = resource.fields.get("kubernetes_version").and_then(Value::as_str).map(|version| {
            let numbers: Vec<&str> = version.split('.').take(2).collect();
            numbers.join(".")
        });
        Some(ClusterFacts {
            cluster: resource.address.clone(),
            version,
            aks,
            exists: resource.existing || aks.is_none(),
        })
    }
}

/// What a kind may look at while it expands a resource.
pub struct Scene<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The environment.
    pub environment: &'a str,
    /// The state's lineage.
    pub lineage: &'a str,
    /// The subscription id; `None` when the stack has no `[azure]`.
    pub subscription: Option<&'a str>,
    /// Every resource that this one depends on, with its fields resolved.
    pub resources: &'a BTreeMap<ResourceAddress, Resource>,
    /// The places of ARM resources that are already expanded.
    pub places: &'a BTreeMap<ResourceAddress, Locator>,
    /// What is known of the cluster that this resource is for.
    pub cluster: Option<ClusterFacts>,
    /// What was rendered for this resource, once it was asked for.
    pub rendered: Option<&'a Rendered>,
}

/// What is known about a cluster when its contents are planned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ClusterFacts {
    /// The resource.
    pub cluster: ResourceAddress,
    /// `major.minor`, from discovery or, for a cluster to come, from the stack.
    pub version: Option<String>,
    /// Whether it is AKS; `None` when that cannot be told.
    pub aks: Option<bool>,
    /// Whether it exists.
    pub exists: bool,
}

/// What a resource is.
#[derive(Debug, Clone, PartialEq)]
pub enum Expansion {
    /// These things, and what is to be said about them.
    Nodes {
        /// The things, in the order of the source.
        drafts: Vec<Draft>,
        /// What is to be said.
        notes: Vec<Note>,
        /// What went in, beside the stack file.
        inputs: Vec<InputDigest>,
    },
    /// Manifests must be rendered first; ask again with the answer in [`Scene::rendered`].
    Render(Box<RenderRequest>),
}

/// One thing that a resource is.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Its address.
    pub address: Address,
    /// Where it is.
    pub locator: Locator,
    /// What it shall be; `None` for what is only read (`existing`, `kubernetes_cluster`).
    pub desired: Option<Desired>,
    /// The application it is grouped under.
    pub application: Option<String>,
    /// What it comes after, beyond what its resource depends on and what [`Rules::order`] finds.
    pub after: Vec<(Address, EdgeKind)>,
    /// What contains it.
    pub container: Option<Address>,
    /// Steps with the same key never run at once.
    pub exclusive: Option<String>,
    /// Built-in protection.
    pub protection: Protection,
    /// How long a create usually takes, in milliseconds.
    pub expected: u64,
    /// How long it may take, in seconds: create, update, delete.
    pub timeouts: (u64, u64, u64),
    /// Whether dependents wait until it is ready, not only accepted (always so for ARM).
    pub gate: bool,
}

/// What must be rendered: everything in it is known at plan.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderRequest {
    /// The resource.
    pub resource: ResourceAddress,
    /// The resource with its resolved fields.
    pub fields: Value,
    /// The facts that patch conditions read.
    pub facts: Option<ClusterFacts>,
}

/// What was rendered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendered {
    /// The objects, patched, in order.
    pub objects: Vec<RenderedObject>,
    /// Patches taken and left, merges, warnings.
    pub notes: Vec<Note>,
    /// Every input that was read.
    pub inputs: Vec<InputDigest>,
    /// Digest of the request and all inputs, so that an equal request need not be rendered again.
    pub digest: Option<Digest>,
}

/// One rendered object.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedObject {
    /// The application it came from.
    pub application: Option<String>,
    /// The object; `null` where a hole is.
    pub body: Arc<Json>,
    /// Leaves that are known only after apply.
    pub holes: Vec<(Path, Late)>,
    /// Paths that are secret beyond `data` and `stringData` of Secrets.
    pub sensitive: Vec<Path>,
}

/// Something wrong with a resource, found after config.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The resource.
    pub resource: ResourceAddress,
    /// The field, if it is about one.
    pub field: Option<Path>,
    /// Where it stands in the stack file.
    pub at: Position,
    /// A stable code, such as `kubeflow::patch_hits_nothing`.
    pub code: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do next.
    pub help: String,
}

impl Problem {
    /// Something wrong with a resource or one of its fields. It stands where the file states the field, else what the
    /// field is in, else the resource.
    #[must_use]
    pub fn of(
        resource: &Resource,
        field: Option<Path>,
        code: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let mut around = field.clone();
        let mut at = None;
        while let (None, Some(path)) = (at, &mut around) {
            at = resource.positions.get(path).copied();
            if path.pop().is_none() {
                break;
            }
        }
        Self {
            resource: resource.address.clone(),
            field,
            at: at.unwrap_or(resource.at),
            code: code.to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Every resource type, and the rules of both families.
#[derive(Clone)]
pub struct Kinds {
    /// By type name.
    pub kinds: BTreeMap<&'static str, Arc<dyn Kind>>,
    /// How ARM resources are compared and ordered.
    pub arm: Arc<dyn Rules>,
    /// How Kubernetes objects are.
    pub objects: Arc<dyn Rules>,
}

impl Kinds {
    /// The rules for a place.
    #[must_use]
    pub fn rules(&self, locator: &Locator) -> &dyn Rules {
        match locator {
            Locator::Arm(_) => &*self.arm,
            Locator::Object(_) => &*self.objects,
        }
    }
}
