//! `nvidia_device_plugin`: the DaemonSet that makes nodes offer `nvidia.com/gpu`.
//!
//! Source: the DaemonSet that AKS documents (`use-nvidia-gpu`) and NVIDIA's own. The one of AKS tolerates only the taint
//! of its example, NVIDIA's only its own; here tolerations follow from the pools' taints, with NVIDIA's added.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{Address, Path, Resource, ResourceAddress, Value};
use kfplan_plan::{Expansion, Field, Kind, Problem, Rendered, RenderedObject, Scene, Schema, Shape};
use serde_json::{Map, Value as Json, json};

use super::drafts::{drafts, field};
use super::{CLUSTERS, cluster_of, problem};
use crate::devices::{NVIDIA_GPU, POOLS};

const IMAGE: &str = "nvcr.io/nvidia/k8s-device-plugin:v0.18.0";
const NAMESPACE: &str = "gpu-resources";
const NAME: &str = "nvidia-device-plugin-daemonset";

pub(super) struct NvidiaDevicePlugin {
    schema: Schema,
}

impl NvidiaDevicePlugin {
    pub(super) fn new() -> Self {
        let fields = vec![
            Field::optional(
                "pools",
                Shape::List(Box::new(Shape::Handle(vec!["aks_node_pool"]))),
                "The pools with GPUs: their taints are tolerated, and their nodes must offer GPUs before the plugin is ready.",
            )
            .deciding()
            .not_with(&["cluster"])
            .unless(&["cluster"]),
            Field::optional("cluster", Shape::Handle(CLUSTERS.to_vec()), "The cluster, where the pools are not in the stack.").deciding(),
            Field::optional("tolerations", Shape::List(Box::new(Shape::String)), "Further taints to tolerate, as `KEY=VALUE:EFFECT` or `KEY:EFFECT`."),
            Field::optional("node_selector", Shape::Map(Box::new(Shape::String)), "Labels of the nodes; unstated on AKS: those that AKS marks as having NVIDIA GPUs."),
            Field::optional("namespace", Shape::String, "The namespace, which is made.").or(NAMESPACE).deciding(),
            Field::optional("image", Shape::String, "The image, with a version.").or(IMAGE),
        ];
        Self {
            schema: Schema {
                type_name: "nvidia_device_plugin",
                summary: "The DaemonSet that makes nodes offer `nvidia.com/gpu`. Not beside AKS-managed GPU pools or NVIDIA's GPU operator, which bring their own.",
                fields,
                outputs: Vec::new(),
                existing: false,
                objects: true,
                azure: false,
            },
        }
    }
}

impl Kind for NvidiaDevicePlugin {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut problems = Vec::new();
        let pools = pools(resource, scene, &mut problems);
        let cluster = cluster(resource, &pools, &mut problems);
        let mut taints = texts(resource, "tolerations", &mut problems);
        for (_, pool) in &pools {
            taints.extend(texts(pool, "taints", &mut problems));
        }
        let tolerations = tolerations(resource, &taints, &mut problems);
        let Some(cluster) = cluster.filter(|_| problems.is_empty()) else { return Err(problems) };
        let is_aks = cluster.type_name() == "aks_cluster";
        let objects = objects(resource, &pools, tolerations, is_aks);
        let rendered = Rendered { objects, ..Rendered::default() };
        let mut placed = resource.clone();
        if let Value::Map(fields) = &mut placed.fields {
            fields.insert("cluster".to_owned(), Value::Handle(cluster));
        }
        let (drafts, notes) = drafts(&placed, &rendered, scene)?;
        Ok(Expansion::Nodes { drafts, notes, inputs: Vec::new() })
    }

    fn outputs(&self, _: &Resource, _: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        BTreeMap::new()
    }
}

/// The pools that the resource names, each with its name in Azure.
fn pools<'a>(resource: &Resource, scene: &'a Scene<'_>, problems: &mut Vec<Problem>) -> Vec<(String, &'a Resource)> {
    let mut pools = Vec::new();
    for handle in resource.fields.get("pools").map(Value::as_list).unwrap_or_default() {
        match handle.as_handle().and_then(|address| scene.resources.get(address)) {
            Some(pool) => {
                let name = pool.fields.get("name").and_then(Value::as_str);
                pools.push((name.unwrap_or_else(|| pool.address.name()).to_owned(), pool));
            }
            None => {
                let message =
                    format!("`pools` of `{}` names something that is no pool of this stack", resource.address);
                problems.push(problem(
                    resource,
                    field("pools"),
                    "objects::no_pool",
                    message,
                    "write pools = [\"${aks_node_pool.NAME}\"]",
                ));
            }
        }
    }
    pools
}

