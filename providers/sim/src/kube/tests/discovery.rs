//! What a cluster says it serves, by version.

use serde_json::{Value, json};

use super::Lab;
use super::definitions::definition;

fn served(lab: &mut Lab, path: &str) -> Vec<String> {
    let list = lab.get(path).ok();
    list["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_version_is_told() {
    let version = Lab::new("1.21.14").get("/version").ok();
    assert_eq!(
        (&version["major"], &version["minor"], &version["gitVersion"]),
        (&json!("1"), &json!("21"), &json!("v1.21.14"))
    );
}

#[test]
fn removed_versions_are_served_until_they_were_removed() {
    for (minor, path, there) in [
        (21, "/apis/apiextensions.k8s.io/v1beta1", true),
        (22, "/apis/apiextensions.k8s.io/v1beta1", false),
        (24, "/apis/policy/v1beta1", true),
        (25, "/apis/policy/v1beta1", false),
        (25, "/apis/autoscaling/v2beta2", true),
        (26, "/apis/autoscaling/v2beta2", false),
        (20, "/apis/batch/v1beta1", true),
        (22, "/apis/autoscaling/v2", false),
        (23, "/apis/autoscaling/v2", true),
        (21, "/apis/extensions/v1beta1", true),
        (22, "/apis/extensions/v1beta1", false),
    ] {
        let status = Lab::new(&format!("1.{minor}.0")).get(path).status;
        assert_eq!(status == 200, there, "{path} on 1.{minor}");
    }
}

#[test]
fn groups_and_kinds_are_listed_with_scope_and_verbs() {
    let mut lab = Lab::new("1.34.4");
    let groups = lab.get("/apis").ok();
    let apps =
        groups["groups"].as_array().into_iter().flatten().find(|group| group["name"] == "apps").cloned().expect("apps");
    assert_eq!(apps["preferredVersion"], json!({"groupVersion": "apps/v1", "version": "v1"}));
    let core = served(&mut lab, "/api/v1");
    for name in ["pods", "pods/log", "pods/status", "namespaces/finalize", "configmaps", "services"] {
        assert!(core.contains(&name.to_owned()), "{name}");
    }
    let list = lab.get("/apis/apps/v1").ok();
    let one = list["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["name"] == "deployments")
        .cloned()
        .expect("deployments");
    assert_eq!(
        (&one["namespaced"], &one["kind"], &one["shortNames"]),
        (&json!(true), &json!("Deployment"), &json!(["deploy"]))
    );
}

#[test]
fn a_custom_kind_is_discovered_once_established() {
    let mut lab = Lab::new("1.34.4");
    lab.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition()).ok();
    assert_eq!(lab.get("/apis/example.com/v1").status, 404);
    lab.wait(3);
    assert_eq!(served(&mut lab, "/apis/example.com/v1"), ["gadgets", "gadgets/status"]);
}

#[test]
fn newer_servers_tell_everything_at_once_to_those_who_ask() {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
    let ask = |version: &str| {
        let answer = Lab::new(version).raw("GET", "/apis", &[("accept", accept)], b"");
        (
            answer.value()["kind"].as_str().unwrap_or_default().to_owned(),
            answer.header("content-type").unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(
        ask("1.34.4"),
        ("APIGroupDiscoveryList".into(), "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList".into())
    );
    assert_eq!(ask("1.28.0").1, "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList");
    assert_eq!(ask("1.21.14"), ("APIGroupList".into(), "application/json".into()));
    let all: Value = Lab::new("1.34.4").raw("GET", "/apis", &[("accept", accept)], b"").value();
    let apps = all["items"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|item| item["metadata"]["name"] == "apps")
        .cloned()
        .expect("apps");
    let deployments = apps["versions"][0]["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["resource"] == "deployments")
        .cloned();
    assert_eq!(deployments.map(|one| one["scope"].clone()), Some(json!("Namespaced")));
}
