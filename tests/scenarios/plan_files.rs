//! Saved plans: carried out once, exactly as reviewed, or refused.

use kfplan_tests::{Cloud, Place, applied};
use serde_json::json;

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const SETTINGS: &str = "/api/v1/namespaces/app/configmaps/settings";

/// The tiny stack, applied, and a saved plan of one change.
fn planned() -> Place {
    let place = applied(SCRATCH);
    place.edit("k8s/app.yaml", "size: small", "size: large");
    let _ = place.run(&["plan", "--sandbox", "-o", "change.plan"]).exits(0).says("wrote change.plan");
    place
}

#[test]
fn a_saved_plan_is_carried_out_without_asking_and_only_once() {
    let place = planned();
    let _ = place.run(&["show", "change.plan"]).exits(0).says("/data/size: small → large");
    let _ = place.run(&["apply", "--sandbox", "change.plan"]).exits(0).says("1 change done");
    let cloud = Cloud::serve(&place);
    assert_eq!(cloud.cluster(&place).get(SETTINGS).expect("the ConfigMap")["data"]["size"], "large");
    let again = place.run(&["apply", "--sandbox", "change.plan"]).exits(4);
    let _ = again.says("carried out to the end already");
}

#[test]
fn a_plan_is_stale_once_the_world_moved_where_it_matters() {
    let place = planned();
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    cluster.merge(SETTINGS, "kubectl-edit", &json!({"data": {"size": "medium"}}));
    let stale = place.run(&["apply", "--sandbox", "change.plan"]).exits(4);
    let _ = stale.says("manifests.app/app/ConfigMap/settings");
    assert_eq!(cluster.get(SETTINGS).expect("the ConfigMap")["data"]["size"], "medium");
}

#[test]
fn a_plan_is_not_stale_when_the_world_moved_elsewhere() {
    let place = planned();
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    cluster.merge(SETTINGS, "a-controller", &json!({"data": {"foreign": "x"}}));
    let _ = place.run(&["apply", "--sandbox", "change.plan"]).exits(0);
    assert_eq!(cluster.get(SETTINGS).expect("the ConfigMap")["data"]["size"], "large");
}

#[test]
fn a_plan_is_stale_once_the_manifests_are_other_ones() {
    let place = planned();
    place.edit("k8s/app.yaml", "size: large", "size: larger");
    let _ = place.run(&["apply", "--sandbox", "change.plan"]).exits(4);
    let cloud = Cloud::serve(&place);
    assert_eq!(cloud.cluster(&place).get(SETTINGS).expect("the ConfigMap")["data"]["size"], "small");
}

#[test]
fn an_edited_plan_file_is_refused() {
    let place = planned();
    place.edit("change.plan", "large", "huge");
    let refused = place.run(&["apply", "--sandbox", "change.plan"]);
    assert!(refused.exit == 1 || refused.exit == 4, "{refused:?}");
    let cloud = Cloud::serve(&place);
    assert_eq!(cloud.cluster(&place).get(SETTINGS).expect("the ConfigMap")["data"]["size"], "small");
}

#[test]
fn a_plan_of_another_id_is_refused() {
    let place = planned();
    let _ =
        place.run(&["apply", "--sandbox", "change.plan", "--plan-id", "0123456789ab"]).exits(4).says("0123456789ab");
}

#[test]
fn a_plan_file_takes_no_further_choices() {
    let place = planned();
    for more in [["--var", "colour=red"], ["--target", "manifests.app"]] {
        let mut words = vec!["apply", "--sandbox", "change.plan"];
        words.extend(more);
        let _ = place.run(&words).exits(64).says("a plan file cannot be combined");
    }
}
