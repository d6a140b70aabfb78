//! Groups, their contents, and resources of other types.

use serde_json::json;

use super::super::time::MINUTE;
use super::*;

#[test]
fn the_node_group_comes_with_the_cluster_and_goes_with_it() {
    let mut azure = Azure::with_cluster();
    let group = azure.get("/resourceGroups/MC_g_c_westus2");
    assert!(group["managedBy"].as_str().is_some_and(|id| id.ends_with("/managedClusters/c")), "{group}");
    let list = azure.get("/resourceGroups/MC_g_c_westus2/resources");
    let types: Vec<&str> =
        list["value"].as_array().into_iter().flatten().filter_map(|entry| entry["type"].as_str()).collect();
    assert!(types.contains(&"Microsoft.Compute/virtualMachineScaleSets"), "{types:?}");
    assert!(types.contains(&"Microsoft.Network/publicIPAddresses"), "{types:?}");
    let accepted = azure.send("DELETE", CLUSTER);
    assert_eq!(accepted.status, 202);
    assert_eq!(azure.send("DELETE", CLUSTER).status, 202, "asking again does no more");
    azure.wait(5 * MINUTE);
    assert_eq!(azure.status(&accepted)["status"], "Succeeded");
    assert_eq!(refusal(&azure.send("GET", "/resourceGroups/MC_g_c_westus2")), (404, "ResourceGroupNotFound".into()));
    assert_eq!(azure.send("DELETE", CLUSTER).status, 204);
    assert!(azure.arm.resources.is_empty() && azure.orders.clusters.is_empty());
}

#[test]
fn deleting_a_group_deletes_all_in_it() {
    let mut azure = Azure::with_cluster();
    azure.put("/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v", &json!({"location": "westus2"}));
    let accepted = azure.send("DELETE", "/resourceGroups/g");
    assert_eq!((accepted.status, accepted.header("retry-after")), (202, Some("15")));
    assert_eq!(azure.get(CLUSTER)["properties"]["provisioningState"], "Deleting");
    assert_eq!(refusal(&azure.put(CLUSTER, &cluster())), (409, "ResourceGroupBeingDeleted".into()));
    let url = accepted.header("location").unwrap_or_default().to_owned();
    let running = azure.ask(&Request::new("GET", &url));
    assert_eq!(running.status, 202);
    azure.wait(10 * MINUTE);
    let url = running.header("location").unwrap_or_default().to_owned();
    assert_eq!(azure.ask(&Request::new("GET", &url)).status, 200);
    assert!(azure.arm.groups.is_empty() && azure.arm.clusters.is_empty() && azure.arm.resources.is_empty());
    assert!(azure.orders.clusters.is_empty());
}

#[test]
fn a_group_deleted_while_its_cluster_is_made_leaves_nothing() {
    let mut azure = Azure::with_group();
    azure.put(CLUSTER, &cluster());
    azure.send("DELETE", "/resourceGroups/g");
    azure.wait(20 * MINUTE);
    assert!(azure.arm.groups.is_empty() && azure.arm.clusters.is_empty() && azure.orders.clusters.is_empty());
}

#[test]
fn a_group_does_not_move() {
    let mut azure = Azure::with_group();
    let answer = azure.put("/resourcegroups/G", &json!({"location": "eastus"}));
    assert_eq!(refusal(&answer), (409, "InvalidResourceGroupLocation".into()));
    let answer = azure.put("/resourceGroups/h", &json!({"location": "West US 2"}));
    assert_eq!((answer.status, answer.value()["location"].clone()), (201, json!("westus2")));
    assert_eq!(
        refusal(&azure.put("/resourceGroups/bad.", &json!({"location": "eastus"}))),
        (400, "InvalidResourceGroup".into())
    );
    assert_eq!(
        (azure.send("HEAD", "/resourceGroups/h").status, azure.send("HEAD", "/resourceGroups/i").status),
        (204, 404)
    );
}

#[test]
fn groups_are_found_by_tag() {
    let mut azure = Azure::with_group();
    azure.put("/resourceGroups/h", &json!({"location": "eastus", "tags": {"kfplan-stack": "kf"}}));
    let found =
        azure.get("/resourcegroups?$filter=tagName eq 'kfplan-stack' and tagValue eq 'kf'&api-version=2024-11-01");
    let names: Vec<_> = found["value"].as_array().into_iter().flatten().map(|group| group["name"].clone()).collect();
    assert_eq!(names, [json!("h")]);
}

