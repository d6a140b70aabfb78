//! What the log promises when it is cut or damaged.

use std::sync::Arc;

use serde_json::json;

use super::*;

fn delta(number: u64) -> Vec<Delta> {
    vec![Delta("table".into(), format!("key{number}"), Some(Arc::new(json!({"n": number}))))]
}

/// A log of `count` records in a folder, as bytes.
fn written(folder: &Path, count: u64) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let log = Opened::read(folder).expect("readable").resume(None).expect("writable");
    for number in 0..count {
        let ticket = log.append(delta(number));
        runtime.block_on(log.wait(ticket)).expect("written");
    }
    log.stop();
    std::fs::read(folder.join("world.log")).expect("a log")
}

#[test]
fn what_was_acknowledged_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path(), 3);
    assert_eq!(Opened::read(folder.path()).expect("whole").deltas.len(), 3);
}

#[test]
fn a_log_cut_anywhere_keeps_every_whole_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = written(folder.path(), 3);
    let mut seen = std::collections::BTreeSet::new();
    for cut in 0..=bytes.len() {
        let opened = parse(PathBuf::from("x"), &bytes[..cut]).expect("a torn tail is no damage");
        seen.insert(opened.deltas.len());
        assert!(opened.end as usize <= cut);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_flipped_bit_before_the_last_record_is_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = written(folder.path(), 3);
    let last = bytes.len() - (HEADER + encode(&delta(2)).len());
    for at in MAGIC.len()..last {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(matches!(parse(PathBuf::from("x"), &bad), Err(SimError::Damaged { .. })), "byte {at}");
    }
}

#[test]
fn a_log_goes_on_after_a_torn_tail() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = written(folder.path(), 3);
    std::fs::write(folder.path().join("world.log"), &bytes[..bytes.len() - 1]).expect("cut");
    written(folder.path(), 1);
    assert_eq!(Opened::read(folder.path()).expect("whole").deltas.len(), 3);
}

#[test]
fn a_second_holder_is_told_who_has_the_lock() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Lock::take(folder.path(), "process 7").expect("free");
    let error = Lock::take(folder.path(), "process 8").expect_err("taken");
    assert!(error.to_string().contains("process 7"), "{error}");
    drop(first);
    Lock::take(folder.path(), "process 8").expect("free again");
}

#[test]
fn a_snapshot_takes_the_place_of_the_history() {
    let folder = tempfile::tempdir().expect("a folder");
    written(folder.path(), 5);
    let opened = Opened::read(folder.path()).expect("whole");
    drop(opened.resume(Some(delta(9))).expect("writable"));
    assert_eq!(Opened::read(folder.path()).expect("whole").deltas, delta(9));
}

#[test]
fn another_format_is_refused_by_name() {
    let error = parse(PathBuf::from("x"), b"kfplan-sandbox 2\n....").expect_err("unknown");
    assert!(error.to_string().contains("kfplan-sandbox 2"), "{error}");
}
