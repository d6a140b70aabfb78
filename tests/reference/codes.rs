//! Every stable code is listed in `docs/errors.md`, and every listed one exists.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use kfplan_tests::root;

const PAGE: &str = "docs/errors.md";

/// The sources of the product: their path and text, tests and the simulated cloud left out.
pub(crate) fn sources() -> Vec<(String, String)> {
    let git = Command::new("git").args(["ls-files", "-z", "*.rs"]).current_dir(root()).output().expect("a checkout");
    String::from_utf8_lossy(&git.stdout)
        .split('\0')
        .filter(|path| ["engine/", "plans/", "providers/", "state/"].iter().any(|top| path.starts_with(top)))
        .filter(|path| !path.contains("tests") && !path.contains("/benches/") && !path.contains("providers/sim/"))
        .filter_map(|path| Some((path.to_owned(), std::fs::read_to_string(root().join(path)).ok()?)))
        .collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The texts in quotes of some source, each with what stands before it.
fn quoted(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find('"')).map(|found| found + at) {
        let Some(end) = text.get(start + 1..).and_then(|rest| rest.find('"')).map(|found| found + start + 1) else {
            break;
        };
        let inside = text.get(start + 1..end).unwrap_or_default();
        if inside.split("::").all(is_word) {
            found.push((text.get(..start).unwrap_or_default(), inside));
            at = end + 1;
        } else {
            // Perhaps the end of a longer text: its closing quote opens nothing.
            at = start + 1;
        }
    }
    found
}

/// The codes of the sources, without the leading `kfplan::`, each with a file that has it.
fn used() -> BTreeMap<String, String> {
    let mut codes = BTreeMap::new();
    for (path, text) in sources() {
        let own: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let text = own.join("\n");
        let mut within_code = false;
        for line in text.lines() {
            within_code = line.contains("fn code(&self)") || (within_code && !line.starts_with("    }"));
            if within_code && path == "engine/config/src/error.rs" {
                codes.extend(quoted(line).into_iter().map(|(_, code)| (format!("config::{code}"), path.clone())));
            }
        }
        for (before, code) in quoted(&text) {
            let before = before.trim_end();
            let made = before.ends_with("Failure::new(")
                || before.ends_with("Failure::all(")
                || before.ends_with("code:")
                || before.rsplit_once("Trouble::new(").is_some_and(|(_, class)| {
                    class.trim().strip_prefix("Class::").is_some_and(|class| {
                        class
                            .strip_suffix(',')
                            .is_some_and(|class| class.bytes().all(|byte| byte.is_ascii_alphabetic()))
                    })
                });
            if code.contains("::") || made {
                let code = code.strip_prefix("kfplan::").unwrap_or(code);
                codes.insert(code.to_owned(), path.clone());
            }
        }
    }
    codes
}

/// The codes of the page.
fn listed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(PAGE)).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(code, _)| code.to_owned()).collect()
}

#[test]
fn every_code_is_explained() {
    let (used, listed) = (used(), listed());
    assert!(used.len() > 150, "only {} codes found: is the search broken?", used.len());
    let missing: Vec<String> = used
        .iter()
        .filter(|(code, _)| !listed.contains(*code))
        .map(|(code, path)| format!("| `{code}` | … | … |    ({path})"))
        .collect();
    assert!(missing.is_empty(), "{PAGE} lacks:\n{}", missing.join("\n"));
}

#[test]
fn no_code_is_explained_that_is_gone() {
    let (used, listed) = (used(), listed());
    let gone: Vec<&String> = listed.iter().filter(|code| !used.contains_key(*code)).collect();
    assert!(gone.is_empty(), "{PAGE} explains what no source has: {gone:?}");
}

#[test]
fn the_page_says_what_each_code_means_and_what_to_do() {
    let text = std::fs::read_to_string(root().join(PAGE)).expect("the page of errors");
    let thin: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            cells.len() != 3 || cells.iter().any(|cell| cell.trim().len() < 3)
        })
        .collect();
    assert!(thin.is_empty(), "{thin:#?}");
}
