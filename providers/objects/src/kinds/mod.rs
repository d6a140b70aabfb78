//! The resource types that make or read Kubernetes objects, and the things that each of them is.

mod body;
mod cluster;
mod device_plugin;
mod drafts;
mod manifests;
mod normal;
mod patch;

use std::sync::Arc;

use kfplan_model::{Path, Position, Resource, ResourceAddress, Value};
use kfplan_plan::{Kind, Problem};

pub use drafts::drafts;
pub use normal::as_sent;

/// The resource types of this crate, for config and planner.
#[must_use]
pub fn kinds() -> Vec<Arc<dyn Kind>> {
    vec![
        Arc::new(cluster::KubernetesCluster::new()),
        Arc::new(manifests::Manifests::new()),
        Arc::new(patch::Patch::new()),
        Arc::new(device_plugin::NvidiaDevicePlugin::new()),
    ]
}

/// The types that are clusters, or give access to one.
pub(crate) const CLUSTERS: [&str; 2] = ["aks_cluster", "kubernetes_cluster"];

/// Something wrong with a field of a resource.
pub(crate) fn problem(
    resource: &Resource,
    field: Option<Path>,
    code: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Problem {
    let at = field.as_ref().and_then(|field| resource.positions.get(field)).copied();
    let at = if at.unwrap_or_default() == Position::default() { resource.at } else { at.unwrap_or_default() };
    Problem {
        resource: resource.address.clone(),
        field,
        at,
        code: code.to_owned(),
        message: message.into(),
        help: help.into(),
    }
}

/// The cluster that a resource's `cluster` names.
pub(crate) fn cluster_of(resource: &Resource) -> Result<ResourceAddress, Vec<Problem>> {
    resource.fields.get("cluster").and_then(Value::as_handle).cloned().ok_or_else(|| {
        let message = format!("`cluster` of `{}` names no cluster", resource.address);
        let help = "write cluster = \"${aks_cluster.NAME}\" or \"${kubernetes_cluster.NAME}\"";
        vec![problem(resource, Some(Path::root().key("cluster")), "objects::no_cluster", message, help)]
    })
}
