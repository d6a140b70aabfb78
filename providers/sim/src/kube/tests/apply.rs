//! Server-side apply over the wire: ownership, conflicts, dry runs, and what the server adds.

use serde_json::json;

use super::{Lab, config_map, deployment};
use crate::Controllers;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";

fn lab() -> Lab {
    Lab::with("1.34.4", Controllers::off())
}

#[test]
fn an_apply_creates_and_owns_exactly_what_it_states() {
    let mut lab = lab();
    let made = lab.apply(WEB, "kfplan:one", deployment("web", 2));
    assert_eq!((made.status, &made.body["spec"]["progressDeadlineSeconds"]), (201, &json!(600)));
    let again = lab.apply(WEB, "kfplan:one", deployment("web", 2));
    assert_eq!((again.status, &again.body), (200, &made.body));
    assert_eq!(
        lab.owned(WEB, "kfplan:one"),
        json!({"f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"main\"}": {".": {}, "f:image": {}, "f:name": {}}}}}}})
    );
}

#[test]
fn a_conflict_names_the_manager_and_its_version() {
    let mut lab = lab();
    lab.post("/apis/apps/v1/namespaces/default/deployments", deployment("web", 1)).ok();
    let refused = lab.apply(WEB, "kfplan", deployment("web", 3));
    assert_eq!(
        (refused.status, refused.message()),
        (409, "Apply failed with 1 conflict: conflict with \"test\" using apps/v1: .spec.replicas")
    );
    assert_eq!(
        refused.body["details"],
        json!({"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"test\" using apps/v1", "field": ".spec.replicas"}]})
    );
    assert_eq!((&refused.body["reason"], &refused.body["code"]), (&json!("Conflict"), &json!(409)));
    let forced = lab.apply(&format!("{WEB}?force=true"), "kfplan", deployment("web", 3)).ok();
    assert_eq!(forced["spec"]["replicas"], 3);
}

#[test]
fn a_field_that_is_no_longer_stated_goes_and_a_default_comes_back() {
    let mut lab = lab();
    lab.apply(WEB, "kfplan", deployment("web", 3)).ok();
    let mut less = deployment("web", 3);
    less["spec"].as_object_mut().expect("a spec").remove("replicas");
    let changed = lab.apply(WEB, "kfplan", less).ok();
    assert_eq!((&changed["spec"]["replicas"], &changed["metadata"]["generation"]), (&json!(1), &json!(2)));
}

#[test]
fn an_amount_in_another_form_is_no_change() {
    let mut lab = lab();
    let with = |cpu: &str| {
        let mut object = deployment("web", 1);
        object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"limits": {"cpu": cpu}});
        object
    };
    let made = lab.apply(WEB, "kfplan", with("1000m")).ok();
    assert_eq!(made["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"], "1");
    lab.wait(10);
    let again = lab.apply(WEB, "kfplan", with("1000m")).ok();
    assert_eq!(again, made);
}

#[test]
fn an_unknown_field_is_refused_in_the_words_of_the_typed_merge() {
    let mut lab = lab();
    let mut odd = config_map("a", json!({}));
    odd["metadata"]["namespace"] = json!("default");
    odd["bogus"] = json!(1);
    let refused = lab.apply(&format!("{MAPS}/a"), "kfplan", odd);
    assert_eq!(
        (refused.status, refused.message()),
        (
            500,
            "failed to create typed patch object (default/a; /v1, Kind=ConfigMap): .bogus: field not declared in schema"
        )
    );
    assert!(refused.body.get("reason").is_none());
}

