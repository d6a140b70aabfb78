//! The property table: which field of the stack file is which ARM property, and what a change of it does.
//!
//! Where Azure accepts a change, the property changes in place. Where it answers
//! `PropertyChangeNotAllowed` or documents "may not be changed after creation", a pool is
//! rotated or a cluster replaced. Sources: the recordings; the AKS REST reference's
//! property descriptions; the answers collected from public issue trackers; and the documentation pages "Create node
//! pools", "Update networking mode", "Use GPUs on AKS". Schemas and comparing read this one table.

use kfplan_model::{Path, Segment};
use kfplan_plan::OnChange;
use serde_json::Value as Json;

use crate::id::Family;

/// One field and its ARM property.
pub(crate) struct Property {
    /// The field in the stack file, dotted below its table.
    pub(crate) field: &'static str,
    /// Where it stands in the ARM body; for pools below the pool's properties.
    pub(crate) arm: &'static str,
    /// What a change does.
    pub(crate) on_change: OnChange,
}

const fn property(field: &'static str, arm: &'static str, on_change: OnChange) -> Property {
    Property { field, arm, on_change }
}

use OnChange::{InPlace, Refused, Replace, Rotate};

const NO_AAD_OFF: OnChange =
    Refused("AKS cannot turn its Entra ID integration off again: leave `aad` stated, or make a new cluster");
const NO_OIDC_OFF: OnChange = Refused("AKS cannot turn the OIDC issuer off again: state `oidc_issuer = true`");

/// A resource group.
pub(crate) static GROUP: &[Property] =
    &[property("location", "/location", Replace), property("tags", "/tags", InPlace)];

/// An AKS cluster, without its pools.
pub(crate) static CLUSTER: &[Property] = &[
    property("location", "/location", Replace),
    property("tags", "/tags", InPlace),
    property("tier", "/sku/tier", InPlace),
    property("identity.type", "/identity/type", InPlace),
    property("identity.ids", "/identity/userAssignedIdentities", InPlace),
    property("kubernetes_version", "/properties/kubernetesVersion", InPlace),
    property("dns_prefix", "/properties/dnsPrefix", Replace),
    property("node_resource_group", "/properties/nodeResourceGroup", Replace),
    property("support_plan", "/properties/supportPlan", InPlace),
    property("local_accounts", "/properties/disableLocalAccounts", InPlace),
    property("oidc_issuer", "/properties/oidcIssuerProfile/enabled", NO_OIDC_OFF),
    property("workload_identity", "/properties/securityProfile/workloadIdentity/enabled", InPlace),
    property("network.plugin", "/properties/networkProfile/networkPlugin", Replace),
    property("network.plugin_mode", "/properties/networkProfile/networkPluginMode", Replace),
    property("network.policy", "/properties/networkProfile/networkPolicy", InPlace),
    property("network.dataplane", "/properties/networkProfile/networkDataplane", Replace),
    property("network.pod_cidr", "/properties/networkProfile/podCidr", Replace),
    property("network.service_cidr", "/properties/networkProfile/serviceCidr", Replace),
    property("network.dns_service_ip", "/properties/networkProfile/dnsServiceIP", Replace),
    property("network.outbound_type", "/properties/networkProfile/outboundType", InPlace),
    property("aad", "/properties/aadProfile/managed", NO_AAD_OFF),
    property("aad.admin_group_ids", "/properties/aadProfile/adminGroupObjectIDs", InPlace),
    property("aad.azure_rbac", "/properties/aadProfile/enableAzureRBAC", InPlace),
    property("aad.tenant_id", "/properties/aadProfile/tenantID", InPlace),
    property("api_server.authorized_ranges", "/properties/apiServerAccessProfile/authorizedIPRanges", InPlace),
    property("api_server.private", "/properties/apiServerAccessProfile/enablePrivateCluster", Replace),
    property("api_server.private_dns_zone", "/properties/apiServerAccessProfile/privateDNSZone", Replace),
    property("auto_upgrade.channel", "/properties/autoUpgradeProfile/upgradeChannel", InPlace),
    property("auto_upgrade.node_os_channel", "/properties/autoUpgradeProfile/nodeOSUpgradeChannel", InPlace),
    property("autoscaler", "/properties/autoScalerProfile", InPlace),
    property("ssh.admin_username", "/properties/linuxProfile/adminUsername", Replace),
    property("ssh.public_keys", "/properties/linuxProfile/ssh/publicKeys", InPlace),
    property("properties", "/properties", InPlace),
];

/// A node pool: below `/properties` when it stands alone, below its entry of `agentPoolProfiles` inside a cluster.
pub(crate) static POOL: &[Property] = &[
    property("mode", "/mode", InPlace),
    // Not in the stack file: kfplan makes Linux pools of scale sets.
    property("os_type", "/osType", Rotate),
    property("type", "/type", Rotate),
    property("vm_size", "/vmSize", Rotate),
    property("count", "/count", InPlace),
    property("autoscale", "/enableAutoScaling", InPlace),
    property("autoscale.min", "/minCount", InPlace),
    property("autoscale.max", "/maxCount", InPlace),
    property("zones", "/availabilityZones", Rotate),
    property("os_disk_size_gb", "/osDiskSizeGB", Rotate),
    property("os_disk_type", "/osDiskType", Rotate),
    property("os_sku", "/osSKU", InPlace),
    property("max_pods", "/maxPods", Rotate),
    property("labels", "/nodeLabels", InPlace),
    property("taints", "/nodeTaints", InPlace),
    property("tags", "/tags", InPlace),
    property("kubernetes_version", "/orchestratorVersion", InPlace),
    property("priority", "/scaleSetPriority", Rotate),
    property("eviction_policy", "/scaleSetEvictionPolicy", Rotate),
    property("max_price", "/spotMaxPrice", Rotate),
    property("gpu_driver", "/gpuProfile/driver", Rotate),
    property("gpu_instance_profile", "/gpuInstanceProfile", Rotate),
    property("subnet_id", "/vnetSubnetID", Rotate),
    property("pod_subnet_id", "/podSubnetID", Rotate),
    property("max_surge", "/upgradeSettings/maxSurge", InPlace),
    property("scale_down_mode", "/scaleDownMode", InPlace),
    property("encryption_at_host", "/enableEncryptionAtHost", Rotate),
    property("fips", "/enableFIPS", InPlace),
    property("secure_boot", "/securityProfile/enableSecureBoot", InPlace),
    property("vtpm", "/securityProfile/enableVTPM", InPlace),
    property("properties", "", InPlace),
];

