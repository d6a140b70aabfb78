//! What read-only commands see: the last checkpoint and the journal's tail, without a lock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kfplan_model::Address;
use kfplan_plan::{Digest, Event, Intent, Record, RecordState, Recorded, RunId, Sealed, StackKey, Status};
use serde_json::Value as Json;

use crate::apply::{Keep, apply};
use crate::checkpoint::{Checkpoint, Item, Writer, pack};
use crate::error::StoreError;
use crate::files::{Disk, Files, How, read_all};
use crate::key;
use crate::ledger::{Ledger, Run};
use crate::log::{Generations, Tail, journal_path, read_tail};
use crate::shelf::bodies_of;

/// How often a folder is looked at again when an apply began a new generation meanwhile.
const ATTEMPTS: u32 = 5;

/// A state as it was at one moment.
pub struct Snapshot {
    ledger: Ledger,
    kept: Kept,
    checkpoint: Checkpoint,
    key: Option<StackKey>,
    torn: u64,
}

/// Records, bodies and events in memory.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) records: BTreeMap<Address, Record>,
    pub(crate) bodies: BTreeMap<Digest, Sealed>,
    pub(crate) events: BTreeMap<RunId, Vec<Event>>,
}

impl Keep for Kept {
    fn record(&self, address: &Address) -> Result<Option<Record>, StoreError> {
        Ok(self.records.get(address).cloned())
    }
    fn put_record(&mut self, record: Record) {
        self.records.insert(record.address.clone(), record);
    }
    fn remove_record(&mut self, address: &Address) {
        self.records.remove(address);
    }
    fn put_body(&mut self, digest: Digest, body: &Sealed) {
        self.bodies.insert(digest, body.clone());
    }
    fn put_event(&mut self, run: &RunId, _: u64, event: &Event) {
        self.events.entry(run.clone()).or_default().push(event.clone());
    }
}

impl Kept {
    /// Adds everything to a checkpoint; `body` finds the bodies that records speak of.
    pub(crate) fn write(
        &self,
        writer: &mut Writer<'_>,
        body: impl Fn(&Digest) -> Result<Option<Sealed>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut wanted = BTreeSet::new();
        for record in self.records.values() {
            wanted.extend(bodies_of(record));
            writer.item(&Item::Record(Box::new(record.clone())))?;
        }
        for (place, (run, event)) in (0..).zip(self.all_events()) {
            writer.item(&Item::Event { run: run.clone(), sequence: place, event: Box::new(event.clone()) })?;
        }
        for digest in wanted {
            if let Some(body) = body(digest)? {
                writer.body(digest, &pack(&body))?;
            }
        }
        Ok(())
    }

