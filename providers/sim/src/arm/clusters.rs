//! Requests on clusters.

use serde_json::{Value, json};

use super::cluster_body::{self, Site};
use super::faults::busy;
use super::operations::{Begin, Outcome, Teller, Work};
use super::preconditions::Precondition;
use super::route::{Asked, no_group, no_resource, wrong_method};
use super::state::{Arm, Cluster, Object, State, cluster_key, group_key, text};
use super::time;
use super::wire::{Answer, Refusal, Style, body, put, styled};
use crate::fleet::Fleet;
use crate::wire::Response;

/// How long things take in reality.
const CREATE: u64 = 4 * time::MINUTE;
const UPDATE: u64 = time::MINUTE;
const UPGRADE: u64 = 5 * time::MINUTE;
const TAGS: u64 = 10 * time::SECOND;
const DELETE: u64 = 3 * time::MINUTE;
const ABORT: u64 = 30 * time::SECOND;

/// Members that a cluster's body may have.
const MEMBERS: [&str; 13] = [
    "id",
    "name",
    "type",
    "kind",
    "location",
    "tags",
    "identity",
    "sku",
    "properties",
    "eTag",
    "extendedLocation",
    "systemData",
    "zones",
];

/// The name of a cluster, and where it lies.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) group: &'a str,
    pub(crate) cluster: &'a str,
    pub(crate) key: String,
}

impl Arm {
    /// Answers everything below `managedClusters` of a group.
    pub(crate) fn aks(&mut self, asked: &Asked<'_>, rest: &[&str], sent: &[&str], fleet: &mut dyn Fleet) -> Answer {
        let name = |at: usize| sent.get(at).copied().unwrap_or_default();
        let (group, cluster) = (name(3), name(7));
        let place = Place { group, cluster, key: cluster_key(&asked.subscription, group, cluster) };
        match (asked.method, rest) {
            ("GET", []) => self.list_clusters(asked, Some(group)),
            (_, [_]) => self.cluster(asked, &place, fleet),
            ("GET", [_, "agentpools"]) => self.list_pools(asked, &place),
            (_, [_, "agentpools", _]) => self.pool(asked, &place, name(9)),
            ("POST", [_, "agentpools", _, "abort"]) => self.abort(asked, &place, Some(name(9))),
            ("GET", [_, "agentpools", _, "upgradeprofiles", "default"]) => self.pool_upgrades(asked, &place, name(9)),
            ("POST", [_, "abort"]) => self.abort(asked, &place, None),
            ("POST", [_, "listclusterusercredential"]) => self.credentials(asked, &place, false, fleet),
            ("POST", [_, "listclusteradmincredential"]) => self.credentials(asked, &place, true, fleet),
            ("GET", [_, "upgradeprofiles", "default"]) => self.cluster_upgrades(asked, &place),
            ("GET", [_, "availableagentpoolversions"]) => self.pool_versions(asked, &place),
            _ => {
                self.found(asked, &place)?;
                Err(wrong_method(asked.request))
            }
        }
    }

    /// The cluster, or ARM's word that it is not there: AKS is never asked.
    pub(crate) fn found(&self, asked: &Asked<'_>, place: &Place<'_>) -> Result<&Cluster, Refusal> {
        if !self.groups.contains_key(&group_key(&asked.subscription, place.group)) {
            return Err(no_group(place.group));
        }
        self.clusters
            .get(&place.key)
            .ok_or_else(|| no_resource("Microsoft.ContainerService/managedClusters", place.cluster, place.group))
    }

    fn cluster(&mut self, asked: &Asked<'_>, place: &Place<'_>, fleet: &mut dyn Fleet) -> Answer {
        match asked.method {
            "GET" => {
                let body = self.found(asked, place)?.render();
                Ok(self.aks_body(200, body))
            }
            "PUT" => self.put_cluster(asked, place, fleet),
            "PATCH" => self.patch_cluster(asked, place),
            "DELETE" => self.delete_cluster(asked, place),
            _ => Err(wrong_method(asked.request)),
        }
    }

    /// A body of AKS, without eTags where a fault takes them.
    pub(crate) fn aks_body(&mut self, status: u16, mut body: Value) -> Response {
        if self.struck(super::faults::Stage::Body).is_some() {
            strip_etags(&mut body);
        }
        styled(status, Style::Aks, &body)
    }

