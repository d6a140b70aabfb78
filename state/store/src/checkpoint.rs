//! The checkpoint: everything, in one file that is never changed once it has its name.
//!
//! First the head, then records and events, then the bodies, then a list of where each body is, and
//! in the last bytes where bodies and list begin. So a reader takes in records and leaves bodies
//! until somebody asks for one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kfplan_plan::{Digest, Event, Record, RunId, Sealed};
use serde::{Deserialize, Serialize};

use crate::STATE_FORMAT;
use crate::error::StoreError;
use crate::files::{Files, Handle, How, read_range};
use crate::frame::{Found, HEADER, find, frame};
use crate::ledger::Ledger;

/// How long the last bytes are: two numbers and a line end.
const TRAILER: u64 = 16 + 1 + 16 + 1;

/// How much is gathered before it is written.
const GATHERED: usize = 256 * 1024;

pub(crate) fn path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("checkpoint.{generation}"))
}

fn salt(generation: u64) -> String {
    format!("checkpoint {generation}")
}

/// The first frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The format.
    kfplan_checkpoint: u64,
    /// Which generation.
    pub(crate) generation: u64,
    /// Everything small.
    pub(crate) ledger: Ledger,
}

impl Head {
    pub(crate) fn new(generation: u64, ledger: Ledger) -> Self {
        Self { kfplan_checkpoint: u64::from(STATE_FORMAT), generation, ledger }
    }
}

/// What follows the head.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Item {
    /// A record.
    Record(Box<Record>),
    /// What happened in a run.
    Event {
        /// The run.
        run: RunId,
        /// Its place in the journal.
        sequence: u64,
        /// What happened.
        event: Box<Event>,
    },
}

/// A body as it is stored: JSON, compressed.
pub(crate) fn pack(body: &Sealed) -> Vec<u8> {
    lz4_flex::compress_prepend_size(body.body().to_string().as_bytes())
}

/// The body, unless its bytes are not those of `digest`.
pub(crate) fn unpack(digest: &Digest, bytes: &[u8]) -> Option<Sealed> {
    // The length that is stated is believed only as far as lz4 can expand.
    let stated = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    if u64::from(stated) > (bytes.len() as u64).saturating_mul(256) {
        return None;
    }
    let body = serde_json::from_slice(&lz4_flex::decompress_size_prepended(bytes).ok()?).ok()?;
    (Digest::of_json(&body) == *digest).then(|| Sealed::public(body))
}

/// The format number that `bytes` state under `field`, looked for as text.
pub(crate) fn format_in(bytes: &[u8], field: &str) -> Option<u64> {
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(4096))?).into_owned();
    let (_, after) = start.split_once(&format!("\"{field}\":"))?;
    after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// Refuses what a newer kfplan wrote.
pub(crate) fn refuse_newer(path: &Path, found: u64) -> Result<(), StoreError> {
    if found > u64::from(STATE_FORMAT) { Err(StoreError::Newer { path: path.to_owned(), found }) } else { Ok(()) }
}

