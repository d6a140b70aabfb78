//! What each scenario found when it began, and when that was.

use kfplan_sim::{Access, Request};
use serde_json::{Value, json};

use crate::replay::Stage;

/// All scenarios.
pub(crate) const NAMES: [&str; 12] = [
    "gpu-pool",
    "cluster-etag",
    "pool-autoscaler",
    "abort-create",
    "delete-states",
    "credentials",
    "resource-group",
    "group-deleting",
    "if-match-412",
    "if-match-mismatch",
    "if-none-match-create",
    "delete-absent",
];

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";

/// The world as the scenario found it.
pub(crate) fn stage(scenario: &str) -> Stage {
    match scenario {
        "gpu-pool" => with_group(1_742_601_000, "clitest000001", "westus3"),
        "cluster-etag" => with_group(1_789_744_000, "asotest-rg-tpmqcm", "westus3"),
        "pool-autoscaler" => pool_autoscaler(),
        "abort-create" => abort_create(),
        "delete-states" => delete_states(),
        "credentials" => credentials(),
        "resource-group" => Stage::at(1_763_502_000),
        "group-deleting" => group_deleting(),
        "if-match-412" => record(),
        "if-match-mismatch" => private_zone(1_690_351_000),
        "if-none-match-create" => public_zone(),
        "delete-absent" => with_group(1_619_429_000, "clitest_privatedns000001", "westus"),
        other => panic!("no scenario is called {other}"),
    }
}

fn with_group(seconds: u64, name: &str, location: &str) -> Stage {
    let mut stage = Stage::at(seconds);
    stage.given(&group(name), &json!({"location": location}));
    stage
}

fn group(name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/{name}?api-version=2024-11-01")
}

fn cluster(group: &str, name: &str) -> String {
    let place = format!("{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters");
    format!("{place}/{name}?api-version=2025-03-01")
}

/// A cluster's body with one system pool and a network plugin; more is laid over it.
fn body(location: &str, prefix: &str, pool: Value) -> Value {
    json!({
        "location": location, "identity": {"type": "SystemAssigned"},
        "properties": {"dnsPrefix": prefix, "agentPoolProfiles": [pool]},
    })
}

fn pool_autoscaler() -> Stage {
    let mut stage = with_group(1_688_036_000, "clitest000001", "westus2");
    let pool = json!({"name": "nodepool1", "count": 1, "vmSize": "Standard_DS2_v2", "mode": "System",
        "enableAutoScaling": false, "enableEncryptionAtHost": false, "enableUltraSSD": false});
    let mut wanted = body("westus2", "cliakstest", pool);
    wanted["properties"]["kubernetesVersion"] = json!("1.25.6");
    wanted["properties"]["networkProfile"] = json!({"networkPlugin": "kubenet"});
    stage.given(&cluster("clitest000001", "cliakstest000002"), &wanted);
    stage
}

fn abort_create() -> Stage {
    let mut stage = with_group(1_747_365_000, "clitest000001", "westus2");
    let pool = json!({"name": "nodepool1", "count": 3, "vmSize": "Standard_DS2_v2", "mode": "System",
        "enableAutoScaling": false, "enableEncryptionAtHost": false, "enableUltraSSD": false});
    let mut wanted = body("westus2", "cliakstest-clitestm7owgrkku-0b1f64", pool);
    wanted["properties"]["disableLocalAccounts"] = json!(false);
    wanted["properties"]["linuxProfile"] = linux("azureuser", "AAAAB3NzaC1yc2E test@example.com\n");
    let answer = stage.ask(&Request::new("PUT", &cluster("clitest000001", "cliakstest000002")).with_json(&wanted));
    assert_eq!(answer.status, 201, "{}", answer.value());
    stage
}

fn linux(user: &str, key: &str) -> Value {
    json!({"adminUsername": user, "ssh": {"publicKeys": [{"keyData": format!("ssh-rsa {key}")}]}})
}

fn delete_states() -> Stage {
    let mut stage = with_group(1_632_000_000, "asotest-rg-kxcndt", "westus2");
    let pool = |name: &str| json!({"name": name, "count": 1, "vmSize": "Standard_DS2_v2", "mode": "System"});
    let mut labelled = pool("ap2");
    labelled["nodeLabels"] = json!({"mylabel": "label"});
    let mut wanted = body("westus2", "aso", pool("ap1"));
    let properties = &mut wanted["properties"];
    properties["agentPoolProfiles"].as_array_mut().expect("a list").push(labelled);
    properties["kubernetesVersion"] = json!("1.20.9");
    properties["networkProfile"] = json!({"networkPlugin": "kubenet"});
    properties["linuxProfile"] = linux("adminUser", "{KEY}\n");
    let url = cluster("asotest-rg-kxcndt", "asotest-mc-dlzkpe");
    stage.given(&url, &wanted);
    let pool = url.replace("?", "/agentPools/ap2?");
    assert_eq!(stage.ask(&Request::new("DELETE", &pool)).status, 202);
    stage
}

fn credentials() -> Stage {
    let mut stage = with_group(1_650_249_000, "clitest000001", "westus2");
    let pool = json!({"name": "nodepool1", "count": 1, "vmSize": "Standard_DS2_v2", "mode": "System"});
    stage.given(&cluster("clitest000001", "cliakstest000001"), &body("westus2", "cliakstest", pool));
    let uid = stage.world.kube().clusters().first().cloned().expect("the cluster has a control plane");
    let access = Access {
        server: "https://127.0.0.1:443".into(),
        ca_pem: "the CA".into(),
        client_certificate_pem: "the certificate".into(),
        client_key_pem: "the key".into(),
        client_certificate_der: Vec::new(),
    };
    stage.world.kube_mut().set_access(&uid, &access);
    stage
}

fn group_deleting() -> Stage {
    let mut stage = Stage::at(1_763_502_000);
    let wanted = json!({"location": "westus2", "tags": {"CreatedAt": "2001-02-03T04:05:06Z"}});
    stage.given(&group("asotest-rg-leooid"), &wanted);
    stage
}

const PRIVATE_ZONE: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/clitest_privatedns000001\
    /providers/Microsoft.Network/privateDnsZones/clitest.privatedns.com000002";

fn private_zone(seconds: u64) -> Stage {
    let mut stage = with_group(seconds, "clitest_privatedns000001", "westus");
    stage.given(&format!("{PRIVATE_ZONE}?api-version=2018-09-01"), &json!({"location": "global"}));
    stage
}

fn record() -> Stage {
    let mut stage = private_zone(1_691_419_000);
    let url = format!("{PRIVATE_ZONE}/A/clitestprivatednsrecordset000003?api-version=2018-09-01");
    stage.given(&url, &json!({"properties": {"ttl": 3600}}));
    stage
}

fn public_zone() -> Stage {
    let mut stage = with_group(1_633_945_000, "cli_test_dns_if_none_match000001", "westus");
    let place = "/resourceGroups/cli_test_dns_if_none_match000001/providers/Microsoft.Network/dnsZones/myzonex.com";
    let url = format!("{SUBSCRIPTION}{place}?api-version=2018-05-01");
    stage.given(&url, &json!({"location": "global"}));
    stage
}
