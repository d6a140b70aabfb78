//! A load balancer for the gateway.

use serde_json::{Value, json};

use super::{Expose, Facts, Rule, Scene, Selection, Verdict, find, is_named};
use crate::applications::Bundle;
use crate::naming::metadata;

/// The Service that exposes the dashboard, in the namespace of the gateway.
pub const SERVICE: &str = "kubeflowdashboard-lb";

/// The Service of the gateway itself.
pub const GATEWAY: &str = "istio-ingressgateway";

pub(super) const RULE: Rule = Rule {
    name: "dashboard-load-balancer",
    reason: "the gateway has no address of its own, so the dashboard is reached by a port-forward only",
    condition: "`dashboard.expose` is set; nothing is ever published unasked",
    versions: "all",
    decide,
    apply,
};

fn decide(scene: &Scene<'_>) -> Verdict {
    let refuse = |reason: &str, help| Verdict::Refuse { reason: reason.to_owned(), help };
    match &scene.facts.dashboard {
        Expose::None if scene.is_listed(RULE.name) => refuse(
            "`dashboard.expose` is not set",
            "set it to `load_balancer` or `internal`, or take the patch off the list of `aks_patches`",
        ),
        Expose::None => Verdict::Leave("`dashboard.expose` is not set".to_owned()),
        _ if matches!(scene.selection, Selection::List(_)) && !scene.is_listed(RULE.name) => refuse(
            "`dashboard.expose` is set, but the patch is not on the list of `aks_patches`",
            "add it to the list, or take `dashboard.expose` away",
        ),
        _ if find(scene.bundle, "Service", GATEWAY).is_none() => {
            let reason = format!("there is no Service `{GATEWAY}` in this installation that it could expose");
            Verdict::Refuse { reason, help: "set dashboard.expose = \"none\", or install Istio's gateway with it" }
        }
        Expose::LoadBalancer { source_ranges, public: false } if source_ranges.is_empty() => refuse(
            "this would show the dashboard, which asks for no password, to the whole internet",
            "give `source_ranges`, such as [\"203.0.113.0/24\"], or say `public = true`",
        ),
        Expose::LoadBalancer { .. } => Verdict::Take("`dashboard.expose` is `load_balancer`".to_owned()),
        Expose::Internal { .. } => Verdict::Take("`dashboard.expose` is `internal`".to_owned()),
    }
}

fn apply(facts: &Facts, bundle: &mut Bundle) -> Result<Vec<String>, String> {
    let gateway = find(bundle, "Service", GATEWAY)
        .ok_or_else(|| format!("there is no Service `{GATEWAY}` in this installation"))?;
    let service = service(gateway, &facts.dashboard);
    let mut changed = vec![format!("Service {}/{SERVICE} (new)", metadata(&service, "namespace"))];
    if find(bundle, "Deployment", "oauth2-proxy").is_some() {
        changed.push(
            "nothing about TLS: signing in over plain HTTP works on localhost only, as the cookies are secure ones"
                .to_owned(),
        );
    }
    let home = bundle
        .applications
        .iter_mut()
        .find(|application| application.objects.iter().any(|object| is_named(object, "Service", GATEWAY)));
    if let Some(home) = home {
        let after = home.objects.iter().position(|object| is_named(object, "Service", GATEWAY));
        home.objects.insert(after.map_or(0, |place| place + 1), service);
    }
    Ok(changed)
}

/// One that selects what the gateway's own Service selects, and opens its web port only.
fn service(gateway: &Value, expose: &Expose) -> Value {
    let web = gateway
        .pointer("/spec/ports")
        .and_then(Value::as_array)
        .and_then(|ports| ports.iter().find(|port| port.get("port").is_some_and(|number| number == 80)));
    let target = web.and_then(|port| port.get("targetPort")).cloned().unwrap_or_else(|| 80.into());
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": metadata(gateway, "namespace")},
        "spec": {
            "type": "LoadBalancer",
            "selector": gateway.pointer("/spec/selector").cloned().unwrap_or_else(|| json!({"app": GATEWAY})),
            "ports": [{"name": "http", "port": 80, "targetPort": target, "protocol": "TCP"}],
        },
    });
    let ranges = match expose {
        Expose::None => &[][..],
        Expose::Internal { source_ranges } | Expose::LoadBalancer { source_ranges, .. } => source_ranges,
    };
    if let Some(spec) = service.get_mut("spec").and_then(Value::as_object_mut)
        && !ranges.is_empty()
    {
        spec.insert("loadBalancerSourceRanges".to_owned(), json!(ranges));
    }
    if let (Expose::Internal { .. }, Some(metadata)) =
        (expose, service.get_mut("metadata").and_then(Value::as_object_mut))
    {
        let internal = json!({"service.beta.kubernetes.io/azure-load-balancer-internal": "true"});
        metadata.insert("annotations".to_owned(), internal);
    }
    service
}
