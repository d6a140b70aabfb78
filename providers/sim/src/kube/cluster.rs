//! One cluster: its objects, its revision, and what is due in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::status::Refusal;
use super::{Settings, WatchCursor};
use crate::fleet::{Access, ClusterOrder, PoolOrder};
use crate::tables::{Delta, Table};
use crate::wire::{Request, Response};

/// The table beside the objects: what the cluster is.
const META: &str = "meta";

/// A cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    uid: String,
    meta: Table,
    stores: BTreeMap<String, Table>,
}

impl Cluster {
    pub(crate) fn empty(uid: &str) -> Cluster {
        Cluster { uid: uid.to_owned(), meta: Table::default(), stores: BTreeMap::new() }
    }

    pub(crate) fn new(_now: u64, _settings: &Settings, order: &ClusterOrder, token: &str, user_token: &str) -> Cluster {
        let mut cluster = Cluster::empty(&order.uid);
        let about = json!({
            "name": order.name, "version": order.version, "fqdn": order.fqdn, "nodeGroup": order.node_group,
            "location": order.location, "token": token, "userToken": user_token,
        });
        cluster.meta.put("about", Arc::new(about));
        cluster
    }

    pub(crate) fn exists(&self) -> bool {
        self.meta.has("about")
    }

    fn about(&self, key: &str) -> &str {
        self.meta.get("about").and_then(|about| about.get(key)).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn fqdn(&self) -> &str {
        self.about("fqdn")
    }

    pub(crate) fn token(&self, admin: bool) -> String {
        self.about(if admin { "token" } else { "userToken" }).to_owned()
    }

    pub(crate) fn access(&self) -> Access {
        let row = self.meta.get("access");
        let text = |key: &str| row.and_then(|row| row.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned();
        let server = match text("server") {
            server if server.is_empty() => format!("https://{}:443", self.fqdn()),
            server => server,
        };
        Access {
            server,
            ca_pem: text("ca"),
            client_certificate_pem: text("certificate"),
            client_key_pem: text("key"),
            client_certificate_der: STANDARD.decode(text("der")).unwrap_or_default(),
        }
    }

    pub(crate) fn set_access(&mut self, access: &Access) {
        let row = json!({
            "server": access.server, "ca": access.ca_pem, "certificate": access.client_certificate_pem,
            "key": access.client_key_pem, "der": STANDARD.encode(&access.client_certificate_der),
        });
        self.meta.put("access", Arc::new(row));
    }

    pub(crate) fn handle(&mut self, _now: u64, _settings: &Settings, request: &Request) -> Response {
        match request.path.as_str() {
            "/healthz" | "/livez" | "/readyz" => Response::bytes(200, "text/plain; charset=utf-8", b"ok".to_vec()),
            _ => Refusal::no_such_path().response(),
        }
    }

    pub(crate) fn advance(&mut self, _now: u64, _settings: &Settings) {}

    pub(crate) fn next_wake(&self) -> Option<u64> {
        None
    }

    pub(crate) fn watch(&mut self, _now: u64, _cursor: &mut WatchCursor) -> Option<Vec<u8>> {
        None
    }

    pub(crate) fn upgrade(&mut self, _now: u64, version: &str) {
        let Some(mut about) = self.meta.get("about").map(|about| (**about).clone()) else { return };
        about["version"] = json!(version);
        self.meta.put("about", Arc::new(about));
    }

    pub(crate) fn set_nodes(&mut self, _now: u64, _settings: &Settings, _pool: &PoolOrder) {}

    pub(crate) fn remove_pool(&mut self, _now: u64, _settings: &Settings, _pool: &str) {}

    pub(crate) fn unscheduled(&self, _pool: &str) -> u32 {
        0
    }

    pub(crate) fn load(&mut self, table: &str, key: String, value: Option<Arc<Value>>) {
        match table {
            META => self.meta.load(key, value),
            _ => self.stores.entry(table.to_owned()).or_default().load(key, value),
        }
    }

    pub(crate) fn loaded(&mut self) {}

    pub(crate) fn take_deltas(&mut self, prefix: &str, out: &mut Vec<Delta>) {
        self.meta.take_deltas(&format!("{prefix}{META}"), out);
        for (name, table) in &mut self.stores {
            table.take_deltas(&format!("{prefix}{name}"), out);
        }
    }

    pub(crate) fn all(&self, prefix: &str, out: &mut Vec<Delta>) {
        self.meta.all(&format!("{prefix}{META}"), out);
        for (name, table) in &self.stores {
            table.all(&format!("{prefix}{name}"), out);
        }
    }
}
