//! What a PUT may not change, and how versions may move.

use serde_json::Value;

use super::state::{Object, text};
use super::versions::Version;
use super::wire::Refusal;

/// The properties of a pool that only its create decides.
pub(crate) const POOL_FIXED: [&str; 24] = [
    "vmSize",
    "osDiskSizeGB",
    "osDiskType",
    "kubeletDiskType",
    "osType",
    "vnetSubnetID",
    "podSubnetID",
    "maxPods",
    "type",
    "enableNodePublicIP",
    "nodePublicIPPrefixID",
    "scaleSetPriority",
    "scaleSetEvictionPolicy",
    "spotMaxPrice",
    "availabilityZones",
    "enableEncryptionAtHost",
    "enableUltraSSD",
    "gpuInstanceProfile",
    "gpuProfile",
    "proximityPlacementGroupID",
    "hostGroupID",
    "capacityReservationGroupID",
    "kubeletConfig",
    "linuxOSConfig",
];

/// The properties of a cluster that only its create decides, as JSON pointers.
const CLUSTER_FIXED: [&str; 15] = [
    "/dnsPrefix",
    "/fqdnSubdomain",
    "/nodeResourceGroup",
    "/enableRBAC",
    "/diskEncryptionSetID",
    "/linuxProfile/adminUsername",
    "/linuxProfile/ssh/publicKeys",
    "/windowsProfile/adminUsername",
    "/networkProfile/networkPlugin",
    "/networkProfile/serviceCidr",
    "/networkProfile/dnsServiceIP",
    "/networkProfile/podCidr",
    "/networkProfile/loadBalancerSku",
    "/networkProfile/ipFamilies",
    "/apiServerAccessProfile/enablePrivateCluster",
];

/// Refuses a change of what is fixed in a pool. What is not sent is no change, nor is what an unset value means.
pub(crate) fn check_pool(sent: &Object, before: &Object, inside: bool) -> Result<(), Refusal> {
    for key in POOL_FIXED {
        let (Some(new), old) = (sent.get(key), before.get(key)) else { continue };
        if !same(new, old) && !means_unset(key, new) {
            let target = if inside { format!("agentPoolProfile.{key}") } else { format!("properties.{key}") };
            return Err(fixed(&target));
        }
    }
    Ok(())
}

/// Refuses a change of what is fixed in a cluster.
pub(crate) fn check_cluster(sent: &Object, before: &Object) -> Result<(), Refusal> {
    let (sent, before) = (Value::Object(sent.clone()), Value::Object(before.clone()));
    for pointer in CLUSTER_FIXED {
        if let Some(new) = sent.pointer(pointer)
            && !same(new, before.pointer(pointer))
            && !means_unset(pointer, new)
        {
            return Err(fixed(&pointer.trim_start_matches('/').replace('/', ".")));
        }
    }
    let issuer = |of: &Value| of.pointer("/oidcIssuerProfile/enabled").and_then(Value::as_bool);
    if issuer(&before) == Some(true) && issuer(&sent) == Some(false) {
        return Err(fixed("oidcIssuerProfile.enabled"));
    }
    Ok(())
}

fn same(new: &Value, old: Option<&Value>) -> bool {
    match (new, old) {
        (Value::String(new), Some(Value::String(old))) => new.eq_ignore_ascii_case(old),
        (new, Some(old)) => new == old,
        (_, None) => false,
    }
}

/// Values that say nothing: they are sent by clients, and never come back.
fn means_unset(key: &str, value: &Value) -> bool {
    let hollow = value == ""
        || value == false
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(|map| map.is_empty());
    match key {
        "osDiskSizeGB" | "maxPods" => value == 0,
        "scaleSetPriority" => value == "Regular",
        "scaleSetEvictionPolicy" => value == "Delete",
        "spotMaxPrice" => value.as_f64() == Some(-1.0),
        "enableNodePublicIP" | "/enableRBAC" => false,
        _ => hollow,
    }
}

fn fixed(target: &str) -> Refusal {
    let message = format!("Changing property '{target}' is not allowed.");
    Refusal::aks(400, "PropertyChangeNotAllowed", message).at(target)
}

/// The version that a cluster has after a PUT.
pub(crate) fn cluster_version(sent: &Object, before: &Object) -> Result<Option<Version>, Refusal> {
    let asked = text(sent, "kubernetesVersion");
    if asked.is_empty() {
        return Ok(None);
    }
    let version = Version::read(asked).ok_or_else(|| unknown_version(asked))?;
    let Some(running) = Version::read(text(before, "currentKubernetesVersion")) else { return Ok(Some(version)) };
    let alias = version.stated.matches('.').count() == 1;
    if alias && version.minor == running.minor {
        return Ok(Some(Version { stated: version.stated, ..running }));
    }
    if (version.minor, version.patch) < (running.minor, running.patch) {
        return Err(no_downgrade(&running.running, &version.running));
    }
    if !version.may_follow(&running) {
        let upgrades = super::versions::upgrades(running.minor, running.patch).join(", ");
        let message = format!(
            "Upgrading Kubernetes version {} to {} is not allowed. Available upgrades: [{upgrades}]. Please see \
             https://aka.ms/aks-supported-k8s-ver for version details.",
            running.running, version.running
        );
        return Err(Refusal::aks(400, "OperationNotAllowed", message));
    }
    Ok(Some(version))
}

/// The sandbox does not have this version.
pub(crate) fn unknown_version(asked: &str) -> Refusal {
    let message = format!(
        "Version {asked} is not supported in this region. Please use [az aks get-versions] command to get the \
         supported version list in this region. For more information, please check \
         https://aka.ms/supported-version-list"
    );
    Refusal::aks(400, "K8sVersionNotSupported", message)
}

/// Versions do not go back.
pub(crate) fn no_downgrade(from: &str, to: &str) -> Refusal {
    let message = format!("Downgrading from version {from} to {to} is not allowed.");
    Refusal::aks(400, "OperationNotAllowed", message)
}
