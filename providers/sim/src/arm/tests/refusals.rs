//! What ARM and AKS refuse.

use serde_json::json;

use super::super::time::MINUTE;
use super::*;

#[test]
fn one_operation_at_a_time_on_a_cluster_and_its_pools() {
    let mut azure = Azure::with_cluster();
    azure.put(&pool_path("one"), &pool(1, "Standard_D2s_v3"));
    let busy = (409, "OperationNotAllowed".to_owned());
    let answer = azure.put(&pool_path("two"), &pool(1, "Standard_D2s_v3"));
    assert_eq!(refusal(&answer), busy);
    let message = answer.value()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("one - Creating") && message.contains("aka.ms/aks-pending-operation"), "{message}");
    assert_eq!(refusal(&azure.put(CLUSTER, &cluster())), (409, "OperationNotAllowed".into()));
    assert_eq!(refusal(&azure.send("DELETE", CLUSTER)), busy);
    azure.wait(5 * MINUTE);
    assert_eq!(azure.put(&pool_path("two"), &pool(1, "Standard_D2s_v3")).status, 201);
}

#[test]
fn fixed_properties_do_not_change() {
    let mut azure = Azure::with_cluster();
    let change = |key: &str, value: Value| {
        let mut body = cluster();
        body["properties"][key] = value;
        body
    };
    let mut first = cluster();
    first["properties"]["agentPoolProfiles"][0]["vmSize"] = json!("Standard_D8s_v3");
    for (body, target) in [
        (change("dnsPrefix", json!("d")), "dnsPrefix"),
        (change("networkProfile", json!({"networkPlugin": "kubenet"})), "networkProfile.networkPlugin"),
        (change("networkProfile", json!({"serviceCidr": "10.1.0.0/16"})), "networkProfile.serviceCidr"),
        (first, "agentPoolProfile.vmSize"),
    ] {
        let answer = azure.put(CLUSTER, &body);
        assert_eq!(refusal(&answer), (400, "PropertyChangeNotAllowed".into()), "{target}");
        assert_eq!(answer.value()["target"], target);
    }
    let subnet =
        json!(format!("{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s"));
    for (key, value) in [
        ("vmSize", json!("Standard_D8s_v3")),
        ("osDiskSizeGB", json!(256)),
        ("maxPods", json!(40)),
        ("vnetSubnetID", subnet),
    ] {
        let mut body = json!({"properties": {"count": 2, "vmSize": "Standard_D4s_v3", "mode": "System"}});
        body["properties"][key] = value;
        let answer = azure.put(&pool_path("sys"), &body);
        assert_eq!(refusal(&answer), (400, "PropertyChangeNotAllowed".into()), "{key}");
        assert_eq!(answer.value()["target"], format!("properties.{key}"));
    }
}

#[test]
fn values_that_clients_send_and_that_say_nothing_change_nothing() {
    let mut azure = Azure::with_cluster();
    let body = json!({"properties": {
        "count": 2, "vmSize": "Standard_D4s_v3", "mode": "System", "osDiskSizeGB": 0, "scaleSetPriority": "Regular",
        "scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1.0, "nodeTaints": [], "enableUltraSSD": false,
        "enableEncryptionAtHost": false, "maxCount": null, "availabilityZones": null,
    }});
    assert_eq!(azure.put(&pool_path("sys"), &body).status, 200);
}

#[test]
fn a_put_of_the_cluster_neither_adds_nor_removes_pools() {
    let mut azure = Azure::with_cluster();
    let mut more = cluster();
    let extra = json!({"name": "new", "count": 1, "vmSize": "Standard_D2s_v3", "mode": "User"});
    more["properties"]["agentPoolProfiles"].as_array_mut().expect("a list").push(extra);
    let answer = azure.put(CLUSTER, &more);
    assert_eq!(refusal(&answer), (400, "BadRequest".into()));
    assert_eq!(answer.value()["details"], Value::Null);
    let mut other = cluster();
    other["properties"]["agentPoolProfiles"][0]["name"] = json!("other");
    assert_eq!(refusal(&azure.put(CLUSTER, &other)), (400, "BadRequest".into()));
}

