//! Mutual TLS between the gateway and the pipelines.

use serde_json::Value;

use super::{Facts, Rule, Scene, Verdict, enforcer, find};
use crate::applications::Bundle;
use crate::naming::{metadata, name_of};

/// The rules through which the gateway reaches the pipelines.
const NAMES: [&str; 2] = ["ml-pipeline", "ml-pipeline-ui"];

const MODE: &str = "/spec/trafficPolicy/tls/mode";

pub(super) const RULE: Rule = Rule {
    name: "pipeline-tls",
    reason: "the DestinationRules of the pipelines ask for mutual TLS, which pods without a sidecar cannot speak, so that the Pipelines page stays blank. With sidecars it is needed for access rules that name their callers: leave it on where `admissions-enforcer` works",
    condition: "the cluster is AKS, and the sidecar injector is not part of this installation, so that `admissions-enforcer` cannot help",
    versions: "1.0 to 1.2",
    decide,
    apply,
};

fn is_rule(object: &Value) -> bool {
    object.get("kind").is_some_and(|kind| kind == "DestinationRule")
        && NAMES.contains(&metadata(object, "name"))
        && object.pointer(MODE).is_some_and(|mode| mode == "ISTIO_MUTUAL")
}

fn decide(scene: &Scene<'_>) -> Verdict {
    let is_present = scene.bundle.objects().any(is_rule);
    let has_injector = find(scene.bundle, "MutatingWebhookConfiguration", enforcer::INJECTOR).is_some();
    match (is_present, scene.facts.is_aks) {
        (false, _) => Verdict::Leave("no DestinationRule of the pipelines asks for mutual TLS".to_owned()),
        (true, Some(false)) => Verdict::Leave("the cluster is not AKS, so the pods have their sidecars".to_owned()),
        (true, _) if has_injector => {
            Verdict::Leave("`admissions-enforcer` keeps the sidecars, and with them mutual TLS works".to_owned())
        }
        (true, None) => Verdict::Undecided("it is not known whether the cluster is AKS".to_owned()),
        (true, Some(true)) => Verdict::Take(
            "the sidecar injector is not part of this installation, so AKS keeps it from the pods of the pipelines"
                .to_owned(),
        ),
    }
}

fn apply(_: &Facts, bundle: &mut Bundle) -> Result<Vec<String>, String> {
    let mut changed = Vec::new();
    for object in bundle.objects_mut().filter(|object| is_rule(object)) {
        if let Some(mode) = object.pointer_mut(MODE) {
            *mode = "DISABLE".into();
            changed.push(format!("`{MODE}` of {} to `DISABLE`", name_of(object)));
        }
    }
    if changed.is_empty() {
        return Err(format!("no DestinationRule `{}` asks for mutual TLS", NAMES.join("` or `")));
    }
    Ok(changed)
}