#[test]
fn an_apply_needs_a_manager_and_the_right_kind() {
    let mut lab = lab();
    let refused = lab.send("PATCH", &format!("{MAPS}/a"), "application/apply-patch+yaml", &config_map("a", json!({})));
    assert_eq!(
        (refused.status, refused.message()),
        (422, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
    );
    let refused = lab.apply(
        &format!("{MAPS}/a"),
        "kfplan",
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
    );
    assert_eq!((refused.status, refused.message()), (400, "invalid object type: /v1, Kind=Secret"));
    let refused = lab.apply(&format!("{MAPS}/a"), "kfplan", config_map("b", json!({})));
    assert_eq!(
        (refused.status, refused.message()),
        (400, "the name of the object (b) does not match the name on the URL (a)")
    );
}

#[test]
fn a_dry_run_of_an_apply_tells_conflicts_and_keeps_nothing() {
    let mut lab = lab();
    lab.apply(&format!("{MAPS}/a"), "one", config_map("a", json!({"x": "1"}))).ok();
    let shown = lab.apply(&format!("{MAPS}/a?dryRun=All"), "one", config_map("a", json!({"x": "2"}))).ok();
    assert_eq!(shown["data"]["x"], "2");
    assert_eq!(lab.apply(&format!("{MAPS}/a?dryRun=All"), "two", config_map("a", json!({"x": "3"}))).status, 409);
    assert_eq!(lab.get(&format!("{MAPS}/a")).ok()["data"]["x"], "1");
}

#[test]
fn a_second_applier_of_equal_values_shares_them() {
    let mut lab = lab();
    lab.apply(&format!("{MAPS}/a"), "one", config_map("a", json!({"x": "1"}))).ok();
    let shared = lab.apply(&format!("{MAPS}/a"), "two", config_map("a", json!({"x": "1"}))).ok();
    let managers: Vec<&str> = shared["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    assert_eq!(managers, ["two", "one"], "an entry without a time comes first");
    lab.apply(&format!("{MAPS}/a"), "one", config_map("a", json!({}))).ok();
    assert_eq!(lab.get(&format!("{MAPS}/a")).ok()["data"]["x"], "1");
}

#[test]
fn the_status_has_managers_of_its_own() {
    let mut lab = lab();
    lab.apply(WEB, "kfplan", deployment("web", 1)).ok();
    let status =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 1}});
    let applied = lab.apply(&format!("{WEB}/status"), "watcher", status).ok();
    let entry = applied["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|entry| entry["manager"] == "watcher")
        .cloned();
    let entry = entry.expect("an entry");
    assert_eq!(
        (&entry["subresource"], &entry["fieldsV1"]),
        (&json!("status"), &json!({"f:status": {"f:replicas": {}}}))
    );
}

#[test]
fn yaml_is_read_as_the_server_reads_it() {
    let mut lab = lab();
    let body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: \"yes\"\n";
    let made = lab.raw(
        "PATCH",
        &format!("{MAPS}/a?fieldManager=k"),
        &[("content-type", "application/apply-patch+yaml")],
        body,
    );
    assert_eq!((made.status, &made.value()["data"]["x"]), (201, &json!("yes")));
}

#[test]
fn who_applies_after_an_untracked_object_finds_its_fields_owned() {
    let mut lab = lab();
    let made = lab.post(MAPS, config_map("a", json!({"x": "1"}))).ok();
    let reset = lab.merge(&format!("{MAPS}/a"), json!({"metadata": {"managedFields": [{}]}})).ok();
    assert!(reset["metadata"].get("managedFields").is_none(), "{made}");
    let refused = lab.apply(&format!("{MAPS}/a"), "kfplan", config_map("a", json!({"x": "2"})));
    assert!(refused.message().contains("conflict with \"before-first-apply\" using v1"), "{}", refused.message());
}

#[test]
fn kubectl_takes_over_what_its_client_side_apply_left() {
    let mut lab = lab();
    let mut made = config_map("a", json!({"x": "1"}));
    let note = config_map("a", json!({"x": "1"})).to_string();
    made["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": note});
    lab.post(MAPS, made).ok();
    let taken = lab.apply(&format!("{MAPS}/a"), "kubectl", config_map("a", json!({"x": "2"}))).ok();
    assert_eq!(taken["data"]["x"], "2");
    let note = taken["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
        .as_str()
        .unwrap_or_default();
    assert!(note.contains("\"x\":\"2\""), "{note}");
}
