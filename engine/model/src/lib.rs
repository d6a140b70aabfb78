//! The vocabulary of kfplan: names, addresses, paths, values, and the stack.
//!
//! Everything else speaks in these words. Nothing here reads a file, knows a
//! provider, or decides anything; parsing a text gives a value or says what is
//! wrong with it.

mod address;
mod error;
mod name;
mod path;
mod stack;
mod value;

pub use address::{Address, ObjectId, ResourceAddress};
pub use error::ModelError;
pub use name::{is_identifier, is_stack_name};
pub use path::{Path, Scalar, Segment};
pub use stack::{
    AzureSettings, Conflict, ConflictPolicy, Each, Lifecycle, Moved, Output, Position, Readiness, Removed, Repo,
    RepoSource, Resource, Scope, Stack, Target, Timeouts,
};
pub use value::{Late, Value};

#[cfg(test)]
mod tests;
