//! What the simulated Azure holds: groups, clusters, pools, other resources, operations.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::changes::unknown_version;
use super::dice::Dice;
use super::faults::AzureFault;
use super::limits::Limits;
use super::operations::Operation;
use super::registration::Registrations;
use super::versions::Version;
use super::wire::Refusal;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// What a world is told when it begins.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The seed of everything that Azure makes up.
    pub seed: u64,
    /// The tenant that owns all subscriptions.
    pub tenant: String,
    /// The subscriptions: id and display name.
    pub subscriptions: Vec<(String, String)>,
    /// Cores that a family has in every region, where it is not the usual number; `cores` is the regional total.
    pub quota: BTreeMap<String, u32>,
    /// Whether requests must carry a valid token.
    pub tokens_required: bool,
    /// Who may log in: client ids and their secrets. Federated logins need no secret.
    pub principals: Vec<(String, String)>,
    /// What runners and machines prove themselves with: the header of a managed identity, the bearer token for an OIDC
    /// token of a pipeline.
    pub runner_secret: String,
    /// How many times faster than in reality things get done. Times in bodies and tokens are the clock's.
    pub speed: u64,
    /// A control plane outside the simulation, whose credentials every cluster gives in place of its own.
    pub lent: Option<LentCluster>,
}

/// The kubeconfig of a control plane outside the simulation. `Debug` does not show it.
#[derive(Clone)]
pub struct LentCluster(String);

impl LentCluster {
    /// Lends the cluster of a kubeconfig's current context.
    #[must_use]
    pub fn new(kubeconfig: String) -> LentCluster {
        LentCluster(kubeconfig)
    }

    pub(crate) fn kubeconfig(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for LentCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LentCluster")
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            seed: 1,
            tenant: "11111111-1111-4111-8111-111111111111".into(),
            subscriptions: vec![("00000000-0000-0000-0000-000000000000".into(), "Sandbox".into())],
            quota: BTreeMap::new(),
            tokens_required: true,
            principals: vec![("22222222-2222-4222-8222-222222222222".into(), "sandbox-secret".into())],
            runner_secret: "sandbox-runner".into(),
            speed: 1,
            lent: None,
        }
    }
}

/// The simulated Azure Resource Manager, with the token service beside it.
#[derive(Debug, Clone)]
pub struct Arm {
    pub(crate) settings: Settings,
    pub(crate) dice: Dice,
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) operations: BTreeMap<String, Operation>,
    /// Operations by the moment their effect is due.
    pub(crate) due: BTreeSet<(u64, String)>,
    pub(crate) registrations: Registrations,
    pub(crate) limits: Limits,
    /// What befalls the request at hand.
    pub(crate) fault: Option<AzureFault>,
    /// Counts changes.
    pub(crate) revision: u64,
}

/// A resource group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) subscription: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Option<Object>,
    pub(crate) managed_by: Option<String>,
    pub(crate) deleting: bool,
}

/// Where a cluster or a pool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Being created.
    Creating,
    /// Being changed.
    Updating,
    /// Going away.
    Deleting,
    /// As wanted.
    Succeeded,
    /// The last operation failed.
    Failed,
    /// The last operation was aborted.
    Canceled,
}

impl State {
    /// The word for `provisioningState`.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            State::Creating => "Creating",
            State::Updating => "Updating",
            State::Deleting => "Deleting",
            State::Succeeded => "Succeeded",
            State::Failed => "Failed",
            State::Canceled => "Canceled",
        }
    }
}

/// A managed cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) subscription: String,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) tags: Object,
    pub(crate) identity: Option<Object>,
    pub(crate) sku: Object,
    /// All properties but the pools and the states.
    pub(crate) properties: Object,
    pub(crate) pools: Vec<Pool>,
    pub(crate) state: State,
    pub(crate) etag: Option<String>,
    /// The operation that runs on the cluster or on one of its pools.
    pub(crate) operation: Option<String>,
}

/// A pool of nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) properties: Object,
    pub(crate) state: State,
    pub(crate) etag: Option<String>,
    /// The count that the autoscaler is about to bring about.
    pub(crate) scaling: Option<u32>,
    /// The number in the name of its scale set.
    pub(crate) number: u64,
}

impl Pool {
    pub(crate) fn count(&self) -> u32 {
        number(&self.properties, "count")
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        text(&self.properties, key)
    }

    /// Whether the autoscaler owns the count.
    pub(crate) fn autoscaled(&self) -> bool {
        self.properties.get("enableAutoScaling") == Some(&Value::Bool(true))
    }

    /// `count` within the autoscaler's bounds.
    pub(crate) fn clamp(&self, count: u32) -> u32 {
        if self.autoscaled() {
            count.max(number(&self.properties, "minCount")).min(number(&self.properties, "maxCount"))
        } else {
            count
        }
    }
}

