//! Everything that is wanted or recorded, as nodes with dense numbers.
//!
//! One plan is made in one [`Inventory`]: the phases fill it in, each after the
//! one before. Maps are for finding a number once; what is done often goes by
//! number. The maps have a fixed hash function and are never walked.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use kfplan_model::{Address, Resource, ResourceAddress, Value};
use kfplan_plan::{
    Action, Comparison, Draft, Drift, InputDigest, Kind, Live, Locator, Note, ObjectLocator, Observation, Protection,
    RecordState, Recorded, Severity,
};

use crate::cluster::Standing;
use crate::error::PlanError;
use crate::find::{Finder, hash_of};
use crate::input::{Input, Question};
use crate::questions::Questions;

/// What comparing found where nobody compared or nothing differs.
static NOTHING: LazyLock<Comparison> = LazyLock::new(Comparison::default);

/// What is known of a place.
#[derive(Debug, Clone)]
pub(crate) enum Seen<'a> {
    /// Asked, or not to be asked yet.
    Pending,
    /// Nothing is there.
    Absent,
    /// Its kind is not served.
    NotServed,
    /// This is there.
    Live(Sight<'a>),
    /// Looking failed or is not allowed: why.
    Unknown(String),
    /// Nothing can be there yet, or what is there will be gone: what it is in comes with this plan. Why.
    ToCome(String),
    /// Its cluster does not answer, and the person said to leave it out. Why.
    LeftOut(String),
}

/// A live thing: as it was answered, or as it was left the last time.
#[derive(Debug, Clone)]
pub(crate) enum Sight<'a> {
    Answered(&'a Live),
    Remembered(Arc<Live>),
}

impl std::ops::Deref for Sight<'_> {
    type Target = Live;

    fn deref(&self) -> &Live {
        match self {
            Self::Answered(live) => live,
            Self::Remembered(live) => live,
        }
    }
}

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// An answer is missing.
    Pending,
    /// It is only read.
    Read,
    /// It is as it shall be.
    Same,
    /// It changes.
    Change(Action),
    /// It goes with what contains it.
    Implied,
    /// It is wanted gone and stays.
    Kept,
    /// It cannot be told; a note says why.
    Undecided,
}

impl Fate {
    /// Whether the thing is there anew after the plan.
    pub(crate) fn is_renewing(self) -> bool {
        matches!(self, Self::Change(Action::Create | Action::Replace))
    }

    /// Whether a step deletes it and nothing takes its place.
    pub(crate) fn is_delete(self) -> bool {
        self == Self::Change(Action::Delete)
    }
}

/// One thing that is wanted, recorded, or both.
pub(crate) struct Node<'a> {
    pub(crate) address: Address,
    /// Its resource, by number.
    pub(crate) resource: u32,
    /// Where it stands in the source: wanted things first.
    pub(crate) rank: u32,
    /// What it shall be; its body is marked as ours.
    pub(crate) draft: Option<Box<Draft>>,
    /// What is remembered of it.
    pub(crate) recorded: Option<&'a Recorded>,
    /// The address that its record has, when `[[moved]]` gives it another one.
    pub(crate) moved_from: Option<&'a Address>,
    /// What is at the place where it is wanted, or, when it is not wanted, recorded.
    pub(crate) seen: Seen<'a>,
    /// What is at the recorded place, when that is another one.
    pub(crate) seen_before: Option<Box<Seen<'a>>>,
    /// What comparing found, if that is anything.
    found: Option<Box<Comparison>>,
    pub(crate) fate: Fate,
    /// What contains it, by number.
    pub(crate) container: Option<u32>,
    /// Why it is done.
    pub(crate) reasons: Vec<String>,
    /// Why the server cannot be asked about it.
    pub(crate) offline: Option<String>,
    /// Whether whatever is there may be there: its container comes with this plan.
    pub(crate) anything: bool,
    /// Whether it is, or will be, recorded as taken over.
    pub(crate) adopted: bool,
    /// What protects it from an implied delete by what state and stack say.
    pub(crate) protection: Protection,
    /// Whether another node wants what is at its place, and took its record over.
    pub(crate) is_merged: bool,
    /// Whether it is only part of somebody else's thing.
    pub(crate) is_part: bool,
    /// Whether it is settled, and where it is recorded is where it is wanted, or it is not wanted.
    pub(crate) stays: bool,
    /// The node that wants to be at its place and has a record of its own.
    pub(crate) taken_by: Option<u32>,
    /// Where it is, when that is not what its record says: what an interrupted replacement left behind.
    pub(crate) place: Option<Box<Locator>>,
}

