//! What is stated against what was sent and what is there. Only stated paths count: what the stack does not
//! state is Azure's or somebody else's, and is never a change.

use kfplan_model::Path;
use kfplan_plan::{Comparison, Desired, Digest, FieldChange, Note, OnChange, Recorded, Severity, Shown, StackKey};
use serde_json::{Value as Json, json};

use super::drift::{Settled, drift, has_seal};
use super::marks::{address, family_of};
use super::provisioning_state;
use super::shown::Veil;
use crate::equal::{Place, VersionStands};
use crate::id::Family;
use crate::leaves::{added_labels, leaves, pool_of, pool_segment};
use crate::properties::{arm_of_field, effect};

/// Values whose removal from the stack is sent: lists and maps that the stack states whole, and entries of maps.
const REMOVABLE: [&str; 6] =
    ["nodeTaints", "authorizedIPRanges", "adminGroupObjectIDs", "maxSurge", "minCount", "maxCount"];

/// One comparison under way.
pub(super) struct Comparing<'a> {
    desired: &'a Desired,
    recorded: Option<&'a Recorded>,
    live: &'a Json,
    key: &'a StackKey,
    family: Family,
    /// The desired body with its secrets sealed, as the record has it.
    sealed: Json,
    found: Comparison,
}

impl<'a> Comparing<'a> {
    pub(super) fn new(desired: &'a Desired, recorded: Option<&'a Recorded>, live: &'a Json, key: &'a StackKey) -> Self {
        let sealed = key.seal(desired.body.clone(), &desired.sensitive).body().clone();
        let family = family_of(&desired.body, Some(live));
        Self { desired, recorded, live, key, family, sealed, found: Comparison::default() }
    }

    pub(super) fn compare(mut self, ignore: &[Path]) -> Comparison {
        let ignore = self.ignored(ignore);
        let veil = Veil { desired: self.desired, key: self.key };
        for (path, stated) in leaves(&self.desired.body, &veil.holes()) {
            if ignore.iter().any(|ignored| path.starts_with(ignored)) {
                if path.get(self.live).is_some() {
                    self.found.yielded.push(path);
                }
            } else {
                self.leaf(path, stated);
            }
        }
        self.gone(&ignore);
        self.undone();
        // What is yielded is not sent, and so stales nothing.
        let mut sent = self.desired.clone();
        for path in &self.found.yielded {
            path.remove(&mut sent.body);
            sent.holes.retain(|hole| !hole.path.starts_with(path));
        }
        self.found.fields = Some(fingerprint(Some(&sent), self.live, self.key));
        if let Some(recorded) = self.recorded {
            let drift = drift(recorded, self.live, self.key);
            self.found.drift =
                drift.into_iter().filter(|drift| !ignore.iter().any(|at| drift.path.starts_with(at))).collect();
        }
        self.found
    }

    /// The ignored places, whether they are written as fields of the stack file or as ARM properties.
    fn ignored(&self, ignore: &[Path]) -> Vec<Path> {
        let pool = self.desired.body.pointer("/properties/agentPoolProfiles/0/name").and_then(Json::as_str);
        ignore.iter().flat_map(|path| [Some(path.clone()), arm_of_field(self.family, path, pool)]).flatten().collect()
    }

