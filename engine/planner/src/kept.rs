//! What may not go: protection, what lifts it, and what would be lost.

use std::collections::BTreeMap;

use kfplan_model::{Address, ResourceAddress};
use kfplan_plan::{ArmLocator, Container, Live, Locator, Mode, Protection};
use serde_json::Value as Json;

use crate::inventory::{Inventory, Node, Seen};
use crate::pattern::Pattern;

/// Why something stays.
#[derive(Debug, Clone)]
pub(crate) struct Holds {
    pub(crate) protection: Protection,
    pub(crate) why: String,
    pub(crate) lift: Option<String>,
}

/// Counts of what would be lost, by kind, with what is known of each.
#[derive(Debug, Default)]
pub(crate) struct Losses(BTreeMap<String, (usize, Vec<String>)>);

impl Losses {
    pub(crate) fn add(&mut self, locator: &Locator, detail: Option<String>) {
        let (count, details) = self.0.entry(kind_of(locator)).or_default();
        *count += 1;
        details.extend(detail.filter(|detail| !details.contains(detail)));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, (count, details)) in other.0 {
            let (total, known) = self.0.entry(kind).or_default();
            *total += count;
            known.extend(details);
            known.sort();
            known.dedup();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Such as `14 Notebooks, 3 PersistentVolumeClaims (60 Gi)`.
    pub(crate) fn words(&self) -> String {
        let kinds = self.0.iter().map(|(kind, (count, details))| {
            let plural = if *count == 1 { "" } else { "s" };
            match details.as_slice() {
                [] => format!("{count} {kind}{plural}"),
                [one] => format!("{count} {kind}{plural} ({one})"),
                [one, two] => format!("{count} {kind}{plural} ({one}; {two})"),
                [one, two, more @ ..] => format!("{count} {kind}{plural} ({one}; {two}; and {} more)", more.len()),
            }
        });
        kinds.collect::<Vec<_>>().join(", ")
    }
}

/// The kind of what is at a place, for people.
fn kind_of(locator: &Locator) -> String {
    match locator {
        Locator::Object(object) => object.kind.clone(),
        Locator::Arm(arm) => {
            let mut parts = arm.id.rsplit('/').skip(1).step_by(2);
            parts.next().unwrap_or("resource").to_owned()
        }
    }
}

impl Inventory<'_> {
    /// What protects a node from a delete that was not asked for by name, and is not lifted.
    pub(crate) fn holds(&self, number: u32) -> Option<Holds> {
        let node = &self.nodes[number as usize];
        // What a replacement left behind was confirmed when that began.
        if node.is_part || node.place.is_some() {
            return None;
        }
        let (protection, lost) = self.protection(number);
        if protection == Protection::None || self.is_lifted(protection, number) {
            return None;
        }
        let why = match protection {
            Protection::None => String::new(),
            Protection::Container => "it is protected: all that it holds would go with it".to_owned(),
            Protection::UserData if node.is_definition() && lost.is_none() => {
                "it is a definition: all objects of its kind would go with it".to_owned()
            }
            Protection::UserData => match lost {
                Some(lost) => format!("it holds user data: {lost}"),
                None => "it holds user data".to_owned(),
            },
            Protection::Adopted => "it was there before kfplan took it over".to_owned(),
            Protection::Explicit => "`lifecycle.prevent_destroy` is set".to_owned(),
        };
        Some(Holds { protection, why, lift: self.lift(protection, number) })
    }

    /// Everything that protects a node: what state and stack say, what it is, and what is in it.
    pub(crate) fn protection(&self, number: u32) -> (Protection, Option<String>) {
        let node = &self.nodes[number as usize];
        let stated = self.input.stack.and_then(|stack| stack.resources.get(node.address.resource()));
        let prevent = stated.and_then(|stated| stated.lifecycle.prevent_destroy);
        if prevent == Some(true) {
            return (Protection::Explicit, None);
        }
        let recorded = node.recorded.map_or(Protection::None, |recorded| recorded.record.protection);
        if prevent == Some(false) {
            return (Protection::None, None);
        }
        let body = match (&node.seen, node.recorded) {
            (Seen::Live(live), _) => &live.body,
            (_, Some(recorded)) => recorded.sent.as_ref().map_or(&Json::Null, |sent| sent.body()),
            _ => &Json::Null,
        };
        let place = node.recorded.map_or_else(|| node.locator(), |recorded| &recorded.record.locator);
        let (found, lost) = self.input.kinds.rules(place).protection(body, place, node.adopted);
        let dropped = node.is_definition() && self.input.mode == Mode::Apply && !node.is_wanted();
        let dropped = if dropped { Protection::UserData } else { Protection::None };
        (recorded.max(node.protection).max(found).max(dropped), lost)
    }

