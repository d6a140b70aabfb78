//! The simulated cloud: one strict, seeded world with faults, and the ways to reach it.
//!
//! [`World`] is a state machine without async, clock, or IO: a request and the time go in,
//! an answer comes out, and equal histories give equal bytes. It has two faces, Azure (ARM and
//! Entra tokens) and the Kubernetes API of each cluster; the Azure face orders clusters and
//! nodes from the other through [`Fleet`]. Around it stand the log that makes it last
//! and the [`Sandbox`] that serves it over TLS. It shares no merging or comparing code
//! with what it is there to test.

mod arm;
mod entra;
mod error;
mod faults;
mod fleet;
mod kube;
mod log;
mod sandbox;
mod tables;
mod wire;
mod world;

pub use arm::{Arm, AzureFault, LentCluster, Settings as ArmSettings, every_fault};
pub use error::SimError;
pub use faults::{Fault, Faults, Rule};
pub use fleet::{Access, ClusterOrder, Credentials, Fleet, PoolOrder};
pub use kube::{Controllers, Kube};
pub use sandbox::{Endpoints, Sandbox, SandboxOptions};
pub use tables::{Delta, Table};
pub use wire::{Face, Mishap, Request, Response, WatchTicket};
pub use world::{Front, Options, World};
