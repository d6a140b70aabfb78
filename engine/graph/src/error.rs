//! Why edges are no [`Dag`](crate::Dag).

/// Edges that are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DagError {
    /// Some nodes wait for themselves. One ring for each knot of nodes that wait for each other,
    /// in order: each node comes before the next, and the last before the first. A ring begins
    /// with its smallest node.
    #[error("nodes wait for themselves: {}", list(rings))]
    Rings {
        /// The rings, by their first node.
        rings: Vec<Vec<usize>>,
    },
    /// An edge names a node that is not there.
    #[error("the edge from {from} to {to} names a node that is not there: there are {nodes}")]
    NoSuchNode {
        /// Where the edge begins.
        from: usize,
        /// Where it ends.
        to: usize,
        /// How many nodes there are.
        nodes: usize,
    },
}

fn list(rings: &[Vec<usize>]) -> String {
    let ring = |ring: &Vec<usize>| {
        let nodes = ring.iter().chain(ring.first()).map(ToString::to_string);
        nodes.collect::<Vec<_>>().join(" -> ")
    };
    rings.iter().map(ring).collect::<Vec<_>>().join("; ")
}
