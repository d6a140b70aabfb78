//! What becomes of the body of a cluster: checked, defaults filled in, what AKS never shows dropped.

use serde_json::{Value, json};

use super::changes;
use super::dice::Dice;
use super::network;
use super::pool_body::{self, Ground, invalid};
use super::schema;
use super::state::{Cluster, Object, Pool, State, object, text};
use super::time;
use super::versions::Version;
use super::wire::Refusal;

/// Where a body was put, and when.
#[derive(Debug, Clone)]
pub(crate) struct Site<'a> {
    pub(crate) now: u64,
    pub(crate) tenant: &'a str,
    pub(crate) subscription: &'a str,
    pub(crate) group: &'a str,
    pub(crate) name: &'a str,
    pub(crate) location: &'a str,
}

/// Properties that are taken as sent, where they say something.
const AS_SENT: [&str; 18] = [
    "linuxProfile",
    "windowsProfile",
    "podIdentityProfile",
    "nodeResourceGroupProfile",
    "aadProfile",
    "upgradeSettings",
    "autoScalerProfile",
    "apiServerAccessProfile",
    "diskEncryptionSetID",
    "disableLocalAccounts",
    "httpProxyConfig",
    "ingressProfile",
    "publicNetworkAccess",
    "azureMonitorProfile",
    "serviceMeshProfile",
    "aiToolchainOperatorProfile",
    "schedulerProfile",
    "addonProfiles",
];

