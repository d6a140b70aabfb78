//! Gets back what can be had of a damaged state.
//!
//! Three witnesses are asked: checkpoints and their journals, of which the generation before the one
//! in force is kept; and sled. Whatever of them is whole is put together in a new generation; what was
//! damaged stays where it is until two more checkpoints were written.

use std::path::Path;
use std::time::Duration;

use kfplan_plan::{Digest, Entry, Sealed};

use crate::apply::{Keep, apply};
use crate::cells::Cells;
use crate::checkpoint::{Checkpoint, Head, Item, Writer, unpack};
use crate::error::StoreError;
use crate::files::{Disk, Files, How, read_all};
use crate::frame::{Found, find};
use crate::ledger::Ledger;
use crate::lock::{Holder, Lock};
use crate::log::{Generations, Log, MARK, journal_path, salt};
use crate::shelf::{Shelf, bodies_of};
use crate::snapshot::Kept;

/// Puts together what is whole, and makes it the state. Gives what was done and what is lost, a sentence each.
///
/// # Errors
///
/// [`StoreError::Locked`] when somebody else has the state; [`StoreError::Damaged`] or
/// [`StoreError::Newer`] when no checkpoint and no sled can be read; [`StoreError::Io`].
pub fn repair(folder: &Path, holder: &Holder, wait: Duration) -> Result<Vec<String>, StoreError> {
    let files = Disk;
    let _lock = Lock::take(folder, holder, wait)?;
    let generations = Generations::of(&files, folder)?;
    let mut told = Vec::new();
    let shelf = open_shelf(folder, &mut told);
    let mut rescue = Rescue::begin(&files, folder, &generations, shelf.as_ref(), &mut told)?;
    let base = rescue.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.head.generation);
    for &generation in generations.journals.iter().filter(|generation| **generation >= base) {
        rescue.journal(&files, folder, generation, &mut told)?;
    }
    if let Some(shelf) = &shelf {
        rescue.sled(shelf, &mut told);
    }
    let newest = generations.checkpoints.iter().chain(&generations.journals).max().copied().unwrap_or(0);
    rescue.write(&files, folder, newest + 1, shelf.as_ref(), &mut told)?;
    Ok(told)
}

fn open_shelf(folder: &Path, told: &mut Vec<String>) -> Option<Shelf> {
    let folder = folder.join("records");
    if !folder.exists() {
        return None;
    }
    match Cells::open(&folder, told) {
        Ok(cells) => Some(Shelf::new(cells, &folder)),
        Err(error) => {
            told.push(format!("sled cannot be asked: {error}"));
            None
        }
    }
}

/// What was got back so far.
struct Rescue {
    ledger: Ledger,
    kept: Kept,
    checkpoint: Option<Checkpoint>,
    /// Sequences that no journal has, as ranges.
    lost: Vec<(u64, u64)>,
}

impl Rescue {
    /// Begins with the newest checkpoint that is whole, else with what sled says of itself.
    fn begin(
        files: &dyn Files,
        folder: &Path,
        generations: &Generations,
        shelf: Option<&Shelf>,
        told: &mut Vec<String>,
    ) -> Result<Self, StoreError> {
        let mut wrong = None;
        for &generation in generations.checkpoints.iter().rev() {
            match Self::from_checkpoint(files, folder, generation) {
                Ok(rescue) => return Ok(rescue),
                Err(error @ StoreError::Newer { .. }) => return Err(error),
                Err(error) => {
                    told.push(error.to_string());
                    wrong.get_or_insert(error);
                }
            }
        }
        let ledger = shelf.and_then(Shelf::ledger).ok_or_else(|| {
            wrong.unwrap_or_else(|| StoreError::Damaged {
                path: folder.to_owned(),
                at: 0,
                reason: "there is no checkpoint, and sled does not say whose records it has".to_owned(),
            })
        })?;
        told.push("no checkpoint is whole; began with what sled has".to_owned());
        let ledger = Ledger { sequence: 0, ..ledger };
        Ok(Self { ledger, kept: Kept::default(), checkpoint: None, lost: Vec::new() })
    }

    fn from_checkpoint(files: &dyn Files, folder: &Path, generation: u64) -> Result<Self, StoreError> {
        let checkpoint = Checkpoint::open(files, folder, generation)?;
        let mut kept = Kept::default();
        checkpoint.items(|item| match item {
            Item::Record(record) => kept.put_record(*record),
            Item::Event { run, sequence, event } => kept.put_event(&run, sequence, &event),
        })?;
        let ledger = checkpoint.head.ledger.clone();
        Ok(Self { ledger, kept, checkpoint: Some(checkpoint), lost: Vec::new() })
    }

