//! The world's log: a file that only grows, each record checking itself and its place.
//!
//! One write makes one record and is synced before the next begins, so only the last record
//! can be torn; a bad one anywhere else is damage and is never skipped. At open the file is
//! written anew when it has grown past what it says.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::error::SimError;
use crate::tables::Delta;

/// The first line of every log.
const MAGIC: &str = "kfplan-sandbox 1\n";
/// Bytes before a record's payload: its length, a check of the length, a check of everything so far.
const HEADER: usize = 4 + 4 + 16;
/// A log is never written anew below this size.
const SMALL: u64 = 1 << 20;

type Check = [u8; 16];

/// Keeps other processes out for as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder, or says who has it.
    pub(crate) fn take(folder: &Path, holder: &str) -> Result<Lock, SimError> {
        let path = folder.join("lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(SimError::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                let holder = if text.trim().is_empty() { "another process".to_owned() } else { text.trim().to_owned() };
                return Err(SimError::Locked { folder: folder.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(SimError::File { action: "lock", path, source }),
        }
        file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(SimError::file("write", &path))?;
        Ok(Lock { _file: file })
    }
}

/// What was read at open.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Everything the log says, oldest first.
    pub(crate) deltas: Vec<Delta>,
    /// Where the good part ends.
    end: u64,
    /// The check that the next record continues.
    check: Check,
    /// The length of the first record, which is the last snapshot.
    snapshot: u64,
    path: PathBuf,
}

impl Opened {
    /// Reads the log of a folder, or begins one.
    pub(crate) fn read(folder: &Path) -> Result<Opened, SimError> {
        let path = folder.join("world.log");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(SimError::File { action: "read", path, source }),
        };
        parse(path, &bytes)
    }

    /// Whether the file says things several times over.
    pub(crate) fn is_bloated(&self) -> bool {
        self.end > SMALL && self.end > 3 * self.snapshot
    }

    /// Goes on writing: after what was read, or after `snapshot` in a new file.
    pub(crate) fn resume(self, snapshot: Option<Vec<Delta>>) -> Result<Arc<Log>, SimError> {
        let (file, check) = match snapshot {
            None if self.end > 0 => {
                let file =
                    OpenOptions::new().write(true).open(&self.path).map_err(SimError::file("open", &self.path))?;
                file.set_len(self.end).and_then(|()| file.sync_all()).map_err(SimError::file("trim", &self.path))?;
                let mut file = file;
                std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))
                    .map_err(SimError::file("read", &self.path))?;
                (file, self.check)
            }
            other => begin(&self.path, other.as_deref().unwrap_or_default())?,
        };
        Ok(Log::start(file, check))
    }
}

/// Writes a new log beside the old one, and puts it in its place.
fn begin(path: &Path, snapshot: &[Delta]) -> Result<(File, Check), SimError> {
    let new = path.with_extension("log.new");
    let mut bytes = MAGIC.as_bytes().to_vec();
    let check = record(&[0; 16], &encode(snapshot), &mut bytes);
    let mut file = File::create(&new).map_err(SimError::file("create", &new))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(SimError::file("write", &new))?;
    std::fs::rename(&new, path).map_err(SimError::file("replace", path))?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(SimError::file("sync", folder))?;
    Ok((file, check))
}

fn encode(deltas: &[Delta]) -> Vec<u8> {
    serde_json::to_vec(deltas).unwrap_or_default()
}

fn length_check(before: &Check, length: [u8; 4]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(length);
    let mut out = [0; 4];
    out.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    out
}

fn payload_check(before: &Check, payload: &[u8]) -> Check {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(payload);
    let mut out = [0; 16];
    out.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    out
}

/// Appends one record to `out`, and gives the check that the next continues.
fn record(before: &Check, payload: &[u8], out: &mut Vec<u8>) -> Check {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let check = payload_check(before, payload);
    out.extend_from_slice(&length);
    out.extend_from_slice(&length_check(before, length));
    out.extend_from_slice(&check);
    out.extend_from_slice(payload);
    check
}

