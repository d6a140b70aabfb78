//! What a cluster serves, and who it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::join_all;
use kfplan_model::ResourceAddress;
use kfplan_plan::{DeadWebhook, Discovery, ServedKind, Trouble};
use serde_json::Value as Json;

use crate::access::Connections;
use crate::client::Ask;
use crate::observe::{collection, encoded};
use crate::trouble;

/// Aggregated discovery (KEP-3352), which servers from 1.26 on give in two answers; older ones ignore it.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

type Kinds = BTreeMap<(String, String, String), ServedKind>;

impl Connections {
    /// What the cluster serves now. Of many who ask at once, one looks for all.
    pub(crate) async fn discover(&self, cluster: &ResourceAddress) -> Result<Arc<Discovery>, Trouble> {
        let connection = self.get(cluster).await?;
        let mut known = match connection.discovery.try_lock() {
            Ok(known) => known,
            Err(_) => {
                let known = connection.discovery.lock().await;
                // What was found while this caller waited is as fresh as what it would find.
                if let Some(found) = &*known {
                    return Ok(found.clone());
                }
                known
            }
        };
        let found = self.look_around(cluster).await?;
        *known = Some(found.clone());
        Ok(found)
    }

    /// What the cluster served when it was last asked; asks if nobody did yet.
    pub(crate) async fn discovered(&self, cluster: &ResourceAddress) -> Result<Arc<Discovery>, Trouble> {
        let connection = self.get(cluster).await?;
        let mut known = connection.discovery.lock().await;
        if let Some(found) = &*known {
            return Ok(found.clone());
        }
        let found = self.look_around(cluster).await?;
        *known = Some(found.clone());
        Ok(found)
    }

    async fn look_around(&self, cluster: &ResourceAddress) -> Result<Arc<Discovery>, Trouble> {
        // Asked alone: the calls after it share the HTTP/2 connection that it opened.
        let version = self.ok(cluster, Ask::get("/version")).await?;
        let (identity, dead_webhooks, core, groups) = futures::join!(
            self.ok(cluster, Ask::get("/api/v1/namespaces/kube-system")),
            self.dead_webhooks(cluster),
            self.ok(cluster, Ask { accept: AGGREGATED, ..Ask::get("/api") }),
            self.ok(cluster, Ask { accept: AGGREGATED, ..Ask::get("/apis") }),
        );
        let (core, groups) = (core?, groups?);
        let mut kinds = Kinds::new();
        for answer in [&core, &groups] {
            if answer.get("kind").and_then(Json::as_str) == Some("APIGroupDiscoveryList") {
                aggregated(answer, &mut kinds);
            } else {
                self.one_by_one(cluster, answer, &mut kinds).await;
            }
        }
        let text = |key: &str| version.get(key).and_then(Json::as_str).unwrap_or_default().trim_end_matches('+');
        Ok(Arc::new(Discovery {
            version: format!("{}.{}", text("major"), text("minor")),
            // A credential that may not read kube-system still plans; the cluster's identity is then not checked.
            identity: identity
                .ok()
                .and_then(|body| Some(body.pointer("/metadata/uid")?.as_str()?.to_owned()))
                .unwrap_or_default(),
            kinds,
            dead_webhooks,
        }))
    }

    /// A kind as the cluster serves it. One that is not known is looked for anew: its CRD may have come meanwhile.
    pub(crate) async fn served(
        &self,
        cluster: &ResourceAddress,
        group: &str,
        version: &str,
        kind: &str,
    ) -> Result<ServedKind, Trouble> {
        let key = (group.to_owned(), version.to_owned(), kind.to_owned());
        if let Some(found) = self.discovered(cluster).await?.kinds.get(&key) {
            return Ok(found.clone());
        }
        // One group-version is asked for, not the whole of discovery: hundreds may wait for their CRDs at once.
        let mut kinds = Kinds::new();
        self.group_version(cluster, group, version, &mut kinds).await;
        let found = kinds.get(&key).cloned().ok_or_else(|| trouble::not_served(group, version, kind));
        let connection = self.get(cluster).await?;
        let mut known = connection.discovery.lock().await;
        if let Some(discovery) = known.as_mut() {
            Arc::make_mut(discovery).kinds.extend(kinds);
        }
        found
    }

    /// Looks anew at one API group, whose CRDs may have come since discovery; gives what is known then.
    pub(crate) async fn discovered_anew(
        &self,
        cluster: &ResourceAddress,
        group: &str,
    ) -> Result<Arc<Discovery>, Trouble> {
        let mut kinds = Kinds::new();
        if let Ok(found) = self.ok(cluster, Ask::get(format!("/apis/{}", encoded(group)))).await {
            for version in found.get("versions").and_then(Json::as_array).into_iter().flatten() {
                if let Some(version) = version.get("version").and_then(Json::as_str) {
                    self.group_version(cluster, group, version, &mut kinds).await;
                }
            }
        }
        let known = self.discovered(cluster).await?;
        let connection = self.get(cluster).await?;
        let mut held = connection.discovery.lock().await;
        match held.as_mut() {
            Some(discovery) => {
                Arc::make_mut(discovery).kinds.extend(kinds);
                Ok(discovery.clone())
            }
            None => Ok(known),
        }
    }

