//! One operation end to end: opens, connects, plans, and hands over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kfplan_config::Mode as Load;
use kfplan_model::{Address, ResourceAddress, Stack};
use kfplan_plan::{InputDigest, Kinds, Mode, Note, Ownership, Plan, Recorded, StackKey};
use kfplan_planner::{Adoption, Answer, Answers, DriftAnswer, Input, Planned as Decided, StateIdentity};
use kfplan_store::{LockState, Snapshot, Store, current_holder};

use crate::connection::Connection;
use crate::dialogue::{self, Turn};
use crate::error::{Failure, SessionError};
use crate::kinds::kinds;
use crate::options::{Options, Selection, Wait};
use crate::place::Place;
use crate::render::Renderer;
use crate::stack::{environment_name, load};

/// A session on one stack and environment.
pub struct Session {
    pub(crate) options: Options,
    pub(crate) place: Place,
    pub(crate) stack: Stack,
    pub(crate) kinds: Kinds,
    pub(crate) connection: Option<Connection>,
    pub(crate) store: Option<Store>,
    pub(crate) state: State,
}

/// What was read of the state.
pub(crate) struct State {
    pub(crate) identity: StateIdentity,
    pub(crate) key: StackKey,
    pub(crate) records: BTreeMap<Address, Recorded>,
    pub(crate) snapshot: Option<Snapshot>,
}

/// A plan with what only its execution needs.
#[derive(Debug)]
pub struct Planned {
    pub(crate) decided: Decided,
    /// Steps that an interrupted run of this plan did already.
    pub(crate) done: BTreeSet<usize>,
    /// Whether what is kept is no failure.
    pub(crate) keep_protected: bool,
    /// The id under which it is journalled.
    pub(crate) id: String,
}

impl Planned {
    /// What is shown.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.decided.plan
    }
}

/// What `drift` found.
#[derive(Debug)]
pub struct Found {
    /// What differs from what was applied.
    pub drift: Vec<kfplan_plan::Drift>,
    /// What could not be looked at.
    pub undecided: Vec<Note>,
    /// How many recorded things were looked at.
    pub checked: usize,
}

impl Session {
    /// Reads the stack file. Talks to nobody yet.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the stack file, or a state that cannot be read.
    pub fn open(options: Options) -> Result<Self, SessionError> {
        crate::tls::install();
        let place = Place::of(&options);
        let stack = load(&options, Load::Plan)?;
        let state = State::read(&options)?;
        Ok(Self { options, place, stack, kinds: kinds(), connection: None, store: None, state })
    }

    /// What the session works on, for the first line of output.
    #[must_use]
    pub fn banner(&self) -> String {
        let sandbox = if self.options.sandbox { "SANDBOX  " } else { "" };
        format!(
            "{sandbox}stack {}, environment {}: {} resources",
            self.stack.name,
            self.stack.environment,
            self.stack.resources.len()
        )
    }

    /// Signs in, or starts the sandbox.
    ///
    /// # Errors
    ///
    /// When the credential, subscription, or sandbox cannot be had.
    pub async fn connect(mut self) -> Result<Self, SessionError> {
        if self.state.snapshot.is_none() {
            self.give_birth()?;
        }
        let ownership = self.ownership();
        self.connection =
            Some(Connection::open(&self.options, &self.place, &self.stack, &self.state, ownership).await?);
        Ok(self)
    }

    /// The stack's name.
    #[must_use]
    pub fn stack_name(&self) -> &str {
        &self.stack.name
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.stack.environment
    }

    /// Refuses to keep state in a folder that a pipeline throws away.
    ///
    /// # Errors
    ///
    /// With `CI` set and no `[state]`, the sandbox aside.
    pub fn may_keep_state(&self, sandbox: bool) -> Result<(), SessionError> {
        let stated = self
            .place
            .read(self.place.stack_file())?
            .parse::<toml::Table>()
            .is_ok_and(|table| table.contains_key("state"));
        let ci = self.options.variables.get("CI").is_some_and(|value| !value.is_empty() && value != "false");
        if ci && !sandbox && !stated {
            let help = "say `[state] backend = \"local\"` if this runner keeps its folder, or run with `--sandbox`";
            return Err(Failure::new(
                "state::ci",
                "`CI` is set, and the state would be kept in a folder that a runner throws away",
                help,
            )
            .into());
        }
        Ok(())
    }

    /// Takes the lock of the state.
    ///
    /// # Errors
    ///
    /// When somebody else holds it after `--lock-timeout`: who, where, since when.
    pub async fn lock(&mut self, command: &str) -> Result<(), SessionError> {
        let store = crate::state::open(&self.options, command)?;
        self.state = State::of(store.snapshot()?)?;
        self.store = Some(store);
        Ok(())
    }

