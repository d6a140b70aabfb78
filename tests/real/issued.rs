//! Certificates and Profiles: what their controllers would write is written once those run.

use kfplan_tests::RealCluster;
use serde_json::json;

use crate::objects::{define, definition, deployment, deployments, is_true, managers, until};

const HOOKS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

#[test]
fn certificates_become_ready_with_their_secret_and_are_injected() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in-delay", "500ms"]) else { return };
    let api = cluster.api();
    for kind in ["Certificate", "Issuer"] {
        define(api, &definition("cert-manager.io", kind, "Namespaced", &["v1"]));
    }
    let space = "/apis/cert-manager.io/v1/namespaces/default";
    let issuer = json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": {"selfSigned": {}}});
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "hook"},
        "spec": {"secretName": "hook-tls", "dnsNames": ["hook.default.svc"], "issuerRef": {"name": "own"}},
    });
    let hook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "hook", "annotations": {"cert-manager.io/inject-ca-from": "default/hook"}},
        "webhooks": [{
            "name": "hook.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"namespace": "default", "name": "nobody"}},
        }],
    });
    api.create(&format!("{space}/issuers"), &issuer);
    api.create(&format!("{space}/certificates"), &certificate);
    api.create(HOOKS, &hook);
    api.create(&deployments("default"), &deployment("cert-manager", 1));
    let ready = until(api, &format!("{space}/certificates/hook"), "a ready certificate", |one| is_true(one, "Ready"));
    assert!(managers(&ready).contains(&"cert-manager-certificates-readiness".to_owned()), "{ready}");
    let secret = api.get("/api/v1/namespaces/default/secrets/hook-tls").expect("its Secret");
    assert_eq!(secret["type"], "kubernetes.io/tls");
    assert_eq!(managers(&secret), ["cert-manager-certificates-issuing"]);
    let bare = api.get(&format!("{HOOKS}/hook")).expect("the webhook");
    assert!(bare["webhooks"][0]["clientConfig"]["caBundle"].is_null(), "injected by nobody: {bare}");

    api.create(&deployments("default"), &deployment("cainjector", 1));
    let hook = until(api, &format!("{HOOKS}/hook"), "an injected bundle", |hook| {
        hook["webhooks"][0]["clientConfig"]["caBundle"] == secret["data"]["ca.crt"]
    });
    assert!(managers(&hook).contains(&"cert-manager-cainjector".to_owned()), "{hook}");
}

#[test]
fn a_profile_gets_its_namespace() {
    let Some(cluster) = RealCluster::up_with("1.34", &["--stand-in-delay", "500ms"]) else { return };
    let api = cluster.api();
    define(api, &definition("kubeflow.org", "Profile", "Cluster", &["v1"]));
    let profile = json!({
        "apiVersion": "kubeflow.org/v1", "kind": "Profile", "metadata": {"name": "ann"},
        "spec": {"owner": {"kind": "User", "name": "ann@example.com"}},
    });
    api.create("/apis/kubeflow.org/v1/profiles", &profile);
    api.create(&deployments("default"), &deployment("profiles-deployment", 1));
    let space = until(api, "/api/v1/namespaces/ann", "the namespace", |_| true);
    assert_eq!(space["metadata"]["annotations"]["owner"], "ann@example.com");
    assert_eq!(space["metadata"]["labels"]["istio-injection"], "enabled");
    until(api, "/api/v1/namespaces/ann/serviceaccounts/default-editor", "its service account", |_| true);
}
