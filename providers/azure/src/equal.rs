//! When a live value is what was stated, though it is written in another way.
//!
//! Azure drops values that say nothing, changes the case of words and ids, and answers an alias of a
//! version with the patch that runs. None of that is a change. Where this table is silent, values must be equal.

use kfplan_model::Path;
use serde_json::Value as Json;

use crate::id::Family;
use crate::leaves::{is_identities, keys, last_key};
use crate::versions::Version;

/// One place of a body, stated and live.
pub(crate) struct Place<'a> {
    pub(crate) family: Family,
    pub(crate) path: &'a Path,
    /// The whole live body, for what stands beside the place.
    pub(crate) live: &'a Json,
}

/// How a stated version stands to the one that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionStands {
    /// It is what runs, or what AKS made of it by itself.
    Met,
    /// It is newer by at most one minor version.
    Upgrade,
    /// It is newer by more than one minor version.
    TooFar(Version, Version),
    /// It is older.
    Back(Version, Version),
}

impl Place<'_> {
    /// Whether `stated` is what is there.
    pub(crate) fn holds(&self, stated: &Json, live: Option<&Json>) -> bool {
        if let Some(text) = stated.as_str().filter(|_| self.is_version()) {
            return matches!(self.version(text), VersionStands::Met);
        }
        match live {
            None | Some(Json::Null) => self.says_nothing(stated),
            Some(live) => self.same(stated, live) || self.is_chosen_by_azure(stated),
        }
    }

    /// Whether this is a version of Kubernetes that AKS may write in another way.
    pub(crate) fn is_version(&self) -> bool {
        match self.family {
            Family::Cluster | Family::Pool => {
                matches!(last_key(self.path), "kubernetesVersion" | "orchestratorVersion")
            }
            Family::Group | Family::Other => false,
        }
    }

    /// The version that runs, where this is the place of one.
    pub(crate) fn running_version(&self) -> Option<Version> {
        if !self.is_version() {
            return None;
        }
        let mut beside = self.path.clone();
        beside.pop();
        let text = |key: &str| beside.key(key).get(self.live).and_then(Json::as_str).and_then(Version::read);
        let (alias, current) = match last_key(self.path) {
            "kubernetesVersion" => (text("kubernetesVersion"), text("currentKubernetesVersion")),
            _ => (text("orchestratorVersion"), text("currentOrchestratorVersion")),
        };
        current.or(alias)
    }

    /// How a stated version stands to the live one.
    pub(crate) fn version(&self, stated: &str) -> VersionStands {
        let (Some(running), Some(wanted)) = (self.running_version(), Version::read(stated)) else {
            return VersionStands::Upgrade;
        };
        let channel = self.live.pointer("/properties/autoUpgradeProfile/upgradeChannel").and_then(Json::as_str);
        let moved_by_azure = match channel {
            Some("patch") => wanted.line() == running.line() && wanted.is_before(running),
            Some("stable" | "rapid") => wanted.is_before(running),
            _ => false,
        };
        if wanted.is_met_by(running) || moved_by_azure {
            VersionStands::Met
        } else if wanted.is_before(running) {
            VersionStands::Back(running, wanted)
        } else if wanted.major == running.major && wanted.minor <= running.minor + 1 {
            VersionStands::Upgrade
        } else {
            VersionStands::TooFar(running, wanted)
        }
    }

    /// Values that Azure takes and never gives back: their absence is no difference.
    fn says_nothing(&self, stated: &Json) -> bool {
        match (last_key(self.path), stated) {
            (_, Json::Null | Json::Bool(false)) => true,
            (_, Json::Array(list)) => list.is_empty(),
            (_, Json::Object(map)) => map.is_empty(),
            ("scaleSetPriority", Json::String(word)) => word == "Regular",
            ("scaleSetEvictionPolicy", Json::String(word)) => word == "Delete",
            // The driver is installed wherever the machine has a GPU and nothing else is said.
            ("driver", Json::String(word)) => word == "Install",
            ("spotMaxPrice", Json::Number(number)) => number.as_f64() == Some(-1.0),
            (_, Json::String(text)) => text.is_empty(),
            _ => false,
        }
    }

    /// Values that leave the choice to Azure: whatever it chose is right.
    fn is_chosen_by_azure(&self, stated: &Json) -> bool {
        match last_key(self.path) {
            "osDiskSizeGB" | "maxPods" => stated.as_f64() == Some(0.0),
            "kubernetesVersion" | "orchestratorVersion" => stated.as_str() == Some(""),
            _ => false,
        }
    }

    /// Whether texts at this place are the user's own, so that case matters.
    fn is_free_text(&self) -> bool {
        keys(self.path.segments())
            .flatten()
            .any(|key| matches!(key, "tags" | "nodeLabels" | "nodeTaints" | "publicKeys" | "autoScalerProfile"))
    }

    fn same(&self, stated: &Json, live: &Json) -> bool {
        match (stated, live) {
            (Json::Number(stated), Json::Number(live)) => stated.as_f64() == live.as_f64(),
            (Json::String(stated), Json::String(live)) => self.same_text(stated, live),
            (Json::Array(stated), Json::Array(live)) => self.same_list(stated, live),
            (Json::Object(stated), Json::Object(live)) if is_identities(self.path.segments()) => {
                let lower = |map: &serde_json::Map<String, Json>| {
                    let mut ids: Vec<String> = map.keys().map(|id| id.to_ascii_lowercase()).collect();
                    ids.sort();
                    ids
                };
                lower(stated) == lower(live)
            }
            // Inside a list Azure may add fields to an element, and drop those that say nothing.
            (Json::Object(stated), Json::Object(live)) => stated.iter().all(|(key, stated)| match live.get(key) {
                Some(live) => self.same(stated, live),
                None => self.says_nothing(stated),
            }),
            (stated, live) => stated == live,
        }
    }

    fn same_text(&self, stated: &str, live: &str) -> bool {
        if stated == live {
            return true;
        }
        if self.path.segments().len() == 1 && last_key(self.path) == "location" {
            let plain = |text: &str| text.replace(' ', "").to_ascii_lowercase();
            return plain(stated) == plain(live);
        }
        let is_id = |text: &str| text.get(..15).is_some_and(|start| start.eq_ignore_ascii_case("/subscriptions/"));
        let loose = match self.family {
            Family::Cluster | Family::Pool => !self.is_free_text(),
            Family::Group => false,
            Family::Other => is_id(stated) && is_id(live),
        };
        loose && stated.eq_ignore_ascii_case(live)
    }

    fn same_list(&self, stated: &[Json], live: &[Json]) -> bool {
        if stated.len() != live.len() {
            return false;
        }
        let in_order = || stated.iter().zip(live).all(|(stated, live)| self.same(stated, live));
        let is_set = matches!(self.family, Family::Cluster | Family::Pool) && stated.iter().all(Json::is_string);
        if !is_set {
            return in_order();
        }
        // Zones, taints, ranges and groups are sets to AKS; each stated one must be there as often as it is stated.
        let mut left: Vec<&Json> = live.iter().collect();
        stated.iter().all(|stated| match left.iter().position(|live| self.same(stated, live)) {
            Some(place) => {
                left.swap_remove(place);
                true
            }
            None => false,
        })
    }
}
