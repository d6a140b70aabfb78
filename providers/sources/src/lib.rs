//! Where manifests come from: folders, archives, and URLs, pinned by what was read.
//!
//! A [`Tree`] gives files by their path below its root and never anything outside
//! it. The digest of a tree covers only the files that were read, so a URL, an
//! archive, and a folder with the same files are equal. [`Lock`] is
//! `kfplan.lock`. Every archive is hostile until it is unpacked within [`Limits`].

mod archive;
mod error;
mod fetch;
mod lock;
mod tree;

pub use archive::{Limits, plain, unpack};
pub use error::SourceError;
pub use fetch::fetch;
pub use lock::{Lock, Locked};
pub use tree::{Tree, digest};

#[cfg(test)]
mod tests;
