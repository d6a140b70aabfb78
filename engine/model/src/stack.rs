//! The stack: what a stack file says, with everything evaluated that can be
//! without looking at the world.
//!
//! `config` makes it. `for_each` and `enabled` are done: each instance is a
//! [`Resource`] of its own, and what is not enabled is not here. A leaf that reads
//! another resource's output is a [`Value::Late`] that the planner resolves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::address::ResourceAddress;
use crate::path::Path;
use crate::value::Value;

/// A place in the stack file, both counted from 1. `0` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// All that one stack file says, for one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// `[stack] name`.
    pub name: String,
    /// The environment that was selected; `default` without `--env`, `sandbox` or `sandbox-NAME` in the sandbox.
    pub environment: String,
    /// `[azure]`, if the file has it.
    pub azure: Option<AzureSettings>,
    /// `[repos.NAME]`, by name.
    pub repos: BTreeMap<String, Repo>,
    /// Every resource instance, by address.
    pub resources: BTreeMap<ResourceAddress, Resource>,
    /// `[[moved]]`, in file order.
    pub moved: Vec<Moved>,
    /// `[[removed]]`, in file order.
    pub removed: Vec<Removed>,
    /// `[outputs]`, in name order.
    pub outputs: Vec<Output>,
    /// The values that late expressions may read beside resources: `vars` and `env`.
    pub scope: Scope,
    /// Warnings about the file that do not stop anything, each a full sentence.
    pub warnings: Vec<String>,
}

/// The roots of an expression that are known from the start.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// `vars`, by name. Sensitive ones are marked.
    pub vars: BTreeMap<String, Value>,
    /// `env.name`.
    pub env_name: String,
}

/// `[azure]`: whose cloud it is and how to sign in.
#[derive(Debug, Clone, PartialEq)]
pub struct AzureSettings {
    /// Subscription id or display name. `None` only where `validate` could not resolve it.
    pub subscription: Option<String>,
    /// Tenant id, if stated.
    pub tenant: Option<String>,
    /// `auto`, or one credential of DESIGN section 5 by name.
    pub credential: String,
    /// `public`, `china`, or `usgov`.
    pub cloud: String,
}

/// `[repos.NAME]`: where manifests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    /// The name, used as `@NAME/path`.
    pub name: String,
    /// Where it is.
    pub source: RepoSource,
    /// Where the file says so.
    pub at: Position,
}

/// The two ways to name a repo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepoSource {
    /// An archive behind a URL.
    Url(String),
    /// A folder or an archive, relative to the stack file.
    Path(String),
}

/// One resource instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its address, with the `for_each` key.
    pub address: ResourceAddress,
    /// The fields of its type, checked against the schema, defaults filled in. Meta fields
    /// (`depends_on`, `lifecycle`, …) are not among them.
    pub fields: Value,
    /// Whether it is only read: `existing = true`.
    pub existing: bool,
    /// What it waits for: handles and expressions in its fields, and `depends_on`.
    pub depends_on: BTreeSet<ResourceAddress>,
    /// `each`, under `for_each`.
    pub each: Option<Each>,
    /// `lifecycle`.
    pub lifecycle: Lifecycle,
    /// `timeouts`, in seconds.
    pub timeouts: Timeouts,
    /// `[[….conflict]]`, in file order.
    pub conflicts: Vec<Conflict>,
    /// `[[….readiness]]`, in file order.
    pub readiness: Vec<Readiness>,
    /// Where `[TYPE.NAME]` stands.
    pub at: Position,
    /// Where each stated field stands, by its path in `fields`.
    pub positions: BTreeMap<Path, Position>,
}

/// `each.key` and `each.value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Each {
    /// The key.
    pub key: Arc<str>,
    /// The value.
    pub value: Value,
}

/// `lifecycle`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// `prevent_destroy`: `None` leaves the built-in protection, `Some(true)` always holds,
    /// `Some(false)` lifts the built-in one for this resource.
    pub prevent_destroy: Option<bool>,
    /// Paths whose difference is never a change.
    pub ignore_changes: Vec<Path>,
    /// Whether a replacement is created before the old one goes.
    pub create_before_destroy: bool,
    /// Resources whose replacement replaces this one.
    pub replace_triggered_by: Vec<ResourceAddress>,
}

/// `timeouts`, in seconds; `None` takes the type's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// For a create.
    pub create: Option<u64>,
    /// For a change in place.
    pub update: Option<u64>,
    /// For a delete.
    pub delete: Option<u64>,
    /// Until ready.
    pub ready: Option<u64>,
}

/// Which objects a patch, a conflict rule, or a readiness rule is for. What is `None` or empty matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Target {
    /// The API group.
    pub group: Option<String>,
    /// The API version.
    pub version: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// Labels, all of which must be there.
    pub labels: BTreeMap<String, String>,
}

/// `[[….conflict]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The objects it is for.
    pub target: Target,
    /// The path, and everything below it.
    pub path: Path,
    /// What to do when another manager owns it.
    pub policy: ConflictPolicy,
}

/// What to do about a field that another manager owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Force our value.
    Take,
    /// Leave it to the other manager and stop sending it.
    Yield,
    /// Stop.
    Fail,
}

/// `[[….readiness]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The objects it is for.
    pub target: Target,
    /// Whether to wait for them at all.
    pub wait: bool,
    /// How long, in seconds.
    pub timeout: Option<u64>,
}

/// `[[moved]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The address that state may hold.
    pub from: ResourceAddress,
    /// The address of today.
    pub to: ResourceAddress,
    /// Where the file says so.
    pub at: Position,
}

/// `[[removed]]`: forget without deleting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What to forget.
    pub from: ResourceAddress,
    /// Where the file says so.
    pub at: Position,
}

/// One of `[outputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The name.
    pub name: String,
    /// The value, late where it reads a resource.
    pub value: Value,
    /// Where the file says so.
    pub at: Position,
}