    fn put_cluster(&mut self, asked: &Asked<'_>, place: &Place<'_>, fleet: &mut dyn Fleet) -> Answer {
        let sent = body(asked.request)?;
        self.living_group(&asked.subscription, place.group)?;
        self.check_registered(&asked.subscription, "Microsoft.ContainerService")?;
        check_members(&sent)?;
        let location = match text(&sent, "location") {
            "" => {
                return Err(Refusal::arm(
                    400,
                    "LocationRequired",
                    "The location property is required for this definition.",
                ));
            }
            stated => self.region(stated)?,
        };
        let there = self.clusters.get(&place.key).map(|cluster| cluster.etag.clone());
        let there = there.as_ref().map(|etag| etag.as_deref());
        let condition = self.precondition(asked.request, there);
        if condition == Precondition::Failed {
            return Err(precondition_failed(place.cluster));
        }
        match self.clusters.get(&place.key).cloned() {
            None if condition == Precondition::FailsLater => Err(precondition_failed(place.cluster)),
            None => self.create_cluster(asked, place, &sent, location, fleet),
            Some(before) if condition == Precondition::FailsLater => self.accept_to_fail(asked, &before),
            Some(before) => self.update_cluster(asked, place, &sent, location, before),
        }
    }

    fn create_cluster(
        &mut self,
        asked: &Asked<'_>,
        place: &Place<'_>,
        sent: &Object,
        location: &str,
        fleet: &mut dyn Fleet,
    ) -> Answer {
        let group = self.groups.get(&group_key(&asked.subscription, place.group)).map(|group| group.name.clone());
        let group = group.ok_or_else(|| no_group(place.group))?;
        let tenant = self.settings.tenant.clone();
        let site = Site {
            now: asked.now,
            tenant: &tenant,
            subscription: &asked.subscription,
            group: &group,
            name: place.cluster,
            location,
        };
        let mut cluster = cluster_body::create(sent, &site, &mut self.dice)?;
        let nodes = group_key(&asked.subscription, cluster.node_group());
        if self.groups.contains_key(&nodes) {
            let message = format!("The node resource group '{}' already exists.", cluster.node_group());
            return Err(Refusal::aks(400, "NodeResourceGroupAlreadyExists", message).at("nodeResourceGroup"));
        }
        self.check_quota((&asked.subscription, location), &place.key, &cluster.pools)?;
        let work = Work::CreateCluster(place.key.clone());
        let id = self.begin_aks(asked, location, work, CREATE);
        cluster.operation = Some(id.clone());
        let mut answer = cluster.render();
        show_empty_members(&mut answer, sent);
        self.clusters.insert(place.key.clone(), cluster);
        self.furnish(asked.now, &place.key, fleet);
        let answer = styled(201, Style::Aks, &answer);
        Ok(self.announce(answer, &asked.request.base, &id, asked.now))
    }

    fn update_cluster(
        &mut self,
        asked: &Asked<'_>,
        place: &Place<'_>,
        sent: &Object,
        location: &str,
        before: Cluster,
    ) -> Answer {
        if before.location != location {
            let message = format!(
                "The resource '{}' already exists in location '{}' in resource group '{}'. A resource with the same \
                 name cannot be created in location '{location}'. Please select a new resource name.",
                before.name, before.location, before.group
            );
            return Err(Refusal::arm(409, "InvalidResourceLocation", message));
        }
        self.check_free(&before)?;
        let tenant = self.settings.tenant.clone();
        let site = Site {
            now: asked.now,
            tenant: &tenant,
            subscription: &asked.subscription,
            group: &before.group,
            name: &before.name,
            location,
        };
        let mut cluster = cluster_body::update(sent, &before, &site, &mut self.dice)?;
        self.check_quota((&asked.subscription, location), &place.key, &cluster.pools)?;
        let version = |of: &Cluster| text(&of.properties, "currentKubernetesVersion").to_owned();
        let lasts = if before.is_established() {
            if version(&before) == version(&cluster) { UPDATE } else { UPGRADE }
        } else {
            CREATE
        };
        let id = self.begin_aks(asked, location, Work::UpdateCluster(place.key.clone()), lasts);
        cluster.state = State::Updating;
        for pool in &mut cluster.pools {
            pool.state = State::Updating;
        }
        cluster.operation = Some(id.clone());
        self.clusters.insert(place.key.clone(), cluster);
        self.touch(&place.key, None);
        let body = self.found(asked, place)?.render();
        let answer = self.aks_body(200, body);
        Ok(self.announce(answer, &asked.request.base, &id, asked.now))
    }

