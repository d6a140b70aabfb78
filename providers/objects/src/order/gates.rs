//! Gates: what must not only have been accepted, but work.

use std::collections::BTreeSet;

use kfplan_plan::{EdgeKind, Gate, Locator, OrderEdge, OrderGate, Probe};
use serde_json::Value as Json;

use super::index::{Index, Item};
use super::{aggregation, webhooks};
use crate::identity::{at, crd_names, is_crd, list, text};
use crate::{devices, pods};

const ESTABLISHED: u64 = 120;
const WEBHOOK: u64 = 900;
const AVAILABLE: u64 = 600;
const ALLOCATABLE: u64 = 1800;

/// What comes before each node: objects first, then the gates that were added.
struct Before(Vec<Vec<usize>>);

impl Before {
    fn of(objects: usize, edges: &[OrderEdge]) -> Self {
        let mut before = vec![Vec::new(); objects];
        for edge in edges {
            if let Some(list) = before.get_mut(edge.to) {
                list.push(edge.from);
            }
        }
        Self(before)
    }

    /// Everything that these nodes come after, themselves included.
    fn ancestors(&self, nodes: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open: Vec<usize> = nodes.into_iter().collect();
        while let Some(node) = open.pop() {
            if found.insert(node) {
                open.extend(self.0.get(node).into_iter().flatten());
            }
        }
        found
    }

    /// Adds a gate after `after`; whoever of `wanted` it does not itself come after waits for it. Gives those, and the rest.
    fn add(&mut self, after: Vec<usize>, wanted: BTreeSet<usize>) -> (Vec<usize>, Vec<usize>) {
        let ancestors = self.ancestors(after.iter().copied());
        let (needed, waiters): (Vec<usize>, Vec<usize>) =
            wanted.into_iter().partition(|place| ancestors.contains(place));
        let gate = self.0.len();
        self.0.push(after);
        for waiter in &waiters {
            if let Some(list) = self.0.get_mut(*waiter) {
                list.push(gate);
            }
        }
        (waiters, needed)
    }

    /// Puts an object before another one, unless it comes after it.
    fn put(&mut self, first: usize, then: usize) -> bool {
        if first == then || self.ancestors([first]).contains(&then) {
            return false;
        }
        if let Some(list) = self.0.get_mut(then) {
            list.push(first);
        }
        true
    }
}

/// The gates; adds to the edges what could form a ring, and is left out where it would: what a ClusterRole gathers comes
/// before it, and what a webhook intercepts and itself needs comes before the webhook's configuration.
pub(super) fn gates(index: &Index<'_>, edges: &mut Vec<OrderEdge>) -> Vec<OrderGate> {
    let mut before = Before::of(index.items.len(), edges);
    for (from, to) in aggregation::gathered(index) {
        if before.put(from, to) {
            edges.push(OrderEdge { from, to, kind: EdgeKind::AfterApplied });
        }
    }
    let mut gates = Vec::new();
    let makers: [Maker; 4] = [established, available, webhook, allocatable];
    for maker in makers {
        for (place, item) in index.all().filter(|(_, item)| !item.going) {
            let Some(wanted) = maker(index, item) else { continue };
            let stays = |place: &usize| index.item(*place).is_some_and(|it| !it.going);
            let after: Vec<usize> = wanted.after.into_iter().filter(|it| *it != place && stays(it)).collect();
            let mut behind = vec![place];
            behind.extend(&after);
            let (waiters, needed) = before.add(behind, wanted.waiters.into_iter().filter(stays).collect());
            if webhooks::is_configuration(item) {
                let first = needed.into_iter().filter(|first| before.put(*first, place)).collect::<Vec<_>>();
                edges.extend(first.into_iter().map(|from| OrderEdge { from, to: place, kind: EdgeKind::AfterApplied }));
            }
            if waiters.is_empty() && !wanted.stands_alone {
                continue;
            }
            let locator = Locator::Object(item.locator.clone());
            let gate = Gate { locator, probe: wanted.probe, timeout: wanted.timeout, why: wanted.why };
            gates.push(OrderGate { on: place, name: wanted.name, gate, after, waiters });
        }
    }
    gates
}