/// Reads a whole log.
fn parse(path: PathBuf, bytes: &[u8]) -> Result<Opened, SimError> {
    let mut opened = Opened { deltas: Vec::new(), end: 0, check: [0; 16], snapshot: 0, path };
    let Some(mut rest) = bytes.strip_prefix(MAGIC.as_bytes()) else {
        // A file that was begun but not finished holds nothing that was promised.
        if MAGIC.as_bytes().starts_with(bytes) {
            return Ok(opened);
        }
        let line: Vec<u8> = bytes.iter().copied().take_while(|byte| *byte != b'\n').take(40).collect();
        let found = String::from_utf8_lossy(&line).into_owned();
        return Err(SimError::Format { path: opened.path, found, known: MAGIC.trim_end() });
    };
    let mut end = MAGIC.len();
    while let Some((header, body)) = rest.split_at_checked(HEADER) {
        let fixed = |from: usize| -> [u8; 4] {
            let mut out = [0; 4];
            out.iter_mut().zip(header.iter().skip(from)).for_each(|(to, byte)| *to = *byte);
            out
        };
        let damaged = |reason: &str| SimError::Damaged {
            path: opened.path.clone(),
            offset: end as u64,
            reason: reason.to_owned(),
        };
        if length_check(&opened.check, fixed(0)) != fixed(4) {
            if rest.iter().all(|byte| *byte == 0) {
                break;
            }
            return Err(damaged("the head of a record does not match"));
        }
        let length = u32::from_le_bytes(fixed(0)) as usize;
        let Some((payload, after)) = body.split_at_checked(length) else { break };
        let check = payload_check(&opened.check, payload);
        if header.get(8..) != Some(&check) {
            if after.is_empty() {
                break;
            }
            return Err(damaged("a record does not match its checksum"));
        }
        let deltas: Vec<Delta> = serde_json::from_slice(payload)
            .map_err(|error| damaged(&format!("a record is no list of changes: {error}")))?;
        opened.deltas.extend(deltas);
        opened.check = check;
        if opened.snapshot == 0 {
            opened.snapshot = (HEADER + length) as u64;
        }
        end += HEADER + length;
        opened.end = end as u64;
        rest = after;
    }
    Ok(opened)
}

/// The open log.
#[derive(Debug)]
pub(crate) struct Log {
    queue: Mutex<Queue>,
    durable: watch::Receiver<Durable>,
}

#[derive(Debug)]
struct Queue {
    /// None once the log is stopped.
    sender: Option<mpsc::Sender<Vec<Delta>>>,
    writer: Option<std::thread::JoinHandle<()>>,
    sent: u64,
}

/// How far the disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durable {
    UpTo(u64),
    Stopped,
}

impl Log {
    fn start(file: File, check: Check) -> Arc<Log> {
        let (sender, receiver) = mpsc::channel();
        let (report, durable) = watch::channel(Durable::UpTo(0));
        let writer = std::thread::spawn(move || write(file, check, &receiver, &report));
        let queue = Queue { sender: Some(sender), writer: Some(writer), sent: 0 };
        Arc::new(Log { queue: Mutex::new(queue), durable })
    }

    /// Hands a batch to the disk; nothing may be answered before [`Log::wait`] for the ticket returned.
    pub(crate) fn append(&self, deltas: Vec<Delta>) -> u64 {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !deltas.is_empty() {
            // A writer that stopped reports so to those who wait.
            if let Some(sender) = &queue.sender {
                let _ = sender.send(deltas);
            }
            queue.sent += 1;
        }
        queue.sent
    }

    /// Writes what is queued, and nothing after it.
    pub(crate) fn stop(&self) {
        let writer = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.sender = None;
            queue.writer.take()
        };
        if let Some(writer) = writer {
            let _ = writer.join();
        }
    }

    /// Waits until everything up to the ticket is on disk.
    pub(crate) async fn wait(&self, ticket: u64) -> Result<(), SimError> {
        let mut durable = self.durable.clone();
        let reached = |state: &Durable| {
            matches!(state, Durable::Stopped) || matches!(state, Durable::UpTo(done) if *done >= ticket)
        };
        let state = durable.wait_for(reached).await.map(|state| *state);
        match state {
            Ok(Durable::UpTo(_)) => Ok(()),
            Ok(Durable::Stopped) | Err(_) => Err(SimError::LogStopped),
        }
    }
}

/// Writes what is queued, all that waits as one record, until the log is dropped.
fn write(mut file: File, mut check: Check, receiver: &mpsc::Receiver<Vec<Delta>>, report: &watch::Sender<Durable>) {
    let mut done = 0;
    while let Ok(first) = receiver.recv() {
        let mut batch = first;
        done += 1;
        while let Ok(more) = receiver.try_recv() {
            batch.extend(more);
            done += 1;
        }
        let mut bytes = Vec::new();
        let next = record(&check, &encode(&batch), &mut bytes);
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            let _ = report.send(Durable::Stopped);
            return;
        }
        check = next;
        let _ = report.send(Durable::UpTo(done));
    }
}

#[cfg(test)]
mod tests;
