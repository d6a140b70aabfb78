//! sled's traps: each is real, and each is closed.

use super::*;

fn filled(folder: &Path) -> Vec<Record> {
    let mut store = open(folder);
    for number in 0..20 {
        store.append(&[intended(&format!("resource_group.n{number}"), &body(20_000 + number))]).expect("appended");
    }
    let records = store.records().expect("sled has them");
    store.close().expect("it closes");
    records
}

fn bare_open(folder: &Path) -> sled::Result<sled::Db> {
    crate::cells::patiently(|| sled::Config::new().path(folder.join("records")).open())
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("records")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."))).collect()
}

#[test]
fn a_snapshot_that_was_being_written_stops_sled_and_not_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = filled(folder.path());
    let trap = folder.path().join("records/snap.0000000000080000.generating");
    std::fs::write(&trap, b"half").expect("the trap is set");
    assert!(matches!(bare_open(folder.path()), Err(sled::Error::Corruption { .. })), "the trap is gone from sled");
    let store = open(folder.path());
    assert_eq!(store.records().expect("sled has them"), records);
    assert!(store.notices()[0].contains("half written"), "{:?}", store.notices());
    assert!(!trap.exists());
}

#[test]
fn an_emptied_snapshot_stops_sled_and_not_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = filled(folder.path());
    drop(bare_open(folder.path()).expect("sled opens, and writes a snapshot"));
    let found = snapshots(folder.path());
    assert!(!found.is_empty(), "sled wrote no snapshot");
    found.iter().for_each(|path| std::fs::write(path, b"").expect("it is emptied"));
    assert!(matches!(bare_open(folder.path()), Err(sled::Error::Corruption { .. })), "the trap is gone from sled");
    let store = open(folder.path());
    assert!(store.notices()[0].contains("aside"), "{:?}", store.notices());
    assert_eq!(store.records().expect("sled has them"), records);
}

#[test]
fn no_value_that_sled_is_given_is_long() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let db = bare_open(folder.path()).expect("sled opens");
    let longest = db.iter().map(|pair| pair.expect("readable").1.len()).max();
    assert!(longest <= Some(8 * 1024), "{longest:?}");
    let blobs = std::fs::read_dir(folder.path().join("records/blobs")).map_or(0, Iterator::count);
    assert_eq!(blobs, 0, "sled keeps long pages in files that it never syncs");
}

#[test]
fn a_value_that_was_changed_in_sled_is_never_read_as_truth() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = filled(folder.path());
    let keys: Vec<_> = {
        let db = bare_open(folder.path()).expect("sled opens");
        db.iter().keys().map(|key| key.expect("readable")).collect()
    };
    let mut seen = 0;
    for key in keys.iter().filter(|key| key.starts_with(b"r") || key.starts_with(b"b")).step_by(7) {
        let db = bare_open(folder.path()).expect("sled opens");
        let whole = db.get(key).expect("readable").expect("there");
        let mut broken = whole.to_vec();
        let last = broken.len() - 1;
        broken[last] ^= 4;
        db.insert(key, broken).expect("written");
        db.flush().expect("written");
        drop(db);
        let report = verify(folder.path(), &holder(), Duration::ZERO).expect("it can be looked at");
        assert!(!report.problems.is_empty(), "nobody saw that `{}` is broken", String::from_utf8_lossy(key));
        bare_open(folder.path()).expect("sled opens").insert(key, whole).expect("written");
        seen += 1;
    }
    assert!(seen > 5, "{seen} values were tried");
    assert_eq!(open(folder.path()).records().expect("whole again"), records);
}

#[test]
fn records_that_are_lost_or_cannot_be_opened_are_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let records = filled(folder.path());
    std::fs::remove_dir_all(folder.path().join("records")).expect("they are lost");
    assert_eq!(open(folder.path()).records().expect("made anew"), records);
    let path = folder.path().join("records/db");
    for every in [512, 3_000, 40_000] {
        let mut bytes = std::fs::read(&path).expect("sled's file");
        bytes.iter_mut().step_by(every).for_each(|byte| *byte ^= 0x55);
        std::fs::write(&path, bytes).expect("broken");
        let store = open(folder.path());
        assert_eq!(store.records().expect("made anew"), records, "every {every}th byte, {:?}", store.notices());
    }
}

#[test]
fn a_journal_that_lost_what_was_acknowledged_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let path = folder.path().join("journal.1");
    let bytes = std::fs::read(&path).expect("a journal");
    std::fs::write(&path, &bytes[..bytes.len() - 30_000]).expect("it is cut");
    let error = Opening::new(folder.path(), holder(), &birth).open().expect_err("entries are lost");
    assert!(error.to_string().contains("they hold entry 20, and the journal ends with entry"), "{error}");
}

#[test]
fn a_lock_of_sled_that_is_only_a_leftover_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let tries = std::cell::Cell::new(0);
    let opened = crate::cells::patiently(|| {
        tries.set(tries.get() + 1);
        if tries.get() < 3 {
            return Err(sled::Error::Io(std::io::Error::other("could not acquire lock on \"db\"")));
        }
        bare_open(folder.path())
    });
    assert!(opened.is_ok() && tries.get() == 3, "{} tries", tries.get());
}
