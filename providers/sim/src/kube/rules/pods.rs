//! Defaults of pods, wherever a template of one stands.

use serde_json::{Value, json};

use super::{default, default_text, has, items, text};

/// Fills in a pod template.
pub(crate) fn template(template: &mut Value) {
    if let Some(inner) = template.get_mut("spec") {
        spec(inner);
    }
}

/// Fills in the spec of a pod.
pub(crate) fn spec(spec: &mut Value) {
    default_text(spec, "dnsPolicy", "ClusterFirst");
    default_text(spec, "restartPolicy", "Always");
    default_text(spec, "schedulerName", "default-scheduler");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "securityContext", json!({}));
    account(spec);
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for key in ["containers", "initContainers", "ephemeralContainers"] {
        for container in items(spec, key) {
            self::container(container);
            if host_network {
                for port in items(container, "ports") {
                    let number = port.get("containerPort").cloned().unwrap_or_else(|| json!(0));
                    default(port, "hostPort", number);
                }
            }
        }
    }
    items(spec, "volumes").for_each(volume);
}

/// The account has two names.
fn account(spec: &mut Value) {
    let (new, old) = (text(spec, "/serviceAccountName").to_owned(), text(spec, "/serviceAccount").to_owned());
    let name = if new.is_empty() { old } else { new };
    if !name.is_empty() {
        default_text(spec, "serviceAccountName", &name);
        if let Some(map) = spec.as_object_mut() {
            map.insert("serviceAccount".into(), json!(name));
        }
    }
}

fn container(container: &mut Value) {
    default_text(container, "terminationMessagePath", "/dev/termination-log");
    default_text(container, "terminationMessagePolicy", "File");
    let image = text(container, "/image").to_owned();
    let policy = if is_latest(&image) { "Always" } else { "IfNotPresent" };
    default_text(container, "imagePullPolicy", policy);
    for port in items(container, "ports") {
        default_text(port, "protocol", "TCP");
    }
    for variable in items(container, "env") {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            default_text(field, "apiVersion", "v1");
        }
        if let Some(field) = variable.pointer_mut("/valueFrom/resourceFieldRef") {
            default(field, "divisor", "0");
        }
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(inner) = container.get_mut(key).filter(|inner| inner.is_object()) {
            probe(inner);
        }
    }
    for key in ["postStart", "preStop"] {
        if let Some(get) = container.pointer_mut(&format!("/lifecycle/{key}/httpGet")) {
            http_get(get);
        }
    }
}

/// An image without a tag, or with the tag that moves.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        None => true,
        Some((_, tag)) => tag == "latest",
    }
}

fn probe(probe: &mut Value) {
    for (key, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if probe.get(key).and_then(Value::as_i64).unwrap_or(0) == 0
            && let Some(map) = probe.as_object_mut()
        {
            map.insert(key.into(), json!(value));
        }
    }
    if let Some(get) = probe.get_mut("httpGet").filter(|get| get.is_object()) {
        http_get(get);
    }
    if let Some(grpc) = probe.get_mut("grpc").filter(|grpc| grpc.is_object()) {
        default(grpc, "service", "");
    }
}

fn http_get(get: &mut Value) {
    default_text(get, "path", "/");
    default_text(get, "scheme", "HTTP");
}

fn volume(volume: &mut Value) {
    let sources = volume.as_object().map_or(0, |map| map.keys().filter(|key| *key != "name").count());
    if sources == 0 {
        default(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(inner) = volume.get_mut(source).filter(|inner| inner.is_object()) {
            default(inner, "defaultMode", 420);
            field_references(inner);
            for projection in items(inner, "sources") {
                if let Some(token) = projection.get_mut("serviceAccountToken").filter(|token| token.is_object()) {
                    default(token, "expirationSeconds", 3_600);
                }
                if let Some(downward) = projection.get_mut("downwardAPI") {
                    field_references(downward);
                }
            }
        }
    }
    if let Some(path) = volume.get_mut("hostPath").filter(|path| path.is_object()) {
        default(path, "type", "");
    }
    if let Some(disk) = volume.get_mut("azureDisk").filter(|disk| disk.is_object()) {
        default(disk, "cachingMode", "ReadWrite");
        default(disk, "fsType", "ext4");
        default(disk, "readOnly", false);
        default(disk, "kind", "Shared");
    }
    if let Some(claim) = volume.pointer_mut("/ephemeral/volumeClaimTemplate/spec")
        && !has(claim, "volumeMode")
    {
        default(claim, "volumeMode", "Filesystem");
    }
}

fn field_references(source: &mut Value) {
    for item in items(source, "items") {
        if let Some(field) = item.get_mut("fieldRef").filter(|field| field.is_object()) {
            default_text(field, "apiVersion", "v1");
        }
        if let Some(field) = item.get_mut("resourceFieldRef").filter(|field| field.is_object()) {
            default(field, "divisor", "0");
        }
    }
}
