//! What somebody else made is not taken over in silence.

use kfplan_tests::{Cloud, applied};
use serde_json::json;

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const MORE: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: theirs
  namespace: app
data:
  who: us
";

#[test]
fn a_foreign_object_blocks_until_it_is_adopted_by_name() {
    let place = applied(SCRATCH);
    let cloud = Cloud::serve(&place);
    let cluster = cloud.cluster(&place);
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}, "data": {"who": "they"}});
    cluster.create("/api/v1/namespaces/app/configmaps", &object);
    place.write("k8s/more.yaml", MORE);

    let _ = place.run(&["plan", "--sandbox"]).exits(6).says("manifests.app/app/ConfigMap/theirs").says("--adopt");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(6);
    let live = cluster.get("/api/v1/namespaces/app/configmaps/theirs").expect("their ConfigMap");
    assert_eq!(live["data"]["who"], "they");

    let adopt = ["apply", "--sandbox", "--auto-approve", "--adopt", "manifests.app/app/ConfigMap/theirs"];
    let _ = place.run(&adopt).exits(0);
    let live = cluster.get("/api/v1/namespaces/app/configmaps/theirs").expect("our ConfigMap");
    assert_eq!(live["data"]["who"], "us");
    assert_eq!(live["metadata"]["labels"]["kfplan.dev/stack"], "tiny");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0);
}

#[test]
fn a_foreign_resource_group_blocks_too() {
    let place = kfplan_tests::empty();
    let cloud = Cloud::serve(&place);
    let group = "/resourcegroups/Tiny?api-version=2021-04-01";
    let (status, answer) = cloud.azure("PUT", group, Some(&json!({"location": "westus2", "tags": {"owner": "they"}})));
    assert_eq!(status, 201, "{answer}");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(6).says("resource_group.main").says("--adopt");
    let (_, live) = cloud.azure("GET", group, None);
    assert_eq!(live["tags"], json!({"owner": "they"}));
    let _ = place.run(&["plan", "--sandbox", "--adopt", "resource_group.main"]).exits(0).says("adopt");
}