fn cluster(resource: &Resource, pools: &[(String, &Resource)], problems: &mut Vec<Problem>) -> Option<ResourceAddress> {
    let of_pools = pools.iter().filter_map(|(_, pool)| pool.fields.get("cluster").and_then(Value::as_handle));
    let mut found: Vec<&ResourceAddress> = of_pools.collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        [one] => Some((*one).clone()),
        [] => cluster_of(resource).map_err(|found| problems.extend(found)).ok(),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let message = format!("the pools of `{}` are of several clusters: {}", resource.address, names.join(", "));
            problems.push(problem(
                resource,
                field("pools"),
                "objects::several_clusters",
                message,
                "make a device plugin for each cluster",
            ));
            None
        }
    }
}

fn texts(resource: &Resource, name: &str, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut texts = Vec::new();
    for value in resource.fields.get(name).map(Value::as_list).unwrap_or_default() {
        match value.as_str() {
            Some(text) => texts.push(text.to_owned()),
            None => {
                let message = format!("`{name}` of `{}` is not known at plan", resource.address);
                problems.push(problem(
                    resource,
                    Some(Path::root().key(name)),
                    "objects::unknowable",
                    message,
                    "state it as text, or by variables",
                ));
            }
        }
    }
    texts
}

/// The tolerations for these taints, and for NVIDIA's own.
fn tolerations(resource: &Resource, taints: &[String], problems: &mut Vec<Problem>) -> Vec<Json> {
    let mut tolerations = vec![json!({"key": NVIDIA_GPU, "operator": "Exists", "effect": "NoSchedule"})];
    for taint in taints {
        let Some((pair, effect)) = taint.rsplit_once(':').filter(|(pair, effect)| {
            !pair.is_empty() && matches!(*effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute")
        }) else {
            let message = format!("`{taint}` of `{}` is no taint", resource.address);
            problems.push(problem(
                resource,
                field("tolerations"),
                "objects::taint",
                message,
                "write it as `KEY=VALUE:NoSchedule`",
            ));
            continue;
        };
        let toleration = match pair.split_once('=') {
            Some((key, value)) => json!({"key": key, "operator": "Equal", "value": value, "effect": effect}),
            None => json!({"key": pair, "operator": "Exists", "effect": effect}),
        };
        if !tolerations.contains(&toleration) {
            tolerations.push(toleration);
        }
    }
    tolerations
}

fn objects(
    resource: &Resource,
    pools: &[(String, &Resource)],
    tolerations: Vec<Json>,
    is_aks: bool,
) -> Vec<RenderedObject> {
    let stated =
        |name: &str, default: &str| resource.fields.get(name).and_then(Value::as_str).unwrap_or(default).to_owned();
    let namespace = stated("namespace", NAMESPACE);
    let selector: Map<String, Json> = resource
        .fields
        .get("node_selector")
        .and_then(Value::as_map)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), Json::from(value.as_str()?))))
        .collect();
    let mut spec = json!({
        "priorityClassName": "system-node-critical",
        "tolerations": tolerations,
        "containers": [{
            "name": "nvidia-device-plugin-ctr",
            "image": stated("image", IMAGE),
            "env": [{"name": "FAIL_ON_INIT_ERROR", "value": "false"}],
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "device-plugin", "mountPath": "/var/lib/kubelet/device-plugins"}],
        }],
        "volumes": [{"name": "device-plugin", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}],
    });
    if !selector.is_empty() {
        spec["nodeSelector"] = Json::Object(selector);
    } else if is_aks {
        let rule = json!({"key": "kubernetes.azure.com/accelerator", "operator": "In", "values": ["nvidia"]});
        spec["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [rule]}],
        }}});
    }
    let labels = json!({"name": "nvidia-device-plugin-ds"});
    let mut metadata = json!({"name": NAME, "namespace": namespace});
    if !pools.is_empty() {
        let names: Vec<&str> = pools.iter().map(|(name, _)| name.as_str()).collect();
        metadata["annotations"] = json!({ POOLS: names.join(",") });
    }
    let daemon_set = json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": labels},
            "updateStrategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    });
    let own = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    [own, daemon_set]
        .into_iter()
        .map(|body| RenderedObject {
            application: None,
            body: Arc::new(body),
            holes: Vec::new(),
            sensitive: Vec::new(),
        })
        .collect()
}
