//! The [`Dag`] itself.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use petgraph::{Direction, Incoming, Outgoing};

use crate::error::DagError;

/// Nodes 0 to n - 1 and edges between them, none of which closes a ring.
#[derive(Debug, Clone)]
pub struct Dag {
    graph: DiGraph<(), (), u32>,
    /// Every node, each after all that it waits for.
    order: Vec<u32>,
}

impl Dag {
    /// The graph of `nodes` nodes and these edges; `(a, b)` says that `a` comes before `b`.
    /// The same edge may be given twice.
    ///
    /// # Errors
    ///
    /// [`DagError::NoSuchNode`] when an edge names a node that is not there, [`DagError::Rings`]
    /// when nodes wait for themselves.
    pub fn new(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Result<Self, DagError> {
        let mut list = Vec::new();
        for (from, to) in edges {
            if from >= nodes || to >= nodes || u32::try_from(from.max(to)).is_err() {
                return Err(DagError::NoSuchNode { from, to, nodes });
            }
            list.push((from, to));
        }
        let mut graph = DiGraph::with_capacity(nodes, list.len());
        for _ in 0..nodes {
            graph.add_node(());
        }
        // petgraph walks the newest edge first, so that the oldest goes in last.
        for &(from, to) in list.iter().rev() {
            graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
        }
        let order = kahn(&graph);
        if order.len() < nodes {
            return Err(DagError::Rings { rings: rings(&graph) });
        }
        Ok(Self { graph, order })
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.graph.node_count() == 0
    }

    /// Every edge, in the order in which it was given.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize)> {
        self.graph.raw_edges().iter().rev().map(|edge| (edge.source().index(), edge.target().index()))
    }

    /// The nodes that wait for `node`, in the order of the edges; nothing for a node that is not there.
    pub fn successors(&self, node: usize) -> impl Iterator<Item = usize> {
        self.neighbours(node, Outgoing)
    }

    /// The nodes that `node` waits for, in the order of the edges; nothing for a node that is not there.
    pub fn predecessors(&self, node: usize) -> impl Iterator<Item = usize> {
        self.neighbours(node, Incoming)
    }

    fn neighbours(&self, node: usize, direction: Direction) -> impl Iterator<Item = usize> {
        self.graph.neighbors_directed(NodeIndex::new(node), direction).map(NodeIndex::index)
    }

    /// Every node, each after all that it waits for. Nodes that are free from the start come
    /// first, by number; the others follow in the order in which they become free.
    pub fn order(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        self.order.iter().map(|&node| node as usize)
    }

    /// The same nodes with every edge turned round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let mut graph = self.graph.clone();
        graph.reverse();
        let order = kahn(&graph);
        Self { graph, order }
    }

    /// The nodes of `set` and all that they wait for, directly or not; ascending.
    #[must_use]
    pub fn ancestors(&self, set: impl IntoIterator<Item = usize>) -> Vec<usize> {
        self.closure(set, Incoming)
    }

    /// The nodes of `set` and all that wait for them, directly or not; ascending.
    #[must_use]
    pub fn descendants(&self, set: impl IntoIterator<Item = usize>) -> Vec<usize> {
        self.closure(set, Outgoing)
    }

    fn closure(&self, set: impl IntoIterator<Item = usize>, direction: Direction) -> Vec<usize> {
        let mut inside = vec![false; self.len()];
        let mut open: Vec<usize> = set.into_iter().collect();
        while let Some(node) = open.pop() {
            if let Some(seen) = inside.get_mut(node).filter(|seen| !**seen) {
                *seen = true;
                open.extend(self.neighbours(node, direction));
            }
        }
        inside.iter().enumerate().filter_map(|(node, inside)| inside.then_some(node)).collect()
    }

    /// For each node the heaviest path that begins with it, its own weight included. What is the
    /// longest of all is the critical path. A node without a weight weighs nothing.
    #[must_use]
    pub fn remaining(&self, weights: &[u64]) -> Vec<u64> {
        let mut remaining = vec![0_u64; self.len()];
        for node in self.order().rev() {
            let after = self.successors(node).map(|next| remaining[next]).max().unwrap_or(0);
            remaining[node] = weights.get(node).copied().unwrap_or(0).saturating_add(after);
        }
        remaining
    }
}

/// Kahn's algorithm; what it leaves out lies on a ring or behind one.
fn kahn(graph: &DiGraph<(), (), u32>) -> Vec<u32> {
    let mut waits = vec![0_u32; graph.node_count()];
    for edge in graph.raw_edges() {
        waits[edge.target().index()] += 1;
    }
    let mut order: Vec<u32> = Vec::with_capacity(waits.len());
    order.extend((0_u32..).zip(&waits).filter_map(|(node, &waits)| (waits == 0).then_some(node)));
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for after in graph.neighbors(NodeIndex::from(node)) {
            let waits = &mut waits[after.index()];
            *waits -= 1;
            if *waits == 0 {
                order.push(after.index() as u32);
            }
        }
    }
    order
}

/// One ring for each strongly connected component that holds any.
fn rings(graph: &DiGraph<(), (), u32>) -> Vec<Vec<usize>> {
    let components = kosaraju_scc(graph);
    let mut component_of = vec![0; graph.node_count()];
    for (place, component) in components.iter().enumerate() {
        component.iter().for_each(|node| component_of[node.index()] = place);
    }
    let mut rings: Vec<Vec<usize>> = components
        .iter()
        .filter_map(|component| component.iter().min())
        .filter_map(|&start| ring(graph, &component_of, start))
        .collect();
    rings.sort();
    rings
}

/// The shortest ring through `start`, which is the smallest node of its component; none when the
/// component is a single node without an edge to itself.
fn ring(graph: &DiGraph<(), (), u32>, component_of: &[usize], start: NodeIndex) -> Option<Vec<usize>> {
    let inside = |node: NodeIndex| component_of[node.index()] == component_of[start.index()];
    let mut came_from = std::collections::BTreeMap::new();
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for edge in graph.edges(node).filter(|edge| inside(edge.target())) {
            if edge.target() == start {
                let mut ring: Vec<usize> = std::iter::successors(Some(node), |node| came_from.get(node).copied())
                    .map(NodeIndex::index)
                    .collect();
                ring.reverse();
                return Some(ring);
            }
            came_from.entry(edge.target()).or_insert_with(|| {
                open.push_back(edge.target());
                node
            });
        }
    }
    None
}
