//! The provider: each question of the contract, translated.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use kfplan_contract::{Call, Progress, Provider, Ticket};
use kfplan_model::ResourceAddress;
use kfplan_objects::ObjectRules;
use kfplan_plan::{
    Class, Container, Discovery, DryRun, DryRunAnswer, Gate, GateState, Live, Locator, ObjectLocator, Observation,
    Ownership, ServedKind, StackKey, Trouble,
};
use serde_json::Value as Json;

use crate::access::{Access, Connections};
use crate::observe::collection;

/// How many dry runs are under way at once.
const AT_ONCE: usize = 32;

/// All clusters of a session.
pub struct Kubernetes {
    pub(crate) connections: Connections,
    pub(crate) ownership: Ownership,
    pub(crate) key: StackKey,
    pub(crate) rules: ObjectRules,
}

impl Kubernetes {
    /// Clusters that `access` gives the way into, written to under the manager and marks of `ownership`.
    #[must_use]
    pub fn new(access: Arc<dyn Access>, ownership: Ownership, key: StackKey) -> Self {
        Self { connections: Connections::new(access), ownership, key, rules: ObjectRules }
    }

    /// Everything in a namespace, or of a kind, or what of a cluster may be user data.
    async fn contents(&self, container: &Container) -> Result<Vec<(Locator, Live)>, Trouble> {
        let (cluster, kinds, namespace) = match container {
            Container::Group(_) => return Ok(Vec::new()),
            Container::Cluster(cluster) => (cluster, self.user_kinds(cluster).await?, None),
            Container::Namespace(object) => {
                (&object.cluster, self.namespaced_kinds(&object.cluster).await?, Some(object.name.as_str()))
            }
            Container::Definition(object) => (&object.cluster, self.defined_kinds(object).await?, None),
        };
        let listed: Vec<_> = stream::iter(kinds)
            .map(|((group, version, kind), served)| async move {
                let items =
                    self.connections.all_items(cluster, &collection(&group, &version, &served.plural, namespace)).await;
                (group, version, kind, items)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut found = Vec::new();
        for (group, version, kind, items) in listed {
            let items = match items {
                Ok(items) => items,
                Err(Observation::Denied(reason)) => {
                    return Err(Trouble::new(
                        Class::Auth,
                        "Forbidden",
                        format!("`{kind}` may not be listed: {reason}"),
                        "give the credential the right to list it: what is not seen cannot be kept",
                    ));
                }
                // Not every kind can be listed, and one that is gone meanwhile holds nothing.
                Err(_) => continue,
            };
            for live in items.into_iter().filter(|live| namespace.is_none() || !comes_by_itself(&kind, &live.body)) {
                let text = |pointer: &str| live.body.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
                let locator = ObjectLocator {
                    cluster: cluster.clone(),
                    group: group.clone(),
                    version: version.clone(),
                    kind: kind.clone(),
                    namespace: text("/metadata/namespace"),
                    name: text("/metadata/name").unwrap_or_default(),
                };
                found.push((Locator::Object(locator), live));
            }
        }
        found.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(found)
    }

    async fn user_kinds(&self, cluster: &ResourceAddress) -> Result<Vec<(KindKey, ServedKind)>, Trouble> {
        /// Kinds whose objects are somebody's work.
        const USER: [(&str, &str); 5] = [
            ("", "PersistentVolumeClaim"),
            ("kubeflow.org", "Profile"),
            ("kubeflow.org", "Notebook"),
            ("kubeflow.org", "Experiment"),
            ("serving.kserve.io", "InferenceService"),
        ];
        let discovery = self.connections.discovered(cluster).await?;
        Ok(newest(
            discovery.kinds.iter().filter(|((group, _, kind), _)| USER.contains(&(group.as_str(), kind.as_str()))),
        ))
    }

    async fn namespaced_kinds(&self, cluster: &ResourceAddress) -> Result<Vec<(KindKey, ServedKind)>, Trouble> {
        let discovery = self.connections.discovered(cluster).await?;
        let skipped = |group: &str, kind: &str| {
            kind == "Event" || group == "metrics.k8s.io" || kind.ends_with("Review") || kind == "Binding"
        };
        Ok(newest(
            discovery.kinds.iter().filter(|((group, _, kind), served)| served.namespaced && !skipped(group, kind)),
        ))
    }

    async fn defined_kinds(&self, definition: &ObjectLocator) -> Result<Vec<(KindKey, ServedKind)>, Trouble> {
        let discovery = self.connections.discovered(&definition.cluster).await?;
        // A CRD's name is `PLURAL.GROUP`.
        let (plural, group) = definition.name.split_once('.').unwrap_or((&definition.name, ""));
        Ok(newest(discovery.kinds.iter().filter(|((found, _, _), served)| found == group && served.plural == plural)))
    }
}

/// Whether an object of a namespace is made by Kubernetes itself, and comes again with what it belongs to.
pub(crate) fn comes_by_itself(kind: &str, body: &Json) -> bool {
    let text = |pointer: &str| body.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    let owned =
        body.pointer("/metadata/ownerReferences").and_then(Json::as_array).is_some_and(|owners| !owners.is_empty());
    owned
        || matches!(kind, "Endpoints" | "EndpointSlice" | "Event" | "Lease" | "PodMetrics")
        || (kind == "ServiceAccount" && text("/metadata/name") == "default")
        || (kind == "ConfigMap" && text("/metadata/name") == "kube-root-ca.crt")
        || (kind == "Secret" && text("/type") == "kubernetes.io/service-account-token")
}

type KindKey = (String, String, String);

/// One version of each kind: an object is the same in all of them.
fn newest<'a>(kinds: impl Iterator<Item = (&'a KindKey, &'a ServedKind)>) -> Vec<(KindKey, ServedKind)> {
    let by_kind: BTreeMap<(&str, &str), (&KindKey, &ServedKind)> =
        kinds.map(|(key, served)| ((key.0.as_str(), key.2.as_str()), (key, served))).collect();
    by_kind.into_values().map(|(key, served)| (key.clone(), served.clone())).collect()
}

fn not_ours(locator: &Locator) -> Trouble {
    Trouble::new(
        Class::Permanent,
        "place",
        format!("`{locator}` is not a Kubernetes object"),
        "this is a bug of kfplan; please report it",
    )
}

#[async_trait]
impl Provider for Kubernetes {
    async fn observe(&self, places: &[Locator]) -> Vec<Observation> {
        self.connections.observe(places).await
    }

