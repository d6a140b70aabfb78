//! The journal's file, and which files of a folder belong together.
//!
//! A folder has generations: `journal.N` holds what happened after `checkpoint.N`. A new generation
//! begins with its empty journal and is in force once its checkpoint has its name, so that at every
//! moment the highest checkpoint and its journal are everything. The generation before is kept as a
//! second witness.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kfplan_plan::{Entry, Journal, JournalError};
use serde::{Deserialize, Serialize};

use crate::STATE_FORMAT;
use crate::checkpoint::{self, Checkpoint, Head, Writer};
use crate::error::StoreError;
use crate::files::{Files, Handle, How, read_all, replace};
use crate::frame::{Found, find, follows, frame};
use crate::key;
use crate::ledger::Ledger;
use crate::snapshot::Snapshot;
use crate::store::Birth;

/// What says that a batch is durable.
pub(crate) const MARK: &[u8] = b"\n";

/// The first frame of a journal.
#[derive(Debug, Serialize, Deserialize)]
struct Opening {
    kfplan_journal: u64,
    lineage: String,
    generation: u64,
    after: u64,
}

/// The generations of a folder: which checkpoint is in force, and which are there.
#[derive(Debug, Default)]
pub(crate) struct Generations {
    /// Every `checkpoint.N`, ascending.
    pub(crate) checkpoints: Vec<u64>,
    /// Every `journal.N`, ascending.
    pub(crate) journals: Vec<u64>,
    /// Files that a crash left half made.
    pub(crate) unfinished: Vec<String>,
}

impl Generations {
    /// What is in the folder; nothing when there is no such folder.
    pub(crate) fn of(files: &dyn Files, folder: &Path) -> Result<Self, StoreError> {
        let names = match files.list(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(StoreError::io("list", folder)(error)),
        };
        let mut found = Self::default();
        for name in names {
            let number = |prefix: &str| name.strip_prefix(prefix).and_then(|number| number.parse().ok());
            if let Some(number) = number("checkpoint.") {
                found.checkpoints.push(number);
            } else if let Some(number) = number("journal.") {
                found.journals.push(number);
            } else if name.ends_with(".new") {
                found.unfinished.push(name);
            }
        }
        found.checkpoints.sort_unstable();
        found.journals.sort_unstable();
        Ok(found)
    }

    /// The one in force.
    pub(crate) fn current(&self) -> Option<u64> {
        self.checkpoints.last().copied()
    }
}

pub(crate) fn journal_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("journal.{generation}"))
}

pub(crate) fn salt(lineage: &str, generation: u64) -> String {
    format!("journal {generation} of {lineage}")
}

/// What a journal's file holds.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    /// Every entry with its sequence.
    pub(crate) entries: Vec<(u64, Entry)>,
    /// The sequence of the last entry.
    pub(crate) sequence: u64,
    /// Where the last whole batch ends, its mark included if it has one.
    pub(crate) length: u64,
    /// Whether the last whole batch has its mark.
    pub(crate) marked: bool,
    /// What follows and was never acknowledged, in bytes.
    pub(crate) torn: u64,
}

/// Reads what happened after a checkpoint. What was cut short at the end was never acknowledged and is left out.
///
/// # Errors
///
/// [`StoreError::Damaged`] when an acknowledged batch is not as it was written.
pub(crate) fn read_tail(path: &Path, bytes: &[u8], head: &Head) -> Result<Tail, StoreError> {
    let salt = salt(&head.ledger.lineage, head.generation);
    let damaged = |at: usize, reason: &str| {
        Err(StoreError::Damaged { path: path.to_owned(), at: at as u64, reason: reason.to_owned() })
    };
    let mut at = match find(&salt, bytes, 0) {
        Found::Frame { sequence, payload, next } if sequence == head.ledger.sequence => {
            opening(path, payload)?;
            next + usize::from(bytes.get(next..).is_some_and(|rest| rest.starts_with(MARK)))
        }
        _ => {
            // A newer format may have another frame altogether, so its number is looked for as text.
            if let Some(found) = checkpoint::format_in(bytes, "kfplan_journal") {
                checkpoint::refuse_newer(path, found)?;
            }
            return damaged(0, "it does not begin as the journal of this checkpoint");
        }
    };
    let mut tail = Tail { sequence: head.ledger.sequence, length: at as u64, marked: true, ..Tail::default() };
    loop {
        match find(&salt, bytes, at) {
            Found::Frame { sequence, payload, next } => {
                if sequence != tail.sequence + 1 {
                    return damaged(at, &format!("entry {} is missing", tail.sequence + 1));
                }
                let Ok(entries) = serde_json::from_slice::<Vec<Entry>>(payload) else {
                    return damaged(at, "a whole batch holds entries that this kfplan does not know");
                };
                for entry in entries {
                    tail.sequence += 1;
                    tail.entries.push((tail.sequence, entry));
                }
                tail.marked = bytes.get(next..).is_some_and(|rest| rest.starts_with(MARK));
                at = next + usize::from(tail.marked);
                tail.length = at as u64;
            }
            Found::End => return Ok(tail),
            Found::Damaged { reason } if counted(bytes, at) || follows(&salt, bytes, at, tail.sequence) => {
                return damaged(at, reason);
            }
            Found::Cut | Found::Damaged { .. } => {
                tail.torn = (bytes.len() - at) as u64;
                return Ok(tail);
            }
        }
    }
}