#[test]
fn a_stale_if_match_is_412_and_changes_nothing() {
    let mut azure = Azure::with_cluster();
    let before = azure.get(CLUSTER);
    let stale = "00000000-0000-4000-8000-000000000000";
    for request in [
        to("PUT", CLUSTER).with_json(&cluster()).with("if-match", stale),
        to("PUT", CLUSTER).with_json(&cluster()).with("if-none-match", "*"),
        to("DELETE", CLUSTER).with("if-match", stale),
        to("PUT", &pool_path("sys")).with_json(&pool(3, "Standard_D4s_v3")).with("if-match", stale),
        to("PUT", &pool_path("new")).with_json(&pool(3, "Standard_D4s_v3")).with("if-match", "*"),
        to("DELETE", &pool_path("sys")).with("if-match", stale),
    ] {
        assert_eq!(
            refusal(&azure.ask(&request)),
            (412, "PreconditionFailed".into()),
            "{} {}",
            request.method,
            request.path
        );
    }
    assert_eq!(azure.get(CLUSTER), before);
}

#[test]
fn an_etag_goes_stale_with_every_change() {
    let mut azure = Azure::with_cluster();
    let etag = azure.get(&pool_path("sys"))["properties"]["eTag"].as_str().unwrap_or_default().to_owned();
    let body = json!({"properties": {"count": 3, "vmSize": "Standard_D4s_v3", "mode": "System"}});
    let request = to("PUT", &pool_path("sys")).with_json(&body).with("if-match", &etag);
    assert_eq!(azure.ask(&request).status, 200);
    azure.wait(5 * MINUTE);
    assert_eq!(azure.ask(&request).status, 412);
}

#[test]
fn a_retired_size_is_refused_and_the_answer_says_what_there_is() {
    let mut azure = Azure::with_cluster();
    let answer = azure.put(&pool_path("gpu"), &pool(1, "Standard_NC6"));
    assert_eq!(refusal(&answer), (400, "BadRequest".into()));
    let message = answer.value()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("Standard_NC6 is not allowed") && message.contains("standard_nc4as_t4_v3"), "{message}");
}

#[test]
fn more_cores_than_the_quota_are_refused() {
    let mut azure = Azure::with_cluster();
    let answer = azure.put(&pool_path("gpu"), &pool(17, "Standard_NC4as_T4_v3"));
    assert_eq!(refusal(&answer), (400, "ErrCode_InsufficientVCPUQuota".into()));
    let answer = azure.put(&pool_path("big"), &pool(1, "Standard_NC24ads_A100_v4"));
    let message = answer.value()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("requested 24, remaining 0 for family StandardNCADSA100v4Family"), "{message}");
    assert_eq!(azure.put(&pool_path("gpu"), &pool(16, "Standard_NC4as_T4_v3")).status, 201);
}

#[test]
fn names_versions_and_regions_are_checked() {
    let mut azure = Azure::with_group();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = cluster();
        change(&mut body);
        body
    };
    for (body, code) in [
        (with(&|body| body["location"] = json!("mars")), "NoRegisteredProviderFound"),
        (with(&|body| body["properties"]["kubernetesVersion"] = json!("1.18")), "K8sVersionNotSupported"),
        (with(&|body| body["properties"]["kubernetesVersion"] = json!("1.34.99")), "K8sVersionNotSupported"),
        (with(&|body| body["properties"]["dnsPrefix"] = json!("-c")), "InvalidParameter"),
        (with(&|body| body["properties"]["agentPoolProfiles"][0]["name"] = json!("Big-Pool")), "InvalidParameter"),
        (with(&|body| body["properties"]["agentPoolProfiles"][0]["mode"] = json!("User")), "InvalidParameter"),
        (with(&|body| body["properties"]["agentPoolProfiles"][0]["minCount"] = json!(1)), "InvalidParameter"),
        (with(&|body| body["properties"]["agentPoolProfiles"][0]["vmsize"] = json!("x")), "UnmarshalError"),
        (with(&|body| body["properties"]["agentPoolProfiles"][0]["count"] = json!(1.5)), "UnmarshalError"),
        (with(&|body| body["sku"] = json!({"name": "Base", "tier": "Gold"})), "InvalidParameter"),
        (with(&|body| body["identity"] = Value::Null), "InvalidParameter"),
        (with(&|body| body["propreties"] = json!({})), "UnmarshalError"),
        (with(&|body| body["tags"] = json!({"a/b": "c"})), "InvalidTagNameCharacters"),
    ] {
        assert_eq!(refusal(&azure.put(CLUSTER, &body)), (400, code.into()));
    }
    let answer = azure.put(&CLUSTER.replace("/g/", "/other/"), &cluster());
    assert_eq!(refusal(&answer), (404, "ResourceGroupNotFound".into()));
    let answer = azure.put(&pool_path("gpu"), &pool(1, "Standard_D2s_v3"));
    assert_eq!(refusal(&answer), (404, "ParentResourceNotFound".into()));
}

