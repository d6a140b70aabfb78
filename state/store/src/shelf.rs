//! Records, bodies and events in sled, and how entries of the journal get there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kfplan_model::Address;
use kfplan_plan::{Digest, Entry, Event, Record, RecordState, RunId, Sealed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::apply::{Keep, apply};
use crate::cells::Cells;
use crate::checkpoint::{Checkpoint, Head, Item, Writer, pack};
use crate::error::StoreError;
use crate::ledger::{Ledger, Run};
use crate::log::Tail;

const RECORD: u8 = b'r';
const BODY: u8 = b'b';
const EVENT: u8 = b'e';
/// The ledger when sled was last closed: a second witness, for repair.
const LEDGER: &[u8] = b"m/ledger";
/// Whose records these are.
const LINEAGE: &[u8] = b"m/lineage";
/// The sequence up to which entries are in sled.
const APPLIED: &[u8] = b"m/applied";
/// What [`APPLIED`] was when sled was last closed in order. It holds what the journal says as long as
/// the journal ends there.
const CLEAN: &[u8] = b"m/clean";

/// How many runs keep their events.
const RUNS_TOLD: usize = 10;

/// How many values are gathered before sled is given them, when much is put in at once.
const GATHERED: usize = 512;

/// Records, bodies and events in sled. What is put is seen at once by whoever asks the shelf, and
/// reaches sled as one batch.
pub(crate) struct Shelf {
    cells: Cells,
    folder: PathBuf,
    pending: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Whether sled says that it was closed in order.
    is_clean: bool,
}

impl Shelf {
    /// Opens sled and sees to it that it holds what checkpoint and journal say. Where it was not closed
    /// in order, or cannot be used, it is made anew from them.
    pub(crate) fn open(
        folder: &Path,
        checkpoint: &Checkpoint,
        tail: &Tail,
        notices: &mut Vec<String>,
    ) -> Result<(Self, Ledger), StoreError> {
        let folder = folder.join("records");
        let mut ledger = checkpoint.head.ledger.clone();
        let opened = Cells::open(&folder, notices).map(|cells| Self::new(cells, &folder)).and_then(|mut shelf| {
            if shelf.is_current(&checkpoint.head, tail)? {
                Ok(shelf)
            } else {
                shelf.refill(checkpoint, &tail.entries).map(|()| shelf)
            }
        });
        let shelf = match opened {
            Err(error @ StoreError::Records { .. }) => {
                let aside = set_aside(&folder)?;
                notices.push(format!("{error}; set them aside in `{}` and made them anew", aside.display()));
                let mut shelf = Self::new(Cells::open(&folder, notices)?, &folder);
                shelf.refill(checkpoint, &tail.entries)?;
                shelf
            }
            other => other?,
        };
        for (sequence, entry) in &tail.entries {
            apply(&mut ledger, &mut Nothing, *sequence, entry)?;
        }
        Ok((shelf, ledger))
    }

    /// sled as it is.
    pub(crate) fn new(cells: Cells, folder: &Path) -> Self {
        Self { cells, folder: folder.to_owned(), pending: BTreeMap::new(), is_clean: false }
    }

    /// Whether sled was closed in order when it held exactly what checkpoint and journal say.
    fn is_current(&mut self, head: &Head, tail: &Tail) -> Result<bool, StoreError> {
        let ours = self.value::<String>(LINEAGE)?.is_some_and(|lineage| lineage == head.ledger.lineage);
        let applied = self.number(APPLIED)?.unwrap_or(0);
        if ours && applied > tail.sequence {
            let reason = format!("they hold entry {applied}, and the journal ends with entry {}", tail.sequence);
            return Err(StoreError::Damaged { path: self.folder.clone(), at: 0, reason });
        }
        self.is_clean = ours && self.number(CLEAN)? == Some(tail.sequence);
        Ok(self.is_clean)
    }

    /// Empties sled and puts in what checkpoint and journal say.
    pub(crate) fn refill(&mut self, checkpoint: &Checkpoint, entries: &[(u64, Entry)]) -> Result<(), StoreError> {
        self.is_clean = false;
        self.pending = BTreeMap::from([(CLEAN.to_vec(), None)]);
        self.give()?;
        self.cells.sync()?;
        self.cells.clear()?;
        self.fill(checkpoint)?;
        let mut ledger = checkpoint.head.ledger.clone();
        for (sequence, entry) in entries {
            apply(&mut ledger, self, *sequence, entry)?;
            if self.pending.len() >= GATHERED {
                self.give()?;
            }
        }
        self.put_json(LINEAGE.to_vec(), &ledger.lineage);
        self.put_number(APPLIED, ledger.sequence);
        self.give()
    }

    /// Puts a whole checkpoint into a sled that is empty.
    fn fill(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let mut items = Vec::new();
        checkpoint.items(|item| items.push(item))?;
        for item in items {
            match item {
                Item::Record(record) => self.put_record(*record),
                Item::Event { run, sequence, event } => self.put_event(&run, sequence, &event),
            }
            if self.pending.len() >= GATHERED {
                self.give()?;
            }
        }
        for digest in checkpoint.bodies() {
            if let Some(packed) = checkpoint.packed(digest)? {
                self.pending.insert(key(BODY, digest.as_str()), Some(packed));
            }
            if self.pending.len() >= GATHERED {
                self.give()?;
            }
        }
        self.give()
    }

    /// Applies entries that are durable in the journal, the first of them with this sequence.
    pub(crate) fn take(&mut self, ledger: &mut Ledger, first: u64, entries: &[Entry]) -> Result<(), StoreError> {
        // The mark in sled stays: it names a sequence that the journal has passed by now.
        self.is_clean = false;
        for (sequence, entry) in (first..).zip(entries) {
            apply(ledger, self, sequence, entry)?;
        }
        self.put_number(APPLIED, ledger.sequence);
        self.give()
    }

    /// Makes sled durable and says so in it, so that the next opening need not make it anew.
    pub(crate) fn close(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        if self.is_clean {
            return Ok(());
        }
        self.put_json(LEDGER.to_vec(), ledger);
        self.give()?;
        self.cells.sync()?;
        let applied = self.number(APPLIED)?.unwrap_or(0);
        self.put_number(CLEAN, applied);
        self.give()?;
        self.cells.sync()?;
        self.is_clean = true;
        Ok(())
    }

    /// Adds everything that is still of use to a checkpoint, and drops the rest.
    pub(crate) fn write(&mut self, runs: &[Run], writer: &mut Writer<'_>) -> Result<(), StoreError> {
        let (mut wanted, mut gone) = (BTreeSet::new(), Vec::new());
        for address in self.keys(&[RECORD]) {
            if let Some(record) = self.value::<Record>(&address?)? {
                wanted.extend(bodies_of(&record).cloned());
                writer.item(&Item::Record(Box::new(record)))?;
            }
        }
        let told: Vec<_> = runs.iter().rev().take(RUNS_TOLD).map(|run| run.run.clone()).collect();
        for found in self.keys(&[EVENT]) {
            let found = found?;
            match event_of(&found).filter(|(run, _)| told.contains(run)) {
                Some((run, sequence)) => {
                    if let Some(event) = self.value(&found)? {
                        writer.item(&Item::Event { run, sequence, event })?;
                    }
                }
                None => gone.push(found),
            }
        }
        for found in self.keys(&[BODY]) {
            let found = found?;
            match digest_of(&found).filter(|digest| wanted.contains(digest)) {
                Some(digest) => {
                    if let Some(packed) = self.cells.get(&found)? {
                        writer.body(&digest, &packed)?;
                    }
                }
                None => gone.push(found),
            }
        }
        self.pending.extend(gone.into_iter().map(|key| (key, None)));
        self.give()
    }

    /// Every record, by address as text.
    pub(crate) fn records(&self) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for found in self.keys(&[RECORD]) {
            records.extend(self.value::<Record>(&found?)?);
        }
        Ok(records)
    }

    /// The packed body with this digest.
    pub(crate) fn packed(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.cells.get(&key(BODY, digest.as_str()))
    }

    /// Reads every value there is; says what is wrong with each that cannot be read.
    pub(crate) fn check(&self) -> Vec<String> {
        let all = self.cells.keys(b"");
        let wrong = all.filter_map(|found| found.and_then(|found| self.cells.get(&found)).err());
        wrong.map(|error| error.to_string()).collect()
    }

    /// The sequence at which it was last closed in order.
    pub(crate) fn closed_at(&self) -> Option<u64> {
        self.number(CLEAN).ok().flatten()
    }

    /// The sequence up to which entries are in it.
    pub(crate) fn applied_to(&self) -> u64 {
        self.number(APPLIED).ok().flatten().unwrap_or(0)
    }

    /// The ledger as it was when sled was last closed in order.
    pub(crate) fn ledger(&self) -> Option<Ledger> {
        self.value(LEDGER).ok().flatten()
    }

    /// Every record that can still be read; others are passed over.
    pub(crate) fn readable(&self) -> Vec<Record> {
        let keys = self.keys(&[RECORD]).filter_map(Result::ok);
        keys.filter_map(|key| self.value(&key).ok().flatten()).collect()
    }

    /// Gives sled what is pending, as one batch.
    fn give(&mut self) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in std::mem::take(&mut self.pending) {
            self.cells.set(&mut batch, &key, value.as_deref())?;
        }
        self.cells.apply(batch)
    }

    fn keys(&self, kind: &'static [u8]) -> impl Iterator<Item = Result<Vec<u8>, StoreError>> {
        self.cells.keys(kind)
    }

    fn put_json(&mut self, key: Vec<u8>, value: &impl Serialize) {
        let text = serde_json::to_vec(value).expect("what is stored has only string keys and finite numbers");
        self.pending.insert(key, Some(lz4_flex::compress_prepend_size(&text)));
    }

    fn put_number(&mut self, key: &[u8], number: u64) {
        self.pending.insert(key.to_vec(), Some(number.to_be_bytes().to_vec()));
    }

    fn value<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let packed = match self.pending.get(key) {
            Some(pending) => pending.clone(),
            None => self.cells.get(key)?,
        };
        let Some(packed) = packed else {
            return Ok(None);
        };
        let unknown = |reason: String| StoreError::Records { path: self.folder.clone(), reason };
        let text = lz4_flex::decompress_size_prepended(&packed).map_err(|error| unknown(error.to_string()))?;
        serde_json::from_slice(&text).map(Some).map_err(|error| unknown(error.to_string()))
    }

    fn number(&self, key: &[u8]) -> Result<Option<u64>, StoreError> {
        let bytes = self.cells.get(key)?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes))
    }
}

