//! The ways of patching an object.
//!
//! All three take and give plain JSON values. [`merge`] is what a custom resource
//! gets, [`strategic`] what the kinds of Kubernetes 1.14 get, whose lists are merged
//! by a key, and [`json6902`] is a list of operations. They behave as the libraries
//! behind kustomize 3.2 do, where these differ from the standards too. What dialect 5
//! does instead of the first two is in `walk`.

mod associative;
pub(crate) mod custom;
pub mod json6902;
pub mod merge;
mod schema;
pub mod strategic;
mod types;
pub(crate) mod walk;
