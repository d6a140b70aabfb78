//! What planning takes, and what it gives.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::{Address, ResourceAddress, Stack};
use kfplan_plan::{
    Container, Discovery, DryRun, DryRunAnswer, InputDigest, Kinds, Live, Locator, Mode, Note, Observation, Ownership,
    Payload, Plan, Record, Recorded, RenderRequest, Rendered, StackKey, Trouble,
};

/// All that is known. Equal inputs give equal answers.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The stack file, evaluated. `None` to destroy, or to look for drift, from the state alone.
    pub stack: Option<&'a Stack>,
    /// Apply or destroy.
    pub mode: Mode,
    /// What state remembers.
    pub records: &'a BTreeMap<Address, Recorded>,
    /// Every resource type.
    pub kinds: &'a Kinds,
    /// Whose state it is.
    pub state: &'a StateIdentity,
    /// The state's key.
    pub key: &'a StackKey,
    /// Whose marks are ours.
    pub ownership: &'a Ownership,
    /// The answers to all questions so far.
    pub answers: &'a Answers,
    /// What the person asked for.
    pub options: &'a Options,
    /// Digests of what went in, beside what was rendered.
    pub inputs: &'a [InputDigest],
    /// The subscription's id, if the stack needs Azure.
    pub subscription: Option<&'a str>,
    /// The tenant's id, if known.
    pub tenant: Option<&'a str>,
    /// The version of kfplan.
    pub kfplan: &'a str,
    /// Whether it is for the simulated cloud.
    pub sandbox: bool,
    /// What others have to say, such as what Azure's own lists tell of sizes and versions.
    pub extra_notes: &'a [Note],
}

/// Whose state it is, and what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateIdentity {
    /// The random name of the state.
    pub lineage: String,
    /// Its serial when it was read.
    pub serial: u64,
    /// Identities that it is bound to: `tenant`, `subscription`, and `cluster:ADDRESS`, as the journal names them.
    pub bindings: BTreeMap<String, String>,
}

/// What the person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `--target`, as given: only these and what they wait for.
    pub targets: Vec<String>,
    /// `--exclude`, as given: all but these and what waits for them.
    pub excludes: Vec<String>,
    /// `--replace`, as given.
    pub replace: Vec<String>,
    /// `[[import]]` and `--adopt`: what may be taken over.
    pub adopt: Adoption,
    /// `--confirm-replace`: protected things that may be replaced or deleted.
    pub confirm_replace: BTreeSet<String>,
    /// `--delete-data`: a destroy deletes user data.
    pub delete_data: bool,
    /// `--keep-protected`: what is kept is no failure. Changes no step; the exit code is the session's.
    pub keep_protected: bool,
    /// Whether a destroy was confirmed with the stack's name, which lifts the protection of clusters and groups.
    pub lift_containers: bool,
    /// `--refresh`: whether recorded things are looked at. Without it they are taken to be as they were left.
    pub refresh: bool,
    /// `--wait`.
    pub wait: Wait,
    /// `--allow-unreachable`: contents of a cluster that does not answer are left out.
    pub allow_unreachable: bool,
    /// Resources whose outputs are taken as known only after apply, though they may be known by now: those that
    /// the steps of a saved plan wait for, when it is continued.
    pub late: BTreeSet<ResourceAddress>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            excludes: Vec::new(),
            replace: Vec::new(),
            adopt: Adoption::default(),
            confirm_replace: BTreeSet::new(),
            delete_data: false,
            keep_protected: false,
            lift_containers: false,
            refresh: true,
            wait: Wait::Ready,
            allow_unreachable: false,
            late: BTreeSet::new(),
        }
    }
}