    fn sent(&self) -> Option<&'a Json> {
        self.recorded.and_then(|recorded| recorded.sent.as_ref()).map(|sent| sent.body())
    }

    fn leaf(&mut self, path: Path, stated: &Json) {
        let veil = Veil { desired: self.desired, key: self.key };
        let live = path.get(self.live);
        let old = veil.live(&path, live);
        let new = veil.stated(&path, stated);
        if matches!(new, Shown::Late(_)) {
            self.found.changes.push(FieldChange { path, old, new, replaces: None });
            return;
        }
        let place = Place { family: self.family, path: &path, live: self.live };
        let was = self.sent().and_then(|sent| path.get(sent));
        let is_as_sent = was.is_some() && was == path.get(&self.sealed);
        let settled = self.recorded.map(|recorded| Settled { recorded, key: self.key });
        if is_as_sent && settled.is_some_and(|settled| settled.is_kept(&place)) {
            return;
        }
        if place.holds(stated, live) {
            // It is there already, but another value was sent last: the record has to learn it, or it would be called drift.
            if let Some(was) = was.filter(|_| !is_as_sent) {
                let old = if has_seal(was) { super::shown::secret(was, self.key) } else { veil.live(&path, Some(was)) };
                self.found.changes.push(FieldChange { path, old, new, replaces: None });
            }
            return;
        }
        let version = stated.as_str().filter(|_| place.is_version()).map(|text| place.version(text));
        let replaces = match version {
            Some(stands) => {
                self.refuse_version(&path, stands);
                None
            }
            None => self.effect(&path, live, stated),
        };
        self.found.changes.push(FieldChange { path, old, new, replaces });
    }

    /// Why a change of this leaf replaces the resource, if it does.
    fn effect(&mut self, path: &Path, live: Option<&Json>, stated: &Json) -> Option<String> {
        if let Some(pool) = pool_of(path) {
            let entry = Path::keys(["properties", "agentPoolProfiles"]).join(pool_segment(pool));
            // A whole new pool: nothing of it changes.
            entry.get(self.live)?;
        }
        match effect(self.family, path, live, Some(stated)) {
            OnChange::InPlace => None,
            OnChange::Replace => {
                let why = format!("`{path}` is fixed when it is made");
                self.found.replace.push(why.clone());
                Some(why)
            }
            OnChange::Rotate => {
                let why = format!("`{path}` is fixed when a pool is made: its pods are evicted, and it is made again");
                self.found.replace.push(why.clone());
                Some(why)
            }
            OnChange::Refused(help) => {
                self.say(
                    Severity::Blocks,
                    "azure::refused_change",
                    format!("Azure refuses to change `{path}`"),
                    Some(help.to_owned()),
                );
                None
            }
        }
    }

    fn refuse_version(&mut self, path: &Path, stands: VersionStands) {
        let (message, help) = match stands {
            VersionStands::Met | VersionStands::Upgrade => return,
            VersionStands::Back(running, wanted) => (
                format!("`{path}` asks for {wanted}, and {running} runs: AKS never goes back"),
                format!("state kubernetes_version = \"{}.{}\", or make a new cluster", running.major, running.minor),
            ),
            VersionStands::TooFar(running, wanted) => (
                format!("`{path}` asks for {wanted}, and {running} runs: AKS takes one minor version at a time"),
                format!("state kubernetes_version = \"{}.{}\" first, and apply", running.major, running.minor + 1),
            ),
        };
        self.say(Severity::Blocks, "azure::version_step", message, Some(help));
    }

    /// What was stated and is not any more.
    fn gone(&mut self, ignore: &[Path]) {
        let mut gone: Vec<Path> = match self.family {
            Family::Cluster | Family::Pool => added_labels(&self.desired.body, self.live),
            Family::Group | Family::Other => Vec::new(),
        };
        for (path, _) in self.sent().map(|sent| leaves(sent, &[])).unwrap_or_default() {
            if let Some(pool) = pool_of(&path) {
                let entry = Path::keys(["properties", "agentPoolProfiles"]).join(pool_segment(pool));
                if entry.get(&self.desired.body).is_none() {
                    gone.push(entry);
                    continue;
                }
            }
            if self.is_removable(&path) && path.get(&self.desired.body).is_none() {
                gone.push(path);
            }
        }
        gone.sort();
        gone.dedup();
        for path in gone {
            let Some(live) = path.get(self.live).filter(|live| !is_empty(live)) else { continue };
            if ignore.iter().any(|ignored| path.starts_with(ignored)) {
                continue;
            }
            let mut old = Veil { desired: self.desired, key: self.key }.live(&path, Some(live));
            if path.segments().len() == 3
                && let Some(pool) = pool_of(&path)
            {
                let message = format!("pool `{pool}` is drained and deleted once the others are as stated");
                self.say(Severity::Info, "azure::pool_rotation", message, None);
                old = Shown::Value(json!({"vmSize": live.get("vmSize"), "count": live.get("count")}));
            }
            self.found.changes.push(FieldChange { path: path.clone(), old, new: Shown::Absent, replaces: None });
            self.found.remove.push(path);
        }
    }

    fn is_removable(&self, path: &Path) -> bool {
        let keys: Vec<Option<&str>> = crate::leaves::keys(path.segments()).collect();
        let last = keys.last().copied().flatten().unwrap_or_default();
        let inside = |name: &str| keys.iter().rev().skip(1).take(1).any(|key| *key == Some(name));
        match self.family {
            Family::Other => true,
            Family::Group | Family::Cluster | Family::Pool => {
                REMOVABLE.contains(&last) || inside("tags") || inside("nodeLabels") || inside("autoScalerProfile")
            }
        }
    }

    /// A resource whose last operation did not end well, or runs still, is not as stated whatever its fields say.
    fn undone(&mut self) {
        let Some(state) = provisioning_state(self.live) else { return };
        match state {
            "Succeeded" | "Deleting" => return,
            "Failed" | "Canceled" => {
                let message = format!("its last operation ended `{state}`: it is asked for again");
                self.say(Severity::Warning, "azure::last_operation", message, None);
            }
            _ => {}
        }
        self.found.changes.push(FieldChange {
            path: Path::keys(["properties", "provisioningState"]),
            old: Shown::Value(json!(state)),
            new: Shown::Value(json!("Succeeded")),
            replaces: None,
        });
    }

    fn say(&mut self, severity: Severity, code: &str, message: String, help: Option<String>) {
        let address =
            address(&self.desired.body).or_else(|| self.recorded.map(|recorded| recorded.record.address.clone()));
        self.found.notes.push(Note { severity, code: code.to_owned(), address, message, help });
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Keyed digest of the live values at the stated paths; for a delete of the marks. States, counters and what the
/// stack does not state are not in it, so they stale nothing.
pub(crate) fn fingerprint(desired: Option<&Desired>, live: &Json, key: &StackKey) -> Digest {
    let mut values: Vec<String> = match desired {
        Some(desired) => {
            let holes: Vec<Path> = desired.holes.iter().map(|hole| hole.path.clone()).collect();
            let paths = leaves(&desired.body, &holes).into_iter().map(|(path, _)| path);
            paths.map(|path| json!([path.to_string(), path.get(live)]).to_string()).collect()
        }
        None => vec![json!([live.get("tags"), live.pointer("/properties/tags")]).to_string()],
    };
    values.sort();
    key.digest("fields", values.join("\n").as_bytes())
}