    async fn dry_run(&self, questions: &[DryRun]) -> Vec<DryRunAnswer> {
        let asked: Vec<_> = questions.iter().map(|question| self.dry_run_one(question)).collect();
        stream::iter(asked).buffered(AT_ONCE).collect().await
    }

    async fn discover(&self, clusters: &[ResourceAddress]) -> BTreeMap<ResourceAddress, Result<Discovery, Trouble>> {
        let found = futures::future::join_all(clusters.iter().map(|cluster| self.connections.discover(cluster))).await;
        clusters
            .iter()
            .cloned()
            .zip(found.into_iter().map(|found| found.map(|discovery| Discovery::clone(&discovery))))
            .collect()
    }

    async fn survey(&self, containers: &[Container]) -> Vec<Result<Vec<(Locator, Live)>, Trouble>> {
        futures::future::join_all(containers.iter().map(|container| self.contents(container))).await
    }

    async fn begin(&self, call: &Call) -> Progress {
        match &call.locator {
            Locator::Object(object) => self.begin_one(call, object).await,
            Locator::Arm(_) => Progress::Failed(not_ours(&call.locator)),
        }
    }

    async fn progress(&self, ticket: &Ticket) -> Progress {
        match &ticket.locator {
            Locator::Object(object) => self.progress_one(ticket, object).await,
            Locator::Arm(_) => Progress::Failed(not_ours(&ticket.locator)),
        }
    }

    async fn probe(&self, gate: &Gate) -> Result<GateState, Trouble> {
        match &gate.locator {
            Locator::Object(object) => self.probe_one(gate, object).await,
            Locator::Arm(_) => Err(not_ours(&gate.locator)),
        }
    }
}
