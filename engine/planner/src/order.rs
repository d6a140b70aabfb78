//! What comes before what, and what waits for which gate: one graph over
//! everything that is wanted or recorded.
//!
//! Vertices are numbered: the nodes first, then for each resource one that
//! stands for "all of it is done" and one for "nobody needs it any more", then
//! the gates. A delete goes the other way round along the edges that were
//! recorded when the thing was made.

use std::collections::BTreeMap;

use kfplan_model::{Address, Readiness, ResourceAddress, Target};
use kfplan_plan::{
    Action, ClusterFacts, EdgeKind, Gate, Locator, Mode, ObjectView, OrderGate, Ordering, Probe, Verified,
};
use serde_json::Value as Json;

use crate::cluster::Standing;
use crate::input::Wait;
use crate::inventory::{Fate, Inventory, Seen};

/// A gate of the graph.
#[derive(Debug)]
pub(crate) struct GateVertex {
    /// The node that it looks at.
    pub(crate) on: u32,
    pub(crate) name: String,
    pub(crate) gate: Gate,
    /// Whether it waits for a changed thing to be ready, rather than for what order demands.
    pub(crate) is_ready: bool,
}

/// An edge: the second waits for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wire {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) kind: EdgeKind,
    /// Whether it may be left out where it would close a ring.
    pub(crate) is_soft: bool,
}

/// The graph.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: u32,
    pub(crate) owners: u32,
    pub(crate) wires: Vec<Wire>,
    pub(crate) gates: Vec<GateVertex>,
    /// What each changing node came after, for its record.
    pub(crate) after: BTreeMap<u32, Vec<(Address, EdgeKind)>>,
    /// The gate for the readiness of a node.
    ready: BTreeMap<u32, u32>,
}

impl Graph {
    pub(crate) fn len(&self) -> u32 {
        self.nodes + 2 * self.owners + self.gates.len() as u32
    }

    /// "All of this resource is done."
    pub(crate) fn done(&self, owner: u32) -> u32 {
        self.nodes + owner
    }

    /// "Nobody needs this resource any more."
    pub(crate) fn released(&self, owner: u32) -> u32 {
        self.nodes + self.owners + owner
    }

    /// The gate that a vertex is.
    pub(crate) fn gate(&self, vertex: u32) -> Option<&GateVertex> {
        self.gates.get(vertex.checked_sub(self.nodes + 2 * self.owners)? as usize)
    }

    fn wire(&mut self, from: u32, to: u32, kind: EdgeKind) {
        if from != to {
            self.wires.push(Wire { from, to, kind, is_soft: false });
        }
    }

    /// Makes the edges since `first` such that they give way to what the stack itself says.
    fn soften(&mut self, first: usize) {
        self.wires.iter_mut().skip(first).for_each(|wire| wire.is_soft = true);
    }

    fn add_gate(&mut self, gate: GateVertex) -> u32 {
        let vertex = self.len();
        self.wire(gate.on, vertex, EdgeKind::AfterApplied);
        self.gates.push(gate);
        vertex
    }

    fn remember(&mut self, node: u32, address: Address, kind: EdgeKind) {
        let after = self.after.entry(node).or_default();
        if !after.iter().any(|(known, _)| *known == address) {
            after.push((address, kind));
        }
    }
}

/// What an address leads to.
enum Vertex {
    Node(u32),
    Owner(u32),
}

impl<'a> Inventory<'a> {
    /// Preflight and offline checks over all objects of each cluster.
    pub(crate) fn check(&mut self) {
        for cluster in self.clusters() {
            let facts = self.facts(&cluster).unwrap_or_else(|| self.stated_facts(&cluster));
            let discovery = match self.standings.get(&cluster) {
                Some(Standing::There(discovery)) => Some(*discovery),
                _ => None,
            };
            let numbers: Vec<u32> =
                self.members(Some(&cluster)).into_iter().filter(|&at| self.nodes[at as usize].is_wanted()).collect();
            let views = self.views(&numbers);
            let rules = &self.input.kinds.objects;
            let mut notes = rules.preflight(&views, &facts, discovery);
            for &number in &numbers {
                notes.extend(self.check_one(number, &views));
            }
            drop(views);
            self.notes.extend(notes);
        }
        let numbers = self.members(None);
        let views = self.views(&numbers);
        let notes: Vec<_> = numbers.iter().flat_map(|&number| self.check_one(number, &views)).collect();
        drop(views);
        self.notes.extend(notes);
    }

