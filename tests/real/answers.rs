//! Webhooks, conversions and aggregated APIs are answered while the pods behind are ready, and only then.

use kfplan_tests::{Cluster, RealCluster};
use serde_json::{Value as Json, json};

use crate::objects::{DEFINITIONS, define, definition, deployment, deployments, is_true, managers, service, until};

const JSON: &str = "application/json";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const HOOKS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const APIS: &str = "/apis/apiregistration.k8s.io/v1/apiservices";

fn webhook() -> Json {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "hook"},
        "webhooks": [{
            "name": "hook.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1", "v1beta1"],
            "clientConfig": {"service": {"namespace": "default", "name": "hook"}}, "failurePolicy": "Fail",
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE"]}],
            "objectSelector": {"matchLabels": {"hooked": "yes"}},
        }],
    })
}

/// What the server says to a ConfigMap that the webhook is asked about.
fn hooked(api: &Cluster) -> (u16, String) {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "map-", "labels": {"hooked": "yes"}}});
    let (status, answer) = api.ask("POST", MAPS, JSON, Some(&map));
    (status, answer["message"].as_str().unwrap_or_default().to_owned())
}

fn scale(api: &Cluster, name: &str, replicas: u32) {
    api.merge(&format!("{}/{name}", deployments("default")), "test", &json!({"spec": {"replicas": replicas}}));
}

#[test]
fn a_webhook_refuses_before_its_pods_are_ready_and_after_they_went() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in-delay", "1s"]) else { return };
    let api = cluster.api();
    api.create(&deployments("default"), &deployment("hook", 0));
    api.create("/api/v1/namespaces/default/services", &service("hook"));
    api.create(HOOKS, &webhook());
    let refused = kfplan_tests::until("a refusal", || Some(hooked(api)).filter(|(status, _)| *status != 201));
    assert!(refused.0 == 500 && refused.1.contains("connection refused"), "{refused:?}");

    scale(api, "hook", 1);
    kfplan_tests::until("a webhook that answers", || (hooked(api).0 == 201).then_some(()));
    let hook = api.get(&format!("{HOOKS}/hook")).expect("the webhook");
    assert!(hook["webhooks"][0]["clientConfig"]["caBundle"].is_string(), "{hook}");
    assert!(managers(&hook).contains(&"manager".to_owned()), "{hook}");

    scale(api, "hook", 0);
    let refused = kfplan_tests::until("a refusal", || Some(hooked(api)).filter(|(status, _)| *status != 201));
    assert!(refused.1.contains("connection refused"), "{refused:?}");
}

#[test]
fn a_stand_in_that_is_off_does_nothing() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in", "admission=off", "--stand-in-delay", "0s"]) else {
        return;
    };
    let api = cluster.api();
    api.create(&deployments("default"), &deployment("hook", 1));
    api.create("/api/v1/namespaces/default/services", &service("hook"));
    api.create(HOOKS, &webhook());
    // Another that waits for the same pods has acted: this one would have.
    until(api, &format!("{HOOKS}/hook"), "a bundle", |hook| {
        hook["webhooks"][0]["clientConfig"]["caBundle"].is_string()
    });
    assert_eq!(hooked(api).0, 500);
}

#[test]
fn admissions_are_enforced_as_aks_does_in_both_forms() {
    for (form, expected) in [
        (
            "current",
            json!([
                {"key": "control-plane", "operator": "NotIn", "values": ["true"]},
                {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]},
            ]),
        ),
        ("historic", json!([{"key": "control-plane", "operator": "DoesNotExist"}])),
    ] {
        let Some(cluster) = RealCluster::up_with("1.34", &["--enforcer", form]) else { return };
        let api = cluster.api();
        let mut spared = webhook();
        spared["metadata"] = json!({"name": "spared", "annotations": {"admissions.enforcer/disabled": "true"}});
        api.create(HOOKS, &spared);
        api.create(HOOKS, &webhook());
        let hook = until(api, &format!("{HOOKS}/hook"), "an enforced selector", |hook| {
            hook["webhooks"][0]["namespaceSelector"]["matchExpressions"].is_array()
        });
        assert_eq!(hook["webhooks"][0]["namespaceSelector"]["matchExpressions"], expected);
        assert!(managers(&hook).contains(&"admissionsenforcer".to_owned()), "{hook}");
        let spared = api.get(&format!("{HOOKS}/spared")).expect("the other webhook");
        assert_eq!(spared["webhooks"][0]["namespaceSelector"], json!({}));
    }
}

#[test]
fn conversions_and_aggregated_apis_are_answered() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in-delay", "1s"]) else { return };
    let api = cluster.api();
    api.create(&deployments("default"), &deployment("hook", 1));
    api.create("/api/v1/namespaces/default/services", &service("hook"));

    let mut things = definition("example.com", "Thing", "Cluster", &["v1", "v2"]);
    things["spec"]["conversion"] = json!({"strategy": "Webhook", "webhook": {
        "conversionReviewVersions": ["v1"], "clientConfig": {"service": {"namespace": "default", "name": "hook"}},
    }});
    define(api, &things);
    until(api, &format!("{DEFINITIONS}/things.example.com"), "a bundle", |crd| {
        crd["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"].is_string()
    });
    let thing = json!({"apiVersion": "example.com/v2", "kind": "Thing", "metadata": {"name": "one"}, "size": 3});
    api.create("/apis/example.com/v2/things", &thing);
    let old = kfplan_tests::until("a conversion", || {
        let (status, old) = api.ask("GET", "/apis/example.com/v1/things/one", JSON, None);
        (status == 200).then_some(old)
    });
    assert_eq!((old["apiVersion"].clone(), old["size"].clone()), (json!("example.com/v1"), json!(3)));

    let aggregated = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.far.example.com"},
        "spec": {
            "group": "far.example.com", "version": "v1beta1", "groupPriorityMinimum": 1000, "versionPriority": 15,
            "service": {"namespace": "default", "name": "hook"},
        },
    });
    api.create(APIS, &aggregated);
    until(api, &format!("{APIS}/v1beta1.far.example.com"), "an available API", |one| is_true(one, "Available"));
    assert_eq!(api.get("/apis/far.example.com/v1beta1").expect("a list")["resources"], json!([]));
}
