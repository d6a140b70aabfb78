//! The store: the one writer of a state folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kfplan_model::Address;
use kfplan_plan::{Digest, Entry, Journal, JournalError, Record, RunId, Sealed, StackKey};

use crate::apply::Keep;
use crate::checkpoint::{Checkpoint, Writer, unpack};
use crate::error::StoreError;
use crate::files::{Disk, Files, How, replace};
use crate::key;
use crate::ledger::Ledger;
use crate::lock::{Holder, Lock};
use crate::log::{self, Generations, Log};
use crate::shelf::Shelf;
use crate::snapshot::Snapshot;

/// A journal shorter than this is not worth a checkpoint.
const SMALL_JOURNAL: u64 = 4 * 1024 * 1024;

/// What a state is born with: both from a cryptographic random source.
#[derive(Debug, Clone)]
pub struct Birth {
    /// The random name of the state.
    pub lineage: String,
    /// Its key.
    pub key: StackKey,
}

/// How a store is opened.
pub struct Opening<'a> {
    files: Arc<dyn Files>,
    folder: PathBuf,
    holder: Holder,
    wait: Duration,
    birth: &'a dyn Fn() -> Birth,
}

impl<'a> Opening<'a> {
    /// Opens the state of `folder`. `birth` is called when there is none yet, or its key is lost.
    pub fn new(folder: &Path, holder: Holder, birth: &'a dyn Fn() -> Birth) -> Self {
        Self { files: Arc::new(Disk), folder: folder.to_owned(), holder, wait: Duration::ZERO, birth }
    }

    /// Waits for the lock for at most this long.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Does what is done to files through another disk; lock and sled stay on the real one.
    #[must_use]
    pub fn files(self, files: Arc<dyn Files>) -> Self {
        Self { files, ..self }
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] when somebody else has it, [`StoreError::Damaged`] when acknowledged
    /// entries are not as they were written, [`StoreError::Newer`], [`StoreError::Key`],
    /// [`StoreError::Io`].
    pub fn open(self) -> Result<Store, StoreError> {
        Store::open(self)
    }
}

/// The state of one stack and environment, open for writing. Nobody else can open it meanwhile.
pub struct Store {
    log: Log,
    shelf: Shelf,
    ledger: Ledger,
    key: StackKey,
    notices: Vec<String>,
    /// How long the journal may become before a checkpoint is written.
    limit: u64,
    /// Why sled no longer follows the journal.
    behind: Option<String>,
    /// Last, so that it is freed when everything else is closed.
    _lock: Lock,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("log", &self.log).field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// Who changes the state by a command of its own, and as what.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The name under which `runs` shows it.
    pub run: RunId,
    /// Who, as `user@host`.
    pub who: String,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
}

impl Store {
    fn open(opening: Opening<'_>) -> Result<Self, StoreError> {
        let Opening { files, folder, holder, wait, birth } = opening;
        std::fs::create_dir_all(&folder).map_err(StoreError::io("make", &folder))?;
        files.create_folder(&folder).map_err(StoreError::io("make", &folder))?;
        ignore_in_git(&folder)?;
        let lock = Lock::take(&folder, &holder, wait)?;
        let mut notices = Vec::new();
        let generation = match Generations::of(&*files, &folder)?.current() {
            Some(generation) => generation,
            None => log::create(&*files, &folder, &birth())?,
        };
        let checkpoint = Checkpoint::open(&*files, &folder, generation)?;
        let (log, tail) = Log::open(Arc::clone(&files), &folder, &checkpoint.head)?;
        if tail.torn > 0 {
            notices.push(format!("dropped {} bytes of a batch that was cut short before it counted", tail.torn));
        }
        let (shelf, mut ledger) = Shelf::open(&folder, &checkpoint, &tail, &mut notices)?;
        let key = match key::read(&*files, &folder)? {
            Some(key) if key::check(&key, &ledger.lineage) == ledger.key_check => key,
            found => {
                notices.push(
                    "the key of this state is lost: secrets cannot be compared until they are applied again".to_owned(),
                );
                let key = found.unwrap_or_else(|| birth().key);
                key::write(&*files, &folder, &key)?;
                ledger.key_check = key::check(&key, &ledger.lineage);
                key
            }
        };
        let mut store = Self {
            limit: SMALL_JOURNAL.max(checkpoint.length),
            log,
            shelf,
            ledger,
            key,
            notices,
            behind: None,
            _lock: lock,
        };
        if store.ledger.key_check != checkpoint.head.ledger.key_check {
            store.checkpoint()?;
        }
        Ok(store)
    }

