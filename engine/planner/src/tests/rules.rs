//! Rules for tests: bodies are compared leaf by leaf, and a body's `owner` is its mark.

use kfplan_model::{Address, Conflict, Path};
use kfplan_plan::{
    ClusterFacts, Comparison, Conflicting, Desired, Digest, Discovery, Drift, DryRunAnswer, EdgeKind, FieldChange,
    Gate, GateState, Live, Locator, Note, ObjectView, OrderEdge, OrderGate, Ordering, Ownership, Probe, Protection,
    Recorded, Rules, Severity, Shown, StackKey, Witness,
};
use serde_json::Value as Json;

pub(super) struct TestRules;

/// Every leaf of a value with its path.
fn leaves<'a>(value: &'a Json, at: &Path, found: &mut Vec<(Path, &'a Json)>) {
    match value {
        Json::Object(map) if !map.contains_key("kfplan.sealed") => {
            map.iter().for_each(|(key, value)| leaves(value, &at.key(key), found));
        }
        leaf => found.push((at.clone(), leaf)),
    }
}

fn leaves_of(value: &Json) -> Vec<(Path, &Json)> {
    let mut found = Vec::new();
    leaves(value, &Path::root(), &mut found);
    found
}

fn shown(value: Option<&Json>, is_secret: bool, key: &StackKey) -> Shown {
    match value {
        None => Shown::Absent,
        Some(value) if is_secret => {
            let tag = key.digest("secret", value.to_string().as_bytes());
            Shown::Secret(tag.as_str().chars().take(8).collect())
        }
        Some(value) => Shown::Value(value.clone()),
    }
}

fn changes(desired: &Desired, live: Option<&Json>, key: &StackKey) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for (path, wanted) in leaves_of(&desired.body) {
        let old = live.and_then(|live| path.get(live));
        let hole = desired.holes.iter().find(|hole| hole.path == path);
        if hole.is_none() && (old == Some(wanted) || (old.is_none() && wanted.is_null())) {
            continue;
        }
        let is_secret = desired.sensitive.contains(&path);
        changes.push(FieldChange {
            old: shown(old, is_secret, key),
            new: hole.map_or_else(|| shown(Some(wanted), is_secret, key), |hole| Shown::Late(hole.late.clone())),
            replaces: (path.to_string() == "/size" && old.is_some()).then(|| "the size is fixed".to_owned()),
            path,
        });
    }
    changes
}

impl Rules for TestRules {
    fn mark(&self, desired: &mut Desired, _: &Address, ownership: &Ownership) {
        desired.body["owner"] = Json::from(ownership.lineage.as_str());
    }

    fn is_ours(&self, live: &Live, ownership: &Ownership) -> bool {
        live.body.get("owner").and_then(Json::as_str) == Some(&ownership.lineage)
    }

    fn is_going(&self, live: &Live) -> bool {
        live.body.get("deleting").is_some()
    }

    fn compare(
        &self,
        desired: &Desired,
        recorded: Option<&Recorded>,
        live: &Live,
        ownership: &Ownership,
        ignore: &[Path],
        _: &[Conflict],
        key: &StackKey,
    ) -> Comparison {
        let mut changes = changes(desired, Some(&live.body), key);
        changes.retain(|change| !ignore.contains(&change.path));
        let is_object = desired.body.get("kind").is_some();
        let conflicts = changes.iter().filter_map(|change| {
            let manager = live.body.get("managers")?.get(change.path.to_string())?.as_str()?;
            let witness = Witness { manager: manager.to_owned(), operation: "Update".to_owned(), time: None };
            Some(Conflicting { path: change.path.clone(), witness })
        });
        Comparison {
            conflicts: conflicts.collect(),
            replace: changes.iter().filter_map(|change| change.replaces.clone()).collect(),
            drift: recorded.map(|recorded| self.drift(recorded, live, ownership, key)).unwrap_or_default(),
            wants_dry_run: is_object && recorded.is_none(),
            fields: self.fingerprint(Some(desired), live, ownership, key),
            changes,
            ..Comparison::default()
        }
    }

    fn fingerprint(&self, desired: Option<&Desired>, live: &Live, _: &Ownership, key: &StackKey) -> Option<Digest> {
        let paths = desired.map(|desired| leaves_of(&desired.body)).unwrap_or_default();
        let values: Vec<Option<&Json>> = paths.iter().map(|(path, _)| path.get(&live.body)).collect();
        Some(key.digest("fields", serde_json::to_string(&values).expect("JSON").as_bytes()))
    }

