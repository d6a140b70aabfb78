//! A run as it goes: a line an event, or a block that a terminal redraws.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kfplan_plan::{Event, EventKind, Plan, Status, Work};

use crate::fields::clean;
use crate::paint::Paint;
use crate::words::{action_word, counted};

/// One event as one line, without the line's end. `None` for what a log need not have.
#[must_use]
pub fn event_line(event: &Event, plan: &Plan) -> Option<String> {
    let verb = plan.steps.get(event.step as usize).map_or("do", |step| match &step.work {
        Work::Change(change) => action_word(change.action),
        Work::Gate(_) => "wait for",
    });
    let address = &event.address;
    match &event.kind {
        EventKind::Started { .. } => Some(format!("{verb} {address}")),
        EventKind::Waiting { .. } => None,
        EventKind::Throttled { after } => Some(format!("{address}: asked to wait for {}", duration(*after))),
        EventKind::Done { remark: None } => Some(format!("done: {verb} {address}")),
        EventKind::Done { remark: Some(remark) } => Some(format!("done: {verb} {address} ({})", clean(remark))),
        EventKind::Failed { trouble } => Some(format!(
            "FAILED: {verb} {address}: {} [{}]\n    → {}",
            clean(&trouble.message),
            trouble.code,
            clean(&trouble.help)
        )),
        EventKind::Stale { moved } => Some(format!("STALE: {verb} {address}: {}", clean(&moved.join("; ")))),
        EventKind::Skipped { cause } => Some(format!("skipped: {verb} {address}, since {cause} did not succeed")),
        EventKind::Interrupted => Some(format!("interrupted: {verb} {address}")),
    }
}

/// What runs, since when, and what waits for what.
#[derive(Debug, Clone)]
pub struct Progress {
    status: Vec<Status>,
    running: BTreeMap<u32, (u64, String)>,
    done: usize,
    failed: usize,
}

/// The most running steps that a block shows.
const SHOWN: usize = 10;

impl Progress {
    /// The progress of a plan that has not begun.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self { status: vec![Status::Pending; plan.steps.len()], running: BTreeMap::new(), done: 0, failed: 0 }
    }

    /// Takes an event in. One that may not follow is left out.
    pub fn take(&mut self, event: &Event) {
        let Some(status) = self.status.get_mut(event.step as usize) else { return };
        let Some(next) = status.after(&event.kind) else { return };
        *status = next;
        match (&event.kind, next) {
            (EventKind::Waiting { on }, Status::Running) => {
                let since = self.running.get(&event.step).map_or(event.at, |(since, _)| *since);
                self.running.insert(event.step, (since, on.clone()));
            }
            (_, Status::Running) => {
                self.running.entry(event.step).or_insert((event.at, String::new()));
            }
            (_, Status::Done) => {
                self.running.remove(&event.step);
                self.done += 1;
            }
            (_, Status::Failed | Status::Stale | Status::Skipped | Status::Interrupted) => {
                self.running.remove(&event.step);
                self.failed += 1;
            }
            (_, Status::Pending) => {}
        }
    }

    /// The block to draw at `now` (milliseconds since the Unix epoch), at most `width` columns wide.
    #[must_use]
    pub fn block(&self, plan: &Plan, now: u64, width: usize, paint: Paint) -> Vec<String> {
        let total = self.status.len();
        let failed = if self.failed == 0 { String::new() } else { format!(", {} not done", self.failed) };
        let waiting = self.status.iter().filter(|status| **status == Status::Pending).count();
        let mut lines = vec![paint.bold(&format!(
            "{} of {} done{failed}, {} running, {waiting} waiting",
            self.done,
            counted(total, "step"),
            self.running.len()
        ))];
        let mut oldest: Vec<_> = self.running.iter().collect();
        oldest.sort_by_key(|(step, (since, _))| (*since, **step));
        for (step, (since, on)) in oldest.iter().take(SHOWN) {
            let Some(step) = plan.steps.get(**step as usize) else { continue };
            let verb = match &step.work {
                Work::Change(change) => action_word(change.action),
                Work::Gate(_) => "wait for",
            };
            let on = if on.is_empty() { String::new() } else { format!(": {}", clean(on)) };
            lines.push(fit(
                &format!("  {:>6}  {verb} {}{on}", duration(now.saturating_sub(*since)), step.address),
                width,
            ));
        }
        if self.running.len() > SHOWN {
            lines.push(format!("          … and {} more", self.running.len() - SHOWN));
        }
        lines
    }
}

fn fit(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A time span in the units a person thinks in.
fn duration(milliseconds: u64) -> String {
    match milliseconds / 1000 {
        0 => format!("{milliseconds}ms"),
        seconds @ 1..=99 => format!("{seconds}s"),
        seconds => format!("{}m{:02}s", seconds / 60, seconds % 60),
    }
}

/// The closing lines of a run: what failed, what was skipped and why, and how many are done.
#[must_use]
pub fn summary(plan: &Plan, status: &[Status], troubles: &BTreeMap<u32, String>, paint: Paint) -> String {
    let mut out = String::new();
    let named =
        |wanted: Status| plan.steps.iter().zip(status).enumerate().filter(move |(_, (_, status))| **status == wanted);
    for (place, (step, _)) in named(Status::Failed).chain(named(Status::Stale)) {
        let why = troubles.get(&(place as u32)).map(|why| format!(": {}", clean(why))).unwrap_or_default();
        let _ = writeln!(out, "{}", paint.red(&format!("failed: {}{why}", step.address)));
    }
    let count = |wanted: Status| status.iter().filter(|status| **status == wanted).count();
    let done = plan
        .steps
        .iter()
        .zip(status)
        .filter(|(step, status)| step.work.change().is_some() && **status == Status::Done)
        .count();
    let mut parts = vec![format!("{} done", counted(done, "change"))];
    for (wanted, word) in [
        (Status::Failed, "failed"),
        (Status::Stale, "stale"),
        (Status::Skipped, "skipped"),
        (Status::Interrupted, "interrupted"),
        (Status::Pending, "not begun"),
    ] {
        if count(wanted) > 0 {
            parts.push(format!("{} {word}", count(wanted)));
        }
    }
    let _ = writeln!(out, "{}", paint.bold(&format!("{}.", parts.join(", "))));
    out
}
