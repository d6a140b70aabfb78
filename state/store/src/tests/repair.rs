//! What can be had of a damaged state is had.

use super::*;

fn damage(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("a file");
    bytes[at] ^= 8;
    std::fs::write(path, bytes).expect("damaged");
}

/// Three batches, then a checkpoint, then three more.
fn state(folder: &Path) -> Vec<String> {
    let mut store = open(folder);
    for number in 0..6 {
        if number == 3 {
            store.checkpoint().expect("a checkpoint");
        }
        let sent = body(500 + number);
        let name = format!("resource_group.n{number}");
        let settled = Entry::Settled { record: Box::new(record(&name, Some(&sent))) };
        store.append(&[intended(&name, &sent), settled]).expect("appended");
    }
    store.close().expect("closed");
    names(&snapshot(folder))
}

fn repaired(folder: &Path) -> (Vec<String>, Vec<String>) {
    assert!(!verify(folder, &holder(), Duration::ZERO).expect("it can be looked at").problems.is_empty());
    let told = repair(folder, &holder(), Duration::ZERO).expect("something can be had");
    let store = open(folder);
    let seen = snapshot(folder);
    assert_eq!(store.records().expect("sled").len(), seen.records().len());
    for record in seen.records().values() {
        assert!(seen.recorded(&record.address).expect("whole").expect("there").sent.is_some(), "a body is missing");
    }
    drop(store);
    (names(&seen), told)
}

#[test]
fn a_damaged_batch_is_had_back_from_sled() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = state(folder.path());
    damage(&folder.path().join("journal.2"), 2_000);
    let (names, told) = repaired(folder.path());
    assert_eq!(names, whole, "{told:?}");
    assert!(told.iter().any(|line| line.contains("are lost from the journal")), "{told:?}");
}

#[test]
fn without_sled_only_the_damaged_batch_is_lost_and_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = state(folder.path());
    std::fs::remove_dir_all(folder.path().join("records")).expect("gone");
    let path = folder.path().join("journal.2");
    let middle = std::fs::read(&path).expect("a journal").len() / 2;
    damage(&path, middle);
    let (names, told) = repaired(folder.path());
    let rest: Vec<_> = whole.into_iter().filter(|name| name != "resource_group.n4").collect();
    assert_eq!(names, rest, "{told:?}");
    assert!(told.iter().any(|line| line == "the entries 9 to 10 are lost from the journal"), "{told:?}");
}

#[test]
fn a_damaged_checkpoint_is_had_back_from_the_generation_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = state(folder.path());
    std::fs::remove_dir_all(folder.path().join("records")).expect("gone");
    damage(&folder.path().join("checkpoint.2"), 300);
    let (names, told) = repaired(folder.path());
    assert_eq!(names, whole, "{told:?}");
}

#[test]
fn sled_alone_is_enough_when_it_was_closed_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = state(folder.path());
    for generation in [1, 2] {
        damage(&folder.path().join(format!("checkpoint.{generation}")), 300);
        damage(&folder.path().join(format!("journal.{generation}")), 3);
        std::fs::write(folder.path().join(format!("journal.{generation}")), b"").expect("emptied");
    }
    let (names, told) = repaired(folder.path());
    assert_eq!(names, whole, "{told:?}");
}

#[test]
fn a_truncated_journal_is_had_back_from_sled() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = state(folder.path());
    let path = folder.path().join("journal.2");
    let bytes = std::fs::read(&path).expect("a journal");
    std::fs::write(&path, &bytes[..bytes.len() - 1_000]).expect("cut");
    assert!(Opening::new(folder.path(), holder(), &birth).open().is_err());
    let (names, told) = repaired(folder.path());
    assert_eq!(names, whole, "{told:?}");
}

#[test]
fn a_state_of_which_nothing_is_whole_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    state(folder.path());
    std::fs::remove_dir_all(folder.path().join("records")).expect("gone");
    damage(&folder.path().join("checkpoint.1"), 100);
    damage(&folder.path().join("checkpoint.2"), 100);
    let error = repair(folder.path(), &holder(), Duration::ZERO).expect_err("nothing is whole");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

/// One random byte of the state changed, many times: it is told, or does no harm.
#[test]
fn a_flipped_bit_anywhere_in_the_folder_is_told_or_harmless() {
    let folder = tempfile::tempdir().expect("a folder");
    state(folder.path());
    let truth = snapshot(folder.path()).records().clone();
    let files = ["checkpoint.1", "checkpoint.2", "journal.1", "journal.2", "key", "records/db"];
    let mut seed = 7_u64;
    let mut found = 0;
    for round in 0..120 {
        let path = folder.path().join(files[round % files.len()]);
        let whole = std::fs::read(&path).expect("a file");
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(seed >> 33).expect("small") % whole.len();
        let mut broken = whole.clone();
        broken[place] ^= 1 << (seed >> 60 & 7);
        std::fs::write(&path, broken).expect("damaged");
        let report = verify(folder.path(), &holder(), Duration::ZERO).expect("it can be looked at");
        if report.problems.is_empty() {
            let records = snapshot(folder.path()).records().clone();
            assert_eq!(records, truth, "byte {place} of {}", path.display());
            assert_eq!(open(folder.path()).records().expect("sled").len(), truth.len());
        } else {
            found += 1;
        }
        std::fs::write(&path, whole).expect("whole again");
        let _ = std::fs::remove_dir_all(folder.path().join("records"));
        drop(open(folder.path()));
    }
    assert!(found > 60, "{found} of 120 were told");
}
