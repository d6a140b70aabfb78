//! Changes made behind kfplan's back, at random, through the API of a cluster, to see that `kfplan drift` names each
//! of them, and nothing else.
//!
//! What drift must say is not taken from the change that was tried but from what the server said of the object before
//! and after: its body and its `managedFields`. This shares no code with kfplan, which would repeat its mistakes.

mod chance;
mod draft;
mod edit;
mod expect;
mod fields;
mod foreign;
mod judge;
mod left_out;
mod object;
mod owned;
mod report;
mod round;
mod send;
#[cfg(test)]
mod tests;
mod value;

use std::path::PathBuf;
use std::process::Command;

use crate::cloud::Cluster;
use crate::place::clean;
use crate::ran::Ran;

pub use report::{Figures, Report};

/// What is changed, and how often.
#[derive(Debug)]
pub struct Options {
    /// The name of the stack that was applied.
    pub stack: String,
    /// How many changes there are at least, of what was applied and of what was not.
    pub count: usize,
    /// What decides everything that is chosen.
    pub seed: u64,
}

/// kfplan, as it is run in the folder of the stack.
#[derive(Debug)]
pub struct Kfplan {
    /// The binary.
    pub binary: PathBuf,
    /// The folder with the stack file.
    pub folder: PathBuf,
    /// Flags for every command.
    pub flags: Vec<String>,
}

impl Kfplan {
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = clean(Command::new(&self.binary), &self.folder, arguments);
        command.args(&self.flags);
        Ran::of(command)
    }
}

/// Changes the objects of an applied stack round by round until there were enough changes of both sorts. `tell` hears
/// of each round, and of each miss.
///
/// # Panics
///
/// When the server or kfplan cannot be asked, or nothing was applied.
pub fn mutate(cluster: &Cluster, kfplan: &Kfplan, options: &Options, tell: &mut dyn FnMut(&str)) -> Report {
    let mut report = Report::default();
    let first = kfplan.run(&["drift", "--format", "json"]);
    assert!(first.exit == 0, "there is drift before anything was changed:\n{}{}", first.out, first.err);
    let mut number = 0;
    while report.total().is_below(options.count) {
        number += 1;
        let (before, told) = (report.total(), report.misses.len());
        round::round(cluster, kfplan, options, number, &mut report);
        let after = report.total();
        assert!(before != after, "round {number} found nothing to change");
        report.misses.iter().skip(told).for_each(|miss| tell(&format!("MISS {miss}")));
        tell(&format!(
            "round {number}: {} changes to what was applied, {} to what was not, {} misses so far",
            after.applied - before.applied,
            after.others - before.others,
            report.misses.len()
        ));
    }
    report
}
