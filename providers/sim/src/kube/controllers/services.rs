//! Services get endpoints and addresses, and webhooks behind them begin to answer.

use serde_json::{Value, json};

use super::{MANAGER, Step, is_ending, list, pods, text};
use crate::kube::Settings;
use crate::kube::cluster::Cluster;
use crate::kube::rules;
use crate::kube::server::Labels;

/// Whether what stands behind a service answers.
pub(crate) enum Answering {
    /// Nothing listens there yet; the address that was tried.
    No(String),
    Yes,
}

/// Whether the pods behind a service have been ready for long enough.
pub(crate) fn service_answers(
    cluster: &Cluster,
    now: u64,
    settings: &Settings,
    namespace: &str,
    name: &str,
) -> Answering {
    let address =
        cluster.object("/services", namespace, name).map_or("", |service| text(service, "/spec/clusterIP")).to_owned();
    let since = cluster.note(&format!("answers/{namespace}/{name}")).and_then(|at| at.as_u64());
    let delay = settings.delay(settings.controllers.webhooks).unwrap_or(u64::MAX);
    match since {
        Some(since) if now >= since.saturating_add(delay) => Answering::Yes,
        _ => Answering::No(address),
    }
}

/// Keeps the endpoints of a service those of its ready pods.
pub(super) fn endpoints(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(service) = cluster.object("/services", namespace, name).cloned() else {
        step.by(MANAGER, "").delete(cluster, "/endpoints", namespace, name);
        cluster.set_note(&format!("answers/{namespace}/{name}"), None);
        return;
    };
    let Some(selector) =
        service.pointer("/spec/selector").filter(|selector| selector.as_object().is_some_and(|map| !map.is_empty()))
    else {
        return;
    };
    let selector = Labels::of_selector(&json!({"matchLabels": selector}));
    let mut ready = Vec::new();
    let mut waiting = Vec::new();
    let mut targets = None;
    for (_, pod) in cluster.objects("/pods", namespace, None) {
        if !selector.matches(pod.pointer("/metadata/labels").and_then(Value::as_object))
            || text(pod, "/status/phase") == "Succeeded"
        {
            continue;
        }
        let address = text(pod, "/status/podIP");
        if address.is_empty() {
            continue;
        }
        let one = json!({
            "ip": address, "nodeName": text(pod, "/spec/nodeName"),
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": text(pod, "/metadata/name"), "uid": text(pod, "/metadata/uid")},
        });
        targets.get_or_insert_with(|| pod.clone());
        if pods::is_ready(pod) { ready.push(one) } else { waiting.push(one) }
    }
    let ports: Vec<Value> =
        list(&service, "/spec/ports").iter().map(|port| endpoint_port(port, targets.as_deref())).collect();
    let mut subsets = Vec::new();
    let any = !ready.is_empty();
    if !ready.is_empty() || !waiting.is_empty() {
        let mut subset = json!({"ports": ports});
        if let Some(map) = subset.as_object_mut() {
            for (key, all) in [("addresses", ready), ("notReadyAddresses", waiting)] {
                if !all.is_empty() {
                    map.insert(key.into(), Value::Array(all));
                }
            }
        }
        subsets.push(subset);
    }
    keep_endpoints(step, cluster, &service, subsets);
    let note = format!("answers/{namespace}/{name}");
    match (any, cluster.note(&note).is_some()) {
        (true, false) => {
            cluster.set_note(&note, Some(json!(step.now)));
            began_to_answer(step, cluster, namespace, name);
        }
        (false, true) => {
            cluster.set_note(&note, None);
            wake_dependents(step, cluster, namespace, name, 0);
        }
        _ => {}
    }
}

fn endpoint_port(port: &Value, pod: Option<&Value>) -> Value {
    let target = port.get("targetPort").cloned().unwrap_or_default();
    let number = match &target {
        Value::String(name) => {
            let containers = pod.map(|pod| list(pod, "/spec/containers")).unwrap_or_default();
            let mut ports = containers.iter().flat_map(|container| list(container, "/ports"));
            ports.find(|one| text(one, "/name") == name).and_then(|one| one.get("containerPort")).cloned()
        }
        number => Some(number.clone()),
    };
    let mut out = json!({"port": number.or_else(|| port.get("port").cloned()), "protocol": text(port, "/protocol")});
    if let (Some(name), Some(map)) = (port.get("name"), out.as_object_mut()) {
        map.insert("name".into(), name.clone());
    }
    out
}

fn keep_endpoints(step: &Step<'_>, cluster: &mut Cluster, service: &Value, subsets: Vec<Value>) {
    let (namespace, name) = (text(service, "/metadata/namespace"), text(service, "/metadata/name"));
    let labels = service.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    let by = step.by(MANAGER, "");
    let made = json!({"metadata": {"name": name, "namespace": namespace, "labels": labels}, "subsets": subsets});
    by.create(cluster, "/endpoints", made);
    by.modify(cluster, "/endpoints", namespace, name, |object| {
        if let Some(map) = object.as_object_mut() {
            if subsets.is_empty() {
                map.remove("subsets");
            } else {
                map.insert("subsets".into(), Value::Array(subsets));
            }
        }
    });
}

/// A service has pods now: after a while they answer, and those who wait for that are woken then.
fn began_to_answer(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let settings = step.settings;
    let delay = settings.delay(settings.controllers.webhooks).unwrap_or(0);
    wake_dependents(step, cluster, namespace, name, delay);
}

