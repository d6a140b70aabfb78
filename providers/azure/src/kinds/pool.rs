//! `aks_node_pool`, and the fields that the pool inside a cluster shares with it.

use std::collections::BTreeMap;

use azure_mgmt_containerservice::models::{
    AgentPool, AgentPoolType, AgentPoolUpgradeSettings, ManagedClusterAgentPoolProfileProperties, OsType,
};
use kfplan_model::{Address, Path, Resource, Value};
use kfplan_plan::{Expansion, Field, Kind, OnChange, Problem, Protection, Scene, Schema, Shape};
use serde_json::{Value as Json, json};

use super::reader::{Reader, problem, word};
use super::shapes::{self, int};
use super::{AKS_API_VERSION, One, Pace, output, own, picked, place_of};
use crate::properties::{POOL, inside_cluster};

pub(super) struct AksNodePool {
    schema: Schema,
}

impl AksNodePool {
    pub(super) fn new() -> Self {
        Self { schema: schema() }
    }
}

/// The fields that every pool has, wherever it stands.
fn shared_fields() -> Vec<Field> {
    let field = |path, shape, summary| shapes::field(POOL, path, shape, summary);
    vec![
        field("vm_size", Shape::String, "The size of the machines, such as `Standard_D4s_v3`."),
        field(
            "count",
            int(0, 1000),
            "How many nodes. Not beside `autoscale`, which owns the number. Where neither is stated the pool begins with one, and its number is left alone.",
        ),
        field(
            "autoscale",
            Shape::Table(vec![
                Field::required("min", int(0, 1000), "The smallest number of nodes."),
                Field::required("max", int(1, 1000), "The largest number of nodes."),
            ]),
            "Lets the cluster autoscaler choose the number of nodes within these bounds.",
        ),
        field("zones", shapes::texts(), "Availability zones, such as [\"1\", \"2\"]."),
        field("os_disk_size_gb", int(0, 2048), "The size of the OS disk in GB; 0 or unstated: the size's default."),
        field("os_disk_type", Shape::Choice(vec!["Managed", "Ephemeral"]), "Where the OS disk is kept."),
        field("os_sku", Shape::String, "The node's OS, such as `Ubuntu`, `Ubuntu2404`, `AzureLinux`."),
        field("max_pods", int(10, 250), "The largest number of pods on a node."),
        field("labels", shapes::tags(), "Labels of the nodes: all of them, so that one added by hand is drift."),
        field("taints", Shape::List(Box::new(shapes::taint())), "Taints of the nodes: all of them."),
        field("subnet_id", Shape::String, "The ARM id of the subnet of the nodes."),
        field("pod_subnet_id", Shape::String, "The ARM id of the subnet of the pods."),
        field(
            "max_surge",
            Shape::String,
            "How many extra nodes an upgrade may use: a number or a share, such as `33%`.",
        ),
        field("encryption_at_host", Shape::Bool, "Whether the host encrypts disks and caches."),
        field("fips", Shape::Bool, "Whether the nodes use FIPS 140-2 modules."),
        field(
            "secure_boot",
            Shape::Bool,
            "Whether only signed boot loaders, kernels and drivers start. GPU drivers may not.",
        ),
        field("vtpm", Shape::Bool, "Whether the machines have a virtual TPM."),
    ]
}

/// The fields of `system_pool`.
pub(crate) fn system_fields() -> Vec<Field> {
    let name = Field::optional(
        "pool_name",
        shapes::pool_name(),
        "The name of the pool. Another name makes another pool: it is added, the old one is drained and deleted.",
    );
    let mut fields = vec![name.or("system").deciding()];
    fields.extend(shared_fields().into_iter().map(|field| {
        let required = field.name == "vm_size";
        let on_change = inside_cluster(field.on_change);
        Field { required, on_change, ..field }
    }));
    fields
}

