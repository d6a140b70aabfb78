//! Azure credentials: which one is used, as whom, and tokens from it.
//!
//! [`Identity::open`] takes the credential that a stack names, or with `auto` the one that the
//! environment is set up for. The environment comes in as a map, so that nothing here
//! depends on the process it runs in. A token is never shown: neither by `Debug`, nor in a log line, nor in an error.

mod choose;
mod cloud;
mod error;
mod federated;
mod identity;
mod machine;
mod process;

pub use choose::{Choice, Method};
pub use cloud::{AKS_SCOPE, Cloud};
pub use error::IdentityError;
pub use identity::{Identity, Principal, SignIn, Token};

/// The environment of a process, by name.
pub type Environment = std::collections::BTreeMap<String, String>;

#[cfg(test)]
mod tests;
