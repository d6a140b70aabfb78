//! The differences between the recordings and the simulated ARM that have to be, each with its reason.
//!
//! The simulator models the Azure of 2026. What a recording of an earlier year shows otherwise is named for its
//! scenario, so that a difference nobody thought of fails. A name that no difference needs any more fails too.

use serde_json::{Value, json};

use crate::compare::Difference;

/// One difference that is meant.
pub(crate) struct Named {
    /// The scenario; empty for all of them.
    scenario: &'static str,
    /// What the name of the exchange's file begins with; empty for all.
    pub(crate) file: &'static str,
    /// The place; `*` stands for any one step, and a leading `**/` for any steps.
    pub(crate) path: &'static str,
    /// Why it has to be.
    pub(crate) why: &'static str,
    rule: Rule,
    /// Whether it may be there or not.
    pub(crate) everywhere: bool,
}

/// How far the two may differ.
enum Rule {
    /// Only in what Azure makes up: times, GUIDs, signatures, counts, made-up words.
    MadeUp,
    /// It was not there yet.
    Added,
    /// It was not there yet, and is exactly this.
    AddedAs(Value),
    /// It is there no more.
    Gone,
    /// It was exactly this, and is exactly that.
    Was(Value, Value),
    /// The recorder wrote something else over it.
    Overwritten,
    /// A link to an operation, as before but for the API version that it speaks, and perhaps the signature.
    Links,
}

impl Named {
    pub(crate) fn covers(&self, file: &str, difference: &Difference) -> bool {
        file.starts_with(self.file) && fits(self.path, &difference.path) && self.rule.allows(difference)
    }
}

impl Rule {
    fn allows(&self, difference: &Difference) -> bool {
        match (self, &difference.recorded, &difference.answered) {
            (Rule::MadeUp, Some(one), Some(other)) => masked(one).is_some() && masked(one) == masked(other),
            (Rule::Added, None, Some(_)) | (Rule::Gone, Some(_), None) => true,
            (Rule::AddedAs(wanted), None, Some(found)) => wanted == found,
            (Rule::Was(one, other), Some(was), Some(is)) => one == was && other == is,
            (Rule::Overwritten, Some(Value::String(one)), Some(Value::String(other))) => key(one) == key(other),
            (Rule::Links, Some(one), Some(other)) => {
                let (Some(one), Some(other)) = (masked(one), masked(other)) else { return false };
                let newer = one.replace("2016-03-30", "2025-03-01");
                newer == other || newer == other.split("&t=").next().unwrap_or_default()
            }
            _ => false,
        }
    }
}

/// What a line of YAML says before its value; all of a text that is none.
fn key(line: &str) -> &str {
    line.split_once(": ").map_or("", |(key, _)| key)
}

fn fits(pattern: &str, path: &str) -> bool {
    if let Some(tail) = pattern.strip_prefix("**") {
        let steps = tail.matches('/').count();
        let starts: Vec<usize> = path.match_indices('/').map(|(at, _)| at).collect();
        return starts.len() >= steps && fits(tail, &path[starts[starts.len() - steps]..]);
    }
    let (wanted, found): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    wanted.len() == found.len() && wanted.iter().zip(found).all(|(one, other)| *one == "*" || *one == other)
}

/// A text without what Azure makes up: what is left has to be equal.
fn masked(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let (text, signature) = text.split_once("&t=").map_or((text, String::new()), |(front, tail)| (front, signed(tail)));
    let text = mask_guids(text);
    let text = if text.contains("azmk8s.io") { mask_word(&text) } else { text };
    let text = if text.contains("privateDnsOperation") { mask_last_step(&text) } else { text };
    let text =
        if text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) { "<uid>".into() } else { text };
    if let Some((kind, _)) = text.rsplit_once('-').filter(|_| text.starts_with("AKS")) {
        return Some(format!("{kind}-<week>"));
    }
    let text = if is_time(&text) || text.bytes().all(|byte| byte.is_ascii_digit()) { mask_digits(&text) } else { text };
    Some(text + &signature)
}

/// The form of a signature: time, certificate, signature and hash, each of its length.
fn signed(tail: &str) -> String {
    let lengths: Vec<String> = format!("t={tail}")
        .split('&')
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            // The certificate is another one each half year.
            let length = if key == "c" && (2_500..2_700).contains(&value.len()) { 2_592 } else { value.len() };
            format!("{key}={length}")
        })
        .collect();
    format!("&{}", lengths.join("&"))
}

