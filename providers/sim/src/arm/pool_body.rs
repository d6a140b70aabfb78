//! What becomes of the body of a pool: checked, defaults filled in, what AKS never shows dropped.

use serde_json::{Value, json};

use super::changes;
use super::schema;
use super::sizes::{self, Size};
use super::state::{Object, Pool, number, text};
use super::versions::Version;
use super::wire::Refusal;

/// The size that AKS takes when none is asked for.
const DEFAULT_SIZE: &str = "Standard_DS2_v2";

/// What a pool's body is read against.
#[derive(Debug, Clone)]
pub(crate) struct Ground<'a> {
    /// The region of the cluster.
    pub(crate) location: &'a str,
    /// The month of the world.
    pub(crate) month: &'a str,
    /// The day that names node images.
    pub(crate) image: &'a str,
    /// What the control plane runs.
    pub(crate) control: &'a Version,
    /// Pods of a node, when nobody says.
    pub(crate) max_pods: u32,
    /// Whether the body stands inside a cluster's.
    pub(crate) inside: bool,
}

/// Reads the body of a pool. What is there already keeps its values where nothing is stated, except for what a PUT
/// replaces whole: labels, taints and tags.
pub(crate) fn settle(name: &str, sent: &Object, before: Option<&Pool>, ground: &Ground<'_>) -> Result<Object, Refusal> {
    check_name(name, text(sent, "osType"))?;
    schema::check(sent, schema::POOL)?;
    let sent = schema::without_nulls(sent.clone());
    if let Some(before) = before {
        changes::check_pool(&sent, &before.properties, ground.inside)?;
    }
    let mut pool = match before {
        Some(before) => before.properties.clone(),
        None => fresh(&sent, ground)?,
    };
    take_mutable(&mut pool, &sent);
    take_version(&mut pool, &sent, before, ground)?;
    scaling(&mut pool, &sent)?;
    priority(&mut pool, &sent, before.is_none())?;
    check_words(&pool)?;
    check_mode(&pool)?;
    check_labels(&pool)?;
    Ok(pool)
}

/// What only a create decides, with its defaults.
fn fresh(sent: &Object, ground: &Ground<'_>) -> Result<Object, Refusal> {
    let asked = text(sent, "vmSize");
    let asked = if asked.is_empty() { DEFAULT_SIZE } else { asked };
    let size = usable(asked, ground)?;
    let windows = text(sent, "osType") == "Windows";
    let system = if text(sent, "osSKU").is_empty() {
        if windows { "Windows2022" } else { "Ubuntu" }
    } else {
        text(sent, "osSKU")
    };
    let (disk, kind) = match number(sent, "osDiskSizeGB") {
        0 => size.os_disk(),
        asked => (asked, size.os_disk().1),
    };
    let kind = if text(sent, "osDiskType").is_empty() { kind } else { text(sent, "osDiskType") };
    let locked = system == "AzureContainerLinux";
    let mut pool = Object::new();
    // As sent: Azure does not canonicalise the size's spelling.
    pool.insert("vmSize".into(), json!(asked));
    pool.insert("osDiskSizeGB".into(), json!(disk));
    pool.insert("osDiskType".into(), json!(kind));
    pool.insert("osSKU".into(), json!(system));
    pool.insert("nodeImageVersion".into(), json!(image(system, ground.image)));
    pool.insert(
        "securityProfile".into(),
        json!({"sshAccess": "LocalUser", "enableVTPM": locked, "enableSecureBoot": locked}),
    );
    for (key, value) in [
        ("kubeletDiskType", json!("OS")),
        ("maxPods", json!(ground.max_pods)),
        ("type", json!("VirtualMachineScaleSets")),
        ("scaleDownMode", json!("Delete")),
        ("enableNodePublicIP", json!(false)),
        ("enableFIPS", json!(false)),
        ("osType", json!("Linux")),
        ("mode", json!("User")),
        ("count", json!(1)),
    ] {
        pool.insert(key.into(), sent.get(key).cloned().unwrap_or(value));
    }
    for key in changes::POOL_FIXED.iter().chain(&["enableUltraSSD", "enableEncryptionAtHost", "networkProfile"]) {
        if let Some(value) = sent.get(*key).filter(|value| !is_hollow(value)) {
            pool.entry(*key).or_insert_with(|| value.clone());
        }
    }
    if size.gpus == 0 && sent.contains_key("gpuProfile") {
        let why = format!("gpuProfile is only supported on VM sizes with a GPU, and '{asked}' has none.");
        return Err(invalid("gpuProfile", &why));
    }
    Ok(pool)
}

