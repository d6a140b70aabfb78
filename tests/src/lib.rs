//! Helpers of the whole-system tests: the repository's root, the shared data, the
//! binary, run as a user would run it, the simulated cloud as other clients see it, and real control planes.

mod cloud;
mod cluster;
mod mutate;
mod place;
mod ran;
mod shared;
mod tiny;

pub use cloud::{Cloud, Cluster};
pub use cluster::RealCluster;
pub use mutate::{Figures, Kfplan, Options, Report, mutate};
pub use place::Place;
pub use ran::Ran;
pub use shared::{binary, root, shared, until};
pub use tiny::{applied, empty};