    /// Whether the person said that this may go.
    pub(crate) fn is_lifted(&self, protection: Protection, number: u32) -> bool {
        let options = self.input.options;
        let destroy = self.input.mode == Mode::Destroy;
        match protection {
            Protection::None => true,
            Protection::Explicit => false,
            Protection::Container => (destroy && options.lift_containers) || self.is_confirmed(number),
            Protection::UserData => (destroy && options.delete_data) || self.is_confirmed(number),
            Protection::Adopted => self.is_confirmed(number),
        }
    }

    /// Whether `--confirm-replace` names it: by its address, or by the name that it has where it is.
    pub(crate) fn is_confirmed(&self, number: u32) -> bool {
        let node = &self.nodes[number as usize];
        self.input.options.confirm_replace.iter().any(|name| {
            self.has_own_name(number, name)
                || match Pattern::read(name) {
                    Pattern::Whole(whole) => whole == node.address,
                    short @ Pattern::Short(_) => name.contains('/') && short.names(&node.address),
                }
        })
    }

    /// Whether a resource has this name where it is.
    pub(crate) fn has_own_name(&self, number: u32, name: &str) -> bool {
        let node = &self.nodes[number as usize];
        node.address.object_id().is_none() && !node.is_merged && name == own_name(node.locator())
    }

    /// What to type to let it go.
    pub(crate) fn lift(&self, protection: Protection, number: u32) -> Option<String> {
        let destroy = self.input.mode == Mode::Destroy;
        let confirm = || Some(format!("--confirm-replace '{}'", self.nodes[number as usize].address));
        match protection {
            Protection::None => None,
            Protection::Container if destroy => Some(format!("--confirm {}", self.input.ownership.stack)),
            Protection::UserData if destroy => Some("--delete-data".to_owned()),
            Protection::Container | Protection::UserData | Protection::Adopted => confirm(),
            Protection::Explicit => Some("lifecycle.prevent_destroy = false".to_owned()),
        }
    }

    /// What a node is as a container whose contents can be asked for.
    pub(crate) fn as_container(&self, number: u32, clusters: &[ResourceAddress]) -> Option<Container> {
        let node = &self.nodes[number as usize];
        // What is only part of somebody else's thing is let go of: the thing and all in it stay.
        let rules = self.input.kinds.rules(node.locator());
        if node.is_part || node.recorded.is_some_and(|recorded| rules.release(recorded).is_some()) {
            return None;
        }
        match node.locator() {
            Locator::Object(object) if object.group.is_empty() && object.kind == "Namespace" => {
                Some(Container::Namespace(object.clone()))
            }
            Locator::Object(object) if node.is_definition() => Some(Container::Definition(object.clone())),
            Locator::Object(_) => None,
            Locator::Arm(arm) if is_group(arm) => Some(Container::Group(arm.clone())),
            Locator::Arm(_) => {
                let resource = node.address.resource();
                let is_cluster = resource.type_name() == "aks_cluster" || clusters.binary_search(resource).is_ok();
                is_cluster.then(|| Container::Cluster(resource.clone()))
            }
        }
    }

    /// What of a survey is neither recorded nor nothing: user data, and what somebody else made.
    pub(crate) fn losses(&self, container: &Container, found: &[(Locator, Live)]) -> Losses {
        let mut losses = Losses::default();
        for (locator, live) in found {
            let is_recorded = self.at_place(locator).is_some_and(|node| self.nodes[node as usize].recorded.is_some());
            if is_recorded {
                continue;
            }
            let rules = self.input.kinds.rules(locator);
            let (protection, detail) = rules.protection(&live.body, locator, false);
            let is_foreign = !matches!(container, Container::Cluster(_)) && !rules.is_ours(live, self.input.ownership);
            if protection >= Protection::UserData || is_foreign {
                losses.add(locator, detail);
            }
        }
        losses
    }
}

/// Whether an ARM id is that of a resource group.
fn is_group(arm: &ArmLocator) -> bool {
    let parts: Vec<&str> = arm.id.split('/').collect();
    matches!(parts.as_slice(), ["", _, _, groups, _] if groups.eq_ignore_ascii_case("resourceGroups"))
}

/// The name that a thing has where it is.
fn own_name(locator: &Locator) -> &str {
    match locator {
        Locator::Arm(arm) => arm.id.rsplit('/').next().unwrap_or_default(),
        Locator::Object(object) => &object.name,
    }
}

/// An address as what holds another one is named.
pub(crate) fn holder_of(address: &Address) -> Holds {
    Holds { protection: Protection::Container, why: format!("it holds `{address}`, which stays"), lift: None }
}

/// Whether a thing is there, as far as anybody knows.
pub(crate) fn is_there(node: &Node<'_>) -> bool {
    matches!(node.seen, Seen::Live(_))
}
