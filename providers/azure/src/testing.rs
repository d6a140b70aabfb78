//! What the tests of this crate share: recordings of the real Azure, and records as a run leaves them.

use std::path::PathBuf;

use kfplan_plan::{
    Desired, Digest, Locator, Ownership, Protection, RECORD_FORMAT, Record, RecordState, Recorded, RunId, StackKey,
};
use serde_json::Value as Json;

use crate::bodies;

/// The folder with the recordings; `None`, said loudly, where it is not there.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("KFPLAN_SHARED").map_or(root, PathBuf::from).join("azure/recordings");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the recordings are missing at {}", folder.display());
    // The one place of this crate that prints: a skipped test must be seen.
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: no recordings at {}", folder.display());
    None
}

/// One recorded exchange, such as `gpu-pool/06-get-cluster`.
pub(crate) fn recording(name: &str) -> Option<Json> {
    let text = std::fs::read_to_string(shared()?.join(format!("{name}.json"))).expect("a recording");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// The answer's body of a recorded exchange.
pub(crate) fn answer(name: &str) -> Option<Json> {
    Some(recording(name)?.get("response_body")?.clone())
}

pub(crate) fn ownership() -> Ownership {
    Ownership {
        stack: "kubeflow".to_owned(),
        environment: "default".to_owned(),
        lineage: "l-1".to_owned(),
        manager: "kfplan:kubeflow".to_owned(),
    }
}

pub(crate) const fn key() -> StackKey {
    StackKey::from_bytes([7; 32])
}

/// The record that an accepted write of `desired` leaves, when Azure made `live` of it.
pub(crate) fn recorded(address: &str, locator: &Locator, desired: &Desired, live: &Json) -> Recorded {
    let sent = key().seal(desired.body.clone(), &desired.sensitive);
    Recorded {
        record: Record {
            format: RECORD_FORMAT,
            address: address.parse().expect("an address"),
            locator: locator.clone(),
            cluster: None,
            state: RecordState::Settled,
            uid: None,
            version: None,
            after: Vec::new(),
            container: None,
            application: None,
            protection: Protection::None,
            outputs: [].into(),
            sent: Some(Digest::of_json(sent.body())),
            differences: bodies::differences(&desired.body, live),
            owned: None,
            adopted: false,
            run: RunId("r".to_owned()),
            sequence: 1,
        },
        sent: Some(sent),
    }
}
