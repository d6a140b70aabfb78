//! Device plugins: which DaemonSet makes nodes offer GPUs, and on which pools.

use serde_json::Value as Json;

use crate::identity::{at, kind_of, text};
use crate::pods;

/// The extended resource that NVIDIA's plugin offers.
pub const NVIDIA_GPU: &str = "nvidia.com/gpu";

/// The annotation that names the agent pools whose nodes the plugin is for, separated by commas.
pub const POOLS: &str = "kfplan.dev/pools";

/// The extended resource that a DaemonSet makes nodes offer, if it is a device plugin.
#[must_use]
pub fn plugin_resource(body: &Json) -> Option<&'static str> {
    let template = pods::pod_template(body).filter(|_| kind_of(body) == "DaemonSet")?;
    let is_nvidias = pods::containers(template).any(|it| text(it, &["image"]).contains("nvidia/k8s-device-plugin"));
    is_nvidias.then_some(NVIDIA_GPU)
}

/// The agent pools whose nodes must offer it; empty for all that the DaemonSet selects.
#[must_use]
pub fn pools(body: &Json) -> Vec<String> {
    let named = at(body, &["metadata", "annotations", POOLS]).and_then(Json::as_str).unwrap_or_default();
    named.split(',').filter(|it| !it.is_empty()).map(ToOwned::to_owned).collect()
}
