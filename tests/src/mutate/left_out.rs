//! What is never changed: what a controller would put back, what would break the cluster or the object for good, and
//! what kfplan leaves to its writer by a documented rule (docs/noise-rules.md).

use super::object::Object;

/// Kinds whose deletion takes other things with it, or that cannot be made again.
const CASCADING: &[&str] = &[
    "Namespace",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Profile",
];

/// By kind, places that are left alone with all inside them; `*` is any item of a list.
const PLACES: &[(&str, &str)] = &[
    // What these say decides where and whether the custom objects are served.
    ("CustomResourceDefinition", "spec/names/kind"),
    ("CustomResourceDefinition", "spec/names/listKind"),
    ("CustomResourceDefinition", "spec/names/plural"),
    ("CustomResourceDefinition", "spec/names/singular"),
    ("CustomResourceDefinition", "spec/scope"),
    ("CustomResourceDefinition", "spec/group"),
    ("CustomResourceDefinition", "spec/conversion"),
    ("CustomResourceDefinition", "spec/preserveUnknownFields"),
    ("CustomResourceDefinition", "metadata/annotations/cert-manager.io~1inject-ca-from"),
    // A volume only grows.
    ("PersistentVolumeClaim", "spec"),
    ("Namespace", "spec"),
    // The autoscaler would follow, and scale.
    ("HorizontalPodAutoscaler", "spec/minReplicas"),
    ("HorizontalPodAutoscaler", "spec/maxReplicas"),
    ("HorizontalPodAutoscaler", "spec/scaleTargetRef"),
    ("ClusterRole", "aggregationRule"),
    ("Service", "spec/clusterIP"),
    ("Service", "spec/clusterIPs"),
    ("Service", "spec/healthCheckNodePort"),
    ("ServiceAccount", "secrets"),
    ("Secret", "metadata/annotations/kubernetes.io~1service-account.name"),
    // What it holds then can never be put back.
    ("ConfigMap", "immutable"),
    ("Secret", "immutable"),
    ("MutatingWebhookConfiguration", "webhooks/*/clientConfig/caBundle"),
    ("ValidatingWebhookConfiguration", "webhooks/*/clientConfig/caBundle"),
    // With the type gone the server fills in what the applied type forbids, and no apply takes that away.
    ("Deployment", "spec/strategy"),
    // The pods behind webhooks must go on running.
    ("Deployment", "spec/template/spec/schedulerName"),
    ("Deployment", "spec/paused"),
];

/// Whether a whole object of this kind may be deleted.
pub(super) fn may_be_deleted(object: &Object) -> bool {
    let has_finalizers = object.body["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    !CASCADING.contains(&object.kind.as_str()) && !has_finalizers
}

/// Whether the place at the tokens of a JSON Pointer is left alone.
pub(super) fn is_left_out(object: &Object, tokens: &[String]) -> bool {
    let first = tokens.first().map(String::as_str);
    if matches!(first, None | Some("status" | "apiVersion" | "kind")) {
        return true;
    }
    if first == Some("metadata") {
        let second = tokens.get(1).map(String::as_str);
        let may = ["labels", "annotations", "finalizers"].map(Some);
        // The maps themselves hold the marks of the stack, which may go one by one.
        return !may.contains(&second);
    }
    let is_aggregated = object.kind == "ClusterRole" && object.body.get("aggregationRule").is_some();
    if (is_aggregated && first == Some("rules")) || (object.is_scaled && is_inside(tokens, "spec/replicas")) {
        return true;
    }
    is_listed(&object.kind, tokens)
}

fn is_listed(kind: &str, tokens: &[String]) -> bool {
    PLACES.iter().any(|(of, place)| {
        // Neither the place nor what it is inside of may go.
        *of == kind && (is_inside(tokens, place) || is_outside(tokens, place))
    })
}

fn is_inside(tokens: &[String], place: &str) -> bool {
    let place: Vec<&str> = place.split('/').collect();
    tokens.len() >= place.len() && agree(tokens, &place)
}

fn is_outside(tokens: &[String], place: &str) -> bool {
    let place: Vec<&str> = place.split('/').collect();
    // Where the place is inside a list, the list's other fields may well be changed.
    tokens.len() < place.len() && !place.contains(&"*") && agree(tokens, &place)
}

fn agree(tokens: &[String], place: &[&str]) -> bool {
    tokens.iter().zip(place).all(|(token, name)| *name == "*" || token.replace('/', "~1") == *name)
}
