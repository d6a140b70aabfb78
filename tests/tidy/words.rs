//! Rules that a line of text can break.

use std::process::Command;

/// Every file that git tracks, with its text.
fn tracked(extensions: &[&str]) -> Vec<(String, String)> {
    let root = kfplan_tests::root();
    let git = Command::new("git").args(["ls-files", "-z"]).current_dir(&root).output().expect("a git checkout");
    String::from_utf8_lossy(&git.stdout)
        .split('\0')
        .filter(|path| extensions.iter().any(|extension| path.ends_with(extension)))
        .filter_map(|path| Some((path.to_owned(), std::fs::read_to_string(root.join(path)).ok()?)))
        .collect()
}

#[test]
fn nobody_unwraps_or_switches_a_lint_off_in_silence() {
    let wrong: Vec<String> = tracked(&[".rs"])
        .iter()
        .filter(|(path, _)| !path.starts_with("tests/tidy"))
        .flat_map(|(path, text)| {
            text.lines().enumerate().filter_map(move |(number, line)| {
                let line = line.trim();
                let bad = line.contains(".unwrap()") || line.starts_with("#[allow(") || line.starts_with("#![allow(");
                (bad && !line.starts_with("//")).then(|| format!("{path}:{}: {line}", number + 1))
            })
        })
        .collect();
    assert!(wrong.is_empty(), "use `expect` with the reason, and `#[expect(…, reason)]`:\n{}", wrong.join("\n"));
}

#[test]
fn every_crate_says_what_it_is_for() {
    let wrong: Vec<String> = tracked(&["/lib.rs", "/main.rs"])
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "no module docs: {wrong:?}");
}
