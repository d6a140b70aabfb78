//! Resources of any other type: kept as they are put.

use serde_json::{Value, json};

use super::cluster_body;
use super::dns;
use super::groups::page;
use super::operations::{Begin, Teller, Work};
use super::preconditions::Precondition;
use super::route::{Asked, no_group, no_resource, wrong_method};
use super::schema;
use super::state::{Arm, Object, Resource, State, group_key, object, text};
use super::time;
use super::wire::{Answer, Refusal, Style, body, put, styled};
use super::{regions, wire};
use crate::wire::Response;

/// Entries of a page.
const PAGE: usize = 100;

/// How long a provider takes that takes its time.
const WRITE: u64 = 15 * time::SECOND;

/// How a provider carries out a PUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// The answer is the end.
    AtOnce,
    /// The resource is there at once, and a status URL tells when it is done.
    ByStatus,
    /// Nothing is there until the result's URL says so.
    ByResult,
}

fn manner(spot: &Spot) -> Manner {
    let kind = spot.kind().to_ascii_lowercase();
    match kind.as_str() {
        "microsoft.storage/storageaccounts" => Manner::ByResult,
        "microsoft.network/virtualnetworks" | "microsoft.network/publicipaddresses" => Manner::ByStatus,
        "microsoft.network/networksecuritygroups" | "microsoft.operationalinsights/workspaces" => Manner::ByStatus,
        _ => Manner::AtOnce,
    }
}

/// A resource's place, read out of its path.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) subscription: String,
    pub(crate) group: Option<String>,
    pub(crate) namespace: String,
    /// Types and names in turn.
    pub(crate) pairs: Vec<(String, String)>,
    /// The type of a collection that is asked for as a whole.
    collection: Option<String>,
}

impl Spot {
    fn read(subscription: &str, sent: &[&str]) -> Option<Spot> {
        let at = sent.iter().position(|part| part.eq_ignore_ascii_case("providers"))?;
        let group = (at == 4).then(|| sent.get(3).copied().unwrap_or_default().to_owned());
        let namespace = (*sent.get(at + 1)?).to_owned();
        let mut pairs = Vec::new();
        let mut rest = sent.get(at + 2..)?.iter();
        let collection = loop {
            match (rest.next(), rest.next()) {
                (Some(kind), Some(name)) => pairs.push(((*kind).to_owned(), (*name).to_owned())),
                (Some(kind), None) => break Some((*kind).to_owned()),
                _ => break None,
            }
        };
        Some(Spot { subscription: subscription.to_owned(), group, namespace, pairs, collection })
    }

    pub(crate) fn kind(&self) -> String {
        let types: Vec<&str> = self.pairs.iter().map(|(kind, _)| kind.as_str()).collect();
        format!("{}/{}", self.namespace, types.join("/"))
    }

    pub(crate) fn name(&self) -> &str {
        self.pairs.last().map_or("", |(_, name)| name)
    }

    pub(crate) fn id(&self) -> String {
        self.id_of(self.pairs.len())
    }

    fn id_of(&self, pairs: usize) -> String {
        let group = self.group.as_ref().map(|group| format!("/resourceGroups/{group}")).unwrap_or_default();
        let tail: String = self.pairs.iter().take(pairs).map(|(kind, name)| format!("/{kind}/{name}")).collect();
        format!("/subscriptions/{}{group}/providers/{}{tail}", self.subscription, self.namespace)
    }

    pub(crate) fn key(&self) -> String {
        self.id().to_ascii_lowercase()
    }
}

impl Resource {
    pub(crate) fn render(&self) -> Value {
        let mut body = Value::Object(self.body.clone());
        let tail = self.id.split("/providers/").nth(1).unwrap_or_default();
        let mut parts = tail.split('/');
        let namespace = parts.next().unwrap_or_default();
        let (mut types, mut name) = (String::new(), "");
        while let (Some(kind), Some(next)) = (parts.next(), parts.next()) {
            types = format!("{types}/{kind}");
            name = next;
        }
        put(&mut body, "id", json!(self.id));
        put(&mut body, "name", json!(name));
        put(&mut body, "type", json!(format!("{namespace}{types}")));
        body
    }
}

impl Arm {
    pub(crate) fn generic(&mut self, asked: &Asked<'_>, lower: &[&str], sent: &[&str]) -> Answer {
        if let Some(id) = dns::status_of(lower, sent) {
            return self.dns_status(asked.now, asked.request, id);
        }
        let spot =
            Spot::read(&asked.subscription, sent).filter(|spot| !spot.pairs.is_empty() || spot.collection.is_some());
        let Some(spot) = spot else {
            return Err(Refusal::arm(404, "InvalidResourceType", "The resource type could not be found in the path."));
        };
        if let Some(group) = &spot.group {
            self.groups.get(&group_key(&asked.subscription, group)).ok_or_else(|| no_group(group))?;
        }
        if dns::is_dns(&spot) && spot.collection.is_none() {
            return self.dns(asked, &spot);
        }
        match (asked.method, &spot.collection) {
            ("GET", Some(_)) => self.list_kind(asked, &spot),
            (_, Some(_)) => Err(wrong_method(asked.request)),
            ("GET", None) => {
                let found = self.resources.get(&spot.key()).ok_or_else(|| absent(&spot))?;
                Ok(with_etag(styled(200, Style::Arm, &shown(found)), &found.etag))
            }
            ("HEAD", None) => Ok(Response::empty(if self.resources.contains_key(&spot.key()) { 204 } else { 404 })),
            ("PUT" | "PATCH", None) => self.put_generic(asked, &spot),
            ("DELETE", None) => {
                if self.condition(asked, &spot)? != Precondition::Holds {
                    return Err(condition_failed(spot.name()));
                }
                let gone = self.remove_resource(&spot.key());
                Ok(Response::empty(if gone { 200 } else { 204 }))
            }
            _ => Err(wrong_method(asked.request)),
        }
    }