impl Options {
    /// The options that a saved plan was made with, so that it can be made again. What its steps wait for stays
    /// late, though it may be known by now.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut options = Self::default();
        let header = &plan.header;
        for (name, value) in header.selection.iter().chain(&header.options).map(|text| split(text)) {
            match name {
                "--target" => options.targets.push(value.to_owned()),
                "--exclude" => options.excludes.push(value.to_owned()),
                "--replace" => options.replace.push(value.to_owned()),
                "--delete-data" => options.delete_data = true,
                "--keep-protected" => options.keep_protected = true,
                "--confirm" => options.lift_containers = true,
                "--refresh=false" => options.refresh = false,
                "--wait=gates" => options.wait = Wait::Gates,
                "--wait=none" => options.wait = Wait::None,
                "--allow-unreachable" => options.allow_unreachable = true,
                _ => {}
            }
        }
        options.confirm_replace.clone_from(&header.confirmed);
        options.adopt = if header.adopt.contains("*") { Adoption::All } else { Adoption::Only(header.adopt.clone()) };
        let waits = plan.changes().flat_map(|(_, _, change)| &change.waits);
        options.late = waits.flat_map(|late| late.waits.iter().cloned()).collect();
        options
    }

    /// The options that a plan's header has no other place for, as they would be typed.
    pub(crate) fn further(&self) -> Vec<String> {
        let mut further: Vec<String> = self.replace.iter().map(|name| format!("--replace {name}")).collect();
        let given = [
            (self.delete_data, "--delete-data"),
            (self.keep_protected, "--keep-protected"),
            (self.lift_containers, "--confirm"),
            (!self.refresh, "--refresh=false"),
            (self.wait == Wait::Gates, "--wait=gates"),
            (self.wait == Wait::None, "--wait=none"),
            (self.allow_unreachable, "--allow-unreachable"),
        ];
        further.extend(given.iter().filter(|(is_given, _)| *is_given).map(|(_, name)| (*name).to_owned()));
        further
    }
}

/// The name of an option and its value.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// What may be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    /// Whatever the stack wants and finds.
    All,
    /// These addresses, and the objects of these resources.
    Only(BTreeSet<String>),
}

impl Default for Adoption {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// What an apply waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wait {
    /// Until everything that changes is ready.
    #[default]
    Ready,
    /// Only for what other steps need to be ready.
    Gates,
    /// Not for readiness; only for what order demands (a CRD that must be established).
    None,
}

/// The answers to all questions so far.
#[derive(Clone, Default)]
pub struct Answers {
    /// To [`Question::Observe`].
    pub observations: BTreeMap<Locator, Observation>,
    /// To [`Question::DryRun`].
    pub dry_runs: BTreeMap<Address, DryRunAnswer>,
    /// To [`Question::Discover`].
    pub discoveries: BTreeMap<ResourceAddress, Result<Discovery, Trouble>>,
    /// To [`Question::Render`], with the request that was answered.
    pub rendered: BTreeMap<ResourceAddress, (RenderRequest, Rendered)>,
    /// To [`Question::Survey`].
    pub surveys: BTreeMap<Container, Result<Vec<(Locator, Live)>, Trouble>>,
}

/// What planning gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The plan.
    Plan(Box<Planned>),
    /// What must be known first. All of it can be found out at once.
    Ask(Vec<Question>),
}

/// Something that must be known first.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// What is there?
    Observe(Locator),
    /// What would the server make of this?
    DryRun(Address, Box<DryRun>),
    /// What does this cluster serve, and who is it?
    Discover(ResourceAddress),
    /// What do these manifests render to? Needs files, so that the session answers it.
    Render(Box<RenderRequest>),
    /// What does this hold that would go with it?
    Survey(Container),
}

/// A plan, with what only its execution needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What is shown, saved, and carried out.
    pub plan: Plan,
    /// The body of each step, by its place; `None` where nothing is sent.
    pub payloads: Vec<Option<Payload>>,
    /// For each step the record as it will be once the step is done, but for what only the service can say: uid,
    /// version, differences, owned fields and outputs. For a delete or forget: the record that will be dropped.
    pub templates: Vec<Option<Record>>,
    /// For each step the record as it is before it, none before a create; for what is replaced without having one,
    /// made of what was seen.
    pub before: Vec<Option<Record>>,
    /// Records that are dropped as soon as the thing of a step is deleted, by the step's place: the contents of a
    /// container that goes.
    pub contents: BTreeMap<usize, Vec<Address>>,
    /// Records that have another address now: from, to. Journalled before the first step.
    pub moved: Vec<(Address, Address)>,
}