impl<'a> Node<'a> {
    fn new(address: Address, resource: u32) -> Self {
        Self {
            address,
            resource,
            rank: u32::MAX,
            draft: None,
            recorded: None,
            moved_from: None,
            seen: Seen::Pending,
            seen_before: None,
            found: None,
            fate: Fate::Pending,
            container: None,
            reasons: Vec::new(),
            offline: None,
            anything: false,
            adopted: false,
            protection: Protection::None,
            is_merged: false,
            is_part: false,
            stays: false,
            taken_by: None,
            place: None,
        }
    }

    /// Where it is, or shall be.
    pub(crate) fn locator(&self) -> &Locator {
        match (&self.place, &self.draft, self.recorded) {
            (Some(place), _, _) => place,
            (None, Some(draft), _) => &draft.locator,
            (None, None, Some(recorded)) => &recorded.record.locator,
            (None, None, None) => unreachable!("a node is wanted or recorded"),
        }
    }

    /// The other place that it may still be at: the recorded one, or the one that an interrupted replacement was at.
    pub(crate) fn other_place(&self) -> Option<&'a Locator> {
        if self.stays || self.place.is_some() {
            return None;
        }
        let record = &self.recorded?.record;
        let recorded = Some(&record.locator);
        let intended = match &record.state {
            RecordState::InDoubt(intent) => Some(&intent.locator),
            RecordState::Settled => None,
        };
        let mut places = [recorded, intended].into_iter().flatten();
        places.find(|place| !same_place(place, self.locator()))
    }

    /// Whether the stack wants it to be as it says, rather than to read it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.draft.as_ref().is_some_and(|draft| draft.desired.is_some())
    }

    /// What is there.
    pub(crate) fn live(&self) -> Option<&Live> {
        match &self.seen {
            Seen::Live(live) => Some(live),
            _ => None,
        }
    }

    /// What comparing found.
    pub(crate) fn comparison(&self) -> &Comparison {
        self.found.as_deref().unwrap_or(&NOTHING)
    }

    /// What comparing found, to be altered.
    pub(crate) fn comparison_mut(&mut self) -> &mut Comparison {
        self.found.get_or_insert_default()
    }

    /// Keeps what comparing found, if that is anything.
    pub(crate) fn keep(&mut self, comparison: Comparison) {
        let is_plain = self.fate == Fate::Same && comparison.drift.is_empty() && comparison.yielded.is_empty();
        self.found = (!is_plain).then(|| Box::new(comparison));
    }

    /// The object locator, if it is an object.
    pub(crate) fn object(&self) -> Option<&ObjectLocator> {
        match self.locator() {
            Locator::Object(object) => Some(object),
            Locator::Arm(_) => None,
        }
    }

    /// Whether it is a CustomResourceDefinition.
    pub(crate) fn is_definition(&self) -> bool {
        self.object().is_some_and(|object| object.kind == "CustomResourceDefinition")
    }
}

/// How far a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// An answer is missing before its nodes can be told.
    Waiting,
    /// Its nodes are there; what becomes of them is not.
    Expanded,
    /// What becomes of its nodes is decided.
    Settled,
}

/// One resource that is wanted or has records.
pub(crate) struct Owner<'a> {
    pub(crate) address: ResourceAddress,
    /// What the stack says, not resolved.
    pub(crate) stated: Option<&'a Resource>,
    pub(crate) kind: Option<&'a dyn Kind>,
    pub(crate) nodes: Vec<u32>,
    /// What the stack says that it depends on.
    pub(crate) depends_on: Vec<u32>,
    pub(crate) phase: Phase,
    /// The cluster that it is for.
    pub(crate) cluster: Option<ResourceAddress>,
    /// Whether it is a cluster, or gives access to one.
    pub(crate) is_cluster: bool,
    /// Whether an expression reads it.
    pub(crate) is_read: bool,
    /// Its fields and outputs, for expressions, once it is settled and if it is read.
    pub(crate) value: Option<Value>,
}