    /// Admission webhooks that must answer and whose Service is not there. Where that may not be seen, none.
    async fn dead_webhooks(&self, cluster: &ResourceAddress) -> Vec<DeadWebhook> {
        const GROUP: &str = "admissionregistration.k8s.io";
        let list = |plural| async move { self.all_items(cluster, &collection(GROUP, "v1", plural, None)).await };
        let (mutating, validating, services) =
            futures::join!(list("mutatingwebhookconfigurations"), list("validatingwebhookconfigurations"), async {
                self.all_items(cluster, &collection("", "v1", "services", None)).await
            },);
        let Ok(services) = services else { return Vec::new() };
        let name = |body: &Json, pointer: &str| body.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
        let served: BTreeSet<(Option<String>, Option<String>)> = services
            .iter()
            .map(|live| (name(&live.body, "/metadata/namespace"), name(&live.body, "/metadata/name")))
            .collect();
        let mut dead = Vec::new();
        for live in mutating.unwrap_or_default().into_iter().chain(validating.unwrap_or_default()) {
            let webhooks = live.body.get("webhooks").and_then(Json::as_array);
            for webhook in webhooks.into_iter().flatten() {
                let Some(service) = webhook.pointer("/clientConfig/service") else { continue };
                let place = (name(service, "/namespace"), name(service, "/name"));
                if webhook.get("failurePolicy").and_then(Json::as_str) != Some("Ignore") && !served.contains(&place) {
                    dead.push(DeadWebhook {
                        kind: name(&live.body, "/kind").unwrap_or_default(),
                        name: name(&live.body, "/metadata/name").unwrap_or_default(),
                        webhook: webhook.clone(),
                    });
                }
            }
        }
        dead
    }

    async fn ok(&self, cluster: &ResourceAddress, ask: Ask) -> Result<Json, Trouble> {
        let answer = self.ask(cluster, &ask).await?;
        if answer.status == 200 { Ok(answer.body) } else { Err(trouble::refused(&answer)) }
    }

    /// Discovery as servers before 1.26 give it: one answer a group-version. One whose APIService is down is left out.
    async fn one_by_one(&self, cluster: &ResourceAddress, list: &Json, kinds: &mut Kinds) {
        let core = list
            .get("versions")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(|version| (String::new(), version.to_owned()));
        let named = list.get("groups").and_then(Json::as_array).into_iter().flatten().flat_map(|group| {
            let versions = group.get("versions").and_then(Json::as_array).into_iter().flatten();
            versions.filter_map(|version| {
                let text = version.get("groupVersion")?.as_str()?;
                text.split_once('/').map(|(group, version)| (group.to_owned(), version.to_owned()))
            })
        });
        let all: Vec<(String, String)> = core.chain(named).collect();
        let found = join_all(all.iter().map(|(group, version)| async move {
            let mut kinds = Kinds::new();
            self.group_version(cluster, group, version, &mut kinds).await;
            kinds
        }))
        .await;
        kinds.extend(found.into_iter().flatten());
    }

    async fn group_version(&self, cluster: &ResourceAddress, group: &str, version: &str, kinds: &mut Kinds) {
        let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let Ok(list) = self.ok(cluster, Ask::get(path)).await else { return };
        for resource in list.get("resources").and_then(Json::as_array).into_iter().flatten() {
            let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
            let plural = text("name");
            if !plural.contains('/') {
                let namespaced = resource.get("namespaced").and_then(Json::as_bool).unwrap_or(false);
                kinds.insert((group.to_owned(), version.to_owned(), text("kind")), ServedKind { plural, namespaced });
            }
        }
    }
}

fn aggregated(list: &Json, kinds: &mut Kinds) {
    let items = |value: &Json, key: &str| value.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    for group in items(list, "items") {
        let name = group.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default();
        for version in items(&group, "versions") {
            let label = version.get("version").and_then(Json::as_str).unwrap_or_default();
            for resource in items(&version, "resources") {
                let plural = resource.get("resource").and_then(Json::as_str).unwrap_or_default().to_owned();
                let Some(kind) = resource.pointer("/responseKind/kind").and_then(Json::as_str) else { continue };
                let namespaced = resource.get("scope").and_then(Json::as_str) == Some("Namespaced");
                kinds.insert((name.to_owned(), label.to_owned(), kind.to_owned()), ServedKind { plural, namespaced });
            }
        }
    }
}