    /// What opening it had to put right, for the person.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The state's key.
    #[must_use]
    pub fn key(&self) -> &StackKey {
        &self.key
    }

    /// Lineage, serial, identities, outputs and runs.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The record of an address.
    ///
    /// # Errors
    ///
    /// [`StoreError::Records`] when sled does not hold what was put into it.
    pub fn record(&self, address: &Address) -> Result<Option<Record>, StoreError> {
        self.shelf()?.record(address)
    }

    /// Every record, in the order of their addresses as text.
    ///
    /// # Errors
    ///
    /// [`StoreError::Records`] when sled does not hold what was put into it.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        self.shelf()?.records()
    }

    /// The sealed body with this digest.
    ///
    /// # Errors
    ///
    /// [`StoreError::Records`] when sled does not hold what was put into it.
    pub fn body(&self, digest: &Digest) -> Result<Option<Sealed>, StoreError> {
        Ok(self.shelf()?.packed(digest)?.and_then(|packed| unpack(digest, &packed)))
    }

    /// The whole state as it is now.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::read`].
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let checkpoint = Checkpoint::open(&*self.log.files, &self.log.folder, self.log.generation)?;
        let path = self.log.path();
        let journal = self.log.files.open(&path, How::Read).map_err(StoreError::io("open", &path))?;
        let bytes = crate::files::read_all(&*journal).map_err(StoreError::io("read", &path))?;
        let tail = crate::log::read_tail(&path, &bytes, &checkpoint.head)?;
        Snapshot::of(checkpoint, &tail, Some(self.key.clone()))
    }

    /// Writes everything to a checkpoint and begins a new journal.
    ///
    /// # Errors
    ///
    /// [`StoreError::Io`] or [`StoreError::Records`]; what is in force stays in force.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.shelf()?;
        let Self { log, shelf, ledger, .. } = self;
        let length = log.renew(ledger.clone(), |writer| shelf.write(&ledger.runs, writer))?;
        self.limit = SMALL_JOURNAL.max(length);
        Ok(())
    }

    /// The shelf, as long as it holds what the journal says.
    fn shelf(&self) -> Result<&Shelf, StoreError> {
        match &self.behind {
            None => Ok(&self.shelf),
            Some(reason) => Err(StoreError::Records { path: self.log.folder.join("records"), reason: reason.clone() }),
        }
    }

    /// The state folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.log.folder
    }

    /// Makes sled durable, so that the next one to open it has nothing to replay.
    ///
    /// # Errors
    ///
    /// [`StoreError::Records`] or [`StoreError::Io`]; nothing is lost, the journal has it all.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.shelf()?;
        self.shelf.close(&self.ledger)
    }

    /// Gives a record, or a resource with all its objects, another address. Gives how many were moved.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoRecord`] when nothing is there, [`StoreError::Occupied`] when something is at the
    /// new address, or the journal's error.
    pub fn mv(&mut self, from: &Address, to: &Address, edit: &Edit) -> Result<usize, StoreError> {
        let records = self.records()?;
        let moved: Vec<(Address, Address)> = records
            .iter()
            .filter_map(|record| Some((record.address.clone(), renamed(&record.address, from, to)?)))
            .collect();
        if moved.is_empty() {
            return Err(StoreError::NoRecord(Box::new(from.clone())));
        }
        for (_, target) in &moved {
            if self.record(target)?.is_some() {
                return Err(StoreError::Occupied(Box::new(target.clone())));
            }
        }
        let mut entries: Vec<Entry> =
            moved.iter().map(|(from, to)| Entry::Moved { from: from.clone(), to: to.clone() }).collect();
        // Whoever came after what moved, or lay in it, must say so under the new address.
        for record in records {
            let mut changed = record.clone();
            let rename = |address: &mut Address| {
                if let Some(new) = renamed(address, from, to) {
                    *address = new;
                }
            };
            changed.after.iter_mut().for_each(|(address, _)| rename(address));
            changed.container.iter_mut().for_each(rename);
            if changed != record {
                rename(&mut changed.address);
                entries.push(Entry::Settled { record: Box::new(changed) });
            }
        }
        self.edit("state mv", edit, entries)?;
        Ok(moved.len())
    }

    /// Forgets a record, or a resource with all its objects; what it stands for is left alone. Gives how many went.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoRecord`] when nothing is there, or the journal's error.
    pub fn rm(&mut self, address: &Address, edit: &Edit) -> Result<usize, StoreError> {
        let records = self.records()?;
        let gone = records.into_iter().map(|record| record.address).filter(|found| covers(address, found));
        let entries: Vec<Entry> = gone.map(|address| Entry::Removed { address }).collect();
        if entries.is_empty() {
            return Err(StoreError::NoRecord(Box::new(address.clone())));
        }
        let count = entries.len();
        self.edit("state rm", edit, entries)?;
        Ok(count)
    }

    /// Appends the entries of a state command, as a run of its own.
    fn edit(&mut self, command: &str, edit: &Edit, entries: Vec<Entry>) -> Result<(), StoreError> {
        let run = edit.run.clone();
        let mut batch = vec![Entry::RunBegan {
            run: run.clone(),
            plan: String::new(),
            who: edit.who.clone(),
            at: edit.at,
            command: command.to_owned(),
            steps: 0,
        }];
        batch.extend(entries);
        batch.push(Entry::RunEnded { run, at: edit.at, exit: 0, finished: true });
        self.append(&batch)
            .map_err(|error| StoreError::io("write", &self.log.path())(std::io::Error::other(error.reason)))
    }

    /// Replaces everything by what `write` adds to a new checkpoint.
    pub(crate) fn adopt(
        &mut self,
        ledger: Ledger,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let ledger = Ledger { key_check: key::check(&self.key, &ledger.lineage), ..ledger };
        // sled holds another state from the moment the checkpoint is in force, until it is made anew.
        self.behind = Some("an import did not come to its end; open the state again".to_owned());
        let length = self.log.renew(ledger.clone(), write)?;
        self.limit = SMALL_JOURNAL.max(length);
        self.ledger = ledger;
        let checkpoint = Checkpoint::open(&*self.log.files, &self.log.folder, self.log.generation)?;
        self.shelf.refill(&checkpoint, &[])?;
        self.behind = None;
        Ok(())
    }
}

