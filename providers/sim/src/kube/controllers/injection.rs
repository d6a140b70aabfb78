//! The certificates that callers of a webhook trust, put there by whoever serves it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Step, list, pods, ready_deployment, text};
use crate::kube::cluster::Cluster;
use crate::kube::server::Labels;

/// The kinds that hold such certificates.
pub(super) const STORES: [&str; 4] = [
    "admissionregistration.k8s.io/mutatingwebhookconfigurations",
    "admissionregistration.k8s.io/validatingwebhookconfigurations",
    "apiextensions.k8s.io/customresourcedefinitions",
    "apiregistration.k8s.io/apiservices",
];

const CERT_MANAGER: [&str; 3] =
    ["cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca"];

/// Who fills in, and what.
struct Injector {
    manager: String,
    bundle: String,
}

pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, store: &str, name: &str) {
    let Some(object) = cluster.object(store, "", name).cloned() else { return };
    make_secret(step, cluster, &object);
    let mut filled: Vec<(String, Injector)> = Vec::new();
    for pointer in places(&object) {
        let config = object.pointer(&pointer).cloned().unwrap_or_default();
        if !text(&config, "/caBundle").is_empty() && !by_annotation(&object) {
            continue;
        }
        let Some(injector) = injector(cluster, &object, &config) else {
            // The injector, or the certificate it takes, may come later.
            if by_annotation(&object) {
                pods::try_again(step, cluster, &format!("inject/{store}//{name}"));
            }
            continue;
        };
        if text(&config, "/caBundle") != injector.bundle {
            filled.push((pointer, injector));
        }
    }
    let Some(manager) = filled.first().map(|(_, injector)| injector.manager.clone()) else { return };
    step.by(&manager, "").modify(cluster, store, "", name, |object| {
        for (pointer, injector) in filled {
            if let Some(config) = object.pointer_mut(&pointer).and_then(Value::as_object_mut) {
                config.insert("caBundle".into(), json!(injector.bundle));
            }
        }
    });
}

/// cert-manager's own webhook makes the secret of its authority when it starts.
fn make_secret(step: &Step<'_>, cluster: &mut Cluster, object: &Value) {
    let Some((namespace, name)) = annotation(object, CERT_MANAGER[1]).and_then(|secret| secret.split_once('/')) else {
        return;
    };
    let places = places(object);
    let place = places.first().and_then(|place| object.pointer(place));
    let service = place.and_then(|config| config.get("service")).cloned().unwrap_or_default();
    let answers =
        cluster.note(&format!("answers/{}/{}", text(&service, "/namespace"), text(&service, "/name"))).is_some();
    if !answers || cluster.object("/secrets", namespace, name).is_some() {
        return;
    }
    let pem = fallback(cluster, name);
    step.by("cert-manager-webhook", "").create(cluster, "/secrets", json!({
        "metadata": {"name": name, "namespace": namespace}, "type": "Opaque",
        "stringData": {"ca.crt": pem, "tls.crt": pem, "tls.key": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"},
    }));
}

/// Where in an object such certificates stand.
fn places(object: &Value) -> Vec<String> {
    match text(object, "/kind") {
        "CustomResourceDefinition" => {
            let pointer = "/spec/conversion/webhook/clientConfig";
            object
                .pointer(pointer)
                .filter(|config| config.is_object())
                .map(|_| pointer.to_owned())
                .into_iter()
                .collect()
        }
        "APIService" => object
            .pointer("/spec/service")
            .filter(|service| service.is_object())
            .map(|_| "/spec".to_owned())
            .into_iter()
            .collect(),
        _ => (0..list(object, "/webhooks").len()).map(|index| format!("/webhooks/{index}/clientConfig")).collect(),
    }
}

fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn by_annotation(object: &Value) -> bool {
    CERT_MANAGER.iter().any(|key| annotation(object, key).is_some())
}

/// Who puts a certificate into this place, where it can do so now.
fn injector(cluster: &Cluster, object: &Value, config: &Value) -> Option<Injector> {
    if by_annotation(object) {
        ready_deployment(cluster, |name| name.contains("cainjector"))?;
        let manager = "cert-manager-cainjector".to_owned();
        if annotation(object, CERT_MANAGER[2]) == Some("true") {
            return Some(Injector { manager, bundle: STANDARD.encode(fallback(cluster, "apiserver")) });
        }
        let secret = match annotation(object, CERT_MANAGER[1]) {
            Some(secret) => secret.to_owned(),
            None => {
                let (namespace, name) = annotation(object, CERT_MANAGER[0])?.split_once('/')?;
                let certificate = cluster.object("cert-manager.io/certificates", namespace, name)?;
                format!("{namespace}/{}", text(certificate, "/spec/secretName"))
            }
        };
        let (namespace, name) = secret.split_once('/')?;
        let secret = cluster.object("/secrets", namespace, name)?;
        let bundle = secret.pointer("/data").and_then(|data| data.get("ca.crt")).and_then(Value::as_str)?.to_owned();
        return Some(Injector { manager, bundle });
    }
    let service = config.get("service").filter(|service| service.is_object())?;
    let (namespace, name) = (text(service, "/namespace"), text(service, "/name"));
    cluster.note(&format!("answers/{namespace}/{name}"))?;
    let manager = manager_of(cluster, namespace, name)?;
    Some(Injector { manager, bundle: STANDARD.encode(fallback(cluster, namespace)) })
}

/// The name under which a server of webhooks writes.
fn manager_of(cluster: &Cluster, namespace: &str, service: &str) -> Option<String> {
    let known = match service {
        "istiod" | "istio-pilot" => Some("pilot-discovery"),
        "istio-sidecar-injector" => Some("sidecar-injector"),
        "istio-galley" => Some("galley"),
        "katib-controller" => Some("katib-controller"),
        "webhook" => Some("webhook"),
        "net-istio-webhook" => Some("webhook"),
        _ => None,
    };
    if let Some(known) = known {
        return Some(known.to_owned());
    }
    let found = cluster.object("/services", namespace, service)?;
    let selector = Labels::of_selector(&json!({"matchLabels": found.pointer("/spec/selector")?}));
    let mut deployments = cluster.objects("apps/deployments", namespace, None);
    let behind = deployments.find(|(_, deployment)| {
        selector.matches(deployment.pointer("/spec/template/metadata/labels").and_then(Value::as_object))
    });
    behind.map(|(_, deployment)| text(deployment, "/metadata/name").to_owned())
}

/// A certificate of one's own: the cluster's, or a name where there is none.
fn fallback(cluster: &Cluster, purpose: &str) -> String {
    let pem = cluster.access().ca_pem;
    if pem.is_empty() {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(purpose))
    } else {
        pem
    }
}
