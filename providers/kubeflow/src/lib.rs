//! Kubeflow installations as objects, pure.
//!
//! [`applications()`] reads a KfDef or a kustomization, renders each application
//! against trees of repositories, and gives the objects as `kfctl` would have
//! applied them: grouped by application, each group in an order that installs.
//! [`patches`] knows what AKS needs beyond that, as named rules with reasons, and
//! applies the user's own patches.
//!
//! Nothing here reads a disk, a clock, or a cluster: facts come as arguments, and
//! everything is given back as values.

mod applications;
mod error;
mod kfdef;
mod kind;
mod kustomization;
mod merge;
mod naming;
mod order;
pub mod patches;

pub use applications::{Application, Bundle, Choice, Repos, Source, applications};
pub use error::{KubeflowError, KubeflowErrors};
pub use kfdef::{KfApplication, KfDef, KfRepo};
pub use kfplan_kustomize::Finding;
pub use kind::kinds;

#[cfg(test)]
mod tests;
