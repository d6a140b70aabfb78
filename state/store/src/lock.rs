//! The lock: held by a process, freed by its end whatever that end is.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::StoreError;

const NAME: &str = "lock";

/// How often a held lock is asked for again.
const PAUSE: Duration = Duration::from_millis(50);

/// How long even somebody who does not wait keeps asking: a reader that looks whether the lock is
/// free holds it for a moment.
const MOMENT: Duration = Duration::from_millis(100);

/// Who holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// The user.
    pub user: String,
    /// What it does, such as `kfplan apply`.
    pub command: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, user, command, since } = self;
        write!(f, "`{user}@{host}` (process {pid}, `{command}`) since {}", utc(*since))
    }
}

/// A held lock. Dropping it, or the end of the process, frees it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a state folder, waiting for at most `wait`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] when somebody else holds it all that time, [`StoreError::Io`] when the
    /// lock file cannot be used.
    pub fn take(folder: &Path, holder: &Holder, wait: Duration) -> Result<Self, StoreError> {
        let path = folder.join(NAME);
        let mut file = open(&path).map_err(StoreError::io("open", &path))?;
        let patience = wait.max(MOMENT);
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                    std::thread::sleep(PAUSE.min(patience.saturating_sub(began.elapsed())));
                }
                Err(TryLockError::WouldBlock) => {
                    let holder = read(&mut file).map(Box::new);
                    return Err(StoreError::Locked { path: folder.to_owned(), holder });
                }
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path)(error)),
            }
        }
        write(&mut file, Some(holder)).map_err(StoreError::io("write", &path))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock ends with the handle; a name that stays behind is never believed without it.
        let _ = write(&mut self.file, None);
        let _ = self.file.unlock();
    }
}

/// Whether a lock is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    /// Nobody holds it.
    Free,
    /// Somebody does; who, if that could be read.
    Held(Option<Holder>),
}

/// Who holds the lock of a state folder now. Takes nothing and waits for nobody.
///
/// # Errors
///
/// [`StoreError::Io`] when the lock file is there and cannot be used.
pub fn current_holder(folder: &Path) -> Result<LockState, StoreError> {
    let path: PathBuf = folder.join(NAME);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(LockState::Free),
        Err(error) => return Err(StoreError::io("open", &path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::WouldBlock) => Ok(LockState::Held(read(&mut file))),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &path)(error)),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(file: &mut File, holder: Option<&Holder>) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    if let Some(holder) = holder {
        file.write_all(serde_json::to_string(holder)?.as_bytes())?;
    }
    Ok(())
}

/// Milliseconds since the Unix epoch as RFC 3339, to the second.
pub(crate) fn utc(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 1 March of year 0, so that the leap day ends a year.
    let day = days + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}
