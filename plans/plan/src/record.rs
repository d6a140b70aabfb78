//! Records: what state remembers of one thing.

use std::collections::BTreeMap;

use kfplan_model::{Address, Path};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::change::Protection;
use crate::digest::{Digest, Sealed};
use crate::journal::Intent;
use crate::locator::Locator;
use crate::plan::EdgeKind;
use crate::run::RunId;

/// The version of [`Record`]'s shape that this build writes.
pub const RECORD_FORMAT: u32 = 1;

/// What is remembered of one ARM resource or object: enough to show old values, to
/// find drift, and to destroy without the stack file. Holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The shape, [`RECORD_FORMAT`].
    pub format: u32,
    /// What it is.
    pub address: Address,
    /// Where it is.
    pub locator: Locator,
    /// The identity of its cluster (uid of `kube-system`), for objects.
    pub cluster: Option<String>,
    /// Whether it is settled or in doubt.
    pub state: RecordState,
    /// Its uid. ARM: see [`crate::Live::uid`].
    pub uid: Option<String>,
    /// `resourceVersion` or eTag when last written.
    pub version: Option<String>,
    /// What it came after, and how: reversed for deletes.
    pub after: Vec<(Address, EdgeKind)>,
    /// What contains it.
    pub container: Option<Address>,
    /// The application that it was grouped under.
    pub application: Option<String>,
    /// What protects it.
    pub protection: Protection,
    /// Its outputs; sensitive ones are left out.
    pub outputs: BTreeMap<String, Json>,
    /// Digest of what was sent last, sealed (S). The body itself is stored by this digest.
    pub sent: Option<Digest>,
    /// Where the server's value differs from S at S's paths (A).
    pub differences: Vec<Difference>,
    /// The fields that our manager owned after the write (O): `fieldsV1`.
    pub owned: Option<Json>,
    /// Whether it existed before kfplan took it over.
    pub adopted: bool,
    /// The run that wrote it.
    pub run: RunId,
    /// Its place in the journal.
    pub sequence: u64,
}

/// Whether a record can be believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// The last call's outcome is recorded.
    Settled,
    /// A call was begun and its outcome is not recorded: the planner decides what came of it.
    InDoubt(Box<Intent>),
}

/// A value that the server keeps in another form than was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Where.
    pub path: Path,
    /// What the server keeps, which may be `null`; `None` where it dropped the field. Sealed at sensitive paths.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "kept")]
    pub value: Option<Json>,
}

/// A value that is stated, be it `null`: by itself serde would read that as none.
fn kept<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// A record with the body that was sent last.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The record.
    pub record: Record,
    /// S, sealed. `None` when nothing was sent yet or the body is lost.
    pub sent: Option<Sealed>,
}
