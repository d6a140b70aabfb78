//! Changes the objects of an applied stack at random, and sees that `kfplan drift` names each change and nothing else.
//!
//! `mutate --stack DIR --kubeconfig FILE [--count N] [--seed N] [--kfplan BINARY]`. Only for a cluster that may break.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use kfplan_tests::{Cluster, Kfplan, Options, mutate};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            say(&format!("mutate: {message}"));
            ExitCode::from(64)
        }
    }
}

/// Whether nothing was missed.
fn run() -> Result<bool, String> {
    let (mut stack, mut kubeconfig, mut binary) = (None, None, None);
    let (mut count, mut seed) = (10_000, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not `{value}`"));
        match name.as_str() {
            "--stack" => stack = Some(PathBuf::from(value)),
            "--kubeconfig" => kubeconfig = Some(PathBuf::from(value)),
            "--kfplan" => binary = Some(PathBuf::from(value)),
            "--count" => count = usize::try_from(number()?).unwrap_or(usize::MAX),
            "--seed" => seed = number()?,
            _ => return Err(format!("there is no {name}; there are --stack, --kubeconfig, --count, --seed, --kfplan")),
        }
    }
    let folder = stack.ok_or("--stack DIR names the folder of the stack")?;
    let kubeconfig = kubeconfig.ok_or("--kubeconfig FILE names the cluster")?;
    let read = |file: &PathBuf| std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()));
    let cluster = Cluster::of_kubeconfig(&read(&kubeconfig)?);
    let name = stack_name(&read(&folder.join("kfplan.toml"))?).ok_or("the stack file has no `name` in `[stack]`")?;
    let binary = binary.map_or_else(beside_me, Ok)?;
    let kfplan = Kfplan { binary, folder, flags: Vec::new() };
    let report = mutate(&cluster, &kfplan, &Options { stack: name, count, seed }, &mut say);
    say(&report.to_string());
    Ok(report.misses.is_empty())
}

fn stack_name(file: &str) -> Option<String> {
    let lines = file.lines().map(str::trim).skip_while(|line| *line != "[stack]").skip(1);
    let mut lines = lines.take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "name").then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The binary that was built beside this one.
fn beside_me() -> Result<PathBuf, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let kfplan = me.with_file_name("kfplan");
    if kfplan.exists() { Ok(kfplan) } else { Err("build kfplan first, or name it with --kfplan".to_owned()) }
}

fn say(line: &str) {
    // With nobody listening, the exit code still tells.
    let _ = writeln!(std::io::stdout(), "{}", line.trim_end());
}
