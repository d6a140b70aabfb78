//! Versions that are on their way out, and what the server says of them.

use super::call::Call;

/// Group, version, kind (or any), since, until, and what to use instead.
type Line = (&'static str, &'static str, &'static str, u32, u32, &'static str);

const TABLE: [Line; 25] = [
    ("", "v1", "ComponentStatus", 19, 0, ""),
    ("", "v1", "Endpoints", 33, 0, "discovery.k8s.io/v1 EndpointSlice"),
    ("admissionregistration.k8s.io", "v1beta1", "", 16, 22, "admissionregistration.k8s.io/v1"),
    ("apiextensions.k8s.io", "v1beta1", "", 16, 22, "apiextensions.k8s.io/v1"),
    ("apiregistration.k8s.io", "v1beta1", "", 19, 22, "apiregistration.k8s.io/v1"),
    ("authentication.k8s.io", "v1beta1", "", 19, 22, "authentication.k8s.io/v1"),
    ("authorization.k8s.io", "v1beta1", "", 19, 22, "authorization.k8s.io/v1"),
    ("autoscaling", "v2beta1", "", 22, 25, "autoscaling/v2"),
    ("autoscaling", "v2beta2", "", 23, 26, "autoscaling/v2"),
    ("batch", "v1beta1", "", 21, 25, "batch/v1"),
    ("certificates.k8s.io", "v1beta1", "", 19, 22, "certificates.k8s.io/v1"),
    ("coordination.k8s.io", "v1beta1", "", 19, 22, "coordination.k8s.io/v1"),
    ("discovery.k8s.io", "v1beta1", "", 21, 25, "discovery.k8s.io/v1"),
    ("events.k8s.io", "v1beta1", "", 19, 25, "events.k8s.io/v1"),
    ("extensions", "v1beta1", "", 14, 22, "networking.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io", "v1beta1", "", 23, 26, "flowcontrol.apiserver.k8s.io/v1beta3"),
    ("flowcontrol.apiserver.k8s.io", "v1beta2", "", 26, 29, "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io", "v1beta3", "", 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    ("networking.k8s.io", "v1beta1", "", 19, 22, "networking.k8s.io/v1"),
    ("node.k8s.io", "v1beta1", "", 22, 25, "node.k8s.io/v1"),
    ("policy", "v1beta1", "PodSecurityPolicy", 21, 25, ""),
    ("policy", "v1beta1", "PodDisruptionBudget", 21, 25, "policy/v1"),
    ("rbac.authorization.k8s.io", "v1beta1", "", 17, 22, "rbac.authorization.k8s.io/v1"),
    ("scheduling.k8s.io", "v1beta1", "", 14, 22, "scheduling.k8s.io/v1"),
    ("storage.k8s.io", "v1beta1", "", 19, 22, "storage.k8s.io/v1"),
];

/// The warning that goes with every answer about a kind.
pub(crate) fn warning(call: &Call<'_>) -> Option<String> {
    if call.resource.custom || call.minor < 19 {
        return None;
    }
    let kind = call.resource.kind.as_str();
    let found = TABLE.iter().find(|(group, version, of, since, ..)| {
        *group == call.path.group
            && *version == call.path.version
            && (of.is_empty() || *of == kind)
            && call.minor >= *since
    })?;
    let (_, _, _, since, until, instead) = found;
    let mut out = format!("{} {kind} is deprecated in v1.{since}+", call.api_version());
    if *until > 0 {
        out.push_str(&format!(", unavailable in v1.{until}+"));
    }
    match instead.split_once(' ') {
        _ if instead.is_empty() => {}
        Some(_) => out.push_str(&format!("; use {instead}")),
        None => out.push_str(&format!("; use {instead} {kind}")),
    }
    Some(out)
}