    fn preview(&self, live: &Live, _: &DryRunAnswer, desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
        changes(desired, Some(&live.body), key)
    }

    fn creation(&self, desired: &Desired, key: &StackKey) -> Vec<FieldChange> {
        changes(desired, None, key)
    }

    fn drift(&self, recorded: &Recorded, live: &Live, _: &Ownership, key: &StackKey) -> Vec<Drift> {
        let Some(sent) = &recorded.sent else { return Vec::new() };
        let differs = |(path, sent): (Path, &Json)| {
            let now = path.get(&live.body);
            let sealed = now.map(|now| key.sealed_leaf(now));
            let is_same = now == Some(sent) || sealed.as_ref() == Some(sent) || (now.is_none() && sent.is_null());
            (!is_same).then(|| Drift {
                address: recorded.record.address.clone(),
                path,
                old: Shown::Value(sent.clone()),
                new: shown(now, false, key),
                witness: None,
            })
        };
        leaves_of(sent.body()).into_iter().filter_map(differs).collect()
    }

    fn order(&self, objects: &[ObjectView<'_>], _: &ClusterFacts) -> Ordering {
        let mut ordering = Ordering::default();
        let object = |place: usize| match objects[place].locator {
            Locator::Object(object) => Some(object),
            Locator::Arm(_) => None,
        };
        let text = |place: usize, pointer: &str| objects[place].body.pointer(pointer).and_then(Json::as_str);
        for on in 0..objects.len() {
            let Some(first) = object(on) else { continue };
            let others = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
                (0..objects.len()).filter(|&other| other != on && wanted(other)).collect()
            };
            let mut gate = |name: &'static str, probe, after: Vec<usize>, waiters: Vec<usize>| {
                let gate = Gate { locator: objects[on].locator.clone(), probe, timeout: 30, why: name.to_owned() };
                ordering.gates.push(OrderGate { on, name, gate, after, waiters });
            };
            match first.kind.as_str() {
                "CustomResourceDefinition" => {
                    let kind = text(on, "/spec/names/kind");
                    let of_kind = others(&|other| object(other).map(|object| object.kind.as_str()) == kind);
                    gate("established", Probe::Established { versions: Vec::new() }, Vec::new(), of_kind);
                }
                "Webhook" => {
                    let server = others(&|other| {
                        object(other).is_some_and(|object| Some(object.name.as_str()) == text(on, "/spec/server"))
                    });
                    let caught = others(&|other| object(other).is_some_and(|object| object.kind == "ConfigMap"));
                    gate("answers", Probe::WebhookAnswers { webhook: None }, server, caught);
                }
                "Namespace" => {
                    let inside = others(&|other| {
                        object(other).and_then(|object| object.namespace.as_ref()) == Some(&first.name)
                    });
                    let edge = |to| OrderEdge { from: on, to, kind: EdgeKind::ContainedIn };
                    ordering.edges.extend(inside.into_iter().map(edge));
                }
                _ => {}
            }
        }
        ordering
    }

    fn check(&self, _: &Desired, locator: &Locator, _: &[ObjectView<'_>]) -> Vec<Note> {
        let Locator::Object(object) = locator else { return Vec::new() };
        let note = Note {
            severity: Severity::Blocks,
            code: "test::bad".to_owned(),
            address: None,
            message: format!("`{}` is bad", object.name),
            help: None,
        };
        if object.name == "bad" { vec![note] } else { Vec::new() }
    }

    fn preflight(&self, _: &[ObjectView<'_>], _: &ClusterFacts, _: Option<&Discovery>) -> Vec<Note> {
        Vec::new()
    }

    fn protection(&self, body: &Json, locator: &Locator, adopted: bool) -> (Protection, Option<String>) {
        let Locator::Object(object) = locator else { return (Protection::None, None) };
        match object.kind.as_str() {
            "PersistentVolumeClaim" => {
                (Protection::UserData, body.pointer("/spec/size").and_then(Json::as_str).map(str::to_owned))
            }
            "Notebook" => (Protection::UserData, None),
            "Namespace" if adopted => (Protection::Adopted, None),
            _ => (Protection::None, None),
        }
    }

    fn gate(&self, _: &Gate, _: &[Json]) -> GateState {
        GateState::Open
    }
}
