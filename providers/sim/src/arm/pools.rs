//! Requests on the pools of a cluster.

use serde_json::{Value, json};

use super::cluster_body::{Days, pool_ground};
use super::clusters::{Place, precondition_failed};
use super::groups::page;
use super::operations::Work;
use super::pool_body;
use super::preconditions::Precondition;
use super::profiles::upgrade_profile;
use super::route::{Asked, wrong_method};
use super::state::{Arm, Cluster, Object, Pool, State, object};
use super::time;
use super::versions::Version;
use super::wire::{Answer, Refusal, Style, body, put, styled};
use crate::wire::Response;

/// How long things take in reality.
const CREATE: u64 = 150 * time::SECOND;
const BOUNDS: u64 = 8 * time::SECOND;
const SCALE: u64 = 90 * time::SECOND;
const UPGRADE: u64 = 3 * time::MINUTE;
const DELETE: u64 = 30 * time::SECOND;
/// Entries of a page of pools: small, so that a client which stops at the first page is wrong.
const PAGE: usize = 3;

impl Arm {
    pub(crate) fn list_pools(&mut self, asked: &Asked<'_>, place: &Place<'_>) -> Answer {
        let cluster = self.found(asked, place)?;
        let all: Vec<Value> = cluster.pools.iter().map(|pool| cluster.render_pool(pool)).collect();
        let body = page(all, PAGE, asked.request, true);
        Ok(self.aks_body(200, body))
    }

    pub(crate) fn pool(&mut self, asked: &Asked<'_>, place: &Place<'_>, name: &str) -> Answer {
        match asked.method {
            "GET" => {
                let cluster = self.found(asked, place)?;
                let pool = cluster.pool(name).ok_or_else(|| no_pool(asked, place, name))?;
                let body = cluster.render_pool(pool);
                Ok(self.aks_body(200, body))
            }
            "PUT" => self.put_pool(asked, place, name),
            "DELETE" => self.delete_pool(asked, place, name),
            _ => Err(wrong_method(asked.request)),
        }
    }

    fn put_pool(&mut self, asked: &Asked<'_>, place: &Place<'_>, name: &str) -> Answer {
        let mut sent = body(asked.request)?;
        self.living_group(&asked.subscription, place.group)?;
        let cluster = self.parent(asked, place, "write")?.clone();
        let before = cluster.pool(name).cloned();
        let there = before.as_ref().map(|pool| pool.etag.as_deref());
        match (self.precondition(asked.request, there), &before) {
            (Precondition::Holds, _) => {}
            (Precondition::FailsLater, Some(pool)) => return self.accept_pool_to_fail(asked, &cluster, pool),
            _ => return Err(precondition_failed(name)),
        }
        self.check_free(&cluster)?;
        if !cluster.is_established() {
            let message = format!(
                "The managed cluster is in {} state, so its agent pools can not be changed. Please reconcile it first.",
                cluster.state.word()
            );
            return Err(Refusal::aks(400, "OperationNotAllowed", message));
        }
        let control = cluster.control()?;
        let days = Days::at(asked.now);
        let mut properties = object(&sent, "properties");
        // An eTag in the body says nothing: only the header asks for a comparison.
        properties.remove("eTag");
        sent.remove("properties");
        let settled = pool_body::settle(name, &properties, before.as_ref(), &pool_ground(&cluster, &days, &control))?;
        self.store_pool(asked, place, cluster, (name, settled), before)
    }

    fn store_pool(
        &mut self,
        asked: &Asked<'_>,
        place: &Place<'_>,
        mut cluster: Cluster,
        (name, properties): (&str, Object),
        before: Option<Pool>,
    ) -> Answer {
        let lasts = before.as_ref().map_or(CREATE, |before| course(before, &properties));
        let state = if before.is_some() { State::Updating } else { State::Creating };
        let number = before.as_ref().map_or_else(|| self.dice.below(100_000_000), |pool| pool.number);
        let etag = before.as_ref().and_then(|pool| pool.etag.clone());
        let name = before.as_ref().map_or(name, |pool| &pool.name).to_owned();
        let pool = Pool { name: name.clone(), properties, state, etag, scaling: None, number };
        match cluster.pool_mut(&name) {
            Some(known) => *known = pool,
            None => cluster.pools.push(pool),
        }
        if cluster.pools.len() > 100 {
            return Err(Refusal::aks(400, "AgentPoolLimitExceeded", "A cluster has at most 100 agent pools."));
        }
        if !cluster.pools.iter().any(|pool| pool.text("mode") == "System") {
            return Err(last_system_pool());
        }
        self.check_quota((&cluster.subscription, &cluster.location), &place.key, &cluster.pools)?;
        let key = place.key.clone();
        let work = match before {
            Some(_) => Work::UpdatePool(key, name.clone()),
            None => Work::CreatePool(key, name.clone()),
        };
        let id = self.begin_aks(asked, &cluster.location, work, lasts);
        cluster.operation = Some(id.clone());
        let answer = match state {
            State::Creating => cluster.pool(&name).map(|pool| cluster.render_pool(pool)),
            _ => None,
        };
        self.clusters.insert(place.key.clone(), cluster);
        if before.is_some() {
            self.touch(&place.key, Some(&name));
        }
        let cluster = self.found(asked, place)?;
        let shown = answer.or_else(|| cluster.pool(&name).map(|pool| cluster.render_pool(pool))).unwrap_or_default();
        let answer = self.aks_body(if state == State::Creating { 201 } else { 200 }, shown);
        Ok(self.announce(answer, &asked.request.base, &id, asked.now))
    }

