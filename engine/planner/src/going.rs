//! Decides what becomes of things that are recorded and not wanted: what is
//! deleted, what goes with its container, what is forgotten, and what stays.

use std::collections::{BTreeMap, BTreeSet};

use kfplan_model::ResourceAddress;
use kfplan_plan::{Action, Container, Drift, Live, Locator, Protection, RecordState, Severity};

use crate::cluster::Standing;
use crate::decide::gone;
use crate::input::Question;
use crate::inventory::{Fate, Inventory, Seen};
use crate::kept::{Holds, Losses, holder_of, is_there};

/// The definitions among the nodes, by cluster, group, and kind.
pub(crate) type Definitions = BTreeMap<(ResourceAddress, String, String), u32>;

/// How deep containers are followed: a guard against rings, which only a broken state can hold.
const DEPTH: usize = 16;

/// What was decided about what goes.
#[derive(Debug, Default)]
pub(crate) struct Departure {
    /// What stays, and why.
    pub(crate) kept: BTreeMap<u32, Holds>,
    /// For each node that is deleted or replaced: recorded nodes that go with it.
    pub(crate) contents: BTreeMap<u32, Vec<u32>>,
    /// For each node that is deleted or replaced: what else would be lost, in words.
    pub(crate) losses: BTreeMap<u32, String>,
}

impl<'a> Inventory<'a> {
    /// What an interrupted replacement of something unwanted left behind is a thing of its own.
    fn enter_leftovers(&mut self) {
        for number in 0..self.nodes.len() {
            let node = &self.nodes[number];
            if node.draft.is_some() || node.is_merged {
                continue;
            }
            let Some(place) = node.other_place().cloned() else { continue };
            let (address, recorded) = (node.address.gate("replaced"), node.recorded);
            if self.at_place(&place).is_some() || self.find(&address).is_some() {
                continue;
            }
            let leftover = self.node(address);
            let node = &mut self.nodes[leftover as usize];
            node.recorded = recorded;
            node.place = Some(Box::new(place));
        }
    }

    /// Looks at everything that is recorded and not wanted.
    pub(crate) fn look_at_unwanted(&mut self) {
        self.enter_leftovers();
        // A cluster is looked at before its contents: whether they can be looked at depends on it.
        for objects in [false, true] {
            for number in 0..self.nodes.len() as u32 {
                let node = &self.nodes[number as usize];
                let is_object = node.object().is_some();
                if node.draft.is_none() && !node.is_merged && is_object == objects {
                    self.look(number);
                }
            }
        }
    }

