//! Looking whether a gate is open: gathers what it needs, and lets the rules judge.

use futures::future::join_all;
use kfplan_plan::{Gate, GateState, Locator, ObjectLocator, Probe, Rules as _, Trouble};
use serde_json::Value as Json;

use crate::observe::collection;
use crate::provider::Kubernetes;

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
            Probe::Joined | Probe::Ready | Probe::Gone => {}
            Probe::Established { versions } => {
                if let Some(closed) = self.not_served_yet(object, &seen[0], versions).await {
                    return Ok(closed);
                }
            }
            Probe::WebhookAnswers { webhook } => {
                let services = services(&seen[0], webhook.as_deref());
                let places: Vec<ObjectLocator> =
                    services.iter().map(|(namespace, name)| endpoints(object, namespace, name)).collect();
                let found = join_all(places.iter().map(|place| self.connections.get_object(place))).await;
                for endpoints in found {
                    seen.extend(endpoints?.map(|live| live.body));
                }
            }
            Probe::Allocatable { .. } => {
                if let Ok(nodes) =
                    self.connections.all_items(&object.cluster, &collection("", "v1", "nodes", None)).await
                {
                    seen.extend(nodes.into_iter().map(|live| live.body));
                }
            }
        }
        Ok(self.rules.gate(gate, &seen))
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