type Maker = fn(&Index<'_>, &Item<'_>) -> Option<Wanted>;

/// A gate before it is known who waits for it.
struct Wanted {
    name: &'static str,
    probe: Probe,
    timeout: u64,
    why: String,
    after: Vec<usize>,
    waiters: BTreeSet<usize>,
    /// Whether it is a gate even when no object waits for it.
    stands_alone: bool,
}

fn established(index: &Index<'_>, item: &Item<'_>) -> Option<Wanted> {
    let (group, kind) = is_crd(item.body).then(|| crd_names(item.body))?;
    let waiters: BTreeSet<usize> = index.of_kind(group, kind).iter().copied().collect();
    let versions: BTreeSet<String> =
        waiters.iter().filter_map(|it| index.item(*it)).map(|it| it.locator.version.clone()).collect();
    Some(Wanted {
        name: "established",
        probe: Probe::Established { versions: versions.into_iter().collect() },
        timeout: ESTABLISHED,
        why: format!("objects of kind `{kind}` can be made once the API server serves it"),
        after: Vec::new(),
        waiters,
        stands_alone: false,
    })
}

fn available(index: &Index<'_>, item: &Item<'_>) -> Option<Wanted> {
    at(item.body, &["spec", "service"])
        .filter(|it| it.is_object() && item.is("apiregistration.k8s.io", "APIService"))?;
    let (group, version) = (text(item.body, &["spec", "group"]), text(item.body, &["spec", "version"]));
    let waiters = index.by_group.get(group).into_iter().flatten().copied();
    Some(Wanted {
        name: "available",
        probe: Probe::Ready,
        timeout: AVAILABLE,
        why: format!("`{group}/{version}` is served by an aggregated API"),
        after: webhooks::serving_api(index, item.body),
        waiters: waiters.filter(|it| index.item(*it).is_some_and(|it| it.locator.version == version)).collect(),
        stands_alone: false,
    })
}

fn webhook(index: &Index<'_>, item: &Item<'_>) -> Option<Wanted> {
    if !webhooks::is_configuration(item) {
        return None;
    }
    let awaited: Vec<&Json> =
        list(item.body, &["webhooks"]).iter().filter(|webhook| webhooks::is_awaited(item, webhook)).collect();
    let mut after = BTreeSet::new();
    let mut waiters = BTreeSet::new();
    for webhook in &awaited {
        after.extend(webhooks::serving(index, webhook));
        let intercepted = webhooks::intercepted(index, webhook);
        // It is tried on one of them, or on another of their kind.
        after.extend(intercepted.iter().filter_map(|place| index.definition_of(*place)));
        waiters.extend(intercepted);
        // Who serves it begins by reading these.
        after.extend(webhooks::settings(index, webhook));
    }
    let served_by: Vec<usize> = after.iter().copied().collect();
    after.extend(webhooks::supporting(index, item, &served_by));
    // All of a configuration are proven at once, unless only one of several is waited for.
    let only = match awaited.as_slice() {
        [one] if list(item.body, &["webhooks"]).len() > 1 => Some(text(one, &["name"]).to_owned()),
        _ => None,
    };
    Some(Wanted {
        name: "webhook",
        probe: Probe::WebhookAnswers { webhook: only },
        timeout: WEBHOOK,
        why: format!("what `{}` intercepts is refused, or left without it, until it answers", item.locator.name),
        after: after.into_iter().collect(),
        waiters,
        stands_alone: false,
    })
}

fn allocatable(index: &Index<'_>, item: &Item<'_>) -> Option<Wanted> {
    let resource = devices::plugin_resource(item.body)?;
    let asks =
        |place: &usize| index.item(*place).and_then(|it| it.template).is_some_and(|it| pods::asks_for(it, resource));
    Some(Wanted {
        name: "allocatable",
        probe: Probe::Allocatable { resource: resource.to_owned(), pools: devices::pools(item.body) },
        timeout: ALLOCATABLE,
        why: format!("pods that ask for `{resource}` can be placed once the nodes offer it"),
        after: Vec::new(),
        waiters: index.workloads().filter(asks).collect(),
        stands_alone: true,
    })
}
