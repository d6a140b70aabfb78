//! One change: what is done to one thing, why, and under which condition.

use kfplan_model::{Address, Late, Path};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::digest::Digest;
use crate::locator::{Endpoint, Locator};

/// What is done to one thing. There is no action for "nothing".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It exists without our mark, and becomes ours.
    Adopt,
    /// It is changed in place.
    Update,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Delete,
    /// Its record is dropped and the thing is left alone.
    Forget,
    /// Only the record is brought up to date (after an interrupted run).
    Refresh,
}

/// A value as a plan shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// There is none.
    Absent,
    /// The value.
    Value(Json),
    /// It is secret; equal secrets of one stack have equal tags (8 hexadecimal digits of the keyed hash).
    Secret(String),
    /// Known after apply; the expression that gives it.
    Late(Late),
    /// Not recorded.
    Unknown,
}

/// A field that a change alters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where.
    pub path: Path,
    /// What is there now.
    pub old: Shown,
    /// What will be there.
    pub new: Shown,
    /// Why the field makes the whole thing be replaced, if it does.
    pub replaces: Option<String>,
}

/// A field that differs from what was applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// What drifted.
    pub address: Address,
    /// Where; the empty path when the whole thing is gone or was replaced under a new uid.
    pub path: Path,
    /// What was applied.
    pub old: Shown,
    /// What is there.
    pub new: Shown,
    /// Who wrote it, when that is recorded.
    pub witness: Option<Witness>,
}

/// Who wrote a field, as `managedFields` records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The field manager.
    pub manager: String,
    /// The operation, `Apply` or `Update`.
    pub operation: String,
    /// RFC 3339 time, when recorded.
    pub time: Option<String>,
}

/// Whether the server has seen what will be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// It accepted a dry run, or the service has none and the body is checked against its rules.
    Server,
    /// It could not be asked; what was checked instead, and why.
    Offline(String),
}

/// What must still hold when the step starts. Nothing else stales it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// Nothing is there.
    Absent,
    /// This very thing is there, and at the paths that the step reads or writes it has these values and owners.
    Present {
        /// Its uid.
        uid: Option<String>,
        /// The fast path: `resourceVersion` or eTag at the time of planning.
        version: Option<String>,
        /// Keyed digest of values and owners at those paths.
        fields: Digest,
    },
    /// Whatever is there. Only for what was created by this very plan.
    Anything,
}

/// What protects a thing from an implied delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// Nothing does.
    None,
    /// Built in for clusters and resource groups: `destroy` lifts it once the stack's name is given.
    Container,
    /// Built in for user data: `--delete-data` lifts it.
    UserData,
    /// Adopted shared infrastructure (namespaces, CRDs, cluster-scoped objects): never deleted by default.
    Adopted,
    /// `prevent_destroy = true`: nothing lifts it.
    Explicit,
}

/// What is wanted gone but stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What stays.
    pub address: Address,
    /// What protects it.
    pub protection: Protection,
    /// Why, in words, with what would be lost.
    pub why: String,
    /// The flag or line that would let it go, if any.
    pub lift: Option<String>,
}

/// The old thing of a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Where it is; differs from the new place when it shall go last.
    pub locator: Locator,
    /// What must still hold of it.
    pub precondition: Precondition,
    /// `lifecycle.create_before_destroy`: the new thing is made before this one goes.
    pub create_first: bool,
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// To what.
    pub locator: Locator,
    /// Which service is asked.
    pub endpoint: Endpoint,
    /// Steps with the same key never run at once: the AKS cluster that they alter.
    pub exclusive: Option<String>,
    /// The fields that change.
    pub fields: Vec<FieldChange>,
    /// Whether the server has seen it.
    pub verified: Verified,
    /// What must still hold.
    pub precondition: Precondition,
    /// The old thing of a [`Action::Replace`] that is not simply deleted first at the same place; `None`
    /// otherwise. With it, `precondition` is about the new place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Box<Replaced>>,
    /// Keyed digest of the payload; `None` for a delete or forget.
    pub payload: Option<Digest>,
    /// Paths taken from other managers.
    pub force: Vec<Path>,
    /// The resources whose outputs fill holes of the payload.
    pub waits: Vec<Late>,
    /// What contains it: when that goes, this goes with it.
    pub container: Option<Address>,
    /// What protects it from now on.
    pub protection: Protection,
    /// How long it usually takes, in milliseconds: for the longest path, and for the reader.
    pub expected: u64,
    /// How long it may take, in seconds.
    pub timeout: u64,
    /// Why it is done, beyond its fields.
    pub reasons: Vec<String>,
}
