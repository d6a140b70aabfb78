//! Enters what state remembers: bindings, `[[moved]]`, `[[removed]]`.

use std::collections::BTreeMap;

use kfplan_model::{Address, ResourceAddress};
use kfplan_plan::{Locator, RecordState};

use crate::error::PlanError;
use crate::inventory::Inventory;

impl Inventory<'_> {
    /// Refuses another tenant or subscription than state is bound to.
    pub(crate) fn check_bindings(&mut self) {
        let found = [("tenant", self.input.tenant), ("subscription", self.input.subscription)];
        for (what, found) in found {
            if let (Some(found), Some(bound)) = (found, self.input.state.bindings.get(what))
                && !found.eq_ignore_ascii_case(bound)
            {
                self.errors.push(PlanError::OtherIdentity {
                    what: what.to_owned(),
                    bound: bound.clone(),
                    found: found.to_owned(),
                });
            }
        }
    }

    /// Enters every record under the address that it has today.
    pub(crate) fn enter_records(&mut self) {
        let moves = self.moves();
        let records = self.input.records;
        self.moves.clone_from(&moves);
        for (address, recorded) in records {
            let today = match moves.get(address.resource()) {
                Some(to) => moved(address, to),
                None => address.clone(),
            };
            let is_moved = today != *address;
            if let Locator::Object(object) = &recorded.record.locator
                && !self.recorded_clusters.contains(&object.cluster)
            {
                self.recorded_clusters.insert(object.cluster.clone());
            }
            // Without moves, no two records have the same address.
            let number = if moves.is_empty() { self.add_node(today) } else { self.node(today) };
            let node = &mut self.nodes[number as usize];
            node.recorded = Some(recorded);
            node.adopted = recorded.record.adopted;
            node.stays = recorded.record.state == RecordState::Settled;
            if is_moved {
                node.moved_from = Some(address);
            }
            node.is_part = self.input.kinds.rules(&recorded.record.locator).release(recorded).is_some();
            if !node.is_part {
                self.occupy(number);
            }
        }
    }

    /// The resources that `[[moved]]` gives another address, of those that have records.
    fn moves(&mut self) -> BTreeMap<ResourceAddress, ResourceAddress> {
        let mut moves = BTreeMap::new();
        let Some(stack) = self.input.stack.filter(|stack| !stack.moved.is_empty()) else {
            return moves;
        };
        let mut recorded: Vec<&ResourceAddress> = self.input.records.keys().map(Address::resource).collect();
        recorded.dedup();
        for from in &recorded {
            // Several moves can follow each other; each is tried once, in file order.
            let mut today = (*from).clone();
            for step in &stack.moved {
                if today == step.from {
                    today = step.to.clone();
                } else if step.from.key().is_none() && step.to.key().is_none() && today.without_key() == step.from {
                    today = today.key().map_or_else(|| step.to.clone(), |key| step.to.with_key(key));
                }
            }
            if today != **from {
                if recorded.binary_search(&&today).is_ok() || moves.values().any(|other| *other == today) {
                    self.errors.push(PlanError::MovedOntoRecord { from: (*from).clone(), to: today.clone() });
                }
                moves.insert((*from).clone(), today);
            }
        }
        moves
    }

    /// The address that something has today.
    pub(crate) fn today(&self, address: &Address) -> Address {
        self.moves.get(address.resource()).map_or_else(|| address.clone(), |to| moved(address, to))
    }

    /// Whether `[[removed]]` says to forget this resource.
    pub(crate) fn is_removed(&self, resource: &ResourceAddress) -> bool {
        self.input.stack.is_some_and(|stack| {
            stack.removed.iter().any(|removed| {
                removed.from == *resource || (removed.from.key().is_none() && removed.from == resource.without_key())
            })
        })
    }

    /// Whether the outcome of the last call for a node is not known.
    pub(crate) fn is_in_doubt(&self, node: u32) -> bool {
        self.nodes[node as usize]
            .recorded
            .is_some_and(|recorded| matches!(recorded.record.state, RecordState::InDoubt(_)))
    }
}

/// The same node inside another resource.
fn moved(address: &Address, to: &ResourceAddress) -> Address {
    let today = match address.object_id() {
        Some(object) => Address::object(to.clone(), object.clone()),
        None => Address::from(to.clone()),
    };
    match address.gate_name() {
        Some(gate) => today.gate(gate),
        None => today,
    }
}
