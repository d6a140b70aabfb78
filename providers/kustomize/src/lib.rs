//! Renders kustomizations, in process and pure.
//!
//! [`render`] takes [`Files`] and a folder and gives the objects that kustomize
//! would have given, in its order. What it follows is the behaviour of kustomize
//! 3.2, the version inside `kfctl` 1.2: its field tables, its quirks, its order.
//! Where that tool would crash or drop something in silence, there is an error or a
//! note instead. It reads nothing but the files it is handed, runs no plugin, and
//! fetches nothing.
//!
//! The ways of patching an object ([`patch`]) serve others as well.

mod config;
mod decode;
mod defaults;
mod error;
mod fieldspec;
mod files;
mod finding;
mod generate;
mod gvk;
mod kustomization;
mod load;
pub mod patch;
mod render;
mod resource;
mod selector;
mod transform;

pub use error::{Place, RenderError, RenderErrors};
pub use files::{Files, ReadError, Tree};
pub use finding::Finding;
pub use render::{Dialect, Note, Rendered, render};

#[cfg(test)]
mod tests;
