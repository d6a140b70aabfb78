//! The Kubernetes face: each cluster's API server, with the controllers behind it.
//!
//! Nothing here knows a clock or a socket; whatever happens later is a timer in the cluster.

mod admission;
mod apply;
mod cluster;
mod controllers;
mod definitions;
mod kinds;
mod options;
mod rules;
mod schema;
mod server;
mod status;
mod structural;
mod time;
mod yaml;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::fleet::{Access, ClusterOrder, Credentials, Fleet, PoolOrder};
use crate::tables::Delta;
use crate::wire::{Request, Response};
use crate::world::Options;
use cluster::Cluster;
use status::Refusal;

pub use options::Controllers;
pub(crate) use server::WatchCursor;

/// All clusters.
#[derive(Debug)]
pub struct Kube {
    settings: Settings,
    clusters: BTreeMap<String, Cluster>,
    /// Tables of clusters that are gone, to be forgotten by the log as well.
    forgotten: Vec<Delta>,
}

/// What the clusters take from the world's options.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) speed: u64,
    pub(crate) authenticate: bool,
    pub(crate) controllers: Controllers,
}

impl Settings {
    /// A delay of real life, in the world's time; none where whoever acts is switched off.
    pub(crate) fn delay(&self, real: Option<u64>) -> Option<u64> {
        real.map(|real| real / self.speed)
    }
}

/// What every table name of this face begins with.
const PREFIX: &str = "kube/";

impl Kube {
    pub(crate) fn new(options: &Options) -> Kube {
        let settings = Settings {
            seed: options.seed,
            speed: options.speed.max(1),
            authenticate: options.authenticate,
            controllers: options.controllers.clone(),
        };
        Kube { settings, clusters: BTreeMap::new(), forgotten: Vec::new() }
    }

    /// The uids of all clusters.
    #[must_use]
    pub fn clusters(&self) -> Vec<String> {
        self.clusters.keys().cloned().collect()
    }

    /// How a cluster is reached from outside.
    #[must_use]
    pub fn access(&self, cluster: &str) -> Option<Access> {
        self.clusters.get(cluster).map(Cluster::access)
    }

