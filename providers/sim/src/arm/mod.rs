//! The simulated Azure Resource Manager: groups, AKS clusters and pools, other resources, operations.
//!
//! [`Arm`] is a state machine: a request and the time go in, an answer comes out, and what is due by then
//! has happened before. It answers as the recordings in `shared/azure` show the ARM of 2025 and 2026, and
//! where those are silent it is stricter than the real one. It never asks a client's code how things are.

mod access;
mod changes;
mod cluster_body;
mod clusters;
mod course;
mod credentials;
pub(crate) mod dice;
mod dns;
mod faults;
mod front;
mod generic;
mod groups;
mod limits;
mod network;
mod node_group;
mod operations;
mod pool_body;
mod pools;
mod preconditions;
mod profiles;
mod quota;
mod regions;
mod registration;
mod route;
mod schema;
mod sizes;
mod state;
pub(crate) mod time;
mod versions;
pub(crate) mod wire;

pub use faults::{AzureFault, every_fault};
pub use state::{Arm, LentCluster, Settings};

#[cfg(test)]
mod tests;
