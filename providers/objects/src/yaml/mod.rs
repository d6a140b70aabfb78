//! YAML as Kubernetes' tools read it.
//!
//! No crate resolves plain scalars the way `kubectl` and kustomize do, so the
//! grammar comes from an event parser and the meaning of scalars from a table of
//! our own, one for each [`Dialect`]. [`parse`] keeps where everything stands, so
//! that an error can point at it; [`parse_documents`] gives plain JSON values.
//! [`to_text`] writes what both dialects read back as the same value, and
//! [`edit`] changes one value of a text without touching the rest of it.
//!
//! Text from outside never makes this module panic, recurse without bound, or
//! take memory out of proportion: depth and the work of aliases are limited.

mod edit;
mod error;
mod lenient;
mod node;
mod read;
mod resolve;
mod write;

pub use edit::{Edit, EditError, edit};
pub use error::YamlError;
pub use node::{Document, Duplicate, Entry, Kind, Node, Position};
pub use read::{parse, parse_documents};
pub use resolve::Dialect;
pub use write::{to_stream, to_text};

#[cfg(test)]
mod tests;
