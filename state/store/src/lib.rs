//! The state of one stack and environment, in a folder.
//!
//! Whatever happens is first appended to a journal: self-checking batches, each durable before
//! [`Store`] says so. From there it goes into sled, where a record is found without reading the
//! rest. Now and then everything is written to a checkpoint, and the journal starts anew.
//! Read-only commands never open sled and never lock: a [`Snapshot`] takes the last checkpoint and
//! the journal's tail, also while an apply is writing.
//!
//! Nothing here decides anything about the world, and no secret is stored: bodies arrive sealed.
//!
//! ```text
//! .kfplan/.gitignore
//! .kfplan/state/ENV/lock            who has it; the lock itself dies with its process
//!                   key             32 bytes, readable by its owner only
//!                   checkpoint.N    everything, as it was when journal.N began
//!                   journal.N       what happened since
//!                   records/        sled
//! ```

mod apply;
mod cells;
mod checkpoint;
mod error;
mod export;
mod files;
mod frame;
mod key;
mod ledger;
mod lock;
mod log;
mod memory;
mod repair;
mod shelf;
mod snapshot;
mod store;
mod verify;

pub use error::StoreError;
pub use files::{Disk, Files, Handle, How};
pub use ledger::{Ended, Ledger, Run};
pub use lock::{Holder, Lock, LockState, current_holder};
pub use log::Log;
pub use memory::MemoryFiles;
pub use repair::repair;
pub use snapshot::{Snapshot, state_folder};
pub use store::{Birth, Edit, Opening, Store};
pub use verify::{Report, verify};

/// The version of the folder's files that this build reads and writes.
pub const STATE_FORMAT: u32 = 1;

#[cfg(test)]
mod tests;