/// A checkpoint that is being written. Gone without a trace unless it is finished.
pub(crate) struct Writer<'a> {
    files: &'a dyn Files,
    folder: &'a Path,
    generation: u64,
    fresh: PathBuf,
    file: Box<dyn Handle>,
    gathered: Vec<u8>,
    written: u64,
    frames: u64,
    bodies_at: Option<u64>,
    bodies: Vec<(Digest, u64, u64)>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(files: &'a dyn Files, folder: &'a Path, head: &Head) -> Result<Self, StoreError> {
        let fresh = folder.join(format!("checkpoint.{}.new", head.generation));
        let file = files.open(&fresh, How::New).map_err(StoreError::io("write", &fresh))?;
        let mut writer = Self {
            files,
            folder,
            generation: head.generation,
            fresh,
            file,
            gathered: Vec::new(),
            written: 0,
            frames: 0,
            bodies_at: None,
            bodies: Vec::new(),
        };
        writer.frame(&json(head))?;
        Ok(writer)
    }

    /// Adds a record or an event. All of them come before the first body.
    pub(crate) fn item(&mut self, item: &Item) -> Result<(), StoreError> {
        debug_assert!(self.bodies_at.is_none(), "items come before bodies");
        self.frame(&json(item))
    }

    /// Adds a packed body.
    pub(crate) fn body(&mut self, digest: &Digest, packed: &[u8]) -> Result<(), StoreError> {
        let at = self.place();
        self.bodies_at.get_or_insert(at);
        self.bodies.push((digest.clone(), at, (HEADER + packed.len() + 1) as u64));
        self.frame(packed)
    }

    /// Makes it durable. It counts once it is published.
    pub(crate) fn seal(mut self) -> Result<Ready<'a>, StoreError> {
        let list_at = self.place();
        let bodies_at = self.bodies_at.unwrap_or(list_at);
        let list = json(&self.bodies);
        self.frame(&list)?;
        self.gathered.extend_from_slice(format!("{bodies_at:016x} {list_at:016x}\n").as_bytes());
        self.flush()?;
        self.file.sync().map_err(StoreError::io("write", &self.fresh))?;
        let Self { files, folder, generation, fresh, written, .. } = self;
        Ok(Ready { files, folder, generation, fresh, length: written })
    }

    fn place(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    fn frame(&mut self, payload: &[u8]) -> Result<(), StoreError> {
        self.gathered.extend_from_slice(&frame(&salt(self.generation), self.frames, payload));
        self.frames += 1;
        if self.gathered.len() >= GATHERED { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.file.append(&self.gathered).map_err(StoreError::io("write", &self.fresh))?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }
}

/// A checkpoint that is whole and durable, and has not its name yet.
pub(crate) struct Ready<'a> {
    files: &'a dyn Files,
    folder: &'a Path,
    generation: u64,
    fresh: PathBuf,
    /// How long it is.
    pub(crate) length: u64,
}

impl Ready<'_> {
    /// Gives it its name, which puts it in force. When this fails, it may be in force or not.
    pub(crate) fn publish(self) -> Result<(), StoreError> {
        let path = path(self.folder, self.generation);
        self.files.rename(&self.fresh, &path).map_err(StoreError::io("write", &path))?;
        self.files.sync_folder(self.folder).map_err(StoreError::io("write", self.folder))
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what is stored has only string keys and finite numbers")
}

/// A checkpoint that is open for reading.
pub(crate) struct Checkpoint {
    path: PathBuf,
    file: Box<dyn Handle>,
    salt: String,
    pub(crate) head: Head,
    /// How long the file is.
    pub(crate) length: u64,
    /// Where items end and bodies begin.
    bodies_at: u64,
    bodies: BTreeMap<Digest, (u64, u64)>,
}

impl Checkpoint {
    /// Opens a checkpoint: reads its head and where its bodies are.
    pub(crate) fn open(files: &dyn Files, folder: &Path, generation: u64) -> Result<Self, StoreError> {
        let path = path(folder, generation);
        let file = files.open(&path, How::Read).map_err(StoreError::io("open", &path))?;
        let length = file.length().map_err(StoreError::io("read", &path))?;
        let start = read_range(&*file, 0, length.min(4096)).map_err(StoreError::io("read", &path))?;
        if let Some(found) = format_in(&start, "kfplan_checkpoint") {
            refuse_newer(&path, found)?;
        }
        let damaged = |at, reason: &str| StoreError::Damaged { path: path.clone(), at, reason: reason.to_owned() };
        let (bodies_at, list_at) = trailer(&*file, length).ok_or_else(|| damaged(length, "its end is missing"))?;
        let salt = salt(generation);
        let list_length = length - TRAILER - list_at;
        let list = read_range(&*file, list_at, list_length).map_err(StoreError::io("read", &path))?;
        let Found::Frame { payload, .. } = find(&salt, &list, 0) else {
            return Err(damaged(list_at, "the list of bodies is not as it was written"));
        };
        let bodies: Vec<(Digest, u64, u64)> =
            serde_json::from_slice(payload).map_err(|error| damaged(list_at, &error.to_string()))?;
        let bodies = bodies.into_iter().map(|(digest, at, length)| (digest, (at, length))).collect();
        let head =
            read_head(&*file, &salt, bodies_at).ok_or_else(|| damaged(0, "its head is not as it was written"))?;
        Ok(Self { path, file, salt, head, length, bodies_at, bodies })
    }