/// What is left open is closed in order, so that the next opening is quick. Nothing depends on it.
impl Drop for Store {
    fn drop(&mut self) {
        if self.behind.is_none() {
            let _ = self.shelf.close(&self.ledger);
        }
    }
}

impl Journal for Store {
    fn append(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        let first = self.log.sequence() + 1;
        self.log.append(entries)?;
        // From here on it is durable. What goes wrong below costs time at the next opening, no entry.
        if self.behind.is_none()
            && let Err(error) = self.shelf.take(&mut self.ledger, first, entries)
        {
            self.notices.push(error.to_string());
            self.behind = Some(format!("they no longer follow the journal ({error}); open the state again"));
        }
        if self.behind.is_none()
            && self.log.length() > self.limit
            && let Err(error) = self.checkpoint()
        {
            self.notices.push(format!("no checkpoint could be written: {error}"));
            self.limit = self.limit.saturating_mul(2);
        }
        Ok(())
    }
}

/// Keeps `.kfplan` out of version control: it holds a key, and is this machine's own.
fn ignore_in_git(folder: &Path) -> Result<(), StoreError> {
    let Some(kfplan) = folder.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == ".kfplan"))
    else {
        return Ok(());
    };
    let path = kfplan.join(".gitignore");
    if path.exists() {
        return Ok(());
    }
    replace(&Disk, &path, b"*\n", How::New).map_err(StoreError::io("write", &path))
}

/// Whether `found` is `address`, or an object of it.
fn covers(address: &Address, found: &Address) -> bool {
    found == address || (address.object_id().is_none() && found.resource() == address.resource())
}

/// The new address of `found` when `from` becomes `to`; `None` when it is not concerned.
fn renamed(found: &Address, from: &Address, to: &Address) -> Option<Address> {
    if found == from {
        return Some(to.clone());
    }
    if !covers(from, found) {
        return None;
    }
    let renamed = match found.object_id() {
        Some(object) => Address::object(to.resource().clone(), object.clone()),
        None => to.resource().clone().into(),
    };
    Some(found.gate_name().map_or(renamed.clone(), |gate| renamed.gate(gate)))
}
