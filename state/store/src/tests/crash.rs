//! Killed at any moment, cut at any byte: what was acknowledged stays, what was not is gone whole.

use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;

const FOLDER: &str = "/state";

fn disk_with(batches: &[Vec<Entry>]) -> MemoryFiles {
    let disk = MemoryFiles::new();
    let mut log = Log::alone(Arc::new(disk.clone()), Path::new(FOLDER), &birth()).expect("it opens");
    batches.iter().for_each(|batch| log.append(batch).expect("it is appended"));
    disk
}

fn read(disk: &MemoryFiles) -> Result<Option<Snapshot>, StoreError> {
    Snapshot::read_with(Arc::new(disk.clone()), Path::new(FOLDER))
}

fn two_batches() -> [Vec<Entry>; 2] {
    [
        vec![began(), settled("resource_group.a"), intended("resource_group.b", &body(50))],
        vec![settled("resource_group.b"), Entry::Removed { address: address("resource_group.a") }],
    ]
}

fn journal() -> PathBuf {
    log::journal_path(Path::new(FOLDER), 1)
}

fn length(disk: &MemoryFiles) -> usize {
    let mut length = 0;
    disk.tamper(&journal(), |bytes| length = bytes.len());
    length
}

#[test]
fn a_batch_that_is_cut_at_any_byte_is_gone_whole_and_nothing_else_is() {
    let [first, second] = two_batches();
    let (short, whole) = (length(&disk_with(std::slice::from_ref(&first))), length(&disk_with(&two_batches())));
    for end in short..whole {
        let disk = disk_with(&[first.clone(), second.clone()]);
        disk.tamper(&journal(), |bytes| bytes.truncate(end));
        let seen = read(&disk).expect("a cut end is no damage").expect("there is a state");
        // Only the mark may be missing of a batch that still counts.
        let expected = if end + 1 < whole { 3 } else { 5 };
        assert_eq!(seen.sequence(), expected, "cut at byte {end} of {whole}");
        let mut log = Log::alone(Arc::new(disk.clone()), Path::new(FOLDER), &birth()).expect("it opens");
        log.append(&[settled("resource_group.c")]).expect("it goes on");
        assert_eq!(read(&disk).expect("whole").expect("a state").sequence(), expected + 1);
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_journal_is_told_or_harmless() {
    let whole = length(&disk_with(&two_batches()));
    let truth = read(&disk_with(&two_batches())).expect("whole").expect("a state");
    for place in 0..whole {
        for bit in [0, 6] {
            let disk = disk_with(&two_batches());
            disk.tamper(&journal(), |bytes| bytes[place] ^= 1 << bit);
            match read(&disk) {
                Ok(seen) => assert_eq!(seen.expect("a state").records(), truth.records(), "byte {place}, bit {bit}"),
                Err(StoreError::Damaged { .. } | StoreError::Newer { .. }) => {}
                Err(error) => panic!("byte {place}: {error}"),
            }
        }
    }
}

#[test]
fn a_damaged_middle_is_an_error_that_says_where_and_what_to_do() {
    let disk = disk_with(&two_batches());
    let middle = length(&disk_with(&two_batches()[..1])) - 10;
    disk.tamper(&journal(), |bytes| bytes[middle] ^= 1);
    let error = read(&disk).expect_err("damage");
    assert!(error.to_string().contains("`/state/journal.1` is damaged at byte"), "{error}");
    assert!(error.help().contains("kfplan state import"));
    assert!(Log::alone(Arc::new(disk), Path::new(FOLDER), &birth()).is_err());
}

/// Appends and checkpoints; gives the sequence that was acknowledged last.
fn script(disk: &MemoryFiles) -> Option<u64> {
    let mut acknowledged = None;
    let mut log = Log::alone(Arc::new(disk.clone()), Path::new(FOLDER), &birth()).ok()?;
    acknowledged = acknowledged.max(Some(log.sequence()));
    for round in 0..4 {
        for batch in two_batches() {
            if log.append(&batch).is_ok() {
                acknowledged = Some(log.sequence());
            }
        }
        if round % 2 == 0 {
            let _ = log.checkpoint();
        }
    }
    acknowledged
}

fn recovered(disk: &MemoryFiles, acknowledged: Option<u64>, what: &str) {
    let mut log = Log::alone(Arc::new(disk.clone()), Path::new(FOLDER), &birth())
        .unwrap_or_else(|error| panic!("{what}: it does not open: {error}"));
    let sequence = log.sequence();
    assert!(sequence >= acknowledged.unwrap_or(0), "{what}: {sequence} of {acknowledged:?} is left");
    assert!([0, 3].contains(&(sequence % 5)), "{what}: half a batch is there, up to {sequence}");
    log.append(&[settled("resource_group.z")]).unwrap_or_else(|error| panic!("{what}: {error}"));
    let seen = read(disk).expect("whole").expect("a state");
    assert_eq!(seen.sequence(), sequence + 1, "{what}");
    let expected = match sequence % 5 {
        3 => vec!["resource_group.a", "resource_group.b", "resource_group.z"],
        _ if sequence == 0 => vec!["resource_group.z"],
        _ => vec!["resource_group.b", "resource_group.z"],
    };
    assert_eq!(names(&seen), expected, "{what}");
}

#[test]
fn a_machine_that_dies_at_any_operation_loses_nothing_that_was_acknowledged() {
    let operations = {
        let disk = MemoryFiles::new();
        assert_eq!(script(&disk), Some(20));
        disk.operations()
    };
    assert!(operations > 60, "the script is too short to show anything");
    for operation in 1..=operations {
        for torn in [0, 1, 70, 200, usize::MAX] {
            let disk = MemoryFiles::new();
            disk.die_at(operation, torn);
            let acknowledged = script(&disk);
            let what = format!("died at operation {operation}, {torn} bytes through");
            recovered(&disk.after_kill(), acknowledged, &format!("{what}, process killed"));
            recovered(&disk.after_power_loss(), acknowledged, &format!("{what}, power lost"));
        }
    }
}

#[test]
fn a_machine_that_dies_again_while_it_recovers_loses_nothing_either() {
    let operations = {
        let disk = MemoryFiles::new();
        script(&disk);
        disk.operations()
    };
    for operation in (1..=operations).step_by(3) {
        let disk = MemoryFiles::new();
        disk.die_at(operation, 100);
        let acknowledged = script(&disk);
        for again in 1..6 {
            let second = disk.after_power_loss();
            second.die_at(again, 30);
            let _ = Log::alone(Arc::new(second.clone()), Path::new(FOLDER), &birth());
            recovered(&second.after_power_loss(), acknowledged, &format!("died at {operation}, then at {again}"));
        }
    }
}

#[test]
fn a_write_that_failed_in_part_is_cut_off_by_the_next_one() {
    for torn in [0, 1, 80, 200] {
        let disk = disk_with(&two_batches()[..1]);
        let mut log = Log::alone(Arc::new(disk.clone()), Path::new(FOLDER), &birth()).expect("it opens");
        disk.fail_at(disk.operations() + 1, torn);
        let error = log.append(&[settled("resource_group.lost")]).expect_err("the disk is full");
        assert!(error.to_string().starts_with("cannot record in the state at `/state/journal.1`: "), "{error}");
        log.append(&[settled("resource_group.next")]).expect("there is room again");
        let seen = read(&disk).expect("whole").expect("a state");
        assert_eq!(names(&seen), ["resource_group.a", "resource_group.b", "resource_group.next"], "{torn} bytes");
        assert_eq!(seen.sequence(), 4);
    }
}

#[test]
fn after_a_sync_that_failed_nothing_is_appended_until_the_state_is_opened_again() {
    let disk = disk_with(&two_batches()[..1]);
    let mut log = Log::alone(Arc::new(disk.clone()), Path::new(FOLDER), &birth()).expect("it opens");
    disk.fail_at(disk.operations() + 2, 0);
    assert!(log.append(&[settled("resource_group.unsure")]).is_err());
    let error = log.append(&[settled("resource_group.next")]).expect_err("nothing to build on");
    assert!(error.to_string().contains("open the state again"), "{error}");
    let mut log = Log::alone(Arc::new(disk.clone()), Path::new(FOLDER), &birth()).expect("it opens");
    log.append(&[settled("resource_group.next")]).expect("it goes on");
}

/// Not a test by itself: the process that the next one kills.
#[test]
#[ignore = "started by `a_killed_process_loses_nothing_that_it_was_told_is_durable`"]
fn child_that_appends_for_ever() {
    let Some(folder) = std::env::var_os("KFPLAN_STORE_CHILD") else { return };
    let mut store = open(Path::new(&folder));
    let mut number = store.ledger().sequence;
    let mut told = std::fs::File::create(Path::new(&folder).join("told")).expect("a file");
    loop {
        let name = format!("resource_group.n{}", number % 50);
        store.append(&[intended(&name, &body(3_000)), settled(&name)]).expect("it is appended");
        number += 2;
        std::io::Write::write_all(&mut told, format!("{number}\n").as_bytes()).expect("told");
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_was_told_is_durable() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..8_u64 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "tests::crash::child_that_appends_for_ever", "--ignored", "--test-threads=1"])
            .env("KFPLAN_STORE_CHILD", folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let told = folder.path().join("told");
        let _ = std::fs::remove_file(&told);
        // It is killed at no special moment once it has told something.
        while std::fs::read(&told).map_or(0, |told| told.len()) < 40 {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(round * 7));
        child.kill().expect("it is killed");
        child.wait().expect("it is gone");
        let told = std::fs::read_to_string(&told).expect("told");
        let last: u64 = told.lines().filter_map(|line| line.parse().ok()).next_back().expect("a number");
        let store = open(folder.path());
        let sequence = store.ledger().sequence;
        assert!(sequence >= last && sequence <= last + 2, "{sequence} of {last} after round {round}");
        assert_eq!(store.records().expect("sled has them"), {
            let mut all: Vec<_> = snapshot(folder.path()).records().values().cloned().collect();
            all.sort_by_key(|record| record.address.to_string());
            all
        });
    }
    let report = verify(folder.path(), &holder(), Duration::ZERO).expect("it can be looked at");
    assert_eq!(report.problems, [] as [String; 0]);
}
