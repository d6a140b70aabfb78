//! What can be wrong with a state folder.

use std::io;
use std::path::{Path, PathBuf};

use kfplan_model::Address;

use crate::STATE_FORMAT;
use crate::lock::Holder;

/// A state that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was tried, such as `write`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody else has it.
    #[error("the state in `{}` is locked{}", path.display(), by(holder.as_deref()))]
    Locked {
        /// The state folder.
        path: PathBuf,
        /// Who, where, and since when, if that could be read.
        holder: Option<Box<Holder>>,
    },
    /// Bytes are not as they were written.
    #[error("`{}` is damaged at byte {at}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        at: u64,
        /// What does not fit.
        reason: String,
    },
    /// sled cannot be used, or is not what was put into it.
    #[error("the records in `{}` cannot be used: {reason}", path.display())]
    Records {
        /// sled's folder.
        path: PathBuf,
        /// What sled, or the check of a value, said.
        reason: String,
    },
    /// Written by a newer kfplan.
    #[error("`{}` has format {found}, and this kfplan reads formats up to {STATE_FORMAT}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format it says.
        found: u64,
    },
    /// The key file is not a key.
    #[error("`{}` is not a key: it has {length} bytes in place of 32", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// How long it is.
        length: u64,
    },
    /// Nothing is recorded under an address.
    #[error("the state has no `{0}`")]
    NoRecord(Box<Address>),
    /// Something is recorded there already.
    #[error("the state has `{0}` already")]
    Occupied(Box<Address>),
    /// A text that is not an exported state.
    #[error("line {line} of the import: {reason}")]
    Import {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An import would drop what is recorded.
    #[error("the state in `{}` has {records} records already", path.display())]
    NotEmpty {
        /// The state folder.
        path: PathBuf,
        /// How many records would be lost.
        records: usize,
    },
}

impl StoreError {
    /// A refusal of the system.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, path: path.to_owned(), source }
    }

    /// The stable code, as `docs/errors.md` lists it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "kfplan::store::io",
            Self::Locked { .. } => "kfplan::store::locked",
            Self::Damaged { .. } => "kfplan::store::damaged",
            Self::Records { .. } => "kfplan::store::records",
            Self::Newer { .. } => "kfplan::store::newer",
            Self::Key { .. } => "kfplan::store::key",
            Self::NoRecord(_) => "kfplan::store::no_record",
            Self::Occupied(_) => "kfplan::store::occupied",
            Self::Import { .. } => "kfplan::store::import",
            Self::NotEmpty { .. } => "kfplan::store::not_empty",
        }
    }

    /// What to do next.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Io { .. } => "check that the folder is there, writable, and has room; nothing was recorded in part",
            Self::Locked { .. } => {
                "wait for it with `--lock-timeout`; the lock ends with its process and never needs a hand"
            }
            Self::Damaged { .. } | Self::Records { .. } => {
                "keep a copy of the folder, take it away, and read an export into a new one with `kfplan state import`"
            }
            Self::Newer { .. } => "use the kfplan that wrote it, or a newer one",
            Self::Key { .. } => "put the right key file back, or delete it: secrets then cannot be compared once",
            Self::NoRecord(_) => "`kfplan state list` shows every address",
            Self::Occupied(_) => "move or remove what is there first",
            Self::Import { .. } => "take a file that `kfplan state export` wrote, unchanged",
            Self::NotEmpty { .. } => {
                "keep a copy with `kfplan state export`, forget what is there with `kfplan state rm`, and import again"
            }
        }
    }
}

fn by(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| " by another process".to_owned(), |holder| format!(" by {holder}"))
}