#[test]
fn tags_have_limits() {
    let mut azure = Azure::with_group();
    let many: serde_json::Map<String, Value> = (0..51).map(|at| (format!("t{at}"), json!("v"))).collect();
    for (tags, code) in [
        (Value::Object(many), "InvalidTags"),
        (json!({"a": "v".repeat(257)}), "InvalidTagValueLength"),
        (json!({"a".repeat(513): "v"}), "InvalidTagNameLength"),
        (json!({"Azure-x": "v"}), "ReservedTagName"),
        (json!({"a": 1}), "InvalidTags"),
    ] {
        let answer = azure.put("/resourceGroups/g", &json!({"location": "westus2", "tags": tags}));
        assert_eq!(refusal(&answer), (400, code.into()));
    }
}

#[test]
fn any_type_of_resource_is_kept_as_it_is_put() {
    let mut azure = Azure::with_group();
    let path = "/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me";
    let answer = azure.put(path, &json!({"location": "westus2", "tags": {"a": "b"}}));
    assert_eq!(answer.status, 201);
    let body = answer.value();
    assert_eq!(body["type"], "Microsoft.ManagedIdentity/userAssignedIdentities");
    let principal = body["properties"]["principalId"].clone();
    assert!(principal.is_string());
    let etag = body["etag"].as_str().unwrap_or_default().to_owned();
    let answer = azure.ask(&to("PUT", path).with_json(&json!({"location": "westus2"})).with("if-match", &etag));
    assert_eq!((answer.status, answer.value()["properties"]["principalId"].clone()), (200, principal));
    let answer = azure.ask(&to("PUT", path).with_json(&json!({"location": "westus2"})).with("if-match", &etag));
    assert_eq!(refusal(&answer), (412, "PreconditionFailed".into()));
    let child = format!("{path}/federatedIdentityCredentials/f");
    assert_eq!(azure.put(&child, &json!({"properties": {"issuer": "x"}})).status, 201);
    let orphan = child.replace("/me/", "/you/");
    assert_eq!(refusal(&azure.put(&orphan, &json!({}))), (404, "ParentResourceNotFound".into()));
    let list = azure.get("/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities");
    assert_eq!(list["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(azure.send("DELETE", path).status, 200);
    assert_eq!(azure.send("DELETE", path).status, 204);
    assert_eq!(refusal(&azure.send("GET", &child)), (404, "ResourceNotFound".into()));
}

#[test]
fn providers_take_their_time_in_two_manners() {
    let mut azure = Azure::with_group();
    let network = "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
    let accepted = azure.put(network, &json!({"location": "westus2"}));
    assert_eq!((accepted.status, &accepted.value()["properties"]["provisioningState"]), (201, &json!("Updating")));
    assert_eq!(azure.status(&accepted), json!({"status": "InProgress"}));
    let again = azure.put(network, &json!({"location": "westus2"}));
    assert_eq!(refusal(&again), (409, "AnotherOperationInProgress".into()));
    azure.wait(MINUTE);
    assert_eq!(azure.status(&accepted), json!({"status": "Succeeded"}));
    assert_eq!(azure.get(network)["properties"]["provisioningState"], "Succeeded");
    let account = "/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/s";
    let accepted = azure.put(account, &json!({"location": "westus2"}));
    assert_eq!((accepted.status, accepted.body.len(), accepted.header("azure-asyncoperation")), (202, 0, None));
    assert_eq!(azure.send("GET", account).status, 404);
    let url = accepted.header("location").unwrap_or_default().to_owned();
    assert_eq!(azure.ask(&Request::new("GET", &url)).status, 202);
    azure.wait(MINUTE);
    let done = azure.ask(&Request::new("GET", &url));
    assert_eq!((done.status, &done.value()["name"]), (200, &json!("s")));
    assert_eq!(azure.put(account, &json!({"location": "westus2"})).status, 200);
}

#[test]
fn aks_indents_and_escapes_and_arm_does_not() {
    let mut azure = Azure::with_cluster();
    let answer = azure.send("GET", &format!("{CLUSTER}/agentPools"));
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("\\u0026api-version=") && text.starts_with("{\n  "), "{text}");
    let answer = azure.send("GET", "/resourceGroups/g");
    assert!(!answer.body.contains(&b'\n'));
}
