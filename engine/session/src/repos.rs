//! The repos of a stack: opened, pinned, and handed to the renderer.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kfplan_kustomize::{Files, ReadError};
use kfplan_model::{Repo, RepoSource, Stack};
use kfplan_sources::{Lock, SourceError, Tree, digest};

use crate::error::{Failure, SessionError};
use crate::options::Options;
use crate::place::Place;

/// A tree as the renderer reads it.
#[derive(Debug)]
pub(crate) struct TreeFiles(pub(crate) Tree);

impl Files for TreeFiles {
    fn read(&self, path: &str) -> Result<Option<Cow<'_, [u8]>>, ReadError> {
        self.0.read(path).map_err(|error| ReadError { path: path.to_owned(), reason: reason(&error) })
    }

    fn is_directory(&self, path: &str) -> bool {
        self.0.is_directory(path)
    }
}

/// An error with its causes on one line.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        text = format!("{text}: {cause}");
        inner = cause.source();
    }
    text
}

/// The digest of the files that were read from a tree.
pub(crate) fn digest_of(tree: &TreeFiles, read: &BTreeSet<String>) -> Result<String, SessionError> {
    let mut files = BTreeMap::new();
    for path in read {
        if let Some(content) = tree.0.read(path).map_err(|error| failed("repo", &error))? {
            files.insert(path.as_str(), content);
        }
    }
    Ok(digest(&files))
}

pub(crate) fn failed(what: &str, error: &SourceError) -> SessionError {
    let help = match error {
        SourceError::Digest { .. } => "`kfplan vendor --update` pins what is there now; review what it changes",
        SourceError::Lock { .. } => "`kfplan vendor --update` writes it anew",
        SourceError::Url { .. } => "check the address and the network, or name a local copy with `--repo NAME=PATH`",
        SourceError::Unreadable { .. } => "check the path; it is relative to the stack file",
        SourceError::Escapes { .. }
        | SourceError::Entry { .. }
        | SourceError::TooLarge { .. }
        | SourceError::Malformed { .. } => "take an archive or folder that you trust",
    };
    Failure::new("source", format!("{what}: {}", reason(error)), help).into()
}

/// The repos of a stack, each opened when it is first asked for.
#[derive(Debug)]
pub(crate) struct Repos {
    place: Place,
    declared: BTreeMap<String, Repo>,
    local: BTreeMap<String, PathBuf>,
    local_remotes: BTreeMap<String, PathBuf>,
    lock: Lock,
}

/// One opened repo.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) files: TreeFiles,
    /// Whether its files must be the ones that the lock pins.
    pub(crate) pinned: bool,
    /// SHA-256 of the archive, if it came from a URL.
    pub(crate) archive: Option<String>,
    /// Where it came from, for people.
    pub(crate) source: String,
}

