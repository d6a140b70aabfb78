//! What changed behind our back: where a live value is neither what was sent nor what Azure made of it.

use kfplan_model::Path;
use kfplan_plan::{Drift, Recorded, Sealed, Shown, StackKey, Witness};
use serde_json::Value as Json;

use super::marks::{family_of, id_of};
use super::shown::secret;
use crate::equal::Place;
use crate::id::Family;
use crate::leaves::{added_labels, last_key, leaves, pool_of, pool_segment};

/// What a record says of a place.
#[derive(Clone, Copy)]
pub(super) struct Settled<'a> {
    pub(super) recorded: &'a Recorded,
    pub(super) key: &'a StackKey,
}

impl Settled<'_> {
    /// Whether Azure keeps another form of what was sent, and that form is what is there.
    pub(super) fn is_kept(&self, place: &Place<'_>) -> bool {
        let live = place.path.get(place.live).filter(|live| !live.is_null());
        let differences = &self.recorded.record.differences;
        differences.iter().find(|difference| difference.path == *place.path).is_some_and(|difference| {
            match (&difference.value, live) {
                (None, None) => true,
                (Some(kept), Some(live)) => matches(place, kept, live, self.key),
                _ => false,
            }
        })
    }
}

/// Whether something inside a recorded value was secret.
pub(super) fn has_seal(value: &Json) -> bool {
    Sealed::is_sealed(value)
        || match value {
            Json::Array(list) => list.iter().any(has_seal),
            Json::Object(map) => map.values().any(has_seal),
            _ => false,
        }
}

/// Whether a live value is the recorded one, which may have seals in it.
fn matches(place: &Place<'_>, recorded: &Json, live: &Json, key: &StackKey) -> bool {
    if Sealed::is_sealed(recorded) {
        return *recorded == key.sealed_leaf(live);
    }
    match (recorded, live) {
        (Json::Array(recorded), Json::Array(live)) if recorded.iter().any(has_seal) => {
            let mut pairs = recorded.iter().zip(live);
            recorded.len() == live.len() && pairs.all(|(recorded, live)| matches(place, recorded, live, key))
        }
        (Json::Object(recorded), Json::Object(live)) if recorded.values().any(has_seal) => recorded
            .iter()
            .all(|(name, recorded)| live.get(name).is_some_and(|live| matches(place, recorded, live, key))),
        _ => place.holds(recorded, Some(live)),
    }
}

pub(super) fn drift(recorded: &Recorded, live: &Json, key: &StackKey) -> Vec<Drift> {
    let Some(sent) = recorded.sent.as_ref().map(Sealed::body) else { return Vec::new() };
    let family = family_of(sent, Some(live));
    let witness = witness(live);
    let found = |path: Path, old: Shown, new: Shown| Drift {
        address: recorded.record.address.clone(),
        path,
        old,
        new,
        witness: witness.clone(),
    };
    let mut drift = Vec::new();
    let mut gone: Vec<Path> = Vec::new();
    for (path, was) in leaves(sent, &[]) {
        if let Some(pool) = pool_of(&path) {
            let entry = Path::keys(["properties", "agentPoolProfiles"]).join(pool_segment(pool));
            if entry.get(live).is_none() {
                if !gone.contains(&entry) {
                    drift.push(found(entry.clone(), Shown::Unknown, Shown::Absent));
                    gone.push(entry);
                }
                continue;
            }
        }
        let place = Place { family, path: &path, live };
        if is_autoscaled(sent, &path) || (Settled { recorded, key }).is_kept(&place) {
            continue;
        }
        let now = path.get(live).filter(|now| !now.is_null());
        let same = match now {
            Some(now) => matches(&place, was, now, key),
            None => !has_seal(was) && place.holds(was, None),
        };
        if !same {
            let is_secret = has_seal(was);
            let show = |value: &Json| if is_secret { secret(value, key) } else { Shown::Value(value.clone()) };
            // The alias may stay what it was while another version runs.
            let running = place.running_version().map(|version| Shown::Value(version.to_string().into()));
            let new = running.unwrap_or_else(|| now.map_or(Shown::Absent, show));
            drift.push(found(path.clone(), show(was), new));
        }
    }
    let added = if matches!(family, Family::Cluster | Family::Pool) { added_labels(sent, live) } else { Vec::new() };
    drift.extend(added.into_iter().map(|path| {
        let new = path.get(live).map_or(Shown::Absent, |value| Shown::Value(value.clone()));
        found(path, Shown::Absent, new)
    }));
    drift
}

/// With autoscaling the number of nodes belongs to the autoscaler, whatever was sent.
fn is_autoscaled(sent: &Json, path: &Path) -> bool {
    let mut beside = path.clone();
    beside.pop();
    last_key(path) == "count" && beside.key("enableAutoScaling").get(sent) == Some(&Json::Bool(true))
}

/// Who wrote the resource last, where ARM keeps it.
fn witness(live: &Json) -> Option<Witness> {
    id_of(live)?;
    let text = |key: &str| live.get("systemData")?.get(key)?.as_str().map(str::to_owned);
    Some(Witness { manager: text("lastModifiedBy")?, operation: "Update".to_owned(), time: text("lastModifiedAt") })
}
