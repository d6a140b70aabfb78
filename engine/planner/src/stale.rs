//! Whether a saved plan still holds, and what of it is done.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::Address;
use kfplan_plan::{
    Action, Change, Drift, Header, Plan, Precondition, RecordState, Recorded, RunId, Severity, Shown, Work,
};

use crate::input::Planned;

/// What the journal tells of earlier runs of a saved plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastRuns {
    /// Runs of this very plan, by its id.
    pub runs: BTreeSet<RunId>,
    /// Whether one of them came to the end.
    pub finished: bool,
}

/// A saved plan that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Continued {
    /// Its steps that an interrupted run has done, by place.
    pub done: BTreeSet<usize>,
    /// The saved plan with the bodies of today; steps that an interrupted run left open are as the state of today
    /// asks. Journal it under the saved plan's id: the steps have the same places.
    pub planned: Planned,
}

/// Decides whether a saved plan may be carried out, or gone on with.
///
/// `fresh` is the plan that was made just now from the same stack file and options; for a plan some of whose steps
/// are done, with [`crate::Options::late`] naming what its steps wait for, so that bodies have the same holes.
/// Status writes, autoscalers and our own interrupted run stale nothing.
///
/// # Errors
///
/// What moved, one line each, as `what: old → new`. Then nothing may be changed (exit 4).
pub fn continue_plan(
    saved: &Plan,
    fresh: &Planned,
    records: &BTreeMap<Address, Recorded>,
    past: &PastRuns,
) -> Result<Continued, Vec<String>> {
    if past.finished {
        return Err(vec!["this plan: to be carried out → carried out to the end already".to_owned()]);
    }
    let id = saved.id();
    let mut judge = Judge { id: &id, fresh, records, past, lines: Vec::new(), done: BTreeSet::new() };
    judge.headers(&saved.header, &fresh.plan.header);
    let mut planned = Planned {
        plan: saved.clone(),
        payloads: vec![None; saved.steps.len()],
        templates: vec![None; saved.steps.len()],
        before: vec![None; saved.steps.len()],
        contents: BTreeMap::new(),
        moved: fresh.moved.clone(),
    };
    let today: BTreeMap<&Address, usize> =
        fresh.plan.changes().map(|(place, step, _)| (&step.address, place)).collect();
    for (place, step, change) in saved.changes() {
        if let Some(now) = judge.step(&step.address, place, change, today.get(&step.address).copied()) {
            planned.payloads[place].clone_from(&fresh.payloads[now.place]);
            planned.templates[place].clone_from(&fresh.templates[now.place]);
            planned.before[place].clone_from(&fresh.before[now.place]);
            if let Some(contents) = fresh.contents.get(&now.place) {
                planned.contents.insert(place, contents.clone());
            }
            if let Some(change) = now.change {
                planned.plan.steps[place].work = Work::Change(Box::new(change));
            }
        }
    }
    judge.others(saved);
    judge.finish_gates(saved);
    if judge.lines.is_empty() { Ok(Continued { done: judge.done, planned }) } else { Err(judge.lines) }
}

struct Judge<'a> {
    id: &'a str,
    fresh: &'a Planned,
    records: &'a BTreeMap<Address, Recorded>,
    past: &'a PastRuns,
    lines: Vec<String>,
    done: BTreeSet<usize>,
}

/// A step of the saved plan that is still to be done.
struct Open {
    /// Its place in the fresh plan.
    place: usize,
    /// The change of today, where it takes the place of the saved one.
    change: Option<Change>,
}

