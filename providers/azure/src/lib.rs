//! Azure Resource Manager: resource groups, AKS clusters and node pools, and any other ARM resource.
//!
//! The pure half says what such resources are made of ([`kinds()`]), how they are
//! compared, ordered and protected ([`ArmRules`]), and what Azure would refuse before it is
//! asked for anything ([`preflight_azure`]). The other half asks: [`Azure`] is a provider over one
//! [`ArmClient`]. What Azure answers is kept raw, so that a write never loses what this crate does
//! not know; the models of `azure_mgmt_containerservice` only build bodies, since as a client that
//! crate speaks api-versions that Azure has switched off.

mod access;
mod bodies;
mod client;
mod equal;
mod error;
mod id;
mod kinds;
mod leaves;
mod properties;
mod provider;
mod rules;
mod subscription;
mod survey;
mod versions;

#[cfg(test)]
mod testing;

pub use access::{AccessMode, ClusterAccess};
pub use client::ArmClient;
pub use error::AzureError;
pub use id::ArmId;
pub use kinds::{AKS_API_VERSION, GROUP_API_VERSION, body_of_file, kinds, outputs_of};
pub use provider::{Azure, Pace};
pub use rules::ArmRules;
pub use subscription::Subscription;
pub use survey::{Considered, Needs, Offer, Quota, Region, Size, Survey, preflight_azure};