/// All that one plan is made from, and what was found so far.
pub(crate) struct Inventory<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) owners: Vec<Owner<'a>>,
    owners_by_hash: Finder,
    pub(crate) nodes: Vec<Node<'a>>,
    nodes_by_hash: Finder,
    /// The node at a place, by the hash of the place's identity.
    places_by_hash: Finder,
    observations: Vec<(&'a Locator, &'a Observation)>,
    observations_by_hash: Finder,
    /// Resources with their fields resolved.
    pub(crate) resolved: BTreeMap<ResourceAddress, Resource>,
    /// The places of ARM resources.
    pub(crate) arm_places: BTreeMap<ResourceAddress, Locator>,
    /// What is known of clusters, once it is known.
    pub(crate) standings: BTreeMap<ResourceAddress, Standing<'a>>,
    /// Clusters that recorded objects are in.
    pub(crate) recorded_clusters: BTreeSet<ResourceAddress>,
    /// Resources that `[[moved]]` gives another address: from, to.
    pub(crate) moves: BTreeMap<ResourceAddress, ResourceAddress>,
    pub(crate) questions: Questions,
    pub(crate) errors: Vec<PlanError>,
    pub(crate) notes: Vec<Note>,
    pub(crate) drift: Vec<Drift>,
    pub(crate) inputs: Vec<InputDigest>,
    /// How many nodes are ranked.
    pub(crate) ranked: u32,
}

impl<'a> Inventory<'a> {
    /// An inventory of nothing yet.
    pub(crate) fn new(input: Input<'a>) -> Self {
        let observations: Vec<_> = input.answers.observations.iter().collect();
        let mut observations_by_hash = Finder::with_capacity(observations.len());
        for (number, (locator, _)) in (0..).zip(&observations) {
            observations_by_hash.add(hash_of(locator), number);
        }
        let count = input.records.len();
        Self {
            input,
            owners: Vec::new(),
            owners_by_hash: Finder::default(),
            nodes: Vec::with_capacity(count),
            nodes_by_hash: Finder::with_capacity(count),
            places_by_hash: Finder::with_capacity(count),
            observations,
            observations_by_hash,
            resolved: BTreeMap::new(),
            arm_places: BTreeMap::new(),
            standings: BTreeMap::new(),
            recorded_clusters: BTreeSet::new(),
            moves: BTreeMap::new(),
            questions: Questions::default(),
            errors: Vec::new(),
            notes: input.extra_notes.to_vec(),
            drift: Vec::new(),
            inputs: input.inputs.to_vec(),
            ranked: 0,
        }
    }

    /// The number of a resource that is known.
    pub(crate) fn owner_of(&self, address: &ResourceAddress) -> Option<u32> {
        self.owners_by_hash.find(address, self.owners.len(), |owner| self.owners[owner as usize].address == *address)
    }

    /// The number of a resource, which is entered if it is new.
    pub(crate) fn owner(&mut self, address: &ResourceAddress) -> u32 {
        // What is asked for mostly was entered last.
        let last = self.owners.len().wrapping_sub(1);
        if self.owners.get(last).is_some_and(|owner| owner.address == *address) {
            return last as u32;
        }
        if let Some(owner) = self.owner_of(address) {
            return owner;
        }
        let number = self.owners.len() as u32;
        let kinds = self.input.kinds;
        self.owners.push(Owner {
            address: address.clone(),
            stated: None,
            kind: kinds.kinds.get(address.type_name()).map(|kind| &**kind),
            nodes: Vec::new(),
            depends_on: Vec::new(),
            phase: Phase::Waiting,
            cluster: None,
            is_cluster: false,
            is_read: false,
            value: None,
        });
        self.owners_by_hash.add(hash_of(address), number);
        number
    }

    /// The number of the node at an address, which is entered if it is new.
    pub(crate) fn node(&mut self, address: Address) -> u32 {
        if let Some(known) = self.find(&address) {
            return known;
        }
        self.add_node(address)
    }