impl Repos {
    pub(crate) fn of(options: &Options, place: &Place, stack: &Stack) -> Result<Self, SessionError> {
        let lock = match std::fs::read_to_string(place.lock_file()) {
            Ok(text) => Lock::parse(&text).map_err(|error| failed("the lock", &error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Lock::default(),
            Err(error) => return Err(SessionError::system("read `kfplan.lock`", &error)),
        };
        let local: BTreeMap<String, PathBuf> =
            options.repos.iter().filter(|(name, _)| !crate::remotes::is_address(name)).cloned().collect();
        let local_remotes = crate::remotes::local_copies(&options.repos);
        if let Some(unknown) = local.keys().find(|name| !stack.repos.contains_key(*name)) {
            let known: Vec<&str> = stack.repos.keys().map(String::as_str).collect();
            let help = format!("the stack declares: {}", known.join(", "));
            return Err(Failure::new(
                "repo",
                format!("`--repo {unknown}` names a repo that the stack does not declare"),
                help,
            )
            .into());
        }
        Ok(Self { place: place.clone(), declared: stack.repos.clone(), local, local_remotes, lock })
    }

    pub(crate) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The names that `text` refers to as `@NAME/…` must be declared.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &Repo> {
        self.declared.values()
    }

    /// Opens a repo. One behind a URL comes from the cache when the lock pins its archive; else it is fetched when
    /// `fetching`, and refused otherwise.
    pub(crate) async fn open(&self, name: &str, fetching: bool) -> Result<Opened, SessionError> {
        let what = format!("@{name}");
        let Some(repo) = self.declared.get(name) else {
            return Err(Failure::new(
                "repo",
                format!("`@{name}` is not declared"),
                format!("add `[repos.{name}]` with `url` or `path`"),
            )
            .into());
        };
        if let Some(path) = self.local.get(name) {
            return self.local_repo(name, path, &what);
        }
        match &repo.source {
            RepoSource::Path(path) => self.local_repo(name, &self.place.folder().join(path), &what),
            RepoSource::Url(url) => self.remote_repo(name, url, fetching).await,
        }
    }

    fn local_repo(&self, name: &str, path: &Path, what: &str) -> Result<Opened, SessionError> {
        let tree = Tree::open(path).map_err(|error| failed(what, &error))?;
        Ok(Opened {
            files: TreeFiles(tree),
            pinned: self.lock.repos.contains_key(name),
            archive: None,
            source: path.display().to_string(),
        })
    }

    async fn remote_repo(&self, name: &str, url: &str, fetching: bool) -> Result<Opened, SessionError> {
        let what = format!("@{name}");
        let locked = self.lock.repos.get(name).filter(|_| !fetching);
        let cached = locked.and_then(|locked| locked.archive.as_deref()).and_then(|archive| self.in_cache(archive));
        let bytes = match cached {
            Some(bytes) => bytes,
            // What is downloaded for a pinned repo is compared with the pin once it was read.
            None if fetching || locked.is_some() => self.download(url, &what).await?,
            None => {
                let message =
                    format!("`@{name}` is not pinned by kfplan.lock, so nothing says which files to take from `{url}`");
                let help = "run `kfplan vendor`, and commit kfplan.lock; or name a local copy with `--repo NAME=PATH`";
                return Err(Failure::new("vendor", message, help).into());
            }
        };
        let files =
            kfplan_sources::unpack(&bytes, kfplan_sources::Limits::default()).map_err(|error| failed(&what, &error))?;
        Ok(Opened {
            files: TreeFiles(Tree::Memory(files)),
            pinned: locked.is_some(),
            archive: Some(sha256(&bytes)),
            source: url.to_owned(),
        })
    }

    /// What was downloaded before, if it is still what it was.
    pub(crate) fn in_cache(&self, archive: &str) -> Option<Vec<u8>> {
        std::fs::read(self.cached(archive)).ok().filter(|bytes| sha256(bytes) == archive)
    }

    /// The local copy of something that a kustomization names elsewhere.
    pub(crate) fn local_remote(&self, name: &str) -> Option<&Path> {
        self.local_remotes.get(name).map(PathBuf::as_path)
    }

    pub(crate) async fn download(&self, url: &str, what: &str) -> Result<Vec<u8>, SessionError> {
        let client = crate::tls::client(None)?;
        let bytes = kfplan_sources::fetch(&client, url).await.map_err(|error| failed(what, &error))?;
        self.place.make_own()?;
        let path = self.cached(&sha256(&bytes));
        let folder = self.place.archives();
        // Renamed into place, so that a half-written archive is never found.
        let partial = folder.join(format!("partial-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&partial, &bytes))
            .and_then(|()| std::fs::rename(&partial, &path))
            .map_err(|error| SessionError::system("keep the archive in `.kfplan/cache`", &error))?;
        Ok(bytes)
    }

    fn cached(&self, archive: &str) -> PathBuf {
        self.place.archives().join(format!("{}.tar.gz", archive.trim_start_matches("sha256:")))
    }

    /// Whether the files that were read are the pinned ones.
    pub(crate) fn check(&self, name: &str, found: &str) -> Result<(), SessionError> {
        match self.lock.repos.get(name) {
            Some(locked) if locked.files != found => {
                let error = SourceError::Digest {
                    name: name.to_owned(),
                    pinned: locked.files.clone(),
                    found: found.to_owned(),
                };
                Err(failed("the repo is not what was reviewed", &error))
            }
            _ => Ok(()),
        }
    }

    /// The same for something that a kustomization names elsewhere.
    pub(crate) fn check_remote(&self, name: &str, found: &str) -> Result<(), SessionError> {
        match self.lock.remotes.get(name) {
            Some(locked) if locked.files != found => {
                let message = format!(
                    "the files of `{name}` are not the ones that `kfplan.lock` pins: it says {}, and they have {found}",
                    locked.files
                );
                let help = "`kfplan vendor --update` pins what is there now; review what it changes";
                Err(Failure::new("source", message, help).into())
            }
            _ => Ok(()),
        }
    }

    /// Writes the lock.
    pub(crate) fn write_lock(&self, lock: &Lock) -> Result<(), SessionError> {
        let text = lock.to_text();
        std::fs::write(self.place.lock_file(), text)
            .map_err(|error| SessionError::system("write `kfplan.lock`", &error))
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", kfplan_plan::Digest::of(bytes))
}