    fn check_one(&self, number: u32, views: &[ObjectView<'_>]) -> Vec<kfplan_plan::Note> {
        let node = &self.nodes[number as usize];
        let is_sent = matches!(node.fate, Fate::Change(action) if !matches!(action, Action::Delete | Action::Forget | Action::Refresh));
        let unverified = node.object().is_none() || node.offline.is_some();
        match node.draft.as_ref().and_then(|draft| draft.desired.as_ref()) {
            Some(desired) if is_sent && unverified => {
                self.input.kinds.rules(node.locator()).check(desired, node.locator(), views)
            }
            _ => Vec::new(),
        }
    }

    /// The nodes of a cluster that are there or will be, in order; without a cluster the ARM resources.
    fn members(&self, cluster: Option<&ResourceAddress>) -> Vec<u32> {
        let is_member = |number: &u32| {
            let node = &self.nodes[*number as usize];
            let is_there =
                node.draft.is_some() || matches!(node.seen, Seen::Live(_) | Seen::LeftOut(_) | Seen::Unknown(_));
            is_there && !node.is_merged && !node.is_part && node.object().map(|object| &object.cluster) == cluster
        };
        (0..self.nodes.len() as u32).filter(is_member).collect()
    }

    fn views(&self, numbers: &[u32]) -> Vec<ObjectView<'_>> {
        let view = |&number: &u32| {
            let node = &self.nodes[number as usize];
            ObjectView {
                address: &node.address,
                locator: node.locator(),
                body: self.body(number),
                changing: matches!(node.fate, Fate::Change(_)),
                going: node.fate.is_delete() || node.fate == Fate::Implied,
            }
        };
        numbers.iter().map(view).collect()
    }

    /// The graph of everything.
    pub(crate) fn graph(&mut self) -> Graph {
        let mut graph = Graph { nodes: self.nodes.len() as u32, owners: self.owners.len() as u32, ..Graph::default() };
        self.add_ready_gates(&mut graph);
        for number in 0..graph.nodes {
            if self.nodes[number as usize].is_merged {
                continue;
            }
            if self.nodes[number as usize].draft.is_some() {
                self.wire_wanted(number, &mut graph);
            } else if self.nodes[number as usize].fate.is_delete() {
                self.wire_going(number, &mut graph);
            }
        }
        self.wire_owners(&mut graph);
        let mut clusters: Vec<Option<ResourceAddress>> = self.clusters().into_iter().map(Some).collect();
        clusters.push(None);
        for cluster in clusters {
            self.wire_ordering(cluster.as_ref(), &mut graph);
        }
        graph
    }

    fn add_ready_gates(&self, graph: &mut Graph) {
        if self.input.options.wait == Wait::None || self.input.mode == Mode::Destroy {
            return;
        }
        for number in 0..graph.nodes {
            let node = &self.nodes[number as usize];
            let Some(draft) = node.draft.as_ref().filter(|draft| draft.gate && node.object().is_some()) else {
                continue;
            };
            if !matches!(node.fate, Fate::Change(action) if !matches!(action, Action::Refresh | Action::Forget)) {
                continue;
            }
            let rules = self.owners[node.resource as usize].stated.map_or(&[][..], |stated| &stated.readiness);
            let rule = rules
                .iter()
                .rev()
                .find(|rule: &&Readiness| matches_target(&rule.target, &draft.locator, self.body(number)));
            if rule.is_some_and(|rule| !rule.wait) {
                continue;
            }
            let stated = self.owners[node.resource as usize].stated.and_then(|stated| stated.timeouts.ready);
            let timeout = rule.and_then(|rule| rule.timeout).or(stated).unwrap_or(draft.timeouts.0);
            let gate = Gate {
                locator: draft.locator.clone(),
                probe: Probe::Ready,
                timeout,
                why: format!("`{}` must be ready", node.address),
            };
            let vertex = graph.add_gate(GateVertex { on: number, name: "ready".to_owned(), gate, is_ready: true });
            graph.ready.insert(number, vertex);
        }
    }

    fn vertex(&self, address: &Address) -> Option<Vertex> {
        if let Some(node) = self.find(address) {
            return Some(Vertex::Node(node));
        }
        let owner = self.owner_of(address.resource())?;
        address.object_id().is_none().then_some(Vertex::Owner(owner))
    }

    /// `to` comes after `from`, which is where `kind` says.
    fn wire_after(&self, graph: &mut Graph, from: u32, to: u32, kind: EdgeKind) {
        let from = match (kind, graph.ready.get(&from)) {
            (EdgeKind::AfterReady, Some(&gate)) => gate,
            _ => from,
        };
        graph.wire(from, to, kind);
    }

