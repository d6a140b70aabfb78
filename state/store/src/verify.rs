//! Looks at every byte of a state folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cells::Cells;
use crate::checkpoint::Checkpoint;
use crate::error::StoreError;
use crate::files::{Disk, Files, How, read_all};
use crate::key;
use crate::lock::{Holder, Lock};
use crate::log::{Generations, journal_path, read_tail};
use crate::shelf::{Shelf, bodies_of};
use crate::snapshot::Snapshot;

/// What a look at every byte found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What is wrong, a sentence each. Empty: everything is as it was written.
    pub problems: Vec<String>,
    /// What is unusual and does no harm, such as a batch that was cut short before it counted.
    pub remarks: Vec<String>,
    /// How many records there are.
    pub records: usize,
}

/// Checks checkpoints, journals, sled, bodies and key against their hashes and each other. Changes nothing
/// but what opening sled changes.
///
/// # Errors
///
/// [`StoreError::Locked`] when somebody else has the state, [`StoreError::Io`] when it cannot be read at all.
pub fn verify(folder: &Path, holder: &Holder, wait: Duration) -> Result<Report, StoreError> {
    let files: Arc<dyn Files> = Arc::new(Disk);
    let mut report = Report::default();
    let generations = Generations::of(&*files, folder)?;
    if generations.current().is_none() {
        if !generations.journals.is_empty() {
            report.problems.push(format!("`{}` has journals and no checkpoint", folder.display()));
        }
        return Ok(report);
    }
    let _lock = Lock::take(folder, holder, wait)?;
    for name in &generations.unfinished {
        report.remarks.push(format!("`{name}` was left half made by a killed process; the next apply removes it"));
    }
    for &generation in &generations.checkpoints {
        if let Err(error) = check_generation(&*files, folder, generation, &mut report) {
            report.problems.push(with_cause(&error));
        }
    }
    match Snapshot::read_with(Arc::clone(&files), folder) {
        Ok(Some(snapshot)) => check_snapshot(folder, &snapshot, &mut report)?,
        Ok(None) => {}
        Err(error) => {
            let text = with_cause(&error);
            if !report.problems.contains(&text) {
                report.problems.push(text);
            }
        }
    }
    Ok(report)
}

fn check_generation(files: &dyn Files, folder: &Path, generation: u64, report: &mut Report) -> Result<(), StoreError> {
    let checkpoint = Checkpoint::open(files, folder, generation)?;
    checkpoint.items(drop)?;
    for digest in checkpoint.bodies() {
        if let Err(error) = checkpoint.body(digest) {
            report.problems.push(with_cause(&error));
        }
    }
    let path = journal_path(folder, generation);
    let journal = files.open(&path, How::Read).map_err(StoreError::io("open", &path))?;
    let bytes = read_all(&*journal).map_err(StoreError::io("read", &path))?;
    let tail = read_tail(&path, &bytes, &checkpoint.head)?;
    if tail.torn > 0 {
        let torn = tail.torn;
        report.remarks.push(format!("`{}` ends with {torn} bytes of a batch that never counted", path.display()));
    }
    Ok(())
}

fn check_snapshot(folder: &Path, snapshot: &Snapshot, report: &mut Report) -> Result<(), StoreError> {
    report.records = snapshot.records().len();
    for record in snapshot.records().values() {
        for digest in bodies_of(record) {
            if matches!(snapshot.body(digest), Ok(None)) {
                report.problems.push(format!("the body {digest} that `{}` speaks of is missing", record.address));
            }
        }
    }
    match key::read(&Disk, folder) {
        Err(error) => report.problems.push(with_cause(&error)),
        Ok(None) => report.problems.push("the key file is missing: secrets cannot be compared".to_owned()),
        Ok(Some(_)) if snapshot.key().is_none() => {
            report.problems.push("the key file belongs to another state: secrets cannot be compared".to_owned());
        }
        Ok(Some(_)) => {}
    }
    let sled_folder = folder.join("records");
    if !sled_folder.exists() {
        report.remarks.push("there is no sled folder; the next apply makes it anew".to_owned());
        return Ok(());
    }
    let shelf = match Cells::open(&sled_folder, &mut report.remarks) {
        Ok(cells) => Shelf::new(cells, &sled_folder),
        Err(error) => {
            report.problems.push(with_cause(&error));
            return Ok(());
        }
    };
    report.problems.extend(shelf.check());
    let (applied, sequence) = (shelf.applied_to(), snapshot.sequence());
    if applied > sequence {
        report.problems.push(format!("sled holds entry {applied}, and the journal ends with entry {sequence}"));
        return Ok(());
    }
    if shelf.closed_at() != Some(snapshot.sequence()) {
        report.remarks.push("sled was not closed in order; the next apply makes it anew".to_owned());
        return Ok(());
    }
    let stored = match shelf.records() {
        Ok(stored) => stored,
        Err(error) => {
            report.problems.push(with_cause(&error));
            return Ok(());
        }
    };
    for record in &stored {
        if snapshot.records().get(&record.address) != Some(record) {
            report.problems.push(format!("sled and journal disagree about `{}`", record.address));
        }
    }
    if stored.len() != snapshot.records().len() {
        let (sled, journal) = (stored.len(), snapshot.records().len());
        report.problems.push(format!("sled has {sled} records, and the journal has {journal}"));
    }
    Ok(())
}

/// An error with what is behind it, on one line.
fn with_cause(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
