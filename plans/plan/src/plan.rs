//! The plan: steps, edges between them, and all that a reviewer is told.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::{Address, ResourceAddress};
use serde::{Deserialize, Serialize};

use crate::change::{Change, Drift, Kept, Shown};
use crate::digest::{Digest, StackKey};
use crate::gate::Gate;
use crate::note::{Note, Severity};

/// The version of the plan file's shape that this build reads and writes.
pub const PLAN_FORMAT: u32 = 1;

/// What `apply` would do. Serialisable; holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What it was made from, and for what it is valid.
    pub header: Header,
    /// The groups that steps are shown under, in order of first appearance in the stack.
    pub groups: Vec<Group>,
    /// Every step. Edges and events name them by their place here.
    pub steps: Vec<Step>,
    /// What waits for what.
    pub edges: Vec<Edge>,
    /// What is wanted gone but stays.
    pub kept: Vec<Kept>,
    /// What changed behind kfplan's back since the last apply.
    pub drift: Vec<Drift>,
    /// What else is to be said.
    pub notes: Vec<Note>,
    /// The stack's outputs after apply.
    pub outputs: BTreeMap<String, Shown>,
}

/// What a plan was made from, and for what it is valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`PLAN_FORMAT`].
    pub format: u32,
    /// The kfplan that made it.
    pub kfplan: String,
    /// The stack.
    pub stack: String,
    /// The environment.
    pub environment: String,
    /// Whether it is for the simulated cloud.
    pub sandbox: bool,
    /// Apply or destroy.
    pub mode: Mode,
    /// The state's lineage.
    pub lineage: String,
    /// The state's serial when it was read.
    pub serial: u64,
    /// Every file, variable and repo that went in.
    pub inputs: Vec<InputDigest>,
    /// Azure tenant, if known.
    pub tenant: Option<String>,
    /// Azure subscription id, if the stack needs Azure.
    pub subscription: Option<String>,
    /// Each cluster's identity; `None` for one that comes with this plan.
    pub clusters: BTreeMap<ResourceAddress, Option<String>>,
    /// Addresses whose replacement or deletion was confirmed with `--confirm-replace`.
    pub confirmed: BTreeSet<String>,
    /// Addresses that may be adopted.
    pub adopt: BTreeSet<String>,
    /// `--target` and `--exclude`, as given.
    pub selection: Vec<String>,
    /// Further options that it was made with, as given, so that it can be planned again for a saved plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// Apply or destroy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Make the world match the stack.
    Apply,
    /// Take all of it down.
    Destroy,
}

/// One input and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDigest {
    /// Such as `kfplan.toml`, `@manifests`, or `var.location`.
    pub name: String,
    /// Keyed where the input may be secret.
    pub digest: Digest,
}

/// A resource, or one application of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The resource.
    pub resource: ResourceAddress,
    /// The application inside it.
    pub application: Option<String>,
    /// How many of its nodes have nothing to do.
    pub unchanged: u32,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it is about.
    pub address: Address,
    /// The group it is shown under: a place in [`Plan::groups`].
    pub group: u32,
    /// What it does.
    pub work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Changes something.
    Change(Box<Change>),
    /// Waits for something.
    Gate(Box<Gate>),
}

impl Work {
    /// The change, if it is one.
    #[must_use]
    pub fn change(&self) -> Option<&Change> {
        match self {
            Self::Change(change) => Some(change),
            Self::Gate(_) => None,
        }
    }
}

/// `to` waits for `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// The step that comes first: a place in [`Plan::steps`].
    pub from: u32,
    /// The step that waits.
    pub to: u32,
    /// Why.
    pub kind: EdgeKind,
}

/// Why one step waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// The other must have been accepted.
    AfterApplied,
    /// A gate on the other must be open.
    AfterReady,
    /// The other contains it.
    ContainedIn,
}