/// Whether a batch that was acknowledged ends after `at`: nothing but its mark makes two line ends in a row.
fn counted(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.windows(2).any(|pair| pair == b"\n\n"))
}

fn opening(path: &Path, payload: &[u8]) -> Result<(), StoreError> {
    let found = checkpoint::format_in(payload, "kfplan_journal").unwrap_or(0);
    checkpoint::refuse_newer(path, found)?;
    let known = serde_json::from_slice::<Opening>(payload);
    known.map(drop).map_err(|error| StoreError::Damaged { path: path.to_owned(), at: 0, reason: error.to_string() })
}

/// The journal in force, open for appending. Usable by itself as a [`Journal`], without sled.
pub struct Log {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) folder: PathBuf,
    pub(crate) generation: u64,
    lineage: String,
    journal: Box<dyn Handle>,
    /// Where the next batch goes.
    length: u64,
    /// Whether bytes of a failed write may follow.
    dirty: bool,
    /// The sequence of the last entry.
    sequence: u64,
    /// Why nothing can be appended until the folder is opened again.
    broken: Option<String>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("folder", &self.folder)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the journal of the checkpoint in force and gives what it holds. Cuts off what was never
    /// acknowledged, and removes what a crash left half made. The caller holds the lock.
    pub(crate) fn open(files: Arc<dyn Files>, folder: &Path, head: &Head) -> Result<(Self, Tail), StoreError> {
        let generations = Generations::of(&*files, folder)?;
        for name in &generations.unfinished {
            let path = folder.join(name);
            files.remove(&path).map_err(StoreError::io("remove", &path))?;
        }
        for later in generations.journals.iter().filter(|number| **number > head.generation) {
            // It was begun for a checkpoint that never came to be, so nothing was appended to it.
            let path = journal_path(folder, *later);
            files.remove(&path).map_err(StoreError::io("remove", &path))?;
        }
        let path = journal_path(folder, head.generation);
        let mut journal = files.open(&path, How::Append).map_err(StoreError::io("open", &path))?;
        let bytes = read_all(&*journal).map_err(StoreError::io("read", &path))?;
        let mut tail = read_tail(&path, &bytes, head)?;
        if tail.torn > 0 {
            journal.truncate(tail.length).map_err(StoreError::io("write", &path))?;
        }
        // What is whole may have been read from memory that the disk has not seen yet.
        if !tail.marked {
            journal.sync().map_err(StoreError::io("write", &path))?;
            journal.append(MARK).map_err(StoreError::io("write", &path))?;
            tail.length += MARK.len() as u64;
        }
        journal.sync().map_err(StoreError::io("write", &path))?;
        let log = Self {
            files,
            folder: folder.to_owned(),
            generation: head.generation,
            lineage: head.ledger.lineage.clone(),
            journal,
            length: tail.length,
            dirty: false,
            sequence: tail.sequence,
            broken: None,
        };
        Ok((log, tail))
    }

    /// Writes the empty journal of a generation; it is in force once its checkpoint is there.
    pub(crate) fn begin(
        files: &dyn Files,
        folder: &Path,
        lineage: &str,
        generation: u64,
        after: u64,
    ) -> Result<(), StoreError> {
        let opening =
            Opening { kfplan_journal: u64::from(STATE_FORMAT), lineage: lineage.to_owned(), generation, after };
        let payload = serde_json::to_vec(&opening).expect("numbers and strings are JSON");
        let mut bytes = frame(&salt(lineage, generation), after, &payload);
        bytes.extend_from_slice(MARK);
        let path = journal_path(folder, generation);
        replace(files, &path, &bytes, How::New).map_err(StoreError::io("write", &path))
    }

    /// Opens the journal of a folder without sled and without its lock, and makes both where there is
    /// no state yet: for simulation, where nobody else is.
    ///
    /// # Errors
    ///
    /// As [`crate::Opening::open`].
    pub fn alone(files: Arc<dyn Files>, folder: &Path, birth: &Birth) -> Result<Self, StoreError> {
        let generation = match Generations::of(&*files, folder)?.current() {
            Some(generation) => generation,
            None => create(&*files, folder, birth)?,
        };
        let checkpoint = Checkpoint::open(&*files, folder, generation)?;
        Ok(Self::open(files, folder, &checkpoint.head)?.0)
    }

    /// Writes what is in the journal and its checkpoint to a new checkpoint, and begins a new journal.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] or [`StoreError::Io`].
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        let Some(snapshot) = Snapshot::read_with(Arc::clone(&self.files), &self.folder)? else {
            return Ok(());
        };
        self.renew(snapshot.ledger().clone(), |writer| snapshot.write(writer)).map(drop)
    }

    /// Begins a new generation, with what `write` adds to its checkpoint. Gives the checkpoint's length.
    /// When this fails, what was in force stays so, or nothing more can be appended.
    pub(crate) fn renew(
        &mut self,
        ledger: Ledger,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let generation = self.generation + 1;
        let (files, folder) = (Arc::clone(&self.files), self.folder.clone());
        Self::begin(&*files, &folder, &ledger.lineage, generation, ledger.sequence)?;
        let head = Head::new(generation, ledger);
        let mut writer = Writer::new(&*files, &folder, &head)?;
        write(&mut writer)?;
        let ready = writer.seal()?;
        let length = ready.length;
        let opened = ready.publish().and_then(|()| Self::open(Arc::clone(&files), &folder, &head));
        match opened {
            Ok((log, _)) => *self = log,
            Err(error) => {
                self.broken = Some(format!("a checkpoint failed halfway ({error}); open the state again"));
                return Err(error);
            }
        }
        self.forget_before(generation - 1);
        Ok(length)
    }

    /// The generation before the one in force stays as a witness; older ones only take room.
    fn forget_before(&self, generation: u64) {
        for old in (1..generation).rev() {
            let gone = self.files.remove(&checkpoint::path(&self.folder, old)).is_ok();
            let gone = self.files.remove(&journal_path(&self.folder, old)).is_ok() || gone;
            if !gone {
                break;
            }
        }
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        journal_path(&self.folder, self.generation)
    }

    /// How long the journal is, in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The sequence of the last entry.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if std::mem::replace(&mut self.dirty, true) {
            self.journal.truncate(self.length)?;
        }
        self.journal.append(bytes)?;
        Ok(())
    }
}