    /// Applies every batch of a journal that is whole. Entries say how things are, not how they change, so
    /// that later ones hold whatever was lost before them.
    fn journal(
        &mut self,
        files: &dyn Files,
        folder: &Path,
        generation: u64,
        told: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let path = journal_path(folder, generation);
        let file = files.open(&path, How::Read).map_err(StoreError::io("open", &path))?;
        let bytes = read_all(&*file).map_err(StoreError::io("read", &path))?;
        let salt = salt(&self.ledger.lineage, generation);
        let mut at = 0;
        let mut is_first = true;
        while at < bytes.len() {
            let Found::Frame { sequence, payload, next } = find(&salt, &bytes, at) else {
                // The next batch begins after some line end.
                let step = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n'));
                at = step.map_or(bytes.len(), |step| at + step + 1);
                is_first = false;
                continue;
            };
            at = next + usize::from(bytes.get(next..).is_some_and(|rest| rest.starts_with(MARK)));
            // The first frame says whose journal it is, and is no batch.
            if !std::mem::take(&mut is_first) || sequence > self.ledger.sequence {
                self.batch(sequence, payload, told)?;
            }
        }
        Ok(())
    }

    fn batch(&mut self, first: u64, payload: &[u8], told: &mut Vec<String>) -> Result<(), StoreError> {
        let Ok(entries) = serde_json::from_slice::<Vec<Entry>>(payload) else {
            return Ok(());
        };
        let expected = self.ledger.sequence + 1;
        if first < expected {
            return Ok(());
        }
        if first > expected && (self.checkpoint.is_some() || self.ledger.sequence > 0) {
            self.lost.push((expected, first - 1));
            told.push(format!("the entries {expected} to {} are lost from the journal", first - 1));
        }
        for (sequence, entry) in (first..).zip(&entries) {
            apply(&mut self.ledger, &mut self.kept, sequence, entry)?;
        }
        Ok(())
    }

    /// Takes from sled what the journals do not have: records written by entries that are lost.
    fn sled(&mut self, shelf: &Shelf, told: &mut Vec<String>) {
        let last = self.ledger.sequence;
        let is_lost =
            |sequence: u64| sequence > last || self.lost.iter().any(|(from, to)| (*from..=*to).contains(&sequence));
        let mut newest = last;
        for record in shelf.readable() {
            let known = self.kept.records.get(&record.address).map_or(0, |known| known.sequence);
            let nothing_else = self.checkpoint.is_none() && known == 0;
            if record.sequence > known && (is_lost(record.sequence) || nothing_else) {
                told.push(format!("took `{}` from sled", record.address));
                newest = newest.max(record.sequence);
                self.kept.put_record(record);
            }
        }
        self.ledger.sequence = newest;
    }

    /// Writes a new generation.
    fn write(
        mut self,
        files: &dyn Files,
        folder: &Path,
        generation: u64,
        shelf: Option<&Shelf>,
        told: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        // Above everything that was, so that sled is seen to be older and is made anew.
        self.ledger.sequence += 1;
        self.ledger.serial += 1;
        for record in self.kept.records.values() {
            for digest in bodies_of(record) {
                if self.body(digest, shelf).is_none() {
                    told.push(format!("the body that was sent for `{}` is lost ({digest})", record.address));
                }
            }
        }
        Log::begin(files, folder, &self.ledger.lineage, generation, self.ledger.sequence)?;
        let mut writer = Writer::new(files, folder, &Head::new(generation, self.ledger.clone()))?;
        self.kept.write(&mut writer, |digest| Ok(self.body(digest, shelf)))?;
        writer.seal()?.publish()?;
        let records = self.kept.records.len();
        told.push(format!("{records} records are in the repaired state; `plan` compares them with what is there"));
        Ok(())
    }

    /// A body, from whoever has it whole.
    fn body(&self, digest: &Digest, shelf: Option<&Shelf>) -> Option<Sealed> {
        let kept = || self.kept.bodies.get(digest).cloned();
        let checkpoint = || self.checkpoint.as_ref().and_then(|checkpoint| checkpoint.body(digest).ok().flatten());
        let sled = || shelf.and_then(|shelf| shelf.packed(digest).ok().flatten());
        kept().or_else(checkpoint).or_else(|| unpack(digest, &sled()?))
    }
}