impl Judge<'_> {
    fn line(&mut self, what: impl std::fmt::Display, old: impl std::fmt::Display, new: impl std::fmt::Display) {
        self.lines.push(format!("{what}: {old} → {new}"));
    }

    fn headers(&mut self, saved: &Header, fresh: &Header) {
        let mode = |header: &Header| format!("{:?}", header.mode).to_lowercase();
        let optional = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let pairs = [
            ("kfplan", saved.kfplan.clone(), fresh.kfplan.clone()),
            ("stack", saved.stack.clone(), fresh.stack.clone()),
            ("environment", saved.environment.clone(), fresh.environment.clone()),
            ("sandbox", saved.sandbox.to_string(), fresh.sandbox.to_string()),
            ("command", mode(saved), mode(fresh)),
            ("state lineage", saved.lineage.clone(), fresh.lineage.clone()),
            ("tenant", optional(&saved.tenant), optional(&fresh.tenant)),
            ("subscription", optional(&saved.subscription), optional(&fresh.subscription)),
        ];
        for (what, old, new) in pairs {
            if old != new {
                self.line(what, old, new);
            }
        }
        self.inputs(saved, fresh);
        for (cluster, identity) in &saved.clusters {
            let Some(now) = fresh.clusters.get(cluster) else { continue };
            let made_since = identity.is_none() && !self.past.runs.is_empty();
            if identity != now && !made_since {
                let (old, new) = (optional(identity), optional(now));
                self.line(format!("cluster `{cluster}`"), old, new);
            }
        }
    }

    fn inputs(&mut self, saved: &Header, fresh: &Header) {
        let by_name = |header: &Header| -> BTreeMap<String, BTreeSet<String>> {
            let mut inputs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for input in &header.inputs {
                let short: String = input.digest.as_str().chars().take(12).collect();
                inputs.entry(input.name.clone()).or_default().insert(short);
            }
            inputs
        };
        let (old, new) = (by_name(saved), by_name(fresh));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            if old.get(name) != new.get(name) {
                let text = |inputs: &BTreeMap<String, BTreeSet<String>>| match inputs.get(name) {
                    Some(digests) => digests.iter().cloned().collect::<Vec<_>>().join(", "),
                    None => "none".to_owned(),
                };
                self.line(format!("input `{name}`"), text(&old), text(&new));
            }
        }
    }

    /// Whether an interrupted run of this plan wrote the record last, and its outcome is known.
    fn is_written_by_us(&self, address: &Address) -> bool {
        let record = self.records.get(address).map(|recorded| &recorded.record);
        record.is_some_and(|record| record.state == RecordState::Settled && self.past.runs.contains(&record.run))
    }

    /// Whether an interrupted run of this plan left the thing in doubt.
    fn is_left_open_by_us(&self, address: &Address) -> bool {
        let state = self.records.get(address).map(|recorded| &recorded.record.state);
        matches!(state, Some(RecordState::InDoubt(intent)) if intent.plan == self.id)
    }

    fn step(&mut self, address: &Address, place: usize, saved: &Change, now: Option<usize>) -> Option<Open> {
        let fresh = self.fresh;
        let change = now.and_then(|now| Some((now, fresh.plan.steps.get(now)?.work.change()?)));
        let Some((now, change)) = change else {
            self.vanished(address, place, saved);
            return None;
        };
        let same_body = saved.payload == change.payload;
        if is_same(saved, change) {
            return Some(Open { place: now, change: None });
        }
        if self.is_left_open_by_us(address) && (same_body || change.payload.is_none()) {
            return Some(Open { place: now, change: Some(change.clone()) });
        }
        if self.is_written_by_us(address) && same_body && saved.action != Action::Delete {
            // With a late value the body always differs from what was sent; only drift tells.
            let drifted = fresh.plan.drift.iter().any(|drift| drift.address == *address);
            if drifted || saved.waits.is_empty() {
                self.moved(address, saved, change);
            } else {
                self.done.insert(place);
            }
            return None;
        }
        // What comes in a container that came with this plan: it was agreed to be made whatever is there.
        let came = saved.precondition == Precondition::Anything && !self.past.runs.is_empty();
        let is_write = !matches!(change.action, Action::Delete | Action::Forget | Action::Replace);
        if came && same_body && is_write && saved.locator == change.locator {
            return Some(Open { place: now, change: None });
        }
        self.moved(address, saved, change);
        None
    }

    /// A step of the saved plan has nothing to do any more.
    fn vanished(&mut self, address: &Address, place: usize, saved: &Change) {
        let runs = !self.past.runs.is_empty();
        let is_done = match saved.action {
            Action::Delete | Action::Forget => runs && !self.records.contains_key(address),
            Action::Create | Action::Adopt | Action::Update | Action::Replace | Action::Refresh => {
                self.is_written_by_us(address)
            }
        };
        if is_done {
            self.done.insert(place);
        } else {
            self.line(format!("`{address}`"), word(saved.action), "nothing to do");
        }
    }

    /// Says what moved between two plans of one step.
    fn moved(&mut self, address: &Address, saved: &Change, fresh: &Change) {
        let before = self.lines.len();
        if saved.action != fresh.action {
            self.line(format!("`{address}`"), word(saved.action), word(fresh.action));
        }
        if saved.locator != fresh.locator {
            self.line(format!("place of `{address}`"), &saved.locator, &fresh.locator);
        }
        if saved.payload != fresh.payload {
            let short = |change: &Change| {
                let digest = change.payload.as_ref().map(|digest| digest.as_str().chars().take(12).collect());
                digest.unwrap_or_else(|| "none".to_owned())
            };
            self.line(format!("body of `{address}`"), short(saved), short(fresh));
        }
        if let (Precondition::Present { uid: old, .. }, Precondition::Present { uid: new, .. }) =
            (&saved.precondition, &fresh.precondition)
            && old != new
        {
            let text = |uid: &Option<String>| uid.clone().unwrap_or_else(|| "none".to_owned());
            let (old, new) = (text(old), text(new));
            self.line(format!("uid of `{address}`"), old, new);
        }
        self.moved_fields(address, saved, fresh);
        if self.lines.len() == before {
            let (old, new) = ("as planned", "other values or owners at its fields");
            self.line(format!("`{address}`"), old, new);
        }
    }

    fn moved_fields(&mut self, address: &Address, saved: &Change, fresh: &Change) {
        let old: BTreeMap<_, _> = saved.fields.iter().map(|field| (&field.path, &field.old)).collect();
        let mut lines = Vec::new();
        for field in &fresh.fields {
            match old.get(&field.path) {
                Some(old) if **old == field.old => {}
                Some(old) => lines.push((field.path.clone(), text(old), text(&field.old))),
                None => lines.push((field.path.clone(), "as wanted".to_owned(), text(&field.old))),
            }
        }
        let known: BTreeSet<_> = lines.iter().map(|(path, _, _)| path.clone()).collect();
        let drift: Vec<&Drift> = self.fresh.plan.drift.iter().filter(|drift| drift.address == *address).collect();
        for drift in drift.into_iter().filter(|drift| !known.contains(&drift.path)) {
            lines.push((drift.path.clone(), text(&drift.old), text(&drift.new)));
        }
        for (path, old, new) in lines {
            let what =
                if path.segments().is_empty() { format!("`{address}`") } else { format!("`{path}` of `{address}`") };
            self.line(what, old, new);
        }
    }

    /// What the fresh plan would do, or is stopped by, and the saved one knows nothing of.
    fn others(&mut self, saved: &Plan) {
        let known: BTreeSet<&Address> = saved.changes().map(|(_, step, _)| &step.address).collect();
        let fresh = self.fresh;
        for (_, step, change) in fresh.plan.changes() {
            // Records of what went with a container are dropped by the next plan.
            let is_leftover = change.action == Action::Forget && !self.past.runs.is_empty();
            if !known.contains(&step.address) && !is_leftover {
                self.line(format!("`{}`", step.address), "nothing to do", word(change.action));
            }
        }
        let blocks = |plan: &Plan| -> BTreeSet<(Option<Address>, String)> {
            let notes = plan.notes.iter().filter(|note| note.severity == Severity::Blocks);
            notes.map(|note| (note.address.clone(), note.message.clone())).collect()
        };
        let before = blocks(saved);
        for (address, message) in blocks(&fresh.plan) {
            let is_ours = address.as_ref().is_some_and(|address| known.contains(address));
            let is_known = before.contains(&(address.clone(), message.clone()));
            if !is_known && (!is_ours || self.past.runs.is_empty()) {
                let what = address.map_or_else(|| "the plan".to_owned(), |address| format!("`{address}`"));
                self.line(what, "free to go on", message);
            }
        }
    }

    /// A gate is done when everything that waits for it is done.
    fn finish_gates(&mut self, saved: &Plan) {
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); saved.steps.len()];
        for edge in &saved.edges {
            if let Some(waiting) = waiting.get_mut(edge.from as usize) {
                waiting.push(edge.to as usize);
            }
        }
        // Steps are listed after what they wait for, so that what waits is seen first from the end.
        for (place, step) in saved.steps.iter().enumerate().rev() {
            let is_gate = matches!(step.work, Work::Gate(_));
            if is_gate && !waiting[place].is_empty() && waiting[place].iter().all(|next| self.done.contains(next)) {
                self.done.insert(place);
            }
        }
    }
}

