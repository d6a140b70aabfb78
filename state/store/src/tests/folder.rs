//! What lies in the folder, and who may read it.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_folder_keeps_itself_out_of_version_control() {
    let root = tempfile::tempdir().expect("a folder");
    let kfplan = root.path().join(".kfplan");
    drop(open(&state_folder(&kfplan, "prod")));
    assert_eq!(std::fs::read_to_string(kfplan.join(".gitignore")).expect("written"), "*\n");
    assert!(kfplan.join("state/prod/journal.1").exists());
}

#[test]
fn the_key_is_readable_by_its_owner_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let file = std::fs::metadata(folder.path().join("key")).expect("a key");
    assert_eq!((file.len(), file.permissions().mode() & 0o777), (32, 0o600));
    assert_eq!(store.key().to_bytes(), snapshot(folder.path()).key().expect("the key").to_bytes());
}

#[test]
fn a_lost_key_is_told_and_made_anew_once() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    std::fs::remove_file(folder.path().join("key")).expect("it is lost");
    assert!(snapshot(folder.path()).key().is_none());
    let report = verify(folder.path(), &holder(), Duration::ZERO).expect("it can be looked at");
    assert!(report.problems[0].contains("key file is missing"), "{report:?}");
    let other = || Birth { lineage: "other".to_owned(), key: StackKey::from_bytes([9; 32]) };
    let store = Opening::new(folder.path(), holder(), &other).open().expect("it opens");
    assert!(store.notices()[0].contains("key of this state is lost"), "{:?}", store.notices());
    assert_eq!(store.ledger().lineage, "5e1f");
    drop(store);
    assert_eq!(snapshot(folder.path()).key().map(StackKey::to_bytes), Some([9; 32]));
    assert_eq!(open(folder.path()).notices(), [] as [String; 0]);
}

#[test]
fn a_key_of_another_length_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    std::fs::write(folder.path().join("key"), b"short").expect("written");
    let error = Snapshot::read(folder.path()).expect_err("no key");
    assert!(error.to_string().ends_with("is not a key: it has 5 bytes in place of 32"), "{error}");
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    let path = folder.path().join("checkpoint.1");
    let text = String::from_utf8(std::fs::read(&path).expect("a checkpoint")).expect("text");
    std::fs::write(&path, text.replace("\"kfplan_checkpoint\":1", "\"kfplan_checkpoint\":9")).expect("written");
    let error = Snapshot::read(folder.path()).expect_err("a newer format");
    assert_eq!(error.to_string(), format!("`{}` has format 9, and this kfplan reads formats up to 1", path.display()));
    assert!(Opening::new(folder.path(), holder(), &birth).open().is_err());
}

#[test]
fn a_flipped_bit_anywhere_in_the_checkpoint_is_told_or_harmless() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    let sent = body(300);
    store.append(&[began(), intended("resource_group.a", &sent)]).expect("appended");
    store.append(&[Entry::Settled { record: Box::new(record("resource_group.a", Some(&sent))) }]).expect("appended");
    store.checkpoint().expect("a checkpoint");
    let truth = snapshot(folder.path());
    let path = folder.path().join("checkpoint.2");
    let whole = std::fs::read(&path).expect("a checkpoint");
    for place in 0..whole.len() {
        let mut broken = whole.clone();
        broken[place] ^= 2;
        std::fs::write(&path, broken).expect("written");
        let seen = Snapshot::read(folder.path()).and_then(|seen| {
            let seen = seen.expect("a state");
            Ok((seen.recorded(&address("resource_group.a"))?, seen.ledger().clone()))
        });
        if let Ok((recorded, ledger)) = seen {
            assert_eq!(recorded.expect("there").sent.as_ref(), Some(&sent), "byte {place}");
            assert_eq!(&ledger, truth.ledger(), "byte {place}");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_can_still_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = open(folder.path());
    store.append(&[settled("resource_group.a")]).expect("appended");
    drop(store);
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o500)).expect("read-only");
    assert_eq!(names(&snapshot(folder.path())), ["resource_group.a"]);
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("writable");
}
