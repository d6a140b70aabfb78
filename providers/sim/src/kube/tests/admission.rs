//! Webhooks: asked, not answering, answering; and those who write into their configurations.

use serde_json::{Value, json};

use super::{Lab, config_map, deployment};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

fn configuration(effects: &str, policy: &str) -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "guard"}, "webhooks": [{
        "name": "maps.guard.example.com", "admissionReviewVersions": ["v1"], "sideEffects": effects, "failurePolicy": policy,
        "clientConfig": {"service": {"namespace": "default", "name": "guard", "path": "/validate"}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["CREATE", "UPDATE"]}]}]})
}

fn serve(lab: &mut Lab) {
    let service = json!({"metadata": {"name": "guard"}, "spec": {"selector": {"app": "guard"}, "ports": [{"port": 443, "targetPort": 9443}]}});
    lab.post("/api/v1/namespaces/default/services", service).ok();
    lab.post("/apis/apps/v1/namespaces/default/deployments", deployment("guard", 1)).ok();
}

#[test]
fn a_webhook_that_nobody_serves_stops_what_it_intercepts() {
    let mut lab = Lab::ready("1.34.4");
    lab.post(CONFIGURATIONS, configuration("None", "Fail")).ok();
    let refused = lab.post(MAPS, config_map("a", json!({})));
    assert_eq!(
        (refused.status, refused.message()),
        (
            500,
            "Internal error occurred: failed calling webhook \"maps.guard.example.com\": failed to call webhook: Post \"https://guard.default.svc:443/validate?timeout=10s\": service \"guard\" not found"
        )
    );
    serve(&mut lab);
    let address = lab.get("/api/v1/namespaces/default/services/guard").ok()["spec"]["clusterIP"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let refused = lab.post(MAPS, config_map("a", json!({})));
    assert!(
        refused.message().ends_with(&format!("dial tcp {address}:443: connect: connection refused")),
        "{}",
        refused.message()
    );
    assert_eq!(refused.body["reason"], "InternalError");
    lab.wait(60);
    lab.post(MAPS, config_map("a", json!({}))).ok();
}

#[test]
fn a_ready_pod_is_not_yet_an_answering_webhook() {
    let mut lab = Lab::with("1.34.4", crate::Controllers { webhooks: Some(100_000), ..crate::Controllers::default() });
    lab.add_pool("system", 1, 0, &[]);
    lab.wait(60);
    serve(&mut lab);
    lab.post(CONFIGURATIONS, configuration("None", "Fail")).ok();
    lab.wait(60);
    assert_eq!(lab.get("/apis/apps/v1/namespaces/default/deployments/guard").ok()["status"]["readyReplicas"], 1);
    assert_eq!(lab.post(MAPS, config_map("a", json!({}))).status, 500);
    lab.wait(100);
    assert_eq!(lab.post(MAPS, config_map("a", json!({}))).status, 201);
}

#[test]
fn unstated_effects_refuse_a_dry_run_and_ignore_lets_pass() {
    let mut lab = Lab::ready("1.21.14");
    let mut old = configuration("None", "Fail");
    old["apiVersion"] = json!("admissionregistration.k8s.io/v1beta1");
    old["webhooks"][0].as_object_mut().expect("a webhook").remove("sideEffects");
    let made = lab.post("/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations", old).ok();
    assert_eq!(
        (&made["webhooks"][0]["sideEffects"], &made["webhooks"][0]["timeoutSeconds"]),
        (&json!("Unknown"), &json!(30))
    );
    let refused = lab.post(&format!("{MAPS}?dryRun=All"), config_map("a", json!({})));
    assert_eq!(
        (refused.status, refused.message()),
        (400, "admission webhook \"maps.guard.example.com\" does not support dry run")
    );
    let mut lab = Lab::ready("1.34.4");
    lab.post(CONFIGURATIONS, configuration("None", "Ignore")).ok();
    lab.post(MAPS, config_map("a", json!({}))).ok();
}

#[test]
fn pods_wait_for_the_webhook_that_would_change_them() {
    let mut lab = Lab::ready("1.34.4");
    let mut injector = configuration("None", "Fail");
    injector["kind"] = json!("MutatingWebhookConfiguration");
    injector["webhooks"][0]["rules"][0]["resources"] = json!(["pods"]);
    injector["webhooks"][0]["namespaceSelector"] = json!({"matchLabels": {"inject": "yes"}});
    lab.post("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", injector).ok();
    lab.post("/api/v1/namespaces", json!({"metadata": {"name": "apps", "labels": {"inject": "yes"}}})).ok();
    lab.wait(1);
    lab.post("/apis/apps/v1/namespaces/apps/deployments", deployment("web", 1)).ok();
    lab.wait(60);
    let blocked = lab.get("/apis/apps/v1/namespaces/apps/deployments/web").ok();
    let failure = blocked["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["type"] == "ReplicaFailure")
        .cloned();
    assert!(
        failure.is_some_and(|one| one["message"].as_str().is_some_and(|text| text.contains("failed calling webhook"))),
        "{blocked}"
    );
    serve(&mut lab);
    lab.wait(120);
    assert_eq!(lab.get("/apis/apps/v1/namespaces/apps/deployments/web").ok()["status"]["readyReplicas"], 1);
}

#[test]
fn the_enforcer_rewrites_selectors_unless_it_is_told_not_to() {
    let mut lab = Lab::ready("1.34.4");
    let path = format!("{CONFIGURATIONS}/guard");
    lab.apply(&path, "kfplan", configuration("None", "Ignore")).ok();
    lab.wait(10);
    let seen = lab.get(&path).ok();
    let expressions = json!([{"key": "control-plane", "operator": "NotIn", "values": ["true"]}, {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]}]);
    assert_eq!(seen["webhooks"][0]["namespaceSelector"]["matchExpressions"], expressions);
    assert_eq!(
        lab.owned(&path, "admissionsenforcer"),
        json!({"f:webhooks": {"k:{\"name\":\"maps.guard.example.com\"}": {"f:namespaceSelector": {}}}})
    );
    let mut free = configuration("None", "Ignore");
    free["metadata"] = json!({"name": "free", "annotations": {"admissions.enforcer/disabled": "true"}});
    lab.apply(&format!("{CONFIGURATIONS}/free"), "kfplan", free).ok();
    lab.wait(10);
    assert_eq!(lab.get(&format!("{CONFIGURATIONS}/free")).ok()["webhooks"][0]["namespaceSelector"], json!({}));
    let mut historic =
        Lab::with("1.21.14", crate::Controllers { enforcer_historic: true, ..crate::Controllers::default() });
    historic.apply(&path, "kfplan", configuration("None", "Ignore")).ok();
    historic.wait(10);
    let seen = historic.get(&path).ok();
    assert_eq!(
        seen["webhooks"][0]["namespaceSelector"]["matchExpressions"],
        json!([{"key": "control-plane", "operator": "DoesNotExist"}])
    );
}

#[test]
fn whoever_serves_a_webhook_fills_in_its_certificate() {
    let mut lab = Lab::ready("1.34.4");
    lab.apply(&format!("{CONFIGURATIONS}/guard"), "kfplan", configuration("None", "Ignore")).ok();
    serve(&mut lab);
    lab.wait(60);
    assert!(lab.get(&format!("{CONFIGURATIONS}/guard")).ok()["webhooks"][0]["clientConfig"]["caBundle"].is_string());
    assert_eq!(
        lab.owned(&format!("{CONFIGURATIONS}/guard"), "guard"),
        json!({"f:webhooks": {"k:{\"name\":\"maps.guard.example.com\"}": {"f:clientConfig": {"f:caBundle": {}}}}})
    );
}

#[test]
fn a_webhook_by_way_of_the_server_answers_when_its_aggregated_api_does() {
    let mut lab = Lab::ready("1.21.14");
    let mut old = configuration("None", "Fail");
    old["metadata"]["annotations"] = json!({"cert-manager.io/inject-apiserver-ca": "true"});
    old["webhooks"][0]["clientConfig"]["service"] =
        json!({"namespace": "default", "name": "kubernetes", "path": "/apis/guard.example.com/v1beta1/validations"});
    lab.post(CONFIGURATIONS, old).ok();
    let refused = lab.post(MAPS, config_map("a", json!({})));
    assert!(refused.message().ends_with("the server could not find the requested resource"), "{}", refused.message());
    let api = json!({
        "metadata": {"name": "v1beta1.guard.example.com", "annotations": {"cert-manager.io/inject-ca-from-secret": "default/guard-tls"}},
        "spec": {"group": "guard.example.com", "version": "v1beta1", "groupPriorityMinimum": 1000, "versionPriority": 15,
                 "service": {"namespace": "default", "name": "guard"}}});
    lab.post("/apis/apiregistration.k8s.io/v1/apiservices", api).ok();
    serve(&mut lab);
    lab.wait(60);
    let refused = lab.post(MAPS, config_map("a", json!({})));
    assert!(
        refused.message().ends_with("the server is currently unable to handle the request"),
        "{}",
        refused.message()
    );
    // Nobody trusts it until cert-manager's injector runs.
    lab.post("/apis/apps/v1/namespaces/default/deployments", deployment("cainjector", 1)).ok();
    lab.wait(120);
    lab.post(MAPS, config_map("a", json!({}))).ok();
    let api = lab.get("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.guard.example.com").ok();
    assert!(api["spec"]["caBundle"].is_string(), "{api}");
    // The server behind it says who it is.
    let list = lab.get("/apis/guard.example.com/v1beta1").ok();
    assert_eq!(list["groupVersion"], "guard.example.com/v1beta1");
}