    /// Whether everything that is not wanted was looked at.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.nodes.iter().all(|node| node.is_merged || !matches!(node.seen, Seen::Pending))
    }

    /// Finds the container of every node, by what is said or else by where it is.
    pub(crate) fn enter_containers(&mut self) {
        for number in 0..self.nodes.len() as u32 {
            let container = self.container_of(number).filter(|&container| container != number);
            self.nodes[number as usize].container = container;
        }
    }

    fn container_of(&self, number: u32) -> Option<u32> {
        let node = &self.nodes[number as usize];
        let said = match (&node.draft, node.recorded) {
            (Some(draft), _) => draft.container.as_ref(),
            (None, Some(recorded)) => recorded.record.container.as_ref(),
            (None, None) => None,
        };
        said.and_then(|said| self.find(&self.today(said))).or_else(|| {
            let object = node.object()?;
            self.namespace_of(object).or_else(|| self.main(&object.cluster))
        })
    }

    /// Things whose namespace turned out to be replaced are made anew with it.
    pub(crate) fn renew_contents(&mut self) {
        for number in 0..self.nodes.len() {
            let node = &self.nodes[number];
            let Some(container) = node.container.filter(|_| node.is_wanted() && !node.anything && !node.is_part) else {
                continue;
            };
            if self.nodes[container as usize].fate == Fate::Change(Action::Replace) {
                let why = format!("`{}` comes with this plan", self.nodes[container as usize].address);
                let node = &mut self.nodes[number];
                node.fate = Fate::Change(Action::Create);
                node.anything = true;
                node.offline = Some(why);
            }
        }
    }

    /// Decides about everything that is recorded and not wanted; `None` while an answer is missing.
    pub(crate) fn depart(&mut self, definitions: &Definitions) -> Option<Departure> {
        let mut candidates = Vec::new();
        let mut unknown = Vec::new();
        for number in 0..self.nodes.len() as u32 {
            let node = &self.nodes[number as usize];
            if node.draft.is_some() || node.is_merged {
                continue;
            }
            match self.unwanted(number) {
                Unwanted::Candidate => candidates.push(number),
                Unwanted::Forget(reason, drift) => {
                    let node = &mut self.nodes[number as usize];
                    node.fate = Fate::Change(Action::Forget);
                    node.reasons.push(reason);
                    self.drift.extend(drift.map(|drift| *drift));
                }
                Unwanted::Implied => candidates.push(number),
                Unwanted::Nothing => self.nodes[number as usize].is_merged = true,
                Unwanted::Unknown { why, left_out } => unknown.push((number, why, left_out)),
            }
        }
        let mut departure = self.settle_candidates(&candidates, definitions)?;
        for (number, why, left_out) in unknown {
            match self.root(number) {
                Some(root) => {
                    self.nodes[number as usize].fate = Fate::Implied;
                    departure.contents.entry(root).or_default().push(number);
                }
                None => self.cannot_tell(number, &why, left_out),
            }
        }
        self.tell_contents(&mut departure).then_some(departure)
    }

    fn cannot_tell(&mut self, number: u32, why: &str, left_out: bool) {
        self.nodes[number as usize].fate = Fate::Undecided;
        if left_out {
            self.say(Severity::Warning, "plan::left_out", number, format!("not observed, and left out: {why}"), None);
        } else {
            let help = "make it possible to look at it, or leave it out with `--exclude`";
            let message = format!("it could not be looked at: {why}");
            self.say(Severity::Blocks, "plan::not_observed", number, message, Some(help));
        }
    }

    fn unwanted(&self, number: u32) -> Unwanted {
        let node = &self.nodes[number as usize];
        let Some(recorded) = node.recorded else {
            return Unwanted::Implied;
        };
        if node.place.is_some() {
            return match &node.seen {
                Seen::Live(live) if self.input.kinds.rules(node.locator()).is_ours(live, self.input.ownership) => {
                    Unwanted::Candidate
                }
                Seen::Unknown(why) => Unwanted::Unknown { why: why.clone(), left_out: false },
                Seen::LeftOut(why) => Unwanted::Unknown { why: why.clone(), left_out: true },
                Seen::Live(_) | Seen::Absent | Seen::NotServed | Seen::ToCome(_) | Seen::Pending => Unwanted::Nothing,
            };
        }
        if let Some(taker) = node.taken_by {
            let taker = &self.nodes[taker as usize].address;
            return Unwanted::Forget(format!("`{taker}` takes its place"), None);
        }
        if self.is_removed(node.address.resource()) {
            return Unwanted::Forget("`[[removed]]` says to forget it".to_owned(), None);
        }
        if self.is_of_another_cluster(node, recorded) {
            return Unwanted::Forget("it went with its cluster, which is another one now".to_owned(), None);
        }
        match &node.seen {
            Seen::Unknown(why) => Unwanted::Unknown { why: why.clone(), left_out: false },
            Seen::LeftOut(why) => Unwanted::Unknown { why: why.clone(), left_out: true },
            Seen::Absent | Seen::NotServed | Seen::Pending => {
                let is_settled = recorded.record.state == RecordState::Settled;
                Unwanted::Forget("it is gone already".to_owned(), is_settled.then(|| Box::new(gone(node))))
            }
            Seen::ToCome(_) => match self.root_or_replaced(number) {
                true => Unwanted::Implied,
                false => Unwanted::Forget("it went with what it was in".to_owned(), None),
            },
            Seen::Live(live) => self.unwanted_live(number, live),
        }
    }

    fn unwanted_live(&self, number: u32, live: &Live) -> Unwanted {
        let node = &self.nodes[number as usize];
        let is_ours = self.input.kinds.rules(node.locator()).is_ours(live, self.input.ownership);
        let uid = node.recorded.and_then(|recorded| recorded.record.uid.as_ref());
        let is_settled = node.recorded.is_some_and(|recorded| recorded.record.state == RecordState::Settled);
        // What a settled record without uid names is believed; in doubt, only marks or the same uid tell.
        let is_same = if uid.is_some() { uid == live.uid.as_ref() } else { is_settled };
        let is_as_sent = || node.recorded.is_some_and(|recorded| self.is_as_sent(node, recorded, live));
        if is_ours || is_same || node.is_part || is_as_sent() {
            Unwanted::Candidate
        } else {
            Unwanted::Forget("what is there now was made by somebody else; it is left alone".to_owned(), None)
        }
    }

    /// Whether something that contains it is replaced.
    fn root_or_replaced(&self, number: u32) -> bool {
        self.chain(number).any(|at| self.nodes[at as usize].fate == Fate::Change(Action::Replace))
    }

    /// What contains a node, from the inside out.
    pub(crate) fn chain(&self, number: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(self.nodes[number as usize].container, |&at| self.nodes[at as usize].container)
            .take(DEPTH)
    }

    /// The step that takes a node along: the outermost container that is deleted or replaced.
    pub(crate) fn root(&self, number: u32) -> Option<u32> {
        self.chain(number)
            .filter(|&at| {
                let fate = self.nodes[at as usize].fate;
                fate.is_delete() || fate == Fate::Change(Action::Replace)
            })
            .last()
    }

    fn settle_candidates(&mut self, candidates: &[u32], definitions: &Definitions) -> Option<Departure> {
        let mut kept: BTreeMap<u32, Holds> = BTreeMap::new();
        for &number in candidates {
            if let Some(holds) = self.holds(number) {
                kept.insert(number, holds);
            }
        }
        let clusters = self.clusters();
        loop {
            self.assign(candidates, &mut kept, definitions);
            let (held, complete) = self.survey(candidates, &kept, &clusters);
            if !complete {
                return None;
            }
            if held.is_empty() {
                break;
            }
            kept.extend(held);
        }
        let mut departure = Departure::default();
        for &number in candidates {
            if self.nodes[number as usize].fate == Fate::Implied
                && let Some(root) = self.root(number)
            {
                departure.contents.entry(root).or_default().push(number);
            }
        }
        kept.retain(|number, _| self.nodes[*number as usize].fate == Fate::Kept);
        departure.kept = kept;
        Some(departure)
    }

    /// Gives every candidate its fate: kept, deleted, or gone with its container.
    fn assign(&mut self, candidates: &[u32], kept: &mut BTreeMap<u32, Holds>, definitions: &Definitions) {
        let inside: BTreeSet<u32> = candidates.iter().copied().collect();
        let firm: Vec<u32> =
            kept.iter().filter(|(_, holds)| holds.protection != Protection::Adopted).map(|(&at, _)| at).collect();
        for number in firm {
            let address = self.nodes[number as usize].address.clone();
            let definition = self.definition_of(number, definitions);
            let holders: Vec<u32> = self.chain(number).chain(definition).collect();
            for holder in holders {
                if inside.contains(&holder) {
                    kept.entry(holder).or_insert_with(|| holder_of(&address));
                }
            }
        }
        for &number in candidates {
            self.nodes[number as usize].fate =
                if kept.contains_key(&number) { Fate::Kept } else { Fate::Change(Action::Delete) };
        }
        for &number in candidates {
            let Some(root) = self.root(number) else { continue };
            let is_firm = kept.get(&number).is_some_and(|holds| holds.protection != Protection::Adopted);
            // A custom resource goes before its controller does, so that its finalizers are still served.
            let in_namespace = self.nodes[root as usize].object().is_some();
            let goes_first = in_namespace && self.definition_of(number, definitions).is_some();
            if !is_firm && !goes_first {
                self.nodes[number as usize].fate = Fate::Implied;
            }
        }
    }

    pub(crate) fn definition_of(&self, number: u32, definitions: &Definitions) -> Option<u32> {
        let object = self.nodes[number as usize].object()?;
        definitions.get(&(object.cluster.clone(), object.group.clone(), object.kind.clone())).copied()
    }

    /// Asks what the containers that go hold; gives those that hold what may not go, and whether all was answered.
    fn survey(
        &mut self,
        candidates: &[u32],
        kept: &BTreeMap<u32, Holds>,
        clusters: &[ResourceAddress],
    ) -> (BTreeMap<u32, Holds>, bool) {
        let mut held = BTreeMap::new();
        let mut complete = true;
        for &number in candidates {
            let Some(container) = self.as_container(number, clusters) else { continue };
            // What is in a cluster is asked of the cluster, what is in the cloud of each container.
            let is_outer = matches!(container, Container::Cluster(_) | Container::Group(_));
            let fate = self.nodes[number as usize].fate;
            if kept.contains_key(&number) || !(fate.is_delete() || (fate == Fate::Implied && is_outer)) {
                continue;
            }
            match self.surveyed(number, &container) {
                None => complete = false,
                Some(losses) if losses.is_empty() || self.is_lifted(Protection::UserData, number) => {}
                Some(losses) => {
                    let lift = self.lift(Protection::UserData, number);
                    let why = format!("would also delete {}", losses.words());
                    held.insert(number, Holds { protection: Protection::UserData, why, lift });
                }
            }
        }
        (held, complete)
    }

    /// What would be lost with a container; `None` while it was not answered.
    fn surveyed(&mut self, number: u32, container: &Container) -> Option<Losses> {
        let cluster = match container {
            Container::Group(_) => None,
            Container::Cluster(cluster) => Some(cluster),
            Container::Namespace(object) | Container::Definition(object) => Some(&object.cluster),
        };
        if !is_there(&self.nodes[number as usize]) {
            return Some(Losses::default());
        }
        if let Some(cluster) = cluster
            && !matches!(self.standing(cluster)?, Standing::There(_))
        {
            return Some(Losses::default());
        }
        let answers = self.input.answers;
        match answers.surveys.get(container) {
            None => {
                self.ask(Question::Survey(container.clone()));
                None
            }
            Some(Ok(found)) => Some(self.losses(container, found)),
            Some(Err(trouble)) => {
                let message = format!("what it holds could not be looked at: {}", trouble.message);
                let severity =
                    if self.is_lifted(Protection::UserData, number) { Severity::Warning } else { Severity::Blocks };
                self.say(severity, "plan::not_surveyed", number, message, Some(&trouble.help));
                Some(Losses::default())
            }
        }
    }

    /// Every cluster that has objects.
    pub(crate) fn clusters(&self) -> Vec<ResourceAddress> {
        let clusters: BTreeSet<&ResourceAddress> =
            self.nodes.iter().filter_map(|node| Some(&node.object()?.cluster)).collect();
        clusters.into_iter().cloned().collect()
    }

    /// Contents and losses of everything that is deleted or replaced; `false` while an answer is missing.
    fn tell_contents(&mut self, departure: &mut Departure) -> bool {
        for number in 0..self.nodes.len() as u32 {
            let node = &self.nodes[number as usize];
            if node.recorded.is_none() || node.draft.is_none() {
                continue;
            }
            let Some(root) = self.root(number) else { continue };
            departure.contents.entry(root).or_default().push(number);
            if self.nodes[root as usize].fate.is_delete() && self.nodes[number as usize].is_wanted() {
                let message =
                    format!("it is wanted, and `{}`, which holds it, is deleted", self.nodes[root as usize].address);
                self.say(Severity::Blocks, "plan::container_goes", number, message, Some("declare what holds it, too"));
            }
        }
        let clusters = self.clusters();
        let mut complete = true;
        for number in 0..self.nodes.len() as u32 {
            let node = &self.nodes[number as usize];
            if node.fate != Fate::Change(Action::Replace) && !node.fate.is_delete() {
                continue;
            }
            let mut losses = Losses::default();
            let inside = departure.contents.get(&number).cloned().unwrap_or_default();
            for at in inside.iter().copied().chain([number]) {
                let container = self.as_container(at, &clusters);
                let is_outer = matches!(container, Some(Container::Cluster(_) | Container::Group(_)));
                if let Some(container) = container.filter(|_| is_outer || at == number) {
                    match self.surveyed(at, &container) {
                        Some(found) => losses.merge(found),
                        None => complete = false,
                    }
                }
            }
            for content in inside {
                let (protection, detail) = self.protection(content);
                if protection == Protection::UserData && !self.nodes[content as usize].is_definition() {
                    losses.add(self.nodes[content as usize].locator(), detail);
                }
            }
            if !losses.is_empty() {
                departure.losses.insert(number, losses.words());
            }
        }
        for contents in departure.contents.values_mut() {
            contents.sort_unstable();
            contents.dedup();
        }
        complete
    }

    /// Stops the plan where something protected would be replaced without being confirmed.
    pub(crate) fn guard_replacements(&mut self, departure: &Departure) {
        for number in 0..self.nodes.len() as u32 {
            if self.nodes[number as usize].fate != Fate::Change(Action::Replace) {
                continue;
            }
            let holds = self.holds(number).or_else(|| {
                let losses = departure.losses.get(&number)?;
                (!self.is_lifted(Protection::UserData, number)).then(|| Holds {
                    protection: Protection::UserData,
                    why: format!("would also delete {losses}"),
                    lift: self.lift(Protection::UserData, number),
                })
            });
            if let Some(Holds { why, lift, .. }) = holds {
                let message = format!("it would be replaced, and {why}");
                let help = lift.map(|lift| format!("`{lift}` lets it go"));
                self.say(Severity::Blocks, "plan::protected", number, message, help.as_deref());
            }
        }
    }

    /// The definitions among the nodes.
    pub(crate) fn definitions(&self) -> Definitions {
        let mut definitions = Definitions::new();
        for (number, node) in (0_u32..).zip(&self.nodes) {
            if !node.is_definition() || node.is_merged {
                continue;
            }
            let Locator::Object(object) = node.locator() else { continue };
            let text = |pointer: &str| self.body(number).pointer(pointer).and_then(|value| value.as_str());
            if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
                definitions.insert((object.cluster.clone(), group.to_owned(), kind.to_owned()), number);
            }
        }
        definitions
    }
}

/// What becomes of a recorded thing that nobody wants, before protection.
enum Unwanted {
    /// It is deleted, if nothing protects it.
    Candidate,
    /// It is in something that is replaced.
    Implied,
    /// It was never there, or is not ours.
    Nothing,
    /// Only its record goes.
    Forget(String, Option<Box<Drift>>),
    /// Nobody can tell.
    Unknown {
        /// Why.
        why: String,
        /// Whether the person said to leave such things out.
        left_out: bool,
    },
}
