//! The groups that steps are shown under: a resource, or one application of it.

use std::collections::BTreeMap;

use kfplan_plan::Group;

use crate::inventory::{Fate, Inventory};

/// Groups, and the group of each node.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) groups: Vec<Group>,
    /// By node.
    pub(crate) of_node: Vec<u32>,
    /// The first group of each resource, by its number.
    pub(crate) of_owner: BTreeMap<u32, u32>,
}

impl<'a> Inventory<'a> {
    /// Groups in order of first appearance in the stack file, then those that are only recorded, by address.
    pub(crate) fn groups(&self) -> Groups {
        let mut owners: Vec<u32> = (0..self.owners.len() as u32).collect();
        let key = |owner: u32| {
            let owner = &self.owners[owner as usize];
            let stated = owner.stated.or_else(|| self.input.stack?.resources.get(&owner.address));
            (stated.is_none(), stated.map(|stated| stated.at).unwrap_or_default(), &owner.address)
        };
        owners.sort_by(|&one, &other| key(one).cmp(&key(other)));
        let mut groups = Groups { of_node: vec![0; self.nodes.len()], ..Groups::default() };
        for owner in owners {
            self.group_owner(owner, &mut groups);
        }
        groups
    }

    fn group_owner(&self, owner: u32, groups: &mut Groups) {
        let entry = &self.owners[owner as usize];
        let mut nodes: Vec<u32> =
            entry.nodes.iter().copied().filter(|&node| !self.nodes[node as usize].is_merged).collect();
        nodes.sort_by_key(|&node| (self.nodes[node as usize].rank, node));
        let mut known: BTreeMap<Option<&str>, u32> = BTreeMap::new();
        for number in nodes {
            let application = self.application(number);
            let group = *known.entry(application).or_insert_with(|| {
                groups.groups.push(Group {
                    resource: entry.address.clone(),
                    application: application.map(str::to_owned),
                    unchanged: 0,
                });
                groups.groups.len() as u32 - 1
            });
            groups.of_owner.entry(owner).or_insert(group);
            groups.of_node[number as usize] = group;
            if matches!(self.nodes[number as usize].fate, Fate::Same | Fate::Read) {
                groups.groups[group as usize].unchanged += 1;
            }
        }
    }

    /// The application that a node belongs to.
    pub(crate) fn application(&self, number: u32) -> Option<&str> {
        let node = &self.nodes[number as usize];
        match (&node.draft, node.recorded) {
            (Some(draft), _) => draft.application.as_deref(),
            (None, Some(recorded)) => recorded.record.application.as_deref(),
            (None, None) => None,
        }
    }
}