fn wake_dependents(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str, delay: u64) {
    let injection = step.settings.delay(step.settings.controllers.injection);
    let mut due = Vec::new();
    for (_, service) in cluster.objects("apiregistration.k8s.io/apiservices", "", None) {
        if text(service, "/spec/service/name") == name && text(service, "/spec/service/namespace") == namespace {
            due.push((delay, format!("apiservice//{}", text(service, "/metadata/name"))));
        }
    }
    if let Some(injection) = injection {
        for store in super::injection::STORES {
            for (key, _) in cluster.objects(store, "", None) {
                due.push((injection, format!("inject/{store}/{key}")));
            }
        }
    }
    for (delay, what) in due {
        cluster.schedule(step.now + delay, &what);
    }
}

/// Gives a service the address of a load balancer, or takes it back.
pub(super) fn balancer(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    const HOLD: &str = "service.kubernetes.io/load-balancer-cleanup";
    const CLOUD: &str = "cloud-controller-manager";
    let Some(service) = cluster.object("/services", namespace, name).cloned() else { return };
    let wanted = text(&service, "/spec/type") == "LoadBalancer" && !is_ending(&service);
    let held = list(&service, "/metadata/finalizers").iter().any(|one| one == HOLD);
    if wanted != held {
        step.by(CLOUD, "").modify(cluster, "/services", namespace, name, |service| {
            let mut all = list(service, "/metadata/finalizers").to_vec();
            if wanted {
                all.push(json!(HOLD))
            } else {
                all.retain(|one| one != HOLD)
            }
            rules::metadata::set(service, "finalizers", (!all.is_empty()).then_some(Value::Array(all)));
        });
    }
    let Some(service) = cluster.object("/services", namespace, name).cloned() else { return };
    let status = if wanted {
        let internal = service
            .pointer("/metadata/annotations/service.beta.kubernetes.io~1azure-load-balancer-internal")
            .and_then(Value::as_str)
            == Some("true");
        let sum = format!("{namespace}/{name}")
            .bytes()
            .fold(11_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let ip = if internal {
            format!("10.224.{}.{}", sum / 250 % 16 + 1, sum % 250 + 4)
        } else {
            format!("20.{}.{}.{}", sum / 62_500 % 200 + 10, sum / 250 % 250, sum % 250 + 4)
        };
        let mut ingress = json!({"ip": ip});
        if let (true, Some(map)) = (cluster.release.minor >= 30, ingress.as_object_mut()) {
            map.insert("ipMode".into(), json!("VIP"));
        }
        json!({"loadBalancer": {"ingress": [ingress]}})
    } else {
        json!({"loadBalancer": {}})
    };
    step.set_status(cluster, CLOUD, "/services", &service, status);
}

/// Whether the API server has what it takes to trust an aggregated API.
fn is_trusted(api: &Value) -> bool {
    !text(api, "/spec/caBundle").is_empty() || api.pointer("/spec/insecureSkipTLSVerify") == Some(&Value::Bool(true))
}

/// Says whether an aggregated API is available.
pub(super) fn api_service(step: &Step<'_>, cluster: &mut Cluster, name: &str) {
    const STORE: &str = "apiregistration.k8s.io/apiservices";
    let Some(object) = cluster.object(STORE, "", name).cloned() else { return };
    let Some(service) = object.pointer("/spec/service").filter(|service| service.is_object()) else {
        let condition = step.condition(&object, "Available", true, "Local", "Local APIServices are always available");
        step.set_status(cluster, "kube-apiserver", STORE, &object, json!({"conditions": [condition]}));
        return;
    };
    let (namespace, target) = (text(service, "/namespace").to_owned(), text(service, "/name").to_owned());
    let condition = if cluster.object("/services", &namespace, &target).is_none() {
        let message = format!("service/{target} in \"{namespace}\" is not present");
        step.condition(&object, "Available", false, "ServiceNotFound", &message)
    } else if cluster.note(&format!("answers/{namespace}/{target}")).is_none() {
        let message =
            format!("endpoints for service/{target} in \"{namespace}\" have no addresses with port name \"\"");
        step.condition(&object, "Available", false, "MissingEndpoints", &message)
    } else {
        match service_answers(cluster, step.now, step.settings, &namespace, &target) {
            Answering::Yes if !is_trusted(&object) => {
                let (group, version) = (text(&object, "/spec/group"), text(&object, "/spec/version"));
                let message = format!(
                    "failing or missing response from https://{target}.{namespace}.svc:443/apis/{group}/{version}: x509: certificate signed by unknown authority"
                );
                step.condition(&object, "Available", false, "FailedDiscoveryCheck", &message)
            }
            Answering::Yes => step.condition(&object, "Available", true, "Passed", "all checks passed"),
            Answering::No(address) => {
                let group = text(&object, "/spec/group");
                let version = text(&object, "/spec/version");
                let message = format!(
                    "failing or missing response from https://{address}:443/apis/{group}/{version}: dial tcp {address}:443: connect: connection refused"
                );
                pods::try_again(step, cluster, &format!("apiservice//{name}"));
                step.condition(&object, "Available", false, "FailedDiscoveryCheck", &message)
            }
        }
    };
    step.set_status(cluster, "kube-apiserver", STORE, &object, json!({"conditions": [condition]}));
}