    /// Accepts a PUT whose precondition does not hold: it changes nothing, and its operation fails.
    fn accept_to_fail(&mut self, asked: &Asked<'_>, before: &Cluster) -> Answer {
        let id = self.begin_aks(asked, &before.location, Work::Nothing, TAGS);
        let message = format!("The managed cluster {} has been modified (etag mismatch).", before.name);
        self.doom(&id, "PreconditionFailed", &message);
        let answer = self.aks_body(200, before.render());
        Ok(self.announce(answer, &asked.request.base, &id, asked.now))
    }

    fn patch_cluster(&mut self, asked: &Asked<'_>, place: &Place<'_>) -> Answer {
        let sent = body(asked.request)?;
        if let Some(other) = sent.keys().find(|key| *key != "tags") {
            let message = format!("A PATCH of a managed cluster changes tags only, not '{other}'.");
            return Err(Refusal::aks(400, "BadRequest", message).at(other));
        }
        let cluster = self.found(asked, place)?.clone();
        if self.precondition(asked.request, Some(cluster.etag.as_deref())) != Precondition::Holds {
            return Err(precondition_failed(place.cluster));
        }
        self.check_free(&cluster)?;
        let tags = cluster_body::tags(&sent)?;
        let id = self.begin_aks(asked, &cluster.location, Work::UpdateCluster(place.key.clone()), TAGS);
        if let Some(cluster) = self.clusters.get_mut(&place.key) {
            cluster.tags = tags;
            cluster.state = State::Updating;
            cluster.operation = Some(id.clone());
        }
        self.touch(&place.key, None);
        let body = self.found(asked, place)?.render();
        let answer = self.aks_body(200, body);
        Ok(self.announce(answer, &asked.request.base, &id, asked.now))
    }

    fn delete_cluster(&mut self, asked: &Asked<'_>, place: &Place<'_>) -> Answer {
        let cluster = match self.found(asked, place) {
            Ok(cluster) => cluster.clone(),
            Err(refusal) if refusal.code() == "ResourceNotFound" => return Ok(Response::empty(204)),
            Err(refusal) => return Err(refusal),
        };
        if self.precondition(asked.request, Some(cluster.etag.as_deref())) != Precondition::Holds {
            return Err(precondition_failed(place.cluster));
        }
        let again = cluster.operation.clone().filter(|_| cluster.state == State::Deleting);
        let id = match again {
            Some(id) => id,
            None => {
                self.check_free(&cluster)?;
                let work = Work::DeleteCluster(place.key.clone());
                self.begin_aks(asked, &cluster.location, work, DELETE)
            }
        };
        if let Some(cluster) = self.clusters.get_mut(&place.key) {
            cluster.state = State::Deleting;
            cluster.operation = Some(id.clone());
            for pool in &mut cluster.pools {
                pool.state = State::Deleting;
            }
        }
        Ok(self.accepted(asked, &id, Response::empty(202)))
    }

    /// Aborts what runs on a cluster or on one of its pools.
    fn abort(&mut self, asked: &Asked<'_>, place: &Place<'_>, pool: Option<&str>) -> Answer {
        let cluster = self.found(asked, place)?.clone();
        let running = cluster.operation.as_ref().and_then(|id| self.operations.get(id)).cloned();
        let fits = running.filter(|operation| match (&operation.work, pool) {
            (Work::CreateCluster(_) | Work::UpdateCluster(_), None) => true,
            (Work::CreatePool(_, on) | Work::UpdatePool(_, on), Some(pool)) => on.eq_ignore_ascii_case(pool),
            (Work::CreatePool(..) | Work::UpdatePool(..), None) => true,
            _ => false,
        });
        let Some(operation) = fits else {
            let message = format!("There is no operation on '{}' that can be aborted.", pool.unwrap_or(place.cluster));
            return Err(Refusal::aks(400, "OperationNotAllowed", message));
        };
        if let Some(ends) = operation.ends {
            self.due.remove(&(ends, operation.id.clone()));
        }
        let aborted = Some(operation.id.clone());
        let key = place.key.clone();
        let work = match operation.work {
            Work::CreatePool(_, pool) | Work::UpdatePool(_, pool) => Work::AbortPool { cluster: key, pool, aborted },
            _ => Work::AbortCluster { cluster: key, aborted },
        };
        let id = self.begin_aks(asked, &cluster.location, work, ABORT);
        if let Some(operation) = self.operations.get_mut(&id).filter(|operation| operation.ends.is_some()) {
            operation.outcome = Outcome::Succeeded;
        }
        if let Some(cluster) = self.clusters.get_mut(&place.key) {
            cluster.operation = Some(id.clone());
        }
        let mut body = cluster.render();
        if let Some(properties) = body.get_mut("properties") {
            put(properties, "addonProfiles", inner_addons());
        }
        let answer = styled(202, Style::Aks, &body);
        Ok(self.accepted(asked, &id, answer))
    }

