//! Looking whether a gate is open: gathers what it needs, and lets the rules judge.

use std::collections::BTreeSet;

use futures::future::join_all;
use kfplan_objects::{WebhookOutcome, is_ready, trial, webhook_probe};
use kfplan_plan::{Discovery, Gate, GateState, Locator, ObjectLocator, Probe, Rules as _, ServedKind, Trouble};
use serde_json::{Value as Json, json};

use crate::client::{Answer, Ask};
use crate::observe::{collection, encoded};
use crate::provider::Kubernetes;
use crate::trouble;

/// Group, version and kind.
type KindKey = (String, String, String);

impl Kubernetes {
    pub(crate) async fn probe_one(&self, gate: &Gate, object: &ObjectLocator) -> Result<GateState, Trouble> {
        if gate.probe == Probe::Joined {
            return Ok(GateState::Open);
        }
        let own = match self.connections.get_object(object).await {
            Err(trouble) if trouble.code == "not_served" => None,
            Err(trouble) => return Err(trouble),
            Ok(found) => found,
        };
        let Some(own) = own else {
            return Ok(if gate.probe == Probe::Gone {
                GateState::Open
            } else {
                GateState::Closed(format!("{} is not there yet", Locator::Object(object.clone())))
            });
        };
        let mut seen = vec![own.body];
        match &gate.probe {
            Probe::Joined | Probe::Gone => {}
            Probe::Ready => self.surroundings(object, &mut seen).await,
            Probe::Established { versions } => {
                if let Some(closed) = self.not_served_yet(object, &seen[0], versions).await {
                    return Ok(closed);
                }
            }
            Probe::WebhookAnswers { webhook } => {
                self.webhooks(object, webhook.as_deref(), &mut seen).await?;
            }
            Probe::Allocatable { .. } => {
                if let Ok(nodes) =
                    self.connections.all_items(&object.cluster, &collection("", "v1", "nodes", None)).await
                {
                    seen.extend(nodes.into_iter().map(|live| live.body));
                }
            }
        }
        let state = self.rules.gate(gate, &seen);
        if state == GateState::Open && gate.probe == Probe::Ready && object.kind == "APIService" {
            return Ok(self.served_behind(object, &seen[0]).await);
        }
        Ok(state)
    }

    /// `Available` is found out by a call of its own, for which the aggregator needs no CA; only an answer by way of the API
    /// server proves an aggregated API.
    async fn served_behind(&self, object: &ObjectLocator, service: &Json) -> GateState {
        let text = |pointer: &str| service.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let path = format!("/apis/{}/{}", encoded(text("/spec/group")), encoded(text("/spec/version")));
        match self.connections.ask(&object.cluster, &Ask::get(path.clone())).await {
            Ok(answer) if answer.status == 200 => GateState::Open,
            Ok(answer) => GateState::Closed(format!(
                "`{path}` is answered with HTTP {}: {}{}",
                answer.status,
                trouble::message(&answer.body),
                if text("/spec/caBundle").is_empty() { "; it has no CA bundle yet" } else { "" }
            )),
            Err(trouble) => GateState::Closed(trouble.message),
        }
    }

    /// What helps to judge an object, or to say why it is not ready: the pods of a workload that is not, and the endpoints of
    /// a Service that has an address.
    async fn surroundings(&self, object: &ObjectLocator, seen: &mut Vec<Json>) {
        let Some(own) = seen.first().cloned() else { return };
        let state = is_ready(&own);
        let text = |pointer: &str| own.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let namespace = object.namespace.as_deref().unwrap_or_default();
        if state == GateState::Open && object.kind == "Service" && text("/spec/type") == "LoadBalancer" {
            let place = endpoints(object, namespace, &object.name);
            seen.extend(self.connections.get_object(&place).await.ok().flatten().map(|live| live.body));
        }
        let labels = own.pointer("/spec/selector/matchLabels").and_then(Json::as_object);
        if let (GateState::Closed(_), Some(labels)) = (state, labels.filter(|_| object.group == "apps")) {
            let wanted: Vec<String> =
                labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
            let base = collection("", "v1", "pods", Some(namespace));
            let base = format!("{base}?labelSelector={}", encoded(&wanted.join(",")));
            // Pods only explain; that they cannot be seen changes nothing.
            if let Ok(pods) = self.connections.all_items(&object.cluster, &base).await {
                seen.extend(pods.into_iter().map(|live| live.body));
            }
        }
    }