/// Profiles that are there unasked, and what they say then.
fn unasked() -> [(&'static str, Value); 10] {
    [
        ("supportPlan", json!("KubernetesOfficial")),
        ("autoUpgradeProfile", json!({"nodeOSUpgradeChannel": "NodeImage"})),
        ("securityProfile", json!({})),
        (
            "storageProfile",
            json!({
                "diskCSIDriver": {"enabled": true}, "fileCSIDriver": {"enabled": true},
                "snapshotController": {"enabled": true},
            }),
        ),
        ("oidcIssuerProfile", json!({"enabled": false})),
        ("workloadAutoScalerProfile", json!({})),
        ("metricsProfile", json!({"costAnalysis": {"enabled": false}})),
        ("nodeProvisioningProfile", json!({"mode": "Manual"})),
        ("bootstrapProfile", json!({"artifactSource": "Direct"})),
        ("hostedSystemProfile", json!({"enabled": false})),
    ]
}

/// Reads the body of a cluster that is not there yet.
pub(crate) fn create(body: &Object, site: &Site<'_>, dice: &mut Dice) -> Result<Cluster, Refusal> {
    let sent = properties(body)?;
    check_name(site.name)?;
    let version = match text(&sent, "kubernetesVersion") {
        "" => Version::default_in(&time::month(site.now)),
        asked => Version::read(asked).ok_or_else(|| changes::unknown_version(asked))?,
    };
    let mut settled = Object::new();
    settled.insert("kubernetesVersion".into(), json!(version.stated));
    settled.insert("currentKubernetesVersion".into(), json!(version.running));
    addresses(&mut settled, &sent, site, dice)?;
    take_plain(&mut settled, &sent);
    issuer(&mut settled, site, dice);
    directory(&mut settled, site);
    settled.insert("networkProfile".into(), Value::Object(network::settle(&object(&sent, "networkProfile"))?));
    let enabled = sent.get("enableRBAC").cloned().unwrap_or(json!(true));
    settled.insert("enableRBAC".into(), enabled);
    settled.insert("maxAgentPools".into(), json!(100));
    settled.insert("resourceUID".into(), json!(format!("{:08x}{}", site.now / 1_000, dice.hex(16))));
    let identity = identity(body, &sent, site, dice)?;
    let principal = object(&sent, "servicePrincipalProfile");
    let client = if text(&principal, "clientId").is_empty() { "msi" } else { text(&principal, "clientId") };
    settled.insert("servicePrincipalProfile".into(), json!({ "clientId": client }));
    let mut cluster = Cluster {
        subscription: site.subscription.to_owned(),
        group: site.group.to_owned(),
        name: site.name.to_owned(),
        location: site.location.to_owned(),
        tags: tags(body)?,
        identity,
        sku: sku(body)?,
        properties: settled,
        pools: Vec::new(),
        state: State::Creating,
        etag: None,
        operation: None,
    };
    check_plan(&cluster)?;
    cluster.pools = first_pools(&sent, &cluster, site, &version, dice)?;
    Ok(cluster)
}

/// Reads the body of a cluster that is there: what is fixed must be as it is, what is not stated stays, but for the
/// tags and the add-ons, which a PUT replaces whole.
pub(crate) fn update(body: &Object, before: &Cluster, site: &Site<'_>, dice: &mut Dice) -> Result<Cluster, Refusal> {
    let sent = properties(body)?;
    changes::check_cluster(&sent, &before.properties)?;
    let mut cluster = before.clone();
    if let Some(version) = changes::cluster_version(&sent, &before.properties)? {
        cluster.properties.insert("kubernetesVersion".into(), json!(version.stated));
        cluster.properties.insert("currentKubernetesVersion".into(), json!(version.running));
    }
    cluster.properties.remove("addonProfiles");
    take_plain(&mut cluster.properties, &sent);
    issuer(&mut cluster.properties, site, dice);
    directory(&mut cluster.properties, site);
    let mut network = object(&cluster.properties, "networkProfile");
    merge(&mut network, &object(&sent, "networkProfile"));
    cluster.properties.insert("networkProfile".into(), Value::Object(network));
    cluster.tags = tags(body)?;
    if body.contains_key("sku") {
        cluster.sku = sku(body)?;
    }
    check_plan(&cluster)?;
    cluster.pools = changed_pools(&sent, &cluster, site)?;
    Ok(cluster)
}

/// The properties of a body, without nulls and known to AKS.
fn properties(body: &Object) -> Result<Object, Refusal> {
    let sent = object(body, "properties");
    schema::check(&sent, schema::CLUSTER)?;
    Ok(schema::without_nulls(sent))
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let inner = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    if name.len() <= 63 && name.chars().all(inner) && edge(name.chars().next()) && edge(name.chars().last()) {
        return Ok(());
    }
    let why = format!(
        "The cluster name '{name}' is invalid: it has 1 to 63 letters, digits, underscores and hyphens, and begins \
         and ends with a letter or digit."
    );
    Err(invalid("name", &why))
}

fn addresses(settled: &mut Object, sent: &Object, site: &Site<'_>, dice: &mut Dice) -> Result<(), Refusal> {
    let prefix = text(sent, "dnsPrefix");
    let inner = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let valid = (1..=54).contains(&prefix.len())
        && prefix.chars().all(inner)
        && !prefix.starts_with('-')
        && !prefix.ends_with('-');
    if !valid {
        let why = format!(
            "The dnsPrefix '{prefix}' is invalid: it has 1 to 54 letters, digits and hyphens, and begins and ends with \
             a letter or digit."
        );
        return Err(invalid("dnsPrefix", &why));
    }
    let (word, location) = (dice.word(8), site.location);
    settled.insert("dnsPrefix".into(), json!(prefix));
    settled.insert("fqdn".into(), json!(format!("{prefix}-{word}.hcp.{location}.azmk8s.io")));
    settled.insert("azurePortalFQDN".into(), json!(format!("{prefix}-{word}.portal.hcp.{location}.azmk8s.io")));
    let usual = format!("MC_{}_{}_{location}", site.group, site.name);
    let nodes = match text(sent, "nodeResourceGroup") {
        "" => usual,
        asked => asked.to_owned(),
    };
    if nodes.len() > 80 {
        let why =
            format!("The length of the node resource group name '{nodes}' is too long. The maximum length is 80.");
        return Err(invalid("nodeResourceGroup", &why));
    }
    settled.insert("nodeResourceGroup".into(), json!(nodes));
    Ok(())
}

/// Takes what is shown as it was sent, and fills in what is there unasked.
fn take_plain(settled: &mut Object, sent: &Object) {
    for key in AS_SENT {
        if let Some(value) = sent.get(key).filter(|value| value.as_object().is_none_or(|map| !map.is_empty())) {
            settled.insert(key.into(), value.clone());
        }
    }
    for (key, usual) in unasked() {
        let value = settled.entry(key).or_insert(usual);
        match (value, sent.get(key)) {
            (Value::Object(known), Some(Value::Object(new))) => merge(known, new),
            (value, Some(new)) => *value = new.clone(),
            (_, None) => {}
        }
    }
}

/// Lays stated members over known ones, at any depth; lists are replaced.
pub(crate) fn merge(known: &mut Object, new: &Object) {
    for (key, value) in new {
        match (known.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(new)) => merge(known, new),
            _ => {
                known.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A cluster that trusts a directory trusts its own, unless another one is named.
fn directory(settled: &mut Object, site: &Site<'_>) {
    if let Some(Value::Object(profile)) = settled.get_mut("aadProfile") {
        profile.entry("tenantID").or_insert(json!(site.tenant));
    }
}

fn issuer(settled: &mut Object, site: &Site<'_>, dice: &mut Dice) {
    let Some(Value::Object(profile)) = settled.get_mut("oidcIssuerProfile") else { return };
    if profile.get("enabled") == Some(&Value::Bool(true)) && !profile.contains_key("issuerURL") {
        let url = format!("https://{}.oic.prod-aks.azure.com/{}/{}/", site.location, site.tenant, dice.guid());
        profile.insert("issuerURL".into(), json!(url));
    }
}

fn identity(body: &Object, sent: &Object, site: &Site<'_>, dice: &mut Dice) -> Result<Option<Object>, Refusal> {
    let stated = schema::without_nulls(object(body, "identity"));
    match text(&stated, "type") {
        "SystemAssigned" => {
            let identity = json!({"type": "SystemAssigned", "principalId": dice.guid(), "tenantId": site.tenant});
            Ok(identity.as_object().cloned())
        }
        "UserAssigned" if object(&stated, "userAssignedIdentities").len() == 1 => Ok(Some(stated)),
        "UserAssigned" => {
            Err(invalid("identity.userAssignedIdentities", "A cluster takes exactly one user-assigned identity."))
        }
        "" | "None" if sent.contains_key("servicePrincipalProfile") => Ok(None),
        "" | "None" => Err(invalid(
            "servicePrincipalProfile",
            "Either an identity or a servicePrincipalProfile with clientId and secret is required.",
        )),
        other => {
            let why = format!("The identity type '{other}' is not one of SystemAssigned, UserAssigned.");
            Err(Refusal::aks(400, "InvalidIdentityType", why).at("identity.type"))
        }
    }
}

fn sku(body: &Object) -> Result<Object, Refusal> {
    let mut sku = schema::without_nulls(object(body, "sku"));
    sku.entry("name").or_insert(json!("Base"));
    sku.entry("tier").or_insert(json!("Free"));
    let known = matches!(text(&sku, "name"), "Base" | "Automatic")
        && matches!(text(&sku, "tier"), "Free" | "Standard" | "Premium");
    if known {
        return Ok(sku);
    }
    let why = format!(
        "The SKU '{}' with tier '{}' is not available: names are Base and Automatic, tiers Free, Standard, Premium.",
        text(&sku, "name"),
        text(&sku, "tier")
    );
    Err(invalid("sku", &why))
}

fn check_plan(cluster: &Cluster) -> Result<(), Refusal> {
    match text(&cluster.properties, "supportPlan") {
        "KubernetesOfficial" => Ok(()),
        "AKSLongTermSupport" if text(&cluster.sku, "tier") == "Premium" => Ok(()),
        "AKSLongTermSupport" => Err(invalid("supportPlan", "AKSLongTermSupport requires the Premium tier.")),
        other => Err(invalid("supportPlan", &format!("The support plan '{other}' is unknown."))),
    }
}

/// The tags of a body, checked.
pub(crate) fn tags(body: &Object) -> Result<Object, Refusal> {
    let tags = schema::without_nulls(object(body, "tags"));
    schema::check_tags(&tags)?;
    Ok(tags)
}

fn profiles(sent: &Object) -> Result<Vec<Object>, Refusal> {
    let list = sent.get("agentPoolProfiles").and_then(Value::as_array).cloned().unwrap_or_default();
    let each = list.into_iter().map(|profile| match profile {
        Value::Object(map) => Ok(map),
        _ => Err(invalid("agentPoolProfiles", "A pool must be an object.")),
    });
    each.collect()
}

fn ground<'a>(cluster: &Cluster, site: &Site<'a>, days: &'a Days, control: &'a Version) -> Ground<'a> {
    Ground {
        location: site.location,
        month: &days.month,
        image: &days.image,
        control,
        max_pods: network::max_pods(&object(&cluster.properties, "networkProfile")),
        inside: true,
    }
}

/// The names of the world's day that pools need.
#[derive(Debug, Clone)]
pub(crate) struct Days {
    pub(crate) month: String,
    pub(crate) image: String,
}

impl Days {
    pub(crate) fn at(now: u64) -> Days {
        // Images are some days old when they reach a region.
        Days { month: time::month(now), image: time::week(now.saturating_sub(10 * time::DAY)) }
    }
}

/// What a pool of this cluster is read against.
pub(crate) fn pool_ground<'a>(cluster: &'a Cluster, days: &'a Days, control: &'a Version) -> Ground<'a> {
    Ground {
        location: &cluster.location,
        month: &days.month,
        image: &days.image,
        control,
        max_pods: network::max_pods(&object(&cluster.properties, "networkProfile")),
        inside: false,
    }
}