    /// Takes a resource away, and what lies inside it.
    pub(crate) fn remove_resource(&mut self, key: &str) -> bool {
        let inside = format!("{key}/");
        self.resources.retain(|id, _| !id.starts_with(&inside));
        self.resources.remove(key).is_some()
    }

    /// Compares preconditions with the resource that is there.
    pub(crate) fn condition(&mut self, asked: &Asked<'_>, spot: &Spot) -> Result<Precondition, Refusal> {
        let etag = self.resources.get(&spot.key()).map(|found| found.etag.clone());
        Ok(self.precondition(asked.request, etag.as_ref().map(|etag| Some(etag.as_str()))))
    }

    /// What has to be there before a resource can be written.
    pub(crate) fn check_ground(&self, asked: &Asked<'_>, spot: &Spot) -> Result<(), Refusal> {
        self.check_registered(&asked.subscription, &spot.namespace)?;
        if let Some(group) = &spot.group {
            self.living_group(&asked.subscription, group)?;
        }
        let parent = spot.id_of(spot.pairs.len().saturating_sub(1));
        let key = parent.to_ascii_lowercase();
        if spot.pairs.len() > 1 && !self.resources.contains_key(&key) && !self.clusters.contains_key(&key) {
            let message = format!(
                "Failed to perform 'write' on resource(s) of type '{}', because the parent resource '{parent}' could \
                 not be found.",
                spot.kind().split_once('/').map_or("", |(_, kind)| kind)
            );
            return Err(Refusal::arm(404, "ParentResourceNotFound", message));
        }
        Ok(())
    }

    fn put_generic(&mut self, asked: &Asked<'_>, spot: &Spot) -> Answer {
        let sent = schema::without_nulls(body(asked.request)?);
        self.check_ground(asked, spot)?;
        let location = text(&sent, "location");
        if !location.is_empty() && !location.eq_ignore_ascii_case("global") && regions::canonical(location).is_none() {
            let message = format!(
                "The provided location '{location}' is not available for resource type '{}'. List of available regions \
                 for the resource type is '{}'.",
                spot.kind(),
                regions::names()
            );
            return Err(Refusal::arm(400, "LocationNotAvailableForResourceType", message));
        }
        cluster_body::tags(&sent)?;
        if self.condition(asked, spot)? != Precondition::Holds {
            return Err(condition_failed(spot.name()));
        }
        let key = spot.key();
        let writes = |work: &Work| matches!(work, Work::Settle(running, _) if *running == key);
        if self.operations.values().any(|operation| !operation.done && writes(&operation.work)) {
            let message = format!("Another operation on '{}' is in progress. Retry after it has ended.", spot.name());
            return Err(Refusal::arm(409, "AnotherOperationInProgress", message));
        }
        let before = self.resources.get(&spot.key()).cloned();
        if asked.method == "PATCH" && before.is_none() {
            return Err(absent(spot));
        }
        let status = if before.is_some() { 200 } else { 201 };
        let made_up = before.as_ref().map(|before| object(&before.body, "properties"));
        let mut stored = match (&before, asked.method) {
            (Some(before), "PATCH") => {
                let mut merged = before.body.clone();
                cluster_body::merge(&mut merged, &sent);
                merged
            }
            _ => sent,
        };
        for key in ["id", "name", "type", "etag", "eTag", "systemData"] {
            stored.remove(key);
        }
        self.complete_properties(spot, &mut stored, made_up.as_ref());
        let id = before.as_ref().map_or_else(|| spot.id(), |before| before.id.clone());
        let etag = self.dice.guid();
        let resource = Resource { id, body: stored, etag, deleting: false };
        match manner(spot) {
            Manner::AtOnce => {
                let answer = with_etag(styled(status, Style::Arm, &shown(&resource)), &resource.etag);
                self.resources.insert(spot.key(), resource);
                Ok(answer)
            }
            Manner::ByResult if before.is_some() => {
                let answer = styled(200, Style::Arm, &shown(&resource));
                self.resources.insert(spot.key(), resource);
                Ok(answer)
            }
            Manner::ByResult => {
                let id = self.begin_generic(asked, spot, Teller::Monitor, &resource);
                let location = self.result_url(&asked.request.base, &id, asked.now);
                Ok(Response::empty(202).with("location", location).with("retry-after", "5"))
            }
            Manner::ByStatus => {
                let id = self.begin_generic(asked, spot, Teller::Status, &resource);
                let mut running = resource;
                if let Some(properties) = running.body.get_mut("properties") {
                    put(properties, "provisioningState", json!("Updating"));
                }
                let answer = styled(status, Style::Arm, &shown(&running));
                self.resources.insert(spot.key(), running);
                Ok(self.announce(answer, &asked.request.base, &id, asked.now))
            }
        }
    }

