//! What kustomizations name at other places: fetched by `vendor`, pinned, and handed to
//! the renderer among the files of a repo.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kfplan_kustomize::{Files, ReadError, Remote};
use kfplan_sources::{Locked, Tree, digest};

use crate::error::{Failure, SessionError};
use crate::repos::{Repos, TreeFiles, failed, reason, sha256};

/// Below this folder lies, for the renderer, what lies somewhere else.
const ROOT: &str = "@remote";

/// One thing that was fetched, or found on this machine.
#[derive(Debug)]
pub(crate) struct OpenRemote {
    tree: Tree,
    /// Where the renderer finds it.
    root: String,
    pinned: bool,
    archive: Option<String>,
}

/// What is open, and what the renderer asked for in vain.
#[derive(Debug, Default)]
pub(crate) struct Remotes {
    open: BTreeMap<Remote, Arc<OpenRemote>>,
    missing: Mutex<BTreeSet<Remote>>,
}

/// The files of a tree, with what lies somewhere else.
pub(crate) struct WithRemotes<'a> {
    pub(crate) files: &'a TreeFiles,
    pub(crate) remotes: &'a Remotes,
}

impl WithRemotes<'_> {
    fn below<'p>(&self, path: &'p str) -> Option<(&OpenRemote, &'p str)> {
        path.strip_prefix(ROOT)?;
        let inside = |open: &OpenRemote| match path.strip_prefix(open.root.as_str())? {
            "" => Some(path.rsplit('/').next().unwrap_or_default()).filter(|_| open.is_file()).or(Some("")),
            rest => rest.strip_prefix('/'),
        };
        self.remotes.open.values().find_map(|open| Some((&**open, inside(open)?)))
    }
}

impl OpenRemote {
    /// A single file has its name in its root.
    fn is_file(&self) -> bool {
        self.root.matches('/').count() > 1
    }
}

impl Files for WithRemotes<'_> {
    fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, ReadError> {
        let Some((open, inside)) = self.below(path) else { return self.files.read(path) };
        open.tree.read(inside).map_err(|error| ReadError { path: path.to_owned(), reason: reason(&error) })
    }

    fn is_directory(&self, path: &str) -> bool {
        match self.below(path) {
            Some((open, inside)) => !open.is_file() && open.tree.is_directory(inside),
            None => self.files.is_directory(path),
        }
    }

    fn remote(&self, remote: &Remote) -> Result<Option<String>, ReadError> {
        if let Some(open) = self.remotes.open.get(remote) {
            return Ok(Some(open.root.clone()));
        }
        let mut missing = self.remotes.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.insert(remote.clone());
        Ok(None)
    }
}

