//! What can go wrong around the world; inside it everything is an answer.

use std::path::PathBuf;

/// Why the sandbox cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// Another process holds the world.
    #[error("the sandbox in `{}` is in use by {holder}; wait for it or end it", folder.display())]
    Locked {
        /// The world's folder.
        folder: PathBuf,
        /// What the holder wrote into the lock file.
        holder: String,
    },
    /// A file of the world cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The log holds a record that is neither whole nor the torn last one.
    #[error("the sandbox log `{}` is damaged at byte {offset}: {reason}; move its folder away to begin anew", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// Where the bad record starts.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The log was written by another version.
    #[error("the sandbox log `{}` has format {found}, this version reads {known}; move its folder away to begin anew", path.display())]
    Format {
        /// The log.
        path: PathBuf,
        /// What stands in it.
        found: String,
        /// What is understood.
        known: &'static str,
    },
    /// No port could be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The certificates could not be made or read.
    #[error("cannot {action} the sandbox's certificates: {reason}")]
    Certificate {
        /// What was tried.
        action: &'static str,
        /// Why not.
        reason: String,
    },
    /// The log could not be written, so nothing more may be answered.
    #[error("the sandbox log can no longer be written; restart the sandbox")]
    LogStopped,
}

impl SimError {
    /// A file error, for `map_err`.
    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> SimError {
        let path = path.to_owned();
        move |source| SimError::File { action, path, source }
    }
}