    /// The endpoints behind webhooks, and, once these could answer, what came of trying them.
    async fn webhooks(&self, object: &ObjectLocator, only: Option<&str>, seen: &mut Vec<Json>) -> Result<(), Trouble> {
        let Some(configuration) = seen.first().cloned() else { return Ok(()) };
        let places: Vec<ObjectLocator> =
            services(&configuration, only).iter().map(|(namespace, name)| endpoints(object, namespace, name)).collect();
        let found = join_all(places.iter().map(|place| self.connections.get_object(place))).await;
        for endpoints in found {
            seen.extend(endpoints?.map(|live| live.body));
        }
        let gate = Gate {
            locator: Locator::Object(object.clone()),
            probe: Probe::WebhookAnswers { webhook: only.map(ToOwned::to_owned) },
            timeout: 0,
            why: String::new(),
        };
        // Trying what cannot answer yet would only fill the server's log.
        if matches!(self.rules.gate(&gate, seen), GateState::Closed(_)) {
            return Ok(());
        }
        let namespaces = self.connections.all_items(&object.cluster, &collection("", "v1", "namespaces", None)).await;
        let namespaces: Vec<Json> = namespaces.unwrap_or_default().into_iter().map(|live| live.body).collect();
        let webhooks = configuration.get("webhooks").and_then(Json::as_array);
        for webhook in webhooks.into_iter().flatten() {
            let name = webhook.get("name").and_then(Json::as_str).unwrap_or_default();
            if only.is_none_or(|only| only == name) {
                let (outcome, message) = match self.tried(object, &configuration, webhook, &namespaces).await {
                    Ok(outcome) => outcome,
                    Err(why) => (WebhookOutcome::Impossible, why),
                };
                seen.push(webhook_probe(name, outcome, &message));
            }
        }
        Ok(())
    }

    /// Tries one webhook with the smallest thing that it intercepts: by a dry run, or, where one of the webhooks that
    /// intercept it takes none, by a canary.
    async fn tried(
        &self,
        object: &ObjectLocator,
        configuration: &Json,
        webhook: &Json,
        namespaces: &[Json],
    ) -> Result<(WebhookOutcome, String), String> {
        let subjects = trial::subjects(webhook)?;
        let known = self.connections.discovered(&object.cluster).await.map_err(|trouble| trouble.message)?;
        let mut found = subjects.iter().find_map(|subject| meant(&known, subject));
        let groups: BTreeSet<&str> =
            subjects.iter().map(|it| it.group.as_str()).filter(|group| !group.is_empty()).collect();
        let mut groups = groups.into_iter();
        while let (None, Some(group)) = (&found, groups.next()) {
            let anew = self.connections.discovered_anew(&object.cluster, group).await;
            let anew = anew.map_err(|trouble| trouble.message)?;
            found = subjects.iter().find_map(|subject| meant(&anew, subject));
        }
        let Some(((group, version, kind), served, takes_dry_runs)) = found else {
            return Ok((WebhookOutcome::Early, "nothing that it intercepts is served yet".to_owned()));
        };
        let definition = definition_place(object, &format!("{}.{group}", served.plural));
        let schema = match kfplan_objects::identity::is_built_in(&group, &kind) {
            true => None,
            false => self
                .connections
                .get_object(&definition)
                .await
                .map_err(|trouble| trouble.message)?
                .and_then(|live| trial::schema_of(&live.body, &version)),
        };
        let served = trial::Served {
            group: group.clone(),
            version: version.clone(),
            kind: kind.clone(),
            plural: served.plural.clone(),
            namespaced: served.namespaced,
            schema,
        };
        let body = trial::trial(webhook, &served, namespaces)?;
        let namespace = body.pointer("/metadata/namespace").and_then(Json::as_str);
        let path = collection(&served.group, &served.version, &served.plural, namespace);
        let send = |how: &str| {
            let ask = Ask::create(format!("{path}?{how}fieldManager={}", trial::NAME), &body);
            async move { self.connections.ask(&object.cluster, &ask).await.map_err(|trouble| trouble.message) }
        };
        let name = webhook.get("name").and_then(Json::as_str).unwrap_or_default();
        let judge =
            |answer: &Answer| trial::outcome(configuration, name, answer.status, trouble::message(&answer.body));
        if takes_dry_runs {
            let answer = send("dryRun=All&").await?;
            if !trial::is_no_dry_run(answer.status, trouble::message(&answer.body)) {
                return Ok(judge(&answer));
            }
        }
        let answer = send("").await?;
        if answer.status < 300 || answer.status == 409 {
            self.take_away(object, &format!("{path}/{}", trial::NAME)).await?;
        }
        Ok(judge(&answer))
    }

