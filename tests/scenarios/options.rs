//! What a stack file and the flags can say about a resource's life.

use kfplan_tests::{Cloud, applied};
use serde_json::json;

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const SETTINGS: &str = "/api/v1/namespaces/app/configmaps/settings";

#[test]
fn what_may_never_go_holds_against_every_flag() {
    let place = applied(SCRATCH);
    place.edit(
        "kfplan.toml",
        "location = \"westus2\"",
        "location = \"westus2\"\nlifecycle = { prevent_destroy = true }",
    );
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    let kept = place.run(&["destroy", "--sandbox", "--auto-approve", "--delete-data"]).exits(3);
    let _ = kept.says("keep").says("resource_group.main").says("prevent_destroy");
    let cloud = Cloud::serve(&place);
    assert_eq!(cloud.azure("GET", "/resourcegroups/Tiny?api-version=2021-04-01", None).0, 200);
}

#[test]
fn a_removed_block_does_not_lift_protection() {
    let place = applied(SCRATCH);
    let text = place.read("kfplan.toml");
    let (head, rest) = text.split_once("[manifests.app]").expect("the block");
    let (_, tail) = rest.split_once("[outputs]").expect("the next block");
    place.write("kfplan.toml", &format!("{head}[outputs]{tail}"));
    let _ =
        place.run(&["apply", "--sandbox", "--auto-approve"]).exits(3).says("keep").says("PersistentVolumeClaim/data");
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    assert!(cluster.get("/api/v1/namespaces/app/persistentvolumeclaims/data").is_some());
    assert!(cluster.get("/api/v1/namespaces/app").is_some(), "what holds the data stays too");
}

#[test]
fn what_is_removed_from_the_stack_with_removed_is_forgotten_and_left_alone() {
    let place = applied(SCRATCH);
    let text = place.read("kfplan.toml");
    let (head, rest) = text.split_once("[manifests.app]").expect("the block");
    let (_, tail) = rest.split_once("[outputs]").expect("the next block");
    place.write("kfplan.toml", &format!("{head}[[removed]]\nfrom = \"manifests.app\"\n\n[outputs]{tail}"));
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0).is_silent_on("delete");
    assert_eq!(place.run(&["state", "list", "--sandbox"]).exits(0).out.lines().count(), 3);
    let cloud = Cloud::serve(&place);
    assert!(cloud.cluster(&place).get(SETTINGS).is_some());
}

#[test]
fn an_ignored_field_is_left_to_others() {
    let place = applied(SCRATCH);
    place.edit(
        "kfplan.toml",
        "files   = [\"k8s/*.yaml\"]",
        "files   = [\"k8s/*.yaml\"]\nlifecycle = { ignore_changes = [\"/data/colour\"] }",
    );
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    cluster.merge(SETTINGS, "kubectl-edit", &json!({"data": {"colour": "red", "size": "tiny"}}));
    let plan = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2).says("/data/size: tiny → small");
    let _ = plan.is_silent_on("/data/colour: red → green");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    assert_eq!(cluster.get(SETTINGS).expect("the ConfigMap")["data"], json!({"colour": "red", "size": "small"}));
}

#[test]
fn a_part_can_be_planned_alone() {
    let place = kfplan_tests::empty();
    let part = place.run(&["plan", "--sandbox", "--target", "aks_cluster.main"]).exits(0);
    let part = part.says("create resource_group.main").says("create aks_cluster.main");
    let _ = part.says("2 to create").says("[plan::selection]").is_silent_on("create aks_node_pool.work");
    let rest = place.run(&["plan", "--sandbox", "--exclude", "manifests.app"]).exits(0).says("3 to create");
    let _ = rest.is_silent_on("ConfigMap");
    let _ = place.run(&["plan", "--sandbox", "--target", "aks_cluster.other"]).exits(1).says("plan::names_nothing");
}

#[test]
fn a_pool_can_be_replaced_on_demand() {
    let place = applied(SCRATCH);
    let replace = ["plan", "--sandbox", "--exit-code", "--replace", "aks_node_pool.work"];
    let _ = place.run(&replace).exits(2).says("replace aks_node_pool.work");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve", "--replace", "aks_node_pool.work"]).exits(0);
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0);
}

#[test]
fn replacing_a_cluster_needs_its_name() {
    let place = applied(SCRATCH);
    place.edit("kfplan.toml", "location = \"westus2\"", "location = \"eastus\"");
    let plan = place.run(&["plan", "--sandbox"]).says("aks_cluster.main");
    assert!(plan.exit == 6 || plan.exit == 0, "{plan:?}");
    let refused = place.run(&["apply", "--sandbox", "--auto-approve"]);
    assert!(refused.exit == 3 || refused.exit == 6, "{refused:?}");
    let cloud = Cloud::serve(&place);
    let (_, group) = cloud.azure("GET", "/resourcegroups/Tiny?api-version=2021-04-01", None);
    assert_eq!(group["location"], "westus2");
}

#[test]
fn for_each_makes_one_of_each_and_takes_away_what_is_gone() {
    let place = applied(SCRATCH);
    let pools = "[aks_node_pool.extra]\nfor_each = ['red', 'blue']\ncluster = \"${aks_cluster.main}\"\nname = \"${each.key}\"\n\
                 vm_size = \"Standard_D4s_v3\"\ncount = 1\n\n[outputs]";
    place.edit("kfplan.toml", "[outputs]", pools);
    let _ = place.run(&["plan", "--sandbox"]).exits(0).says("create aks_node_pool.extra[\"blue\"]").says("2 to create");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0);
    place.edit("kfplan.toml", "['red', 'blue']", "['red']");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2).says("delete aks_node_pool.extra[\"blue\"]");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    let cloud = Cloud::serve(&place);
    let pools: Vec<String> = cloud.marked("tiny").into_iter().map(|(address, _)| address).collect();
    assert!(pools.contains(&"aks_node_pool.extra[\"red\"]".to_owned()), "{pools:?}");
    assert!(!pools.contains(&"aks_node_pool.extra[\"blue\"]".to_owned()), "{pools:?}");
}

#[test]
fn what_exists_already_is_read_and_never_deleted() {
    let place = kfplan_tests::empty();
    place.edit("kfplan.toml", "location = \"westus2\"", "existing = true");
    place.edit("kfplan.toml", "name               = \"TinyCluster\"", "name = \"TinyCluster\"\nlocation = \"westus2\"");
    let _ = place.run(&["plan", "--sandbox"]).exits(1).says("plan::missing").says("resource_group.main");
    let cloud = Cloud::serve(&place);
    let group = "/resourcegroups/Tiny?api-version=2021-04-01";
    let (status, _) = cloud.azure("PUT", group, Some(&json!({"location": "westus2", "tags": {"owner": "they"}})));
    assert_eq!(status, 201);
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0);
    let _ = place.run(&["destroy", "--sandbox", "--auto-approve", "--delete-data"]).exits(0);
    let (status, live) = cloud.azure("GET", group, None);
    assert_eq!((status, &live["tags"]), (200, &json!({"owner": "they"})));
}

#[test]
fn a_lost_state_is_not_taken_for_an_empty_cloud() {
    let place = applied(SCRATCH);
    std::fs::remove_dir_all(place.path().join(".kfplan/state")).expect("a writable temporary folder");
    let lost = place.run(&["apply", "--sandbox", "--auto-approve"]);
    assert_ne!(lost.exit, 0, "{lost:?}");
    let _ = lost.is_silent_on("changes done");
}
