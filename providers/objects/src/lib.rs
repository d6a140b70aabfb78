//! Kubernetes objects, pure: reading, comparing, judging.
//!
//! [`ObjectRules`] is how the planner compares, orders and checks them; [`fields`] reads who wrote what; [`yaml`] reads
//! and writes texts. Nothing here talks to a cluster, reads a file, or knows the time.

mod check;
mod compare;
pub mod devices;
mod error;
pub mod fields;
mod guard;
pub mod identity;
mod kinds;
pub mod marks;
pub mod noise;
mod order;
pub mod partial;
pub mod pods;
mod preflight;
mod ready;
mod rules;
pub mod structure;
mod tables;
pub mod trial;
pub mod values;
pub mod yaml;

pub use compare::applied;
pub use error::ObjectError;
pub use kinds::{as_sent, drafts, kinds};
pub use ready::{WebhookOutcome, is_ready, webhook_probe};
pub use rules::ObjectRules;

#[cfg(test)]
mod tests;
