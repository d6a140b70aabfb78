//! A graph of dependencies that cannot hold a cycle.
//!
//! Nodes are the numbers from 0 to n - 1, the places of whatever the caller keeps in a vector;
//! an edge `(a, b)` says that `a` comes before `b`. Whoever holds a [`Dag`] may walk it without
//! ever looking for rings again. Every operation is linear in nodes and edges, never recursive,
//! and its answer depends on nothing but the order in which the edges were given.

mod dag;
mod error;

pub use dag::Dag;
pub use error::DagError;

#[cfg(test)]
mod tests;