/// Any ARM resource.
pub(crate) static GENERIC: &[Property] =
    &[property("location", "/location", Replace), property("tags", "/tags", InPlace), property("body", "", InPlace)];

/// What to do where a property of the pool inside the cluster cannot change: its name is what makes it another pool.
const ANOTHER_POOL_NAME: OnChange = Refused(
    "AKS fixes this when the pool is made: give `system_pool` another `pool_name` too; kfplan then adds the new pool, drains the old one and deletes it",
);

/// The property of a field.
pub(crate) fn of_field(table: &'static [Property], field: &str) -> Option<&'static Property> {
    table.iter().find(|property| property.field == field)
}

/// The ARM path of a field, as `ignore_changes` may name it: `/count`, `/system_pool/count`.
pub(crate) fn arm_of_field(family: Family, path: &Path, system_pool: Option<&str>) -> Option<Path> {
    let keys: Option<Vec<&str>> = crate::leaves::keys(path.segments()).collect();
    let keys = keys?;
    let (table, start, rest) = match (family, keys.as_slice()) {
        (Family::Cluster, ["system_pool", rest @ ..]) => {
            let pool = crate::leaves::pool_segment(system_pool?);
            (POOL, Path::keys(["properties", "agentPoolProfiles"]).join(pool), rest)
        }
        (Family::Cluster, rest) => (CLUSTER, Path::root(), rest),
        (Family::Pool, rest) => (POOL, Path::keys(["properties"]), rest),
        (Family::Group, rest) => (GROUP, Path::root(), rest),
        (Family::Other, rest) => (GENERIC, Path::root(), rest),
    };
    // The longest field that begins the path; what is left of it stands below the property.
    (1..=rest.len()).rev().find_map(|length| {
        let (field, below) = rest.split_at_checked(length)?;
        let property = of_field(table, &field.join("."))?;
        let arm = property.arm.split('/').skip(1).chain(below.iter().copied());
        Some(arm.fold(start.clone(), |path, key| path.key(key)))
    })
}

/// What a change of a pool's field does when the pool is the one inside the cluster.
pub(crate) const fn inside_cluster(on_change: OnChange) -> OnChange {
    match on_change {
        Rotate => ANOTHER_POOL_NAME,
        other => other,
    }
}

/// What a change at this path of an ARM body does.
pub(crate) fn effect(family: Family, path: &Path, old: Option<&Json>, new: Option<&Json>) -> OnChange {
    match family {
        Family::Group => longest(GROUP, path.segments()),
        Family::Cluster => match path.segments() {
            [Segment::Key(properties), Segment::Key(pools), Segment::Item(_), rest @ ..]
                if &**properties == "properties" && &**pools == "agentPoolProfiles" =>
            {
                inside_cluster(longest(POOL, rest))
            }
            segments => conditional(path, old, new).unwrap_or_else(|| longest(CLUSTER, segments)),
        },
        Family::Pool => match path.segments() {
            [Segment::Key(properties), rest @ ..] if &**properties == "properties" => longest(POOL, rest),
            _ => InPlace,
        },
        Family::Other => longest(GENERIC, path.segments()),
    }
}

/// The property whose path is the longest prefix of these segments; what no field names is sent as it is.
fn longest(table: &'static [Property], segments: &[Segment]) -> OnChange {
    let keys = |property: &&Property| -> Vec<Segment> {
        property.arm.split('/').skip(1).map(|key| Segment::Key(key.into())).collect()
    };
    table
        .iter()
        .filter(|property| segments.starts_with(&keys(property)))
        .max_by_key(|property| property.arm.len())
        .map_or(InPlace, |property| property.on_change)
}

/// Changes that Azure takes in one direction only.
fn conditional(path: &Path, old: Option<&Json>, new: Option<&Json>) -> Option<OnChange> {
    let word = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_ascii_lowercase);
    let path = path.to_string();
    let (old_word, new_word) = (word(old), word(new));
    let pair = (old_word.as_deref(), new_word.as_deref());
    match (path.as_str(), pair) {
        // Kubenet can be upgraded to Azure CNI Overlay, and Azure CNI to its overlay mode or Cilium; there is no way back.
        ("/properties/networkProfile/networkPlugin", (Some("kubenet"), Some("azure")))
        | ("/properties/networkProfile/networkPluginMode", (None, Some("overlay")))
        | ("/properties/networkProfile/networkDataplane", (None | Some("azure"), Some("cilium"))) => Some(InPlace),
        ("/properties/oidcIssuerProfile/enabled" | "/properties/aadProfile/managed", _)
            if new == Some(&Json::Bool(true)) =>
        {
            Some(InPlace)
        }
        _ => None,
    }
}