    fn accept_pool_to_fail(&mut self, asked: &Asked<'_>, cluster: &Cluster, pool: &Pool) -> Answer {
        let id = self.begin_aks(asked, &cluster.location, Work::Nothing, BOUNDS);
        let message = format!("The agent pool {} has been modified (etag mismatch).", pool.name);
        self.doom(&id, "PreconditionFailed", &message);
        let answer = self.aks_body(200, cluster.render_pool(pool));
        Ok(self.announce(answer, &asked.request.base, &id, asked.now))
    }

    fn delete_pool(&mut self, asked: &Asked<'_>, place: &Place<'_>, name: &str) -> Answer {
        let cluster = self.parent(asked, place, "delete")?.clone();
        let Some(pool) = cluster.pool(name) else { return Ok(Response::empty(204)) };
        if self.precondition(asked.request, Some(pool.etag.as_deref())) != Precondition::Holds {
            return Err(precondition_failed(name));
        }
        let again = cluster.operation.clone().filter(|_| pool.state == State::Deleting);
        let id = match again {
            Some(id) => id,
            None => {
                self.check_free(&cluster)?;
                let others = cluster.pools.iter().filter(|other| other.name != pool.name);
                if !others.clone().any(|other| other.text("mode") == "System") {
                    return Err(last_system_pool());
                }
                let work = Work::DeletePool(place.key.clone(), pool.name.clone());
                self.begin_aks(asked, &cluster.location, work, DELETE)
            }
        };
        if let Some(known) = self.clusters.get_mut(&place.key) {
            known.operation = Some(id.clone());
            if let Some(pool) = known.pool_mut(name) {
                pool.state = State::Deleting;
            }
        }
        Ok(self.accepted(asked, &id, Response::empty(202)))
    }

    pub(crate) fn pool_upgrades(&self, asked: &Asked<'_>, place: &Place<'_>, name: &str) -> Answer {
        let cluster = self.found(asked, place)?;
        let pool = cluster.pool(name).ok_or_else(|| no_pool(asked, place, name))?;
        let control = cluster.control()?;
        let newest = (control.minor, control.patch);
        let mut profile = upgrade_profile(pool.text("currentOrchestratorVersion"));
        if let Some(upgrades) = profile.get_mut("upgrades").and_then(Value::as_array_mut) {
            upgrades.retain(|next| {
                let next = next.get("kubernetesVersion").and_then(Value::as_str).and_then(Version::read);
                next.is_some_and(|next| (next.minor, next.patch) <= newest)
            });
        }
        put(&mut profile, "latestNodeImageVersion", json!(pool.text("nodeImageVersion")));
        let body = json!({
            "id": format!("{}/agentPools/{}/upgradeProfiles/default", cluster.id(), pool.name), "name": "default",
            "type": "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles", "properties": profile,
        });
        Ok(styled(200, Style::Aks, &body))
    }

    /// The cluster that a write to one of its pools is for.
    fn parent(&self, asked: &Asked<'_>, place: &Place<'_>, action: &str) -> Result<&Cluster, Refusal> {
        self.found(asked, place).map_err(|refusal| {
            if refusal.code() != "ResourceNotFound" {
                return refusal;
            }
            let message = format!(
                "Failed to perform '{action}' on resource(s) of type 'managedClusters/agentPools', because the parent \
                 resource '/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerService/managedClusters/{}' \
                 could not be found.",
                asked.subscription, place.group, place.cluster
            );
            Refusal::arm(404, "ParentResourceNotFound", message)
        })
    }
}

/// How long a change of a pool takes: moving bounds is quick, nodes are not.
fn course(before: &Pool, after: &Object) -> u64 {
    let same = |key: &str| before.properties.get(key) == after.get(key);
    if !same("currentOrchestratorVersion") {
        UPGRADE
    } else if !same("count") {
        SCALE
    } else {
        BOUNDS
    }
}

fn last_system_pool() -> Refusal {
    Refusal::aks(400, "BadRequest", "There has to be at least one system agent pool.")
}

/// AKS's word that a pool is not there.
fn no_pool(asked: &Asked<'_>, place: &Place<'_>, name: &str) -> Refusal {
    let message = format!(
        "Could not find the agentpool: {name} in subscription: {}, resourceGroup: {}, resourceName: {}.",
        asked.subscription, place.group, place.cluster
    );
    Refusal::flat(404, "NotFound", message)
}
