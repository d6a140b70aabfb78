//! Runs that are stopped before their end, and how they go on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use kfplan_tests::{Cloud, Place, empty};

/// Starts a command and waits until it says `text` on stderr.
fn started(place: &Place, words: &[&str], text: &str) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = place
        .command(words)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the built binary can be started");
    let mut told = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        let read = told.read_line(&mut line).expect("a readable pipe");
        assert!(read > 0, "`kfplan {}` never said `{text}`", words.join(" "));
    }
    (child, told)
}

fn interrupt(child: &Child) {
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

#[test]
fn an_interrupted_apply_is_130_says_how_to_go_on_and_goes_on() {
    let place = empty();
    let cloud = Cloud::serve(&place);
    let (mut child, mut told) = started(&place, &["apply", "--sandbox", "--auto-approve"], "create aks_cluster.main");
    interrupt(&child);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut told, &mut rest).expect("a readable pipe");
    assert_eq!(child.wait().expect("a child of this process").code(), Some(130), "{rest}");
    assert!(rest.contains("kfplan apply"), "{rest}");

    let _ = place.run(&["show", "--sandbox"]).exits(0).says("in doubt");
    let before = cloud.marked("tiny");
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
    assert!(before.iter().all(|thing| cloud.marked("tiny").contains(thing)));
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0);
    let _ = place.run(&["show", "--sandbox"]).exits(0).is_silent_on("in doubt");
}

#[test]
fn a_saved_plan_whose_run_was_killed_is_continued_by_the_same_command() {
    let place = empty();
    let cloud = Cloud::serve(&place);
    let _ = place.run(&["plan", "--sandbox", "-o", "all.plan"]).exits(0);
    let apply = ["apply", "--sandbox", "all.plan"];
    let (mut child, _told) = started(&place, &apply, "done: create aks_cluster.main");
    child.kill().expect("a child of this process");
    let _ = child.wait().expect("a child of this process");
    let before = cloud.marked("tiny");
    assert!(before.iter().any(|(address, _)| address == "aks_cluster.main"), "{before:?}");

    let _ = place.run(&apply).exits(0).is_silent_on("create resource_group.main");
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(0).says("Nothing to do: 6 resources");
    let _ = place.run(&apply).exits(4).says("carried out to the end already");
    let _ = place.run(&["runs", "--sandbox"]).exits(0).says("has not ended, or was killed");
}

#[test]
fn looking_is_possible_while_an_apply_runs_and_drift_waits_for_it() {
    let place = empty();
    let _cloud = Cloud::serve(&place);
    let (mut child, mut told) = started(&place, &["apply", "--sandbox", "--auto-approve"], "create aks_cluster.main");
    let _ = place.run(&["state", "list", "--sandbox"]).exits(0);
    let _ = place.run(&["plan", "--sandbox"]).exits(0);
    let _ = place.run(&["drift", "--sandbox"]).exits(5).says("store::locked");
    let waited = place.run(&["drift", "--sandbox", "--lock-timeout", "60s"]);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut told, &mut rest).expect("a readable pipe");
    assert_eq!(child.wait().expect("a child of this process").code(), Some(0), "{rest}");
    let _ = waited.exits(0).says("No drift: 6 resources as applied.");
}
