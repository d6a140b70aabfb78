//! Renders kustomizations, in process and pure.
//!
//! [`render`] takes [`Files`] and a folder and gives the objects that kustomize
//! would have given, in its order. What it follows is the behaviour of one of two
//! versions: kustomize 3.2, the one inside `kfctl` 1.2, or kustomize 5; their field
//! tables, their quirks, their order. [`Dialect`] says which.
//! Where the tool would crash or drop something in silence, there is an error or a
//! note instead. It reads nothing but the files it is handed, runs no plugin, and
//! fetches nothing: what lies somewhere else ([`Remote`]) the files must have.
//!
//! The ways of patching an object ([`patch`]) serve others as well.

mod component;
mod config;
mod decode;
mod defaults;
mod defaults5;
mod dialect;
mod elsewhere;
mod error;
mod fieldpath;
mod fieldspec;
mod files;
mod finding;
mod finish;
mod generate;
mod gvk;
mod kustomization;
mod load;
pub mod patch;
mod plugins;
mod provenance;
mod remote;
mod render;
mod resource;
mod scalar;
mod selector;
mod transform;

pub use dialect::Dialect;
pub use error::{Place, RenderError, RenderErrors};
pub use files::{Files, ReadError, Tree};
pub use finding::Finding;
pub use remote::Remote;
pub use render::{Note, Rendered, render};

#[cfg(test)]
mod tests;
