//! One writer, and a lock that dies with it.

use std::process::{Command, Stdio};

use super::*;

#[test]
fn a_second_opener_is_told_who_where_and_since_when() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let error = Opening::new(folder.path(), holder(), &birth).open().expect_err("it is locked");
    assert_eq!(
        error.to_string(),
        format!(
            "the state in `{}` is locked by `ada@build-7` (process {}, `kfplan apply`) since 2026-11-24T10:42:33Z",
            folder.path().display(),
            std::process::id()
        )
    );
    assert_eq!(current_holder(folder.path()).expect("readable"), LockState::Held(Some(holder())));
    drop(store);
    assert_eq!(current_holder(folder.path()).expect("readable"), LockState::Free);
    open(folder.path());
}

#[test]
fn whoever_waits_gets_the_lock_when_it_is_freed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    std::thread::scope(|scope| {
        let waiting = scope
            .spawn(|| Opening::new(folder.path(), holder(), &birth).wait(Duration::from_secs(30)).open().map(drop));
        drop(store);
        waiting.join().expect("no panic").expect("it gets it");
    });
}

/// Not a test by itself: the process that the next one kills.
#[test]
#[ignore = "started by `the_lock_of_a_killed_holder_never_needs_a_hand`"]
fn child_that_holds_the_lock() {
    let Some(folder) = std::env::var_os("KFPLAN_STORE_CHILD") else { return };
    let _store = open(Path::new(&folder));
    std::fs::write(Path::new(&folder).join("told"), "held").expect("told");
    loop {
        std::thread::park();
    }
}

#[test]
fn the_lock_of_a_killed_holder_never_needs_a_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "tests::lock::child_that_holds_the_lock", "--ignored", "--test-threads=1"])
        .env("KFPLAN_STORE_CHILD", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    while !folder.path().join("told").exists() {
        std::thread::yield_now();
    }
    let error = Opening::new(folder.path(), holder(), &birth).open().expect_err("it is locked");
    assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");
    child.kill().expect("it is killed");
    child.wait().expect("it is gone");
    assert_eq!(current_holder(folder.path()).expect("readable"), LockState::Free);
    open(folder.path());
}

#[test]
fn times_are_told_in_utc() {
    assert_eq!(crate::lock::utc(0), "1970-01-01T00:00:00Z");
    assert_eq!(crate::lock::utc(951_782_400_000), "2000-02-29T00:00:00Z");
    assert_eq!(crate::lock::utc(4_107_542_399_000), "2100-02-28T23:59:59Z");
}