    /// Begins to write a resource whose provider takes its time.
    fn begin_generic(&mut self, asked: &Asked<'_>, spot: &Spot, teller: Teller, resource: &Resource) -> String {
        let mut body = Value::Object(resource.body.clone());
        put(&mut body, "id", json!(resource.id));
        let region = regions::canonical(text(&resource.body, "location")).unwrap_or("global");
        let place = format!("{}/{region}", spot.namespace);
        let work = Work::Settle(spot.key(), Some(body));
        self.begin(asked.now, Begin { subscription: &asked.subscription, place: &place, teller, work, lasts: WRITE })
    }

    /// The resource that an operation has made.
    pub(crate) fn shown_resource(&self, key: &str) -> Answer {
        match self.resources.get(key) {
            Some(found) => Ok(with_etag(styled(200, Style::Arm, &shown(found)), &found.etag)),
            None => Ok(Response::empty(204)),
        }
    }

    fn complete_properties(&mut self, spot: &Spot, stored: &mut Object, before: Option<&Object>) {
        let properties = stored.entry("properties").or_insert(json!({}));
        wire::put(properties, "provisioningState", json!("Succeeded"));
        if spot.kind().eq_ignore_ascii_case("Microsoft.ManagedIdentity/userAssignedIdentities") {
            for key in ["clientId", "principalId"] {
                let known = before.and_then(|before| before.get(key)).cloned();
                let value = known.unwrap_or_else(|| json!(self.dice.guid()));
                wire::put(properties, key, value);
            }
            wire::put(properties, "tenantId", json!(self.settings.tenant));
        }
    }

    fn list_kind(&mut self, asked: &Asked<'_>, spot: &Spot) -> Answer {
        let collection = spot.collection.clone().unwrap_or_default();
        let kind = format!("/providers/{}/", spot.namespace).to_ascii_lowercase();
        let base = match &spot.group {
            Some(_) => format!("{}/{collection}/", spot.id_of(spot.pairs.len())).to_ascii_lowercase(),
            None => format!("/subscriptions/{}/", spot.subscription).to_ascii_lowercase(),
        };
        let wanted = format!("{kind}{collection}/").to_ascii_lowercase();
        let found = self.resources.iter().filter(|(key, _)| match &spot.group {
            Some(_) => key.strip_prefix(&base).is_some_and(|tail| !tail.contains('/')),
            None => {
                let tail = key.split(&wanted).nth(1);
                key.starts_with(&base) && tail.is_some_and(|tail| !tail.contains('/'))
            }
        });
        let all: Vec<Value> = found.map(|(_, resource)| shown(resource)).collect();
        Ok(styled(200, Style::Arm, &page(all, PAGE, asked.request, false)))
    }

    /// A resource of another provider becomes as its operation wanted, or goes.
    pub(crate) fn settle(&mut self, key: &str, body: Option<Value>) {
        let etag = self.dice.guid();
        match body {
            Some(Value::Object(mut body)) => {
                let id = body.remove("id").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
                self.resources.insert(key.to_owned(), Resource { id, body, etag, deleting: false });
            }
            _ => {
                self.remove_resource(key);
            }
        }
    }
}

impl Arm {
    /// A write that did not succeed leaves the resource, where it was there meanwhile, saying so.
    pub(crate) fn unsettle(&mut self, key: &str, state: State) {
        let properties = self.resources.get_mut(key).and_then(|resource| resource.body.get_mut("properties"));
        if let Some(properties) = properties.filter(|known| known.get("provisioningState") == Some(&json!("Updating")))
        {
            put(properties, "provisioningState", json!(state.word()));
        }
    }
}

fn shown(resource: &Resource) -> Value {
    let mut body = resource.render();
    put(&mut body, "etag", json!(resource.etag));
    body
}

fn with_etag(answer: Response, etag: &str) -> Response {
    answer.with("etag", etag)
}

fn absent(spot: &Spot) -> Refusal {
    let kind = spot.kind();
    let group = spot.group.as_deref().unwrap_or_default();
    match spot.pairs.len() {
        1 => no_resource(&kind, spot.name(), group),
        _ => {
            let path: Vec<String> = spot.pairs.iter().map(|(kind, name)| format!("{kind}/{name}")).collect();
            let path = format!("{}/{}", spot.namespace, path.join("/"));
            let (kind, name) = path.rsplit_once('/').unwrap_or((&path, ""));
            no_resource(kind, name, group)
        }
    }
}

fn condition_failed(name: &str) -> Refusal {
    let message =
        format!("The condition specified using HTTP conditional header(s) is not met: '{name}' has been modified.");
    Refusal::arm(412, "PreconditionFailed", message)
}
