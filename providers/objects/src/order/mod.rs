//! What comes before what: edges and gates among all objects of one cluster.
//!
//! Plain edges go from what is needed to what needs it, in one direction only (namespaces and CRDs, then accounts, roles
//! and data, then workloads, then what they serve), so they cannot form a ring. Gates are added one after the other, and
//! whoever a gate itself depends on never waits for it; so the whole cannot hold a ring either. Every step looks things
//! up in an index; nothing compares all objects with all others.

mod aggregation;
mod edges;
mod gates;
mod index;
mod selectors;
mod webhooks;

use kfplan_plan::{ObjectView, Ordering};
use serde_json::Value as Json;

pub(crate) use selectors::{label as label_of, matches_labels, selects};

/// The places of the objects that a webhook would intercept, and whether its Service is among the objects.
pub(crate) fn intercepted(objects: &[ObjectView<'_>], webhook: &Json) -> (Vec<usize>, bool) {
    let index = index::Index::of(objects);
    let is_served = !webhooks::serving(&index, webhook).is_empty();
    (webhooks::intercepted(&index, webhook).into_iter().collect(), is_served)
}

/// Edges and gates among objects.
pub(crate) fn order(objects: &[ObjectView<'_>]) -> Ordering {
    let index = index::Index::of(objects);
    let mut edges = edges::edges(&index);
    let gates = gates::gates(&index, &mut edges);
    Ordering { edges, gates }
}
