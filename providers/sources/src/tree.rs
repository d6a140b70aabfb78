//! Trees of files, in memory or in a folder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::archive::{Limits, unpack};
use crate::error::SourceError;

/// Files by their path below a root, `/` between the parts.
#[derive(Debug, Clone)]
pub enum Tree {
    /// All of them in memory.
    Memory(BTreeMap<String, Vec<u8>>),
    /// Read when asked for, from this folder (canonical).
    Folder(PathBuf),
}

impl Tree {
    /// The tree at a path of this machine: a folder, or a `.tar.gz` archive.
    ///
    /// # Errors
    ///
    /// [`SourceError`] when it cannot be read or unpacked.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |reason| SourceError::Unreadable { path: path.to_owned(), reason };
        let canonical = path.canonicalize().map_err(unreadable)?;
        if canonical.is_dir() {
            return Ok(Self::Folder(canonical));
        }
        Ok(Self::Memory(unpack(&std::fs::read(&canonical).map_err(unreadable)?, Limits::default())?))
    }

    /// The content of a file; `None` when there is no such file.
    ///
    /// # Errors
    ///
    /// [`SourceError::Escapes`] when the path leads outside, also through a link; [`SourceError::Unreadable`].
    pub fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, SourceError> {
        match self {
            Self::Memory(files) => Ok(files.get(path).map(|content| Cow::Borrowed(content.as_slice()))),
            Self::Folder(root) => match inside(root, path)? {
                Some(file) if file.is_file() => std::fs::read(&file)
                    .map(|content| Some(Cow::Owned(content)))
                    .map_err(|reason| SourceError::Unreadable { path: file, reason }),
                _ => Ok(None),
            },
        }
    }

    /// Whether there is a folder at this path; the empty path is the root.
    #[must_use]
    pub fn is_directory(&self, path: &str) -> bool {
        match self {
            Self::Memory(files) => {
                let prefix = format!("{path}/");
                path.is_empty()
                    || files.range(prefix.clone()..).next().is_some_and(|(file, _)| file.starts_with(&prefix))
            }
            Self::Folder(root) => inside(root, path).is_ok_and(|found| found.is_some_and(|found| found.is_dir())),
        }
    }
}

/// The file or folder at `path` below `root`, if it exists and lies inside.
fn inside(root: &Path, path: &str) -> Result<Option<PathBuf>, SourceError> {
    let escapes = || SourceError::Escapes { path: path.to_owned() };
    if path.split('/').any(|part| part == "..") || path.starts_with('/') {
        return Err(escapes());
    }
    match root.join(path).canonicalize() {
        Ok(found) if found.starts_with(root) => Ok(Some(found)),
        Ok(_) => Err(escapes()),
        Err(_) => Ok(None),
    }
}

/// The digest of these files: SHA-256 over each path and content with their lengths, in path
/// order, as `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn digest<'a>(files: &BTreeMap<&'a str, Cow<'a, [u8]>>) -> String {
    let mut hash = Sha256::new();
    for (path, content) in files {
        hash.update((path.len() as u64).to_be_bytes());
        hash.update(path.as_bytes());
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    hash.finalize().iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
