//! One round: each object is changed once, drift is asked once, and all is put back.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::chance::Chance;
use super::draft::{Act, Draft};
use super::edit::{self, Edit};
use super::expect::{Expected, expected};
use super::object::{Object, objects};
use super::report::Report;
use super::send::{Maker, send};
use super::{Kfplan, Options, foreign, judge, owned};
use crate::cloud::Cluster;

/// How many drafts are looked at, and how many of them are sent, until an object is left alone.
const DRAFTS: usize = 60;
const SENDS: usize = 8;

/// How many calls are under way at once.
const AT_ONCE: usize = 6;

const APPLY: &[&str] = &["apply", "--auto-approve", "--wait", "none"];

/// A change that the server took.
struct Change {
    before: Object,
    draft: Draft,
    maker: Maker,
}

pub(super) fn round(cluster: &Cluster, kfplan: &Kfplan, options: &Options, number: u64, report: &mut Report) {
    let all = objects(cluster, &options.stack);
    assert!(!all.is_empty(), "nothing on the server carries the label kfplan.dev/stack={}", options.stack);
    let total = report.total();
    let made = side_by_side(&all, |address, object| {
        let mut chance = Chance::of(options.seed, number, address);
        let is_owned =
            if total.applied >= options.count { false } else { total.others >= options.count || chance.once_in(2) };
        let mut refused = 0;
        (change(cluster, options, object, is_owned, &mut chance, &mut refused), refused)
    });
    report.refused += made.iter().map(|(_, (_, refused))| refused).sum::<usize>();
    let changes: BTreeMap<String, Change> =
        made.into_iter().filter_map(|(address, (change, _))| Some((address, change?))).collect();
    let after = |change: &Change| cluster.get(&change.before.path);
    let afters = side_by_side(&changes, |_, change| after(change));
    let said = drift(kfplan, number, report);
    for (address, change) in &changes {
        let said: Vec<&Json> = said.iter().filter(|drift| drift["address"] == address.as_str()).collect();
        let judged = |after: Option<&Json>| {
            let wanted = expected(&change.before, after, &options.stack, &change.maker);
            let faults = judge::faults(&wanted, &said);
            (wanted, faults)
        };
        let (mut wanted, mut faults) = judged(afters.get(address).and_then(Option::as_ref));
        if !faults.is_empty() {
            // A controller may have written between the look and drift.
            let (now, rest) = judged(after(change).as_ref());
            if rest.is_empty() {
                (wanted, faults) = (now, rest);
            }
        }
        count(address, change, &wanted, &faults, &said, report);
    }
    let rest = said.iter().filter(|drift| drift["address"].as_str().is_none_or(|at| !changes.contains_key(at)));
    report.misses.extend(rest.map(|drift| format!("round {number}: nothing was changed, drift said {drift}")));
    put_back(cluster, kfplan, number, &changes, report);
}

/// Asks for each by its address, some at once: what comes of one does not depend on another.
fn side_by_side<T: Sync, R: Send>(
    all: &BTreeMap<String, T>,
    ask: impl Fn(&String, &T) -> R + Sync,
) -> BTreeMap<String, R> {
    let all: Vec<(&String, &T)> = all.iter().collect();
    let ask = &ask;
    std::thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(AT_ONCE).max(1));
        let threads: Vec<_> = parts
            .map(|part| {
                scope.spawn(move || part.iter().map(|(at, one)| ((*at).clone(), ask(at, one))).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread that asks")).collect()
    })
}

/// Makes one change to an object; `None` when the server takes none.
fn change(
    cluster: &Cluster,
    options: &Options,
    object: &Object,
    is_owned: bool,
    chance: &mut Chance,
    refused: &mut usize,
) -> Option<Change> {
    let mut before = object.clone();
    let mut sent = 0;
    for _ in 0..DRAFTS {
        let draft = if is_owned { owned::draft(&before, chance) } else { foreign::draft(&before, chance) };
        let Some(draft) = draft else { continue };
        sent += 1;
        if sent > SENDS {
            return None;
        }
        let made = send(cluster, &options.stack, &before, &draft, chance);
        let Some(now) = cluster.get(&before.path) else {
            return Some(Change { before, draft, maker: made.ok()? });
        };
        if let Ok(maker) = made {
            let is_effective = !expected(&before, Some(&now), &options.stack, &maker).is_empty();
            if is_effective || (!is_owned && has_changed(&before.body, &now)) {
                return Some(Change { before, draft, maker });
            }
        }
        *refused += 1;
        // What others own may have moved, and the version has.
        let (version, kind) = (before.body["apiVersion"].clone(), before.body["kind"].clone());
        before.body = now;
        before.body["apiVersion"] = version;
        before.body["kind"] = kind;
    }
    None
}

