//! The help of every command.

use std::fmt::Write as _;

use kfplan_tests::Place;

use crate::holds;

/// The subcommands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let Some((_, after)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    after
        .lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The help of a command and of all below it, as Markdown. Global options are told once, at the top.
fn write(place: &Place, words: &[String], out: &mut String) {
    let mut command = words.iter().map(String::as_str).collect::<Vec<_>>();
    command.push("--help");
    // As wide as the help ever is.
    let help = place.run_with(&[("COLUMNS", "100")], &command).exits(0).out;
    let title = if words.is_empty() { "kfplan".to_owned() } else { format!("kfplan {}", words.join(" ")) };
    let _ = write!(out, "\n## {title}\n\n```text\n{}\n```\n", help.trim_end());
    for name in listed(&help) {
        let mut below = words.to_vec();
        below.push(name);
        write(place, &below, out);
    }
}

#[test]
fn the_reference_of_commands_is_of_today() {
    let mut text =
        "# Commands\n\nWhat `--help` of every command prints. Generated: see `tests/reference`.\n".to_owned();
    write(&Place::new(), &[], &mut text);
    assert!(text.contains("## kfplan state mv"), "subcommands of subcommands are there");
    holds("docs/reference/commands.md", &text);
}

#[test]
fn help_and_version_are_answers_and_nothing_else_is() {
    let place = Place::new();
    let _ = place.run(&["--version"]).exits(0).says("kfplan 0.");
    let _ = place.run(&["help", "plan"]).exits(0).says("Show what `apply` would change");
    let _ = place.run(&[]).exits(64);
}

#[test]
fn every_shell_gets_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let _ = place.run(&["completions", shell]).exits(0).says("drift").says("auto-approve");
    }
}

/// Help that names a command which does not exist sends its reader astray.
#[test]
fn every_command_that_a_message_names_exists() {
    let place = Place::new();
    let mut commands = String::new();
    write(&place, &[], &mut commands);
    let mut wrong = Vec::new();
    for (path, text) in crate::codes::sources() {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for after in line.split("`kfplan ").skip(1) {
                let words: Vec<&str> = after
                    .split(|end: char| !(end.is_ascii_lowercase() || end == ' '))
                    .next()
                    .unwrap_or_default()
                    .split_whitespace()
                    .collect();
                let known = |count: usize| {
                    let name = words.iter().take(count).copied().collect::<Vec<_>>().join(" ");
                    commands.contains(&format!("\n## kfplan {name}\n"))
                };
                let group = words.first() == Some(&"state");
                if !words.is_empty() && !known(if group { 2 } else { 1 }) {
                    wrong.push(format!("{path}:{}: `kfplan {}`", number + 1, words.join(" ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "no such command:\n{}", wrong.join("\n"));
}