    /// Says how a cluster is reached from outside.
    pub fn set_access(&mut self, cluster: &str, access: &Access) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.set_access(access);
        }
    }

    /// How many requests each kind of a cluster has had, by verb and resource such as `deployments.apps`.
    #[must_use]
    pub fn requests(&self, cluster: &str) -> BTreeMap<(String, String), u64> {
        self.clusters.get(cluster).map(|cluster| cluster.requests.clone()).unwrap_or_default()
    }

    /// Begins to count requests anew.
    pub fn forget_requests(&mut self, cluster: &str) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.requests.clear();
        }
    }

    /// Forgets the past of a cluster, as etcd's compaction does: older watches and continued lists end with 410.
    pub fn compact(&mut self, cluster: &str) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.compact();
        }
    }

    /// Lets a bearer token stand for a user, who may do what roles and bindings allow.
    pub fn add_token(&mut self, cluster: &str, token: &str, user: &str, groups: &[&str]) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.set_note(&format!("token/{token}"), Some(json!({"name": user, "groups": groups})));
        }
    }

    /// Says by what a cluster is to be slowed or which parts are to be switched off from now on.
    pub fn set_controllers(&mut self, controllers: Controllers) {
        self.settings.controllers = controllers;
    }

    /// The uid of the cluster whose API has this host name.
    #[must_use]
    pub fn cluster_at(&self, host: &str) -> Option<String> {
        self.clusters.values().find(|cluster| cluster.fqdn() == host).map(|cluster| cluster.uid().to_owned())
    }

    pub(crate) fn handle(&mut self, now: u64, cluster: &str, request: &Request) -> Response {
        match self.clusters.get_mut(cluster) {
            Some(cluster) => cluster.handle(now, &self.settings, request),
            None => Refusal::unavailable().response(),
        }
    }

    pub(crate) fn advance(&mut self, now: u64) {
        for cluster in self.clusters.values_mut() {
            cluster.advance(now, &self.settings);
        }
    }

    pub(crate) fn next_wake(&self) -> Option<u64> {
        self.clusters.values().filter_map(Cluster::next_wake).min()
    }

    pub(crate) fn watch(&mut self, now: u64, cluster: &str, cursor: &mut WatchCursor) -> Option<Vec<u8>> {
        self.clusters.get_mut(cluster)?.watch(now, cursor)
    }

    pub(crate) fn load(&mut self, table: &str, key: String, value: Option<Arc<Value>>) {
        let Some((uid, rest)) = table.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')) else { return };
        let cluster = self.clusters.entry(uid.to_owned()).or_insert_with(|| Cluster::empty(uid));
        cluster.load(rest, key, value);
    }

    /// Everything was loaded: rebuilds what is kept beside the rows, and drops clusters that are gone.
    pub(crate) fn loaded(&mut self) {
        self.clusters.retain(|_, cluster| cluster.exists());
        for cluster in self.clusters.values_mut() {
            cluster.loaded();
        }
    }

    pub(crate) fn take_deltas(&mut self, out: &mut Vec<Delta>) {
        out.append(&mut self.forgotten);
        for (uid, cluster) in &mut self.clusters {
            cluster.take_deltas(&format!("{PREFIX}{uid}/"), out);
        }
    }

    pub(crate) fn all(&self, out: &mut Vec<Delta>) {
        for (uid, cluster) in &self.clusters {
            cluster.all(&format!("{PREFIX}{uid}/"), out);
        }
    }

    /// A secret of the world for one purpose.
    fn secret(&self, purpose: &str, cluster: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.settings.seed.to_le_bytes());
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(cluster.as_bytes());
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Fleet for Kube {
    fn create_cluster(&mut self, now: u64, order: &ClusterOrder) {
        if self.clusters.contains_key(&order.uid) {
            return;
        }
        let token = self.secret("admin-token", &order.uid);
        let user_token = self.secret("user-token", &order.uid);
        let cluster = Cluster::new(now, &self.settings, order, &token, &user_token);
        self.clusters.insert(order.uid.clone(), cluster);
    }

    fn delete_cluster(&mut self, _now: u64, cluster: &str) {
        let Some(gone) = self.clusters.remove(cluster) else { return };
        let mut rows = Vec::new();
        gone.all(&format!("{PREFIX}{cluster}/"), &mut rows);
        self.forgotten.extend(rows.into_iter().map(|Delta(table, key, _)| Delta(table, key, None)));
    }

    fn upgrade_cluster(&mut self, now: u64, cluster: &str, version: &str) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.upgrade(now, &self.settings, version);
        }
    }

    fn set_nodes(&mut self, now: u64, cluster: &str, pool: &PoolOrder) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.set_nodes(now, &self.settings, pool);
        }
    }

    fn remove_pool(&mut self, now: u64, cluster: &str, pool: &str) {
        if let Some(cluster) = self.clusters.get_mut(cluster) {
            cluster.remove_pool(now, &self.settings, pool);
        }
    }

    fn credentials(&self, cluster: &str, admin: bool) -> Option<Credentials> {
        let cluster = self.clusters.get(cluster)?;
        let access = cluster.access();
        let token = cluster.token(admin);
        Some(Credentials {
            server: access.server,
            ca_pem: access.ca_pem,
            client_certificate_pem: access.client_certificate_pem,
            client_key_pem: access.client_key_pem,
            token,
        })
    }

    fn unscheduled(&self, cluster: &str, pool: &str) -> u32 {
        self.clusters.get(cluster).map_or(0, |cluster| cluster.unscheduled(pool))
    }
}

impl Credentials {
    /// A kubeconfig with one cluster, one user, and one context, all called after `name`.
    #[must_use]
    pub fn kubeconfig(&self, name: &str) -> String {
        use base64::Engine;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let mut user = json!({"token": self.token});
        if !self.client_key_pem.is_empty() {
            user["client-certificate-data"] = json!(encode(&self.client_certificate_pem));
            user["client-key-data"] = json!(encode(&self.client_key_pem));
        }
        let mut server = json!({"server": self.server});
        if !self.ca_pem.is_empty() {
            server["certificate-authority-data"] = json!(encode(&self.ca_pem));
        }
        // JSON is YAML, and every client of kubeconfigs reads it.
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": name,
            "clusters": [{"name": name, "cluster": server}],
            "users": [{"name": format!("clusterUser_{name}"), "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": format!("clusterUser_{name}")}}],
        });
        format!("{config:#}\n")
    }
}

#[cfg(test)]
mod tests;
