//! What a state folder promises.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kfplan_model::Address;
use kfplan_plan::{
    Action, ArmLocator, Digest, EdgeKind, Entry, Event, EventKind, Intent, Journal as _, Locator, Protection,
    RECORD_FORMAT, Record, RecordState, RunId, Sealed, StackKey,
};
use serde_json::json;

use super::*;

mod crash;
mod edit;
mod folder;
mod lock;
mod repair;
mod traps;

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn birth() -> Birth {
    Birth { lineage: "5e1f".to_owned(), key: StackKey::from_bytes([7; 32]) }
}

fn holder() -> Holder {
    Holder {
        pid: std::process::id(),
        host: "build-7".to_owned(),
        user: "ada".to_owned(),
        command: "kfplan apply".to_owned(),
        since: 1_795_516_953_000,
    }
}

fn open(folder: &Path) -> Store {
    Opening::new(folder, holder(), &birth).open().expect("the state opens")
}

fn snapshot(folder: &Path) -> Snapshot {
    Snapshot::read(folder).expect("the state can be read").expect("there is a state")
}

fn run_id() -> RunId {
    RunId("20261124T102233-9f3a".to_owned())
}

fn edit() -> Edit {
    Edit { run: RunId("edit".to_owned()), who: "ada@build-7".to_owned(), at: 5 }
}

fn body(size: usize) -> Sealed {
    // Text that lz4 cannot make small.
    let mut state = 1_u64;
    let text: String = (0..size)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from(state >> 58).expect("six bits"))
        })
        .collect();
    Sealed::public(json!({ "text": text }))
}

fn record(name: &str, sent: Option<&Sealed>) -> Record {
    let locator = Locator::Arm(ArmLocator { id: format!("/subscriptions/s/{name}"), api_version: "1".to_owned() });
    Record {
        format: RECORD_FORMAT,
        address: address(name),
        locator,
        cluster: None,
        state: RecordState::Settled,
        uid: Some(format!("uid of {name}")),
        version: None,
        after: Vec::new(),
        container: None,
        application: None,
        protection: Protection::None,
        outputs: BTreeMap::new(),
        sent: sent.map(|sent| Digest::of_json(sent.body())),
        differences: Vec::new(),
        owned: None,
        adopted: false,
        run: run_id(),
        sequence: 0,
    }
}

fn settled(name: &str) -> Entry {
    Entry::Settled { record: Box::new(record(name, None)) }
}

fn intended(name: &str, sent: &Sealed) -> Entry {
    let mut record = record(name, None);
    let intent = Intent {
        action: Action::Create,
        locator: record.locator.clone(),
        plan: "p".to_owned(),
        step: 0,
        sent: Some(Digest::of_json(sent.body())),
        at: 1,
    };
    record.state = RecordState::InDoubt(Box::new(intent));
    Entry::Intended { record: Box::new(record), sent: Some(sent.clone()) }
}

fn began() -> Entry {
    Entry::RunBegan {
        run: run_id(),
        plan: "p".to_owned(),
        who: "ada@build-7".to_owned(),
        at: 1,
        command: "apply".to_owned(),
        steps: 3,
    }
}

fn happened(step: u32, kind: EventKind) -> Entry {
    let event = Event { at: 2, step, address: address("resource_group.main"), kind };
    Entry::Happened { run: run_id(), event }
}

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.records().keys().map(ToString::to_string).collect()
}