    fn all_events(&self) -> impl Iterator<Item = (&RunId, &Event)> {
        self.events.iter().flat_map(|(run, events)| events.iter().map(move |event| (run, event)))
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Reads the state of a folder; `None` when there is none yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`], [`StoreError::Newer`], [`StoreError::Key`], or [`StoreError::Io`].
    pub fn read(folder: &Path) -> Result<Option<Self>, StoreError> {
        Self::read_with(Arc::new(Disk), folder)
    }

    /// As [`Snapshot::read`], from another disk.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::read`].
    pub fn read_with(files: Arc<dyn Files>, folder: &Path) -> Result<Option<Self>, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Some(generation) = Generations::of(&*files, folder)?.current() else {
                return Ok(None);
            };
            match Self::read_generation(&*files, folder, generation) {
                Err(StoreError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
                other => return other.map(Some),
            }
        }
    }

    fn read_generation(files: &dyn Files, folder: &Path, generation: u64) -> Result<Self, StoreError> {
        let checkpoint = Checkpoint::open(files, folder, generation)?;
        let path = journal_path(folder, generation);
        let journal = files.open(&path, How::Read).map_err(StoreError::io("open", &path))?;
        let bytes = read_all(&*journal).map_err(StoreError::io("read", &path))?;
        let tail = read_tail(&path, &bytes, &checkpoint.head)?;
        let key = key::read(files, folder)?;
        Self::of(checkpoint, &tail, key)
    }

    pub(crate) fn of(checkpoint: Checkpoint, tail: &Tail, key: Option<StackKey>) -> Result<Self, StoreError> {
        let mut kept = Kept::default();
        let mut ledger = checkpoint.head.ledger.clone();
        checkpoint.items(|item| match item {
            Item::Record(record) => kept.put_record(*record),
            Item::Event { run, sequence, event } => kept.put_event(&run, sequence, &event),
        })?;
        for (sequence, entry) in &tail.entries {
            apply(&mut ledger, &mut kept, *sequence, entry)?;
        }
        kept.events.retain(|run, _| ledger.remembers(run));
        let key = key.filter(|key| key::check(key, &ledger.lineage) == ledger.key_check);
        Ok(Self { ledger, kept, checkpoint, key, torn: tail.torn })
    }

    /// The random name of this state.
    #[must_use]
    pub fn lineage(&self) -> &str {
        &self.ledger.lineage
    }

    /// How many runs and state commands there were.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.ledger.serial
    }

    /// The place in the journal of the last entry that is in here.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.ledger.sequence
    }

    /// The state's key; `None` when its file is missing or belongs to another state. Secrets then
    /// cannot be compared.
    #[must_use]
    pub fn key(&self) -> Option<&StackKey> {
        self.key.as_ref()
    }

    /// Every record, by address.
    #[must_use]
    pub fn records(&self) -> &BTreeMap<Address, Record> {
        &self.kept.records
    }

    /// The record of an address, with the body that was sent last.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] when the body is not as it was written.
    pub fn recorded(&self, address: &Address) -> Result<Option<Recorded>, StoreError> {
        let Some(record) = self.kept.records.get(address) else {
            return Ok(None);
        };
        let sent = record.sent.as_ref().map(|digest| self.body(digest)).transpose()?.flatten();
        Ok(Some(Recorded { record: record.clone(), sent }))
    }

    /// The sealed body with this digest; `None` when it is not kept.
    ///
    /// # Errors
    ///
    /// [`StoreError::Damaged`] when it is not as it was written, [`StoreError::Io`].
    pub fn body(&self, digest: &Digest) -> Result<Option<Sealed>, StoreError> {
        match self.kept.bodies.get(digest) {
            Some(body) => Ok(Some(body.clone())),
            None => self.checkpoint.body(digest),
        }
    }

    /// The records that are in doubt, each with what was intended.
    pub fn in_doubt(&self) -> impl Iterator<Item = (&Record, &Intent)> {
        self.kept.records.values().filter_map(|record| match &record.state {
            RecordState::InDoubt(intent) => Some((record, &**intent)),
            RecordState::Settled => None,
        })
    }

    /// The last runs and state commands, oldest first.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.ledger.runs
    }

    /// What happened in a run, in order; nothing when that is no longer kept.
    #[must_use]
    pub fn events(&self, run: &RunId) -> &[Event] {
        self.kept.events.get(run).map(Vec::as_slice).unwrap_or_default()
    }

    /// Where each step of a run stands, as its events say; steps that nothing happened to are left out.
    #[must_use]
    pub fn statuses(&self, run: &RunId) -> BTreeMap<u32, Status> {
        let mut statuses = BTreeMap::new();
        for event in self.events(run) {
            let status = statuses.entry(event.step).or_insert(Status::Pending);
            *status = status.after(&event.kind).unwrap_or(*status);
        }
        statuses
    }

    /// The identity that something is bound to, such as `tenant` or `cluster:aks_cluster.main`.
    #[must_use]
    pub fn binding(&self, what: &str) -> Option<&str> {
        self.ledger.bindings.get(what).map(String::as_str)
    }

    /// Every identity that this state is bound to.
    #[must_use]
    pub fn bindings(&self) -> &BTreeMap<String, String> {
        &self.ledger.bindings
    }

    /// The stack's outputs after the last run.
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, Json> {
        &self.ledger.outputs
    }

    /// How many bytes at the journal's end belong to a batch that nobody heard of yet.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// Adds everything but the ledger to a checkpoint.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), StoreError> {
        self.kept.write(writer, |digest| self.body(digest))
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn all_events(&self) -> impl Iterator<Item = (&RunId, &Event)> {
        self.kept.all_events()
    }
}

/// The folder of one environment inside `.kfplan`.
#[must_use]
pub fn state_folder(kfplan: &Path, environment: &str) -> PathBuf {
    kfplan.join("state").join(environment)
}