    fn wire_wanted(&self, number: u32, graph: &mut Graph) {
        let node = &self.nodes[number as usize];
        let Some(draft) = &node.draft else { return };
        let changes = matches!(node.fate, Fate::Change(_));
        for &owner in &self.owners[node.resource as usize].depends_on {
            let kind = EdgeKind::AfterReady;
            graph.wire(graph.done(owner), number, kind);
            if changes {
                graph.remember(number, Address::from(self.owners[owner as usize].address.clone()), kind);
            }
        }
        let container =
            node.container.map(|container| (self.nodes[container as usize].address.clone(), EdgeKind::ContainedIn));
        for (address, kind) in draft.after.iter().cloned().chain(container) {
            match self.vertex(&address) {
                Some(Vertex::Node(from)) if self.nodes[from as usize].draft.is_some() => {
                    self.wire_after(graph, from, number, kind)
                }
                Some(Vertex::Owner(owner)) => graph.wire(graph.done(owner), number, kind),
                Some(Vertex::Node(_)) | None => {}
            }
            if changes {
                graph.remember(number, address, kind);
            }
        }
        if node.is_part
            && let Some(whole) =
                self.at_place(&draft.locator).filter(|&whole| self.nodes[whole as usize].draft.is_some())
        {
            self.wire_after(graph, whole, number, EdgeKind::AfterReady);
        }
        // What it came after the last time, and what goes now, goes after it let go.
        for address in self.recorded_after(number) {
            match self.vertex(&address) {
                Some(Vertex::Node(to)) => self.wire_delete(graph, number, to),
                Some(Vertex::Owner(owner)) => graph.wire(number, graph.released(owner), EdgeKind::AfterApplied),
                None => {}
            }
        }
    }

    fn wire_going(&self, number: u32, graph: &mut Graph) {
        for address in self.recorded_after(number) {
            match self.vertex(&address) {
                Some(Vertex::Node(to)) => match self.nodes[to as usize].fate {
                    Fate::Change(Action::Replace) if to != number => {
                        graph.wires.push(Wire { from: number, to, kind: EdgeKind::AfterApplied, is_soft: true });
                    }
                    _ => self.wire_delete(graph, number, to),
                },
                Some(Vertex::Owner(owner)) => graph.wire(number, graph.released(owner), EdgeKind::AfterApplied),
                None => {}
            }
        }
        if let Some(leftover) = self.find(&self.nodes[number as usize].address.gate("replaced")) {
            graph.wire(leftover, number, EdgeKind::AfterApplied);
        }
        let container = self.nodes[number as usize].container;
        if let Some(container) = container.filter(|&container| self.nodes[container as usize].fate.is_delete()) {
            graph.wire(number, container, EdgeKind::ContainedIn);
        }
    }

    /// What a node came after when it was last written, under today's addresses.
    fn recorded_after(&self, number: u32) -> Vec<Address> {
        let Some(recorded) = self.nodes[number as usize].recorded else {
            return Vec::new();
        };
        let record = &recorded.record;
        record
            .after
            .iter()
            .map(|(address, _)| address)
            .chain(&record.container)
            .map(|address| self.today(address))
            .collect()
    }

    fn wire_owners(&self, graph: &mut Graph) {
        for owner in 0..graph.owners {
            for &node in &self.owners[owner as usize].nodes {
                if let Some(step) = self.goes_with(node) {
                    graph.wire(graph.released(owner), step, EdgeKind::AfterApplied);
                } else if self.nodes[node as usize].draft.is_some() {
                    let ready = graph.ready.get(&node).copied();
                    graph.wire(ready.unwrap_or(node), graph.done(owner), EdgeKind::AfterApplied);
                }
            }
        }
    }

