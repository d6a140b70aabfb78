//! How clusters and pools come, change and go.

use serde_json::{Value, json};

use super::super::time::MINUTE;
use super::*;

fn state(body: &Value) -> &str {
    body.pointer("/properties/provisioningState").and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn a_cluster_takes_some_minutes_and_then_has_an_api_and_nodes() {
    let mut azure = Azure::with_group();
    let answer = azure.put(CLUSTER, &cluster());
    assert_eq!(state(&answer.value()), "Creating");
    azure.wait(3 * MINUTE);
    assert_eq!(azure.status(&answer)["status"], "InProgress");
    assert!(azure.orders.clusters.is_empty());
    azure.wait(3 * MINUTE);
    assert_eq!(azure.status(&answer)["status"], "Succeeded");
    let order = azure.orders.clusters.values().next().expect("the API server was ordered");
    assert_eq!((order.name.as_str(), order.version.as_str()), ("c", "1.34.8"));
    assert_eq!(azure.orders.pools["sys"].count, 2);
    assert_eq!(state(&azure.get(CLUSTER)), "Succeeded");
}

#[test]
fn the_speed_of_the_world_shortens_everything() {
    let mut azure = Azure::with(Settings { tokens_required: false, speed: 120, ..Settings::default() });
    azure.put("/resourceGroups/g", &json!({"location": "westus2"}));
    let answer = azure.put(CLUSTER, &cluster());
    azure.wait(3_000);
    assert_eq!(azure.status(&answer)["status"], "Succeeded");
}

#[test]
fn a_gpu_pool_orders_nodes_with_gpus_labels_and_taints() {
    let mut azure = Azure::with_cluster();
    let mut wanted = pool(1, "standard_nc4as_t4_v3");
    wanted["properties"]["nodeTaints"] = json!(["sku=gpu:NoSchedule"]);
    wanted["properties"]["nodeLabels"] = json!({"work": "train"});
    let answer = azure.put(&pool_path("gpu"), &wanted);
    assert_eq!(answer.status, 201, "{}", answer.value());
    azure.wait(4 * MINUTE);
    let order = &azure.orders.pools["gpu"];
    assert_eq!((order.gpus, order.cores, order.vm_size.as_str()), (1, 4, "standard_nc4as_t4_v3"));
    assert_eq!(order.taints, ["sku=gpu:NoSchedule"]);
    assert_eq!(order.labels["work"], "train");
}

#[test]
fn a_pool_that_is_deleted_is_gone_from_lists_and_from_the_cluster() {
    let mut azure = Azure::with_cluster();
    azure.put(&pool_path("gpu"), &pool(1, "Standard_NC4as_T4_v3"));
    azure.wait(4 * MINUTE);
    let answer = azure.send("DELETE", &pool_path("gpu"));
    assert_eq!(answer.status, 202);
    assert_eq!(state(&azure.get(&pool_path("gpu"))), "Deleting");
    azure.wait(2 * MINUTE);
    assert_eq!(refusal(&azure.send("GET", &pool_path("gpu"))), (404, "NotFound".into()));
    assert!(!azure.orders.pools.contains_key("gpu"));
    assert_eq!(azure.get(CLUSTER)["properties"]["agentPoolProfiles"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_autoscaler_brings_the_nodes_that_pods_wait_for_within_its_bounds() {
    let mut azure = Azure::with_cluster();
    let mut wanted = pool(0, "Standard_NC4as_T4_v3");
    wanted["properties"]["enableAutoScaling"] = json!(true);
    wanted["properties"]["minCount"] = json!(0);
    wanted["properties"]["maxCount"] = json!(2);
    azure.put(&pool_path("gpu"), &wanted);
    azure.wait(4 * MINUTE);
    let before = azure.get(&pool_path("gpu"));
    assert_eq!(before["properties"]["count"], 0);
    azure.orders.waiting.insert("gpu".into(), 5);
    azure.wait(1);
    azure.wait(2 * MINUTE);
    let after = azure.get(&pool_path("gpu"));
    assert_eq!(after["properties"]["count"], 2);
    assert_ne!(before["properties"]["eTag"], after["properties"]["eTag"]);
    assert_eq!(azure.orders.pools["gpu"].count, 2);
}

#[test]
fn a_put_replaces_tags_labels_and_taints_and_keeps_what_it_does_not_state() {
    let mut azure = Azure::with_cluster();
    let mut wanted = cluster();
    wanted["properties"]["autoUpgradeProfile"] = json!({"upgradeChannel": "stable"});
    azure.put(CLUSTER, &wanted);
    azure.wait(3 * MINUTE);
    let mut bare = cluster();
    bare.as_object_mut().expect("an object").remove("tags");
    let answer = azure.put(CLUSTER, &bare);
    assert_eq!(answer.status, 200, "{}", answer.value());
    let body = answer.value();
    assert_eq!(body.get("tags"), None);
    assert_eq!(body["properties"]["autoUpgradeProfile"]["upgradeChannel"], "stable");
}

#[test]
fn the_answer_of_a_get_can_be_put_back() {
    let mut azure = Azure::with_cluster();
    let body = azure.get(CLUSTER);
    let etag = body["eTag"].as_str().expect("there is one").to_owned();
    let answer = azure.ask(&to("PUT", CLUSTER).with_json(&body).with("if-match", &etag));
    assert_eq!(answer.status, 200, "{}", answer.value());
    azure.wait(3 * MINUTE);
    let mut after = azure.get(CLUSTER);
    let mut before = body;
    for body in [&mut before, &mut after] {
        body["eTag"] = Value::Null;
        body["properties"]["agentPoolProfiles"][0]["eTag"] = Value::Null;
    }
    assert_eq!(before, after);
}

#[test]
fn tags_are_patched_alone() {
    let mut azure = Azure::with_cluster();
    let answer = azure.ask(&to("PATCH", CLUSTER).with_json(&json!({"tags": {"a": "b"}})));
    assert_eq!((answer.status, answer.value()["tags"].clone()), (200, json!({"a": "b"})));
    azure.wait(MINUTE);
    let answer = azure.ask(&to("PATCH", CLUSTER).with_json(&json!({"properties": {}})));
    assert_eq!(refusal(&answer), (400, "BadRequest".into()));
}

#[test]
fn a_cluster_upgrades_one_minor_at_a_time_and_its_pools_after_it() {
    let mut azure = Azure::with_cluster();
    let mut wanted = cluster();
    wanted["properties"]["kubernetesVersion"] = json!("1.36");
    assert_eq!(refusal(&azure.put(CLUSTER, &wanted)), (400, "OperationNotAllowed".into()));
    wanted["properties"]["kubernetesVersion"] = json!("1.33");
    assert_eq!(refusal(&azure.put(CLUSTER, &wanted)), (400, "OperationNotAllowed".into()));
    let mut sys = json!({"properties": wanted["properties"]["agentPoolProfiles"][0]});
    sys["properties"]["orchestratorVersion"] = json!("1.35");
    let answer = azure.put(&pool_path("sys"), &sys);
    assert_eq!(refusal(&answer), (400, "NodePoolMcVersionIncompatible".into()), "{}", answer.value());
    wanted["properties"]["kubernetesVersion"] = json!("1.35");
    assert_eq!(azure.put(CLUSTER, &wanted).status, 200);
    azure.wait(10 * MINUTE);
    assert_eq!(azure.orders.clusters.values().next().map(|order| order.version.as_str()), Some("1.35.7"));
    assert_eq!(azure.orders.pools["sys"].version, "1.34.8");
    assert_eq!(azure.put(&pool_path("sys"), &sys).status, 200);
    azure.wait(10 * MINUTE);
    assert_eq!(azure.orders.pools["sys"].version, "1.35.7");
}

#[test]
fn credentials_come_once_the_control_plane_is_there() {
    let mut azure = Azure::with_group();
    azure.put(CLUSTER, &cluster());
    let path = format!("{CLUSTER}/listClusterUserCredential");
    assert_eq!(refusal(&azure.send("POST", &path)), (404, "ControlPlaneNotFound".into()));
    azure.wait(10 * MINUTE);
    let answer = azure.send("POST", &path);
    assert_eq!(answer.value()["kubeconfigs"][0]["name"], "clusterUser");
    let answer = azure.send("POST", &format!("{CLUSTER}/listClusterAdminCredential"));
    assert_eq!(answer.value()["kubeconfigs"][0]["name"], "clusterAdmin");
}

#[test]
fn without_local_accounts_there_is_no_static_credential() {
    let mut azure = Azure::with_group();
    let mut wanted = cluster();
    wanted["properties"]["disableLocalAccounts"] = json!(true);
    wanted["properties"]["aadProfile"] = json!({"managed": true, "enableAzureRBAC": true});
    azure.put(CLUSTER, &wanted);
    azure.wait(10 * MINUTE);
    let answer = azure.send("POST", &format!("{CLUSTER}/listClusterAdminCredential"));
    assert_eq!(refusal(&answer), (400, "BadRequest".into()));
    let answer = azure.send("POST", &format!("{CLUSTER}/listClusterUserCredential?format=exec&api-version=2026-06-01"));
    assert_eq!(answer.status, 200, "{}", answer.value());
}

#[test]
fn the_next_link_leads_on_until_an_empty_page() {
    let mut azure = Azure::with_cluster();
    for name in ["a1", "a2", "a3"] {
        azure.put(&pool_path(name), &pool(1, "Standard_D2s_v3"));
        azure.wait(5 * MINUTE);
    }
    let (mut seen, mut pages) = (0, Vec::new());
    let mut page = azure.get(&format!("{CLUSTER}/agentPools"));
    loop {
        let here = page["value"].as_array().map_or(0, Vec::len);
        seen += here;
        pages.push(here);
        let Some(link) = page["nextLink"].as_str().map(str::to_owned) else { break };
        page = azure.ask(&Request::new("GET", &link)).value();
    }
    assert_eq!((seen, pages), (4, vec![3, 1, 0]));
}

#[test]
fn a_world_that_was_stored_goes_on_where_it_was() {
    let mut azure = Azure::with_cluster();
    let accepted = azure.put(&pool_path("gpu"), &pool(1, "Standard_NC4as_T4_v3"));
    let rows: BTreeMap<String, std::sync::Arc<Value>> =
        azure.arm.rows().into_iter().map(|(key, value)| (key, std::sync::Arc::new(value))).collect();
    let mut again = Azure::new();
    again.arm.load(&rows);
    again.now = azure.now;
    for azure in [&mut azure, &mut again] {
        azure.wait(10 * MINUTE);
        assert_eq!(azure.status(&accepted)["status"], "Succeeded");
    }
    assert_eq!(azure.arm.rows(), again.arm.rows());
}