#[test]
fn what_is_appended_is_seen_beside_the_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(Snapshot::read(folder.path()).expect("no state is no error").is_none());
    let mut store = open(folder.path());
    let sent = body(100);
    store.append(&[began(), intended("resource_group.main", &sent)]).expect("it is appended");
    let seen = snapshot(folder.path());
    assert_eq!(names(&seen), ["resource_group.main"]);
    assert_eq!(seen.in_doubt().count(), 1);
    let (_, intent) = seen.in_doubt().next().expect("one");
    assert_eq!(seen.body(intent.sent.as_ref().expect("a body")).expect("whole"), Some(sent.clone()));
    store
        .append(&[
            Entry::Settled { record: Box::new(record("resource_group.main", Some(&sent))) },
            happened(0, EventKind::Started { action: Some(Action::Create) }),
            happened(0, EventKind::Done { remark: None }),
            Entry::Bound { what: "tenant".to_owned(), identity: "t".to_owned() },
            Entry::Outputs { values: [("dashboard".to_owned(), json!("https://d"))].into() },
            Entry::RunEnded { run: run_id(), at: 9, exit: 0, finished: true },
        ])
        .expect("it is appended");
    let seen = snapshot(folder.path());
    assert_eq!((seen.in_doubt().count(), seen.serial(), seen.sequence()), (0, 1, 8));
    assert_eq!(seen.binding("tenant"), Some("t"));
    assert_eq!(seen.outputs()["dashboard"], json!("https://d"));
    assert_eq!(seen.statuses(&run_id()), [(0, kfplan_plan::Status::Done)].into());
    assert!(seen.runs()[0].ended.is_some_and(|ended| ended.finished));
    let recorded = seen.recorded(&address("resource_group.main")).expect("whole").expect("recorded");
    assert_eq!((recorded.record.sequence, recorded.sent), (3, Some(sent)));
}

#[test]
fn what_was_appended_is_there_after_closing_and_after_not_closing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    store.append(&[settled("resource_group.a")]).expect("it is appended");
    store.close().expect("it closes");
    let mut store = open(folder.path());
    store.append(&[settled("resource_group.b")]).expect("it is appended");
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.notices(), [] as [String; 0]);
    let stored: Vec<_> = store.records().expect("sled has them").into_iter().map(|record| record.address).collect();
    assert_eq!(stored, [address("resource_group.a"), address("resource_group.b")]);
    assert_eq!(stored, snapshot(folder.path()).records().keys().cloned().collect::<Vec<_>>());
}

#[test]
fn a_checkpoint_changes_nothing_and_drops_what_nobody_needs() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    let (old, new) = (body(9_000), body(40_000));
    store
        .append(&[began(), happened(0, EventKind::Interrupted), intended("resource_group.a", &old)])
        .expect("appended");
    store.append(&[intended("resource_group.b", &new)]).expect("appended");
    let both = [
        Entry::Settled { record: Box::new(record("resource_group.a", Some(&new))) },
        Entry::Settled { record: Box::new(record("resource_group.b", Some(&new))) },
    ];
    store.append(&both).expect("appended");
    let before = snapshot(folder.path());
    store.checkpoint().expect("a checkpoint");
    let after = snapshot(folder.path());
    assert_eq!(before.records(), after.records());
    assert_eq!(before.ledger(), after.ledger());
    assert_eq!(before.events(&run_id()), after.events(&run_id()));
    assert_eq!(after.recorded(&address("resource_group.a")).expect("whole").expect("there").sent, Some(new.clone()));
    assert_eq!(after.body(&Digest::of_json(old.body())).expect("no damage"), None);
    assert_eq!(store.body(&Digest::of_json(old.body())).expect("no damage"), None);
    assert_eq!(store.body(&Digest::of_json(new.body())).expect("no damage"), Some(new));
    store.append(&[settled("resource_group.c")]).expect("appended");
    assert_eq!(names(&snapshot(folder.path())).len(), 3);
    assert_eq!(snapshot(folder.path()).sequence(), 7);
}

#[test]
fn a_long_journal_is_checkpointed_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    for number in 0..12 {
        store.append(&[intended(&format!("resource_group.n{number}"), &body(500_000 + number))]).expect("appended");
    }
    assert!(folder.path().join("checkpoint.2").exists());
    let seen = snapshot(folder.path());
    assert_eq!(seen.records().len(), 12);
    for (_, intent) in seen.in_doubt() {
        assert!(seen.body(intent.sent.as_ref().expect("a digest")).expect("whole").is_some());
    }
    drop(store);
    assert_eq!(open(folder.path()).records().expect("sled has them").len(), 12);
}