impl Remotes {
    /// What was asked for in vain since the last time.
    pub(crate) fn take_missing(&self) -> BTreeSet<Remote> {
        std::mem::take(&mut *self.missing.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same with more.
    pub(crate) fn with(&self, more: impl IntoIterator<Item = (Remote, Arc<OpenRemote>)>) -> Self {
        let mut open = self.open.clone();
        open.extend(more);
        Self { open, missing: Mutex::default() }
    }

    /// The digest of the files that were read of one of them, if it is open.
    pub(crate) fn digest_of(&self, remote: &Remote, files: &BTreeSet<String>) -> Result<Option<String>, SessionError> {
        let Some(open) = self.open.get(remote) else { return Ok(None) };
        let mut contents = BTreeMap::new();
        for path in files {
            let name = if path.is_empty() { open.root.rsplit('/').next().unwrap_or_default() } else { path };
            if let Some(content) = open.tree.read(name).map_err(|error| failed("a remote base", &error))? {
                contents.insert(name, content);
            }
        }
        Ok(Some(digest(&contents)))
    }

    /// What is pinned of one of them.
    pub(crate) fn pin(&self, remote: &Remote, files: &BTreeSet<String>) -> Result<Option<Locked>, SessionError> {
        let Some(open) = self.open.get(remote) else { return Ok(None) };
        let found = self.digest_of(remote, files)?.unwrap_or_default();
        let archive = open.archive.clone();
        Ok(Some(Locked { source: address(remote).unwrap_or_else(|_| remote.name()), files: found, archive }))
    }

    pub(crate) fn is_pinned(&self, remote: &Remote) -> bool {
        self.open.get(remote).is_some_and(|open| open.pinned)
    }
}

/// Opens something from a folder, an archive or a file of this machine.
pub(crate) fn open_local(remote: &Remote, path: &Path, pinned: bool) -> Result<OpenRemote, SessionError> {
    let what = remote.name();
    let (tree, root) = match remote {
        Remote::Repository { .. } => (Tree::open(path).map_err(|error| failed(&what, &error))?, root_of(remote)),
        Remote::File { .. } => {
            let bytes = std::fs::read(path)
                .map_err(|error| SessionError::system(&format!("read `{}`", path.display()), &error))?;
            as_file(remote, &bytes)?
        }
    };
    Ok(OpenRemote { tree, root, pinned, archive: None })
}

fn open_bytes(remote: &Remote, bytes: &[u8], pinned: bool) -> Result<OpenRemote, SessionError> {
    let (tree, root) = match remote {
        Remote::Repository { .. } => {
            let files = kfplan_sources::unpack(bytes, kfplan_sources::Limits::default())
                .map_err(|error| failed(&remote.name(), &error))?;
            (Tree::Memory(files), root_of(remote))
        }
        Remote::File { .. } => as_file(remote, bytes)?,
    };
    Ok(OpenRemote { tree, root, pinned, archive: Some(sha256(bytes)) })
}

/// A tree that holds a single file, under the last part of its address.
fn as_file(remote: &Remote, bytes: &[u8]) -> Result<(Tree, String), SessionError> {
    let name = remote.name().rsplit('/').find(|part| !part.is_empty()).unwrap_or("file").to_owned();
    let content = kfplan_sources::plain(bytes, kfplan_sources::Limits::default())
        .map_err(|error| failed(&remote.name(), &error))?;
    let root = format!("{}/{name}", root_of(remote));
    Ok((Tree::Memory(BTreeMap::from([(name, content)])), root))
}

fn root_of(remote: &Remote) -> String {
    format!("{ROOT}/{}", kfplan_plan::Digest::of(remote.name().as_bytes()))
}

/// Where something is fetched from.
fn address(remote: &Remote) -> Result<String, SessionError> {
    match remote {
        Remote::File { url } => Ok(url.clone()),
        Remote::Repository { url, reference } if url.starts_with("https://github.com/") => {
            let reference = if reference.is_empty() { "HEAD" } else { reference };
            Ok(format!("{url}/archive/{reference}.tar.gz"))
        }
        Remote::Repository { url, .. } => Err(Failure::new(
            "vendor::host",
            format!("`{url}` is a repository that kfplan cannot fetch: it takes archives from https://github.com only"),
            format!(
                "name a local copy with `--repo \"{}=PATH\"`, or copy the folder into the repository",
                remote.name()
            ),
        )
        .into()),
    }
}

impl Repos {
    /// Opens something that a kustomization names elsewhere; `None` when it is neither
    /// pinned, nor to be fetched, nor named by `--repo`.
    pub(crate) async fn open_remote(
        &self,
        remote: &Remote,
        fetching: bool,
    ) -> Result<Option<OpenRemote>, SessionError> {
        let name = remote.name();
        let locked = self.lock().remotes.get(&name).filter(|_| !fetching);
        if let Some(path) = self.local_remote(&name) {
            return open_local(remote, path, locked.is_some()).map(Some);
        }
        let cached = locked.and_then(|locked| locked.archive.as_deref()).and_then(|archive| self.in_cache(archive));
        let bytes = match cached {
            Some(bytes) => bytes,
            None if fetching || locked.is_some() => self.download(&address(remote)?, &name).await?,
            None => return Ok(None),
        };
        open_bytes(remote, &bytes, locked.is_some()).map(Some)
    }
}

/// The local copies among the arguments of `--repo`: those that are named by an address.
pub(crate) fn local_copies(repos: &[(String, PathBuf)]) -> BTreeMap<String, PathBuf> {
    repos.iter().filter(|(name, _)| is_address(name)).cloned().collect()
}

/// Whether the name of a `--repo` is an address.
pub(crate) fn is_address(name: &str) -> bool {
    name.contains("://")
}
