//! How the binary behaves where nobody sits at the terminal.

use kfplan_tests::{Cloud, Place, applied, binary, empty, until};

const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

#[test]
fn with_nobody_at_the_terminal_nothing_is_asked() {
    let place = empty();
    let _ = place.run(&["apply", "--sandbox"]).exits(64).says("--auto-approve");
    let _ = place.run(&["destroy", "--sandbox"]).exits(64).says("--confirm");
    assert!(!place.path().join(".kfplan").exists(), "it was refused before anything was done");
}

#[test]
fn a_runner_that_is_thrown_away_keeps_no_state() {
    let place = empty();
    for command in [["apply", "--auto-approve"], ["destroy", "--auto-approve"]] {
        let _ = place.run_with(&[("CI", "true")], &command).exits(1).says("kfplan::state::ci").says("[state]");
    }
    let _ = place.run_with(&[("CI", "true")], &["apply", "--auto-approve", "--sandbox"]).exits(0);
}

#[test]
fn mistakes_on_the_command_line_are_64_and_never_2() {
    let place = empty();
    let wrong: [&[&str]; 9] = [
        &["frobnicate"],
        &["plan", "--frobnicate"],
        &["plan", "--format", "xml"],
        &["plan", "--var", "novalue"],
        &["apply", "one.plan", "two.plan"],
        &["state", "mv", "one"],
        &["completions", "tcsh"],
        &["plan", "--parallelism", "0"],
        &["plan", "--lock-timeout", "soon"],
    ];
    for words in wrong {
        let ran = place.run(words).exits(64);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{ran:?}");
    }
}

#[test]
fn a_broken_stack_is_1_with_every_mistake_at_its_line() {
    let place = empty();
    place.edit("kfplan.toml", "kubernetes_version = \"1.34\"", "kubernetes_version = 1.34\nflavour = \"sweet\"");
    let broken = place.run(&["plan", "--sandbox", "--exit-code"]).exits(1);
    let _ = broken.says("config::wrong_type").says("config::unknown_field").says("kfplan.toml:");
    let _ = place.run(&["validate"]).exits(1).says("config::wrong_type");
    assert!(!place.path().join(".kfplan").exists());
}

#[test]
fn a_locked_state_is_5_and_says_by_whom_since_when() {
    let place = applied(SCRATCH);
    let _cloud = Cloud::serve(&place);
    place.edit("k8s/app.yaml", "size: small", "size: large");
    let mut holder = Holding::start(&place);
    let locked = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(5);
    let _ = locked.says("store::locked").says(&holder.child.id().to_string()).says("`kfplan apply`) since 2");
    let _ = place.run(&["state", "rm", "manifests.app", "--sandbox"]).exits(5);
    let _ = place.run(&["plan", "--sandbox", "--exit-code"]).exits(2).says("1 to update");
    holder.end();
    let _ = place.run(&["apply", "--sandbox", "--auto-approve"]).exits(0);
}

/// An apply that holds the lock, until it is killed.
struct Holding {
    child: std::process::Child,
}

impl Holding {
    fn start(place: &Place) -> Self {
        // It waits where its events go: a named pipe that nobody reads.
        let pipe = place.path().join("events");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success());
        let child = place
            .command(&["apply", "--sandbox", "--auto-approve", "--events", "events"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the built binary can be started");
        let holding = Self { child };
        // Looking for drift waits for the lock, and never takes it.
        until("a held lock", || (place.run(&["drift", "--sandbox"]).exit == 5).then_some(()));
        holding
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn a_pipe_gets_plain_lines_and_data_only_on_stdout() {
    let place = applied(SCRATCH);
    for words in [&["plan", "--sandbox"][..], &["plan"], &["drift", "--sandbox"], &["show", "--sandbox"], &["--help"]] {
        let ran = place.run(words);
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
    }
    let told = place.run(&["plan", "--sandbox", "--format", "json"]).exits(0);
    assert!(told.out.starts_with('{') && told.out.ends_with("}\n"), "{}", told.out);
    assert!(told.err.starts_with("SANDBOX  stack tiny"), "{}", told.err);
}

#[test]
fn colour_is_an_addition() {
    let place = empty();
    let painted = place.run(&["plan", "--sandbox", "--color", "always"]).exits(0).out;
    assert!(painted.contains('\u{1b}'));
    let plain = place.run(&["plan", "--sandbox"]).exits(0).out;
    let mut stripped = String::new();
    let mut inside = false;
    for letter in painted.chars() {
        match letter {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            other if !inside => stripped.push(other),
            _ => {}
        }
    }
    assert_eq!(stripped, plain);
    let quiet = place.run_with(&[("NO_COLOR", "1")], &["plan", "--sandbox"]).exits(0).out;
    assert_eq!(quiet, plain);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = applied(SCRATCH);
    let mut child = std::process::Command::new(binary())
        .current_dir(place.path())
        .args(["state", "export", "--sandbox"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the built binary can be started");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("a child of this process").code(), Some(0));
}

#[test]
fn events_are_lines_of_json() {
    let place = empty();
    let _ = place.run(&["apply", "--sandbox", "--auto-approve", "--events", "events.ndjson"]).exits(0);
    let events = place.read("events.ndjson");
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        assert!(event.is_object(), "{line}");
    }
    assert!(events.contains("manifests.app/app/ConfigMap/settings"), "{events}");
}

#[test]
fn a_folder_can_be_named() {
    let place = empty();
    let elsewhere = Place::new();
    let folder = place.path().to_string_lossy().into_owned();
    let _ = elsewhere.run(&["-C", &folder, "validate"]).exits(0).says("valid");
    let _ = elsewhere.run(&["validate"]).exits(1).says("kfplan::stack::missing");
    let _ = place.run(&["plan", "--sandbox"]).exits(0);
    assert_eq!(place.read(".kfplan/.gitignore"), "*\n");
}
