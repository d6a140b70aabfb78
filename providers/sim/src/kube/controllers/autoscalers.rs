//! Autoscalers keep their targets within bounds.

use serde_json::{Value, json};

use super::{MANAGER, Step, is_ending, number, text};
use crate::kube::cluster::Cluster;

const STORE: &str = "autoscaling/horizontalpodautoscalers";

pub(super) fn step(step: &Step<'_>, cluster: &mut Cluster, namespace: &str, name: &str) {
    let Some(scaler) = cluster.object(STORE, namespace, name).filter(|scaler| !is_ending(scaler)).cloned() else {
        return;
    };
    let target = (text(&scaler, "/spec/scaleTargetRef/apiVersion"), text(&scaler, "/spec/scaleTargetRef/kind"));
    let group = target.0.rsplit_once('/').map_or("", |(group, _)| group);
    let Some(store) = cluster.kinds.of_kind(group, target.1).map(|resource| resource.store.clone()) else { return };
    let target_name = text(&scaler, "/spec/scaleTargetRef/name").to_owned();
    let Some(object) = cluster.object(&store, namespace, &target_name).cloned() else {
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {} \"{target_name}\" not found",
            store.trim_start_matches('/')
        );
        let condition = step.condition(&scaler, "AbleToScale", false, "FailedGetScale", &message);
        step.set_status(
            cluster,
            MANAGER,
            STORE,
            &scaler,
            json!({"currentMetrics": null, "desiredReplicas": 0, "conditions": [condition]}),
        );
        return;
    };
    let current = number(&object, "/spec/replicas");
    let least = scaler.pointer("/spec/minReplicas").and_then(Value::as_i64).unwrap_or(1);
    let wanted = if current == 0 { 0 } else { current.clamp(least, number(&scaler, "/spec/maxReplicas").max(least)) };
    if wanted != current {
        step.by(MANAGER, "scale").modify(cluster, &store, namespace, &target_name, |object| {
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
                spec.insert("replicas".into(), json!(wanted));
            }
        });
    }
    let conditions = json!([
        step.condition(
            &scaler,
            "AbleToScale",
            true,
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale"
        ),
        step.condition(
            &scaler,
            "ScalingActive",
            false,
            "FailedGetResourceMetric",
            "the HPA was unable to compute the replica count: unable to get metrics"
        ),
    ]);
    let mut status = json!({"currentMetrics": null, "desiredReplicas": wanted, "conditions": conditions});
    if let (true, Some(map)) = (current != 0, status.as_object_mut()) {
        map.insert("currentReplicas".into(), json!(current));
    }
    step.set_status(cluster, MANAGER, STORE, &scaler, status);
}