/// A plan file that is refused.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// Not a plan file at all.
    #[error("it is not a plan file of kfplan: {0}")]
    Malformed(String),
    /// Written by a newer or older kfplan.
    #[error("it has format {found}, and this kfplan reads format {PLAN_FORMAT}")]
    Format {
        /// The format it says.
        found: u64,
    },
    /// Edited, or made with another state's key.
    #[error("it was edited, or was made with another state: its authentication code does not match")]
    Forged,
}

#[derive(Serialize, Deserialize)]
struct PlanFile {
    kfplan_plan: u32,
    id: String,
    code: Digest,
    plan: Box<serde_json::value::RawValue>,
}

impl Plan {
    /// The plan's id: the first 12 hexadecimal digits of its digest. Equal plans have equal ids.
    #[must_use]
    pub fn id(&self) -> String {
        Digest::of(self.text().as_bytes()).as_str().chars().take(12).collect()
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("a plan has only string keys and finite numbers")
    }

    /// Whether there is anything to do.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.changes().next().is_some()
    }

    /// The steps that change something, with their places.
    pub fn changes(&self) -> impl Iterator<Item = (usize, &Step, &Change)> {
        self.steps.iter().enumerate().filter_map(|(place, step)| Some((place, step, step.work.change()?)))
    }

    /// Whether a note stops `apply`.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.notes.iter().any(|note| note.severity == Severity::Blocks)
    }

    /// The plan as a file that is authenticated with the stack's key.
    #[must_use]
    pub fn to_file(&self, key: &StackKey) -> String {
        let text = self.text();
        let file = PlanFile {
            kfplan_plan: PLAN_FORMAT,
            id: self.id(),
            code: key.digest("plan", text.as_bytes()),
            plan: serde_json::value::RawValue::from_string(text).expect("the text was just made as JSON"),
        };
        serde_json::to_string(&file).expect("a plan file has only string keys") + "\n"
    }

    /// Reads a plan file.
    ///
    /// # Errors
    ///
    /// [`PlanFileError`] when it is no plan file, of another format, or not authentic.
    pub fn from_file(text: &str, key: &StackKey) -> Result<Self, PlanFileError> {
        let plan = Self::plan_text(text)?;
        if !key.verifies("plan", plan.plan.get().as_bytes(), &plan.code) {
            return Err(PlanFileError::Forged);
        }
        serde_json::from_str(plan.plan.get()).map_err(|error| PlanFileError::Malformed(error.to_string()))
    }

    /// Reads a plan file to look at it, without the key: `show` needs no state. Never apply what this gives.
    ///
    /// # Errors
    ///
    /// [`PlanFileError`] when it is no plan file, or of another format.
    pub fn peek(text: &str) -> Result<Self, PlanFileError> {
        let plan = Self::plan_text(text)?;
        serde_json::from_str(plan.plan.get()).map_err(|error| PlanFileError::Malformed(error.to_string()))
    }

    fn plan_text(text: &str) -> Result<PlanFile, PlanFileError> {
        let malformed = |error: serde_json::Error| PlanFileError::Malformed(error.to_string());
        let version: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        match version.get("kfplan_plan").and_then(serde_json::Value::as_u64) {
            None => Err(PlanFileError::Malformed("the field `kfplan_plan` is missing".to_owned())),
            Some(found) if found != u64::from(PLAN_FORMAT) => Err(PlanFileError::Format { found }),
            Some(_) => serde_json::from_str(text).map_err(malformed),
        }
    }
}

impl StackKey {
    /// Whether `code` is the keyed digest of `bytes`, compared in constant time.
    #[must_use]
    pub fn verifies(&self, purpose: &str, bytes: &[u8], code: &Digest) -> bool {
        // Digests of both are compared, so that timing tells nothing about the code.
        let tag = |digest: &Digest| self.digest("compare", digest.as_str().as_bytes());
        tag(code) == tag(&self.digest(purpose, bytes))
    }
}