#[test]
fn the_last_system_pool_stays() {
    let mut azure = Azure::with_cluster();
    assert_eq!(refusal(&azure.send("DELETE", &pool_path("sys"))), (400, "BadRequest".into()));
}

#[test]
fn an_operation_url_is_taken_as_given_or_not_at_all() {
    let mut azure = Azure::with_group();
    let answer = azure.put(CLUSTER, &cluster());
    let url = answer.header("azure-asyncoperation").unwrap_or_default().to_owned();
    assert!((3_000..3_400).contains(&url.len()), "{}", url.len());
    for wrong in [
        url.split("&t=").next().unwrap_or_default().to_owned(),
        url.replace("&h=", "&h=x"),
        url.replace("&t=6", "&t=7"),
    ] {
        let answer = azure.ask(&Request::new("GET", &wrong));
        assert_eq!(refusal(&answer), (400, "InvalidAsyncOperationSignature".into()));
    }
    assert_eq!(azure.ask(&Request::new("GET", &url)).status, 200);
}

#[test]
fn a_request_without_an_api_version_is_refused() {
    let mut azure = Azure::new();
    let answer = azure.ask(&Request::new("GET", &format!("{SUBSCRIPTION}/resourcegroups")));
    assert_eq!(refusal(&answer), (400, "MissingApiVersionParameter".into()));
    let answer = azure.ask(&Request::new("GET", &format!("{SUBSCRIPTION}/resourcegroups?api-version=new")));
    assert_eq!(refusal(&answer), (400, "InvalidApiVersionParameter".into()));
}

#[test]
fn a_provider_that_nobody_registered_takes_no_writes_until_somebody_does() {
    let mut azure = Azure::with_group();
    azure.arm.unregister("00000000-0000-0000-0000-000000000000", "Microsoft.ContainerService");
    assert_eq!(refusal(&azure.put(CLUSTER, &cluster())), (409, "MissingSubscriptionRegistration".into()));
    let answer = azure.send("POST", "/providers/Microsoft.ContainerService/register");
    assert_eq!(answer.value()["registrationState"], "Registering");
    azure.wait(2 * MINUTE);
    assert_eq!(azure.get("/providers/Microsoft.ContainerService")["registrationState"], "Registered");
    assert_eq!(azure.put(CLUSTER, &cluster()).status, 201);
}

#[test]
fn whoever_asks_too_often_is_told_to_wait() {
    let mut azure = Azure::with_group();
    let answers: Vec<Response> = (0..2_000).map(|_| azure.send("GET", "/resourceGroups/g")).collect();
    let refused: Vec<&Response> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() > 100 && refused.len() < 1_000, "{}", refused.len());
    assert!(refused.iter().all(|answer| answer.header("retry-after") == Some("1")));
    azure.wait(1_000);
    let answer = azure.send("GET", "/resourceGroups/g");
    assert_eq!(answer.status, 200);
    assert!(answer.header("x-ms-ratelimit-remaining-subscription-global-reads").is_some());
}
