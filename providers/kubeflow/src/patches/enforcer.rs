//! The admissions enforcer of AKS.

use serde_json::{Map, Value};

use super::{Facts, Rule, Scene, Verdict, counted};
use crate::applications::Bundle;
use crate::naming::name_of;

/// With this annotation AKS leaves a webhook configuration alone.
const ANNOTATION: &str = "admissions.enforcer/disabled";

pub(super) const RULE: Rule = Rule {
    name: "admissions-enforcer",
    reason: "AKS adds a condition to the namespace selector of every webhook, so that namespaces labelled `control-plane` are passed over; Kubeflow's own namespace is, so its pods get no sidecar, and the gateway cannot speak mutual TLS with them",
    condition: "the cluster is AKS, and the installation has webhook configurations",
    versions: "all",
    decide,
    apply,
};

/// The configuration that puts the sidecars in.
pub(super) const INJECTOR: &str = "istio-sidecar-injector";

fn is_configuration(object: &Value) -> bool {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration")
}

fn decide(scene: &Scene<'_>) -> Verdict {
    let count = scene.bundle.objects().filter(|object| is_configuration(object)).count();
    match (count, scene.facts.is_aks) {
        (0, _) => Verdict::Leave("there are no webhook configurations in this installation".to_owned()),
        (_, Some(false)) => Verdict::Leave("the cluster is not AKS".to_owned()),
        (_, None) => Verdict::Undecided("it is not known whether the cluster is AKS".to_owned()),
        (count, Some(true)) => Verdict::Take(format!(
            "AKS would make {} pass over the namespaces labelled `control-plane`, and Kubeflow's pods would get no sidecar",
            counted(count, "webhook configuration")
        )),
    }
}

/// Whether a configuration could stop the pods of the cluster itself, were it let loose:
/// it fails closed, is for pods, and selects neither namespaces nor objects.
fn could_stop_the_cluster(configuration: &Value) -> bool {
    let hooks = configuration.get("webhooks").and_then(Value::as_array);
    hooks.into_iter().flatten().any(|hook| {
        let is_empty = |key: &str| hook.get(key).and_then(Value::as_object).is_none_or(Map::is_empty);
        let is_for_pods = hook.get("rules").and_then(Value::as_array).into_iter().flatten().any(|rule| {
            let names = rule.get("resources").and_then(Value::as_array);
            names.into_iter().flatten().any(|name| name == "pods" || name == "*" || name == "*/*")
        });
        let fails_open = hook.get("failurePolicy").is_some_and(|policy| policy == "Ignore");
        is_for_pods && !fails_open && is_empty("namespaceSelector") && is_empty("objectSelector")
    })
}

fn apply(_: &Facts, bundle: &mut Bundle) -> Result<Vec<String>, String> {
    let (mut changed, mut spared) = (0, Vec::new());
    for object in bundle.objects_mut().filter(|object| is_configuration(object)) {
        if could_stop_the_cluster(object) {
            spared.push(name_of(object));
            continue;
        }
        let annotations = object.get_mut("metadata").and_then(Value::as_object_mut).map(|metadata| {
            let slot = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
            if slot.is_null() {
                *slot = Value::Object(Map::new());
            }
            slot
        });
        if let Some(Value::Object(annotations)) = annotations {
            annotations.insert(ANNOTATION.to_owned(), "true".into());
            changed += 1;
        }
    }
    if changed + spared.len() == 0 {
        return Err("there are no webhook configurations in this installation".to_owned());
    }
    let mut said = vec![format!("the annotation `{ANNOTATION}` of {}", counted(changed, "webhook configuration"))];
    if !spared.is_empty() {
        said.push(format!(
            "nothing in {}, which intercepts every pod and would stop the cluster itself when it fails",
            spared.join(" and ")
        ));
    }
    Ok(said)
}