/// Any other resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) body: Object,
    pub(crate) etag: String,
    pub(crate) deleting: bool,
}

/// A string member, empty where there is none.
pub(crate) fn text<'a>(object: &'a Object, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number member, zero where there is none.
pub(crate) fn number(object: &Object, key: &str) -> u32 {
    object.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// An object member, empty where there is none.
pub(crate) fn object(of: &Object, key: &str) -> Object {
    of.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The key of a group.
pub(crate) fn group_key(subscription: &str, group: &str) -> String {
    format!("/subscriptions/{subscription}/resourcegroups/{group}").to_ascii_lowercase()
}

/// The key of a cluster.
pub(crate) fn cluster_key(subscription: &str, group: &str, cluster: &str) -> String {
    let name = cluster.to_ascii_lowercase();
    format!("{}/providers/microsoft.containerservice/managedclusters/{name}", group_key(subscription, group))
}

impl Group {
    pub(crate) fn id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.name)
    }

    pub(crate) fn render(&self) -> Value {
        let state = if self.deleting { "Deleting" } else { "Succeeded" };
        let mut body = json!({
            "id": self.id(), "name": self.name, "type": "Microsoft.Resources/resourceGroups",
            "location": self.location, "properties": {"provisioningState": state},
        });
        if let Some(tags) = &self.tags {
            super::wire::put(&mut body, "tags", json!(tags));
        }
        if let Some(owner) = &self.managed_by {
            super::wire::put(&mut body, "managedBy", json!(owner));
        }
        body
    }
}

impl Cluster {
    pub(crate) fn key(&self) -> String {
        cluster_key(&self.subscription, &self.group, &self.name)
    }

    /// The id in AKS's own spelling.
    pub(crate) fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourcegroups/{}/providers/Microsoft.ContainerService/managedClusters/{}",
            self.subscription, self.group, self.name
        )
    }

    pub(crate) fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn pool_mut(&mut self, name: &str) -> Option<&mut Pool> {
        self.pools.iter_mut().find(|pool| pool.name.eq_ignore_ascii_case(name))
    }

    /// Whether the control plane was ever there: a create that failed or was aborted leaves none.
    pub(crate) fn is_established(&self) -> bool {
        self.properties.contains_key("identityProfile")
    }

    /// Names the cluster for ever.
    pub(crate) fn uid(&self) -> &str {
        text(&self.properties, "resourceUID")
    }

    /// What the control plane runs, under the name that the client gave it.
    pub(crate) fn control(&self) -> Result<Version, Refusal> {
        let (stated, running) =
            (text(&self.properties, "kubernetesVersion"), text(&self.properties, "currentKubernetesVersion"));
        let version = Version::read(running).ok_or_else(|| unknown_version(running))?;
        Ok(Version { stated: stated.to_owned(), ..version })
    }

    pub(crate) fn node_group(&self) -> &str {
        text(&self.properties, "nodeResourceGroup")
    }

    /// The cluster as GET shows it.
    pub(crate) fn render(&self) -> Value {
        let mut properties = self.properties.clone();
        properties.insert("provisioningState".into(), json!(self.state.word()));
        properties.insert("powerState".into(), json!({"code": "Running"}));
        let pools = self.pools.iter().map(|pool| {
            let mut profile = pool.render();
            profile.insert("name".into(), json!(pool.name));
            Value::Object(profile)
        });
        properties.insert("agentPoolProfiles".into(), pools.collect());
        let mut body = json!({
            "id": self.id(), "location": self.location, "name": self.name,
            "type": "Microsoft.ContainerService/ManagedClusters", "kind": "Base",
            "properties": properties, "sku": self.sku,
        });
        if let Some(identity) = &self.identity {
            super::wire::put(&mut body, "identity", json!(identity));
        }
        if !self.tags.is_empty() {
            super::wire::put(&mut body, "tags", json!(self.tags));
        }
        if let Some(etag) = &self.etag {
            super::wire::put(&mut body, "eTag", json!(etag));
        }
        body
    }

    /// A pool as its own GET shows it.
    pub(crate) fn render_pool(&self, pool: &Pool) -> Value {
        json!({
            "id": format!("{}/agentPools/{}", self.id(), pool.name), "name": pool.name,
            "type": "Microsoft.ContainerService/managedClusters/agentPools", "properties": pool.render(),
        })
    }
}

impl Pool {
    fn render(&self) -> Object {
        let mut properties = self.properties.clone();
        properties.insert("provisioningState".into(), json!(self.state.word()));
        properties.insert("powerState".into(), json!({"code": "Running"}));
        if let Some(etag) = &self.etag {
            properties.insert("eTag".into(), json!(etag));
        }
        properties
    }
}