/// Writes the first generation of a state.
pub(crate) fn create(files: &dyn Files, folder: &Path, birth: &Birth) -> Result<u64, StoreError> {
    key::write(files, folder, &birth.key)?;
    let ledger = Ledger::new(birth.lineage.clone(), key::check(&birth.key, &birth.lineage));
    Log::begin(files, folder, &birth.lineage, 1, 0)?;
    Writer::new(files, folder, &Head::new(1, ledger))?.seal()?.publish()?;
    Ok(1)
}

impl Journal for Log {
    fn append(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        let place = self.path().display().to_string();
        let failed = |reason: String| JournalError { place: place.clone(), reason };
        if let Some(reason) = &self.broken {
            return Err(failed(reason.clone()));
        }
        let payload = serde_json::to_vec(entries).map_err(|error| failed(error.to_string()))?;
        if u32::try_from(payload.len()).is_err() {
            return Err(failed(format!("a batch of {} bytes is too long", payload.len())));
        }
        let bytes = frame(&salt(&self.lineage, self.generation), self.sequence + 1, &payload);
        // A write that failed is cut off by the next one; a sync that failed leaves nothing to build on.
        self.write(&bytes).map_err(|error| failed(error.to_string()))?;
        if let Err(error) = self.journal.sync() {
            let reason = format!("what was written could not be made durable ({error}); open the state again");
            self.broken = Some(reason.clone());
            return Err(failed(reason));
        }
        self.length += bytes.len() as u64;
        self.sequence += entries.len() as u64;
        self.dirty = self.journal.append(MARK).is_err();
        if !self.dirty {
            self.length += MARK.len() as u64;
        }
        Ok(())
    }
}