fn first_pools(
    sent: &Object,
    cluster: &Cluster,
    site: &Site<'_>,
    version: &Version,
    dice: &mut Dice,
) -> Result<Vec<Pool>, Refusal> {
    let days = Days::at(site.now);
    let ground = ground(cluster, site, &days, version);
    let mut pools: Vec<Pool> = Vec::new();
    for profile in profiles(sent)? {
        let name = text(&profile, "name").to_owned();
        if pools.iter().any(|pool| pool.name == name) {
            return Err(invalid("agentPoolProfiles", &format!("The agent pool name '{name}' is not unique.")));
        }
        let properties = pool_body::settle(&name, &profile, None, &ground)?;
        pools.push(Pool {
            name,
            properties,
            state: State::Creating,
            etag: None,
            scaling: None,
            number: dice.below(100_000_000),
        });
    }
    if !pools.iter().any(|pool| pool.text("mode") == "System") {
        return Err(invalid("agentPoolProfiles", "There has to be at least one agent pool with mode System."));
    }
    Ok(pools)
}

/// A PUT of the cluster may change its pools; it neither adds nor removes one.
fn changed_pools(sent: &Object, cluster: &Cluster, site: &Site<'_>) -> Result<Vec<Pool>, Refusal> {
    let mut pools = cluster.pools.clone();
    let profiles = profiles(sent)?;
    if profiles.is_empty() {
        return Ok(pools);
    }
    let days = Days::at(site.now);
    let control = cluster.control()?;
    let ground = ground(cluster, site, &days, &control);
    for profile in &profiles {
        let name = text(profile, "name");
        let Some(pool) = pools.iter_mut().find(|pool| pool.name == name) else {
            let message = format!(
                "Adding the agent pool '{name}' with a PUT of the managed cluster is not allowed. Please use the agent \
                 pool API."
            );
            return Err(Refusal::aks(400, "BadRequest", message));
        };
        pool.properties = pool_body::settle(name, profile, Some(pool), &ground)?;
    }
    let gone = pools.iter().find(|pool| !profiles.iter().any(|profile| text(profile, "name") == pool.name));
    if let Some(pool) = gone {
        let message = format!(
            "Removing the agent pool '{}' with a PUT of the managed cluster is not allowed. Please use the agent pool API.",
            pool.name
        );
        return Err(Refusal::aks(400, "BadRequest", message));
    }
    if !pools.iter().any(|pool| pool.text("mode") == "System") {
        return Err(invalid("agentPoolProfiles", "There has to be at least one agent pool with mode System."));
    }
    Ok(pools)
}