fn schema() -> Schema {
    let field = |path, shape, summary| shapes::field(POOL, path, shape, summary);
    let mut fields = vec![
        Field::required("cluster", Shape::Handle(vec!["aks_cluster"]), "The cluster.")
            .deciding()
            .changing(OnChange::Replace),
        Field::optional("name", shapes::pool_name(), "The name in Azure; unstated: the resource's name.").deciding(),
        field(
            "mode",
            Shape::Choice(vec!["user", "system"]),
            "`system` pools carry what the cluster itself needs; one always has to be there.",
        )
        .or("user"),
    ];
    fields.extend(shared_fields().into_iter().map(|field| Field { required: field.name == "vm_size", ..field }));
    fields.extend([
        field(
            "kubernetes_version",
            shapes::version(),
            "The Kubernetes version; unstated: the one that the cluster states. Never newer than the cluster's.",
        ),
        field("priority", Shape::Choice(vec!["regular", "spot"]), "`spot` machines are cheap and can be taken away."),
        field(
            "eviction_policy",
            Shape::Choice(vec!["Delete", "Deallocate"]),
            "What becomes of a spot machine that is taken away.",
        ),
        field(
            "max_price",
            Shape::Either(vec![Shape::Int { min: None, max: None }, Shape::Float]),
            "The most to pay for a spot machine, in US dollars an hour; -1: up to the regular price.",
        ),
        field(
            "gpu_driver",
            Shape::Choice(vec!["install", "none"]),
            "Whether AKS installs the NVIDIA driver; `none` leaves it to the GPU Operator.",
        ),
        field(
            "gpu_instance_profile",
            Shape::Choice(vec!["MIG1g", "MIG2g", "MIG3g", "MIG4g", "MIG7g"]),
            "How each GPU is partitioned (A100, H100).",
        ),
        field("scale_down_mode", Shape::Choice(vec!["Delete", "Deallocate"]), "What scaling down does to machines."),
        field("tags", shapes::tags(), "Tags of the pool's machines. Tags that others added are left alone."),
        field("properties", Shape::Any, "Further ARM properties of an agent pool, as its REST API names them."),
    ]);
    Schema {
        type_name: "aks_node_pool",
        summary: "A node pool of an AKS cluster.",
        fields,
        outputs: vec![
            output("id", "The ARM id."),
            output("name", "The name."),
            output("kubernetes_version", "The version that the nodes run."),
            output("node_image_version", "The node image."),
        ],
        existing: false,
        objects: false,
        azure: true,
    }
}

pub(super) fn outputs(live: &Json) -> BTreeMap<String, Json> {
    let mut found = picked(
        live,
        &[
            ("id", "/id"),
            ("name", "/name"),
            ("kubernetes_version", "/properties/orchestratorVersion"),
            ("node_image_version", "/properties/nodeImageVersion"),
        ],
    );
    found.extend(picked(live, &[("kubernetes_version", "/properties/currentOrchestratorVersion")]));
    found
}

/// What a pool states, as the model of a pool's properties.
pub(super) fn properties(reader: &mut Reader<'_>) -> ManagedClusterAgentPoolProfileProperties {
    let autoscale = reader.has("autoscale");
    let (min, max) = (reader.int("autoscale.min"), reader.int("autoscale.max"));
    if autoscale && reader.has("count") {
        reader.problem(
            "count",
            "azure::count_and_autoscale",
            "`count` and `autoscale` are both stated",
            "keep one: with `autoscale` the number of nodes belongs to the autoscaler",
        );
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message = format!("`autoscale` has min {min} above max {max}");
        reader.problem("autoscale", "azure::autoscale_bounds", message, "make min at most max");
    }
    // Where neither is stated the number is nobody's: a create takes one node, and later it is left alone.
    let autoscaled = (autoscale || reader.has("count")).then_some(autoscale);
    let count = reader.int("count");
    let surge = reader.text("max_surge");
    reader.beside("secure_boot");
    reader.beside("vtpm");
    ManagedClusterAgentPoolProfileProperties {
        count,
        enable_auto_scaling: autoscaled,
        min_count: min,
        max_count: max,
        vm_size: reader.text("vm_size"),
        os_type: Some(OsType::Linux),
        type_: Some(AgentPoolType::VirtualMachineScaleSets),
        os_sku: reader.word("os_sku"),
        os_disk_size_gb: reader.int("os_disk_size_gb").filter(|size| *size > 0),
        os_disk_type: reader.word("os_disk_type"),
        max_pods: reader.int("max_pods"),
        availability_zones: reader.texts("zones"),
        node_labels: reader.entries("labels"),
        node_taints: reader.texts("taints"),
        vnet_subnet_id: reader.text("subnet_id"),
        pod_subnet_id: reader.text("pod_subnet_id"),
        upgrade_settings: surge.map(|surge| AgentPoolUpgradeSettings { max_surge: Some(surge) }),
        enable_encryption_at_host: reader.boolean("encryption_at_host"),
        enable_fips: reader.boolean("fips"),
        ..ManagedClusterAgentPoolProfileProperties::default()
    }
}

