//! sled, with its traps closed.
//!
//! Values of any length are cut into chunks of at most 8 KiB, since sled keeps longer pages in files
//! that it never syncs, and carry a hash, since a flipped bit must never be read as truth. Opening
//! removes what a killed snapshot left behind and sets broken snapshots aside; making durable is a
//! flush and an fsync of sled's file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::error::StoreError;

/// The longest value that sled is given.
const CHUNK: usize = 8 * 1024;

/// What the first chunk begins with: how many chunks there are, and the hash of key and value.
const HEAD: usize = 2 + 16;

/// How much sled may keep in memory.
const CACHE: u64 = 64 * 1024 * 1024;

/// Values of any length by key, in one sled tree.
pub(crate) struct Cells {
    db: sled::Db,
    folder: PathBuf,
}

impl Cells {
    /// Opens sled. The caller holds the folder's lock, so nobody else has it.
    pub(crate) fn open(folder: &Path, notices: &mut Vec<String>) -> Result<Self, StoreError> {
        let removed = each_snapshot(folder, |name| name.ends_with(".generating"), |path| std::fs::remove_file(path))?;
        if removed > 0 {
            notices.push(format!("removed {removed} snapshots that a killed process left half written"));
        }
        let db = match open(folder) {
            Err(sled::Error::Corruption { .. }) => {
                let aside = |path: &Path| std::fs::rename(path, path.with_file_name(aside_name(path)));
                let moved = each_snapshot(folder, |_| true, aside)?;
                notices.push(format!(
                    "the records did not open; set {moved} damaged snapshots aside in `{}`",
                    folder.display()
                ));
                open(folder)
            }
            other => other,
        };
        let db = db.map_err(|error| records(folder, error))?;
        Ok(Self { db, folder: folder.to_owned() })
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(first) = self.chunk(key, 0)? else {
            return Ok(None);
        };
        let (chunks, check) = self.head(key, &first)?;
        let mut value = first.get(HEAD..).unwrap_or_default().to_vec();
        for number in 1..chunks {
            let chunk = self.chunk(key, number)?.ok_or_else(|| self.damaged(key, "a part of it is missing"))?;
            value.extend_from_slice(&chunk);
        }
        if hash(key, &value) == check {
            Ok(Some(value))
        } else {
            Err(self.damaged(key, "it does not have the hash that it was stored with"))
        }
    }

    /// Adds to `batch` that a key has this value from now on, or none.
    pub(crate) fn set(&self, batch: &mut sled::Batch, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
        let before = match self.chunk(key, 0)? {
            Some(first) => self.head(key, &first).map_or(u16::MAX, |(chunks, _)| chunks),
            None => 0,
        };
        let mut chunks = 0_u16;
        if let Some(value) = value {
            let (first, rest) = value.split_at(value.len().min(CHUNK - HEAD));
            chunks = u16::try_from(1 + rest.len().div_ceil(CHUNK))
                .map_err(|_| self.damaged(key, "it is too long to be stored"))?;
            let mut head = chunks.to_be_bytes().to_vec();
            head.extend_from_slice(&hash(key, value));
            head.extend_from_slice(first);
            batch.insert(place(key, 0), head);
            for (number, chunk) in (1..).zip(rest.chunks(CHUNK)) {
                batch.insert(place(key, number), chunk);
            }
        }
        if before == u16::MAX {
            // Its head cannot be believed, so that what is there is counted.
            for found in self.db.scan_prefix(prefix(key)) {
                let (place, _) = found.map_err(|error| records(&self.folder, error))?;
                if number_of(&place) >= chunks {
                    batch.remove(place);
                }
            }
        } else {
            (chunks..before).for_each(|number| batch.remove(place(key, number)));
        }
        Ok(())
    }