    pub(crate) fn connection(&self) -> Result<&Connection, SessionError> {
        self.connection.as_ref().ok_or_else(|| {
            Failure::new("session", "the session is not connected", "this is a bug of kfplan; please report it").into()
        })
    }

    /// Plans: asks whatever must be known, and decides.
    ///
    /// # Errors
    ///
    /// Everything that stands in the way of a plan.
    pub async fn plan(&mut self, mode: Mode, selection: &Selection) -> Result<Planned, SessionError> {
        self.plan_late(mode, selection, BTreeSet::new()).await
    }

    /// As [`Session::plan`], with the outputs of `late` taken as known only after apply.
    pub(crate) async fn plan_late(
        &mut self,
        mode: Mode,
        selection: &Selection,
        late: BTreeSet<ResourceAddress>,
    ) -> Result<Planned, SessionError> {
        let connection = self.connection()?;
        let renderer = Renderer::new(&self.options, Some(&self.stack), false)?;
        let inputs = self.inputs()?;
        let ownership = self.ownership();
        let options = kfplan_planner::Options { late, ..planner_options(selection) };
        let mut answers = Answers::default();
        let turn = |answers: &Answers, extra_notes: &[Note]| -> Result<Turn<Decided>, SessionError> {
            let input = Input {
                stack: Some(&self.stack),
                mode,
                records: &self.state.records,
                kinds: &self.kinds,
                state: &self.state.identity,
                key: &self.state.key,
                ownership: &ownership,
                answers,
                options: &options,
                inputs: &inputs,
                subscription: connection.subscription(),
                tenant: connection.tenant(),
                kfplan: env!("CARGO_PKG_VERSION"),
                sandbox: self.options.sandbox,
                extra_notes,
            };
            Ok(match kfplan_planner::plan(&input)? {
                Answer::Plan(planned) => Turn::End(*planned),
                Answer::Ask(questions) => Turn::Ask(questions),
            })
        };
        let mut decided =
            dialogue::hold(&mut answers, connection.provider(), &renderer, |answers| turn(answers, &[])).await?;
        // What Azure's own lists say matters only where something of Azure changes.
        let notes = crate::preflight::notes(connection, &self.stack, &decided, &answers).await;
        if !notes.is_empty() {
            decided =
                dialogue::hold(&mut answers, connection.provider(), &renderer, |answers| turn(answers, &notes)).await?;
        }
        let id = decided.plan.id();
        Ok(Planned { decided, done: BTreeSet::new(), keep_protected: selection.keep_protected, id })
    }

    /// Looks for what changed behind our back. Reads only; waits for a running apply.
    ///
    /// # Errors
    ///
    /// When nothing is recorded, or an apply runs longer than `--lock-timeout`.
    pub async fn drift(&mut self) -> Result<Found, SessionError> {
        self.wait_for_apply().await?;
        self.state = State::read(&self.options)?;
        let connection = self.connection()?;
        let renderer = Renderer::new(&self.options, None, false)?;
        let ownership = self.ownership();
        let options = kfplan_planner::Options::default();
        let mut answers = Answers::default();
        let drifted = dialogue::hold(&mut answers, connection.provider(), &renderer, |answers| {
            let input = Input {
                stack: Some(&self.stack),
                mode: Mode::Apply,
                records: &self.state.records,
                kinds: &self.kinds,
                state: &self.state.identity,
                key: &self.state.key,
                ownership: &ownership,
                answers,
                options: &options,
                inputs: &[],
                subscription: connection.subscription(),
                tenant: connection.tenant(),
                kfplan: env!("CARGO_PKG_VERSION"),
                sandbox: self.options.sandbox,
                extra_notes: &[],
            };
            Ok(match kfplan_planner::drift(&input)? {
                DriftAnswer::Drifted(drifted) => Turn::End(drifted),
                DriftAnswer::Ask(questions) => Turn::Ask(questions),
            })
        })
        .await?;
        Ok(crate::outcome::found(drifted, self.state.records.len()))
    }