/// A word of the stack file in the spelling of ARM: `user` is `User`.
fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

fn body(reader: &mut Reader<'_>, cluster: Option<&Resource>) -> Result<Json, String> {
    let mut properties = properties(reader);
    let mut words = |field| reader.text(field).map(|word| capitalised(&word));
    let (mode, priority, driver) = (words("mode"), words("priority"), words("gpu_driver"));
    properties.mode = mode.as_deref().and_then(word);
    properties.scale_set_priority = priority.as_deref().and_then(word);
    properties.scale_set_eviction_policy = reader.word("eviction_policy");
    properties.spot_max_price = reader.number("max_price");
    properties.gpu_instance_profile = reader.word("gpu_instance_profile");
    properties.scale_down_mode = reader.word("scale_down_mode");
    properties.tags = reader.entries("tags");
    properties.orchestrator_version = reader.text("kubernetes_version");
    if properties.orchestrator_version.is_none() && !reader.has("kubernetes_version") {
        let stated = cluster.and_then(|cluster| cluster.fields.get("kubernetes_version")).and_then(Value::as_str);
        properties.orchestrator_version = stated.map(str::to_owned);
    }
    if let Some(driver) = driver {
        reader.put("gpu_driver", json!(driver));
    }
    reader.beside("properties");
    let spot = priority.as_deref() == Some("Spot");
    for field in ["eviction_policy", "max_price"] {
        if !spot && reader.has(field) {
            let message = format!("`{field}` is only for spot pools");
            reader.problem(field, "azure::not_spot", message, "add priority = \"spot\", or remove it");
        }
    }
    if spot && mode.as_deref() == Some("System") {
        let help = "a system pool cannot be of spot machines: use regular ones, or mode = \"user\"";
        reader.problem("priority", "azure::spot_system", "`priority` is `spot` in a system pool", help);
    }
    if mode.as_deref() == Some("System") && (properties.count == Some(0) || properties.min_count == Some(0)) {
        let help = "let at least one node be there";
        reader.problem("mode", "azure::empty_system_pool", "a system pool with no nodes is refused by AKS", help);
    }
    serde_json::to_value(AgentPool { properties: Some(properties), ..AgentPool::default() })
        .map_err(|error| error.to_string())
}

impl Kind for AksNodePool {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn expand(&self, resource: &Resource, scene: &Scene<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut reader = Reader::new(resource, POOL, Path::root().key("properties"));
        let mut problems = Vec::new();
        let place = place_of(resource, "cluster", scene, &mut problems);
        let stated = resource.fields.get("name").and_then(Value::as_str);
        let name = match (stated, reader.has("name")) {
            (Some(name), _) => Some(name.to_owned()),
            (None, true) => super::deciding(resource, "name", &mut problems).map(str::to_owned),
            (None, false) => {
                let name = format!("{}{}", resource.address.name(), resource.address.key().unwrap_or_default());
                if !shapes::is_pool_name(&name) {
                    problems.push(problem(
                        resource,
                        None,
                        "azure::pool_name",
                        format!("`{name}`, the name of `{}`, cannot be a pool's name", resource.address),
                        "state name = \"…\": 1 to 12 lower-case letters and digits, beginning with a letter",
                    ));
                }
                Some(name)
            }
        };
        let cluster = resource.fields.get("cluster").and_then(Value::as_handle).and_then(|at| scene.resources.get(at));
        match body(&mut reader, cluster) {
            Ok(body) => match (reader.finish(body), place, name) {
                (Ok(desired), Some((id, address)), Some(name)) if problems.is_empty() => {
                    return Ok(One {
                        resource,
                        id: id.pool(&name),
                        api_version: AKS_API_VERSION,
                        desired: Some(desired),
                        container: Some(address),
                        protection: Protection::None,
                        pace: Pace { expected: 180_000, timeouts: (3_600, 7_200, 3_600) },
                    }
                    .expansion());
                }
                (Err(more), _, _) => problems.extend(more),
                _ => {}
            },
            Err(reason) => problems.push(problem(resource, None, "azure::body", reason, "report this")),
        }
        Err(problems)
    }

    fn outputs(&self, resource: &Resource, seen: &BTreeMap<&Address, &Json>) -> BTreeMap<String, Json> {
        own(resource, seen).map(outputs).unwrap_or_default()
    }
}
