//! What can be wrong with a source.

use std::path::PathBuf;

/// A source that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        reason: std::io::Error,
    },
    /// A path leads outside the tree, by `..` or by a link.
    #[error("`{path}` leads outside its root")]
    Escapes {
        /// Which.
        path: String,
    },
    /// An archive has an entry that no manifest archive needs.
    #[error("the archive has the entry `{entry}`, which {reason}")]
    Entry {
        /// Which entry.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An archive is larger than the limit.
    #[error("the archive has more than {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// Not a gzipped tar archive.
    #[error("it is not a readable .tar.gz archive")]
    Malformed {
        /// What the reader said.
        #[source]
        reason: std::io::Error,
    },
    /// A URL that is not fetched from.
    #[error("`{url}` cannot be fetched: {reason}")]
    Url {
        /// The URL, without its query.
        url: String,
        /// Why.
        reason: String,
    },
    /// `kfplan.lock` is not what kfplan wrote.
    #[error("`kfplan.lock` cannot be used: {reason}")]
    Lock {
        /// Why.
        reason: String,
    },
    /// The files that were read are not the ones that `kfplan.lock` pins.
    #[error("the files of `@{name}` are not the ones that `kfplan.lock` pins: it says {pinned}, and they have {found}")]
    Digest {
        /// The repo.
        name: String,
        /// The digest in the lock.
        pinned: String,
        /// The digest of what was read.
        found: String,
    },
}