    /// Refuses a write while something runs on the cluster or on one of its pools.
    pub(crate) fn check_free(&self, cluster: &Cluster) -> Result<(), Refusal> {
        if cluster.state == State::Deleting {
            return Err(busy(&format!("{} - Deleting", cluster.name)));
        }
        let running = cluster.operation.as_ref().and_then(|id| self.operations.get(id)).filter(|running| !running.done);
        let Some(running) = running else { return Ok(()) };
        Err(busy(&match &running.work {
            Work::CreatePool(_, pool) => format!("{pool} - Creating"),
            Work::UpdatePool(_, pool) => format!("{pool} - Updating"),
            Work::DeletePool(_, pool) => format!("{pool} - Deleting"),
            Work::AbortPool { pool, .. } => format!("{pool} - Aborting"),
            Work::AbortCluster { .. } => format!("{} - Aborting", cluster.name),
            _ => format!("{} - {}", cluster.name, cluster.state.word()),
        }))
    }

    pub(crate) fn begin_aks(&mut self, asked: &Asked<'_>, location: &str, work: Work, lasts: u64) -> String {
        let begin = Begin { subscription: &asked.subscription, place: location, teller: Teller::Aks, work, lasts };
        self.begin(asked.now, begin)
    }

    /// The two headers of a DELETE and an abort.
    pub(crate) fn accepted(&self, asked: &Asked<'_>, id: &str, answer: Response) -> Response {
        let answer = self.announce(answer, &asked.request.base, id, asked.now);
        answer.with("location", self.result_url(&asked.request.base, id, asked.now))
    }
}

/// The add-ons of AKS's inside that only an abort lets out.
fn inner_addons() -> Value {
    let inner = ["image-cleaner", "keda", "overlay-upgrade-data", "trustedaccess", "workload-identity"];
    let all = inner.map(|name| (name.to_owned(), json!({"enabled": true, "config": {"addonv2": "true"}})));
    Value::Object(all.into_iter().collect())
}

/// The answer to a create shows labels of its pools though there are none, and tags where they were sent empty.
fn show_empty_members(answer: &mut Value, sent: &Object) {
    let sent = sent.get("properties").and_then(|properties| properties.get("agentPoolProfiles"));
    let sent = sent.and_then(Value::as_array).cloned().unwrap_or_default();
    let pools = answer.pointer_mut("/properties/agentPoolProfiles").and_then(Value::as_array_mut);
    for (pool, sent) in pools.into_iter().flatten().zip(sent) {
        if pool.get("nodeLabels").is_none() {
            put(pool, "nodeLabels", json!({}));
        }
        if sent.get("tags") == Some(&json!({})) {
            put(pool, "tags", json!({}));
        }
    }
}

fn check_members(sent: &Object) -> Result<(), Refusal> {
    match sent.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let message = format!("UnmarshalEntity encountered error: json: unknown field \"{key}\".");
            Err(Refusal::aks(400, "UnmarshalError", message))
        }
    }
}

fn strip_etags(body: &mut Value) {
    match body {
        Value::Object(map) => {
            map.remove("eTag");
            map.values_mut().for_each(strip_etags);
        }
        Value::Array(list) => list.iter_mut().for_each(strip_etags),
        _ => {}
    }
}

/// The precondition does not hold.
pub(crate) fn precondition_failed(name: &str) -> Refusal {
    let message = format!("The resource {name} has been modified, or is there already (etag mismatch).");
    Refusal::aks(412, "PreconditionFailed", message)
}
