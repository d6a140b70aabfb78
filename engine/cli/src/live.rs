//! A run as it goes: a block that a terminal redraws, or plain lines.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use kfplan_plan::{Event, EventKind, Plan};
use kfplan_view::{Progress, event_line};

use crate::ui::Ui;

/// How often a terminal is redrawn at most.
const REDRAW: Duration = Duration::from_millis(80);

/// How long a step waits before a pipe hears why, and how long until it hears the same again, in ms.
const PATIENCE: u64 = 5_000;
const REMINDER: u64 = 60_000;

/// Shows events as they come. Takes no part in the run.
pub(crate) struct Live<'a> {
    ui: &'a Ui,
    plan: &'a Plan,
    progress: Progress,
    drawn: usize,
    last: Option<Instant>,
    events: Option<std::fs::File>,
    waits: BTreeMap<u32, Wait>,
}

/// A step that waits: since when, when it was last spoken of, what was said then, and what it waits for.
struct Wait {
    since: u64,
    told: u64,
    said: String,
    on: String,
    address: String,
}

impl<'a> Live<'a> {
    pub(crate) fn new(ui: &'a Ui, plan: &'a Plan, events: Option<std::fs::File>) -> Self {
        Self { ui, plan, progress: Progress::new(plan), drawn: 0, last: None, events, waits: BTreeMap::new() }
    }

    /// Takes an event, or `None` as the mark that time went by.
    pub(crate) fn take(&mut self, event: Option<&Event>, now: u64) {
        if let Some(event) = event {
            self.progress.take(event);
            self.record(event);
        }
        if self.ui.is_interactive() {
            let failed = event.filter(|event| matches!(event.kind, EventKind::Failed { .. } | EventKind::Stale { .. }));
            if let Some(line) = failed.and_then(|event| event_line(event, self.plan)) {
                self.clear();
                self.ui.say(&line);
            } else if self.last.is_some_and(|last| last.elapsed() < REDRAW) {
                return;
            }
            self.draw(now);
        } else {
            if let Some(event) = event {
                self.keep_wait(event);
                if let Some(line) = event_line(event, self.plan) {
                    self.ui.say(&line);
                }
            }
            self.tell_waits(now);
        }
    }

    /// Notes what a step waits for, until it ends.
    fn keep_wait(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Started { .. } | EventKind::Throttled { .. } => {}
            EventKind::Waiting { on } => {
                let (since, address) = (event.at, event.address.to_string());
                let fresh = Wait { since, told: since, said: String::new(), on: String::new(), address };
                self.waits.entry(event.step).or_insert(fresh).on.clone_from(on);
            }
            _ => {
                self.waits.remove(&event.step);
            }
        }
    }

    /// Says what steps wait for, when they do so for long: once for each reason, and again after a while.
    fn tell_waits(&mut self, now: u64) {
        for wait in self.waits.values_mut() {
            let quiet = now.saturating_sub(wait.told);
            if wait.on.is_empty() || quiet < PATIENCE || (wait.said == wait.on && quiet < REMINDER) {
                continue;
            }
            wait.told = now;
            wait.said.clone_from(&wait.on);
            let seconds = now.saturating_sub(wait.since) / 1000;
            self.ui.say(&format!("waiting for {seconds} s: {}: {}", wait.address, wait.on));
        }
    }

    /// Removes the block.
    pub(crate) fn finish(&mut self) {
        self.clear();
    }

    fn record(&mut self, event: &Event) {
        let Some(file) = &mut self.events else { return };
        let line = serde_json::to_string(&serde_json::json!({"format": 1, "event": event})).unwrap_or_default();
        if writeln!(file, "{line}").is_err() {
            self.ui.say("warning: the event stream cannot be written any more");
            self.events = None;
        }
    }

    fn clear(&mut self) {
        if self.drawn > 0 {
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "\u{1b}[{}A\u{1b}[J", self.drawn).and_then(|()| err.flush());
            self.drawn = 0;
        }
    }

    fn draw(&mut self, now: u64) {
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100);
        let lines = self.progress.block(self.plan, now, width, self.ui.paint_err());
        self.clear();
        for line in &lines {
            self.ui.say(line);
        }
        self.drawn = lines.len();
        self.last = Some(Instant::now());
    }
}
