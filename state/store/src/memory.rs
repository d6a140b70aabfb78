//! A disk in memory that forgets what was not made durable, for tests and simulation.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::files::{Files, Handle, How};

/// A disk that lives in memory. Clones are the same disk. Every operation that changes something is
/// counted, and may be the one at which the machine dies.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What names lead to now, and what they will lead to after a crash.
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    files: Vec<Content>,
    operations: u64,
    /// The operation at which the machine dies, and how many bytes of a write still get through.
    dies_at: Option<(u64, usize)>,
    /// The operation that fails, and how many bytes of a write get through all the same.
    fails_at: Option<(u64, usize)>,
    dead: bool,
}

#[derive(Debug, Default, Clone)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

impl MemoryFiles {
    /// A disk without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many changing operations there were.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state(|state| state.operations)
    }

    /// Lets the machine die at the `operation`th changing operation, counted from the disk's
    /// beginning. If that is a write, its first `torn` bytes reach the disk.
    pub fn die_at(&self, operation: u64, torn: usize) {
        self.state(|state| state.dies_at = Some((operation, torn)));
    }

    /// Lets the `operation`th changing operation fail, and no other: the disk was full for a moment. If
    /// that is a write, its first `torn` bytes are written.
    pub fn fail_at(&self, operation: u64, torn: usize) {
        self.state(|state| state.fails_at = Some((operation, torn)));
    }

    /// What a disk holds after the machine lost its power: nothing that was not made durable, but for
    /// the bytes of the write it died at.
    #[must_use]
    pub fn after_power_loss(&self) -> Self {
        self.state(|state| {
            let files: Vec<Content> = state
                .files
                .iter()
                .map(|content| Content { bytes: content.durable.clone(), durable: content.durable.clone() })
                .collect();
            let names = state.durable_names.clone();
            Self(Arc::new(Mutex::new(State { names: names.clone(), durable_names: names, files, ..State::default() })))
        })
    }

    /// What a disk holds after only the process was killed: everything that was written.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        self.state(|state| {
            let files: Vec<Content> = state.files.clone();
            let names = state.names.clone();
            let durable_names = state.durable_names.clone();
            Self(Arc::new(Mutex::new(State { names, durable_names, files, ..State::default() })))
        })
    }

    /// The bytes of a file, to be changed behind the store's back.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        self.state(|state| {
            if let Some(content) = state.names.get(path).and_then(|file| state.files.get_mut(*file)) {
                change(&mut content.bytes);
                content.durable.clone_from(&content.bytes);
            }
        });
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Counts a changing operation; gives how many bytes of a write get through when it is the last.
    fn step(&mut self) -> Result<(), usize> {
        if self.dead {
            return Err(0);
        }
        self.operations += 1;
        match self.dies_at {
            Some((at, torn)) if at == self.operations => {
                self.dead = true;
                Err(torn)
            }
            _ => match self.fails_at {
                Some((at, torn)) if at == self.operations => Err(torn),
                _ => Ok(()),
            },
        }
    }
}

fn died(_: usize) -> io::Error {
    io::ErrorKind::StorageFull.into()
}

fn absent() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Files for MemoryFiles {
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn Handle>> {
        self.state(|state| {
            let file = match how {
                How::Read | How::Append => *state.names.get(path).ok_or_else(absent)?,
                How::New | How::NewSecret => {
                    state.step().map_err(died)?;
                    state.files.push(Content::default());
                    state.names.insert(path.to_owned(), state.files.len() - 1);
                    state.files.len() - 1
                }
            };
            Ok(Box::new(MemoryFile { disk: self.clone(), file }) as Box<dyn Handle>)
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state(|state| {
            state.step().map_err(died)?;
            let file = state.names.remove(from).ok_or_else(absent)?;
            state.names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state(|state| {
            state.step().map_err(died)?;
            state.names.remove(path).map(drop).ok_or_else(absent)
        })
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.state(|state| {
            let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
            Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
        })
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.state(|state| {
            state.step().map_err(died)?;
            state.durable_names.retain(|path, _| path.parent() != Some(folder));
            let inside = state.names.iter().filter(|(path, _)| path.parent() == Some(folder));
            state.durable_names.extend(inside.map(|(path, file)| (path.clone(), *file)));
            Ok(())
        })
    }
}

struct MemoryFile {
    disk: MemoryFiles,
    file: usize,
}

impl MemoryFile {
    fn content<T>(&self, with: impl FnOnce(&mut State, usize) -> T) -> T {
        self.disk.state(|state| with(state, self.file))
    }
}

impl Handle for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        self.content(|state, file| Ok(state.files.get(file).ok_or_else(absent)?.bytes.len() as u64))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.content(|state, file| {
            let bytes = &state.files.get(file).ok_or_else(absent)?.bytes;
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            let part = bytes.get(start..start.saturating_add(buffer.len()));
            buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.content(|state, file| {
            let lives = state.step();
            let dead = state.dead;
            let content = state.files.get_mut(file).ok_or_else(absent)?;
            match lives {
                Ok(()) => content.bytes.extend_from_slice(bytes),
                Err(torn) => {
                    let through = bytes.get(..torn.min(bytes.len())).unwrap_or_default();
                    content.bytes.extend_from_slice(through);
                    if dead && content.bytes.starts_with(&content.durable) {
                        content.durable.clone_from(&content.bytes);
                    }
                    return Err(died(torn));
                }
            }
            Ok(())
        })
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.content(|state, file| {
            state.step().map_err(died)?;
            let content = state.files.get_mut(file).ok_or_else(absent)?;
            content.bytes.truncate(usize::try_from(length).map_err(io::Error::other)?);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.content(|state, file| {
            state.step().map_err(died)?;
            let content = state.files.get_mut(file).ok_or_else(absent)?;
            content.durable.clone_from(&content.bytes);
            Ok(())
        })
    }
}