    /// Takes a canary away. One that cannot be taken away is named beside the gate.
    async fn take_away(&self, object: &ObjectLocator, path: &str) -> Result<(), String> {
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
        let ask = Ask::delete(path.to_owned(), &options);
        let answer = self.connections.ask(&object.cluster, &ask).await.map_err(|trouble| trouble.message)?;
        match answer.status {
            200 | 202 | 404 => Ok(()),
            _ => Err(format!("the canary at `{path}` cannot be taken away: {}", trouble::message(&answer.body))),
        }
    }

    /// Established is not served: discovery may lag behind the condition.
    async fn not_served_yet(
        &self,
        object: &ObjectLocator,
        definition: &Json,
        versions: &[String],
    ) -> Option<GateState> {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
        for version in versions {
            if let Err(trouble) = self.connections.served(&object.cluster, group, version, kind).await {
                return Some(GateState::Closed(trouble.message));
            }
        }
        None
    }
}

/// The newest kind of a subject that a cluster serves, and whether it may be tried by a dry run.
fn meant(discovery: &Discovery, subject: &trial::Subject) -> Option<(KindKey, ServedKind, bool)> {
    let trial::Subject { group, versions, plural, takes_dry_runs } = subject;
    let mut kinds = discovery.kinds.iter().rev();
    let found = kinds.find(|((of, version, _), served)| {
        of == group
            && (plural == "*" || served.plural == *plural)
            && versions.iter().any(|it| it == "*" || it == version)
    });
    found.map(|(key, served)| (key.clone(), served.clone(), *takes_dry_runs))
}

/// The Services behind the webhooks of a configuration: namespace and name.
fn services(configuration: &Json, only: Option<&str>) -> Vec<(String, String)> {
    let webhooks = configuration.get("webhooks").and_then(Json::as_array);
    let mut services: Vec<(String, String)> = webhooks
        .into_iter()
        .flatten()
        .filter(|webhook| only.is_none_or(|only| webhook.get("name").and_then(Json::as_str) == Some(only)))
        .filter_map(|webhook| {
            let service = webhook.pointer("/clientConfig/service")?;
            Some((service.get("namespace")?.as_str()?.to_owned(), service.get("name")?.as_str()?.to_owned()))
        })
        .collect();
    services.sort();
    services.dedup();
    services
}

fn endpoints(beside: &ObjectLocator, namespace: &str, name: &str) -> ObjectLocator {
    ObjectLocator {
        cluster: beside.cluster.clone(),
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Endpoints".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

fn definition_place(beside: &ObjectLocator, name: &str) -> ObjectLocator {
    ObjectLocator {
        cluster: beside.cluster.clone(),
        group: "apiextensions.k8s.io".to_owned(),
        version: "v1".to_owned(),
        kind: "CustomResourceDefinition".to_owned(),
        namespace: None,
        name: name.to_owned(),
    }
}
