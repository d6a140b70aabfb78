//! Versions, sizes, quota: what a client plans by.

use super::*;

#[test]
fn the_sandbox_offers_old_versions_and_says_which_azure_has() {
    let mut azure = Azure::new();
    let list = azure.get("/providers/Microsoft.ContainerService/locations/westus2/kubernetesVersions");
    let values = list["values"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = values.iter().filter_map(|value| value["version"].as_str()).collect();
    assert_eq!((names.first(), names.last(), names.len()), (Some(&"1.19"), Some(&"1.36"), 18));
    let of = |name: &str| values.iter().find(|value| value["version"] == name).cloned().unwrap_or_default();
    assert_eq!(of("1.21")["sandbox"], json!({"offeredByAzure": false, "endedIn": "2022-07"}));
    assert_eq!(
        of("1.33")["sandbox"],
        json!({"offeredByAzure": false, "endedIn": "2026-07", "longTermSupportUntil": "2027-07"})
    );
    assert_eq!(of("1.34")["sandbox"], json!({"offeredByAzure": true}));
    assert_eq!(of("1.35")["isDefault"], true);
    assert_eq!(of("1.34")["patchVersions"]["1.34.8"]["upgrades"], json!(["1.35.5", "1.35.7"]));
}

#[test]
fn sizes_tell_their_gpus_and_where_they_are_not() {
    let mut azure = Azure::new();
    let list = azure.get("/providers/Microsoft.Compute/skus?$filter=location eq 'westus2'&api-version=2021-07-01");
    let values = list["value"].as_array().cloned().unwrap_or_default();
    let of = |name: &str| values.iter().find(|value| value["name"] == name).cloned();
    assert!(of("Standard_NC6").is_none() && of("Standard_NC6s_v3").is_none());
    let gpus = json!({"name": "GPUs", "value": "1"});
    let found = of("Standard_NC4as_T4_v3").unwrap_or_default();
    assert!(found["capabilities"].as_array().is_some_and(|all| all.contains(&gpus)), "{found}");
    assert_eq!(found["restrictions"], json!([]));
    let list =
        azure.get("/providers/Microsoft.Compute/skus?$filter=location eq 'westcentralus'&api-version=2021-07-01");
    let values = list["value"].as_array().cloned().unwrap_or_default();
    let found = values.iter().find(|value| value["name"] == "Standard_NC4as_T4_v3").cloned().unwrap_or_default();
    assert_eq!(found["restrictions"][0]["reasonCode"], "NotAvailableForSubscription");
}

#[test]
fn usage_counts_the_cores_of_pools() {
    let mut azure = Azure::with_cluster();
    let list = azure.get("/providers/Microsoft.Compute/locations/westus2/usages");
    let values = list["value"].as_array().cloned().unwrap_or_default();
    let of = |name: &str| values.iter().find(|value| value["name"]["value"] == name).cloned().unwrap_or_default();
    assert_eq!((&of("cores")["currentValue"], &of("cores")["limit"]), (&json!(8), &json!(350)));
    assert_eq!(of("standardDSv3Family")["currentValue"], 8);
}

#[test]
fn a_cluster_says_what_may_follow_its_version() {
    let mut azure = Azure::with_cluster();
    let profile = azure.get(&format!("{CLUSTER}/upgradeProfiles/default"));
    let control = &profile["properties"]["controlPlaneProfile"];
    assert_eq!(control["upgrades"], json!([{"kubernetesVersion": "1.35.5"}, {"kubernetesVersion": "1.35.7"}]));
    let versions = azure.get(&format!("{CLUSTER}/availableAgentPoolVersions"));
    let first = &versions["properties"]["agentPoolVersions"][0];
    assert_eq!(first, &json!({"default": true, "kubernetesVersion": "1.34.8"}));
}