/// Whether two changes are the same as far as it matters when they are carried out.
fn is_same(one: &Change, other: &Change) -> bool {
    one.action == other.action
        && one.locator == other.locator
        && one.payload == other.payload
        && one.force == other.force
        && same_condition(&one.precondition, &other.precondition)
        && match (&one.replaced, &other.replaced) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                one.locator == other.locator
                    && one.create_first == other.create_first
                    && same_condition(&one.precondition, &other.precondition)
            }
            _ => false,
        }
}

/// The version is only the fast path.
fn same_condition(one: &Precondition, other: &Precondition) -> bool {
    match (one, other) {
        (
            Precondition::Present { uid: one, fields: one_fields, .. },
            Precondition::Present { uid: other, fields: other_fields, .. },
        ) => one == other && one_fields == other_fields,
        (one, other) => one == other,
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Adopt => "adopt",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Forget => "forget",
        Action::Refresh => "refresh its record",
    }
}

fn text(shown: &Shown) -> String {
    match shown {
        Shown::Absent => "nothing".to_owned(),
        Shown::Value(value) => value.to_string(),
        Shown::Secret(tag) => format!("(secret {tag})"),
        Shown::Late(late) => late.template.to_string(),
        Shown::Unknown => "not recorded".to_owned(),
    }
}
