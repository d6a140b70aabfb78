//! Azure Resource Manager: resource groups, AKS clusters and node pools, and any other ARM resource.
//!
//! The pure half says what such resources are made of ([`kinds`]), how they are
//! compared, ordered and protected, and what Azure would refuse before
//! it is asked. The other half asks: a
//! provider over one ARM client. What Azure answers is kept raw, so that a write never loses
//! what this crate does not know; the models of `azure_mgmt_containerservice` only build bodies.

mod bodies;
mod equal;
mod id;
mod kinds;
mod leaves;
mod properties;
mod rules;
mod versions;

#[cfg(test)]
mod testing;

pub use id::ArmId;
pub use kinds::{AKS_API_VERSION, GROUP_API_VERSION, body_of_file, kinds, outputs_of};
pub use rules::ArmRules;
