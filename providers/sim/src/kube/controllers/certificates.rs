//! cert-manager: issuers and certificates become ready while it runs.

use serde_json::{Value, json};

use super::{Step, is_ending, list, pods, ready_deployment, text};
use crate::kube::cluster::Cluster;

const CERTIFICATES: &str = "cert-manager.io/certificates";

/// Whether cert-manager itself runs.
fn runs(cluster: &Cluster) -> bool {
    ready_deployment(cluster, |name| name == "cert-manager").is_some()
}

pub(super) fn issuer(step: &Step<'_>, cluster: &mut Cluster, store: &str, namespace: &str, name: &str) {
    let Some(issuer) = cluster.object(store, namespace, name).filter(|issuer| !is_ending(issuer)).cloned() else {
        return;
    };
    if crate::kube::definitions::is(&issuer, "Ready") {
        return;
    }
    if !runs(cluster) {
        pods::try_again(step, cluster, &format!("issuer/{store}/{namespace}/{name}"));
        return;
    }
    let condition = dated(step, &issuer, "IsReady", "");
    step.set_status(cluster, "cert-manager-issuers", store, &issuer, json!({"conditions": [condition]}));
}

fn dated(step: &Step<'_>, object: &Value, reason: &str, message: &str) -> Value {
    let mut condition = step.condition(object, "Ready", true, reason, message);
    if let Some(map) = condition.as_object_mut() {
        map.retain(|_, value| value.as_str().is_none_or(|text| !text.is_empty()));
        if let Some(generation) = object.pointer("/metadata/generation") {
            map.insert("observedGeneration".into(), generation.clone());
        }
    }
    condition
}

pub(super) fn certificate(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(certificate) = cluster.object(CERTIFICATES, namespace, name).filter(|one| !is_ending(one)).cloned() else {
        return;
    };
    let secret = text(&certificate, "/spec/secretName").to_owned();
    let there = cluster.object("/secrets", namespace, &secret).is_some();
    if crate::kube::definitions::is(&certificate, "Ready") && there {
        return;
    }
    let again = format!("certificate/{namespace}/{name}");
    if !runs(cluster) || !issuer_is_ready(cluster, &certificate) {
        pods::try_again(step, cluster, &again);
        return;
    }
    let serial = cluster.fresh_uid(step.settings);
    let pem = |what: &str| format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", serial.replace('-', ""));
    let ca = match cluster.access().ca_pem {
        ca if ca.is_empty() => pem("CERTIFICATE"),
        ca => ca,
    };
    let issuer = text(&certificate, "/spec/issuerRef/name");
    let names: Vec<&str> = list(&certificate, "/spec/dnsNames").iter().filter_map(Value::as_str).collect();
    let made = json!({
        "metadata": {"name": secret, "namespace": namespace, "annotations": {
            "cert-manager.io/alt-names": names.join(","), "cert-manager.io/certificate-name": name,
            "cert-manager.io/common-name": text(&certificate, "/spec/commonName"), "cert-manager.io/issuer-name": issuer,
            "cert-manager.io/issuer-kind": text(&certificate, "/spec/issuerRef/kind"), "cert-manager.io/ip-sans": "", "cert-manager.io/uri-sans": ""}},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": pem("CERTIFICATE"), "tls.key": pem("PRIVATE KEY"), "ca.crt": ca},
    });
    step.by("cert-manager-certificates-issuing", "").create(cluster, "/secrets", made);
    let condition = dated(step, &certificate, "Ready", "Certificate is up to date and has not expired");
    let status = json!({"conditions": [condition], "notBefore": step.stamp(), "notAfter": crate::kube::time::rfc3339(step.now + 90 * 86_400_000), "revision": 1});
    step.set_status(cluster, "cert-manager-certificates-readiness", CERTIFICATES, &certificate, status);
    for store in super::injection::STORES {
        let keys: Vec<String> = cluster.objects(store, "", None).map(|(key, _)| key.to_owned()).collect();
        let delay = step.settings.delay(step.settings.controllers.injection);
        for key in keys {
            if let Some(delay) = delay {
                cluster.schedule(step.now + delay, &format!("inject/{store}/{key}"));
            }
        }
    }
}

fn issuer_is_ready(cluster: &Cluster, certificate: &Value) -> bool {
    let name = text(certificate, "/spec/issuerRef/name");
    let (store, namespace) = match text(certificate, "/spec/issuerRef/kind") {
        "ClusterIssuer" => ("cert-manager.io/clusterissuers", ""),
        _ => ("cert-manager.io/issuers", text(certificate, "/metadata/namespace")),
    };
    cluster.object(store, namespace, name).is_some_and(|issuer| crate::kube::definitions::is(issuer, "Ready"))
}
