//! What the server itself asks of new objects before anybody else sees them.

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::rules::metadata;
use super::server::Call;
use super::status::{Outcome, Refusal};

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Admits a new object, and completes it.
pub(crate) fn create(cluster: &Cluster, call: &Call<'_>, object: &mut Value) -> Outcome<()> {
    namespace(cluster, call, object)?;
    if call.resource.custom {
        return Ok(());
    }
    if call.resource.kind == "Pod" {
        complete_pod(cluster, object);
    }
    complete(cluster, &call.resource.kind, object);
    Ok(())
}

/// What a new object of a built-in kind is given, whoever makes it.
pub(crate) fn complete(cluster: &Cluster, kind: &str, object: &mut Value) {
    let hold = match kind {
        "PersistentVolumeClaim" => {
            default_class(cluster, object);
            "kubernetes.io/pvc-protection"
        }
        "PersistentVolume" => "kubernetes.io/pv-protection",
        _ => return,
    };
    let mut all = object.pointer("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    if !all.iter().any(|one| one == hold) {
        all.push(json!(hold));
        metadata::set(object, "finalizers", Some(Value::Array(all)));
    }
}

/// Nothing comes into a namespace that is not there, or that ends.
fn namespace(cluster: &Cluster, call: &Call<'_>, object: &Value) -> Outcome<()> {
    let name = &call.path.namespace;
    if name.is_empty() {
        return Ok(());
    }
    let Some(found) = cluster.object("/namespaces", "", name) else { return Err(Refusal::no_namespace(name)) };
    if found.pointer("/metadata/deletionTimestamp").is_none() {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {name} because it is being terminated");
    let mut refusal = Refusal::forbidden(&call.resource, text(object, "/metadata/name"), &why);
    if let Some(details) = refusal.details.as_mut().and_then(Value::as_object_mut) {
        let message = format!("namespace {name} is being terminated");
        details.insert(
            "causes".into(),
            json!([{"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}]),
        );
    }
    Err(refusal)
}

/// Gives a pod its account, its token, its tolerations, and its priority.
pub(crate) fn complete_pod(cluster: &Cluster, pod: &mut Value) {
    let name = text(pod, "/metadata/name").to_owned();
    let class = text(pod, "/spec/priorityClassName").to_owned();
    let priority =
        cluster.object("scheduling.k8s.io/priorityclasses", "", &class).and_then(|class| class.get("value")).cloned();
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if spec.get("serviceAccountName").and_then(Value::as_str).is_none_or(str::is_empty) {
        spec.insert("serviceAccountName".into(), json!("default"));
        spec.insert("serviceAccount".into(), json!("default"));
    }
    spec.entry("preemptionPolicy").or_insert_with(|| json!("PreemptLowerPriority"));
    spec.entry("priority").or_insert_with(|| priority.unwrap_or_else(|| json!(0)));
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    if let Some(tolerations) = tolerations.as_array_mut() {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            if !tolerations.iter().any(|one| text(one, "/key") == key) {
                tolerations
                    .push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
    }
    if spec.get("automountServiceAccountToken") == Some(&Value::Bool(false)) {
        return;
    }
    let volume = format!("kube-api-access-{}", suffix(&name));
    let source = json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]}});
    let mount = json!({"name": volume, "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    if let Some(volumes) = spec.entry("volumes").or_insert_with(|| json!([])).as_array_mut() {
        volumes.push(source);
    }
    for key in ["containers", "initContainers"] {
        for container in spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = container.as_object_mut().map(|map| map.entry("volumeMounts").or_insert_with(|| json!([])));
            if let Some(mounts) = mounts.and_then(Value::as_array_mut)
                && !mounts.iter().any(|one| text(one, "/mountPath") == "/var/run/secrets/kubernetes.io/serviceaccount")
            {
                mounts.push(mount.clone());
            }
        }
    }
}

/// Five letters from a name, the same in every replay.
fn suffix(name: &str) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut number = name.bytes().fold(5_381_u64, |sum, byte| sum.wrapping_mul(33) ^ u64::from(byte));
    let mut out = String::new();
    for _ in 0..5 {
        let index = usize::try_from(number % LETTERS.len() as u64).unwrap_or(0);
        out.push(LETTERS.get(index).copied().map_or('b', char::from));
        number /= LETTERS.len() as u64;
    }
    out
}

/// A claim without a class takes the default one.
fn default_class(cluster: &Cluster, claim: &mut Value) {
    if claim.pointer("/spec/storageClassName").is_some() {
        return;
    }
    let default = cluster.objects("storage.k8s.io/storageclasses", "", None).find(|(_, class)| {
        let annotations = class.pointer("/metadata/annotations");
        annotations.and_then(|all| all.get("storageclass.kubernetes.io/is-default-class")).and_then(Value::as_str)
            == Some("true")
    });
    if let (Some((_, class)), Some(spec)) = (default, claim.get_mut("spec").and_then(Value::as_object_mut)) {
        spec.insert("storageClassName".into(), json!(text(class, "/metadata/name")));
    }
}

/// Sets annotations on an object, for those that are not there.
pub(crate) fn annotate(object: &mut Value, key: &str, value: &str) {
    if let Some(meta) = metadata::of(object) {
        let annotations = meta.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(key.to_owned(), json!(value));
        }
    }
}
