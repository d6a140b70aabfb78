//! Kubernetes objects, pure: reading, comparing, judging.
//!
//! Nothing here talks to a cluster, reads a file, or knows the time.

pub mod yaml;
