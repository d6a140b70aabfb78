//! What a graph without cycles promises.

use proptest::prelude::*;

use super::*;

fn rings(nodes: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    match Dag::new(nodes, edges.iter().copied()) {
        Err(DagError::Rings { rings }) => rings,
        other => panic!("expected rings, got {other:?}"),
    }
}

fn dag(nodes: usize, edges: &[(usize, usize)]) -> Dag {
    Dag::new(nodes, edges.iter().copied()).expect("no ring")
}

#[test]
fn a_ring_is_told_whole_and_in_order() {
    assert_eq!(rings(5, &[(4, 0), (0, 3), (3, 1), (1, 0), (1, 2)]), [vec![0, 3, 1]]);
}

#[test]
fn every_knot_is_told() {
    assert_eq!(rings(6, &[(5, 4), (4, 5), (0, 1), (1, 0), (3, 3), (1, 5)]), [vec![0, 1], vec![3], vec![4, 5]]);
}

#[test]
fn the_shortest_ring_of_a_knot_is_told() {
    assert_eq!(rings(4, &[(0, 1), (1, 2), (2, 3), (3, 0), (1, 0)]), [vec![0, 1]]);
}

#[test]
fn a_ring_reads_as_a_ring() {
    let error = Dag::new(2, [(0, 1), (1, 0)]).expect_err("a ring");
    assert_eq!(error.to_string(), "nodes wait for themselves: 0 -> 1 -> 0");
}

#[test]
fn an_edge_to_nowhere_is_refused() {
    assert_eq!(Dag::new(2, [(0, 2)]).expect_err("no node 2"), DagError::NoSuchNode { from: 0, to: 2, nodes: 2 });
}

#[test]
fn free_nodes_come_by_number_and_others_as_they_become_free() {
    let order: Vec<_> = dag(5, &[(3, 0), (2, 1), (2, 0)]).order().collect();
    assert_eq!(order, [2, 3, 4, 1, 0]);
}

#[test]
fn neighbours_come_in_the_order_of_the_edges() {
    let dag = dag(4, &[(0, 2), (0, 1), (0, 3), (2, 3), (1, 3)]);
    assert_eq!(dag.successors(0).collect::<Vec<_>>(), [2, 1, 3]);
    assert_eq!(dag.predecessors(3).collect::<Vec<_>>(), [0, 2, 1]);
    assert_eq!(dag.successors(9).count(), 0);
    assert_eq!(dag.edges().collect::<Vec<_>>(), [(0, 2), (0, 1), (0, 3), (2, 3), (1, 3)]);
}

#[test]
fn closures_go_both_ways() {
    let dag = dag(6, &[(0, 1), (1, 2), (3, 2), (2, 4)]);
    assert_eq!(dag.ancestors([2]), [0, 1, 2, 3]);
    assert_eq!(dag.descendants([1, 5]), [1, 2, 4, 5]);
    assert_eq!(dag.reversed().descendants([2]), dag.ancestors([2]));
}

#[test]
fn the_heaviest_way_counts_not_the_longest() {
    let dag = dag(4, &[(0, 1), (1, 3), (0, 2)]);
    assert_eq!(dag.remaining(&[1, 2, 30, 4]), [31, 6, 30, 4]);
}

#[test]
fn a_long_chain_does_not_overflow_the_stack() {
    let nodes = 300_000;
    let chain = || (1..nodes).map(|node| (node - 1, node));
    let dag = Dag::new(nodes, chain()).expect("no ring");
    assert_eq!(dag.remaining(&vec![1; nodes])[0], nodes as u64);
    match Dag::new(nodes, chain().chain([(nodes - 1, 0)])) {
        Err(DagError::Rings { rings }) => assert_eq!(rings, [(0..nodes).collect::<Vec<_>>()]),
        other => panic!("expected a ring, got {:?}", other.map(|dag| dag.len())),
    }
}

proptest! {
    /// Whatever edges are given: either each node stands after all it waits for, or a real ring is named.
    #[test]
    fn order_respects_edges_or_a_real_ring_is_named(
        edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..24),
    ) {
        match Dag::new(12, edges.iter().copied()) {
            Ok(dag) => {
                let order: Vec<_> = dag.order().collect();
                let place = |node| order.iter().position(|&other| other == node);
                prop_assert_eq!(order.len(), 12);
                for &(from, to) in &edges {
                    prop_assert!(place(from) < place(to));
                }
            }
            Err(DagError::Rings { rings }) => {
                prop_assert!(!rings.is_empty());
                for ring in rings {
                    for (place, &node) in ring.iter().enumerate() {
                        prop_assert!(edges.contains(&(node, ring[(place + 1) % ring.len()])));
                    }
                }
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