    /// Calls `visit` with every record and event.
    pub(crate) fn items(&self, mut visit: impl FnMut(Item)) -> Result<(), StoreError> {
        let bytes = read_range(&*self.file, 0, self.bodies_at).map_err(StoreError::io("read", &self.path))?;
        let (mut at, mut frames) = (0, 0);
        loop {
            match find(&self.salt, &bytes, at) {
                Found::Frame { sequence, payload, next } if sequence == frames => {
                    if frames > 0 {
                        visit(serde_json::from_slice(payload).map_err(|error| self.damaged(at, &error.to_string()))?);
                    }
                    (at, frames) = (next, frames + 1);
                }
                Found::End => return Ok(()),
                Found::Frame { .. } => return Err(self.damaged(at, "an item is missing")),
                Found::Cut => return Err(self.damaged(at, "it ends inside an item")),
                Found::Damaged { reason } => return Err(self.damaged(at, reason)),
            }
        }
    }

    /// The bytes of a packed body; `None` when it is not here.
    pub(crate) fn packed(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(&(at, length)) = self.bodies.get(digest) else {
            return Ok(None);
        };
        let bytes = read_range(&*self.file, at, length).map_err(StoreError::io("read", &self.path))?;
        match find(&self.salt, &bytes, 0) {
            Found::Frame { payload, .. } => Ok(Some(payload.to_vec())),
            _ => Err(StoreError::Damaged {
                path: self.path.clone(),
                at,
                reason: format!("the body {digest} is not as it was written"),
            }),
        }
    }

    /// The body with this digest; `None` when it is not here.
    pub(crate) fn body(&self, digest: &Digest) -> Result<Option<Sealed>, StoreError> {
        let Some(packed) = self.packed(digest)? else {
            return Ok(None);
        };
        let at = self.bodies.get(digest).map_or(0, |(at, _)| *at);
        match unpack(digest, &packed) {
            Some(body) => Ok(Some(body)),
            None => Err(StoreError::Damaged {
                path: self.path.clone(),
                at,
                reason: format!("what is stored as {digest} has another digest"),
            }),
        }
    }

    /// Every body that is here.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Digest> {
        self.bodies.keys()
    }

    fn damaged(&self, at: usize, reason: &str) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), at: at as u64, reason: reason.to_owned() }
    }
}

fn trailer(file: &dyn Handle, length: u64) -> Option<(u64, u64)> {
    let bytes = read_range(file, length.checked_sub(TRAILER)?, TRAILER).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?.strip_suffix('\n')?;
    let (bodies_at, list_at) = text.split_once(' ')?;
    let number = |digits| u64::from_str_radix(digits, 16).ok();
    let (bodies_at, list_at) = (number(bodies_at)?, number(list_at)?);
    (bodies_at <= list_at && list_at <= length - TRAILER).then_some((bodies_at, list_at))
}

fn read_head(file: &dyn Handle, salt: &str, bodies_at: u64) -> Option<Head> {
    // The head is small; a few runs more or less decide how small, so that its own length is asked first.
    let mut length = bodies_at.min(64 * 1024);
    loop {
        let bytes = read_range(file, 0, length).ok()?;
        match find(salt, &bytes, 0) {
            Found::Frame { sequence: 0, payload, .. } => return serde_json::from_slice(payload).ok(),
            Found::Cut if length < bodies_at => length = length.saturating_mul(4).min(bodies_at),
            _ => return None,
        }
    }
}