    /// Every key that begins with `start`, in order.
    pub(crate) fn keys(&self, start: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, StoreError>> {
        self.db.scan_prefix(start).keys().filter_map(|found| match found {
            Ok(place) if number_of(&place) == 0 => place.len().checked_sub(3).map(|end| Ok(place[..end].to_vec())),
            Ok(_) => None,
            Err(error) => Some(Err(records(&self.folder, error))),
        })
    }

    /// Applies a batch: all of it or nothing. Durable only after [`Cells::sync`].
    pub(crate) fn apply(&self, batch: sled::Batch) -> Result<(), StoreError> {
        self.db.apply_batch(batch).map_err(|error| records(&self.folder, error))
    }

    /// Drops everything, not all at once.
    pub(crate) fn clear(&self) -> Result<(), StoreError> {
        self.db.clear().map_err(|error| records(&self.folder, error))
    }

    /// Makes everything durable: sled's own flush leaves it to the system when its file reaches the disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|error| records(&self.folder, error))?;
        let file = self.folder.join("db");
        File::open(&file).and_then(|file| file.sync_all()).map_err(StoreError::io("write", &file))
    }

    fn chunk(&self, key: &[u8], number: u16) -> Result<Option<sled::IVec>, StoreError> {
        self.db.get(place(key, number)).map_err(|error| records(&self.folder, error))
    }

    fn head(&self, key: &[u8], first: &[u8]) -> Result<(u16, [u8; 16]), StoreError> {
        match first.split_at_checked(HEAD) {
            Some((&[high, low, ref check @ ..], _)) if check.len() == 16 => {
                Ok((u16::from_be_bytes([high, low]), std::array::from_fn(|place| check[place])))
            }
            _ => Err(self.damaged(key, "its first part is too short")),
        }
    }

    fn damaged(&self, key: &[u8], reason: &str) -> StoreError {
        let key = String::from_utf8_lossy(key);
        StoreError::Records { path: self.folder.clone(), reason: format!("`{key}`: {reason}") }
    }
}

/// How long sled's own lock may be held by what is only a leftover, and how often it is asked for.
const LEFTOVER: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(10);

fn open(folder: &Path) -> sled::Result<sled::Db> {
    patiently(|| sled::Config::new().path(folder).flush_every_ms(None).cache_capacity(CACHE).open())
}

/// Opens sled, waiting a little for its lock. Whoever opens holds the state's lock, so that nobody else can have sled
/// open; but a process that is being started beside us has our file, and with it the lock, until it runs its own program.
pub(crate) fn patiently(open: impl Fn() -> sled::Result<sled::Db>) -> sled::Result<sled::Db> {
    let began = Instant::now();
    loop {
        match open() {
            Err(sled::Error::Io(error))
                if error.to_string().contains("could not acquire lock") && began.elapsed() < LEFTOVER =>
            {
                std::thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

fn records(folder: &Path, error: sled::Error) -> StoreError {
    if let sled::Error::Io(source) = error {
        return StoreError::Io { doing: "use", path: folder.to_owned(), source };
    }
    StoreError::Records { path: folder.to_owned(), reason: error.to_string() }
}

/// Does something with each `snap.*` file that is asked for; gives how many there were.
fn each_snapshot(
    folder: &Path,
    asked: impl Fn(&str) -> bool,
    act: impl Fn(&Path) -> std::io::Result<()>,
) -> Result<usize, StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(StoreError::io("list", folder)(error)),
    };
    let mut count = 0;
    for entry in entries {
        let path = entry.map_err(StoreError::io("list", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("snap.") && asked(&name) {
            act(&path).map_err(StoreError::io("move", &path))?;
            count += 1;
        }
    }
    Ok(count)
}

/// A name that sled does not take for a snapshot.
fn aside_name(path: &Path) -> String {
    format!("aside.{}", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Where a chunk is: keys hold no zero byte, so that the chunks of one key stand together.
fn place(key: &[u8], number: u16) -> Vec<u8> {
    let mut place = prefix(key);
    place.extend_from_slice(&number.to_be_bytes());
    place
}

fn prefix(key: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(key.len() + 3);
    place.extend_from_slice(key);
    place.push(0);
    place
}

fn number_of(place: &[u8]) -> u16 {
    match place {
        [.., high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

fn hash(key: &[u8], value: &[u8]) -> [u8; 16] {
    let length = (key.len() as u64).to_be_bytes();
    let hash = Sha256::new().chain_update(length).chain_update(key).chain_update(value).finalize();
    std::array::from_fn(|place| hash[place])
}