fn mask_guids(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match rest.get(..36).filter(|part| is_guid(part)) {
            Some(_) => {
                out.push_str("<guid>");
                rest = &rest[36..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

fn is_guid(part: &str) -> bool {
    part.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// `aso-v5xs3imi.hcp…`: the eight characters before the first dot.
fn mask_word(text: &str) -> String {
    let dot = text.find('.').unwrap_or(0);
    let front = text.get(..dot.saturating_sub(8)).unwrap_or_default();
    format!("{front}<word>{}", &text[dot..])
}

fn mask_last_step(text: &str) -> String {
    let (front, tail) = text.rsplit_once('/').unwrap_or((text, ""));
    format!("{front}/<id>?{}", tail.split_once('?').map_or("", |(_, query)| query))
}

fn is_time(text: &str) -> bool {
    text.ends_with(" GMT") || (text.get(10..11) == Some("T") && text.ends_with('Z'))
}

/// Runs of digits and, in dates, names of days and months.
fn mask_digits(text: &str) -> String {
    let text = if text.ends_with(" GMT") { "<date>" } else { text };
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            digit if digit.is_ascii_digit() && out.ends_with('#') => {}
            digit if digit.is_ascii_digit() => out.push('#'),
            other => out.push(other),
        }
    }
    // A recorder that writes times of its own leaves out the fraction.
    if out == "#-#-#T#:#:#Z" { "#-#-#T#:#:#.#Z".into() } else { out }
}

/// The names that a scenario may use.
pub(crate) fn of(scenario: &str) -> Vec<Named> {
    let all = everywhere().into_iter().chain(by_scenario());
    all.filter(|named| named.scenario.is_empty() || named.scenario == scenario).collect()
}

fn everywhere() -> Vec<Named> {
    let any = |path, why, rule| Named { scenario: "", file: "", path, why, rule, everywhere: true };
    let mut all = vec![
        any("header:date", "the world has a clock of its own", Rule::MadeUp),
        any("header:date", "one of the two recorders drops it", Rule::Added),
        any("header:azure-asyncoperation", "the id of an operation and its signature are made up", Rule::MadeUp),
        any("header:location", "the same", Rule::MadeUp),
        any("header:etag", "eTags are made up", Rule::MadeUp),
        any("/name", "an operation is called by its id", Rule::MadeUp),
        any("/startTime", "the world has a clock of its own", Rule::MadeUp),
        any("/endTime", "the same", Rule::MadeUp),
        any("/etag", "eTags are made up", Rule::MadeUp),
        any("/eTag", "the same", Rule::MadeUp),
        any("/properties/agentPoolProfiles/*/eTag", "the same", Rule::MadeUp),
        any("/properties/fqdn", "eight characters of it are made up", Rule::MadeUp),
        any("/properties/azurePortalFQDN", "the same eight", Rule::MadeUp),
        any("/properties/resourceUID", "made up", Rule::MadeUp),
        any("/properties/oidcIssuerProfile/issuerURL", "tenant and a GUID", Rule::MadeUp),
        any("/properties/identityProfile/kubeletidentity/*", "made up", Rule::MadeUp),
        any("/properties/networkProfile/loadBalancerProfile/effectiveOutboundIPs/*/id", "made up", Rule::MadeUp),
        any("/identity/principalId", "made up", Rule::MadeUp),
        any("/identity/tenantId", "the world's tenant", Rule::MadeUp),
        any("/identity/userAssignedIdentities/*/clientId", "made up", Rule::MadeUp),
        any("/identity/userAssignedIdentities/*/principalId", "made up", Rule::MadeUp),
        any("**/nodeImageVersion", "which week's image a region has", Rule::MadeUp),
    ];
    for count in ["reads", "writes", "deletes", "resource-requests"] {
        for scope in ["", "global-"] {
            let path: &'static str = format!("header:x-ms-ratelimit-remaining-subscription-{scope}{count}").leak();
            all.push(any(path, "buckets are filled differently", Rule::MadeUp));
            all.push(any(
                path,
                "a recorder drops it, or the year had it not; the world always tells both",
                Rule::Added,
            ));
        }
    }
    all
}

fn by_scenario() -> Vec<Named> {
    let mut all = Vec::new();
    for scenario in ["gpu-pool", "abort-create"] {
        all.extend(of_2025(scenario));
    }
    all.extend(of_2023());
    all.extend(of_2021());
    all.extend(others());
    all
}

fn named(scenario: &'static str, path: &'static str, why: &'static str, rule: Rule) -> Named {
    Named { scenario, file: "", path, why, rule, everywhere: false }
}

/// What AKS added between spring 2025 and 2026.
fn of_2025(scenario: &'static str) -> Vec<Named> {
    let pool = "/properties/agentPoolProfiles/*";
    let path = |tail: &str| -> &'static str { format!("{pool}/{tail}").leak() };
    let mut all = vec![
        named(scenario, "/kind", "since 2026", Rule::AddedAs(json!("Base"))),
        named(scenario, "/eTag", "since summer 2025", Rule::Added),
        named(scenario, path("eTag"), "since summer 2025", Rule::Added),
        named(scenario, path("securityProfile/sshAccess"), "since 2026", Rule::AddedAs(json!("LocalUser"))),
        named(scenario, path("upgradeSettings/maxUnavailable"), "since 2026", Rule::AddedAs(json!("0"))),
        named(scenario, "/properties/hostedSystemProfile", "since 2026", Rule::AddedAs(json!({"enabled": false}))),
        named(scenario, "/properties/nodeProvisioningProfile", "since 2026", Rule::AddedAs(json!({"mode": "Manual"}))),
        named(
            scenario,
            "/properties/servicePrincipalProfile/clientId",
            "the recorder writes a GUID over it",
            Rule::Was(json!("00000000-0000-0000-0000-000000000001"), json!("msi")),
        ),
        named(scenario, "header:azure-asyncoperation", "links speak the newer API version", Rule::Links),
        named(scenario, "header:location", "the same", Rule::Links),
    ];
    if scenario == "gpu-pool" {
        all.extend([
            named(scenario, "/value/*/properties/eTag", "since summer 2025", Rule::Added),
            named(
                scenario,
                "/value/*/properties/securityProfile/sshAccess",
                "since 2026",
                Rule::AddedAs(json!("LocalUser")),
            ),
            named(
                scenario,
                "/value/*/properties/upgradeSettings/maxUnavailable",
                "since 2026",
                Rule::AddedAs(json!("0")),
            ),
            named(scenario, "/properties/eTag", "since summer 2025", Rule::Added),
            named(scenario, "/properties/securityProfile/sshAccess", "since 2026", Rule::AddedAs(json!("LocalUser"))),
        ]);
    } else {
        let key = "/properties/linuxProfile/ssh/publicKeys/*/keyData";
        all.push(named(scenario, key, "the create, with its key, is not in the recording", Rule::Overwritten));
    }
    all
}

/// What AKS added since summer 2023.
fn of_2023() -> Vec<Named> {
    const SCENARIO: &str = "pool-autoscaler";
    let profile = || json!({"enableSecureBoot": false, "enableVTPM": false, "sshAccess": "LocalUser"});
    vec![
        named(SCENARIO, "/nextLink", "a list of one entry is paged since 2025", Rule::Added),
        named(SCENARIO, "/value/*/properties/eTag", "since summer 2025", Rule::Added),
        named(SCENARIO, "/value/*/properties/scaleDownMode", "always since 2025", Rule::AddedAs(json!("Delete"))),
        named(SCENARIO, "/value/*/properties/securityProfile", "since 2025", Rule::AddedAs(profile())),
        named(
            SCENARIO,
            "/value/*/properties/upgradeSettings/maxSurge",
            "system pools since 2025",
            Rule::AddedAs(json!("10%")),
        ),
        named(SCENARIO, "/value/*/properties/upgradeSettings/maxUnavailable", "since 2026", Rule::AddedAs(json!("0"))),
        named(SCENARIO, "/properties/eTag", "since summer 2025", Rule::Added),
        named(SCENARIO, "/properties/securityProfile", "since 2025", Rule::AddedAs(profile())),
        named(
            SCENARIO,
            "header:azure-asyncoperation",
            "signed since the end of 2023, and of a newer version",
            Rule::Links,
        ),
        named(SCENARIO, "header:location", "the same", Rule::Links),
    ]
}

/// What AKS added or changed since 2021.
fn of_2021() -> Vec<Named> {
    const SCENARIO: &str = "delete-states";
    let added = |path, why, value: Value| named(SCENARIO, path, why, Rule::AddedAs(value));
    let mut all = vec![
        added("/kind", "since 2026", json!("Base")),
        named(SCENARIO, "/eTag", "since summer 2025", Rule::Added),
        added("/properties/currentKubernetesVersion", "since 2022", json!("1.20.9")),
        added("/properties/autoUpgradeProfile", "since 2023", json!({"nodeOSUpgradeChannel": "NodeImage"})),
        added("/properties/bootstrapProfile", "since 2025", json!({"artifactSource": "Direct"})),
        added("/properties/hostedSystemProfile", "since 2026", json!({"enabled": false})),
        added("/properties/metricsProfile", "since 2024", json!({"costAnalysis": {"enabled": false}})),
        added("/properties/nodeProvisioningProfile", "since 2026", json!({"mode": "Manual"})),
        added("/properties/oidcIssuerProfile", "since 2022", json!({"enabled": false})),
        added("/properties/securityProfile", "since 2022", json!({})),
        added("/properties/supportPlan", "since 2023", json!("KubernetesOfficial")),
        added("/properties/workloadAutoScalerProfile", "since 2023", json!({})),
        named(SCENARIO, "/properties/resourceUID", "since 2023", Rule::Added),
        named(SCENARIO, "/properties/storageProfile", "since 2022", Rule::Added),
        added("/properties/networkProfile/ipFamilies", "since 2022", json!(["IPv4"])),
        added("/properties/networkProfile/networkPolicy", "since 2025", json!("none")),
        added("/properties/networkProfile/podCidrs", "since 2022", json!(["10.244.0.0/16"])),
        added("/properties/networkProfile/serviceCidrs", "since 2022", json!(["10.0.0.0/16"])),
        added(
            "/properties/networkProfile/loadBalancerProfile/backendPoolType",
            "since 2025",
            json!("nodeIPConfiguration"),
        ),
        named(SCENARIO, "/properties/networkProfile/dockerBridgeCidr", "nodes have no docker any more", Rule::Gone),
        named(
            SCENARIO,
            "/properties/networkProfile/loadBalancerSku",
            "in lower case since 2025",
            Rule::Was(json!("Standard"), json!("standard")),
        ),
        named(SCENARIO, "/sku/name", "SKUs have other names since 2023", Rule::Was(json!("Basic"), json!("Base"))),
        named(
            SCENARIO,
            "/sku/tier",
            "the cluster was made with a paid tier of then",
            Rule::Was(json!("Paid"), json!("Free")),
        ),
        named(
            SCENARIO,
            "header:azure-asyncoperation",
            "signed since the end of 2023, and of a newer version",
            Rule::Links,
        ),
        named(SCENARIO, "header:location", "the same, for a group too", Rule::Links),
    ];
    for pool in ["/properties", "/properties/agentPoolProfiles/*"] {
        let path = |tail: &str| -> &'static str { format!("{pool}/{tail}").leak() };
        all.extend([
            added(path("currentOrchestratorVersion"), "since 2022", json!("1.20.9")),
            named(SCENARIO, path("eTag"), "since summer 2025", Rule::Added),
            added(path("enableNodePublicIP"), "since 2022", json!(false)),
            added(path("scaleDownMode"), "always since 2025", json!("Delete")),
            named(SCENARIO, path("securityProfile"), "since 2025", Rule::Added),
            added(path("upgradeSettings"), "since 2023", json!({"maxSurge": "10%", "maxUnavailable": "0"})),
            named(
                SCENARIO,
                path("nodeImageVersion"),
                "images are of a newer Ubuntu, and named otherwise",
                Rule::Overwritten,
            ),
        ]);
    }
    all
}

/// What is no matter of years.
fn others() -> Vec<Named> {
    const CREDENTIALS: &str = "credentials";
    vec![
        named(CREDENTIALS, "/kubeconfigs/*/value/3", "the world has a CA of its own", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/4", "the API server is on loopback", Rule::Overwritten),
        named(
            CREDENTIALS,
            "/kubeconfigs/*/value/5",
            "the recorder shortened names in URLs, not in here",
            Rule::Overwritten,
        ),
        named(CREDENTIALS, "/kubeconfigs/*/value/8", "the same", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/9", "the same", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/10", "the same", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/11", "the same", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/15", "the same", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/17", "certificate and key are the world's", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/18", "the same", Rule::Overwritten),
        named(CREDENTIALS, "/kubeconfigs/*/value/19", "the token is made up", Rule::Overwritten),
        Named {
            file: "01-",
            ..named("if-none-match-create", "/message", "the recorder left a subscription in", Rule::MadeUp)
        },
        named("group-deleting", "header:location", "signed since the end of 2023", Rule::Links),
    ]
}
