//! Carries a plan out: what the executor needs is put together, its run is journalled, and its end told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kfplan_executor::{Core, Fill, Job, Journey, Limits, Outputs, Prepared};
use kfplan_model::{Address, ResourceAddress, Stack};
use kfplan_plan::{Action, Class, Entry, Event, Journal as _, Kinds, Payload, Plan, RunId, Shown, Trouble, Work};
use kfplan_planner::{PastRuns, Planned as Decided, continue_plan};
use kfplan_store::Snapshot;
use serde_json::Value as Json;

use crate::clock;
use crate::error::{Failure, SessionError};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::options::Selection;
use crate::outcome::{Outcome, exit_of, plain};
use crate::session::{Planned, Session};

/// Fills holes with the planner's own evaluation.
struct Filler {
    stack: Stack,
    kinds: Kinds,
    addresses: Vec<Address>,
}

impl Fill for Filler {
    fn fill(&self, step: usize, payload: &Payload, done: &Outputs) -> Result<Payload, Trouble> {
        let mut outputs: BTreeMap<ResourceAddress, BTreeMap<String, Json>> = BTreeMap::new();
        for (address, values) in done {
            outputs.entry(address.resource().clone()).or_default().extend(values.clone());
        }
        let missing = || {
            Trouble::new(
                Class::Permanent,
                "fill",
                "the step has no address",
                "this is a bug of kfplan; please report it",
            )
        };
        let of = self.addresses.get(step).ok_or_else(missing)?;
        kfplan_planner::fill(payload, of, &self.stack, &self.kinds, &outputs).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Trouble::new(
                Class::Permanent,
                "late_value",
                lines.join("; "),
                "plan again: what is known now may decide it",
            )
        })
    }
}

