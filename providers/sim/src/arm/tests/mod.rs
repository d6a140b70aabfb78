//! Facts about the simulated ARM that no recording shows.

mod faults;
mod groups;
mod life;
mod refusals;
mod tables;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::time::MINUTE;
use super::{Arm, AzureFault, Settings};
use crate::fleet::{ClusterOrder, Credentials, Fleet, PoolOrder};
use crate::wire::{Request, Response};
use crate::world::Front;

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";
/// 24 November 2026.
const TODAY: u64 = 1_795_478_400_000;

/// Clusters that only remember what was ordered.
#[derive(Default)]
struct Orders {
    clusters: BTreeMap<String, ClusterOrder>,
    pools: BTreeMap<String, PoolOrder>,
    /// Pods that wait for nodes, by pool.
    waiting: BTreeMap<String, u32>,
}

impl Fleet for Orders {
    fn create_cluster(&mut self, _now: u64, order: &ClusterOrder) {
        self.clusters.entry(order.uid.clone()).or_insert_with(|| order.clone());
    }

    fn delete_cluster(&mut self, _now: u64, cluster: &str) {
        self.clusters.remove(cluster);
        self.pools.clear();
    }

    fn upgrade_cluster(&mut self, _now: u64, cluster: &str, version: &str) {
        if let Some(order) = self.clusters.get_mut(cluster) {
            order.version = version.to_owned();
        }
    }

    fn set_nodes(&mut self, _now: u64, _cluster: &str, pool: &PoolOrder) {
        self.pools.insert(pool.name.clone(), pool.clone());
    }

    fn remove_pool(&mut self, _now: u64, _cluster: &str, pool: &str) {
        self.pools.remove(pool);
    }

    fn credentials(&self, cluster: &str, admin: bool) -> Option<Credentials> {
        self.clusters.get(cluster).map(|_| Credentials {
            server: "https://127.0.0.1:6443".into(),
            ca_pem: "ca".into(),
            client_certificate_pem: String::new(),
            client_key_pem: String::new(),
            token: if admin { "admin" } else { "user" }.into(),
        })
    }

    fn unscheduled(&self, _cluster: &str, pool: &str) -> u32 {
        self.waiting.get(pool).copied().unwrap_or(0)
    }
}

/// An Azure, its clusters, and the time.
struct Azure {
    arm: Arm,
    orders: Orders,
    now: u64,
    fault: Option<AzureFault>,
}

impl Azure {
    fn new() -> Azure {
        Azure::with(Settings { tokens_required: false, ..Settings::default() })
    }

    fn with(settings: Settings) -> Azure {
        Azure { arm: Arm::new(settings), orders: Orders::default(), now: TODAY, fault: None }
    }

    /// With the group `g` in westus2.
    fn with_group() -> Azure {
        let mut azure = Azure::new();
        azure.put("/resourceGroups/g", &json!({"location": "westus2"}));
        azure
    }

    /// With the cluster `c` of one system pool `sys`, done.
    fn with_cluster() -> Azure {
        let mut azure = Azure::with_group();
        let answer = azure.put(CLUSTER, &cluster());
        assert_eq!(answer.status, 201, "{}", answer.value());
        azure.wait(10 * MINUTE);
        azure
    }

    fn ask(&mut self, request: &Request) -> Response {
        let fault = self.fault.take();
        self.now += 1;
        self.arm.handle(self.now, request, fault.as_ref(), &mut self.orders)
    }

    fn send(&mut self, method: &str, path: &str) -> Response {
        self.ask(&to(method, path))
    }

    fn get(&mut self, path: &str) -> Value {
        self.send("GET", path).value()
    }

    fn put(&mut self, path: &str, body: &Value) -> Response {
        self.ask(&to("PUT", path).with_json(body))
    }

    fn wait(&mut self, time: u64) {
        self.now += time;
        self.arm.advance(self.now, &mut self.orders);
    }

    /// The status of an accepted request's operation.
    fn status(&mut self, accepted: &Response) -> Value {
        let url = accepted.header("azure-asyncoperation").expect("the request was accepted").to_owned();
        self.ask(&Request::new("GET", &url)).value()
    }
}

/// A request below the subscription.
fn to(method: &str, path: &str) -> Request {
    let version = if path.contains('?') { "" } else { "?api-version=2026-06-01" };
    Request::new(method, &format!("{SUBSCRIPTION}{path}{version}"))
}

const CLUSTER: &str = "/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c";

fn pool_path(name: &str) -> String {
    format!("{CLUSTER}/agentPools/{name}")
}

fn cluster() -> Value {
    json!({
        "location": "westus2", "identity": {"type": "SystemAssigned"}, "tags": {"team": "ml"},
        "properties": {
            "dnsPrefix": "c", "kubernetesVersion": "1.34",
            "agentPoolProfiles": [{"name": "sys", "count": 2, "vmSize": "Standard_D4s_v3", "mode": "System"}],
        },
    })
}

fn pool(count: u32, size: &str) -> Value {
    json!({"properties": {"count": count, "vmSize": size, "mode": "User"}})
}

/// Status and code of an answer, whichever shape its error has.
fn refusal(answer: &Response) -> (u16, String) {
    let body = answer.value();
    let code = body.pointer("/error/code").or_else(|| body.get("code")).and_then(Value::as_str);
    (answer.status, code.unwrap_or_default().to_owned())
}
