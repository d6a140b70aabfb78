//! Kubernetes clusters: looks by LIST, writes by server-side apply, waits for what is gone or ready.
//!
//! A connection is a capability: it is made when a cluster is first asked, by one
//! caller for all, from a kubeconfig that [`Access`] gives, and made anew when the
//! server says 401. Nothing here sleeps or retries; what a call waits for is said to
//! the executor. Bodies are never logged, and an error never holds one.

mod access;
mod client;
mod conflict;
mod discovery;
mod observe;
mod probe;
mod provider;
mod transport;
mod trouble;
mod write;

pub use access::Access;
pub use provider::Kubernetes;

#[cfg(test)]
mod tests;
