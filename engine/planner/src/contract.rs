//! Makes the graph of everything into the graph of steps.
//!
//! What has nothing to do is taken out, and what it connected stays connected.
//! Where that would join many with many, a gate that joins them stands in
//! between, so that the number of edges grows with the number of steps.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use kfplan_graph::{Dag, DagError};
use kfplan_plan::{Action, Edge, EdgeKind};

use crate::error::PlanError;
use crate::input::Wait;
use crate::inventory::{Fate, Inventory};
use crate::order::{Graph, Wire};

/// So many steps may be handed on through something that is no step itself; more are joined.
const HANDED_ON: usize = 8;

/// The graph of steps.
#[derive(Debug, Default)]
pub(crate) struct Contracted {
    /// The vertices that are steps, each after all that it waits for.
    pub(crate) steps: Vec<u32>,
    /// Edges between them, by place.
    pub(crate) edges: Vec<Edge>,
}

impl<'a> Inventory<'a> {
    /// The graph as one that holds no ring. What rules found gives way to what the stack says.
    pub(crate) fn dag(&mut self, graph: &mut Graph) -> Option<Dag> {
        loop {
            let edges = graph.wires.iter().map(|wire| (wire.from as usize, wire.to as usize));
            let rings = match Dag::new(graph.len() as usize, edges) {
                Ok(dag) => return Some(dag),
                Err(DagError::Rings { rings }) => rings,
                Err(DagError::NoSuchNode { .. }) => unreachable!("every edge is between numbered vertices"),
            };
            let before = graph.wires.len();
            for ring in &rings {
                let next = ring.iter().cycle().skip(1);
                let pairs: BTreeSet<(u32, u32)> =
                    ring.iter().zip(next).map(|(&from, &to)| (from as u32, to as u32)).collect();
                graph.wires.retain(|wire| !(wire.is_soft && pairs.contains(&(wire.from, wire.to))));
            }
            if graph.wires.len() == before {
                for ring in rings {
                    let ring = ring.iter().map(|&vertex| self.name(graph, vertex as u32)).collect();
                    self.errors.push(PlanError::Cycle { ring });
                }
                return None;
            }
        }
    }

    fn name(&self, graph: &Graph, vertex: u32) -> String {
        if let Some(node) = self.nodes.get(vertex as usize) {
            return node.address.to_string();
        }
        if let Some(gate) = graph.gate(vertex) {
            return self.nodes[gate.on as usize].address.gate(&gate.name).to_string();
        }
        let owner = (vertex - graph.nodes) % graph.owners;
        self.owners[owner as usize].address.to_string()
    }

    /// Which vertices are steps, and behind which something changes.
    fn steps_of(&self, graph: &Graph, dag: &Dag, selected: &[bool]) -> (Vec<bool>, Vec<bool>) {
        let mut is_step = vec![false; dag.len()];
        let mut is_needed = vec![false; dag.len()];
        for (number, node) in self.nodes.iter().enumerate() {
            is_step[number] = matches!(node.fate, Fate::Change(_)) && selected[number];
        }
        let writes = |vertex: usize| {
            let node = self.nodes.get(vertex);
            node.is_some_and(
                |node| matches!(node.fate, Fate::Change(action) if !matches!(action, Action::Refresh | Action::Forget)),
            )
        };
        for vertex in dag.order().rev() {
            is_needed[vertex] = dag.successors(vertex).any(|next| is_step[next] || is_needed[next]);
            if let Some(gate) = graph.gate(vertex as u32) {
                is_step[vertex] = if gate.is_ready {
                    is_step[gate.on as usize] && (is_needed[vertex] || self.input.options.wait == Wait::Ready)
                } else {
                    dag.successors(vertex).any(|next| is_step[next] && writes(next))
                };
            }
        }
        (is_step, is_needed)
    }

