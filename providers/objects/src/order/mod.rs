//! What comes before what: edges and gates among all objects of one cluster.
//!
//! Plain edges go from what is needed to what needs it, in one direction only (namespaces and CRDs, then accounts, roles
//! and data, then workloads, then what they serve), so they cannot form a ring. Gates are added one after the other, and
//! whoever a gate itself depends on never waits for it; so the whole cannot hold a ring either. Every step looks things
//! up in an index; nothing compares all objects with all others.

mod edges;
mod gates;
mod index;
mod selectors;
mod webhooks;

use kfplan_plan::{ObjectView, Ordering};

pub(crate) use selectors::{label as label_of, matches_labels, selects};

/// Edges and gates among objects.
pub(crate) fn order(objects: &[ObjectView<'_>]) -> Ordering {
    let index = index::Index::of(objects);
    let edges = edges::edges(&index);
    let gates = gates::gates(&index, &edges);
    Ordering { edges, gates }
}