    async fn wait_for_apply(&self) -> Result<(), SessionError> {
        let folder = self.place.state(&environment_name(&self.options));
        let until = std::time::Instant::now() + self.options.lock_timeout;
        while let LockState::Held(holder) = current_holder(&folder)? {
            if std::time::Instant::now() >= until {
                let holder = holder.map(Box::new);
                return Err(kfplan_store::StoreError::Locked { path: folder, holder }.into());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Makes an empty state, so that what is planned first and what is applied then carry the same lineage.
    fn give_birth(&mut self) -> Result<(), SessionError> {
        let store = crate::state::open(&self.options, "plan")?;
        self.state = State::of(store.snapshot()?)?;
        store.close()?;
        Ok(())
    }

    pub(crate) fn ownership(&self) -> Ownership {
        Ownership {
            stack: self.stack.name.clone(),
            environment: self.stack.environment.clone(),
            lineage: self.state.identity.lineage.clone(),
            manager: format!("kfplan:{}", self.stack.name),
        }
    }

    /// Digests of the stack file and of every variable. Keyed, since variables may be secret.
    fn inputs(&self) -> Result<Vec<InputDigest>, SessionError> {
        let text = self.place.read(self.place.stack_file())?;
        let keyed = |name: String, bytes: &[u8]| InputDigest { digest: self.state.key.digest("input", bytes), name };
        let mut inputs = vec![keyed(self.options.stack_file.clone(), text.as_bytes())];
        for (name, value) in &self.stack.scope.vars {
            let mut marked = crate::fields::Marked::default();
            let json = marked.settle_known(value);
            inputs.push(keyed(format!("var.{name}"), json.to_string().as_bytes()));
        }
        Ok(inputs)
    }

    /// Writes a plan to a file that `apply` takes.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn save(&self, planned: &Planned, file: &Path) -> Result<(), SessionError> {
        let file = self.options.directory.join(file);
        std::fs::write(&file, planned.plan().to_file(&self.state.key))
            .map_err(|error| SessionError::system(&format!("write `{}`", file.display()), &error))
    }

    /// Ends the session: the sandbox, if this process started it, and the lock.
    pub async fn close(&mut self) {
        if let Some(store) = self.store.take() {
            // Everything is in the journal already; closing only spares the next opener work.
            let _ = store.close();
        }
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
    }
}

impl State {
    /// The state of the selected environment as it is now, without a lock.
    pub(crate) fn read(options: &Options) -> Result<Self, SessionError> {
        match crate::state::snapshot(options)? {
            Some(snapshot) => Self::of(snapshot),
            None => {
                let birth = crate::clock::birth()?;
                let identity = StateIdentity { lineage: birth.lineage, ..StateIdentity::default() };
                Ok(Self { identity, key: birth.key, records: BTreeMap::new(), snapshot: None })
            }
        }
    }

    pub(crate) fn of(snapshot: Snapshot) -> Result<Self, SessionError> {
        let identity = StateIdentity {
            lineage: snapshot.lineage().to_owned(),
            serial: snapshot.serial(),
            bindings: snapshot.bindings().clone(),
        };
        let key = match snapshot.key() {
            Some(key) => key.clone(),
            None => crate::clock::birth()?.key,
        };
        let mut records = BTreeMap::new();
        for address in snapshot.records().keys() {
            if let Some(recorded) = snapshot.recorded(address)? {
                records.insert(address.clone(), recorded);
            }
        }
        Ok(Self { identity, key, records, snapshot: Some(snapshot) })
    }
}

fn planner_options(selection: &Selection) -> kfplan_planner::Options {
    let adopt = if selection.adopt.iter().any(|what| what == "all") {
        Adoption::All
    } else {
        Adoption::Only(selection.adopt.iter().cloned().collect())
    };
    kfplan_planner::Options {
        targets: selection.targets.clone(),
        excludes: selection.excludes.clone(),
        replace: selection.replace.clone(),
        adopt,
        confirm_replace: selection.confirm_replace.iter().cloned().collect(),
        delete_data: selection.delete_data,
        keep_protected: selection.keep_protected,
        lift_containers: selection.lift_containers,
        refresh: selection.refresh,
        wait: match selection.wait {
            Wait::Ready => kfplan_planner::Wait::Ready,
            Wait::Gates => kfplan_planner::Wait::Gates,
            Wait::None => kfplan_planner::Wait::None,
        },
        allow_unreachable: selection.allow_unreachable,
        ..kfplan_planner::Options::default()
    }
}

/// Reads a plan file to look at it; needs no state.
///
/// # Errors
///
/// When it is no plan file of this format.
pub fn peek(file: &Path) -> Result<Plan, SessionError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| SessionError::system(&format!("read `{}`", file.display()), &error))?;
    Ok(Plan::peek(&text).map_err(|error| {
        Failure::new("plan_file", format!("`{}`: {error}", file.display()), "take a file that `kfplan plan -o` wrote")
    })?)
}
