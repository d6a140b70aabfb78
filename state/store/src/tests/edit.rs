//! State commands: `mv`, `rm`, `export`, `import`.

use kfplan_model::Address;

use super::*;

const OBJECT: &str = "manifests.a/ns/ConfigMap/c";

fn with_objects(folder: &Path) -> Store {
    let mut store = open(folder);
    let sent = body(12_000);
    let mut object = record("manifests.a", Some(&sent));
    object.address = address(OBJECT);
    object.container = Some(address("manifests.a/-/Namespace/ns"));
    let mut dependent = record("check.b", None);
    dependent.after = vec![(address(OBJECT), EdgeKind::AfterApplied)];
    store.append(&[began(), intended("manifests.a", &sent), settled("manifests.a")]).expect("appended");
    let records = [object, dependent].map(|record| Entry::Settled { record: Box::new(record) });
    store.append(&records).expect("appended");
    store
}

fn text(addresses: impl IntoIterator<Item = Address>) -> Vec<String> {
    addresses.into_iter().map(|address| address.to_string()).collect()
}

#[test]
fn a_moved_resource_takes_its_objects_along_and_others_follow() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = with_objects(folder.path());
    assert_eq!(store.mv(&address("manifests.a"), &address("manifests.z"), &edit()).expect("moved"), 2);
    let seen = snapshot(folder.path());
    assert_eq!(names(&seen), ["check.b", "manifests.z", "manifests.z/ns/ConfigMap/c"]);
    let moved = &seen.records()[&address("manifests.z/ns/ConfigMap/c")];
    assert_eq!(moved.container, Some(address("manifests.z/-/Namespace/ns")));
    let after = seen.records()[&address("check.b")].after.iter().map(|(address, _)| address.clone());
    assert_eq!(text(after), ["manifests.z/ns/ConfigMap/c"]);
    assert_eq!(seen.serial(), 2);
    assert_eq!(seen.runs()[1].command, "state mv");
}

#[test]
fn a_move_to_where_something_is_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = with_objects(folder.path());
    let error = store.mv(&address("manifests.a"), &address("check.b"), &edit()).expect_err("occupied");
    assert_eq!(error.to_string(), "the state has `check.b` already");
    let error = store.mv(&address("manifests.q"), &address("check.c"), &edit()).expect_err("nothing");
    assert_eq!(error.to_string(), "the state has no `manifests.q`");
}

#[test]
fn what_is_removed_is_forgotten_with_its_objects() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = with_objects(folder.path());
    assert_eq!(store.rm(&address(OBJECT), &edit()).expect("removed"), 1);
    assert_eq!(names(&snapshot(folder.path())), ["check.b", "manifests.a"]);
    assert!(store.rm(&address(OBJECT), &edit()).is_err());
    assert_eq!(store.rm(&address("manifests.a"), &edit()).expect("removed"), 1);
    assert_eq!(text(store.records().expect("sled").into_iter().map(|record| record.address)), ["check.b"]);
}

#[test]
fn an_exported_state_is_imported_whole() {
    let (from, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    drop(with_objects(from.path()));
    let first = snapshot(from.path());
    let exported = first.export().expect("it is whole");
    let mut store = open(to.path());
    assert_eq!(store.import(&exported, false).expect("it is whole"), 3);
    let second = snapshot(to.path());
    assert_eq!(first.records(), second.records());
    assert_eq!(first.events(&run_id()), second.events(&run_id()));
    assert_eq!(first.lineage(), second.lineage());
    let whole = |snapshot: &Snapshot| snapshot.recorded(&address(OBJECT)).expect("whole").expect("there").sent;
    assert_eq!(whole(&first), whole(&second));
    assert_eq!(store.records().expect("sled").len(), 3);
    store.append(&[settled("check.after")]).expect("it goes on");
    assert_eq!(snapshot(to.path()).records().len(), 4);
    assert!(matches!(store.import(&exported, false), Err(StoreError::NotEmpty { records: 4, .. })));
    store.import(&exported, true).expect("it was asked for");
    assert_eq!(snapshot(to.path()).records().len(), 3);
    drop(store);
    assert_eq!(open(to.path()).records().expect("sled").len(), 3);
}

#[test]
fn an_export_that_was_changed_or_cut_is_refused_and_changes_nothing() {
    let (from, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    drop(with_objects(from.path()));
    let exported = snapshot(from.path()).export().expect("it is whole");
    let mut store = open(to.path());
    let lines = exported.lines().count();
    for cut in 0..lines {
        let part: String = exported.lines().take(cut).map(|line| format!("{line}\n")).collect();
        assert!(matches!(store.import(&part, false), Err(StoreError::Import { .. })), "{cut} of {lines} lines");
    }
    let changed = exported.replace("uid of manifests.a", "uid of manifests.b");
    let error = store.import(&changed, false).expect_err("it was changed");
    assert!(error.to_string().contains("are not those that were exported"), "{error}");
    let newer = exported.replace("{\"kfplan\":{\"state\":1}}", "{\"kfplan\":{\"state\":2}}");
    let error = store.import(&newer, false).expect_err("it is newer");
    assert_eq!(error.to_string(), "line 1 of the import: it has format 2, and this kfplan reads formats up to 1");
    assert_eq!(snapshot(to.path()).records().len(), 0);
}