    /// The graph of steps.
    pub(crate) fn contract(&self, graph: &Graph, dag: &Dag, selected: &[bool]) -> Contracted {
        let (mut is_step, is_needed) = self.steps_of(graph, dag, selected);
        let incoming = Incoming::of(graph);
        let mut handed: Vec<Vec<u32>> = vec![Vec::new(); dag.len()];
        let mut edges: Vec<(u32, u32, EdgeKind)> = Vec::new();
        for vertex in dag.order() {
            if !is_step[vertex] && !is_needed[vertex] {
                continue;
            }
            let mut before: Vec<(u32, EdgeKind)> = Vec::new();
            for wire in incoming.of_vertex(graph, vertex) {
                if is_step[wire.from as usize] {
                    before.push((wire.from, wire.kind));
                } else {
                    before.extend(handed[wire.from as usize].iter().map(|&from| (from, EdgeKind::AfterApplied)));
                }
            }
            before.sort_unstable();
            // Of several reasons for the same edge the strongest is kept, which sorts last.
            before.reverse();
            before.dedup_by_key(|(from, _)| *from);
            before.reverse();
            if !is_step[vertex] && before.len() > HANDED_ON {
                is_step[vertex] = true;
            }
            if is_step[vertex] {
                let to = vertex as u32;
                edges.extend(before.into_iter().map(|(from, kind)| (from, to, self.kind(graph, from, kind))));
            } else {
                handed[vertex] = before.into_iter().map(|(from, _)| from).collect();
            }
        }
        let steps: Vec<u32> = (0..dag.len() as u32).filter(|&vertex| is_step[vertex as usize]).collect();
        self.in_order(graph, &steps, edges)
    }

    /// What waits for a gate waits until something is ready, whatever the edge was for.
    fn kind(&self, graph: &Graph, from: u32, kind: EdgeKind) -> EdgeKind {
        match graph.gate(from) {
            Some(_) => EdgeKind::AfterReady,
            None => kind,
        }
    }

    /// Where a vertex stands among those that could come next.
    fn rank(&self, graph: &Graph, vertex: u32) -> (u32, u8, u32) {
        let of_node = |node: u32| self.nodes[node as usize].rank.min(u32::MAX - 1);
        if vertex < graph.nodes {
            return (of_node(vertex), 0, vertex);
        }
        match graph.gate(vertex) {
            Some(gate) => (of_node(gate.on), 1, vertex),
            None => {
                let owner = &self.owners[((vertex - graph.nodes) % graph.owners) as usize];
                (owner.nodes.iter().map(|&node| of_node(node)).max().unwrap_or(0), 2, vertex)
            }
        }
    }

    /// Lists steps so that each comes after what it waits for, and otherwise in the order of their sources.
    fn in_order(&self, graph: &Graph, steps: &[u32], edges: Vec<(u32, u32, EdgeKind)>) -> Contracted {
        let count = graph.len() as usize;
        let mut waits = vec![0_u32; count];
        let mut next: Vec<Vec<u32>> = vec![Vec::new(); count];
        for &(from, to, _) in &edges {
            waits[to as usize] += 1;
            next[from as usize].push(to);
        }
        let free = steps.iter().copied().filter(|&step| waits[step as usize] == 0);
        let mut open: BinaryHeap<Reverse<(u32, u8, u32)>> = free.map(|step| Reverse(self.rank(graph, step))).collect();
        let mut places = vec![0_u32; count];
        let mut order = Vec::with_capacity(steps.len());
        while let Some(Reverse((_, _, step))) = open.pop() {
            places[step as usize] = order.len() as u32;
            order.push(step);
            for &after in &next[step as usize] {
                waits[after as usize] -= 1;
                if waits[after as usize] == 0 {
                    open.push(Reverse(self.rank(graph, after)));
                }
            }
        }
        let place = |vertex: u32| places[vertex as usize];
        let mut edges: Vec<Edge> =
            edges.into_iter().map(|(from, to, kind)| Edge { from: place(from), to: place(to), kind }).collect();
        edges.sort_unstable_by_key(|edge| (edge.to, edge.from));
        Contracted { steps: order, edges }
    }
}

/// The edges of a graph by the vertex that they lead to.
struct Incoming {
    starts: Vec<u32>,
    wires: Vec<u32>,
}

impl Incoming {
    fn of(graph: &Graph) -> Self {
        let mut starts = vec![0_u32; graph.len() as usize + 1];
        for wire in &graph.wires {
            starts[wire.to as usize + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut fill = starts.clone();
        let mut wires = vec![0_u32; graph.wires.len()];
        for (number, wire) in (0_u32..).zip(&graph.wires) {
            let place = &mut fill[wire.to as usize];
            wires[*place as usize] = number;
            *place += 1;
        }
        Self { starts, wires }
    }

    fn of_vertex<'g>(&'g self, graph: &'g Graph, vertex: usize) -> impl Iterator<Item = &'g Wire> {
        let range = self.starts[vertex] as usize..self.starts[vertex + 1] as usize;
        self.wires[range].iter().map(|&wire| &graph.wires[wire as usize])
    }
}
