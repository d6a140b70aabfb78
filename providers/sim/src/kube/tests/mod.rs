//! The Kubernetes face as a client sees it, in a world without sockets.

mod admission;
mod apply;
mod controllers;
mod crud;
mod definitions;
mod discovery;
mod lists;
mod releases;
mod worlds;

use serde_json::{Value, json};

use super::Controllers;
use crate::fleet::{ClusterOrder, Fleet, PoolOrder};
use crate::wire::{Request, Response};
use crate::world::{Options, World};

/// A cluster to try things on.
pub(super) struct Lab {
    pub(super) world: World,
    pub(super) now: u64,
    token: String,
}

const CLUSTER: &str = "c1";

/// What came back: the status and the body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) headers: Vec<(String, String)>,
}

impl Answer {
    pub(super) fn message(&self) -> &str {
        self.body.get("message").and_then(Value::as_str).unwrap_or_default()
    }

    /// The body of a success.
    pub(super) fn ok(self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, self.body);
        self.body
    }
}

impl Lab {
    pub(super) fn new(version: &str) -> Lab {
        Lab::with(version, Controllers::default())
    }

    pub(super) fn with(version: &str, controllers: Controllers) -> Lab {
        let mut world = World::new(Options { speed: 1, controllers, ..Options::default() });
        let now = 1_790_000_000_000;
        world.kube_mut().create_cluster(
            now,
            &ClusterOrder {
                uid: CLUSTER.into(),
                name: "one".into(),
                version: version.into(),
                fqdn: "one.hcp.westus2.azmk8s.io".into(),
                node_group: "MC_one".into(),
                location: "westus2".into(),
            },
        );
        let token = world.kube().credentials(CLUSTER, true).expect("a cluster").token;
        let mut lab = Lab { world, now, token };
        lab.wait(2);
        lab
    }

    /// A cluster with nodes.
    pub(super) fn ready(version: &str) -> Lab {
        let mut lab = Lab::new(version);
        lab.add_pool("system", 2, 0, &[]);
        lab.wait(60);
        lab
    }

    pub(super) fn add_pool(&mut self, name: &str, count: u32, gpus: u32, taints: &[&str]) {
        let pool = PoolOrder {
            name: name.into(),
            count,
            gpus,
            vm_size: "Standard_D4s_v3".into(),
            mode: "System".into(),
            cores: 4,
            memory_mib: 16_384,
            taints: taints.iter().map(|taint| (*taint).to_owned()).collect(),
            ..PoolOrder::default()
        };
        self.world.kube_mut().set_nodes(self.now, CLUSTER, &pool);
    }

    /// Lets seconds pass.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += seconds * 1_000;
        self.world.advance(self.now);
    }

    pub(super) fn raw(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut request = Request::to_cluster(CLUSTER, method, path);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.with("authorization", &format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.with(name, value);
        }
        request.body = body.to_vec();
        self.world.handle(self.now, &request)
    }

    pub(super) fn send(&mut self, method: &str, path: &str, kind: &str, body: &Value) -> Answer {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let response = self.raw(method, path, &[("content-type", kind), ("user-agent", "test/1.0")], &bytes);
        Answer { status: response.status, body: response.value(), headers: response.headers }
    }

    pub(super) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "", &Value::Null)
    }

    pub(super) fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send("POST", path, "application/json", &body)
    }

    pub(super) fn put(&mut self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, "application/json", &body)
    }

    pub(super) fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, "application/json", &Value::Null)
    }

    pub(super) fn merge(&mut self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, "application/merge-patch+json", &body)
    }

    /// Server-side apply as a manager.
    pub(super) fn apply(&mut self, path: &str, manager: &str, body: Value) -> Answer {
        let sign = if path.contains('?') { '&' } else { '?' };
        self.send("PATCH", &format!("{path}{sign}fieldManager={manager}"), "application/apply-patch+yaml", &body)
    }

    /// Who owns what of an object.
    pub(super) fn owned(&mut self, path: &str, manager: &str) -> Value {
        let object = self.get(path).ok();
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        entries
            .into_iter()
            .find(|entry| entry["manager"] == manager)
            .map_or(Value::Null, |entry| entry["fieldsV1"].clone())
    }
}

/// A Deployment.
pub(super) fn deployment(name: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "nginx:1.27"}]}}},
    })
}

pub(super) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}
