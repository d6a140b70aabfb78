//! Which members a body may have, and of what type: AKS refuses what it does not know.

use serde_json::Value;

use super::state::Object;
use super::wire::Refusal;

/// The type of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Whole,
    Flag,
    List,
    Members,
    Any,
}

use Kind::{Any, Flag, List, Members, Text, Whole};

/// The properties of a cluster.
pub(crate) const CLUSTER: &[(&str, Kind)] = &[
    ("provisioningState", Text),
    ("powerState", Members),
    ("maxAgentPools", Whole),
    ("kubernetesVersion", Text),
    ("currentKubernetesVersion", Text),
    ("dnsPrefix", Text),
    ("fqdnSubdomain", Text),
    ("fqdn", Text),
    ("privateFQDN", Text),
    ("azurePortalFQDN", Text),
    ("agentPoolProfiles", List),
    ("linuxProfile", Members),
    ("windowsProfile", Members),
    ("servicePrincipalProfile", Members),
    ("addonProfiles", Members),
    ("podIdentityProfile", Members),
    ("oidcIssuerProfile", Members),
    ("nodeResourceGroup", Text),
    ("nodeResourceGroupProfile", Members),
    ("enableRBAC", Flag),
    ("supportPlan", Text),
    ("networkProfile", Members),
    ("aadProfile", Members),
    ("autoUpgradeProfile", Members),
    ("upgradeSettings", Members),
    ("autoScalerProfile", Members),
    ("apiServerAccessProfile", Members),
    ("diskEncryptionSetID", Text),
    ("identityProfile", Members),
    ("privateLinkResources", List),
    ("disableLocalAccounts", Flag),
    ("httpProxyConfig", Members),
    ("securityProfile", Members),
    ("storageProfile", Members),
    ("ingressProfile", Members),
    ("publicNetworkAccess", Text),
    ("workloadAutoScalerProfile", Members),
    ("azureMonitorProfile", Members),
    ("serviceMeshProfile", Members),
    ("resourceUID", Text),
    ("metricsProfile", Members),
    ("nodeProvisioningProfile", Members),
    ("bootstrapProfile", Members),
    ("aiToolchainOperatorProfile", Members),
    ("schedulerProfile", Members),
    ("hostedSystemProfile", Members),
    ("status", Members),
];

/// The properties of a pool; inside a cluster it has a name too.
pub(crate) const POOL: &[(&str, Kind)] = &[
    ("name", Text),
    ("eTag", Text),
    ("count", Whole),
    ("vmSize", Text),
    ("osDiskSizeGB", Whole),
    ("osDiskType", Text),
    ("kubeletDiskType", Text),
    ("workloadRuntime", Text),
    ("messageOfTheDay", Text),
    ("vnetSubnetID", Text),
    ("podSubnetID", Text),
    ("podIPAllocationMode", Text),
    ("maxPods", Whole),
    ("osType", Text),
    ("osSKU", Text),
    ("maxCount", Whole),
    ("minCount", Whole),
    ("enableAutoScaling", Flag),
    ("scaleDownMode", Text),
    ("type", Text),
    ("mode", Text),
    ("orchestratorVersion", Text),
    ("currentOrchestratorVersion", Text),
    ("nodeImageVersion", Text),
    ("upgradeSettings", Members),
    ("provisioningState", Text),
    ("powerState", Members),
    ("availabilityZones", List),
    ("enableNodePublicIP", Flag),
    ("nodePublicIPPrefixID", Text),
    ("scaleSetPriority", Text),
    ("scaleSetEvictionPolicy", Text),
    ("spotMaxPrice", Any),
    ("tags", Members),
    ("nodeLabels", Members),
    ("nodeTaints", List),
    ("proximityPlacementGroupID", Text),
    ("kubeletConfig", Members),
    ("linuxOSConfig", Members),
    ("enableEncryptionAtHost", Flag),
    ("enableUltraSSD", Flag),
    ("enableFIPS", Flag),
    ("gpuInstanceProfile", Text),
    ("creationData", Members),
    ("capacityReservationGroupID", Text),
    ("hostGroupID", Text),
    ("networkProfile", Members),
    ("windowsProfile", Members),
    ("securityProfile", Members),
    ("gpuProfile", Members),
    ("gatewayProfile", Members),
    ("artifactStreamingProfile", Members),
    ("virtualMachinesProfile", Members),
    ("virtualMachineNodesStatus", List),
    ("status", Members),
    ("localDNSProfile", Members),
];

/// Refuses members that are unknown or of another type.
pub(crate) fn check(sent: &Object, known: &[(&str, Kind)]) -> Result<(), Refusal> {
    for (key, value) in sent {
        let Some((_, kind)) = known.iter().find(|(name, _)| name == key) else {
            return Err(unreadable(&format!("json: unknown field \"{key}\"")));
        };
        let fits = match kind {
            Text => value.is_string(),
            Whole => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Flag => value.is_boolean(),
            List => value.is_array(),
            Members => value.is_object(),
            Any => true,
        };
        if !fits && !value.is_null() {
            return Err(unreadable(&format!("json: cannot unmarshal into field \"{key}\" of type {kind:?}")));
        }
    }
    Ok(())
}

fn unreadable(why: &str) -> Refusal {
    Refusal::aks(400, "UnmarshalError", format!("UnmarshalEntity encountered error: {why}."))
}

/// The same object without nulls, at any depth.
pub(crate) fn without_nulls(object: Object) -> Object {
    let kept = object.into_iter().filter(|(_, value)| !value.is_null());
    kept.map(|(key, value)| (key, clean(value))).collect()
}

fn clean(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(without_nulls(map)),
        Value::Array(list) => list.into_iter().map(clean).collect(),
        other => other,
    }
}

/// Refuses tags that ARM refuses.
pub(crate) fn check_tags(tags: &Object) -> Result<(), Refusal> {
    let refuse = |code: &str, why: String| Err(Refusal::arm(400, code, why));
    if tags.len() > 50 {
        let why = format!("The number of tags '{}' exceeds the maximum of '50'.", tags.len());
        return refuse("InvalidTags", why);
    }
    for (name, value) in tags {
        let Some(value) = value.as_str() else {
            return refuse("InvalidTags", format!("The value of the tag '{name}' must be a string."));
        };
        if name.is_empty() || name.chars().count() > 512 {
            let why = format!("The tag name '{name}' is empty or exceeds the maximum length of '512' characters.");
            return refuse("InvalidTagNameLength", why);
        }
        if name.contains(['<', '>', '%', '&', '\\', '?', '/']) {
            let why = format!("The tag name '{name}' has reserved characters '<,>,%,&,\\,?,/' or control characters.");
            return refuse("InvalidTagNameCharacters", why);
        }
        let start = name.to_ascii_lowercase();
        if ["microsoft", "azure", "windows"].iter().any(|reserved| start.starts_with(reserved)) {
            let why = format!("The tag name '{name}' begins with a reserved prefix 'microsoft', 'azure' or 'windows'.");
            return refuse("ReservedTagName", why);
        }
        if value.chars().count() > 256 {
            let why = format!("The value of the tag '{name}' exceeds the maximum length of '256' characters.");
            return refuse("InvalidTagValueLength", why);
        }
    }
    Ok(())
}