/// Whether anything but the version of the object and what its controller says is different.
fn has_changed(before: &Json, after: &Json) -> bool {
    let plain = |body: &Json| {
        let mut body = body.clone();
        body["metadata"]["resourceVersion"] = Json::Null;
        body["status"] = Json::Null;
        body
    };
    plain(before) != plain(after)
}

fn drift(kfplan: &Kfplan, number: u64, report: &mut Report) -> Vec<Json> {
    let ran = kfplan.run(&["drift", "--format", "json"]);
    let said: Json = serde_json::from_str(&ran.out).unwrap_or_default();
    let list = |key: &str| said[key].as_array().cloned().unwrap_or_default();
    for note in list("undecided") {
        report.misses.push(format!("round {number}: drift could not tell: {note}"));
    }
    if !said.is_object() {
        report.misses.push(format!("round {number}: drift exited {}: {}", ran.exit, ran.err));
    }
    list("drift")
}

fn count(address: &str, change: &Change, wanted: &[Expected], faults: &[String], said: &[&Json], report: &mut Report) {
    let Change { before, draft, maker } = change;
    let is_ours = !wanted.is_empty();
    report.count(&before.kind, is_ours, faults.is_empty());
    let whose = if is_ours { "applied" } else { "others'" };
    *report.sorts.entry(format!("{whose}: {} by {}", draft.what, maker.way)).or_default() += 1;
    if !faults.is_empty() {
        let said = judge::brief(&Json::from_iter(said.iter().map(|drift| (*drift).clone())).to_string());
        report.misses.push(format!(
            "{address}: {} at `{}` by {} of {}: {}; drift said {said}",
            draft.what,
            draft.place,
            maker.way,
            maker.manager,
            faults.join("; ")
        ));
    }
}

/// Takes away what the tool left that would stand in the way, applies, and sees that drift is silent then.
fn put_back(cluster: &Cluster, kfplan: &Kfplan, number: u64, changes: &BTreeMap<String, Change>, report: &mut Report) {
    for change in changes.values() {
        let may_leave = change.draft.what == owned::KEY_CHANGED || change.draft.what == foreign::FINALIZER_ADDED;
        let Some(live) = may_leave.then(|| cluster.get(&change.before.path)).flatten() else { continue };
        for edit in left_behind(change, &live) {
            let patch = edit::as_json_patch(&[edit]);
            let form = "application/json-patch+json";
            let (status, body) = cluster.ask("PATCH", &change.before.path, form, Some(&patch));
            assert!(status == 200, "{patch} at {}: {status} {body}", change.before.path);
        }
    }
    let mut ran = kfplan.run(APPLY);
    if ran.exit != 0 {
        report.misses.push(format!("round {number}: apply exited {}: {}{}", ran.exit, ran.err, judge::brief(&ran.out)));
        // One object that cannot be put back must not spoil the rounds that follow.
        let why = ran.out.split("Changed behind").next().unwrap_or_default().to_owned();
        for (_, change) in changes.iter().filter(|(address, _)| why.contains(address.as_str())) {
            let mut body = change.before.body.clone();
            body["metadata"]["resourceVersion"] = Json::Null;
            let _ = cluster.ask("PUT", &change.before.path, "application/json", Some(&body));
        }
        ran = kfplan.run(APPLY);
    }
    if ran.exit != 0 {
        report.misses.push(format!("round {number}: apply exited {} again: {}", ran.exit, judge::brief(&ran.out)));
    }
    let left = drift(kfplan, number, report);
    let told = left.iter().take(10).map(|drift| judge::brief(&drift.to_string())).collect::<Vec<_>>().join(", ");
    if !left.is_empty() {
        report.misses.push(format!("round {number}: apply did not put back {} places, such as {told}", left.len()));
    }
}

/// What takes away the tool's finalizer, and gives an item its key again: beside the one that is put back, the item
/// may be one too many.
fn left_behind(change: &Change, live: &Json) -> Vec<Edit> {
    let finalizers = live["metadata"]["finalizers"].as_array().into_iter().flatten().enumerate();
    let ours = finalizers.filter(|(_, it)| **it == foreign::FINALIZER);
    let place = |place: usize| ["metadata".to_owned(), "finalizers".to_owned(), place.to_string()].to_vec();
    let mut edits: Vec<Edit> = ours.map(|(number, _)| Edit::Remove(place(number))).collect();
    if change.draft.what == owned::KEY_CHANGED
        && let Act::Edit(made, _) = &change.draft.act
        && let [Edit::Set(at, value)] = made.as_slice()
        && live.pointer(&edit::pointer(at)) == Some(value)
        && let Some(before) = change.before.body.pointer(&edit::pointer(at))
    {
        edits.push(Edit::Set(at.clone(), before.clone()));
    }
    edits
}
