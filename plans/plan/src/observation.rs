//! What a provider saw.

use std::collections::BTreeMap;
use std::fmt;

use kfplan_model::Path;
use serde_json::Value as Json;

use crate::desired::Desired;
use crate::locator::ObjectLocator;
use crate::record::Difference;
use crate::trouble::Trouble;

/// The answer to "what is there?". Not observed is not absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Nothing is there.
    Absent,
    /// Something is there.
    Present(Box<Live>),
    /// Looking is not allowed; the reason, in the service's words.
    Denied(String),
    /// The question could not be answered.
    Failed(Trouble),
    /// The kind is not served (its CRD or API version is not there), so nothing of it can be.
    NotServed,
    /// Nobody could be asked yet: the cluster comes with this plan.
    Unreachable(String),
}

/// What is there, as the service says. Holds secrets: memory only.
#[derive(Clone, PartialEq)]
pub struct Live {
    /// The raw body, `managedFields` included.
    pub body: Json,
    /// The object's uid. ARM has none: the id in lower case with the creation time where known.
    pub uid: Option<String>,
    /// `resourceVersion` or eTag.
    pub version: Option<String>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("uid", &self.uid).field("version", &self.version).finish_non_exhaustive()
    }
}

/// What the service made of a write that it accepted.
#[derive(Clone, PartialEq, Default)]
pub struct Applied {
    /// The uid, as in [`Live`].
    pub uid: Option<String>,
    /// `resourceVersion` or eTag after the write.
    pub version: Option<String>,
    /// Where the server's value differs from what was sent, at the paths that were sent ("1000m" became "1").
    /// Values at sensitive paths are sealed before a record is made.
    pub differences: Vec<Difference>,
    /// The fields that our manager owns now: `fieldsV1` of its entry; `None` for ARM.
    pub owned: Option<Json>,
    /// The outputs that the resource type declares, by name.
    pub outputs: BTreeMap<String, Json>,
}

impl fmt::Debug for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applied").field("uid", &self.uid).field("version", &self.version).finish_non_exhaustive()
    }
}

/// A question for the server: what would it make of this?
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// Where.
    pub locator: ObjectLocator,
    /// What would be sent.
    pub desired: Desired,
    /// Paths that would be taken from other managers.
    pub force: Vec<Path>,
}

/// What the server answered to a dry run.
#[derive(Debug, Clone, PartialEq)]
pub enum DryRunAnswer {
    /// It would accept, and this would be the object.
    Accepted(Box<Live>),
    /// Other managers own fields that are sent; pairs of manager and path.
    Conflicts(Vec<(String, Path)>),
    /// It would refuse.
    Refused(Trouble),
    /// It cannot be asked (a webhook takes no dry run, dry run is not allowed, …), and why.
    NotPossible(String),
}

/// What a cluster serves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Discovery {
    /// `major.minor` of the server, such as `1.34`.
    pub version: String,
    /// The uid of `kube-system`: the cluster's identity.
    pub identity: String,
    /// Every kind that is served, by group, version and kind.
    pub kinds: BTreeMap<(String, String, String), ServedKind>,
    /// Admission webhooks that must answer, and whose Service is not there: leftovers of a dead install.
    pub dead_webhooks: Vec<DeadWebhook>,
}

/// An admission webhook that nobody serves.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadWebhook {
    /// The kind of its configuration.
    pub kind: String,
    /// The name of its configuration.
    pub name: String,
    /// The webhook, as the configuration has it.
    pub webhook: Json,
}

/// One served kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedKind {
    /// The name in URLs, such as `deployments`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}