impl Session {
    /// Reads a plan file and decides whether it may still be carried out, or gone on with.
    ///
    /// # Errors
    ///
    /// When it is not this state's plan, or the world moved where it matters (exit 4): old → new, a line each.
    pub async fn load(&mut self, file: &Path) -> Result<Planned, SessionError> {
        let path = self.options.directory.join(file);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| SessionError::system(&format!("read `{}`", path.display()), &error))?;
        let refused = |error: kfplan_plan::PlanFileError| {
            Failure::new(
                "plan_file",
                format!("`{}`: {error}", path.display()),
                "plan again with `kfplan plan -o`, and apply that file from the folder it was made in",
            )
            .exits(Exit::Stale)
        };
        let saved = Plan::from_file(&text, &self.state.key).map_err(refused)?;
        let past = self.past_runs(&saved);
        let selection = selection_of(&saved);
        let fresh = self.plan_late(saved.header.mode, &selection, late_of(&saved)).await?;
        match continue_plan(&saved, &fresh.decided, &self.state.records, &past) {
            Ok(continued) => {
                Ok(Planned { decided: continued.planned, done: continued.done, keep_protected: false, id: saved.id() })
            }
            Err(lines) => {
                let related = lines
                    .iter()
                    .map(|line| Failure { help: None, ..Failure::new("stale", line.clone(), "") })
                    .collect();
                let mut failure =
                    Failure::all("stale", "the plan is stale: the world moved since it was made", related)
                        .exits(Exit::Stale);
                failure.help = Some("plan again, review it, and apply that".to_owned());
                Err(failure.into())
            }
        }
    }

    fn past_runs(&self, saved: &Plan) -> PastRuns {
        let id = saved.id();
        let runs = self.state.snapshot.as_ref().map(Snapshot::runs).unwrap_or_default();
        let own: Vec<_> = runs.iter().filter(|run| run.plan == id).collect();
        PastRuns {
            finished: own.iter().any(|run| run.ended.is_some_and(|ended| ended.finished)),
            runs: own.iter().map(|run| run.run.clone()).collect(),
        }
    }

    /// Nothing to do: only moved records and outputs are brought up to date.
    ///
    /// # Errors
    ///
    /// When the state cannot be written.
    pub fn settle(&mut self, planned: &Planned) -> Result<(), SessionError> {
        let mut entries = moved(&planned.decided);
        entries.push(Entry::Outputs { values: known_outputs(planned.plan()) });
        self.append(&entries)
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), SessionError> {
        let store = self.store.as_mut().ok_or_else(|| {
            Failure::new("session", "the state is not locked", "this is a bug of kfplan; please report it")
        })?;
        Ok(store.append(entries).map_err(|error| {
            Failure::new(
                "state::write",
                error.to_string(),
                "make room, or check the folder; nothing was begun that is not recorded",
            )
        })?)
    }

    /// Carries a plan out. `events` hears of every event once it is durable, with the time in milliseconds.
    ///
    /// # Errors
    ///
    /// When the run could not begin; what went wrong in steps is in the outcome.
    pub async fn apply(
        &mut self,
        planned: Planned,
        interrupt: Interrupt,
        events: &mut (dyn FnMut(Option<&Event>, u64) + Send),
    ) -> Result<Outcome, SessionError> {
        let Planned { decided, done, keep_protected, id } = planned;
        let began = clock::now();
        let run = clock::run_id(began)?;
        self.begin(&decided, &id, &run, began)?;
        let plan = Arc::new(decided.plan.clone());
        let job = self.job(&decided, plan.clone(), done, run.clone());
        let limits = Limits { parallelism: self.options.parallelism, seed: began, ..Limits::default() };
        let core = Core::new(job, limits).map_err(|error| {
            Failure::new("executor", error.to_string(), "this is a bug of kfplan; please report the plan")
        })?;
        let provider = self.connection()?.shared();
        let bell = Arc::new(tokio::sync::Notify::new());
        let ringing = tokio::spawn({
            let (bell, interrupt) = (bell.clone(), interrupt.clone());
            async move {
                interrupt.raised().await;
                bell.notify_one();
            }
        });
        let store = self.store.as_mut().ok_or_else(|| {
            Failure::new("session", "the state is not locked", "this is a bug of kfplan; please report it")
        })?;
        let hear = Mutex::new(events);
        let outcome = {
            let mut tell = |event: &Event| (hear.lock().unwrap_or_else(PoisonError::into_inner))(Some(event), event.at);
            let journey = Journey { provider, journal: store, events: &mut tell, interrupt: bell, began };
            let running = kfplan_executor::run(core, journey);
            tokio::pin!(running);
            let mut ticks = tokio::time::interval(std::time::Duration::from_millis(250));
            loop {
                tokio::select! {
                    outcome = &mut running => break outcome,
                    _ = ticks.tick() => (hear.lock().unwrap_or_else(PoisonError::into_inner))(None, clock::now()),
                }
            }
        };
        ringing.abort();
        self.end(&decided, &run, outcome, keep_protected).await
    }

    fn begin(&mut self, decided: &Decided, id: &str, run: &RunId, at: u64) -> Result<(), SessionError> {
        let (user, host) = clock::who(&self.options.variables);
        let command = match decided.plan.header.mode {
            kfplan_plan::Mode::Apply => "apply",
            kfplan_plan::Mode::Destroy => "destroy",
        };
        let steps = u32::try_from(decided.plan.steps.len()).unwrap_or(u32::MAX);
        let mut entries = vec![Entry::RunBegan {
            run: run.clone(),
            plan: id.to_owned(),
            who: format!("{user}@{host}"),
            at,
            command: command.to_owned(),
            steps,
        }];
        let header = &decided.plan.header;
        let clusters = header
            .clusters
            .iter()
            .filter_map(|(cluster, identity)| Some((format!("cluster:{cluster}"), identity.clone()?)));
        let azure = [("tenant", &header.tenant), ("subscription", &header.subscription)]
            .into_iter()
            .filter_map(|(what, identity)| Some((what.to_owned(), identity.clone()?)));
        entries.extend(
            azure
                .chain(clusters)
                .filter(|(what, _)| !self.state.identity.bindings.contains_key(what))
                .map(|(what, identity)| Entry::Bound { what, identity }),
        );
        entries.extend(moved(decided));
        self.append(&entries)
    }

    fn job(&self, decided: &Decided, plan: Arc<Plan>, done: BTreeSet<usize>, run: RunId) -> Job {
        let record =
            |address: &Address| self.state.records.get(address).map(|recorded| Box::new(recorded.record.clone()));
        let steps = decided.plan.steps.iter().enumerate().map(|(place, step)| {
            let template = decided.templates.get(place).and_then(Option::as_ref).map(|record| Box::new(record.clone()));
            let goes =
                step.work.change().is_some_and(|change| matches!(change.action, Action::Delete | Action::Forget));
            Prepared {
                payload: decided.payloads.get(place).cloned().flatten(),
                before: record(&step.address).or_else(|| template.clone().filter(|_| goes)),
                after: template.filter(|_| !goes),
                secret_outputs: self.secret_outputs(&step.address),
                is_done: done.contains(&place),
                contents: decided.contents.get(&place).cloned().unwrap_or_default(),
            }
        });
        let outputs = self
            .state
            .records
            .iter()
            .filter(|(_, recorded)| !recorded.record.outputs.is_empty())
            .map(|(address, recorded)| (address.clone(), recorded.record.outputs.clone()))
            .collect();
        let addresses = decided.plan.steps.iter().map(|step| step.address.clone()).collect();
        let fill = Arc::new(Filler { stack: self.stack.clone(), kinds: self.kinds.clone(), addresses });
        Job { steps: steps.collect(), plan, key: self.state.key.clone(), run, fill, outputs }
    }

    fn secret_outputs(&self, address: &Address) -> BTreeSet<String> {
        let kind = self.kinds.kinds.get(address.resource().type_name());
        kind.into_iter()
            .flat_map(|kind| {
                kind.schema().outputs.iter().filter(|output| output.sensitive).map(|output| output.name.to_owned())
            })
            .collect()
    }

    async fn end(
        &mut self,
        decided: &Decided,
        run: &RunId,
        outcome: kfplan_executor::Outcome,
        keep_protected: bool,
    ) -> Result<Outcome, SessionError> {
        let plan = &decided.plan;
        let exit =
            if outcome.interrupted { Exit::Interrupted } else { exit_of(plan, &outcome.statuses, keep_protected) };
        let entries =
            [Entry::RunEnded { run: run.clone(), at: clock::now(), exit: exit as u8, finished: outcome.is_finished() }];
        let mut troubles: BTreeMap<u32, String> = BTreeMap::new();
        for (step, trouble) in &outcome.troubles {
            troubles
                .insert(u32::try_from(*step).unwrap_or(u32::MAX), format!("{} → {}", trouble.message, trouble.help));
        }
        for (step, lines) in &outcome.stale {
            troubles.insert(u32::try_from(*step).unwrap_or(u32::MAX), lines.join("; "));
        }
        if let Some(reason) = &outcome.unrecorded {
            return Err(Failure::new(
                "state::write",
                reason.clone(),
                "make room, or check the folder, and run the same command again: it finds out what was done",
            )
            .exits(if outcome.changed { Exit::Partial } else { Exit::Failed })
            .into());
        }
        self.append(&entries)?;
        let outputs = if outcome.is_finished() { self.outputs_after(plan).await? } else { BTreeMap::new() };
        let outputs = outputs.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        let next = next_line(exit, plan);
        Ok(Outcome { status: outcome.statuses, troubles, outputs, exit, next })
    }

    /// The stack's outputs after a run. What was known only after apply is found by looking once more.
    async fn outputs_after(&mut self, plan: &Plan) -> Result<BTreeMap<String, Json>, SessionError> {
        if plan.header.mode == kfplan_plan::Mode::Destroy {
            return Ok(BTreeMap::new());
        }
        let mut outputs = known_outputs(plan);
        if plan.outputs.values().any(|shown| matches!(shown, Shown::Late(_))) {
            if let Some(store) = &self.store {
                self.state = crate::session::State::of(store.snapshot()?)?;
            }
            outputs = known_outputs(self.plan(kfplan_plan::Mode::Apply, &Selection::default()).await?.plan());
        }
        self.append(&[Entry::Outputs { values: outputs.clone() }])?;
        Ok(outputs)
    }
}

