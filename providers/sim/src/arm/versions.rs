//! The Kubernetes versions that the sandbox offers, and what the real AKS says of them.
//!
//! The sandbox offers 1.19 to 1.36 so that old guides can be replayed. Each answer marks in a
//! `sandbox` member which of them AKS itself has at the world's time, and since when no longer.

use serde_json::{Map, Value, json};

/// One minor version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Minor {
    /// The number after `1.`.
    pub(crate) minor: u32,
    /// Known patches, the newest last.
    patches: &'static [u32],
    /// The month it became generally available in AKS.
    offered: &'static str,
    /// The month AKS stopped to offer it; empty where that is not known yet.
    ended: &'static str,
    /// The month long-term support ends; empty where there is none.
    lts_ended: &'static str,
    /// The month it became what a client gets who asks for nothing.
    default_from: &'static str,
}

const fn row(
    minor: u32,
    patches: &'static [u32],
    [offered, ended, lts_ended, default_from]: [&'static str; 4],
) -> Minor {
    Minor { minor, patches, offered, ended, lts_ended, default_from }
}

/// Months from AKS's release calendars of 2022, 2024 and 2026; before 1.22 by the rule "three newest minors".
/// Patches 1.20.9, 1.25.6, 1.30.9, 1.31.7 and 1.35.7 were seen on the wire; the others stand for "some patch".
const MINORS: [Minor; 18] = [
    row(19, &[11, 13], ["2020-11", "2021-12", "", "2021-03"]),
    row(20, &[7, 9], ["2021-03", "2022-04", "", "2021-07"]),
    row(21, &[9, 14], ["2021-07", "2022-07", "", "2021-12"]),
    row(22, &[11, 15], ["2021-12", "2022-12", "", "2022-04"]),
    row(23, &[12, 15], ["2022-04", "2023-04", "", "2022-07"]),
    row(24, &[9, 15], ["2022-07", "2023-07", "", "2022-12"]),
    row(25, &[5, 6], ["2022-12", "2023-12", "", "2023-04"]),
    row(26, &[6, 12], ["2023-04", "2024-03", "", "2023-07"]),
    row(27, &[7, 9], ["2023-07", "2024-07", "2025-07", "2023-11"]),
    row(28, &[13, 15], ["2023-11", "2025-01", "", "2024-03"]),
    row(29, &[13, 15], ["2024-03", "2025-03", "", "2024-07"]),
    row(30, &[8, 9], ["2024-07", "2025-07", "2026-07", "2024-11"]),
    row(31, &[6, 7], ["2024-11", "2025-11", "2026-11", "2025-04"]),
    row(32, &[9, 10], ["2025-03", "2026-03", "2027-03", "2025-07"]),
    row(33, &[8, 10], ["2025-07", "2026-07", "2027-07", "2025-11"]),
    row(34, &[6, 8], ["2025-11", "", "", "2026-03"]),
    row(35, &[5, 7], ["2026-03", "", "", "2026-07"]),
    row(36, &[1, 3], ["2026-07", "", "", "2027-01"]),
];

/// A version as a client states it: a minor alone, or with its patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// As stated, so that an alias stays short.
    pub(crate) stated: String,
    /// What runs.
    pub(crate) running: String,
    /// The number after `1.`.
    pub(crate) minor: u32,
    /// The number after that.
    pub(crate) patch: u32,
}

impl Version {
    /// Reads a version that the sandbox offers.
    pub(crate) fn read(text: &str) -> Option<Version> {
        let mut parts = text.split('.');
        let (one, minor, patch) = (parts.next()?, parts.next()?.parse::<u32>().ok()?, parts.next());
        if one != "1" || parts.next().is_some() {
            return None;
        }
        let known = MINORS.iter().find(|row| row.minor == minor)?;
        let patch = match patch {
            None => *known.patches.last()?,
            Some(text) => {
                let patch = text.parse::<u32>().ok()?;
                known.patches.contains(&patch).then_some(patch)?
            }
        };
        Some(Version { stated: text.to_owned(), running: format!("1.{minor}.{patch}"), minor, patch })
    }

    /// The version a client gets in `month` who asks for none.
    pub(crate) fn default_in(month: &str) -> Version {
        let minor = MINORS.iter().rev().find(|row| row.default_from <= month).map_or(36, |row| row.minor);
        let stated = format!("1.{minor}");
        Version::read(&stated).unwrap_or(Version { running: format!("{stated}.0"), stated, minor, patch: 0 })
    }

    /// Whether `self` may follow `before`: no step back, and one minor at a time.
    pub(crate) fn may_follow(&self, before: &Version) -> bool {
        (self.minor == before.minor && self.patch >= before.patch) || self.minor == before.minor + 1
    }
}

/// The body of `kubernetesVersions`.
pub(crate) fn list(month: &str) -> Value {
    let default = Version::default_in(month).minor;
    let values = MINORS.iter().map(|row| {
        json!({
            "version": format!("1.{}", row.minor),
            "isDefault": (row.minor == default).then_some(true),
            "capabilities": {"supportPlan": plans(row)},
            "patchVersions": patches(row),
            "sandbox": mark(row, month),
        })
    });
    json!({ "values": values.collect::<Vec<_>>() })
}

fn plans(row: &Minor) -> Value {
    if row.lts_ended.is_empty() {
        json!(["KubernetesOfficial"])
    } else {
        json!(["KubernetesOfficial", "AKSLongTermSupport"])
    }
}

fn patches(row: &Minor) -> Map<String, Value> {
    let version = |patch: &u32| (format!("1.{}.{patch}", row.minor), json!({"upgrades": upgrades(row.minor, *patch)}));
    row.patches.iter().map(version).collect()
}

/// What the real AKS says of a version in `month`.
fn mark(row: &Minor, month: &str) -> Value {
    let over = |end: &str| !end.is_empty() && end <= month;
    let mut mark = json!({"offeredByAzure": row.offered <= month && !over(row.ended)});
    let mut set = |key: &str, value: &str| super::wire::put(&mut mark, key, json!(value));
    if row.offered > month {
        set("offeredFrom", row.offered);
    }
    if over(row.ended) {
        set("endedIn", row.ended);
        if !row.lts_ended.is_empty() {
            set("longTermSupportUntil", row.lts_ended);
        }
    }
    mark
}

/// The versions that may follow a patch.
pub(crate) fn upgrades(minor: u32, patch: u32) -> Vec<String> {
    let rows = MINORS.iter().filter(|row| row.minor == minor || row.minor == minor + 1);
    let all = rows.flat_map(|row| row.patches.iter().map(|patch| (row.minor, *patch)));
    all.filter(|found| *found > (minor, patch)).map(|(minor, patch)| format!("1.{minor}.{patch}")).collect()
}

/// Every patch of every minor up to and with `newest`, the newest first.
pub(crate) fn up_to(newest: u32) -> Vec<String> {
    let rows = MINORS.iter().rev().filter(|row| row.minor <= newest);
    rows.flat_map(|row| row.patches.iter().rev().map(|patch| format!("1.{}.{patch}", row.minor))).collect()
}