fn is_hollow(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value == ""
}

/// The size by name, if the region has it.
fn usable(name: &str, ground: &Ground<'_>) -> Result<&'static Size, Refusal> {
    let found = sizes::size(name).filter(|size| size.is_offered(ground.month) && size.is_allowed(ground.location));
    found.ok_or_else(|| {
        let offered = sizes::offered(ground.location, ground.month).join(",");
        let message = format!(
            "The VM size of {name} is not allowed in your subscription in location '{}'. The available VM sizes are \
             '{offered}'. For more details, please visit https://aka.ms/cpu-quota",
            ground.location
        );
        Refusal::aks(400, "BadRequest", message)
    })
}

fn image(system: &str, day: &str) -> String {
    match system {
        "AzureContainerLinux" => format!("AKSAzureLinux-aclgen2TL-{day}.0"),
        "AzureLinux" | "CBLMariner" | "Mariner" => format!("AKSAzureLinux-V3gen2-{day}.0"),
        "Windows2019" | "Windows2022" | "Windows2025" => {
            format!("AKSWindows-{}-containerd-{day}", system.trim_start_matches("Windows"))
        }
        _ => format!("AKSUbuntu-2204gen2containerd-{day}.0"),
    }
}

/// What a PUT may change, and what it replaces whole.
fn take_mutable(pool: &mut Object, sent: &Object) {
    for key in ["count", "mode", "scaleDownMode", "osSKU", "enableFIPS", "networkProfile", "localDNSProfile"] {
        if let Some(value) = sent.get(key) {
            pool.insert(key.into(), value.clone());
        }
    }
    for key in ["nodeLabels", "nodeTaints", "tags"] {
        let full = |value: &&Value| {
            value.as_array().is_some_and(|list| !list.is_empty())
                || value.as_object().is_some_and(|map| !map.is_empty())
        };
        match sent.get(key).filter(full) {
            Some(value) => pool.insert(key.into(), value.clone()),
            None => pool.remove(key),
        };
    }
    if let Some(Value::Object(sent)) = sent.get("securityProfile")
        && let Some(Value::Object(profile)) = pool.get_mut("securityProfile")
    {
        profile.extend(sent.clone());
    }
    let mut upgrade = sent.get("upgradeSettings").or(pool.get("upgradeSettings")).cloned().unwrap_or(json!({}));
    if let Some(upgrade) = upgrade.as_object_mut().filter(|_| text(pool, "mode") == "System") {
        upgrade.entry("maxSurge").or_insert(json!("10%"));
        upgrade.entry("maxUnavailable").or_insert(json!("0"));
    }
    pool.insert("upgradeSettings".into(), upgrade);
}

/// A pool follows the control plane, never leads it.
fn take_version(pool: &mut Object, sent: &Object, before: Option<&Pool>, ground: &Ground<'_>) -> Result<(), Refusal> {
    let asked = text(sent, "orchestratorVersion");
    let version = match (asked, before) {
        ("", Some(_)) => return Ok(()),
        ("", None) => ground.control.clone(),
        (asked, _) => Version::read(asked).ok_or_else(|| changes::unknown_version(asked))?,
    };
    let running = before.and_then(|pool| Version::read(pool.text("currentOrchestratorVersion")));
    // An alias of the minor that runs already moves nothing.
    let alias = version.stated.matches('.').count() == 1;
    let version = match &running {
        Some(running) if alias && running.minor == version.minor => {
            Version { stated: version.stated, ..running.clone() }
        }
        _ => version,
    };
    if (version.minor, version.patch) > (ground.control.minor, ground.control.patch) {
        let message = format!(
            "Node pool version {} and control plane version {} are incompatible. Node pool version must be less than \
             or equal to the control plane version.",
            version.running, ground.control.running
        );
        return Err(Refusal::aks(400, "NodePoolMcVersionIncompatible", message));
    }
    if version.minor + 3 < ground.control.minor {
        let message = format!(
            "Node pool version {} is more than three minors older than the control plane's {}.",
            version.running, ground.control.running
        );
        return Err(Refusal::aks(400, "NodePoolMcVersionIncompatible", message));
    }
    if let Some(running) = running.filter(|running| (version.minor, version.patch) < (running.minor, running.patch)) {
        return Err(changes::no_downgrade(&running.running, &version.running));
    }
    pool.insert("orchestratorVersion".into(), json!(version.stated));
    pool.insert("currentOrchestratorVersion".into(), json!(version.running));
    Ok(())
}

fn scaling(pool: &mut Object, sent: &Object) -> Result<(), Refusal> {
    for key in ["enableAutoScaling", "minCount", "maxCount"] {
        if let Some(value) = sent.get(key) {
            pool.insert(key.into(), value.clone());
        }
    }
    let count = number(pool, "count");
    let system = text(pool, "mode") == "System";
    if sent.get("count").and_then(Value::as_i64).is_some_and(|count| count < 0) || count > 1_000 {
        return Err(invalid("count", "The count of a node pool must be between 0 and 1000."));
    }
    if pool.get("enableAutoScaling") != Some(&Value::Bool(true)) {
        let bounds = ["minCount", "maxCount"].into_iter().find(|key| sent.contains_key(*key));
        if let Some(key) = bounds {
            return Err(invalid(key, "minCount and maxCount must not be set when enableAutoScaling is false."));
        }
        pool.remove("minCount");
        pool.remove("maxCount");
        if system && count == 0 {
            return Err(invalid("count", "A system node pool needs at least one node."));
        }
        return Ok(());
    }
    let bound = |key: &str| pool.get(key).and_then(Value::as_i64);
    let (Some(low), Some(high)) = (bound("minCount"), bound("maxCount")) else {
        return Err(invalid("minCount", "minCount and maxCount are required when enableAutoScaling is true."));
    };
    if low < i64::from(system) || high > 1_000 || low > high {
        let why = format!(
            "minCount {low} and maxCount {high} are invalid: minCount must be at least {}, and at most maxCount, \
             which is at most 1000.",
            i64::from(system)
        );
        return Err(invalid("minCount", &why));
    }
    Ok(())
}

/// Regular priority is never shown; spot is, with the label and the taint that AKS adds.
fn priority(pool: &mut Object, sent: &Object, new: bool) -> Result<(), Refusal> {
    if new && text(sent, "scaleSetPriority") == "Spot" {
        let policy = text(sent, "scaleSetEvictionPolicy");
        pool.insert("scaleSetPriority".into(), json!("Spot"));
        pool.insert("scaleSetEvictionPolicy".into(), json!(if policy.is_empty() { "Delete" } else { policy }));
        pool.insert("spotMaxPrice".into(), sent.get("spotMaxPrice").cloned().unwrap_or(json!(-1.0)));
    } else if new {
        for key in ["scaleSetPriority", "scaleSetEvictionPolicy", "spotMaxPrice"] {
            pool.remove(key);
        }
    }
    if text(pool, "scaleSetPriority") != "Spot" {
        return Ok(());
    }
    if text(pool, "mode") == "System" {
        return Err(invalid("scaleSetPriority", "A system node pool can not be a spot pool."));
    }
    if let Some(labels) = pool.entry("nodeLabels").or_insert(json!({})).as_object_mut() {
        labels.insert("kubernetes.azure.com/scalesetpriority".into(), json!("spot"));
    }
    let taint = json!("kubernetes.azure.com/scalesetpriority=spot:NoSchedule");
    if let Some(taints) = pool.entry("nodeTaints").or_insert(json!([])).as_array_mut()
        && !taints.contains(&taint)
    {
        taints.push(taint);
    }
    Ok(())
}

fn check_words(pool: &Object) -> Result<(), Refusal> {
    const WORDS: [(&str, &[&str]); 6] = [
        ("mode", &["System", "User", "Gateway"]),
        ("osType", &["Linux", "Windows"]),
        ("osDiskType", &["Managed", "Ephemeral"]),
        ("kubeletDiskType", &["OS", "Temporary"]),
        ("type", &["VirtualMachineScaleSets", "VirtualMachines"]),
        ("scaleDownMode", &["Delete", "Deallocate"]),
    ];
    for (key, words) in WORDS {
        let found = text(pool, key);
        if !words.contains(&found) {
            return Err(invalid(key, &format!("The value '{found}' is not one of {}.", words.join(", "))));
        }
    }
    let disk = number(pool, "osDiskSizeGB");
    if !(30..=2_048).contains(&disk) {
        return Err(invalid("osDiskSizeGB", &format!("The OS disk size {disk} must be between 30 and 2048 GB.")));
    }
    let pods = number(pool, "maxPods");
    if !(10..=250).contains(&pods) {
        return Err(invalid("maxPods", &format!("The maximum of pods {pods} must be between 10 and 250.")));
    }
    Ok(())
}

fn check_mode(pool: &Object) -> Result<(), Refusal> {
    let cores = sizes::size(text(pool, "vmSize")).map_or(0, |size| size.cores);
    if text(pool, "mode") == "System" && (text(pool, "osType") != "Linux" || cores < 2) {
        return Err(invalid("mode", "A system node pool must be Linux, on a VM size with at least two cores."));
    }
    Ok(())
}

fn check_labels(pool: &Object) -> Result<(), Refusal> {
    const OURS: [&str; 1] = ["kubernetes.azure.com/scalesetpriority"];
    let labels = pool.get("nodeLabels").and_then(Value::as_object).into_iter().flatten();
    for (key, value) in labels {
        if key.starts_with("kubernetes.azure.com/") && !OURS.contains(&key.as_str()) {
            return Err(invalid(
                "nodeLabels",
                &format!("The label '{key}' has the reserved prefix 'kubernetes.azure.com'."),
            ));
        }
        if !value.is_string() || key.is_empty() || key.len() > 317 {
            return Err(invalid("nodeLabels", &format!("The label '{key}' is not valid.")));
        }
    }
    for taint in pool.get("nodeTaints").and_then(Value::as_array).into_iter().flatten() {
        let taint = taint.as_str().unwrap_or_default();
        let effect = taint.rsplit_once(':').map(|(_, effect)| effect);
        let valid =
            matches!(effect, Some("NoSchedule" | "PreferNoSchedule" | "NoExecute")) && !taint.starts_with([':', '=']);
        if !valid {
            return Err(invalid("nodeTaints", &format!("The taint '{taint}' is not of the form key=value:Effect.")));
        }
    }
    Ok(())
}

fn check_name(name: &str, system: &str) -> Result<(), Refusal> {
    let longest = if system == "Windows" { 6 } else { 12 };
    let valid = name.len() <= longest
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    if valid {
        return Ok(());
    }
    let why = format!(
        "The agent pool name '{name}' is invalid: it begins with a lower-case letter, and has lower-case letters and \
         digits only, at most {longest} of them."
    );
    Err(invalid("name", &why))
}

/// AKS's refusal of a value.
pub(crate) fn invalid(property: &str, why: &str) -> Refusal {
    Refusal::aks(400, "InvalidParameter", why).at(property)
}
