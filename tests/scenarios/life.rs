//! Plan, apply, drift, repair, change, destroy.

use kfplan_tests::{Cloud, Place, applied, empty};
use serde_json::{Value as Json, json};

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const SETTINGS: &str = "/api/v1/namespaces/app/configmaps/settings";

#[test]
fn a_plan_of_an_empty_cloud_names_everything_and_changes_nothing() {
    let place = empty();
    let plan = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2);
    let plan = plan.says("SANDBOX").says("+ create aks_cluster.main").says("create app/ConfigMap/settings");
    let plan = plan.says("known after apply: https://${aks_cluster.main.fqdn}");
    let _ = plan.says("6 to create; 0 unchanged");
    let cloud = Cloud::serve(&place);
    assert_eq!(cloud.marked("tiny"), []);
}

#[test]
fn after_an_apply_there_is_nothing_to_plan_and_nothing_has_drifted() {
    let place = applied(SCRATCH);
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0).says("Nothing to do: 6 resources as wanted.");
    let _ = place.run(&["drift", "--sandbox"]).exits(0).says("No drift: 6 resources as applied.");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0).says("Nothing to do");
}

#[test]
fn what_changed_behind_its_back_is_named_and_put_back() {
    let place = applied(SCRATCH);
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    cluster.merge(SETTINGS, "kubectl-edit", &json!({"data": {"colour": "red", "foreign": "kept"}}));

    let drift = place.run(&["drift", "--sandbox"]).exits(2).says("manifests.app/app/ConfigMap/settings");
    let drift = drift.says("/data/colour: green → red   (by kubectl-edit, 2").says("1 difference in 1 resource");
    let _ = drift.is_silent_on("foreign");
    let told: Json = serde_json::from_str(&place.run(&["drift", "--sandbox", "--format", "json"]).exits(2).out)
        .expect("drift as JSON");
    assert_eq!(told["drift"][0]["path"], "/data/colour");
    assert_eq!(told["drift"][0]["old"]["value"], "green");
    assert_eq!(told["drift"][0]["new"]["value"], "red");
    assert_eq!(told["drift"][0]["witness"]["manager"], "kubectl-edit");

    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0).says("update app/ConfigMap/settings");
    let live = cluster.get(SETTINGS).expect("the ConfigMap");
    assert_eq!(live["data"], json!({"colour": "green", "size": "small", "foreign": "kept"}));
    let _ = place.run(&["drift", "--sandbox"]).exits(0);
}

#[test]
fn what_was_deleted_behind_its_back_is_drift_and_comes_again() {
    let place = applied(SCRATCH);
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    cluster.delete(SETTINGS);
    let _ = place.run(&["drift", "--sandbox"]).exits(2).says("manifests.app/app/ConfigMap/settings");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2).says("1 to create; 5 unchanged");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    assert!(cluster.get(SETTINGS).is_some());
}

#[test]
fn a_change_in_azure_behind_its_back_is_drift() {
    let place = applied(SCRATCH);
    let cloud = Cloud::serve(&place);
    let group = "/resourcegroups/Tiny?api-version=2021-04-01";
    let (_, mut body) = cloud.azure("GET", group, None);
    body["tags"]["kfplan-address"] = "resource_group.other".into();
    let (status, answer) =
        cloud.azure("PUT", group, Some(&json!({"location": body["location"], "tags": body["tags"]})));
    assert_eq!(status, 200, "{answer}");
    let _ = place.run(&["drift", "--sandbox"]).exits(2).says("resource_group.main").says("/tags/kfplan-address");
}

#[test]
fn one_changed_line_is_one_changed_field() {
    let place = applied(SCRATCH);
    place.edit("k8s/app.yaml", "size: small", "size: large");
    let plan = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2);
    let plan = plan.says("/data/size: small → large").says("1 to update; 5 unchanged").is_silent_on("/data/colour");
    let _ = plan.is_silent_on("behind kfplan's back");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0).says("1 change done");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0);
}

#[test]
fn an_object_that_is_no_longer_stated_goes() {
    let place = applied(SCRATCH);
    let text = place.read("k8s/app.yaml");
    let parts: Vec<&str> = text.split("---\n").filter(|part| !part.contains("ConfigMap")).collect();
    place.write("k8s/app.yaml", &parts.join("---\n"));
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2).says("delete app/ConfigMap/settings");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    let cloud = Cloud::serve(&place);
    assert!(cloud.cluster(&place).get(SETTINGS).is_none());
}

#[test]
fn destroy_keeps_what_holds_data_until_it_is_told_otherwise() {
    let place = applied(SCRATCH);
    let kept = place.run(&["destroy", "--sandbox", "--auto-approve"]).exits(3);
    let _ = kept.says("keep").says("PersistentVolumeClaim/data").says("--delete-data");
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    assert!(cluster.get("/api/v1/namespaces/app/persistentvolumeclaims/data").is_some());
    assert!(cluster.get(SETTINGS).is_none());
    let _ = place.run(&["destroy", "--sandbox", "--auto-approve", "--delete-data"]).exits(0);
    assert_eq!(cloud.marked("tiny"), []);
    let (status, _) = cloud.azure("GET", "/resourcegroups/Tiny?api-version=2021-04-01", None);
    assert_eq!(status, 404);
    assert_eq!(place.run(&["state", "list", "--sandbox"]).exits(0).out, "");
}

#[test]
fn the_quickstart_is_applied_in_one_go_and_then_there_is_nothing_to_do() {
    let place = Place::copy_of("docs/examples/quickstart");
    let cloud = Cloud::serve(&place);
    let theirs = json!({"location": "westus2", "tags": {"owner": "somebody else"}});
    let (status, _) = cloud.azure("PUT", "/resourcegroups/theirs?api-version=2021-04-01", Some(&theirs));
    assert_eq!(status, 201);
    let before = cloud.listing();
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0).says("dashboard = ").is_silent_on("bug");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0).says("Nothing to do");
    let _ = place.run(&["drift", "--sandbox"]).exits(0).says("No drift");
    assert!(cloud.listing().len() > 3);
    let changed = place.run(&["plan", "--sandbox", "--exit-code", "--var", "gpu_max=3"]).exits(2);
    let _ = changed.says("aks_node_pool.gpu").says("/properties/maxCount: 2 → 3").says("Plan ").says("1 to update");
    let _ = place.run(&["destroy", "--sandbox", "--auto-approve"]).exits(3).says("keep");
    let _ = place.run(&["destroy", "--sandbox", "--auto-approve", "--delete-data"]).exits(0);
    assert_eq!(before.len(), 1);
    assert_eq!(cloud.listing(), before);
}
