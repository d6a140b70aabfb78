//! What Kubernetes knows and an object does not say: kinds, lists, fields that cannot change, APIs that went.
//!
//! Tables are data with their source named, so that they can be checked and extended without reading code.

pub(crate) mod apis;
pub(crate) mod immutable;
pub(crate) mod kinds;
pub(crate) mod lists;