fn moved(decided: &Decided) -> Vec<Entry> {
    decided.moved.iter().map(|(from, to)| Entry::Moved { from: from.clone(), to: to.clone() }).collect()
}

/// The outputs that are known and not secret.
fn known_outputs(plan: &Plan) -> BTreeMap<String, Json> {
    plan.outputs
        .iter()
        .filter_map(
            |(name, shown)| if let Shown::Value(value) = shown { Some((name.clone(), value.clone())) } else { None },
        )
        .collect()
}

/// The options that a saved plan was made with.
fn selection_of(saved: &Plan) -> Selection {
    let option = |name: &str| {
        saved
            .header
            .selection
            .iter()
            .filter_map(|text| text.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
            .collect()
    };
    Selection {
        targets: option("--target"),
        excludes: option("--exclude"),
        replace: option("--replace"),
        adopt: saved.header.adopt.iter().cloned().collect(),
        confirm_replace: saved.header.confirmed.iter().cloned().collect(),
        lift_containers: saved.header.mode == kfplan_plan::Mode::Destroy,
        ..Selection::default()
    }
}

/// The resources whose outputs the steps of a saved plan wait for.
fn late_of(saved: &Plan) -> BTreeSet<ResourceAddress> {
    let waits = saved.steps.iter().filter_map(|step| match &step.work {
        Work::Change(change) => Some(&change.waits),
        Work::Gate(_) => None,
    });
    waits.flatten().flat_map(|late| late.waits.iter().cloned()).collect()
}

/// The next line to type after a run that did not do all of its plan.
fn next_line(exit: Exit, plan: &Plan) -> Option<String> {
    let sandbox = if plan.header.sandbox { " --sandbox" } else { "" };
    let command = match plan.header.mode {
        kfplan_plan::Mode::Apply => "apply",
        kfplan_plan::Mode::Destroy => "destroy",
    };
    match exit {
        Exit::Interrupted => {
            Some(format!("`kfplan {command}{sandbox}` goes on from here; what was in flight is looked at first"))
        }
        Exit::Partial if !plan.kept.is_empty() => Some(format!(
            "`kfplan {command}{sandbox} --delete-data` lets user data go too; `--keep-protected` makes keeping it a success"
        )),
        Exit::Partial | Exit::Failed => {
            Some(format!("mend what failed, then `kfplan {command}{sandbox}` goes on from here"))
        }
        Exit::Stale => Some(format!("`kfplan plan{sandbox}` shows the world as it is now")),
        _ => None,
    }
}