    /// Edges and gates that the rules of a family find.
    fn wire_ordering(&mut self, cluster: Option<&ResourceAddress>, graph: &mut Graph) {
        let numbers = self.members(cluster);
        let Some(&first) = numbers.first() else { return };
        let facts = match cluster {
            Some(cluster) => self.facts(cluster).unwrap_or_else(|| self.stated_facts(cluster)),
            None => ClusterFacts {
                cluster: self.nodes[first as usize].address.resource().clone(),
                version: None,
                aks: None,
                exists: true,
            },
        };
        let rules = if cluster.is_some() { &self.input.kinds.objects } else { &self.input.kinds.arm };
        let first = graph.wires.len();
        let views = self.views(&numbers);
        let Ordering { edges, gates } = rules.order(&views, &facts);
        let going: Vec<bool> = views.iter().map(|view| view.going).collect();
        drop(views);
        for edge in edges {
            let (Some(&from), Some(&to)) = (numbers.get(edge.from), numbers.get(edge.to)) else { continue };
            match (going[edge.from], going[edge.to]) {
                (false, false) => {
                    self.wire_after(graph, from, to, edge.kind);
                    self.remember_order(graph, from, to, edge.kind);
                }
                (true, _) => self.wire_delete(graph, to, from),
                (false, true) => {}
            }
        }
        for gate in gates {
            self.wire_gate(&numbers, &going, gate, graph);
        }
        graph.soften(first);
    }

    /// `first` lets go of `then` before that is deleted.
    fn wire_delete(&self, graph: &mut Graph, first: u32, then: u32) {
        let is_step = matches!(self.nodes[first as usize].fate, Fate::Change(_));
        if let Some(step) = self.goes_with(then).filter(|&step| is_step && !self.chain(step).any(|at| at == first)) {
            graph.wire(first, step, EdgeKind::AfterApplied);
        }
    }

    /// The delete that takes a node away: its own, or that of what contains it.
    fn goes_with(&self, number: u32) -> Option<u32> {
        match self.nodes[number as usize].fate {
            Fate::Change(Action::Delete) => Some(number),
            Fate::Implied => self.root(number).filter(|&root| self.nodes[root as usize].fate.is_delete()),
            _ => None,
        }
    }

    fn remember_order(&self, graph: &mut Graph, from: u32, to: u32, kind: EdgeKind) {
        if matches!(self.nodes[to as usize].fate, Fate::Change(_)) {
            graph.remember(to, self.nodes[from as usize].address.clone(), kind);
        }
    }

    fn wire_gate(&self, numbers: &[u32], going: &[bool], found: OrderGate, graph: &mut Graph) {
        let OrderGate { on, name, gate, after, waiters } = found;
        let (Some(&on_node), Some(&on_goes)) = (numbers.get(on), going.get(on)) else { return };
        let known = |places: &[usize]| -> Vec<(u32, bool)> {
            places.iter().filter_map(|&place| Some((*numbers.get(place)?, *going.get(place)?))).collect()
        };
        let (after, waiters) = (known(&after), known(&waiters));
        for &(controller, goes) in after.iter().filter(|(node, _)| *node != on_node) {
            if goes {
                self.wire_delete(graph, on_node, controller);
                for &(waiter, _) in waiters.iter().filter(|(_, goes)| *goes) {
                    self.wire_delete(graph, waiter, controller);
                }
            }
        }
        if on_goes {
            for &(waiter, _) in &waiters {
                self.wire_delete(graph, waiter, on_node);
            }
            return;
        }
        let waiting: Vec<u32> = waiters.iter().filter(|(_, goes)| !goes).map(|(node, _)| *node).collect();
        let vertex = graph.add_gate(GateVertex { on: on_node, name: name.to_owned(), gate, is_ready: false });
        for &(controller, goes) in &after {
            if !goes {
                self.wire_after(graph, controller, vertex, EdgeKind::AfterApplied);
                self.remember_order(graph, controller, on_node, EdgeKind::AfterApplied);
            }
        }
        for waiter in waiting {
            graph.wire(vertex, waiter, EdgeKind::AfterReady);
            self.remember_order(graph, on_node, waiter, EdgeKind::AfterReady);
        }
    }

    /// Whether the server has seen what will be sent.
    pub(crate) fn verified(&self, number: u32) -> Verified {
        let node = &self.nodes[number as usize];
        match &node.offline {
            // ARM has no dry run: its bodies are checked against its rules wherever they are.
            Some(why) if node.object().is_some() => Verified::Offline(why.clone()),
            Some(_) | None => Verified::Server,
        }
    }
}

/// Whether a rule of the stack is for this object.
fn matches_target(target: &Target, locator: &Locator, body: &Json) -> bool {
    let Locator::Object(object) = locator else { return false };
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    let label =
        |name: &String| body.pointer("/metadata/labels").and_then(|labels| labels.get(name)).and_then(Json::as_str);
    is(&target.group, &object.group)
        && is(&target.version, &object.version)
        && is(&target.kind, &object.kind)
        && is(&target.namespace, object.namespace.as_deref().unwrap_or_default())
        && is(&target.name, &object.name)
        && target.labels.iter().all(|(name, value)| label(name) == Some(value))
}
