//! Where files come from. The renderer itself never touches a disk.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::remote::Remote;

/// A file is there, but cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {reason}")]
pub struct ReadError {
    /// The file.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// A tree of files.
///
/// Paths are normalised: `/` between the parts, no `.` or `..`, no leading or
/// trailing `/`. The empty path is the root.
pub trait Files {
    /// The bytes of a file; `None` when there is no file of this name.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when there is one that cannot be read.
    fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, ReadError>;

    /// Whether a folder of this name is there.
    fn is_directory(&self, path: &str) -> bool;

    /// Where among these files something lies that has its place somewhere else: the root
    /// of a repository's tree, or the file. `None` when it is not there; the renderer never
    /// fetches anything.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it should be there, but is not what it was when it was pinned.
    fn remote(&self, remote: &Remote) -> Result<Option<String>, ReadError> {
        let _ = remote;
        Ok(None)
    }
}

/// Files in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Vec<u8>>);

impl Tree {
    /// No files.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a file, or replaces one. The path is normalised; one that leads out of
    /// the tree is not taken, and `false` is given back.
    pub fn insert(&mut self, path: &str, content: impl Into<Vec<u8>>) -> bool {
        match join("", path) {
            Some(path) if !path.is_empty() => {
                self.0.insert(path, content.into());
                true
            }
            _ => false,
        }
    }

    /// The files with their paths, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<P: AsRef<str>, C: Into<Vec<u8>>> FromIterator<(P, C)> for Tree {
    fn from_iter<I: IntoIterator<Item = (P, C)>>(files: I) -> Self {
        let mut tree = Self::new();
        for (path, content) in files {
            tree.insert(path.as_ref(), content);
        }
        tree
    }
}

impl Files for Tree {
    fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, ReadError> {
        Ok(self.0.get(path).map(|content| Cow::Borrowed(content.as_slice())))
    }

    fn is_directory(&self, path: &str) -> bool {
        if path.is_empty() {
            return true;
        }
        let prefix = format!("{path}/");
        self.0.range(prefix.clone()..).next().is_some_and(|(name, _)| name.starts_with(&prefix))
    }
}

/// A path relative to a folder, normalised; `None` when it leads out of the root
/// or is absolute.
pub(crate) fn join(directory: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