impl Keep for Shelf {
    fn record(&self, address: &Address) -> Result<Option<Record>, StoreError> {
        self.value(&key(RECORD, &address.to_string()))
    }

    fn put_record(&mut self, record: Record) {
        self.put_json(key(RECORD, &record.address.to_string()), &record);
    }

    fn remove_record(&mut self, address: &Address) {
        self.pending.insert(key(RECORD, &address.to_string()), None);
    }

    fn put_body(&mut self, digest: Digest, body: &Sealed) {
        self.pending.insert(key(BODY, digest.as_str()), Some(pack(body)));
    }

    fn put_event(&mut self, run: &RunId, sequence: u64, event: &Event) {
        self.put_json(key(EVENT, &format!("{}/{sequence:016x}", run.0)), event);
    }
}

/// Where only the ledger is of interest.
struct Nothing;

impl Keep for Nothing {
    fn record(&self, _: &Address) -> Result<Option<Record>, StoreError> {
        Ok(None)
    }
    fn put_record(&mut self, _: Record) {}
    fn remove_record(&mut self, _: &Address) {}
    fn put_body(&mut self, _: Digest, _: &Sealed) {}
    fn put_event(&mut self, _: &RunId, _: u64, _: &Event) {}
}

/// The bodies that a record speaks of: what was sent last, and what may have been sent since.
pub(crate) fn bodies_of(record: &Record) -> impl Iterator<Item = &Digest> {
    let intended = match &record.state {
        RecordState::Settled => None,
        RecordState::InDoubt(intent) => intent.sent.as_ref(),
    };
    record.sent.iter().chain(intended)
}

/// Moves a folder out of the way, to a name that is free.
pub(crate) fn set_aside(folder: &Path) -> Result<PathBuf, StoreError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (1..).map(|number: u32| folder.with_file_name(format!("{name}.broken-{number}")));
    let aside = free.into_iter().find(|path| !path.exists()).expect("there are more numbers than folders");
    std::fs::rename(folder, &aside).map_err(StoreError::io("move", folder))?;
    Ok(aside)
}

fn key(kind: u8, rest: &str) -> Vec<u8> {
    // A zero byte would end the key: no address or digest has one, and a run's name gets none.
    std::iter::once(kind).chain(rest.bytes().map(|byte| if byte == 0 { b'?' } else { byte })).collect()
}

fn event_of(key: &[u8]) -> Option<(RunId, u64)> {
    let (run, sequence) = std::str::from_utf8(key.get(1..)?).ok()?.rsplit_once('/')?;
    Some((RunId(run.to_owned()), u64::from_str_radix(sequence, 16).ok()?))
}

fn digest_of(key: &[u8]) -> Option<Digest> {
    let digits = std::str::from_utf8(key.get(1..)?).ok()?;
    serde_json::from_value(digits.into()).ok()
}