    /// Enters a node whose address is new.
    pub(crate) fn add_node(&mut self, address: Address) -> u32 {
        let owner = self.owner(address.resource());
        let number = self.nodes.len() as u32;
        self.nodes_by_hash.add(hash_of(&address), number);
        self.nodes.push(Node::new(address, owner));
        self.owners[owner as usize].nodes.push(number);
        number
    }

    /// The node that is at an address, if there is one.
    pub(crate) fn find(&self, address: &Address) -> Option<u32> {
        self.nodes_by_hash.find(address, self.nodes.len(), |node| self.nodes[node as usize].address == *address)
    }

    /// What was answered about a place.
    pub(crate) fn observation(&self, locator: &Locator) -> Option<&'a Observation> {
        let is_it = |number: u32| *self.observations[number as usize].0 == *locator;
        let number = self.observations_by_hash.find(locator, self.observations.len(), is_it)?;
        Some(self.observations[number as usize].1)
    }

    /// The node of a resource that is one thing.
    pub(crate) fn main(&self, resource: &ResourceAddress) -> Option<u32> {
        self.find(&Address::from(resource.clone()))
    }

    /// Enters the place of a node; gives another node that was there before, and that this one takes over from.
    pub(crate) fn occupy(&mut self, node: u32) -> Option<u32> {
        let locator = self.nodes[node as usize].locator();
        let hash = identity(locator);
        match self.places_by_hash.get(hash, |other| same_place(self.nodes[other as usize].locator(), locator)) {
            None => self.places_by_hash.add(hash, node),
            Some(other) if other == node => {}
            Some(other) => {
                self.places_by_hash.replace(hash, other, node);
                return Some(other);
            }
        }
        None
    }

    /// The wanted or recorded node at a place.
    pub(crate) fn at_place(&self, locator: &Locator) -> Option<u32> {
        self.places_by_hash.get(identity(locator), |node| same_place(self.nodes[node as usize].locator(), locator))
    }

    /// The namespace of an object, if it is a node.
    pub(crate) fn namespace_of(&self, object: &ObjectLocator) -> Option<u32> {
        let name = object.namespace.clone()?;
        self.at_place(&Locator::Object(ObjectLocator {
            cluster: object.cluster.clone(),
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name,
        }))
    }

    /// Says something about a node.
    pub(crate) fn say(&mut self, severity: Severity, code: &str, node: u32, message: String, help: Option<&str>) {
        self.notes.push(Note {
            severity,
            code: code.to_owned(),
            address: Some(self.nodes[node as usize].address.clone()),
            message,
            help: help.map(str::to_owned),
        });
    }

    /// Asks, unless the same was asked already.
    pub(crate) fn ask(&mut self, question: Question) {
        self.questions.add(question);
    }

    /// Whether anything changes, or is recorded and not wanted.
    pub(crate) fn moves_anything(&self) -> bool {
        self.nodes.iter().any(|node| node.draft.is_none() || matches!(node.fate, Fate::Change(_)))
    }

    /// Whether any step changes anything.
    pub(crate) fn changes_anything(&self) -> bool {
        self.nodes.iter().any(|node| matches!(node.fate, Fate::Change(_)))
    }
}

/// The hash of what a place is, whatever version it is asked in.
fn identity(locator: &Locator) -> u64 {
    let mut hasher = DefaultHasher::new();
    match locator {
        Locator::Arm(arm) => arm.id.to_ascii_lowercase().hash(&mut hasher),
        Locator::Object(object) => {
            object.cluster.hash(&mut hasher);
            object.group.hash(&mut hasher);
            object.kind.hash(&mut hasher);
            object.namespace.hash(&mut hasher);
            object.name.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Whether two locators mean the same thing.
pub(crate) fn same_place(one: &Locator, other: &Locator) -> bool {
    match (one, other) {
        (Locator::Arm(one), Locator::Arm(other)) => one.id == other.id || one.id.eq_ignore_ascii_case(&other.id),
        (Locator::Object(one), Locator::Object(other)) => {
            one.cluster == other.cluster
                && one.group == other.group
                && one.kind == other.kind
                && one.namespace == other.namespace
                && one.name == other.name
        }
        (Locator::Arm(_), Locator::Object(_)) | (Locator::Object(_), Locator::Arm(_)) => false,
    }
}
